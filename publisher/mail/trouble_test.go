package mail_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/mail"
)

func TestClosingServerIsAskedOnceMore(t *testing.T) {
	for _, verb := range []string{"MAIL", "RCPT", "DATA", "."} {
		k := startSink(t, script{answer: func(v string, n int, _ string) string {
			if v == verb && n%3 == 0 {
				return "421 4.3.2 shutting down"
			}
			return ""
		}})
		sendAll(t, open(t, mail.Config{Servers: []mail.Server{k.server()}}), 1, 12)
		if mails, conns := k.seen(); len(mails) != 12 || conns < 5 {
			t.Errorf("421 at %s: %d mails over %d connections", verb, len(mails), conns)
		}
	}
}

// A login that runs out in the middle is made again, for the mail that it was refused to.
func TestLoginRunsOut(t *testing.T) {
	for _, verb := range []string{"MAIL", "RCPT", "."} {
		k := startSink(t, script{extensions: []string{"PIPELINING", "AUTH PLAIN"}, answer: func(v string, n int, _ string) string {
			if v == verb && (n == 4 || n == 9) {
				return "530 5.7.0 authentication required"
			}
			return ""
		}})
		server := k.server()
		server.User, server.Password, server.Connections = "crieur", "s3cr3t-w0rd", 1
		sendAll(t, open(t, mail.Config{Servers: []mail.Server{server}}), 1, 12)
		if mails, _ := k.seen(); len(mails) != 12 || k.count("AUTH") != 3 {
			t.Errorf("530 at %s: %d mails, %d logins", verb, len(mails), k.count("AUTH"))
		}
	}
}

// A server that refuses us is left alone, the next one takes over, and after a while
// the first one has its turn again.
func TestServerThatRefusesUs(t *testing.T) {
	for name, c := range map[string]struct {
		verb, reply string
		lost        int // mails that are told to wait before the server is given up
	}{
		"policy at MAIL":       {"MAIL", "554 5.7.1 sending limit exceeded", 0},
		"policy at RCPT":       {"RCPT", "554 5.7.1 relay access denied", 0},
		"policy after the dot": {".", "550 5.7.1 looks like spam", 0},
		"closing always":       {"MAIL", "421 4.7.0 too many messages", 8},
		"later for everyone":   {"RCPT", "451 4.7.1 not now", 20},
		"later at MAIL":        {"MAIL", "450 4.7.1 slow down", 8},
	} {
		t.Run(name, func(t *testing.T) {
			var now atomic.Int64
			var well atomic.Bool
			first := startSink(t, script{answer: func(v string, _ int, _ string) string {
				if v == c.verb && !well.Load() {
					return c.reply
				}
				return ""
			}})
			second := startSink(t, script{})
			m := open(t, mail.Config{Servers: []mail.Server{first.server(), second.server()},
				Now: func() time.Time { return time.Unix(now.Load(), 0) }})
			carry := func(n int) (lost int) {
				var mails []publisher.Mail
				l := letter()
				for i := range n {
					mails = append(mails, mailTo(l, "Zoé", fmt.Sprintf("reader%d@example.org", i)))
				}
				r := newRound(t, mails)
				m.Carry(context.Background(), r)
				for who, e := range r.ends {
					if e.err != nil {
						lost++
						if publisher.KindOf(e.err) != publisher.Busy {
							t.Errorf("%s: %v", who, e.err)
						}
					}
				}
				if len(r.ends) != n {
					t.Errorf("%d of %d mails ended", len(r.ends), n)
				}
				return lost
			}
			if lost := carry(60); lost != c.lost {
				t.Errorf("%d mails were told to wait, want %d", lost, c.lost)
			}
			if got, _ := second.seen(); len(got) != 60-c.lost {
				t.Errorf("the second server took %d mails", len(got))
			}
			asked := first.count(c.verb)
			if carry(10); first.count(c.verb) != asked {
				t.Error("a server that is left alone was asked")
			}
			well.Store(true)
			now.Add(120)
			if lost := carry(10); lost != 0 {
				t.Errorf("%d mails were lost when the first server was well again", lost)
			}
			if got, _ := first.seen(); len(got) != 10 {
				t.Errorf("the first server took %d mails once it was well again", len(got))
			}
		})
	}
}

// What one reader's side has against us is not the whole issue's end, until it is
// everyone's.
func TestPolicyRefusalsOfATrustedServer(t *testing.T) {
	k := startSink(t, script{answer: func(v string, _ int, line string) string {
		if v == "." && strings.Contains(line, "strict") {
			return "550 5.7.1 not wanted here"
		}
		return ""
	}})
	m := open(t, mail.Config{Servers: []mail.Server{k.server()}})
	l := letter()
	send := func(who string) error {
		_, err := m.Send(context.Background(), mailTo(l, "Zoé", who+"@example.org"))
		return err
	}
	if err := send("zoe"); err != nil {
		t.Fatal(err)
	}
	for i := range 7 {
		if err := send(fmt.Sprint("strict", i)); publisher.KindOf(err) != publisher.Invalid {
			t.Fatalf("refusal %d: %v of kind %v", i+1, err, publisher.KindOf(err))
		}
	}
	if err := send("strict7"); publisher.KindOf(err) != publisher.Invalid {
		t.Fatal(err)
	}
	if err := send("strict8"); publisher.KindOf(err) != publisher.Denied {
		t.Fatalf("after eight in a row: %v of kind %v", err, publisher.KindOf(err))
	}
	if err := send("ali"); err != nil {
		t.Fatal(err)
	}
	if err := send("strict9"); publisher.KindOf(err) != publisher.Invalid {
		t.Fatalf("after one that was accepted: %v", err)
	}
}
