package dispatch_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// warm is a house whose sender warms up: 10 mails, then half as many again each day.
func warm(t *testing.T, readers int) (*house, *mailer) {
	h := newHouse(t, readers)
	m := newMailer(nil)
	h.config.Mailer, h.config.Lanes = m, 3
	h.config.Warmups = []dispatch.Warmup{{Domain: "Gazette.example", First: 10, Grow: 1.5, Until: 40}}
	h.config.Zone = time.FixedZone("here", 2*60*60)
	return h, m
}

// tomorrow moves the clock to the next day's first hour, in the house's zone.
func (h *house) tomorrow() {
	now := h.clock.Now().In(h.config.Zone)
	next := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 30, 0, 0, h.config.Zone)
	h.clock.Sleep(h.t.Context(), next.Sub(now))
}

// Each day takes half as many again as the best one before, until there are so many
// that there is no limit any more. Each run starts afresh, as another process would.
func TestWarmupOverDays(t *testing.T) {
	ledgertest.Each(t, func(t *testing.T, c ledger.Config) {
		h, m := warm(t, 0)
		c.Now = h.clock.Now
		h.Ledger = ledgertest.Open(t, c)
		h.config.Ledger = h.Ledger
		subscribe(t, h.Ledger, 300)
		warmUp(t, h, m)
	})
}

func warmUp(t *testing.T, h *house, m *mailer) {
	h.plan("i", true, nil)
	var days []int
	for m.calls < 300 && len(days) < 10 {
		before := m.calls
		report := h.run()
		h.run() // a second run on the same day adds nothing
		days = append(days, m.calls-before)
		if m.calls == 300 {
			if len(report.Spent) > 0 {
				t.Errorf("%+v is spent, and nothing waits", report.Spent)
			}
			break
		}
		if len(report.Spent) != 1 || report.Spent[0].Left() != 0 || report.Spent[0].Sent != days[len(days)-1] {
			t.Fatalf("day %d: the report says %+v", len(days), report.Spent)
		}
		if len(days) == 1 {
			// 15, 22, 33, and then no limit.
			if last := report.Spent[0].Done(290); last.Sub(report.Spent[0].Day) != 4*24*time.Hour {
				t.Errorf("the last of 290 more is said to go on %v", last)
			}
		}
		h.tomorrow()
	}
	if d := cmp.Diff([]int{10, 15, 22, 33, 220}, days); d != "" {
		t.Error(d)
	}
	h.want(map[publisher.State]int{accepted: 300})
}

// A day on which little is sent does not count as progress, and one without is none.
func TestWarmupGoesByWhatWasSent(t *testing.T) {
	h, m := warm(t, 3)
	h.plan("i", true, nil)
	h.run()
	for range 6 {
		h.tomorrow()
	}
	subscribe(t, h.Ledger, 100)
	h.plan("ii", true, nil)
	h.run()
	if m.calls != 3+10 {
		t.Errorf("%d mails went out on the second day, want 10", m.calls-3)
	}
	for range 60 {
		h.tomorrow() // and is forgotten
	}
	h.run()
	if m.calls != 3+10+10 {
		t.Errorf("%d mails went out after a long pause, want 10", m.calls-13)
	}
}

// Several issues of one sender share its day, and another sender has none.
func TestWarmupOfSeveralLots(t *testing.T) {
	h, m := warm(t, 30)
	h.plan("i", true, nil)
	h.plan("ii", true, nil)
	other := []dispatch.Audience{{Channel: "daily", List: "readers", Domain: "known.example"}}
	if _, err := dispatch.New(h.config).Plan(t.Context(), publisher.Issue{ID: "iii", Created: h.clock.Now()}, texts(true, nil), other); err != nil {
		t.Fatal(err)
	}
	h.run()
	if m.calls != 10+30 {
		t.Errorf("%d mails went out, want 10 of the new sender and 30 of the other", m.calls)
	}
	h.want(map[publisher.State]int{accepted: 40, planned: 50})
}

// Who greylists everyone is tried again on the same day, and nobody else in their place.
func TestWarmupWithGreylisting(t *testing.T) {
	h, m := warm(t, 40)
	m.script = func(_ string, try int) error {
		if try == 1 {
			return &publisher.Error{Kind: publisher.Busy, Op: "send", Code: 451, Err: errors.New("greylisted")}
		}
		return nil
	}
	h.config.Retry.Schedule = []time.Duration{10 * time.Minute}
	h.plan("i", true, nil)
	report := h.run()
	h.want(map[publisher.State]int{deferred: 10, planned: 30})
	if len(report.Spent) != 1 {
		t.Fatalf("the report says %+v", report.Spent)
	}
	h.clock.Sleep(t.Context(), 15*time.Minute)
	h.run()
	h.want(map[publisher.State]int{accepted: 10, planned: 30})
	h.tomorrow()
	h.run()
	h.want(map[publisher.State]int{accepted: 10, deferred: 15, planned: 15})
}

// A run in whose middle a day ends goes on with the next one's places.
func TestWarmupOverMidnight(t *testing.T) {
	h, m := warm(t, 100)
	h.tomorrow()
	h.clock.Sleep(t.Context(), 23*time.Hour+29*time.Minute+59*time.Second)
	n := 0
	m.script = func(string, int) error {
		if n++; n == 5 {
			h.clock.Sleep(t.Context(), 2*time.Second)
		}
		return nil
	}
	h.plan("i", true, nil)
	h.run()
	if m.calls < 14 || m.calls > 10+15 {
		t.Errorf("%d mails went out before and after midnight", m.calls)
	}
}

// What a run was granted and did not begin gives its place back.
func TestWarmupGivesBack(t *testing.T) {
	h, m := warm(t, 60)
	m.script = func(string, int) error { return fault(publisher.Denied, 535) }
	h.plan("i", true, nil)
	h.run()
	h.want(map[publisher.State]int{planned: 60})
	m.script = nil
	h.run()
	h.want(map[publisher.State]int{accepted: 10, planned: 50})
}
