package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func sandboxCommand(s *session) *cobra.Command {
	var faults []string
	var clear bool
	c := &cobra.Command{
		Use: "sandbox", Short: "run the sandbox's servers, and show what arrives",
		Long: `Run the sandbox as a process of its own: an SMTP server and the networks' APIs
on loopback, and a page that shows what arrived. Publishing in mode: sandbox
finds it by itself. Readers' links in the mails work while it runs.

--fault makes a server fail on demand: NETWORK=WHAT[@SHARE][:TIMES], such as
x=503, mastodon=hangup-after, smtp=451@0.1 or bluesky=429:2.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.with(func(a *app.App) error {
				return a.Sandbox(c.Context(), app.SandboxOptions{Faults: faults, Clear: clear, Ready: func(i app.SandboxInfo) {
					if s.json() {
						_ = s.emit(i)
						return
					}
					s.tell("what arrives: %s", i.Page)
					s.tell("SMTP on %s; readers' pages on %s", i.SMTP, i.Public)
					for _, f := range faults {
						s.tell("fails on demand: %s", f)
					}
				}})
			})
		},
	}
	c.Flags().StringArrayVar(&faults, "fault", nil, "what fails, and how: `NETWORK=WHAT`")
	c.Flags().BoolVar(&clear, "clear", false, "forget what arrived before")
	return c
}

func previewCommand(s *session) *cobra.Command {
	var article app.ArticleOptions
	var sel app.Selection
	var o app.PreviewOptions
	var digest app.DigestSources
	c := &cobra.Command{
		Use: "preview SRC", Short: "show every rendering in the browser, live",
		Args: digestArgs(&digest),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				o.Ready = func(where string) {
					if s.json() {
						_ = s.emit(map[string]string{"preview": where})
						return
					}
					s.tell("preview: %s", where)
				}
				articles, err := s.expandAll(c.Context(), a, args, app.FeedShow)
				if err != nil || len(articles) == 0 {
					return err
				}
				if digest.Newsletter != "" {
					digest.Sources, digest.Options = articles, article
					return a.PreviewDigest(c.Context(), digest, o)
				}
				for _, other := range articles[:len(articles)-1] {
					s.warn([]string{"this is the newest of several; another: " + other})
				}
				return a.Preview(c.Context(), articles[len(articles)-1], article, sel, o)
			})
		},
	}
	articleFlags(c.Flags(), &article)
	selectionFlags(c.Flags(), &sel)
	digestFlags(c.Flags(), &digest)
	c.Flags().StringVar(&o.Out, "out", "", "write the preview into this `FOLDER` instead of serving it")
	c.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:0", "address to serve the preview on")
	return c
}

func templatesCommand(s *session) *cobra.Command {
	c := &cobra.Command{Use: "templates", Short: "list the templates, or copy them to change them", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(&cobra.Command{
		Use: "ls", Short: "list the templates and which are your own", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return s.with(func(a *app.App) error {
				files := a.Templates()
				if s.json() {
					return s.emit(map[string]any{"templates": files})
				}
				rows := make([][]string, 0, len(files))
				for _, f := range files {
					whose := "built in"
					if f.Own {
						whose = "yours"
					}
					rows = append(rows, []string{f.Name, whose})
				}
				table(s.out, s.columns(), []string{"TEMPLATE", "WHOSE"}, rows)
				return nil
			})
		},
	}, &cobra.Command{
		Use: "eject [NAME…]", Short: "copy templates into your folder; never overwrites",
		RunE: func(_ *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				written, kept, err := a.Eject(args)
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(map[string][]string{"written": written, "kept": kept})
				}
				for _, f := range written {
					s.tell("written: %s", f)
				}
				for _, f := range kept {
					s.tell("kept as it is: %s", f)
				}
				return nil
			})
		},
	})
	return c
}

func versionCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := app.Version(version)
			if s.json() {
				return s.emit(v)
			}
			fmt.Fprintf(s.out, "crieur %s (%s)\n", v.Version, strings.Join([]string{v.Go, v.System}, ", "))
			return nil
		},
	}
}

func checkCommand(s *session) *cobra.Command {
	var schema bool
	c := &cobra.Command{
		Use: "check", Short: "check configuration, templates and secrets, without the network", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if schema {
				data, err := app.Schema()
				if err != nil {
					return err
				}
				_, err = s.out.Write(data)
				return err
			}
			return s.with(func(a *app.App) error {
				r := a.Check()
				if s.json() {
					return s.emit(r)
				}
				s.warn(r.Warnings)
				s.tell("%s: %s", r.Config, r.Summary())
				return nil
			})
		},
	}
	c.Flags().BoolVar(&schema, "schema", false, "print the JSON schema of config.yaml instead")
	return c
}

func initCommand(s *session) *cobra.Command {
	var o app.InitOptions
	c := &cobra.Command{
		Use: "init [URL|DIR]", Short: "look at a site and write config.yaml and .env for it",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Site = args[0]
			}
			o.Config = s.config
			r, err := app.Init(c.Context(), o)
			if err != nil {
				return err
			}
			if s.json() {
				return s.emit(r)
			}
			s.warn(r.Warnings)
			for _, f := range r.Found {
				s.tell("found: %s", f)
			}
			for _, f := range r.Written {
				s.tell("written: %s", f)
			}
			s.tell("mode is sandbox: nothing leaves this machine until you say so")
			s.tell("next: crieur preview ARTICLE, then crieur publish ARTICLE")
			return nil
		},
	}
	f := c.Flags()
	f.BoolVar(&o.Force, "force", false, "overwrite an existing config.yaml")
	f.BoolVar(&o.AllowPrivate, "allow-private", false, "the site may stand on a private address")
	return c
}
