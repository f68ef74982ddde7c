package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func queueCommand(s *session) *cobra.Command {
	var next time.Duration
	c := &cobra.Command{
		Use: "queue", Short: "what waits: when it goes out, and why it does not yet", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.with(func(a *app.App) error {
				list, err := a.Queue(c.Context(), next)
				if err != nil {
					return err
				}
				ahead, err := a.Ahead(c.Context(), next)
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(map[string]any{"queue": list, "issues": ahead.Issues, "stranded": ahead.Stranded, "sources": ahead.Sources, "troubles": ahead.Troubles})
				}
				s.ahead(ahead)
				if len(list)+len(ahead.Issues) == 0 {
					s.tell("nothing waits (mode: %s)", a.Mode())
					return nil
				}
				rows := make([][]string, 0, len(list))
				for _, v := range list {
					when := "now"
					if v.Release != nil {
						when = v.Release.Format("Mon 02 Jan 15:04")
					}
					rows = append(rows, []string{v.Issue, when, v.Channel, strconv.Itoa(v.Left), v.Why(), v.Title})
				}
				for _, i := range ahead.Issues {
					title := "no article yet"
					switch {
					case len(i.Titles) > 0:
						title = plural(len(i.Titles), "article", "articles") + ": " + strings.Join(i.Titles, " · ")
					case i.Waiting > 0:
						title = "none as things are: " + plural(i.Waiting, "article waits", "articles wait")
					}
					rows = append(rows, []string{"–", i.At.Format("Mon 02 Jan 15:04"), i.Channel, "–", i.Schedule, title})
				}
				s.titles([]string{"ISSUE", "WHEN", "CHANNEL", "LEFT", "WAITS FOR", "TITLE"}, rows)
				return nil
			})
		},
	}
	c.Flags().DurationVar(&next, "next", 0, "only what is released within this time, such as 24h")
	return c
}

// ahead tells what waits for a person, and what could not be done.
func (s *session) ahead(ahead *app.Ahead) {
	var lines []string
	for _, p := range ahead.Stranded {
		lines = append(lines, fmt.Sprintf("%s: %s for its next issue, and it has no schedule", p.Newsletter, plural(p.Articles, "article waits", "articles wait")))
	}
	for _, held := range ahead.Sources {
		if held.Held > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s held: crieur sources release %s, or crieur sources skip %s", held.Name, plural(held.Held, "article is", "articles are"), held.Name, held.Name))
		}
		if held.Updated > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s changed since: crieur sources", held.Name, plural(held.Updated, "article has", "articles have")))
		}
	}
	s.warn(lines)
	s.troubles(ahead.Troubles)
}

// troubles tells what crieur could not do by itself.
func (s *session) troubles(all []app.TroubleView) {
	var lines []string
	for _, t := range all {
		lines = append(lines, t.Text())
	}
	s.warn(lines)
}

func stopCommand(s *session) *cobra.Command {
	var all bool
	var issue, channel string
	c := &cobra.Command{
		Use: "stop", Short: "begin no more deliveries, in any process, until crieur resume",
		Long: `Begin no more deliveries, in any process on any machine, until crieur resume.
What is on the wire ends; everything else stays planned. It takes effect within
two seconds.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if all == (issue != "" || channel != "") {
				return usage("say what to stop", "crieur stop --all, or --issue ISSUE, or --only CHANNEL")
			}
			return s.with(func(a *app.App) error {
				stop, err := a.Stop(c.Context(), issue, channel)
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(map[string]any{"stopped": map[string]any{"issue": stop.IssueID, "channel": stop.Channel, "who": stop.Who, "since": stop.Since}})
				}
				s.tell("stopped; crieur resume lets it go on")
				return nil
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&all, "all", false, "everything")
	f.StringVar(&issue, "issue", "", "this `ISSUE`")
	f.StringVar(&channel, "only", "", "this newsletter or `CHANNEL`")
	return c
}

func resumeCommand(s *session) *cobra.Command {
	var channel string
	var here bool
	c := &cobra.Command{
		Use: "resume [ISSUE]", Short: "let what was stopped or held go on",
		Long: `Lift every stop; with an issue or channel, only what was stopped for just that,
and end what crieur hold began. It sends nothing: the next run does.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if here && (len(args) > 0 || channel != "") {
				return usage("--here is for the whole state", "crieur resume --here")
			}
			return s.with(func(a *app.App) error {
				resume := func() (app.Resumed, error) { return a.Resume(c.Context(), strings.Join(args, ""), channel) }
				if here {
					resume = func() (app.Resumed, error) { return a.ResumeHere(c.Context()) }
				}
				r, err := resume()
				if err != nil {
					return err
				}
				switch {
				case s.json():
					return s.emit(r)
				case here:
					s.tell("this is where the state is used from now on (%s)", plural(r.Lots, "lot", "lots")+" freed")
				case r.Stops+r.Lots == 0:
					s.tell("nothing was stopped or held")
				default:
					s.tell("resumed: %s lifted, %s freed", plural(r.Stops, "stop", "stops"), plural(r.Lots, "lot", "lots"))
				}
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringVar(&channel, "only", "", "this newsletter or `CHANNEL`")
	f.BoolVar(&here, "here", false, "the state was moved here, and no copy of it sends any more")
	return c
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// decisionCommand makes a verb that does something to what waits of an issue.
func decisionCommand(s *session, use, short, long string, flags func(*cobra.Command), do func(ctx context.Context, a *app.App, issue string, only []string) (app.Decision, error)) *cobra.Command {
	var only []string
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				d, err := do(c.Context(), a, args[0], only)
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(d)
				}
				if len(d.Channels) == 0 {
					s.tell("nothing of %s waits", quoted(d.Title))
				}
				for _, one := range d.Channels {
					s.tell("%s on %s: %s, %s", quoted(d.Title), one.Channel, plural(one.Done, "delivery", "deliveries"), one.What)
				}
				return nil
			})
		},
	}
	c.Flags().StringSliceVar(&only, "only", nil, "these newsletters and channels only")
	if flags != nil {
		flags(c)
	}
	return c
}

func approveCommand(s *session) *cobra.Command {
	var name string
	return decisionCommand(s, "approve ISSUE", "your word that an issue may go out as it is rendered", `Your word that an issue may go out as it is rendered. It goes out once as many
people have given theirs as approval: asks for; another text wants new ones.`,
		func(c *cobra.Command) {
			c.Flags().StringVar(&name, "as", "", "your `NAME` (default: your user name on this machine)")
		},
		func(ctx context.Context, a *app.App, issue string, only []string) (app.Decision, error) {
			return a.Approve(ctx, issue, only, name)
		})
}

func holdCommand(s *session) *cobra.Command {
	return decisionCommand(s, "hold ISSUE", "keep what has not gone out of an issue back", `Keep what has not gone out of an issue back, until crieur resume ISSUE.`, nil,
		func(ctx context.Context, a *app.App, issue string, only []string) (app.Decision, error) {
			return a.Hold(ctx, issue, only)
		})
}

func cancelCommand(s *session) *cobra.Command {
	var yes bool
	return decisionCommand(s, "cancel ISSUE", "call off what has not gone out of an issue", `Call off what has not gone out of an issue, for good. What has gone out stays.`,
		func(c *cobra.Command) {
			c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
		},
		func(ctx context.Context, a *app.App, issue string, only []string) (app.Decision, error) {
			var confirm func(string) error
			if !yes && a.Live() {
				confirm = func(what string) error { return s.ask(what, what, "add --yes") }
			}
			return a.Cancel(ctx, issue, only, confirm)
		})
}
