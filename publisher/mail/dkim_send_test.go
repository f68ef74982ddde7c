package mail_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-smtp"

	"crieur/publisher"
	"crieur/publisher/mail"
)

// A key that fails must leave the server alone.
func TestSigningFailsBeforeTheWire(t *testing.T) {
	k := startSink(t, script{})
	broken := must(rsa.GenerateKey(rand.Reader, 2048))
	m := open(t, mail.Config{Servers: []mail.Server{k.server()}, DKIM: []mail.DKIM{gazette(mail.DKIMKey{Selector: "s", Key: broken})}})
	broken.D.SetInt64(3) // no longer the public key's other half
	broken.Precomputed = rsa.PrecomputedValues{}
	_, err := m.Send(context.Background(), mailTo(letter(), "Zoé", "zoe@example.org"))
	if err == nil || publisher.KindOf(err) != publisher.Internal {
		t.Errorf("got %v", err)
	}
	if mails, conns := k.seen(); len(mails) > 0 || conns > 0 {
		t.Errorf("%d mails, %d connections", len(mails), conns)
	}
}

// TestDeliveredMailVerifies sends over real SMTP from many goroutines: what counts is
// what comes out of the server, after its unstuffing of dots.
func TestDeliveredMailVerifies(t *testing.T) {
	room := &openRoom{}
	s := smtp.NewServer(room)
	s.Domain, s.ErrorLog = "mx.example", log.New(io.Discard, "", 0)
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	addr := l.Addr().(*net.TCPAddr)
	m := open(t, mail.Config{Now: func() time.Time { return signedAt }, DKIM: allDomains(),
		Servers: []mail.Server{{Name: "main", Host: addr.IP.String(), Port: addr.Port, Security: mail.Plain, Connections: 4}}})
	var all sync.WaitGroup
	want := 0
	for name, letter := range awkward() {
		for i := range 3 {
			want++
			all.Go(func() {
				one := letter
				one.Key, one.To.Email = fmt.Sprintf("key%d", i), "zoe@example.org"
				if _, err := m.Send(context.Background(), one); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	all.Wait()
	if len(room.arrived) != want {
		t.Fatalf("%d arrived, want %d", len(room.arrived), want)
	}
	for _, raw := range room.arrived {
		if n := verified(t, raw); n != 2 {
			t.Errorf("%d signatures", n)
		}
	}
}

// openRoom takes every mail.
type openRoom struct {
	mu      sync.Mutex
	arrived [][]byte
}

func (r *openRoom) NewSession(*smtp.Conn) (smtp.Session, error) { return guest{r}, nil }

type guest struct{ room *openRoom }

func (g guest) Mail(string, *smtp.MailOptions) error { return nil }
func (g guest) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (g guest) Reset()                               {}
func (g guest) Logout() error                        { return nil }
func (g guest) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	g.room.mu.Lock()
	defer g.room.mu.Unlock()
	g.room.arrived = append(g.room.arrived, b)
	return err
}

func FuzzSignedVerifies(f *testing.F) {
	for _, name := range hostileNames {
		f.Add(name, "Sujet", "<p>é</p>\n", "texte")
	}
	f.Add("Zoé", "Un sujet\r\n.\r\n", strings.Repeat("x", 5000), "\r\n.\r\nQUIT\r\n")
	f.Add("", " ", ".", "\n\n\n")
	f.Fuzz(func(t *testing.T, name, subject, before, after string) {
		l := letter()
		l.Rendering.Subject, l.From.Name, l.ListName = subject, name, after
		l.Rendering.HTML = before + marker(publisher.MergeGreeting) + after
		l.Rendering.Text = after + marker(publisher.MergeName) + before
		raw, err := mail.Signed(mailTo(l, name, "zoe@example.org"), signedAt, gazette())
		if publisher.KindOf(err) == publisher.Invalid {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := verified(t, raw); n != 2 {
			t.Errorf("%d signatures", n)
		}
	})
}

func bench(b *testing.B, f func() error) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDKIM signs a finished letter of 50 kB; bare is what the key alone takes.
func BenchmarkDKIM(b *testing.B) {
	msg := built(b, mailTo(bigLetter(), "Zoé", "zoe@example.org"))
	digest := bytes.Repeat([]byte{1}, 32)
	for _, c := range []struct {
		name string
		keys []mail.DKIMKey
	}{{"rsa", []mail.DKIMKey{keyRSA()}}, {"ed25519", []mail.DKIMKey{keyEd25519()}}, {"both", []mail.DKIMKey{keyRSA(), keyEd25519()}}} {
		b.Run(c.name+"/ours", func(b *testing.B) {
			s, buf := mail.NewSigner(gazette(c.keys...)), make([]byte, 0, len(msg)+8192)
			bench(b, func() error { _, err := s.Sign(buf, msg, signedAt); return err })
		})
		b.Run(c.name+"/bare", func(b *testing.B) {
			bench(b, func() error {
				for _, k := range c.keys {
					how := crypto.SignerOpts(crypto.SHA256)
					if k.Algorithm() == "ed25519-sha256" {
						how = crypto.Hash(0)
					}
					if _, err := k.Key.Sign(rand.Reader, digest, how); err != nil {
						return err
					}
				}
				return nil
			})
		})
		for _, body := range []dkim.Canonicalization{dkim.CanonicalizationRelaxed, dkim.CanonicalizationSimple} {
			b.Run(c.name+"/msgauth-relaxed-"+string(body), func(b *testing.B) {
				bench(b, func() error {
					for _, k := range c.keys {
						if err := dkim.Sign(io.Discard, bytes.NewReader(msg), &dkim.SignOptions{Domain: "gazette.example", Selector: k.Selector, Signer: k.Key,
							HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: body}); err != nil {
							return err
						}
					}
					return nil
				})
			})
		}
	}
}

// BenchmarkSendSigned is the whole of Send with signatures, against a sink that costs
// little, from as many lanes as there are connections.
func BenchmarkSendSigned(b *testing.B) {
	for name, keys := range map[string][]mail.DKIMKey{"rsa": {keyRSA()}, "ed25519": {keyEd25519()}, "both": {keyRSA(), keyEd25519()}} {
		b.Run(name, func(b *testing.B) {
			k := startSink(b, script{})
			m := open(b, mail.Config{Servers: []mail.Server{k.server()}, DKIM: []mail.DKIM{gazette(keys...)}})
			send := mailTo(bigLetter(), "Zoé", "zoe@example.org")
			b.SetParallelism(4)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := m.Send(context.Background(), send); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
