package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func sourcesCommand(s *session) *cobra.Command {
	c := &cobra.Command{Use: "sources", Short: "the feeds that articles come from", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(
		&cobra.Command{Use: "ls", Short: "how each source stands", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return s.with(func(a *app.App) error {
					views, err := a.Sources(c.Context())
					if err != nil {
						return err
					}
					return s.printSources(views)
				})
			}},
		&cobra.Command{Use: "poll [NAME…]", Short: "look at sources now, and publish nothing",
			RunE: func(c *cobra.Command, args []string) error {
				return s.with(func(a *app.App) error { return s.poll(c, a, args) })
			}},
		sourcesMove(s, "release NAME", "make new what is held of a source", "new now", (*app.App).ReleaseSource),
		sourcesMove(s, "skip NAME", "leave what is new, held or changed of a source as it is", "passed over", (*app.App).SkipSource),
	)
	return c
}

// poll looks at sources one after the other: one that fails stops no other.
func (s *session) poll(c *cobra.Command, a *app.App, names []string) error {
	if len(names) == 0 {
		names = a.SourceNames()
	}
	views := []app.SourceView{}
	failed := 0
	for _, name := range names {
		v, err := a.LookAt(c.Context(), name)
		if err != nil {
			return err
		}
		s.warn(v.Warnings)
		if v.Problem != "" {
			failed++
		}
		views = append(views, v)
	}
	if err := s.printSources(views); err != nil {
		return err
	}
	switch {
	case failed > 0 && failed == len(views):
		return outcome(exitFailed)
	case failed > 0:
		return outcome(exitPartly)
	}
	return nil
}

func (s *session) printSources(views []app.SourceView) error {
	if s.json() {
		return s.emit(map[string]any{"sources": views})
	}
	if len(views) == 0 {
		s.tell("no sources yet: add a feed under sources: in the configuration")
		return nil
	}
	moment := func(t *time.Time) string {
		if t == nil {
			return "–"
		}
		return t.Format("2006-01-02 15:04")
	}
	var rows [][]string
	for _, v := range views {
		what := v.Problem
		if what == "" {
			what = v.Title
		}
		rows = append(rows, []string{v.Name, moment(v.Last), moment(v.Next), fmt.Sprint(v.New), fmt.Sprint(v.Held), fmt.Sprint(v.Updated), what})
	}
	table(s.out, s.columns(), []string{"SOURCE", "LAST", "NEXT", "NEW", "HELD", "CHANGED", "TITLE OR PROBLEM"}, rows)
	return nil
}

func sourcesMove(s *session, use, short, done string, move func(*app.App, context.Context, string) (int, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				n, err := move(a, c.Context(), args[0])
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(map[string]any{"source": args[0], "entries": n})
				}
				s.tell("%s: %d %s", args[0], n, done)
				return nil
			})
		}}
}

// expand gives the articles behind an argument: those of a feed one by one.
func (s *session) expand(ctx context.Context, a *app.App, src string, use app.FeedUse) ([]string, error) {
	names, warnings, err := a.Expand(ctx, src, use)
	if err != nil {
		return nil, err
	}
	s.warn(warnings)
	if len(names) == 0 && s.json() {
		return nil, s.emit(map[string]any{"source": src, "nothing_to_do": true, "warnings": append([]string{}, warnings...)})
	}
	if len(names) == 0 {
		s.tell("%s: nothing new", src)
	}
	return names, nil
}

func (s *session) expandAll(ctx context.Context, a *app.App, args []string, use app.FeedUse) ([]string, error) {
	var out []string
	for _, src := range args {
		names, err := s.expand(ctx, a, src, use)
		if err != nil {
			return nil, err
		}
		out = append(out, names...)
	}
	return out, nil
}
