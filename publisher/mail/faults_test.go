package mail_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
	"crieur/publisher/mail"
)

// readers is how many there are in each of the faults' stories.
const readers = 12

// A fault is what goes wrong between a ledger with readers and the servers.
type fault struct {
	servers []script
	change  func(*mail.Server)
	down    func(now time.Time, dials int) bool // no connection can be made
	mend    func()                              // what the owner does once a channel is paused
	tls     *tls.Config
}

// once answers a command the n-th time that it comes, and as a good server else.
func once(verb string, n int32, reply string) script {
	var count atomic.Int32
	return script{answer: func(v string, _ int, _ string) string {
		if v == verb && count.Add(1) == n {
			return reply
		}
		return ""
	}}
}

// whenever answers a command always so, as long as it is not mended.
func whenever(verb, reply string, mended *atomic.Bool) script {
	return script{answer: func(v string, _ int, _ string) string {
		if v == verb && (mended == nil || !mended.Load()) {
			return reply
		}
		return ""
	}}
}

// toOne answers a command so where it is about one reader's mail.
func toOne(verb, reply string) script {
	var mu sync.Mutex
	about := false
	return script{answer: func(v string, _ int, line string) string {
		mu.Lock()
		defer mu.Unlock()
		if v == "RCPT" {
			about = strings.Contains(line, "reader5@")
		}
		if v == verb && about {
			return reply
		}
		return ""
	}}
}

func stepwise(s script) script { s.extensions = []string{"SIZE"}; return s }

func faults(t *testing.T) map[string]fault {
	certificate, roots := certificates(t)
	all := map[string]fault{}
	one := func(name string, s func() script) {
		all[name] = fault{servers: []script{s()}}
		all[name+", stepwise"] = fault{servers: []script{stepwise(s())}}
	}
	for _, code := range []string{"450 4.7.1 wait", "451 4.3.0 later", "421 4.3.2 closing", "452 4.3.1 no room", "550 5.1.1 unknown", "550 5.7.1 policy"} {
		number, _, _ := strings.Cut(code, " ")
		if strings.Contains(code, "5.7.1") {
			number = "5.7.1"
		}
		for _, verb := range []string{"MAIL", "RCPT", "DATA", "."} {
			at := verb
			if verb == "." {
				at = "final dot"
			}
			if verb != "MAIL" {
				one(number+" to one reader at "+at, func() script { return toOne(verb, code) })
			}
			all[number+" once at "+at] = fault{servers: []script{once(verb, 4, code)}}
		}
	}
	for _, code := range []string{"421 4.3.2 closing", "450 4.3.2 not now"} {
		number, _, _ := strings.Cut(code, " ")
		all[number+" at the greeting once"] = fault{servers: []script{once("CONNECT", 1, code)}}
		var mended atomic.Bool
		all[number+" to everyone at MAIL, for hours"] = fault{servers: []script{whenever("MAIL", code, &mended)}, mend: func() { mended.Store(true) }}
	}
	all["everyone told to wait for ever"] = fault{servers: []script{whenever("RCPT", "451 4.3.0 later", nil)}}
	for _, verb := range []string{"MAIL", "RCPT", "DATA", "."} {
		one("drop at "+verb, func() script { return once(verb, 4, hangUp) })
	}
	all["drop while the message is on its way"] = fault{servers: []script{once("DATA", 4, goAway)}}
	for _, verb := range []string{"EHLO", "MAIL", "RCPT", "DATA", "."} {
		all["a reply to "+verb+" that never comes"] = fault{servers: []script{once(verb, 1, silence)}, change: hasty}
	}
	all["replies in single octets"] = fault{servers: []script{{chop: true}}}
	all["replies of many lines"] = fault{servers: []script{whenever("RCPT", "250-2.1.5 one\r\n250-2.1.5 two\r\n250 2.1.5 three", nil)}}
	all["a reply that is none"] = fault{servers: []script{once("RCPT", 4, "hello")}}
	all["no PIPELINING"] = fault{servers: []script{stepwise(script{})}}
	all["PIPELINING that is a lie"] = fault{servers: []script{{deaf: true}}, change: hasty}

	met := map[string]bool{}
	var mu sync.Mutex
	all["greylisting"] = fault{servers: []script{{answer: func(v string, _ int, line string) string {
		mu.Lock()
		defer mu.Unlock()
		if v != "RCPT" || met[line] {
			return ""
		}
		met[line] = true
		return "450 4.7.1 greylisted, come back in five minutes"
	}}}}

	starttls := func(s *mail.Server) { s.Security = mail.StartTLS }
	all["TLS that nobody trusts"] = fault{servers: []script{{tls: certificate}}, change: starttls}
	over := once("STARTTLS", 1, hangUp)
	over.tls = certificate
	all["TLS that breaks once"] = fault{servers: []script{over}, change: starttls, tls: &tls.Config{RootCAs: roots}}

	login := func(s *mail.Server) { s.User, s.Password = "crieur", "s3cr3t-w0rd" }
	expires := once("MAIL", 6, "530 5.7.0 authentication required")
	expires.extensions = []string{"PIPELINING", "AUTH PLAIN"}
	all["AUTH that runs out"] = fault{servers: []script{expires}, change: login}
	var mended, out atomic.Bool
	all["AUTH that runs out and is not given again"] = fault{change: login, mend: func() { mended.Store(true) },
		servers: []script{{extensions: []string{"PIPELINING", "AUTH PLAIN"}, answer: func(v string, n int, _ string) string {
			switch {
			case mended.Load():
			case v == "MAIL" && n > 6:
				out.Store(true)
				return "530 5.7.0 authentication required"
			case v == "AUTH" && out.Load():
				return "535 5.7.8 no longer"
			}
			return ""
		}}}}
	for name, long := range map[string]time.Duration{"4 s": 4 * time.Second, "10 min": 10 * time.Minute} {
		var began atomic.Int64
		broken := once("MAIL", 5, hangUp)
		answer := broken.answer
		broken.answer = func(v string, n int, line string) string {
			said := answer(v, n, line)
			if said == hangUp {
				began.CompareAndSwap(0, 1)
			}
			return said
		}
		all["an outage of "+name] = fault{servers: []script{broken}, down: func(now time.Time, _ int) bool {
			began.CompareAndSwap(1, now.UnixNano())
			return began.Load() > 1 && now.Before(time.Unix(0, began.Load()).Add(long))
		}}
	}
	all["the first server refuses us"] = fault{servers: []script{whenever("MAIL", "554 5.7.1 limit exceeded", nil), {}}}
	all["the first server is closing"] = fault{servers: []script{whenever("CONNECT", "421 4.3.2 closing", nil), {}}}
	return all
}

