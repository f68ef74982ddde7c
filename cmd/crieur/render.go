package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func renderCommand(s *session) *cobra.Command {
	var article app.ArticleOptions
	var channel string
	var text bool
	var digest app.DigestSources
	c := &cobra.Command{
		Use: "render SRC --channel NAME", Short: "print one rendering: a mail, or posts",
		Args: digestArgs(&digest),
		RunE: func(c *cobra.Command, args []string) error {
			if channel == "" && digest.Newsletter == "" {
				return usage("no channel given", "crieur render "+args[0]+" --channel NAME, with a newsletter's or channel's name")
			}
			return s.with(func(a *app.App) error {
				articles, err := s.expandAll(c.Context(), a, args, app.FeedShow)
				if err != nil {
					return err
				}
				if digest.Newsletter != "" && len(articles) > 0 {
					digest.Sources, digest.Options = articles, article
					return s.renderDigest(c.Context(), a, digest, text)
				}
				for _, src := range articles {
					r, err := a.Render(c.Context(), src, article, channel)
					if err != nil {
						return err
					}
					if err := s.printRendering(r, text); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	articleFlags(c.Flags(), &article)
	digestFlags(c.Flags(), &digest)
	c.Flags().StringVar(&channel, "channel", "", "the newsletter's or channel's `NAME`")
	c.Flags().BoolVar(&text, "text", false, "a mail's plain text instead of its HTML")
	return c
}

func (s *session) renderDigest(ctx context.Context, a *app.App, from app.DigestSources, text bool) error {
	d, err := a.ReadDigest(ctx, from)
	if err != nil {
		return err
	}
	r, err := a.RenderDigest(ctx, d)
	if err != nil {
		return err
	}
	return s.printRendering(r, text)
}

func (s *session) printRendering(r *app.RenderingView, text bool) error {
	if s.json() {
		return s.emit(r)
	}
	s.warn(r.Warnings)
	switch {
	case r.Parts != nil:
		for i, p := range r.Parts {
			if i > 0 {
				fmt.Fprintln(s.out, strings.Repeat("─", 20))
			}
			fmt.Fprintln(s.out, p.Text)
			s.tell("\n[%d of %d]", p.Length, p.Limit)
		}
	case text:
		fmt.Fprint(s.out, r.Text)
	default:
		fmt.Fprint(s.out, r.HTML)
	}
	return nil
}
