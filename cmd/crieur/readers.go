package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"crieur/publisher"
	"crieur/publisher/app"
)

func importCommand(s *session) *cobra.Command {
	var o app.ImportOptions
	c := &cobra.Command{
		Use: "import FILE.csv", Short: "bring readers in from a CSV table",
		Long: `Bring readers in from a CSV file (or -): a head row with a column email
(courriel, e-mail…), and optionally name (nom, prénom), language (langue),
status and date. Comma, semicolon or tab; UTF-8 or Windows-1252. Nobody who
left, or who is never to be written to, is subscribed again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				var in io.Reader = s.in
				if args[0] != "-" {
					f, err := os.Open(args[0])
					if err != nil {
						return usage(err.Error(), "give the path of a CSV file, or - for standard input")
					}
					defer f.Close()
					in = f
				}
				o.Name = args[0]
				r, err := a.Import(c.Context(), in, o)
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(r)
				}
				for i, e := range r.Invalid {
					if i == 10 && !s.verbose {
						fmt.Fprintf(s.err, "crieur: warning: … and %d more rows; -v lists them\n", len(r.Invalid)-i)
						break
					}
					fmt.Fprintf(s.err, "crieur: warning: %s:%d: %s\n", args[0], e.Line, e.Reason)
				}
				verb := "imported"
				if o.DryRun {
					verb = "would import"
				}
				s.tell("%s into %s: %s", verb, r.List, imported(r))
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.List, "list", "", "the list (default: the only one)")
	f.StringVar(&o.Consent, "consent", "", "where the readers' consent came from, such as “Mailchimp 2019–2026”")
	f.BoolVar(&o.DryRun, "dry-run", false, "read and check, change nothing")
	return c
}

// imported says what became of a table's rows. They add up; what there was none
// of is left out.
func imported(r app.ImportReport) string {
	parts := []string{plural(r.Rows, "row", "rows"), fmt.Sprintf("%d new", r.Added)}
	for _, p := range []struct {
		n    int
		what string
	}{{r.Updated, "changed"}, {r.Unchanged, "already there"}, {r.Kept, "left before and kept out"},
		{r.Duplicates, "twice in the table"}, {r.Refused, "not valid"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

func subscribersCommand(s *session) *cobra.Command {
	c := &cobra.Command{Use: "subscribers", Short: "add, list and remove readers", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(subscribersAdd(s), subscribersList(s), subscribersRemove(s))
	return c
}

func subscribersAdd(s *session) *cobra.Command {
	var o app.AddOptions
	c := &cobra.Command{
		Use: "add ADDRESS…", Short: "put readers on a list", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				for _, address := range args {
					o.Address = address
					done, err := a.AddSubscriber(c.Context(), o)
					if err != nil {
						return err
					}
					if s.json() {
						if err := s.emit(done); err != nil {
							return err
						}
						continue
					}
					s.tell("%s: %s", done.Email, done.What)
				}
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.List, "list", "", "the list (default: the only one)")
	f.StringVar(&o.Name, "name", "", "the reader's name")
	f.StringVar(&o.Language, "language", "", "the reader's language, such as fr")
	f.BoolVar(&o.Again, "again", false, "also readers who had left or were erased: they asked for it")
	f.StringVar(&o.Consent, "consent", "command line", "where the reader's consent came from")
	return c
}

func subscribersList(s *session) *cobra.Command {
	var list string
	c := &cobra.Command{
		Use: "ls", Short: "list readers and their subscriptions", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.with(func(a *app.App) error {
				var rows [][]string
				all := []app.SubscriberView{}
				err := a.Subscribers(c.Context(), list, func(v app.SubscriberView) error {
					if s.json() {
						all = append(all, v)
						return nil
					}
					var subs []string
					for _, x := range v.Subscriptions {
						subs = append(subs, x.List+" ("+x.Status.String()+")")
					}
					rows = append(rows, []string{v.Email, v.Name, v.Language, strings.Join(subs, ", ")})
					return nil
				})
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(map[string]any{"subscribers": all})
				}
				if len(rows) == 0 {
					s.tell("no readers yet: crieur import readers.csv, or crieur subscribers add ADDRESS")
					return nil
				}
				table(s.out, s.columns(), []string{"ADDRESS", "NAME", "LANGUAGE", "LISTS"}, rows)
				return nil
			})
		},
	}
	c.Flags().StringVar(&list, "list", "", "readers of this list only")
	return c
}

func subscribersRemove(s *session) *cobra.Command {
	c := &cobra.Command{
		Use: "rm ADDRESS…", Short: "erase readers, so that no import brings them back",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(func(a *app.App) error {
				missing := 0
				for _, address := range args {
					err := a.RemoveSubscriber(c.Context(), address)
					if publisher.KindOf(err) == publisher.NotFound {
						missing++
						s.warn([]string{address + " is no reader"})
						continue
					}
					if err != nil {
						return err
					}
					s.tell("%s: erased", address)
				}
				if s.json() {
					if err := s.emit(map[string]int{"removed": len(args) - missing, "missing": missing}); err != nil {
						return err
					}
				}
				if missing == len(args) {
					return outcome(exitUsage)
				}
				return nil
			})
		},
	}
	return c
}
