package mail_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/mail"
)

func (k *sink) server() mail.Server {
	return mail.Server{Name: "main", Host: k.host(), Port: k.port(), Security: mail.Plain, Timeout: 5 * time.Second}
}

func open(t testing.TB, c mail.Config) *mail.SMTP {
	t.Helper()
	s, err := mail.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func at(verb, reply string) func(string, int, string) string {
	return func(v string, n int, _ string) string {
		if v == verb && n == 1 {
			return reply
		}
		return ""
	}
}

func twice(verb, reply string) func(string, int, string) string {
	return func(v string, n int, _ string) string {
		if v == verb && n <= 2 {
			return reply
		}
		return ""
	}
}

// TestOutcomes sends two mails: the first meets the script, the second must find the
// dialogue in step.
func TestOutcomes(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(string, int, string) string
		kind   publisher.Kind
		code   int
		conns  int // after both mails
		mails  int
	}{
		"recipient unknown":           {at("RCPT", "550 5.1.1 no such mailbox"), publisher.Invalid, 550, 1, 1},
		"recipient's mailbox full":    {at("RCPT", "452 4.2.2 full"), publisher.Busy, 452, 1, 1},
		"recipient greylisted":        {at("RCPT", "450-4.7.1 wait\r\n450 4.7.1 a little"), publisher.Busy, 450, 1, 1},
		"relay denied":                {at("RCPT", "554 5.7.1 relay access denied"), publisher.Denied, 554, 1, 1},
		"not logged in":               {at("RCPT", "530 5.7.0 authentication required"), publisher.Denied, 530, 1, 1},
		"sender refused":              {at("MAIL", "553 5.1.8 who are you"), publisher.Denied, 553, 1, 1},
		"sender refused without why":  {at("MAIL", "550 no"), publisher.Denied, 550, 1, 1},
		"sender told to wait":         {at("MAIL", "451 4.3.0 later"), publisher.Busy, 451, 1, 1},
		"too big, at once":            {at("MAIL", "552 5.3.4 too big"), publisher.Invalid, 0, 1, 1},
		"DATA told to wait":           {at("DATA", "451 4.3.0 later"), publisher.Busy, 451, 1, 1},
		"DATA refused":                {at("DATA", "554 5.5.0 no"), publisher.Denied, 554, 1, 1},
		"message told to wait":        {at(".", "451 4.3.0 later"), publisher.Busy, 451, 1, 1},
		"message too big":             {at(".", "552 5.3.4 too big"), publisher.Invalid, 0, 1, 1},
		"message against policy":      {at(".", "550 5.7.26 not authenticated"), publisher.Denied, 550, 1, 1},
		"closing at MAIL":             {twice("MAIL", "421 4.3.2 shutting down"), publisher.Busy, 421, 3, 1},
		"closing at RCPT":             {twice("RCPT", "421 4.3.2 shutting down"), publisher.Busy, 421, 3, 1},
		"closing at DATA":             {twice("DATA", "421 4.3.2 shutting down"), publisher.Busy, 421, 3, 1},
		"closing after the message":   {twice(".", "421 4.3.2 shutting down"), publisher.Busy, 421, 3, 1},
		"hangs up at MAIL":            {at("MAIL", hangUp), publisher.Busy, 0, 2, 1},
		"hangs up at RCPT":            {at("RCPT", hangUp), publisher.Busy, 0, 2, 1},
		"hangs up after the dot":      {at(".", hangUp), publisher.Unknown, 0, 2, 1},
		"accepts, but cannot say so":  {at(".", "2"), publisher.Unknown, 0, 2, 2},
		"babbles after the dot":       {at(".", "hello"), publisher.Unknown, 0, 2, 1},
		"babbles at RCPT":             {at("RCPT", "hello"), publisher.Busy, 0, 2, 1},
		"endless line":                {at("RCPT", "250 "+strings.Repeat("x", 9000)), publisher.Busy, 0, 2, 1},
		"asks for more after the dot": {at(".", "354 more"), publisher.Unknown, 0, 2, 1},
		"354 for nobody": {func(v string, n int, _ string) string {
			if v == "RCPT" && n == 1 {
				return "550 5.1.1 no such mailbox"
			}
			if v == "DATA" {
				return "250" // the sink answers 354 without a recipient
			}
			return ""
		}, publisher.Invalid, 550, 0, 1},
		"silent after the dot": {at(".", silence), publisher.Unknown, 0, 2, 1},
		"silent at RCPT":       {at("RCPT", silence), publisher.Busy, 0, 2, 1},
	} {
		for mode, s := range map[string]script{
			"pipelining": {},
			"stepwise":   {extensions: []string{"SIZE"}},
			"chopped":    {chop: true},
		} {
			silent := strings.HasPrefix(name, "silent")
			if silent && s.chop {
				continue // a clock test that waits for packets would be one of the machine
			}
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				s.answer = test.answer
				k := startSink(t, s)
				server := k.server()
				if silent {
					server.Timeout = 300 * time.Millisecond
				}
				m := open(t, mail.Config{Servers: []mail.Server{server}})
				l := letter()
				_, err := m.Send(context.Background(), mailTo(l, "Zoé", "zoe@example.org"))
				var e *publisher.Error
				if !errors.As(err, &e) || e.Kind != test.kind || e.Code != test.code || e.Where != "smtp.main" {
					t.Fatalf("got %v (%+v), want kind %v, code %d", err, e, test.kind, test.code)
				}
				r, err := m.Send(context.Background(), mailTo(l, "Ali", "ali@example.org"))
				if err != nil || r.Reply != "250 2.0.0 queued as 42" || r.ID != "0123456789abcdef0123@gazette.example" || r.At.IsZero() {
					t.Errorf("the mail after it: %+v, %v", r, err)
				}
				mails, conns := k.seen()
				if len(mails) != test.mails || test.conns > 0 && conns != test.conns {
					t.Errorf("%d mails over %d connections, want %d over %d", len(mails), conns, test.mails, test.conns)
				}
			})
		}
	}
}

