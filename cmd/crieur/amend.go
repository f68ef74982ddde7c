package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func correctCommand(s *session) *cobra.Command {
	var article app.ArticleOptions
	var o app.AmendOptions
	var yes bool
	c := &cobra.Command{
		Use: "correct SRC", Short: "correct an article that has gone out", Args: cobra.ExactArgs(1),
		Long: `Bring what has gone out of an article to the text that it has now: posts are
edited where their network can, web copies are replaced, what has not gone out
yet goes out corrected. Mails cannot be changed; readers find an erratum in the
newsletter's next letter.`,
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				o.Confirm = s.confirmAmendment(a, yes)
				m, err := a.Correct(c.Context(), args[0], article, o)
				if err != nil {
					return err
				}
				return s.printAmendment(m, "is everywhere as it is now")
			})
		},
	}
	articleFlags(c.Flags(), &article)
	c.Flags().StringVar(&o.Note, "note", "", "what was wrong and what is right, for the erratum")
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "say what would be done, and do nothing")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask first")
	return c
}

func retractCommand(s *session) *cobra.Command {
	var o app.AmendOptions
	var yes bool
	c := &cobra.Command{
		Use: "retract ISSUE", Short: "take back what has gone out, as far as that can be done", Args: cobra.ExactArgs(1),
		Long: `Take an issue back: posts are deleted where their network can, what waits is
cancelled, and a notice stands in the place of the web copy. Mails that arrived
stay where they are.`,
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				o.Confirm = s.confirmAmendment(a, yes)
				m, err := a.Retract(c.Context(), args[0], o)
				if err != nil {
					return err
				}
				return s.printAmendment(m, "was taken back before")
			})
		},
	}
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "say what would be done, and do nothing")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask first")
	return c
}

// confirmAmendment asks before anything that others see is changed.
func (s *session) confirmAmendment(a *app.App, yes bool) func(*app.Amendment) error {
	if yes || !a.Live() {
		return nil
	}
	return func(m *app.Amendment) error {
		what := fmt.Sprintf("%s: %d steps", quoted(m.Title), m.ToDo())
		if s.noInput || s.json() || !terminal(s.in) {
			return usage("this would change what others see: "+what, "add --yes, or look first with --dry-run")
		}
		s.steps(m)
		if !s.agreed(what) {
			return errors.New("not confirmed: nothing was changed")
		}
		return nil
	}
}

// printAmendment shows how an amendment ended, and gives its exit code.
func (s *session) printAmendment(m *app.Amendment, nothing string) error {
	if s.json() {
		if err := s.emit(m); err != nil {
			return err
		}
	} else {
		s.warn(m.Warnings)
		if len(m.Steps) == 0 {
			s.tell("nothing to do: %s %s", quoted(m.Title), nothing)
		}
		s.steps(m)
		if m.See != "" {
			s.tell("see what stands: %s", m.See)
		}
	}
	switch {
	case m.DryRun:
	case m.Denied() && m.Done() == 0:
		return outcome(exitDenied)
	case m.Failed() > 0 && m.Done() == 0:
		return outcome(exitFailed)
	case m.Failed()+m.Impossible() > 0:
		return outcome(exitPartly)
	}
	return nil
}

func (s *session) steps(m *app.Amendment) {
	rows := make([][]string, 0, len(m.Steps))
	for _, step := range m.Steps {
		what := step.Detail
		if what == "" {
			what = step.URL
		}
		if step.Act == "cancel" {
			what = fmt.Sprintf("%d that had not gone out", step.Count)
		}
		rows = append(rows, []string{step.Channel, step.Act, string(step.State), what})
	}
	if len(rows) > 0 && !s.quiet {
		table(s.out, s.columns(), []string{"CHANNEL", "ACT", "STATE", "WHAT"}, rows)
	}
}
