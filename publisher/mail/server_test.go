package mail_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"crieur/publisher"
	"crieur/publisher/mail"
)

// mailroom is a real SMTP server, for what a script would only imitate.
type mailroom struct {
	user, password string

	mu       sync.Mutex
	arrived  map[string][]byte // by recipient
	twice    []string
	sessions int
}

func (r *mailroom) NewSession(*smtp.Conn) (smtp.Session, error) {
	r.mu.Lock()
	r.sessions++
	r.mu.Unlock()
	return &visit{room: r}, nil
}

type visit struct {
	room     *mailroom
	in       bool
	from, to string
}

func (v *visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != v.room.user || password != v.room.password {
			return smtp.ErrAuthFailed
		}
		v.in = true
		return nil
	}), nil
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	if !v.in {
		return smtp.ErrAuthRequired
	}
	v.from = from
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	if bytes.HasPrefix([]byte(to), []byte("gone")) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	}
	v.to = to
	return nil
}

func (v *visit) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v.room.mu.Lock()
	defer v.room.mu.Unlock()
	if _, there := v.room.arrived[v.to]; there {
		v.room.twice = append(v.room.twice, v.to)
	}
	v.room.arrived[v.to] = b
	return nil
}

func (v *visit) Reset()        {}
func (v *visit) Logout() error { return nil }

func TestWithARealServer(t *testing.T) {
	certificate, roots := certificates(t)
	room := &mailroom{user: "crieur", password: "s3cr3t", arrived: map[string][]byte{}}
	s := smtp.NewServer(room)
	s.Domain, s.TLSConfig, s.EnableSMTPUTF8 = "mx.example", certificate, true
	s.ErrorLog = log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	addr := l.Addr().(*net.TCPAddr)

	// Now and then the network cuts a connection that is between two mails; nobody is
	// to notice.
	var cuts atomic.Int64
	dial := func(ctx context.Context, network, to string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, to)
		return &frail{Conn: c, left: 30, cuts: &cuts}, err
	}
	m := open(t, mail.Config{Dial: dial, TLS: &tls.Config{RootCAs: roots}, Servers: []mail.Server{{Name: "main", Host: addr.IP.String(),
		Port: addr.Port, User: "crieur", Password: "s3cr3t", Connections: 6, Timeout: 10 * time.Second}}})

	const readers = 400
	letters := []*publisher.Letter{letter(), letter()}
	letters[1].Rendering.Subject = "The ferry is back"
	var all sync.WaitGroup
	var next, refused atomic.Int64
	for range 10 {
		all.Go(func() {
			for i := next.Add(1); i <= readers; i = next.Add(1) {
				who := fmt.Sprintf("reader%d@example.org", i)
				if i%10 == 0 {
					who = "gone" + who
				}
				send := mailTo(letters[i%2], fmt.Sprintf("Lecteur « %d »", i), who)
				send.Key = fmt.Sprintf("key%d", i)
				_, err := m.Send(context.Background(), send)
				var e *publisher.Error
				switch {
				case err == nil:
				case errors.As(err, &e) && e.Kind == publisher.Invalid && e.Code == 550 && i%10 == 0:
					refused.Add(1)
				default:
					t.Errorf("mail %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
	if len(room.arrived) != readers*9/10 || refused.Load() != readers/10 || len(room.twice) > 0 {
		t.Errorf("%d arrived, %d refused, twice: %v", len(room.arrived), refused.Load(), room.twice)
	}
	if cuts.Load() == 0 || room.sessions < int(cuts.Load()) {
		t.Errorf("%d cuts, %d sessions", cuts.Load(), room.sessions)
	}
	for to, raw := range room.arrived {
		got := parse(t, raw)
		if to2 := got.Header["To"][0]; !bytes.Contains([]byte(to2), []byte(to)) || len(got.Parts) != 2 ||
			!bytes.Contains([]byte(got.Parts[0].Body), []byte("Bonjour Lecteur «")) || !bytes.Contains([]byte(got.Parts[1].Body), []byte(to)) {
			t.Errorf("mail to %s reads:\n%s", to, raw)
		}
	}
}

// A frail connection is cut when a transaction begins, after some writes.
type frail struct {
	net.Conn
	left int
	cuts *atomic.Int64
}

func (f *frail) Write(b []byte) (int, error) {
	if f.left--; f.left < 0 && len(b) < 400 && len(b) > 100 {
		f.left = 1 << 30
		f.cuts.Add(1)
		_ = f.Close()
		return 0, net.ErrClosed
	}
	return f.Conn.Write(b)
}

func BenchmarkSend(b *testing.B) {
	k := startSink(b, script{})
	m := open(b, mail.Config{Servers: []mail.Server{k.server()}})
	send := mailTo(bigLetter(), "Zoé", "zoe@example.org")
	for b.Loop() {
		if _, err := m.Send(context.Background(), send); err != nil {
			b.Fatal(err)
		}
	}
}
