package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func planCommand(s *session) *cobra.Command {
	var sel app.Selection
	var article app.ArticleOptions
	c := &cobra.Command{
		Use: "plan SRC…", Short: "say what publish would do, to how many, at what cost",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error { return s.plan(c.Context(), a, args, article, sel) })
		},
	}
	articleFlags(c.Flags(), &article)
	selectionFlags(c.Flags(), &sel)
	return c
}

func (s *session) plan(ctx context.Context, a *app.App, args []string, article app.ArticleOptions, sel app.Selection) error {
	for _, src := range args {
		p, err := a.Plan(ctx, src, article, sel)
		if err != nil {
			return err
		}
		if err := s.printPlan(p); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) printPlan(p *app.Plan) error {
	if s.json() {
		return s.emit(p)
	}
	s.warn(p.Warnings)
	rows := make([][]string, 0, len(p.Effects))
	for _, e := range p.Effects {
		rows = append(rows, []string{e.Channel, e.Network, fmt.Sprint(e.New), fmt.Sprint(e.Done), e.Price(), e.Summary})
	}
	s.titles([]string{"CHANNEL", "NETWORK", "NEW", "BEFORE", "COST", "WHAT"}, rows)
	s.tell("%s: %s (mode: %s)", quoted(p.Article.Title), p.Summary(), p.Mode)
	return nil
}
