package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

func doctorCommand(s *session) *cobra.Command {
	var o app.DoctorOptions
	c := &cobra.Command{
		Use: "doctor", Short: "look at servers, DNS and accounts, and say what to do", Args: cobra.NoArgs,
		Long: `Log in to each mail server and account without sending or posting, and look at
what others will look at: TLS, the server's name (PTR), SPF, DKIM (the key in
DNS against the key in hand), DMARC, MX, and the address that readers
unsubscribe at. Each check ends with ok, warn or bad, and says what to do, down
to the record to add.

In mode: sandbox nothing leaves this machine, and only the sandbox is asked.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.with(func(a *app.App) error {
				r, err := a.Doctor(c.Context(), o)
				if err != nil {
					return err
				}
				if err := s.printDoctor(r); err != nil {
					return err
				}
				switch {
				case r.Denied():
					return outcome(exitDenied)
				case !r.Healthy():
					return outcome(exitFailed)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&o.DNS, "dns", "", "`HOST[:PORT]` of the DNS server to ask (default: the system's)")
	return c
}

func (s *session) printDoctor(r app.DoctorReport) error {
	if s.json() {
		return s.emit(r)
	}
	var rows [][]string
	var below [][]string // what stands under each row
	for _, f := range r.Findings {
		if s.quiet && f.Status == "ok" {
			continue
		}
		rows = append(rows, []string{s.statusWord(string(f.Status)), f.About, f.Check, f.What})
		var lines []string
		if f.Todo != "" {
			lines = append(lines, fold("      todo: "+f.Todo, s.columns(), 12))
		}
		for _, record := range f.Records {
			lines = append(lines, "      "+record.Zone()) // whole, to be copied
		}
		below = append(below, lines)
	}
	if len(rows) > 0 {
		var out bytes.Buffer
		table(&out, 0, []string{"", "WHAT", "CHECK", "FINDING"}, rows)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		fmt.Fprintln(s.out, lines[0])
		for i, line := range lines[1:] {
			fmt.Fprintln(s.out, fold(line, s.columns(), 6))
			for _, more := range below[i] {
				fmt.Fprintln(s.out, more)
			}
		}
	}
	s.tell("%d ok, %d to look at, %d bad", r.Counts["ok"], r.Counts["warn"], r.Counts["bad"])
	if r.Note != "" {
		s.tell("%s", r.Note)
	}
	return nil
}

// statusWord gives a status as a word, coloured on a terminal.
func (s *session) statusWord(status string) string {
	code := map[string]string{"ok": "32", "warn": "33", "bad": "31"}[status]
	if !s.colour() || code == "" {
		return status
	}
	return "\x1b[" + code + "m" + status + "\x1b[0m"
}
