package dispatch_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// A database that goes away in the middle of a send and comes back: the send goes on
// by itself. Where CRIEUR_TEST_OUTAGE gives a duration, it is away for so long.
func TestDatabaseAway(t *testing.T) {
	const readers, lanes = 2000, 8
	away := 4 * time.Second // longer than what a locked store is given
	if text := os.Getenv("CRIEUR_TEST_OUTAGE"); text != "" {
		var err error
		if away, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	server := ledgertest.NewServer(t)
	l := ledgertest.Open(t, server.Config())
	subscribe(t, l, readers)
	m := newMailer(nil)
	slow := &slowMailer{m, 2 * time.Millisecond, make(chan struct{}), sync.Once{}}
	n := &network{}
	d := dispatch.New(dispatch.Config{Ledger: l, Mailer: slow, Letter: letter, Merge: merge, Lanes: lanes,
		Networks: map[string]publisher.Network{"c": n}})
	if _, err := d.Plan(t.Context(), publisher.Issue{ID: "i", Created: time.Now()}, texts(true, map[string]int{"c": 200}), daily); err != nil {
		t.Fatal(err)
	}
	var report dispatch.Report
	var running sync.WaitGroup
	running.Go(func() {
		var err error
		if report, err = d.Run(context.Background(), publisher.Selection{}, nil); err != nil {
			t.Error(err)
		}
	})
	<-slow.begun
	time.Sleep(100 * time.Millisecond)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // for the calls on the wire
	before := m.count()
	time.Sleep(away)
	if now := m.count(); now != before {
		t.Errorf("%d mails were begun while no claim could be committed", now-before)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if before == 0 || before == readers {
		t.Fatalf("%d mails had gone out when the server stopped: the test has lost its grip", before)
	}
	// A commit whose answer was lost may have leased what its taker never began.
	left := report.Count(publisher.StateLeased)
	if got := report.Count(accepted); got+left != readers+200 || left > lanes+1 {
		t.Errorf("%d accepted and %d leased of %d", got, left, readers+200)
	}
	for address, times := range m.took {
		if times != 1 {
			t.Errorf("%s got %d mails", address, times)
		}
	}
	t.Logf("%d mails before the outage, %d after it, %d leases without a taker", before, m.count()-before, left)
}

func (m *mailer) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// Workers share a lot without asking for the same mails: against a server that takes
// its time, each more adds its lanes.
func TestWorkersScale(t *testing.T) {
	const readers, lanes = 1500, 8
	rate := map[int]float64{}
	for _, workers := range []int{1, 2, 3} {
		c := onPostgres(t)
		m := newMailer(nil)
		var together []*dispatch.Dispatcher
		var first *ledger.Ledger
		for range workers {
			l := ledgertest.Open(t, c)
			if first == nil {
				first = l
				subscribe(t, l, readers)
			}
			slow := &slowMailer{m, 20 * time.Millisecond, make(chan struct{}), sync.Once{}}
			together = append(together, dispatch.New(dispatch.Config{Ledger: l, Mailer: slow, Letter: letter, Merge: merge, Lanes: lanes}))
		}
		if _, err := together[0].Plan(t.Context(), publisher.Issue{ID: "i", Created: time.Now()}, texts(true, nil), daily); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for _, d := range together {
			all.Go(func() {
				if _, err := d.Run(t.Context(), publisher.Selection{}, nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		rate[workers] = readers / time.Since(began).Seconds()
		wantStates(t, first, map[publisher.State]int{accepted: readers})
		if m.calls != readers {
			t.Errorf("%d workers sent %d mails to %d readers", workers, m.calls, readers)
		}
	}
	t.Logf("mails a second with 1, 2 and 3 workers: %.0f, %.0f, %.0f", rate[1], rate[2], rate[3])
	if exact && (rate[2] < 1.4*rate[1] || rate[3] < 1.8*rate[1]) {
		t.Error("more workers do not help")
	}
}
