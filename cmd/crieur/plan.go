package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func planCommand(s *session) *cobra.Command {
	var sel app.Selection
	var article app.ArticleOptions
	var routes bool
	var source string
	var next time.Duration
	c := &cobra.Command{
		Use: "plan SRC…", Short: "say what publish would do, to how many, at what cost",
		Long: `Say what publish would do, to how many, at what cost. Nothing is sent and
nothing is planned.

With --routes: where the routes of the configuration would send the article if a
source brought it, and when. With --next and no SRC: what goes out by itself in
the time to come.`,
		Args: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("next") {
				return cobra.ExactArgs(0)(c, args)
			}
			return cobra.MinimumNArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && next <= 0:
				return usage("--next wants a time to come", "such as --next 24h")
			case routes && narrowed(sel), len(args) == 0 && (routes || narrowed(sel)):
				return usage("--only, --skip, --newsletter and --list say what you send yourself; --routes and --next show what goes by itself", "give one or the other")
			case source != "" && !routes:
				return usage("--source tells the routes where an article comes from", "add --routes")
			}
			return s.with(func(a *app.App) error {
				switch {
				case len(args) == 0:
					return s.coming(c.Context(), a, next)
				case routes:
					return s.planRoutes(c.Context(), a, args, article, source)
				}
				return s.plan(c.Context(), a, args, article, sel)
			})
		},
	}
	f := c.Flags()
	articleFlags(f, &article)
	selectionFlags(f, &sel)
	f.BoolVar(&routes, "routes", false, "say where the routes would send it, and when")
	f.StringVar(&source, "source", "", "with --routes: as if the source of this `NAME` had brought it")
	f.DurationVar(&next, "next", 0, "say what goes out by itself within this `TIME`, such as 24h")
	return c
}

// narrowed reports whether the command line chooses what an article goes to.
func narrowed(sel app.Selection) bool {
	return len(sel.Only)+len(sel.Skip)+len(sel.Newsletters)+len(sel.Lists) > 0
}

func (s *session) plan(ctx context.Context, a *app.App, args []string, article app.ArticleOptions, sel app.Selection) error {
	articles, err := s.expandAll(ctx, a, args, app.FeedPlan)
	if err != nil {
		return err
	}
	for _, src := range articles {
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
