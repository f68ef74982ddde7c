package mail_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/mail"
)

// A round hands out mails and holds their carrier to publisher.Round's contract.
type round struct {
	t     *testing.T
	mails []publisher.Mail
	stop  func(m publisher.Mail) bool // where Begin forbids, and Next ends

	mu      sync.Mutex
	next    int
	stopped bool
	begun   map[string]bool // by address
	ends    map[string]end
	order   []string
}

type end struct {
	receipt publisher.Receipt
	err     error
}

func newRound(t *testing.T, mails []publisher.Mail) *round {
	return &round{t: t, mails: mails, begun: map[string]bool{}, ends: map[string]end{}}
}

func (r *round) Next(bool) (publisher.Mail, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == len(r.mails) || r.stopped {
		return publisher.Mail{}, false
	}
	r.next++
	return r.mails[r.next-1], true
}

func (r *round) Begin(m publisher.Mail) (time.Duration, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, over := r.ends[m.To.Email]; over || r.begun[m.To.Email] || len(r.begun) > len(r.ends) {
		r.t.Errorf("%s was begun twice, after its end or beside another", m.To.Email)
	}
	if r.stop != nil && (r.stopped || r.stop(m)) {
		r.stopped = true
		return 0, errors.New("stop")
	}
	r.begun[m.To.Email] = true
	return time.Minute, nil
}

func (r *round) Done(m publisher.Mail, receipt publisher.Receipt, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, twice := r.ends[m.To.Email]; twice {
		r.t.Errorf("%s ended twice", m.To.Email)
	}
	if !r.begun[m.To.Email] {
		if err == nil {
			r.t.Errorf("%s ended well and was not begun", m.To.Email)
		}
		r.begun[m.To.Email] = true
	}
	r.ends[m.To.Email] = end{receipt, err}
	r.order = append(r.order, m.To.Email)
}

// A fate is what a server does with one reader's mail, always.
type fate struct {
	verb, reply string
	kind        publisher.Kind
	code        int
	arrives     bool // though it is not said
}

var fates = map[string]fate{
	"fine":              {},
	"unknown":           {verb: "RCPT", reply: "550 5.1.1 no such mailbox", kind: publisher.Invalid, code: 550},
	"greylisted":        {verb: "RCPT", reply: "450-4.7.1 wait\r\n450 4.7.1 a little", kind: publisher.Busy, code: 450},
	"full":              {verb: "RCPT", reply: "452 4.2.2 full", kind: publisher.Busy, code: 452},
	"closing":           {verb: "RCPT", reply: "421 4.3.2 shutting down", kind: publisher.Busy, code: 421},
	"dropped":           {verb: "RCPT", reply: hangUp, kind: publisher.Busy},
	"later":             {verb: "DATA", reply: "451 4.3.0 later", kind: publisher.Busy, code: 451},
	"dropped at DATA":   {verb: "DATA", reply: hangUp, kind: publisher.Busy},
	"refused":           {verb: ".", reply: "550 5.1.1 gone", kind: publisher.Invalid, code: 550},
	"full after all":    {verb: ".", reply: "552 5.2.2 full", kind: publisher.Invalid, code: 552},
	"later after all":   {verb: ".", reply: "451 4.3.0 later", kind: publisher.Busy, code: 451},
	"closing after all": {verb: ".", reply: "421 4.3.2 shutting down", kind: publisher.Busy, code: 421},
	"dropped after all": {verb: ".", reply: hangUp, kind: publisher.Unknown},
	"mumbled":           {verb: ".", reply: "2", kind: publisher.Unknown, arrives: true},
}

// destiny is a server that knows each reader's fate by the address.
func destiny() func(string, int, string) string {
	var mu sync.Mutex
	reader := ""
	return func(verb string, _ int, line string) string {
		mu.Lock()
		defer mu.Unlock()
		if verb == "RCPT" {
			_, reader, _ = strings.Cut(strings.TrimSuffix(line, ">"), "<")
		}
		name, _, _ := strings.Cut(reader, "-")
		f := fates[strings.ReplaceAll(name, "_", " ")]
		switch {
		case f.verb == verb:
			return f.reply
		case verb == ".":
			return "250 2.0.0 kept for " + reader
		}
		return ""
	}
}

