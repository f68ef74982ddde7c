package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"crieur/publisher"
	"crieur/publisher/app"
)

// publishCommand makes publish, send or post: the same verb for both, mail, or
// social posts.
func publishCommand(s *session, kind app.Kind) *cobra.Command {
	var (
		sel     = app.Selection{Kind: kind}
		article app.ArticleOptions
		o       app.PublishOptions
		dryRun  bool
		yes     bool
		test    string
		at      string
		slot    string
		since   string
		begin   bool
	)
	use, short := "publish SRC…", "send an article to every newsletter and channel"
	switch kind {
	case app.Mails:
		use, short = "send SRC…", "send an article to newsletters, by mail"
	case app.Posts:
		use, short = "post SRC…", "post an article to the social channels"
	}
	c := &cobra.Command{
		Use: use, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if since != "" {
				return cobra.MaximumNArgs(1)(c, args)
			}
			return cobra.MinimumNArgs(1)(c, args)
		},
		Long: short + `.

SRC is a file (Markdown, HTML, text), - for standard input, a web address, or
feed:NAME for the new articles of a source.
What was done before is not done again: run it as often as you like.

With --changed-since, SRC is a folder in a git work tree, such as a Hugo site's:
its articles that are new since that revision are published.`,
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) (err error) {
				if o.At, err = s.when(c, a, at); err != nil {
					return err
				}
				if begin && since == "" {
					return usage("--first is for --changed-since", "leave it out")
				}
				if since != "" {
					if args, err = s.changed(c.Context(), a, since, args, dryRun || test != "" || begin); err != nil || len(args) == 0 {
						return err
					}
				}
				if dryRun {
					return s.plan(c.Context(), a, args, article, sel)
				}
				if test != "" {
					return s.trial(c.Context(), a, args, article, sel, test)
				}
				o.Limited = c.Flags().Changed("max-cost")
				if o.Slot = slot; slot != "" && at != "" {
					return usage("--at and --slot both say when", "give one of them")
				}
				return s.each(c.Context(), a, args, func(src string) (int, error) {
					o.Confirm = s.confirm(a, yes)
					bar := s.progress()
					o.Progress, o.Waiting = bar.step, func() { s.warn([]string{"another crieur is sending; waiting for it to end"}) }
					result, err := a.Publish(c.Context(), src, article, sel, o)
					bar.done()
					if err != nil {
						return 0, err
					}
					if err := a.Taken(c.Context(), src); err != nil {
						return 0, err
					}
					return exitOf(result), s.printResult(result)
				})
			})
		},
	}
	f := c.Flags()
	articleFlags(f, &article)
	selectionFlags(f, &sel)
	f.BoolVar(&dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask before mails and posts leave the machine")
	f.Float64Var(&o.MaxCost, "max-cost", 0, "stop if the posts cost more than this many US dollars (0: if anything does)")
	f.StringVar(&since, "changed-since", "", "publish what is new in a git work tree since this `REVISION`")
	f.BoolVar(&begin, "first", false, "with --changed-since: nothing was published before, so that the state is empty")
	atFlag(f, &at)
	if kind != app.Mails {
		f.StringVar(&slot, "slot", "", "place the posts: next for the first free moment of each channel's slot, or the `NAME` of a slot")
	}
	if kind != app.Posts {
		f.StringVar(&test, "test", "", "send the mails to this one `ADDRESS` only, marked as a test; nothing is recorded")
	}
	return c
}

// changed gives the articles that are new since a revision, and says what becomes of the
// others.
func (s *session) changed(ctx context.Context, a *app.App, since string, args []string, begun bool) ([]string, error) {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	c, err := a.ChangedSince(ctx, since, dir)
	if err != nil {
		return nil, err
	}
	if s.json() {
		if err := s.emit(c); err != nil {
			return nil, err
		}
	} else {
		for _, l := range c.Skipped {
			s.tell("%s is left out: %s", l.Path, l.Why)
		}
		for _, n := range c.Notes {
			s.tell("%s", n)
		}
		if len(c.New) == 0 {
			s.tell("no new article since %s: nothing to do", since)
		}
	}
	if len(c.New) > 0 && !begun {
		return c.New, a.Begun(ctx)
	}
	return c.New, nil
}

func atFlag(f *pflag.FlagSet, at *string) {
	f.StringVar(at, "at", "", `when it may go out: "18:00", "tomorrow 08:00", "2026-12-01 18:00", an RFC 3339 `+"`TIME`"+`, or "now"`)
}

// when reads what --at gave; nil: it was not given.
func (s *session) when(c *cobra.Command, a *app.App, at string) (*app.When, error) {
	if !c.Flags().Changed("at") {
		return nil, nil
	}
	when, err := a.When(at)
	if err == nil && when.Note != "" {
		s.warn([]string{when.Note})
	}
	return &when, err
}