func TestPolicyAtRcptAfterATrustedMailIsAboutTheReader(t *testing.T) {
	k := startSink(t, script{answer: func(verb string, n int, _ string) string {
		if verb == "RCPT" && n == 2 {
			return "550 5.7.1 the reader's company lets nobody in"
		}
		return ""
	}})
	m := open(t, mail.Config{Servers: []mail.Server{k.server()}})
	l := letter()
	if _, err := m.Send(context.Background(), mailTo(l, "Zoé", "zoe@example.org")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Send(context.Background(), mailTo(l, "Ali", "ali@example.org")); err == nil || publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("%v of kind %v", err, publisher.KindOf(err))
	}
}

func TestMessageArrivesAsBuilt(t *testing.T) {
	k := startSink(t, script{})
	m := open(t, mail.Config{Servers: []mail.Server{k.server()}})
	want := mailTo(letter(), "Zoé", "zoe@example.org")
	if _, err := m.Send(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	if mails, _ := k.seen(); mails[0] != string(built(t, want)) {
		t.Errorf("arrived:\n%s", mails[0])
	}
}

func TestConnectionBreaksInsideTheMessage(t *testing.T) {
	k := startSink(t, script{answer: at("DATA", goAway)})
	l := letter()
	l.Rendering.HTML += strings.Repeat("x", 20<<20) // more than the network takes unread
	m := open(t, mail.Config{Servers: []mail.Server{k.server()}})
	_, err := m.Send(context.Background(), mailTo(l, "Zoé", "zoe@example.org"))
	if err == nil || publisher.KindOf(err) != publisher.Busy {
		t.Errorf("%v of kind %v", err, publisher.KindOf(err))
	}
	if _, err := m.Send(context.Background(), mailTo(l, "Zoé", "zoe@example.org")); err != nil {
		t.Error(err)
	}
	if mails, conns := k.seen(); len(mails) != 1 || conns != 2 {
		t.Errorf("%d mails over %d connections", len(mails), conns)
	}
}

func TestContextEndsEachStep(t *testing.T) {
	for verb, kind := range map[string]publisher.Kind{"EHLO": publisher.Busy, "MAIL": publisher.Busy, "RCPT": publisher.Busy, "DATA": publisher.Busy, ".": publisher.Unknown} {
		for mode, ext := range map[string][]string{"pipelining": nil, "stepwise": {"SIZE"}} {
			t.Run(verb+"/"+mode, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancelCause(context.Background())
				enough := errors.New("the owner pressed ^C")
				k := startSink(t, script{extensions: ext, answer: func(v string, _ int, _ string) string {
					if v == verb {
						cancel(enough)
						return silence
					}
					return ""
				}})
				m := open(t, mail.Config{Servers: []mail.Server{k.server()}})
				start := time.Now()
				_, err := m.Send(ctx, mailTo(letter(), "Zoé", "zoe@example.org"))
				if !errors.Is(err, enough) || publisher.KindOf(err) != kind {
					t.Errorf("%v of kind %v, want %v", err, publisher.KindOf(err), kind)
				}
				if d := time.Since(start); d > 2*time.Second {
					t.Errorf("it took %v", d)
				}
			})
		}
	}
}

