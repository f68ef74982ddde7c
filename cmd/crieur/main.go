// Command crieur puts an article into the inboxes of those who subscribed and
// onto the social networks, with a receipt for each. This package reads the
// command line and prints; package app does the work.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(mainCode()) }

// mainCode runs crieur on the process's own arguments and streams. The script
// tests call it too.
func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal lets what is under way end; a second one ends the process.
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}
