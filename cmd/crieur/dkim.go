package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func dkimCommand(s *session) *cobra.Command {
	c := &cobra.Command{Use: "dkim", Short: "make the keys that mails are signed with", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var o app.DKIMOptions
	fresh := &cobra.Command{
		Use: "new DOMAIN", Short: "make an RSA and an Ed25519 key, and say what to do with them",
		Long: `Make an RSA and an Ed25519 key for the domain after the @ of the sender, in
files that you alone can read, and print what to add to the DNS and to
config.yaml. Nothing is overwritten: for new keys give a new selector, and keep
the old records until the last mails signed with them have arrived.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o.Domain, o.Config = args[0], s.config
			r, err := app.NewDKIM(o)
			if err != nil {
				return err
			}
			if s.json() {
				return s.emit(r)
			}
			for _, f := range r.Written {
				s.tell("written: %s", f)
			}
			s.tell("\nadd to the DNS of %s; where a form has one field for the value, leave out", r.Domain)
			s.tell("the quotes and what stands between them:\n")
			for _, record := range r.Records {
				fmt.Fprintln(s.out, record.Zone())
			}
			s.tell("\nadd to config.yaml:\n")
			fmt.Fprintln(s.out, strings.TrimSuffix(r.Config, "\n"))
			s.tell("\ncrieur doctor says when DNS has them")
			return nil
		},
	}
	fresh.Flags().StringVar(&o.Selector, "selector", "", "`NAME` of the record in DNS (default: crieur and the month)")
	fresh.Flags().StringVar(&o.Dir, "dir", "", "`FOLDER` of the keys (default: dkim beside the configuration)")
	c.AddCommand(fresh)
	return c
}
