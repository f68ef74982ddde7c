package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"crieur/publisher"
	"crieur/publisher/app"
)

// Exit codes, as docs/cli.md lists them.
const (
	exitDone        = 0 // done, or nothing to do
	exitFailed      = 1
	exitUsage       = 2 // command line, configuration, article or template
	exitPartly      = 3 // some deliveries done, some not
	exitDenied      = 4 // a login or token is needed
	exitPreflight   = 5 // stopped before anything was sent
	exitApproval    = 6
	exitUnknown     = 7 // perhaps done: do not blindly retry
	exitInterrupted = 130
)

// An outcome is not a failure of the program: the verb did its work and printed
// it, and the exit code tells how it ended.
type outcome int

func (o outcome) Error() string { return fmt.Sprintf("exit code %d", int(o)) }

// fail prints an error as its readers need it, on standard error or as JSON, and
// gives the exit code. It is the one place that maps kinds to codes.
func (s *session) fail(err error) int {
	if err == nil {
		return exitDone
	}
	var o outcome
	if errors.As(err, &o) {
		return int(o)
	}
	code := codeOf(err)
	if s.json() {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		_ = enc.Encode(map[string]any{"error": errorView{err.Error(), publisher.HintOf(err), publisher.KindOf(err).String(), code}})
		return code
	}
	for _, line := range strings.Split(strings.TrimSpace(err.Error()), "\n") {
		fmt.Fprintln(s.err, "crieur: error: "+line)
	}
	if hint := publisher.HintOf(err); hint != "" {
		fmt.Fprintln(s.err, "hint: "+hint)
	}
	return code
}

type errorView struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Kind    string `json:"kind"`
	Exit    int    `json:"exit"`
}

func codeOf(err error) int {
	var stopped *interruption
	if errors.As(err, &stopped) {
		return exitInterrupted
	}
	var preflight *app.PreflightError
	if errors.As(err, &preflight) {
		return exitPreflight
	}
	switch publisher.KindOf(err) {
	case publisher.Invalid, publisher.NotFound:
		return exitUsage
	case publisher.Denied:
		return exitDenied
	case publisher.Unknown:
		return exitUnknown
	}
	return exitFailed
}
