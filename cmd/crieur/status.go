package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"crieur/publisher"
	"crieur/publisher/app"
)

func statusCommand(s *session) *cobra.Command {
	var states []string
	c := &cobra.Command{
		Use: "status [ISSUE]", Short: "what was published and how it ended",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				if len(args) == 1 {
					return s.issue(c, a, args[0], states)
				}
				if len(states) > 0 {
					return usage("--state-is needs an issue", "crieur status lists them")
				}
				list, err := a.Status(c.Context())
				if err != nil {
					return err
				}
				stopped, err := a.Stopped(c.Context())
				if err != nil {
					return err
				}
				workers, err := a.Workers(c.Context())
				if err != nil {
					return err
				}
				troubles, err := a.Troubles(c.Context())
				if err != nil {
					return err
				}
				warming, err := a.Warming(c.Context())
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(map[string]any{"issues": list, "stopped": stopped, "workers": workers, "troubles": troubles, "warmup": warming})
				}
				s.warn(stopped)
				s.troubles(troubles)
				for _, w := range warming {
					s.warmup(w)
				}
				s.workers(workers)
				if len(list) == 0 {
					s.tell("nothing was published yet (mode: %s)", a.Mode())
					return nil
				}
				rows := make([][]string, 0, len(list))
				for _, i := range list {
					name := i.Newsletter
					if name == "" {
						name = "posts"
					}
					rows = append(rows, []string{i.ID, i.Created.Format("2006-01-02 15:04"), name, counts(i.Counts), i.Title})
				}
				s.titles([]string{"ISSUE", "SINCE", "WHAT", "STATE", "TITLE"}, rows)
				return nil
			})
		},
	}
	c.Flags().StringSliceVar(&states, "state-is", nil, "only deliveries in these states, such as unknown,failed")
	return c
}

// workers prints who works by itself, if anybody does or did.
func (s *session) workers(all []app.WorkerView) {
	var problems []string
	for _, w := range all {
		state := "works since " + w.Started.Format("2006-01-02 15:04")
		if !w.Alive {
			state = "died, last seen " + w.Seen.Format("2006-01-02 15:04:05")
		}
		s.tell("%s (%d, %s): %s", w.Host, w.PID, strings.Join(w.Roles, ", "), state)
		if w.Problem != "" && w.Alive {
			problems = append(problems, "the configuration on disk is not in use: "+w.Problem)
		}
	}
	s.warn(problems)
}

func (s *session) issue(c *cobra.Command, a *app.App, id string, states []string) error {
	var wanted []publisher.State
	for _, name := range states {
		st, ok := stateOf(name)
		if !ok {
			return usage("no state "+name, "the states are: "+fmt.Sprint(publisher.States()))
		}
		wanted = append(wanted, st)
	}
	v, err := a.Issue(c.Context(), id, wanted)
	if err != nil {
		return err
	}
	if s.json() {
		return s.emit(v)
	}
	s.verbose = true // who asks for one issue wants all of it
	s.deliveries(v.Deliveries, 0)
	s.tell("%s: %s", quoted(v.Title), counts(v.Counts))
	return nil
}

func stateOf(name string) (publisher.State, bool) {
	for _, st := range publisher.States() {
		if st.String() == name {
			return st, true
		}
	}
	return 0, false
}

func retryCommand(s *session) *cobra.Command {
	var o app.RetryOptions
	var yes bool
	c := &cobra.Command{
		Use: "retry [ISSUE]", Short: "try again what failed or waits, never what was accepted",
		Long: `Try again what failed or waits. What was accepted is never sent again.
What is perhaps done stays as it is unless --unknown says to send it again:
under the same Message-ID and the same key.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				if len(args) == 1 {
					o.Issue = args[0]
				}
				o.Confirm = s.confirm(a, yes)
				bar := s.progress()
				o.Progress, o.Waiting = bar.step, func() { s.warn([]string{"another crieur is sending; waiting for it to end"}) }
				r, err := a.Retry(c.Context(), o)
				bar.done()
				if err != nil {
					return err
				}
				if r.NothingToDo && !s.json() {
					s.warn(r.Warnings)
					s.tell("nothing to retry")
				} else if err := s.printResult(r); err != nil {
					return err
				}
				if code := exitOf(r); code != exitDone {
					return outcome(code)
				}
				return nil
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&o.Unknown, "unknown", false, "also what is perhaps done")
	f.StringSliceVar(&o.Channels, "only", nil, "these newsletters and channels only")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask before mails and posts leave the machine")
	return c
}
