package dispatch_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

// attempts gives what is kept of the tries at the one reader's mail.
func (h *house) attempts() []publisher.Attempt {
	h.t.Helper()
	var tries []publisher.Attempt
	err := h.Deliveries(h.t.Context(), publisher.DeliveryFilter{}, func(d publisher.Delivery) (err error) {
		tries, err = h.Attempts(h.t.Context(), d)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return tries
}

// A deferred mail keeps to its schedule from run to run, each of which could be
// another process, and ends when its time is over.
func TestScheduleHoldsFromRunToRun(t *testing.T) {
	h := newHouse(t, 1)
	reply := error(&publisher.Error{Kind: publisher.Busy, Op: "send mail", Code: 450, Err: errors.New("the server says: 450 4.2.1 greylisted")})
	m := newMailer(func(string, int) error { return reply })
	h.config.Mailer = m
	h.config.Retry = dispatch.Retry{Patience: time.Second, GiveUp: 24 * time.Hour,
		Schedule: []time.Duration{time.Minute, 5 * time.Minute, time.Hour, 6 * time.Hour}}
	h.plan("i", true, nil)
	began := h.clock.Now()
	var waits []time.Duration
	for range 50 {
		r := h.run()
		if r.Next().IsZero() {
			break
		}
		waits = append(waits, r.Next().Sub(h.clock.Now()))
		before := m.calls
		if h.run(); m.calls != before {
			t.Fatal("a mail was tried before it was due")
		}
		h.clock.now = r.Next()
	}
	want := []time.Duration{time.Minute, 5 * time.Minute, time.Hour, 6 * time.Hour, 6 * time.Hour, 6 * time.Hour}
	want = append(want, 24*time.Hour-19*time.Hour-6*time.Minute)
	if !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
	h.want(map[publisher.State]int{bounced: 1})
	if d := h.clock.Now().Sub(began); d != 24*time.Hour {
		t.Errorf("given up after %v", d)
	}
	tries := h.attempts()
	if len(tries) != 8 || len(h.seen) != 1 {
		t.Fatalf("%d attempts kept, %d told", len(tries), len(h.seen))
	}
	for _, a := range tries {
		if !strings.Contains(a.Problem, "450 4.2.1 greylisted") || a.Code != 450 {
			t.Errorf("kept: %+v", a)
		}
	}
	if last := tries[7].Problem; !strings.HasPrefix(last, "given up after 24h0m0s: ") {
		t.Errorf("the last one says %q", last)
	}
}

func TestScheduleIsSpread(t *testing.T) {
	h := newHouse(t, 1)
	h.config.Mailer = newMailer(func(string, int) error { return fault(publisher.Busy, 451) })
	h.config.Retry = dispatch.Retry{Patience: time.Second, Schedule: []time.Duration{time.Hour}}
	h.config.Jitter = func() float64 { return 0 }
	h.plan("i", true, nil)
	if wait := h.run().Next().Sub(h.clock.Now()); wait != 45*time.Minute {
		t.Errorf("the earliest wait is %v", wait)
	}
}

// What cannot reach any server ends too, and not as the reader's fault.
func TestNoServerForTooLong(t *testing.T) {
	h := newHouse(t, 1)
	h.config.Mailer = newMailer(func(string, int) error { return fault(publisher.Busy, 0) })
	h.config.Retry = dispatch.Retry{Tries: 1, GiveUp: time.Hour}
	h.plan("i", true, nil)
	h.run()
	h.clock.now = h.clock.now.Add(2 * time.Hour)
	h.run()
	h.want(map[publisher.State]int{failed: 1})
}
