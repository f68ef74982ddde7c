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
	daemon, jsonLog           bool // the log tells what is done; in JSON
}

func (s *session) json() bool { return s.output == "json" }

// open reads the configuration for a verb that needs it.
func (s *session) open() (*app.App, error) {
	return app.Open(app.Options{Config: s.config, State: s.state, Timezone: s.tz, Stdin: s.in, Version: version, Log: s.log()})
}

func (s *session) log() *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelWarn}
	switch {
	case s.verbose:
		o.Level = slog.LevelDebug
	case s.daemon && !s.quiet:
		o.Level = slog.LevelInfo
	}
	if s.jsonLog {
		return slog.New(slog.NewJSONHandler(s.err, o))
	}
	return slog.New(slog.NewTextHandler(s.err, o))
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
	out := &keeper{w: st.out}
	s := &session{streams: st}
	if !terminal(st.out) { // a terminal is asked for its width, and so handed on as it is
		s.out = out
	}
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(st.in)
	root.SetOut(s.out)
	root.SetErr(st.err)
	err := root.ExecuteContext(ctx)
	if err != nil && asksForJSON(args) {
		s.output = "json" // what is wrong may stand before the flag
	}
	if ctx.Err() != nil && err != nil {
		err = &interruption{err}
	}
	code := s.fail(err)
	if out.err != nil && code == exitDone {
		fmt.Fprintln(st.err, "crieur: error: write the result: "+out.err.Error())
		return exitFailed
	}
	return code
}

// An interruption is whatever ended because the user said so.
type interruption struct{ error }

func (*interruption) Error() string {
	return "interrupted; what was under way is in the ledger, and the same command goes on"
}

func (i *interruption) Unwrap() error { return i.error }

// asksForJSON reports whether a command line that could not be read asks for JSON.
func asksForJSON(args []string) bool {
	for i, a := range args {
		switch {
		case a == "-ojson", a == "-o=json", a == "--output=json":
			return true
		case (a == "-o" || a == "--output") && i+1 < len(args) && args[i+1] == "json":
			return true
		}
	}
	return false
}

// A keeper remembers the first write that failed.
type keeper struct {
	w   io.Writer
	err error
}

func (k *keeper) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	if err != nil && k.err == nil {
		k.err = err
	}
	return n, err
}

func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   "crieur VERB [SRC…]",
		Short: "put an article into inboxes and onto the social networks, with a receipt for each",
		Long: `crieur takes an article (a file, -, a web address or a feed), renders it from
templates, and puts it into the inbox of those who subscribed and onto the
social networks. Publishing the same article again does nothing.`,
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
				return usage("there is no output "+strconv.Quote(s.output), "-o takes text or json")
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
		initCommand(s), checkCommand(s), doctorCommand(s), dkimCommand(s), previewCommand(s), renderCommand(s), planCommand(s),
		sourcesCommand(s),
		publishCommand(s, app.Both), publishCommand(s, app.Mails), publishCommand(s, app.Posts), digestCommand(s),
		statusCommand(s), retryCommand(s), correctCommand(s), retractCommand(s), notifyCommand(s), importCommand(s), subscribersCommand(s),
		bounceCommand(s), bouncesCommand(s), suppressionsCommand(s),
		queueCommand(s), approveCommand(s), holdCommand(s), cancelCommand(s), stopCommand(s), resumeCommand(s),
		serveCommand(s), sandboxCommand(s), templatesCommand(s), versionCommand(s),
	)
	root.AddCommand(workerCommand(s), runCommand(s), serviceCommand(s), migrateCommand(s))
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.Short = "print the script that completes verbs and flags in your shell"
	}
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