// each does one article after the other, those of a feed too: one that cannot be
// read stops no other. The exit code is theirs where they agree, else that of a job
// partly done.
func (s *session) each(ctx context.Context, a *app.App, args []string, do func(src string) (int, error)) error {
	code := -1
	note := func(one int) {
		switch {
		case code == -1 || code == one:
			code = one
		case code == exitUnknown || one == exitUnknown:
			code = exitUnknown
		default:
			code = exitPartly
		}
	}
	for _, arg := range args {
		articles, err := s.expand(ctx, a, arg, app.FeedTake)
		if err == nil && len(articles) == 0 {
			note(exitDone)
		}
		if err != nil {
			if len(args) == 1 || ctx.Err() != nil {
				return err
			}
			note(s.fail(err))
		}
		for _, src := range articles {
			one, err := do(src)
			if err != nil && (len(args) == 1 && len(articles) == 1 || ctx.Err() != nil) {
				return err
			}
			if err != nil {
				one = s.fail(err)
			}
			note(one)
		}
	}
	if code != exitDone {
		return outcome(code)
	}
	return nil
}

func articleFlags(f *pflag.FlagSet, o *app.ArticleOptions) {
	f.StringVar(&o.URL, "url", "", "the article's own address on the site, where the article does not give it")
	f.StringVar(&o.Original, "original", "", "address of the original that was translated or republished")
	f.StringVar(&o.Language, "language", "", "the article's language, such as fr, where it is not given")
	f.StringVar(&o.ID, "id", "", "the name under which the article counts as published")
	f.StringVar(&o.Format, "format", "", "markdown, html or text, where the name does not tell")
}

func selectionFlags(f *pflag.FlagSet, sel *app.Selection) {
	f.StringSliceVar(&sel.Only, "only", nil, "these newsletters and channels only")
	f.StringSliceVar(&sel.Skip, "skip", nil, "all but these newsletters and channels")
	if sel.Kind != app.Posts {
		f.StringSliceVar(&sel.Newsletters, "newsletter", nil, "these newsletters only, no posts")
		f.StringSliceVar(&sel.Lists, "list", nil, "newsletters to these lists only, no posts")
	}
}

// exitOf gives the exit code of a finished run.
func exitOf(r *app.Result) int {
	done := r.Counts[publisher.StateAccepted.String()]
	unknown := r.Counts[publisher.StateUnknown.String()]
	left := -r.Waiting
	for _, st := range []publisher.State{publisher.StatePlanned, publisher.StateLeased, publisher.StateDeferred,
		publisher.StateFailed, publisher.StateBounced} {
		left += r.Counts[st.String()]
	}
	switch {
	case unknown > 0:
		return exitUnknown
	case left <= 0 && r.Approval:
		return exitApproval
	case left <= 0 || r.NothingToDo:
		return exitDone
	case r.Denied && done == 0:
		return exitDenied
	case done > 0:
		return exitPartly
	}
	return exitFailed
}

// confirm asks before anything leaves the machine. In the sandbox nothing does.
func (s *session) confirm(a *app.App, yes bool) func(*app.Plan) error {
	if yes || !a.Live() {
		return nil
	}
	return func(p *app.Plan) error {
		return s.ask(p.Summary(), "this would leave the machine: "+p.Summary(), "add --yes, or look first with --dry-run")
	}
}

// ask wants a yes from whoever sits there; where nobody does, it refuses.
func (s *session) ask(what, refusal, hint string) error {
	if s.noInput || s.json() || !terminal(s.in) {
		return usage(refusal, hint)
	}
	if !s.agreed(what) {
		return errors.New("not confirmed: nothing was done")
	}
	return nil
}

// agreed asks whether to go on.
func (s *session) agreed(what string) bool {
	fmt.Fprintf(s.err, "%s. Go on? [y/N] ", what)
	answer, _ := bufio.NewReader(s.in).ReadString('\n')
	a := strings.ToLower(strings.TrimSpace(answer))
	return a == "y" || a == "yes" || a == "o" || a == "oui"
}

// trial sends the mails to one address and prints their receipts.
func (s *session) trial(ctx context.Context, a *app.App, args []string, article app.ArticleOptions, sel app.Selection, to string) error {
	articles, err := s.expandAll(ctx, a, args, app.FeedShow)
	if err != nil {
		return err
	}
	for _, src := range articles {
		sent, see, err := a.Trial(ctx, src, article, sel, to)
		if err != nil {
			return err
		}
		if err := s.printTrial(sent, see); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) printTrial(sent []app.Trial, see string) error {
	if s.json() {
		return s.emit(map[string]any{"test": sent, "see": see})
	}
	for _, t := range sent {
		s.tell("test of %s sent to %s: %s", t.Channel, t.To, t.Receipt.Reply)
	}
	if see != "" {
		s.tell("see what arrived: %s", see)
	}
	return nil
}
