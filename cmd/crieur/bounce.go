package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"crieur/publisher/app"
)

// tempFail asks a mail server to try again (EX_TEMPFAIL of sysexits.h). Any other
// code but 0 would make it give the report up.
const tempFail = 75

func bounceCommand(s *session) *cobra.Command {
	var recipient string
	c := &cobra.Command{
		Use: "bounce < MESSAGE", Short: "take one bounce or complaint from the mail server",
		Long: `Take one message that came back, from standard input: what Postfix, Exim and
their like pipe into a command. A failure makes its mail bounced; an address
that does not exist is never written to again, nor is a reader who complained.
What is no report, or is on no mail of ours, is ignored, and said so.

Postfix, in /etc/aliases:

  bounces: "|/usr/bin/crieur bounce --config /etc/crieur/config.yaml"

Exit code 0: taken, or ignored for good; 75: the mail server shall try again.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if recipient == "" {
				// Postfix's local(8) and qmail's qmail-command(8) tell it this way.
				for _, name := range []string{"ORIGINAL_RECIPIENT", "RECIPIENT"} {
					if recipient == "" {
						recipient = os.Getenv(name)
					}
				}
			}
			err := s.with(func(a *app.App) error {
				views, err := a.TakeReport(c.Context(), "pipe", s.in, recipient)
				if err != nil {
					return err
				}
				return s.returns(views)
			})
			if err != nil {
				s.fail(err)
				return outcome(tempFail)
			}
			return nil
		},
	}
	c.Flags().StringVar(&recipient, "recipient", "", "the `ADDRESS` that the message came to (default: $ORIGINAL_RECIPIENT or $RECIPIENT)")
	return c
}

func bouncesCommand(s *session) *cobra.Command {
	c := &cobra.Command{Use: "bounces", Short: "fetch bounces and complaints from their mailbox", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(&cobra.Command{
		Use: "fetch", Short: "empty the mailbox under returns.mailbox, by IMAP or POP3", Args: cobra.NoArgs,
		Long: `Read what came to the mailbox under returns.mailbox, by IMAP or POP3. A report
is deleted (or marked as read, with keep: true) only after the ledger has it.
What is no report stays where it is.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.with(func(a *app.App) error {
				r, err := a.FetchReports(c.Context())
				if err != nil {
					return err
				}
				if s.json() {
					return s.emit(r)
				}
				if err := s.returns(r.Returns); err != nil {
					return err
				}
				s.tell("%d read, %d removed, %d left", r.Read, r.Removed, r.Left)
				return nil
			})
		},
	})
	return c
}

// returns prints what became of reports.
func (s *session) returns(views []app.ReturnView) error {
	if s.json() {
		return s.emit(map[string]any{"returns": views})
	}
	for _, v := range views {
		line := v.What
		if v.Recipient != "" {
			line = v.Recipient + ": " + line
		}
		if v.Words != "" {
			line += " (" + v.Words + ")"
		}
		s.tell("%s", line)
	}
	return nil
}

func suppressionsCommand(s *session) *cobra.Command {
	c := &cobra.Command{Use: "suppressions", Short: "list and change the addresses that are never written to", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(suppressionsList(s), suppressionsAdd(s), suppressionsRemove(s))
	return c
}

func suppressionsList(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "list them, with reason and date", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.with(func(a *app.App) error {
				all := []app.SuppressionView{}
				if err := a.Suppressions(c.Context(), func(v app.SuppressionView) error {
					all = append(all, v)
					return nil
				}); err != nil {
					return err
				}
				if s.json() {
					return s.emit(map[string]any{"suppressions": all})
				}
				if len(all) == 0 {
					s.tell("no address is suppressed")
					return nil
				}
				rows := make([][]string, 0, len(all))
				for _, v := range all {
					who := v.Email
					if who == "" {
						who = "(no reader) " + v.Hash[:min(8, len(v.Hash))]
					}
					day, _, _ := strings.Cut(v.Since, "T")
					rows = append(rows, []string{who, day, v.Reason})
				}
				table(s.out, s.columns(), []string{"ADDRESS", "SINCE", "REASON"}, rows)
				return nil
			})
		},
	}
}

func suppressionsAdd(s *session) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "add ADDRESS…", Short: "never write to these addresses again", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.eachAddress(args, "suppressed", "was suppressed already", func(a *app.App, address string) (bool, error) {
				return a.Suppress(c.Context(), address, reason)
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "by hand", "why, as the list shows it")
	return c
}

func suppressionsRemove(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "rm ADDRESS…", Short: "let these addresses be written to again; it subscribes nobody", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.eachAddress(args, "not suppressed any more", "was not suppressed", func(a *app.App, address string) (bool, error) {
				return a.Unsuppress(c.Context(), address)
			})
		},
	}
}

// eachAddress does something to each address and says whether that changed anything.
func (s *session) eachAddress(addresses []string, done, already string, do func(*app.App, string) (bool, error)) error {
	return s.with(func(a *app.App) error {
		changed := 0
		for _, address := range addresses {
			yes, err := do(a, address)
			if err != nil {
				return err
			}
			what := already
			if yes {
				changed++
				what = done
			}
			s.tell("%s: %s", address, what)
		}
		if s.json() {
			return s.emit(map[string]int{"changed": changed, "unchanged": len(addresses) - changed})
		}
		return nil
	})
}
