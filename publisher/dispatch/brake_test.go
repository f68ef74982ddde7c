package dispatch_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// planLot plans a post that waits.
func (h *house) planLot(issue string, release time.Time, held publisher.Hold) publisher.Lot {
	h.t.Helper()
	r, err := dispatch.New(h.config).PlanAt(h.t.Context(), publisher.Issue{ID: issue, Created: h.clock.Now()}, texts(false, map[string]int{"c": 1}), nil,
		func(lot publisher.Lot) publisher.Lot {
			lot.Release, lot.Held = release, held
			return lot
		})
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Lots[0].Lot
}

// Only what is released and not held goes out; the report says what waits.
func TestOnlyDueLots(t *testing.T) {
	h := newHouse(t, 0)
	n := &network{}
	h.config.Networks["c"] = n
	start := h.clock.Now()
	h.planLot("now", time.Time{}, "")
	h.planLot("evening", start.Add(6*time.Hour), "")
	tomorrow := h.planLot("tomorrow", start.Add(20*time.Hour), "")
	late := h.planLot("late", start.Add(time.Hour), publisher.HeldLate)
	wantWaiting := func(r dispatch.Report, posts int, released time.Time, issues ...string) {
		t.Helper()
		var got []string
		for _, lot := range r.Waiting {
			got = append(got, lot.IssueID)
		}
		if len(n.posts) != posts || !r.Released().Equal(released) || len(got) != len(issues) {
			t.Fatalf("%d posts, released %v, waiting %v; want %d, %v, %v", len(n.posts), r.Released(), got, posts, released, issues)
		}
		for i := range got {
			if got[i] != issues[i] {
				t.Fatalf("waiting %v, want %v", got, issues)
			}
		}
	}
	wantWaiting(h.run(), 1, start.Add(6*time.Hour), "late", "evening", "tomorrow")
	h.clock.Sleep(t.Context(), 6*time.Hour)
	wantWaiting(h.run(), 2, tomorrow.Release, "late", "tomorrow")
	h.clock.Sleep(t.Context(), 24*time.Hour)
	wantWaiting(h.run(), 3, time.Time{}, "late")
	if _, err := h.Free(t.Context(), late.ID, publisher.HeldLate); err != nil {
		t.Fatal(err)
	}
	wantWaiting(h.run(), 4, time.Time{})
}

// What is stopped or held in another process is begun no more within moments; what is
// on the wire ends, and nothing is lost.
func TestStopWhileSending(t *testing.T) {
	const readers = 3000
	for name, brake := range map[string]func(l *ledger.Ledger, lot publisher.Lot) error{
		"all": func(l *ledger.Ledger, _ publisher.Lot) error {
			return l.Stop(context.Background(), publisher.Stop{Who: "anne"})
		},
		"channel": func(l *ledger.Ledger, _ publisher.Lot) error {
			return l.Stop(context.Background(), publisher.Stop{Channel: "daily"})
		},
		"hold": func(l *ledger.Ledger, lot publisher.Lot) error {
			_, err := l.Hold(context.Background(), lot.ID, publisher.HeldOwner)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ledgertest.Each(t, func(t *testing.T, c ledger.Config) {
				t.Parallel()
				l, other := ledgertest.Open(t, c), ledgertest.Open(t, c)
				subscribe(t, l, readers)
				m := newMailer(nil)
				slow := &slowMailer{m, 5 * time.Millisecond, make(chan struct{}), sync.Once{}}
				d := dispatch.New(dispatch.Config{Ledger: l, Mailer: slow, Letter: letter, Merge: merge, Lanes: 2})
				plan, err := d.Plan(t.Context(), publisher.Issue{ID: "i"}, texts(true, nil), daily)
				if err != nil {
					t.Fatal(err)
				}
				var report dispatch.Report
				var running sync.WaitGroup
				running.Go(func() {
					if report, err = d.Run(context.Background(), publisher.Selection{}, nil); err != nil {
						t.Error(err)
					}
				})
				<-slow.begun
				if err := brake(other, plan.Lots[0].Lot); err != nil {
					t.Fatal(err)
				}
				asked := time.Now()
				running.Wait()
				if took := time.Since(asked); took > 4*time.Second { // promised are 2 s, on a machine that is not this busy
					t.Errorf("it halted after %v", took)
				}
				sent := report.Count(accepted)
				if sent == 0 || sent == readers || sent != m.calls {
					t.Errorf("%d accepted of %d, %d were sent", sent, readers, m.calls)
				}
				wantStates(t, l, map[publisher.State]int{accepted: sent, publisher.StatePlanned: readers - sent})
				if name == "hold" && (len(report.Waiting) != 1 || report.Waiting[0].ID != plan.Lots[0].Lot.ID) ||
					name != "hold" && len(report.Stopped) != 1 {
					t.Errorf("the report has %v waiting and %v stopped", report.Waiting, report.Stopped)
				}
				// Another run begins nothing; after the owner's word everything goes on.
				if _, err := d.Run(t.Context(), publisher.Selection{}, nil); err != nil || m.calls != sent {
					t.Errorf("%v, and %d more were sent", err, m.calls-sent)
				}
				if _, err := l.Resume(t.Context(), "", ""); err != nil {
					t.Fatal(err)
				}
				if _, err := l.Free(t.Context(), plan.Lots[0].Lot.ID, publisher.HeldOwner); err != nil {
					t.Fatal(err)
				}
				slow.pause = 0
				if _, err := d.Run(t.Context(), publisher.Selection{}, nil); err != nil || m.calls != readers {
					t.Errorf("%v, and %d of %d were sent", err, m.calls, readers)
				}
			})
		})
	}
}

// A slowMailer takes its time, and says when it has the first mail.
type slowMailer struct {
	*mailer
	pause time.Duration
	begun chan struct{}
	once  sync.Once
}

func (s *slowMailer) Send(ctx context.Context, m publisher.Mail) (publisher.Receipt, error) {
	s.once.Do(func() { close(s.begun) })
	time.Sleep(s.pause)
	return s.mailer.Send(ctx, m)
}

// A network that asked to be left alone is, by the next process too.
func TestPaceOutlivesTheProcess(t *testing.T) {
	h := newHouse(t, 0)
	start := h.clock.Now()
	n := &network{script: func(call int) (error, error) {
		if call == 1 {
			return &publisher.Error{Kind: publisher.Busy, Op: "post", Code: 429, After: start.Add(time.Hour)}, nil
		}
		return nil, nil
	}}
	n.traits.Price = func(publisher.Post) int64 { return 15_000 }
	h.config.Networks["c"] = n
	h.planLot("first", time.Time{}, "")
	h.run()
	h.planLot("second", time.Time{}, "")
	h.clock.Sleep(t.Context(), time.Minute)
	r := h.run()
	if n.calls != 1 || publisher.KindOf(r.Paused["c"]) != publisher.Busy {
		t.Fatalf("%d calls, paused: %v", n.calls, r.Paused)
	}
	h.clock.Sleep(t.Context(), time.Hour)
	h.run()
	if len(n.posts) != 2 {
		t.Fatalf("%d posts", len(n.posts))
	}
	spent, err := h.Spent(t.Context(), "c", start, start.AddDate(0, 1, 0))
	if err != nil || spent != 30_000 {
		t.Fatalf("spent %d, %v", spent, err)
	}
}
