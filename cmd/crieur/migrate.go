package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func migrateCommand(s *session) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "migrate", Short: "bring the state's tables up to date, or move it to PostgreSQL", Args: cobra.NoArgs,
		Long: `Bring the state's tables up to date. Every verb does so by itself; this one only
says which version they have.

--to moves the SQLite state of the present mode into an empty PostgreSQL
database: all or nothing, counted. The old one is then shut, so that nothing is
sent from both; set state.dsn to go on.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.with(func(a *app.App) error {
				r, err := s.migrate(c, a, to)
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(r)
				}
				if len(r.Moved) > 0 {
					var rows [][]string
					for _, m := range r.Moved {
						if m.Rows == 0 && !s.verbose {
							continue
						}
						rows = append(rows, []string{m.Table, strconv.FormatInt(m.Rows, 10)})
					}
					s.titles([]string{"TABLE", "ROWS"}, rows)
				}
				s.tell("%s (%s): tables of version %d, queue of version %d", r.Where, r.Store, r.Table, r.Queue)
				if len(r.Moved) > 0 {
					s.tell("the old state is shut; now set state.dsn in config.yaml, or CRIEUR_STATE_DSN")
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&to, "to", "", "move to this `DATABASE`, such as postgres://user:password@host/name")
	return c
}

func (s *session) migrate(c *cobra.Command, a *app.App, to string) (*app.MigrateReport, error) {
	if to == "" {
		return a.Migrate(c.Context())
	}
	return a.Move(c.Context(), to, func() { s.warn([]string{"another crieur is sending; waiting for it to end"}) })
}
