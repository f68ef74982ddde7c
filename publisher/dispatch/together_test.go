package dispatch_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// patient counts how often a run had to wait for another one.
type patient struct{ waited *atomic.Int32 }

func (patient) Delivered(publisher.Delivery) {}
func (p patient) Waiting()                   { p.waited.Add(1) }

// Several runs on one ledger, as of several processes, share the work; nobody gets
// anything twice.
func TestRunsTogether(t *testing.T) {
	ledgertest.Each(t, func(t *testing.T, c ledger.Config) {
		const readers, runs = 600, 4
		m, n := newMailer(func(string, int) error { time.Sleep(100 * time.Microsecond); return nil }), &network{}
		config := dispatch.Config{Mailer: m, Letter: letter, Merge: merge, Lanes: 8, Networks: map[string]publisher.Network{"c": n}}
		var waited atomic.Int32
		var together []*dispatch.Dispatcher
		for i := range runs {
			l := ledgertest.Open(t, c)
			own := config
			own.Ledger = l
			d := dispatch.New(own)
			if i == 0 {
				subscribe(t, l, readers)
			}
			if _, err := d.Plan(t.Context(), publisher.Issue{ID: "i", Created: time.Now()}, texts(true, map[string]int{"c": 5}), daily); err != nil {
				t.Fatal(err)
			}
			together = append(together, d)
		}
		var all sync.WaitGroup
		for _, d := range together {
			all.Go(func() {
				if _, err := d.Run(t.Context(), publisher.Selection{}, patient{&waited}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		wantStates(t, ledgertest.Open(t, c), map[publisher.State]int{accepted: readers + 5})
		if m.calls != readers || len(n.posts) != 5 {
			t.Errorf("%d mails to %d readers, %d posts", m.calls, readers, len(n.posts))
		}
		if c.Dir != "" && waited.Load() == 0 {
			t.Error("no run waited for another, though one at a time may work on SQLite")
		}
	})
}

// A result that comes after its lease ran out changes nothing that someone else has
// done meanwhile.
func TestSlowRunIsFenced(t *testing.T) {
	var c ledger.Config
	for _, e := range ledgertest.Engines() {
		if e.Name == "postgres" {
			c = e.New(t)
		}
	}
	l := ledgertest.Open(t, c)
	subscribe(t, l, 1)
	slow := &sluggish{mailer: newMailer(nil), held: make(chan struct{}), release: make(chan struct{})}
	config := dispatch.Config{Ledger: l, Mailer: slow, Letter: letter, Merge: merge, Lease: 50 * time.Millisecond,
		Unknown: func(string) dispatch.Policy { return dispatch.Resend }}
	first := dispatch.New(config)
	if _, err := first.Plan(t.Context(), publisher.Issue{ID: "i"}, texts(true, nil), daily); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	seen := &house{}
	all.Go(func() {
		if _, err := first.Run(t.Context(), publisher.Selection{}, seen); err != nil {
			t.Error(err)
		}
	})
	<-slow.held
	time.Sleep(2 * config.Lease)
	config.Mailer = newMailer(func(string, int) error { return fault(publisher.Invalid, 550) })
	if _, err := dispatch.New(config).Run(t.Context(), publisher.Selection{}, nil); err != nil {
		t.Fatal(err)
	}
	close(slow.release)
	all.Wait()
	wantStates(t, l, map[publisher.State]int{bounced: 1})
	if len(seen.seen) != 0 {
		t.Errorf("the late run reported %+v", seen.seen)
	}
}

// sluggish takes longer over a mail than its lease allows.
type sluggish struct {
	*mailer
	once          sync.Once
	held, release chan struct{}
}

func (s *sluggish) Send(ctx context.Context, m publisher.Mail) (publisher.Receipt, error) {
	s.once.Do(func() { close(s.held) })
	<-s.release
	return s.mailer.Send(ctx, m)
}

func TestManyReaders(t *testing.T) {
	const readers = many
	h := newHouse(t, readers)
	h.config.Mailer, h.config.Lanes = newMailer(nil), 50
	began := time.Now()
	if p := h.plan("i", true, nil); p.New() != readers {
		t.Fatalf("planned %d", p.New())
	}
	plan := time.Since(began)
	began = time.Now()
	if p := h.plan("i", true, nil); p.New() != 0 {
		t.Fatalf("planned %d again", p.New())
	}
	again := time.Since(began)
	began = time.Now()
	h.run()
	h.want(map[publisher.State]int{accepted: readers})
	took := time.Since(began)
	t.Logf("planned in %v, again in %v, delivered in %v (%.0f/s)", plan, again, took, readers/took.Seconds())
}

// BenchmarkDeliver gives what one delivery costs in claims and results, with a
// mailer that takes no time.
func BenchmarkDeliver(b *testing.B) {
	for _, e := range ledgertest.Engines() {
		for _, lanes := range []int{4, 50, 200} {
			b.Run(fmt.Sprintf("%s/lanes=%d", e.Name, lanes), func(b *testing.B) {
				l := ledgertest.Open(b, e.New(b))
				const readers = 20_000
				subscribe(b, l, readers)
				d := dispatch.New(dispatch.Config{Ledger: l, Mailer: nothing{}, Letter: letter, Merge: merge, Lanes: lanes})
				total := time.Duration(0)
				n := 0
				for b.Loop() {
					b.StopTimer()
					if _, err := d.Plan(b.Context(), publisher.Issue{ID: fmt.Sprint("i", n)}, texts(true, nil), daily); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					began := time.Now()
					if _, err := d.Run(b.Context(), publisher.Selection{}, nil); err != nil {
						b.Fatal(err)
					}
					total += time.Since(began)
					n++
				}
				b.ReportMetric(float64(n*readers)/total.Seconds(), "mails/s")
			})
		}
	}
}

type nothing struct{}

func (nothing) Send(_ context.Context, m publisher.Mail) (publisher.Receipt, error) {
	return publisher.Receipt{ID: m.MessageID(), Reply: "250 2.0.0 OK"}, nil
}
