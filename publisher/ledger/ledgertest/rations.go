package ledgertest

import (
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

// used gives what was used of a domain's rations, by day.
func used(t testing.TB, l *ledger.Ledger) (mails []int) {
	t.Helper()
	days, err := l.Sendings(t.Context(), "gazette.example", noon.Add(-48*time.Hour))
	must(t, err)
	for _, d := range days {
		mails = append(mails, d.Mails)
	}
	return mails
}

// A ration is counted with the commit that grants. A mail that was told to wait keeps
// its place for the day, one that was not begun gives it back, and the next day has
// places of its own.
func rations(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 10)
	lot, _ := mailLot(t, l, 1)
	all := ids(t, l, lot)
	day := publisher.Ration{Domain: "gazette.example", Day: noon.Add(-12 * time.Hour), Ends: noon.Add(12 * time.Hour), Most: 4}
	now := noon
	take := func(r publisher.Ration, outcomes []publisher.Outcome, wanted ...int64) publisher.Commit {
		t.Helper()
		now = now.Add(time.Second)
		c, err := l.Commit(t.Context(), outcomes, wants(lot, wanted...), now, now.Add(time.Minute), r)
		must(t, err)
		return c
	}
	c := take(day, nil, all[:3]...)
	same(t, "granted", len(c.Granted), 3)
	same(t, "spent", c.Spent, []string(nil))
	c2 := take(day, nil, all[3:6]...)
	same(t, "granted of the last place", len(c2.Granted), 1)
	same(t, "spent", c2.Spent, []string{"gazette.example"})
	same(t, "used", used(t, l), []int{4})

	// One is accepted, one told to wait, one was not begun after all.
	waits := publisher.Outcome{Claim: c.Granted[1], State: publisher.StateDeferred, Started: now, Ended: now, After: now, Kind: publisher.Busy, Code: 450, Problem: "450"}
	unbegun := publisher.Outcome{Claim: c.Granted[2], State: publisher.StatePlanned, Ended: now, Back: day.Day}
	c = take(day, []publisher.Outcome{accepted(c.Granted[0], "k", now), waits, unbegun}, waits.ID, all[7], all[8])
	same(t, "granted: the one that waited, and the place given back", len(c.Granted), 2)
	same(t, "used", used(t, l), []int{4})
	again, err := l.DueAgain(t.Context(), lot, 0, day.Day, now, 10)
	must(t, err)
	same(t, "due again", len(again), 0)

	// The same outcome again gives nothing back a second time.
	take(day, []publisher.Outcome{unbegun})
	same(t, "used", used(t, l), []int{4})

	waits.Claim = c.Granted[0]
	if waits.ID != waits.Claim.ID || waits.Attempt != 2 {
		waits.Claim = c.Granted[1]
	}
	waits.Ended, waits.After = now, now.Add(time.Hour)
	take(day, []publisher.Outcome{waits})
	next, err := l.NextAgain(t.Context(), lot.ID, day.Day)
	must(t, err)
	if next.IsZero() || next.After(waits.After) {
		t.Errorf("due again at %v", next)
	}
	again, err = l.DueAgain(t.Context(), lot, 0, day.Day, waits.After, 10)
	must(t, err)
	same(t, "due again", len(again), 1)

	tomorrow := publisher.Ration{Domain: day.Domain, Day: day.Ends, Ends: day.Ends.Add(24 * time.Hour), Most: 2}
	now = tomorrow.Day
	c = take(tomorrow, nil, waits.ID, all[9], all[8])
	same(t, "granted on the next day", len(c.Granted), 2)
	same(t, "used", used(t, l), []int{4, 2})
}

// Nobody takes more than there is, however many try.
func rationsTogether(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 200)
	lot, _ := mailLot(t, l, 1)
	all := ids(t, l, lot)
	day := publisher.Ration{Domain: "gazette.example", Day: noon, Ends: noon.Add(24 * time.Hour), Most: 90}
	granted := make([]int, 4)
	var hands sync.WaitGroup
	for hand := range granted {
		hands.Go(func() {
			for at := 0; at < len(all); at += 20 {
				from := (at + 50*hand) % len(all)
				var outcomes []publisher.Outcome
				for try := 0; ; try++ {
					c, err := l.Commit(t.Context(), outcomes, wants(lot, all[from:from+10]...), noon, noon.Add(time.Hour), day)
					if publisher.KindOf(err) == publisher.Busy && try < 50 {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					granted[hand] += len(c.Granted)
					break
				}
			}
		})
	}
	hands.Wait()
	same(t, "granted", granted[0]+granted[1]+granted[2]+granted[3], 90)
	same(t, "used", used(t, l), []int{90})
}
