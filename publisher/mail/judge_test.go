package mail_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"crieur/publisher"
	"crieur/publisher/mail"
)

func TestJudge(t *testing.T) {
	for reply, want := range map[string]publisher.Verdict{
		"550 5.1.1": publisher.VerdictGone, "550 5.1.10": publisher.VerdictGone, "550 5.2.1": publisher.VerdictGone, "500 5.4.4": publisher.VerdictGone,
		"550": publisher.VerdictCounted, "550 5.0.0": publisher.VerdictCounted, "552 5.2.2": publisher.VerdictCounted, "452 4.2.2": publisher.VerdictCounted,
		"400 4.4.7": publisher.VerdictCounted, "500 5.4.6": publisher.VerdictCounted,
		"550 5.7.1": publisher.VerdictNone, "554 5.7.26": publisher.VerdictNone, "552 5.3.4": publisher.VerdictNone, "535 5.7.8": publisher.VerdictNone, "250 2.0.0": publisher.VerdictNone,
	} {
		code, enhanced, _ := strings.Cut(reply, " ")
		n := 0
		for _, c := range code {
			n = 10*n + int(c-'0')
		}
		if got := mail.Judge(n, enhanced); got != want {
			t.Errorf("%s: %d, want %d", reply, got, want)
		}
	}
}

// A server that has taken nothing from us yet may refuse all of our readers in any
// words; one that has means the reader.
func TestVerdictOfARefusal(t *testing.T) {
	k := startSink(t, script{answer: func(verb string, _ int, line string) string {
		if verb == "RCPT" && strings.Contains(line, "gone@") {
			return "550 5.1.1 no such mailbox"
		}
		if verb == "RCPT" && strings.Contains(line, "full@") {
			return "452 4.2.2 full"
		}
		return ""
	}})
	m := open(t, mail.Config{Servers: []mail.Server{k.server()}})
	l := letter()
	for _, step := range []struct {
		to   string
		want publisher.Verdict
	}{{"gone@example.org", publisher.VerdictCounted}, {"ali@example.org", 0}, {"gone@example.org", publisher.VerdictGone}, {"full@example.org", publisher.VerdictCounted}} {
		_, err := m.Send(context.Background(), mailTo(l, "", step.to))
		var e *publisher.Error
		if errors.As(err, &e) != (step.to != "ali@example.org") {
			t.Fatalf("%s: %v", step.to, err)
		}
		if e != nil && e.Verdict != step.want {
			t.Errorf("%s: verdict %d, want %d", step.to, e.Verdict, step.want)
		}
	}
}