// TestEachAnswerIsTheRightReaders carries mails with all fates in random order: each
// must meet its own, whatever happened to those before and behind it in the block.
func TestEachAnswerIsTheRightReaders(t *testing.T) {
	for mode, s := range map[string]script{
		"pipelining": {},
		"stepwise":   {extensions: []string{"SIZE"}},
		"chopped":    {chop: true},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s.answer = destiny()
			k := startSink(t, s)
			server := k.server()
			server.Connections, server.MessagesPerConnection = 1, 20
			l := letter()
			var mails []publisher.Mail
			for range 6 {
				for name := range fates {
					mails = append(mails, mailTo(l, "Zoé", fmt.Sprintf("%s-%d@example.org", strings.ReplaceAll(name, " ", "_"), len(mails))))
				}
			}
			rand.Shuffle(len(mails), func(i, j int) { mails[i], mails[j] = mails[j], mails[i] })
			r := newRound(t, mails)
			open(t, mail.Config{Servers: []mail.Server{server}}).Carry(context.Background(), r)
			var want []string
			for _, m := range mails {
				name, _, _ := strings.Cut(m.To.Email, "-")
				f := fates[strings.ReplaceAll(name, "_", " ")]
				got, ended := r.ends[m.To.Email]
				var e *publisher.Error
				switch {
				case !ended:
					t.Errorf("%s has no end", m.To.Email)
				case f.verb == "" && (got.err != nil || got.receipt.Reply != "250 2.0.0 kept for "+m.To.Email || got.receipt.ID != m.MessageID()):
					t.Errorf("%s: %+v, %v", m.To.Email, got.receipt, got.err)
				case f.verb != "" && (!errors.As(got.err, &e) || e.Kind != f.kind || e.Code != f.code):
					t.Errorf("%s: %v of kind %v, want kind %v, code %d", m.To.Email, got.err, publisher.KindOf(got.err), f.kind, f.code)
				}
				if f.verb == "" || f.arrives {
					want = append(want, m.To.Email)
				}
			}
			arrived := map[string]int{}
			taken, _ := k.seen()
			for _, text := range taken {
				_, rest, _ := strings.Cut(text, "\r\nTo: =?utf-8?q?Zo=C3=A9?= <")
				if strings.HasPrefix(text, "To: ") {
					_, rest, _ = strings.Cut(text, "<")
				}
				who, _, _ := strings.Cut(rest, ">")
				arrived[who]++
			}
			for _, who := range want {
				if arrived[who] != 1 {
					t.Errorf("%s got %d mails", who, arrived[who])
				}
			}
			if len(taken) != len(want) {
				t.Errorf("%d mails arrived, want %d", len(taken), len(want))
			}
		})
	}
}

// The point of it all: a block is a message and the next envelope.
func TestOneTurnEach(t *testing.T) {
	k := startSink(t, script{})
	var writes atomic.Int32
	c := mail.Config{Servers: []mail.Server{k.server()}, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		raw, err := new(net.Dialer).DialContext(ctx, network, addr)
		return counted{raw, &writes}, err
	}}
	var mails []publisher.Mail
	l := letter()
	for i := range 50 {
		mails = append(mails, mailTo(l, "Zoé", fmt.Sprintf("reader%d@example.org", i)))
	}
	m := open(t, c)
	r := newRound(t, mails)
	m.Carry(context.Background(), r)
	got, conns := k.seen()
	if len(got) != 50 || conns != 1 || len(r.ends) != 50 {
		t.Fatalf("%d mails arrived over %d connections, %d ended", len(got), conns, len(r.ends))
	}
	if most := 50 + 3; int(writes.Load()) > most { // EHLO, the first envelope
		t.Errorf("%d writes for 50 mails, want %d at most", writes.Load(), most)
	}
	for i, who := range r.order {
		if who != mails[i].To.Email {
			t.Fatalf("mail %d to end is %s's, want %s's", i, who, mails[i].To.Email)
		}
	}
}