var ports = regexp.MustCompile(`read tcp \S+: `)

func hasty(s *mail.Server) { s.Timeout = 100 * time.Millisecond }

// TestFaults has an issue delivered past each fault, from a ledger over real sockets,
// by as many runs as it takes, and compares each reader's end with the table in
// testdata/faults.golden. Whatever happens, everyone is accounted for, and the
// servers' own books say the same: nobody got two, and whoever is said to have it
// has it.
func TestFaults(t *testing.T) {
	var mu sync.Mutex
	table := map[string]string{}
	t.Run("all", func(t *testing.T) {
		for name, f := range faults(t) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				line := f.play(t)
				mu.Lock()
				defer mu.Unlock()
				table[name] = line
			})
		}
	})
	var got strings.Builder
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&got, "%s\n%s\n", name, table[name])
	}
	path := filepath.Join("testdata", "faults.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the readers' ends (-want +got):\n%s", diff)
	}
}

// play has a fault's issue delivered, and gives how the readers ended, after the first
// run and in the end.
func (f fault) play(t *testing.T) string {
	var now atomic.Int64
	now.Store(time.Date(2026, 11, 23, 7, 30, 0, 0, time.UTC).UnixNano())
	clock := func() time.Time { return time.Unix(0, now.Load()) }
	c := mail.Config{Now: clock, TLS: f.tls}
	var sinks []*sink
	for i, s := range f.servers {
		k := startSink(t, s)
		sinks = append(sinks, k)
		server := k.server()
		server.Name, server.Connections = fmt.Sprint("s", i+1), 1
		if f.change != nil {
			f.change(&server)
		}
		c.Servers = append(c.Servers, server)
	}
	var dials atomic.Int32
	c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if f.down != nil && f.down(clock(), int(dials.Add(1))) {
			return nil, errors.New("connection refused")
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	l := ledgertest.Open(t, ledger.Config{Dir: t.TempDir(), Now: clock})
	config := dispatch.Config{Ledger: l, Now: clock, Jitter: func() float64 { return 0.5 },
		Letter: func(context.Context, string, string, string) (*publisher.Letter, error) { return letter(), nil },
		Merge: func(_ *publisher.Letter, r publisher.Recipient) publisher.Merge {
			return mailTo(nil, r.Name, r.Email).Merge
		},
		Sleep: func(ctx context.Context, d time.Duration) error { now.Add(int64(d)); return ctx.Err() }}
	var people []publisher.NewSubscriber
	for i := range readers {
		who := fmt.Sprintf("reader%d@example.org", i)
		people = append(people, publisher.NewSubscriber{Email: who, Name: "Zoé", Token: who, Status: publisher.Confirmed})
	}
	if _, _, _, err := l.UpsertSubscribers(t.Context(), "readers", people, "test", clock()); err != nil {
		t.Fatal(err)
	}
	if _, err := dispatch.New(config).Plan(t.Context(), publisher.Issue{ID: "i", Created: clock()}, []publisher.Rendering{{Channel: "daily", Language: "fr"}},
		[]dispatch.Audience{{Channel: "daily", List: "readers", Domain: "gazette.example"}}); err != nil {
		t.Fatal(err)
	}
	first := ""
	for try := 0; ; try++ {
		config.Mailer = open(t, c) // each run is as another process's
		report, err := dispatch.New(config).Run(t.Context(), publisher.Selection{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		line := f.ends(t, l, sinks)
		if try == 0 {
			first = line
		}
		if open := strings.Contains(line, "deferred") || strings.Contains(line, "planned"); !open || try == 40 ||
			try > 2 && f.mend == nil && len(report.Paused) > 0 && report.Next().IsZero() {
			if line == first || f.mend != nil { // how many were tried until then is a matter of chance
				return "  " + line
			}
			return "  first run: " + first + "\n  in the end: " + line
		}
		if f.mend != nil && (len(report.Paused) > 0 || try > 4) {
			f.mend()
		}
		next := report.Next()
		if next.Before(clock()) {
			next = clock().Add(15 * time.Minute)
		}
		now.Store(next.UnixNano())
	}
}

// ends gives how the readers stand, in groups, and holds that against what arrived.
func (f fault) ends(t *testing.T, l *ledger.Ledger, sinks []*sink) string {
	arrived := map[string]int{}
	for _, k := range sinks {
		mails, _ := k.seen()
		for _, text := range mails {
			_, rest, _ := strings.Cut("\r\n"+text, "\r\nTo: ")
			_, rest, _ = strings.Cut(rest, "<")
			who, _, _ := strings.Cut(rest, ">")
			arrived[who]++
		}
	}
	groups := map[string]int{}
	n := 0
	err := l.Deliveries(t.Context(), publisher.DeliveryFilter{}, func(d publisher.Delivery) error {
		n++
		what := d.State.String()
		switch got := arrived[d.Recipient.Email]; {
		case d.State == publisher.StateAccepted && got != 1:
			t.Errorf("%s is said to have it and got %d", d.Recipient.Email, got)
		case d.State == publisher.StateUnknown && got > 1, d.State != publisher.StateAccepted && d.State != publisher.StateUnknown && got > 0:
			t.Errorf("%s is %v and got %d", d.Recipient.Email, d.State, got)
		case d.State == publisher.StateDeferred && d.After.IsZero():
			t.Errorf("%s is deferred for ever", d.Recipient.Email)
		}
		if d.State != publisher.StateAccepted && d.Problem != "" {
			what += " (" + ports.ReplaceAllString(d.Problem, "") + ")"
		}
		groups[what]++
		return nil
	})
	if err != nil || n != readers {
		t.Errorf("%d of %d readers are accounted for, %v", n, readers, err)
	}
	tallies, err := l.Counts(t.Context(), publisher.Selection{})
	if err != nil || len(tallies) != 1 || tallies[0].Total() != readers {
		t.Errorf("the tally is %v, %v", tallies, err)
	}
	var parts []string
	for what, n := range groups {
		parts = append(parts, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
