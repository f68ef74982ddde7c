package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"crieur/publisher/app"
)

func digestCommand(s *session) *cobra.Command {
	var (
		from   app.DigestSources
		o      app.PublishOptions
		dryRun bool
		yes    bool
		test   string
		at     string
	)
	c := &cobra.Command{
		Use: "digest NEWSLETTER SRC…", Short: "send several articles in one letter", Args: cobra.MinimumNArgs(2),
		Long: `Send several articles in one letter of a newsletter: of each its headline, lead
and picture, and the way to its text. The first one stands out.

The same articles in the same order are the same digest, which goes out once.`,
		RunE: func(c *cobra.Command, args []string) error {
			from.Newsletter, from.Sources = args[0], args[1:]
			if err := checkGroup(from.Group); err != nil {
				return err
			}
			return s.with(func(a *app.App) (err error) {
				if o.At, err = s.when(c, a, at); err != nil {
					return err
				}
				use := app.FeedTake
				if dryRun || test != "" {
					use = app.FeedPlan
				}
				if from.Sources, err = s.expandAll(c.Context(), a, from.Sources, use); err != nil || len(from.Sources) == 0 {
					return err
				}
				d, err := a.ReadDigest(c.Context(), from)
				if err != nil {
					return err
				}
				if dryRun {
					p, err := a.PlanDigest(c.Context(), d)
					if err != nil {
						return err
					}
					return s.printPlan(p)
				}
				if test != "" {
					sent, see, err := a.TrialDigest(c.Context(), d, test)
					if err != nil {
						return err
					}
					return s.printTrial(sent, see)
				}
				o.Confirm = s.confirm(a, yes)
				bar := s.progress()
				o.Progress, o.Waiting = bar.step, func() { s.warn([]string{"another crieur is sending; waiting for it to end"}) }
				r, err := a.PublishDigest(c.Context(), d, o)
				bar.done()
				if err != nil {
					return err
				}
				for _, src := range from.Sources {
					if err := a.Taken(c.Context(), src); err != nil {
						return err
					}
				}
				if err := s.printResult(r); err != nil {
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
	groupFlag(f, &from.Group)
	atFlag(f, &at)
	f.BoolVar(&dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask before mails leave the machine")
	f.StringVar(&test, "test", "", "send the letter to this one `ADDRESS` only, marked as a test; nothing is recorded")
	return c
}

// digestFlags are those by which a verb for one article takes a digest's.
func digestFlags(f *pflag.FlagSet, d *app.DigestSources) {
	f.StringVar(&d.Newsletter, "digest", "", "all of SRC… in one letter of this `NEWSLETTER`")
	groupFlag(f, &d.Group)
}

// digestArgs wants one article, or with --digest any number of them.
func digestArgs(d *app.DigestSources) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if d.Newsletter != "" {
			if err := checkGroup(d.Group); err != nil {
				return err
			}
			return cobra.MinimumNArgs(1)(c, args)
		}
		if d.Group != "" {
			return usage("--group is for digests: add --digest NEWSLETTER", "")
		}
		return cobra.ExactArgs(1)(c, args)
	}
}

func groupFlag(f *pflag.FlagSet, group *string) {
	f.StringVar(group, "group", "", "sections of the letter: tag (each article's first) or source")
}

func checkGroup(group string) error {
	if group != "" && group != "tag" && group != "source" {
		return usage("there is no grouping by "+group, "--group takes tag or source")
	}
	return nil
}