// counted counts the blocks that are written.
type counted struct {
	net.Conn
	writes *atomic.Int32
}

func (c counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// What Begin forbids does not go out, though its envelope had.
func TestForbiddenMailIsNotSent(t *testing.T) {
	k := startSink(t, script{})
	l := letter()
	var mails []publisher.Mail
	for i := range 10 {
		mails = append(mails, mailTo(l, "Zoé", fmt.Sprintf("reader%d@example.org", i)))
	}
	r := newRound(t, mails)
	r.stop = func(m publisher.Mail) bool { return m.To.Email == "reader4@example.org" }
	open(t, mail.Config{Servers: []mail.Server{k.server()}}).Carry(context.Background(), r)
	got, _ := k.seen()
	if len(got) != 4 || len(r.ends) != 4 {
		t.Errorf("%d mails arrived and %d ended, want 4", len(got), len(r.ends))
	}
	if k.count("RCPT") != 5 {
		t.Errorf("%d envelopes: the fifth was to be under way, and no other", k.count("RCPT"))
	}
	if _, conns := k.seen(); conns != 1 {
		t.Errorf("%d connections: none was to be made for the mails behind it", conns)
	}
}

// A server that advertises PIPELINING and loses what comes with the final dot costs one
// timeout; nobody is left out, nobody gets two.
func TestPipeliningThatIsALie(t *testing.T) {
	k := startSink(t, script{deaf: true})
	server := k.server()
	server.Timeout = 300 * time.Millisecond
	l := letter()
	var mails []publisher.Mail
	for i := range 12 {
		mails = append(mails, mailTo(l, "Zoé", fmt.Sprintf("reader%d@example.org", i)))
	}
	r := newRound(t, mails)
	began := time.Now()
	open(t, mail.Config{Servers: []mail.Server{server}}).Carry(context.Background(), r)
	for who, e := range r.ends {
		if e.err != nil {
			t.Errorf("%s: %v", who, e.err)
		}
	}
	if got, conns := k.seen(); len(got) != 12 || conns != 2 {
		t.Errorf("%d mails over %d connections, want 12 over 2", len(got), conns)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Who waits for a place gets one before a long round is over.
func TestPlacesAreShared(t *testing.T) {
	k := startSink(t, script{})
	server := k.server()
	server.Connections, server.MessagesPerConnection = 1, 5000
	m := open(t, mail.Config{Servers: []mail.Server{server}})
	l := letter()
	var many []publisher.Mail
	for i := range 2000 {
		many = append(many, mailTo(l, "Zoé", fmt.Sprintf("reader%d@example.org", i)))
	}
	long := newRound(t, many)
	var all sync.WaitGroup
	all.Go(func() { m.Carry(context.Background(), long) })
	for k.count("MAIL") < 10 {
		time.Sleep(time.Millisecond)
	}
	if _, err := m.Send(context.Background(), mailTo(l, "Ali", "ali@example.org")); err != nil {
		t.Error(err)
	}
	long.mu.Lock()
	done := len(long.ends)
	long.mu.Unlock()
	if done == len(many) {
		t.Error("one mail had to wait for a whole round")
	}
	all.Wait()
	if got, conns := k.seen(); len(got) != len(many)+1 || conns != 1 {
		t.Errorf("%d mails over %d connections", len(got), conns)
	}
}

func TestSessionsAreTakenUpAgain(t *testing.T) {
	certificate, roots := certificates(t)
	k := startSink(t, script{tls: certificate})
	server := k.server()
	server.Security, server.MessagesPerConnection = mail.StartTLS, 1
	sendAll(t, open(t, mail.Config{Servers: []mail.Server{server}, TLS: &tls.Config{RootCAs: roots}}), 1, 6)
	if k.resumed < 4 {
		t.Errorf("%d of 6 connections took up an earlier session", k.resumed)
	}
}
