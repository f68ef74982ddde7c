// Command crieur-bench measures how fast crieur sends one issue to many readers,
// and prints one line a run. It judges nothing.
//
// It works the real way: a state of its own with so many readers, a letter made
// from a real article, and package app sending it as `crieur send` does, ledger and
// all, in a process of its own whose processor time and memory are taken. What it
// sends to is a process too, of this program (the light sink, which costs little
// and counts every reader) or Postfix's smtp-sink. Beside it run, where asked for,
// Postfix's smtp-source, which has neither a ledger nor readers, the naive way with
// go-mail, and a loop that does nothing but sign.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"crieur/publisher/ledger/ledgertest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crieur-bench: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		// The processes that a run consists of.
		switch args[0] {
		case "sink":
			return sinkMain(ctx, args[1:])
		case "readers":
			return readersMain(ctx, args[1:])
		case "send":
			return sendMain(ctx, args[1:])
		case "naive":
			return naiveMain(ctx, args[1:])
		}
	}
	var s setup
	var who, tls, dkim, latency, store string
	f := flag.NewFlagSet("crieur-bench", flag.ContinueOnError)
	f.IntVar(&s.readers, "readers", 20_000, "how many readers")
	f.IntVar(&s.connections, "connections", 10, "SMTP connections at once")
	f.IntVar(&s.runs, "runs", 3, "how often each row is run; rows take turns")
	f.StringVar(&who, "rows", "engine", "what to run, separated by commas: engine, naive, smtp-source, sign (RSA signatures in a bare loop)")
	f.StringVar(&s.sink, "sink", "light", "light, or smtp-sink")
	f.StringVar(&tls, "tls", "no", "no, yes, or both")
	f.StringVar(&dkim, "dkim", "no", "no, rsa, or both (an Ed25519 key beside it); several separated by commas")
	f.StringVar(&latency, "latency", "0", "what the light sink waits before each answer; several separated by commas")
	f.StringVar(&store, "store", "sqlite", "sqlite, or postgres: a server of its own, which flushes to disk as usual")
	f.StringVar(&s.dsn, "dsn", "", "an empty PostgreSQL database to keep the state in, in place of either")
	f.StringVar(&s.article, "article", "docs/example/article.txt", "what the letter is made of")
	f.StringVar(&s.postfix, "postfix", "", "folder with Postfix's usr/sbin and usr/lib, where it is not installed")
	f.StringVar(&s.profile, "cpuprofile", "", "write a processor profile of the engine here")
	f.BoolVar(&s.syncs, "fsyncs", false, "run the engine under strace once more and count its flushes to disk")
	if err := f.Parse(args); err != nil {
		return err
	}
	rows, err := rowsOf(s, who, tls, dkim, latency)
	if err != nil {
		return err
	}
	switch {
	case store == "postgres" && s.dsn == "":
		dsn, stop, err := ledgertest.Durable()
		if err != nil {
			return err
		}
		defer stop()
		s.dsn = dsn
	case store != "postgres" && store != "sqlite":
		return fmt.Errorf("-store is %q, not sqlite or postgres", store)
	}
	return s.measure(ctx, rows)
}

// rowsOf makes the rows that the flags ask for.
func rowsOf(s setup, who, tls, dkim, latency string) ([]row, error) {
	var rows []row
	private := map[string][]bool{"no": {false}, "yes": {true}, "both": {false, true}}[tls]
	if private == nil {
		return nil, fmt.Errorf("-tls is %q, not no, yes or both", tls)
	}
	for name := range strings.SplitSeq(who, ",") {
		if name != "engine" {
			rows = append(rows, row{name: name, dkim: "no"})
			continue
		}
		for wait := range strings.SplitSeq(latency, ",") {
			if wait == "0" {
				wait = "0ms"
			}
			d, err := time.ParseDuration(wait)
			if err != nil {
				return nil, fmt.Errorf("-latency: %w", err)
			}
			for _, p := range private {
				for keys := range strings.SplitSeq(dkim, ",") {
					rows = append(rows, row{name: name, tls: p, dkim: keys, latency: d})
				}
			}
		}
	}
	for _, r := range rows {
		if s.sink != "light" && (r.tls || r.latency > 0) {
			return nil, fmt.Errorf("only the light sink knows TLS and latency")
		}
	}
	return rows, nil
}
