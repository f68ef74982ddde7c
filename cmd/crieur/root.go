package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"crieur/publisher"
	"crieur/publisher/app"
)

// version is set by the linker; see the Makefile.
var version = "dev"

type streams struct {
	in       io.Reader
	out, err io.Writer
}

// A session is one run of the command line: its streams, and the flags that every
// verb takes.
type session struct {
	streams
	config, state, output, tz string
	quiet, verbose, noColor   bool
	noInput                   bool
}

func (s *session) json() bool { return s.output == "json" }

// open reads the configuration for a verb that needs it.
func (s *session) open() (*app.App, error) {
	level := slog.LevelWarn
	if s.verbose {
		level = slog.LevelDebug
	}
	return app.Open(app.Options{Config: s.config, State: s.state, Timezone: s.tz, Stdin: s.in, Version: version,
		Log: slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: level}))})
}

// with opens the app, runs f on it and closes it.
func (s *session) with(f func(*app.App) error) error {
	a, err := s.open()
	if err != nil {
		return err
	}
	return errors.Join(f(a), a.Close())
}

// terminal reports whether w is a terminal that moves and colours are fit for.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

func (s *session) colour() bool {
	return !s.noColor && os.Getenv("NO_COLOR") == "" && terminal(s.out)
}

// run executes one command line and gives its exit code.
func run(ctx context.Context, args []string, st streams) int {
	s := &session{streams: st}
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(st.in)
	root.SetOut(st.out)
	root.SetErr(st.err)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && err != nil {
		fmt.Fprintln(st.err, "crieur: interrupted; what was under way is in the ledger, and the same command goes on")
		return exitInterrupted
	}
	return s.fail(err)
}

func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   "crieur VERB [SRC…]",
		Short: "put an article into inboxes and onto the social networks, with a receipt for each",
		Long: `crieur takes an article (a file, - or a web address), renders it from templates,
and puts it into the inbox of those who subscribed and onto the social networks.
Publishing the same article again does nothing.`,
		SilenceErrors: true, SilenceUsage: true, SuggestionsMinimumDistance: 2,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := "see: crieur --help"
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				hint = "did you mean " + strings.Join(near, " or ") + "?"
			}
			return usage("no verb "+strconv.Quote(args[0]), hint)
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if s.output != "text" && s.output != "json" {
				return usage("-o "+s.output, "the output is text or json")
			}
			return nil
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&s.config, "config", "", "path of the configuration (default ./config.yaml)")
	f.StringVar(&s.state, "state", "", "folder of the ledger (default: the configuration's state.dir)")
	f.StringVarP(&s.output, "output", "o", "text", "text or json")
	f.StringVar(&s.tz, "tz", "", "time zone, such as Europe/Paris (default: the site's)")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "print only errors and what was asked for")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "say what is being done, on standard error")
	f.BoolVar(&s.noColor, "no-color", false, "no colours")
	f.BoolVar(&s.noInput, "no-input", false, "never ask anything")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(err.Error(), "see: "+c.CommandPath()+" --help")
	})
	cobra.EnableCommandSorting = false // the order is that of use
	root.SetUsageTemplate(usageTemplate)
	root.AddCommand(
		initCommand(s), checkCommand(s), dkimCommand(s), previewCommand(s), renderCommand(s), planCommand(s),
		publishCommand(s, app.Both), publishCommand(s, app.Mails), publishCommand(s, app.Posts),
		statusCommand(s), retryCommand(s), importCommand(s), subscribersCommand(s),
		serveCommand(s), sandboxCommand(s), templatesCommand(s), versionCommand(s),
	)
	checkArgs(root.Commands())
	return root
}

// usageTemplate keeps help within 80 columns.
const usageTemplate = `Usage: {{.UseLine}}
{{if .HasAvailableSubCommands}}
{{range .Commands}}{{if .IsAvailableCommand}}  {{rpad .Name .NamePadding}} {{.Short}}
{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Everywhere:
{{.InheritedFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{end}}`

func checkArgs(commands []*cobra.Command) {
	for _, c := range commands {
		if c.Args != nil {
			c.Args = usageArgs(c.Args)
		}
		checkArgs(c.Commands())
	}
}

// usageArgs makes a wrong number of arguments a usage error, with its exit code.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usage(err.Error(), "see: "+c.CommandPath()+" --help")
		}
		return nil
	}
}

func usage(what, hint string) error {
	return &publisher.Error{Kind: publisher.Invalid, Err: errors.New(strings.TrimSpace(what)), Hint: hint}
}