func TestKeptConnections(t *testing.T) {
	t.Run("one is used for all mails, and left with QUIT", func(t *testing.T) {
		k := startSink(t, script{})
		m := open(t, mail.Config{Servers: []mail.Server{k.server()}})
		sendAll(t, m, 1, 20)
		_ = m.Close()
		if mails, conns := k.seen(); len(mails) != 20 || conns != 1 || k.count("QUIT") != 1 {
			t.Errorf("%d mails, %d connections, %d QUIT", len(mails), conns, k.count("QUIT"))
		}
		if _, err := m.Send(context.Background(), mailTo(letter(), "", "a@b.fr")); err == nil || publisher.KindOf(err) != publisher.Busy {
			t.Errorf("after Close: %v", err)
		}
	})
	t.Run("renewed after a number of mails", func(t *testing.T) {
		k := startSink(t, script{})
		server := k.server()
		server.MessagesPerConnection = 5
		sendAll(t, open(t, mail.Config{Servers: []mail.Server{server}}), 1, 12)
		if mails, conns := k.seen(); len(mails) != 12 || conns != 3 {
			t.Errorf("%d mails, %d connections", len(mails), conns)
		}
	})
	for name, end := range map[string]string{"dropped": hangUp, "ended with 421": "421 4.4.2 idle"} {
		t.Run("the server "+name, func(t *testing.T) {
			k := startSink(t, script{answer: func(verb string, n int, _ string) string {
				if verb == "MAIL" && n%2 == 0 && n < 9 { // the second mail of each of the first connections
					return end
				}
				return ""
			}})
			sendAll(t, open(t, mail.Config{Servers: []mail.Server{k.server()}}), 1, 8)
			if mails, conns := k.seen(); len(mails) != 8 || conns != 5 {
				t.Errorf("%d mails, %d connections", len(mails), conns)
			}
		})
	}
	t.Run("idle", func(t *testing.T) {
		var now atomic.Int64
		k := startSink(t, script{})
		m := open(t, mail.Config{Servers: []mail.Server{k.server()}, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
		for _, step := range []struct{ wait, noops, conns int }{{0, 0, 1}, {5, 0, 1}, {20, 1, 1}, {300, 1, 2}} {
			now.Add(int64(step.wait))
			sendAll(t, m, 1, 1)
			if _, conns := k.seen(); k.count("NOOP") != step.noops || conns != step.conns {
				t.Errorf("after %d s: %d NOOP, %d connections", step.wait, k.count("NOOP"), conns)
			}
		}
	})
	t.Run("as many as the server grants", func(t *testing.T) {
		k := startSink(t, script{answer: func(verb string, open int, _ string) string {
			if verb == "CONNECT" && open > 2 {
				return "421 4.7.0 too many connections"
			}
			return ""
		}})
		server := k.server()
		server.Connections, server.MessagesPerConnection = 8, 10
		sendAll(t, open(t, mail.Config{Servers: []mail.Server{server}}), 8, 100)
		if mails, _ := k.seen(); len(mails) != 100 {
			t.Errorf("%d mails", len(mails))
		}
	})
	t.Run("no more than are allowed", func(t *testing.T) {
		k := startSink(t, script{})
		server := k.server()
		server.Connections = 3
		sendAll(t, open(t, mail.Config{Servers: []mail.Server{server}}), 12, 60)
		if k.most > 3 {
			t.Errorf("%d connections at once", k.most)
		}
	})
}

// sendAll sends n mails from several workers; each must arrive.
func sendAll(t *testing.T, m *mail.SMTP, workers, n int) {
	t.Helper()
	l := letter()
	var all sync.WaitGroup
	var next atomic.Int64
	for range workers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if _, err := m.Send(context.Background(), mailTo(l, "Zoé", fmt.Sprintf("reader%d@example.org", i))); err != nil {
					t.Errorf("mail %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
}

func nowhere(t testing.TB) mail.Server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	return mail.Server{Name: "gone", Host: "127.0.0.1", Port: port, Security: mail.Plain}
}

func TestFailOver(t *testing.T) {
	good := startSink(t, script{})
	refusing := startSink(t, script{greeting: "554 5.7.1 not you"})
	busy := startSink(t, script{greeting: "421 4.3.2 later"})
	locked := startSink(t, script{extensions: []string{"AUTH PLAIN"}, answer: at("AUTH", "535 5.7.8 no")})
	withLogin := locked.server()
	withLogin.User, withLogin.Password = "crieur", "s3cr3t-w0rd"
	for name, first := range map[string]mail.Server{"unreachable": nowhere(t), "refusing": refusing.server(), "busy": busy.server(), "login refused": withLogin} {
		m := open(t, mail.Config{Servers: []mail.Server{first, good.server()}})
		before, _ := good.seen()
		sendAll(t, m, 4, 10)
		if after, _ := good.seen(); len(after)-len(before) != 10 {
			t.Errorf("%s: %d mails arrived at the second server", name, len(after)-len(before))
		}
	}
	if n := locked.count("AUTH"); n != 1 {
		t.Errorf("the refused login was tried %d times", n)
	}
	if _, conns := busy.seen(); conns != 1 {
		t.Errorf("the busy server was asked %d times", conns)
	}
}

func TestUnreachable(t *testing.T) {
	var now atomic.Int64
	m := open(t, mail.Config{Servers: []mail.Server{nowhere(t), nowhere(t)}, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	for range 2 {
		_, err := m.Send(context.Background(), mailTo(letter(), "Zoé", "zoe@example.org"))
		if err == nil || publisher.KindOf(err) != publisher.Busy || !strings.Contains(publisher.HintOf(err), "smtp.gone.host") {
			t.Errorf("%v of kind %v, hint %q", err, publisher.KindOf(err), publisher.HintOf(err))
		}
	}
	_, err := m.Send(context.Background(), mailTo(letter(), "Zoé", "zoe@example.org"))
	if after := publisher.AfterOf(err); after.Sub(time.Unix(0, 0)) != 5*time.Second {
		t.Errorf("to be tried again after %v", after)
	}
}

func TestLogin(t *testing.T) {
	const password = "s3cr3t-w0rd"
	ask := func(t *testing.T, s script, change func(*mail.Server)) (*sink, error) {
		k := startSink(t, s)
		server := k.server()
		server.User, server.Password = "crieur", password
		if change != nil {
			change(&server)
		}
		return k, open(t, mail.Config{Servers: []mail.Server{server}}).Verify(context.Background())
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00crieur\x00" + password))
	for name, test := range map[string]struct {
		ext    string
		answer func(string, int, string) string
		change func(*mail.Server)
		kind   publisher.Kind
		hint   string
		ok     bool
	}{
		"plain":           {ext: "AUTH PLAIN LOGIN", ok: true},
		"wrong password":  {ext: "AUTH PLAIN", answer: at("AUTH", "535 5.7.8 no"), kind: publisher.Denied, hint: "smtp.main.password"},
		"echoed password": {ext: "AUTH PLAIN", answer: at("AUTH", "535 5.7.8 "+plain+" "+password), kind: publisher.Denied, hint: "smtp.main.password"},
		"not now":         {ext: "AUTH PLAIN", answer: at("AUTH", "454 4.7.0 later"), kind: publisher.Busy},
		"hangs up":        {ext: "AUTH PLAIN", answer: at("AUTH", hangUp), kind: publisher.Busy},
		"none offered":    {ext: "SIZE", kind: publisher.Denied, hint: "smtp.main.user"},
		"another offered": {ext: "AUTH LOGIN", change: func(s *mail.Server) { s.Auth = "plain" }, kind: publisher.Denied, hint: "smtp.main.auth"},
		"unknown offered": {ext: "AUTH GSSAPI", kind: publisher.Denied, hint: "smtp.main"},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ask(t, script{extensions: []string{test.ext}, answer: test.answer}, test.change)
			if test.ok {
				if err != nil || k.count("QUIT") != 1 || k.count("MAIL") != 0 || k.count("AUTH") != 1 {
					t.Errorf("%v; %v", err, k.lines)
				}
				return
			}
			if err == nil || publisher.KindOf(err) != test.kind || !strings.Contains(publisher.HintOf(err), test.hint) {
				t.Errorf("%v of kind %v, hint %q", err, publisher.KindOf(err), publisher.HintOf(err))
			}
			if said := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(said, password) || strings.Contains(said, strings.TrimRight(plain, "=")) {
				t.Errorf("the error holds the password: %s", said)
			}
		})
	}
	t.Run("never in clear", func(t *testing.T) {
		k := startSink(t, script{extensions: []string{"AUTH PLAIN LOGIN"}})
		for _, auth := range []string{"auto", "plain"} {
			server := k.server()
			server.Host, server.User, server.Password, server.Auth = "mail.example", "crieur", password, auth
			m := open(t, mail.Config{Servers: []mail.Server{server}, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, k.addr)
			}})
			if err := m.Verify(context.Background()); err == nil || publisher.KindOf(err) != publisher.Denied || !strings.Contains(publisher.HintOf(err), "smtp.main.security") {
				t.Errorf("%s: %v, hint %q", auth, err, publisher.HintOf(err))
			}
		}
		if k.count("AUTH") != 0 {
			t.Error("a password went over the wire in clear")
		}
	})
}

func TestTLS(t *testing.T) {
	certificate, roots := certificates(t)
	for name, test := range map[string]struct {
		security string
		script   script
		trusted  bool
		login    bool
		kind     publisher.Kind
		hint     string
		ok       bool
	}{
		"STARTTLS":                               {security: mail.StartTLS, script: script{tls: certificate}, trusted: true, login: true, ok: true},
		"STARTTLS, self-signed":                  {security: mail.StartTLS, script: script{tls: certificate}, kind: publisher.Denied, hint: "certificate"},
		"STARTTLS not offered":                   {security: mail.StartTLS, script: script{}, kind: publisher.Denied, hint: "smtp.main.security"},
		"STARTTLS, hangs up":                     {security: mail.StartTLS, script: script{tls: certificate, answer: at("EHLO", hangUp)}, kind: publisher.Busy},
		"TLS at once":                            {security: mail.ImplicitTLS, script: script{tls: certificate, implicit: true}, trusted: true, login: true, ok: true},
		"TLS at once, self-signed":               {security: mail.ImplicitTLS, script: script{tls: certificate, implicit: true}, kind: publisher.Denied, hint: "certificate"},
		"TLS to a server that greets":            {security: mail.ImplicitTLS, script: script{babble: true}, kind: publisher.Denied, hint: "starttls"},
		"opportunistic, self-signed":             {security: mail.Opportunistic, script: script{tls: certificate}, ok: true},
		"opportunistic, not offered":             {security: mail.Opportunistic, script: script{}, ok: true},
		"opportunistic, self-signed, with login": {security: mail.Opportunistic, script: script{tls: certificate}, login: true, kind: publisher.Denied, hint: "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			test.script.extensions = []string{"PIPELINING", "AUTH PLAIN"}
			k := startSink(t, test.script)
			server := k.server()
			server.Security = test.security
			if test.login {
				server.User, server.Password = "crieur", "s3cr3t"
			}
			c := mail.Config{Servers: []mail.Server{server}}
			if test.trusted {
				c.TLS = &tls.Config{RootCAs: roots}
			}
			_, err := open(t, c).Send(context.Background(), mailTo(letter(), "Zoé", "zoe@example.org"))
			if test.ok {
				if mails, _ := k.seen(); err != nil || len(mails) != 1 {
					t.Errorf("%v, %d mails", err, len(mails))
				}
				return
			}
			if err == nil || publisher.KindOf(err) != test.kind || !strings.Contains(publisher.HintOf(err), test.hint) {
				t.Errorf("%v of kind %v, hint %q", err, publisher.KindOf(err), publisher.HintOf(err))
			}
		})
	}
}

// A server that makes reports by RFC 3461 is asked to return headers only; another one
// is not told of it.
func TestReportsWithoutTheLetter(t *testing.T) {
	for name, test := range map[string]struct {
		extensions []string
		asked      bool
	}{
		"pipelining, DSN":    {[]string{"PIPELINING", "DSN"}, true},
		"step by step, DSN":  {[]string{"DSN"}, true},
		"pipelining, no DSN": {[]string{"PIPELINING"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			k := startSink(t, script{extensions: test.extensions})
			if _, err := open(t, mail.Config{Servers: []mail.Server{k.server()}}).Send(t.Context(), mailTo(letter(), "Zoé", "zoe@example.org")); err != nil {
				t.Fatal(err)
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			if got := strings.Contains(strings.Join(k.lines, "\n"), " RET=HDRS"); got != test.asked {
				t.Errorf("asked for headers only: %v, want %v\n%s", got, test.asked, strings.Join(k.lines, "\n"))
			}
		})
	}
}

func TestWhatAServerCannotTake(t *testing.T) {
	small := startSink(t, script{extensions: []string{"PIPELINING", "SIZE 1000"}})
	_, err := open(t, mail.Config{Servers: []mail.Server{small.server()}}).Send(context.Background(), mailTo(letter(), "Zoé", "zoe@example.org"))
	if err == nil || publisher.KindOf(err) != publisher.Invalid || small.count("MAIL") != 0 {
		t.Errorf("a mail over SIZE: %v", err)
	}
	ascii := startSink(t, script{})
	m := open(t, mail.Config{Servers: []mail.Server{ascii.server()}})
	_, err = m.Send(context.Background(), mailTo(letter(), "Jérôme", "jérôme@example.org"))
	if err == nil || publisher.KindOf(err) != publisher.Invalid || ascii.count("MAIL") != 0 {
		t.Errorf("an address without SMTPUTF8: %v", err)
	}
	l := letter()
	l.From.Email = "rédaction@gazette.example"
	_, err = m.Send(context.Background(), mailTo(l, "Zoé", "zoe@example.org"))
	if err == nil || publisher.KindOf(err) != publisher.Denied {
		t.Errorf("a sender without SMTPUTF8: %v", err)
	}
	utf8 := startSink(t, script{extensions: []string{"SMTPUTF8", "8BITMIME"}})
	m = open(t, mail.Config{Servers: []mail.Server{utf8.server()}})
	if _, err := m.Send(context.Background(), mailTo(letter(), "Jérôme", "jérôme@exämple.org")); err != nil {
		t.Error(err)
	}
	if got := strings.Join(utf8.lines, "\n"); !strings.Contains(got, "MAIL FROM:<lettre@gazette.example> SMTPUTF8\nRCPT TO:<jérôme@xn--exmple-cua.org>\n") {
		t.Errorf("the dialogue was:\n%s", got)
	}
}

// A mail's own return address is its envelope sender, and shows nowhere in it.
func TestReturnPath(t *testing.T) {
	k := startSink(t, script{})
	m := open(t, mail.Config{Servers: []mail.Server{k.server()}})
	l := letter()
	for _, path := range []string{"bounces+abc@gazette.example", ""} {
		one := mailTo(l, "Zoé", "zoe@example.org")
		one.ReturnPath = path
		if _, err := m.Send(context.Background(), one); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.Join(k.lines, "\n")
	if !strings.Contains(got, "MAIL FROM:<bounces+abc@gazette.example>") || !strings.Contains(got, "MAIL FROM:<lettre@gazette.example>") {
		t.Errorf("the dialogue was:\n%s", got)
	}
	for _, text := range k.accepted {
		if strings.Contains(text, "bounces+abc") {
			t.Error("the return address stands in the mail")
		}
	}
}

func TestNothingIsSaidOfABadMail(t *testing.T) {
	k := startSink(t, script{})
	m := open(t, mail.Config{Servers: []mail.Server{k.server()}})
	bad := mailTo(letter(), "Zoé", "zoe@example.org")
	delete(bad.Merge, publisher.MergeUnsubscribe)
	if _, err := m.Send(context.Background(), bad); err == nil {
		t.Error("a mail without a way out was sent")
	}
	if _, conns := k.seen(); conns != 0 {
		t.Error("the server heard of a mail that could not be built")
	}
}

func TestOpenRefuses(t *testing.T) {
	ok := mail.Server{Name: "main", Host: "mail.example"}
	for name, change := range map[string]func(*mail.Server){
		"no host":          func(s *mail.Server) { s.Host = "" },
		"bad port":         func(s *mail.Server) { s.Port = 70000 },
		"unknown security": func(s *mail.Server) { s.Security = "ssl" },
		"unknown login":    func(s *mail.Server) { s.Auth = "ntlm" },
		"negative":         func(s *mail.Server) { s.Connections = -1 },
		"newline in helo":  func(s *mail.Server) { s.Helo = "a\r\nMAIL" },
	} {
		s := ok
		change(&s)
		if _, err := mail.Open(mail.Config{Servers: []mail.Server{s}}); err == nil || publisher.KindOf(err) != publisher.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := mail.Open(mail.Config{}); err == nil || publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("no server: %v", err)
	}
}
