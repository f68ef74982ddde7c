package mailbox_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/mail/mailbox"
	"crieur/publisher/mail/mailbox/mailboxtest"
)

type server struct{ *mailboxtest.Server }

func startDovecot(t *testing.T) server {
	t.Helper()
	d, err := mailboxtest.Start()
	must(t, err)
	t.Cleanup(func() { must(t, d.Stop()) })
	return server{d}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d server) config(protocol, security string) mailbox.Config {
	name := protocol
	if security == "tls" {
		name += "s"
	}
	return mailbox.Config{Protocol: protocol, Host: "127.0.0.1", Port: d.Ports[name], Security: security, User: mailboxtest.User, Password: mailboxtest.Password,
		Timeout: 10 * time.Second, TLS: &tls.Config{RootCAs: d.Roots}}
}

func TestEmptyRealMailbox(t *testing.T) {
	d := startDovecot(t)
	for _, protocol := range []string{"imap", "pop3"} {
		for _, security := range []string{"none", "starttls", "tls"} {
			t.Run(protocol+" "+security, func(t *testing.T) {
				must(t, d.Clear())
				c := d.config(protocol, security)
				c.MaxSize = 1000
				long := strings.Repeat("line of a long message\r\n", 5000)
				must(t, d.Deliver("Subject: one\n\n.dot\nmail\n", "Subject: later\n\nx\n", "Subject: letter\n\nx\n", "Subject: long\n\n"+long))
				round := func(fates map[string]mailbox.Fate) (seen []string, r mailbox.Round) {
					t.Helper()
					r, err := mailbox.Empty(t.Context(), c, func(_ context.Context, raw []byte) (mailbox.Fate, error) {
						if len(raw) > 1000 {
							t.Errorf("%d octets of a message", len(raw))
						}
						subject, body, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r", ""), "\n\n")
						subject = strings.TrimPrefix(subject, "Subject: ")
						if subject == "one" && body != ".dot\nmail\n" {
							t.Errorf("the message came as %q", body)
						}
						seen = append(seen, subject)
						return fates[subject], nil
					})
					must(t, err)
					return seen, r
				}
				seen, r := round(map[string]mailbox.Fate{"one": mailbox.Remove, "long": mailbox.Remove, "letter": mailbox.Leave})
				if len(seen) != 4 || r != (mailbox.Round{Seen: 4, Removed: 2, Left: 1}) {
					t.Fatalf("saw %v: %+v", seen, r)
				}
				seen, r = round(map[string]mailbox.Fate{"later": mailbox.Remove, "letter": mailbox.Remove})
				want := map[string]int{"imap": 1, "pop3": 2}[protocol] // over POP3 nothing can be marked
				if len(seen) != want || r.Removed != want {
					t.Fatalf("saw %v: %+v", seen, r)
				}
				c.Keep = true
				if seen, _ = round(nil); len(seen) != 0 {
					t.Fatalf("still there: %v", seen)
				}
			})
		}
	}
	t.Run("kept", func(t *testing.T) {
		c := d.config("imap", "none")
		c.Keep = true
		must(t, d.Deliver("Subject: kept\n\n"))
		for _, want := range []int{1, 0} {
			r, err := mailbox.Empty(t.Context(), c, func(context.Context, []byte) (mailbox.Fate, error) { return mailbox.Remove, nil })
			must(t, err)
			if r.Seen != want {
				t.Fatalf("saw %d, want %d", r.Seen, want)
			}
		}
	})
	t.Run("an error keeps the message", func(t *testing.T) {
		broken := errors.New("the ledger is gone")
		for _, protocol := range []string{"imap", "pop3"} {
			must(t, d.Clear())
			c := d.config(protocol, "none")
			must(t, d.Deliver("Subject: first\n\n"))
			must(t, d.Deliver("Subject: second\n\n"))
			n := 0
			_, err := mailbox.Empty(t.Context(), c, func(context.Context, []byte) (mailbox.Fate, error) {
				if n++; n == 2 {
					return mailbox.Remove, broken
				}
				return mailbox.Remove, nil
			})
			if !errors.Is(err, broken) {
				t.Fatalf("%s: %v", protocol, err)
			}
			r, err := mailbox.Empty(t.Context(), c, func(context.Context, []byte) (mailbox.Fate, error) { return mailbox.Remove, nil })
			must(t, err)
			if r.Seen != 1 {
				t.Errorf("%s: %d are left after the error, want 1", protocol, r.Seen)
			}
		}
	})
	t.Run("a damaged message", func(t *testing.T) {
		must(t, d.Clear())
		for _, subject := range []string{"first", "damaged", "damaged too", "last"} {
			must(t, d.Deliver("Subject: "+subject+"\n\n"))
		}
		must(t, d.Damage("Subject: damaged"))
		var seen []string
		for _, want := range []int{2, 0} {
			seen = nil
			r, err := mailbox.Empty(t.Context(), d.config("imap", "none"), func(_ context.Context, raw []byte) (mailbox.Fate, error) {
				seen = append(seen, string(raw))
				return mailbox.Remove, nil
			})
			if err == nil || publisher.KindOf(err) != publisher.Busy || !strings.Contains(err.Error(), "2 messages could not be read") {
				t.Errorf("got %v", err)
			}
			if r.Seen != want || r.Removed != want {
				t.Errorf("saw %q: %+v", seen, r)
			}
		}
		if n, err := d.Count(); err != nil || n != 2 {
			t.Errorf("%d files are left, want 2, %v", n, err)
		}
	})
	for name, wrong := range map[string]struct {
		change func(*mailbox.Config)
		kind   publisher.Kind
	}{
		"password":       {func(c *mailbox.Config) { c.Password = "wrong" }, publisher.Denied},
		"password lines": {func(c *mailbox.Config) { c.Protocol, c.Password, c.Port = "pop3", "a\r\nDELE 1", d.Ports["pop3"] }, publisher.Denied},
		"folder":         {func(c *mailbox.Config) { c.Folder = "Nowhere" }, publisher.Invalid},
		"port":           {func(c *mailbox.Config) { c.Port = 1 }, publisher.Busy},
		"not trusted":    {func(c *mailbox.Config) { c.Security, c.Port, c.TLS = "tls", d.Ports["imaps"], nil }, publisher.Busy},
		"not trusted POP3": {func(c *mailbox.Config) {
			c.Protocol, c.Security, c.Port, c.TLS = "pop3", "starttls", d.Ports["pop3"], nil
		}, publisher.Busy},
		"another protocol": {func(c *mailbox.Config) { c.Protocol = "pop3" }, publisher.Busy},
	} {
		t.Run("wrong "+name, func(t *testing.T) {
			c := d.config("imap", "none")
			wrong.change(&c)
			_, err := mailbox.Empty(t.Context(), c, func(context.Context, []byte) (mailbox.Fate, error) { return mailbox.Remove, nil })
			if err == nil || publisher.KindOf(err) != wrong.kind {
				t.Fatalf("got %v (%v), want %v", err, publisher.KindOf(err), wrong.kind)
			}
			if strings.Contains(err.Error(), mailboxtest.Password) || strings.Contains(err.Error(), "wrong\"") {
				t.Errorf("the password is told: %v", err)
			}
		})
	}
}
