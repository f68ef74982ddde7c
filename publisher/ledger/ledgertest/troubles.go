package ledgertest

import (
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

// What goes wrong again counts as one try more; when it began stays.
func troubles(t *testing.T, l *ledger.Ledger) {
	first := publisher.Trouble{Duty: "route", Subject: "a feed:site", Channel: "toots", Problem: "l’été", Hint: "h", Since: noon, Next: noon.Add(time.Minute)}
	must(t, l.SaveTrouble(t.Context(), first))
	must(t, l.SaveTrouble(t.Context(), publisher.Trouble{Duty: "digest", Subject: "daily", Channel: "daily", Problem: "p", Since: noon.Add(time.Second), Next: noon.Add(time.Hour)}))
	again := first
	again.Problem, again.Since, again.Next = "other", noon.Add(time.Minute), noon.Add(2*time.Minute)
	must(t, l.SaveTrouble(t.Context(), again))
	again.Since, again.Tries = noon, 2
	got, err := l.Troubles(t.Context(), "route")
	must(t, err)
	same(t, "of one duty", got, []publisher.Trouble{again})

	must(t, l.RetryTroubles(t.Context(), noon.Add(30*time.Second)))
	got, err = l.Troubles(t.Context(), "")
	must(t, err)
	same(t, "all", len(got), 2)
	for _, one := range got {
		same(t, "next", one.Next, noon.Add(30*time.Second))
	}
	for _, want := range []bool{true, false} {
		ended, err := l.EndTrouble(t.Context(), "route", first.Subject, first.Channel)
		must(t, err)
		same(t, "ended", ended, want)
	}
	got, err = l.Troubles(t.Context(), "route")
	must(t, err)
	same(t, "left", len(got), 0)
}

// Whoever reads which moments are taken and plans within Placing gets its own.
func placing(t *testing.T, l *ledger.Ledger) {
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		all.Go(func() {
			release, err := l.Placing(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer func() {
				if err := release(); err != nil {
					t.Error(err)
				}
			}()
			taken, err := l.Moments(t.Context(), "masto", noon)
			if err != nil {
				t.Error(err)
			}
			waitingLot(t, l, name, noon.Add(time.Duration(len(taken))*time.Hour), "", 0)
		})
	}
	all.Wait()
	taken, err := l.Moments(t.Context(), "masto", noon)
	must(t, err)
	var want []time.Time
	for i := range 6 {
		want = append(want, noon.Add(time.Duration(i)*time.Hour))
	}
	same(t, "moments", taken, want)
}
