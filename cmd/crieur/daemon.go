package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"crieur/publisher"
	"crieur/publisher/app"
)

func serveCommand(s *session) *cobra.Command {
	var o app.ServeOptions
	var log string
	c := &cobra.Command{
		Use: "serve", Short: "run the daemon: readers' pages, and all that is due", Args: cobra.NoArgs,
		Long: `Run the daemon: answer readers (unsubscribe, preferences, web copies), look for
what is due, and do it. One process does everything; --role separates it.
SIGTERM lets what is under way end; a second one ends the process at once. What
was cut short is in the ledger, and the next start goes on with it.`,
		RunE: func(c *cobra.Command, _ []string) error { return s.serve(c, o, log) },
	}
	c.Flags().StringVar(&o.Listen, "listen", "", "address to listen on (default: server.listen)")
	c.Flags().StringSliceVar(&o.Roles, "role", nil, "what this process does: "+strings.Join(app.Roles(), ", ")+" (default: all)")
	daemonFlags(c, &o, &log)
	return c
}

func workerCommand(s *session) *cobra.Command {
	var o app.ServeOptions
	var log string
	c := &cobra.Command{
		Use: "worker", Short: "lend a hand from another machine (PostgreSQL)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Roles = []string{app.RoleWorker}
			return s.serve(c, o, log)
		},
	}
	daemonFlags(c, &o, &log)
	return c
}

func daemonFlags(c *cobra.Command, o *app.ServeOptions, log *string) {
	c.Flags().DurationVar(&o.Drain, "drain", 30*time.Second, "how long what is under way may take to end")
	c.Flags().StringVar(log, "log", "text", "how the log is written, on standard error: text or json")
}

func (s *session) serve(c *cobra.Command, o app.ServeOptions, log string) error {
	if log != "text" && log != "json" {
		return usage(fmt.Sprintf("there is no log %q", log), "--log takes text or json")
	}
	s.daemon, s.jsonLog = true, log == "json"
	hup, again := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	go func() {
		for range hup {
			select {
			case again <- struct{}{}:
			default:
			}
		}
	}()
	o.Reload = again
	return s.with(func(a *app.App) error {
		for _, w := range a.Check().Warnings {
			s.log().Warn(w)
		}
		o.Ready = func(url string) {
			if url != "" {
				s.tell("serving on %s (mode: %s)", url, a.Mode())
				return
			}
			s.tell("working (mode: %s)", a.Mode())
		}
		return a.Serve(c.Context(), o)
	})
}

func runCommand(s *session) *cobra.Command {
	var once bool
	c := &cobra.Command{
		Use: "run --once", Short: "do all that is due, and end: for cron, timers, CI", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !once {
				return usage("run wants --once", "crieur serve runs on and on")
			}
			return s.with(func(a *app.App) error {
				r, err := a.Once(c.Context())
				if err != nil {
					return err
				}
				stopped, err := a.Stopped(c.Context())
				if err != nil {
					return err
				}
				s.warn(stopped)
				if err := s.once(r); err != nil {
					return err
				}
				if code := onceExit(r); code != exitDone {
					return outcome(code)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&once, "once", false, "one pass")
	return c
}

// once prints what one pass did.
func (s *session) once(r *app.OnceReport) error {
	if s.json() {
		return s.emit(r)
	}
	s.warn(r.Failed)
	switch {
	case len(r.Counts) > 0:
		s.tell("delivered: %s", counts(r.Counts))
	case len(r.Failed) == 0:
		s.tell("nothing is due")
	}
	return nil
}

func onceExit(r *app.OnceReport) int {
	of := func(st publisher.State) int { return r.Counts[st.String()] }
	accepted := of(publisher.StateAccepted)
	switch {
	case of(publisher.StateUnknown) > 0:
		return exitUnknown
	case len(r.Failed)+of(publisher.StateFailed)+of(publisher.StateBounced) == 0:
		return exitDone
	case r.Denied && accepted == 0:
		return exitDenied
	case accepted > 0:
		return exitPartly
	}
	return exitFailed
}
