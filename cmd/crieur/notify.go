package main

import (
	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func notifyCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "notify", Short: "tell the owner by mail what is new", Args: cobra.NoArgs,
		Long: `Send the owner's mails that are due: proofs of what waits (proof.to), what is
held and why, how issues ended, and which network refuses our login (report.to).
Each is sent once.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.with(func(a *app.App) error {
				n, err := a.Notify(c.Context())
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(n)
				}
				if n.Total() == 0 {
					s.tell("nothing new to tell")
					return nil
				}
				s.tell("%d proofs, %d reports, %d notices of what is held, %d of refused logins", n.Proofs, n.Reports, n.Holds, n.Logins)
				return nil
			})
		},
	}
}
