package main

import (
	"fmt"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func serviceCommand(s *session) *cobra.Command {
	c := &cobra.Command{Use: "service", Short: "have systemd run serve", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var o app.ServiceOptions
	var show, force bool
	install := &cobra.Command{
		Use: "install", Short: "write a hardened systemd unit that runs serve", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return s.with(func(a *app.App) (err error) {
				if o.Binary == "" {
					if o.Binary, err = os.Executable(); err != nil {
						return err
					}
				}
				unit, err := a.Service(o)
				if err != nil {
					return err
				}
				if !show {
					if err := unit.Install(force); err != nil {
						return err
					}
				}
				switch {
				case s.json():
					return s.emit(unit)
				case show:
					_, err := fmt.Fprint(s.out, unit.Unit)
					return err
				}
				s.tell("written: %s", unit.Path)
				for _, next := range unit.Next {
					s.tell("next: %s", next)
				}
				return nil
			})
		},
	}
	f := install.Flags()
	f.BoolVar(&o.User, "user", false, "for yourself alone, without root")
	f.BoolVar(&show, "print", false, "print it instead of writing it")
	f.BoolVar(&force, "force", false, "overwrite another unit of that name")
	f.StringVar(&o.As, "as", invoker(), "the `USER` that it runs as")
	f.StringVar(&o.Dir, "dir", "", "write it into this `FOLDER`")
	f.StringVar(&o.Binary, "binary", "", "the `PROGRAM` that it runs (default: this one)")
	c.AddCommand(install)
	return c
}

// invoker is who asks, and not root on their behalf.
func invoker() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "root"
}
