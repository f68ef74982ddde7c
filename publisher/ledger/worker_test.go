package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

func TestOneWorksOnSQLite(t *testing.T) {
	ledgertest.Each(t, func(t *testing.T, c ledger.Config) {
		a, b := ledgertest.Open(t, c), ledgertest.Open(t, c)
		alone := a.Writer() != nil
		release, err := a.Work()
		if err != nil {
			t.Fatal(err)
		}
		second, err := b.Work()
		if alone != (publisher.KindOf(err) == publisher.Busy && err != nil) || alone != (publisher.HintOf(err) != "") {
			t.Fatalf("the second one got %v", err)
		}
		if second != nil {
			_ = second()
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		if release, err = b.Work(); err != nil {
			t.Fatal(err)
		}
		_ = release()
		if err := a.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A session's leases end when it is told so, and nobody else's.
func TestEndLeases(t *testing.T) {
	ledgertest.Each(t, func(t *testing.T, c ledger.Config) {
		a, b := ledgertest.Open(t, c), ledgertest.Open(t, c)
		noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		if _, _, err := a.SaveIssue(t.Context(), publisher.Issue{ID: "i", Created: noon}, nil); err != nil {
			t.Fatal(err)
		}
		lots := map[*ledger.Ledger]publisher.Lot{}
		for l, channel := range map[*ledger.Ledger]string{a: "m", b: "n"} {
			lot, _, err := l.Materialise(t.Context(), publisher.Lot{IssueID: "i", Channel: channel, Network: "mastodon", Parts: 1, Created: noon})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := l.Commit(t.Context(), nil, []publisher.Claim{{Lot: lot.ID, ID: 1}}, noon, noon.Add(5*time.Minute)); err != nil || len(got.Granted) != 1 {
				t.Fatalf("%d were granted, %v", len(got.Granted), err)
			}
			lots[l] = lot
		}
		later := noon.Add(time.Second)
		want := 1
		if !a.Shared() {
			want = 0 // there the next one has them all
		}
		for _, want := range []int{want, 0} {
			if n, err := b.EndLeases(t.Context(), a.Session(), later); err != nil || n != want {
				t.Fatalf("%d leases were ended, %v; want %d", n, err, want)
			}
		}
		for l, want := range map[*ledger.Ledger]int{a: want, b: 0} {
			if n, err := b.Reclaim(t.Context(), lots[l].ID, later, publisher.StateUnknown, later); err != nil || n != want {
				t.Errorf("%d leases had run out, %v; want %d", n, err, want)
			}
		}
	})
}

// Of a thread only the part whose turn it is counts, so that a failed or deferred one
// is not asked after for ever because of those behind it.
func TestNextWork(t *testing.T) {
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	later := noon.Add(time.Hour)
	ledgertest.Each(t, func(t *testing.T, c ledger.Config) {
		l := ledgertest.Open(t, c)
		if _, _, err := l.SaveIssue(t.Context(), publisher.Issue{ID: "i", Created: noon}, nil); err != nil {
			t.Fatal(err)
		}
		lot, _, err := l.Materialise(t.Context(), publisher.Lot{IssueID: "i", Channel: "m", Network: "mastodon", Parts: 2, Created: noon})
		if err != nil {
			t.Fatal(err)
		}
		want := func(what string, at time.Time) {
			t.Helper()
			got, err := l.NextWork(t.Context(), lot)
			if err != nil || !got.Equal(at) {
				t.Fatalf("%s: got %v, %v, want %v", what, got, err, at)
			}
		}
		turn := func(id int64, o publisher.Outcome) {
			t.Helper()
			c, err := l.Commit(t.Context(), nil, []publisher.Claim{{Lot: lot.ID, ID: id}}, later, later.Add(time.Minute))
			if err != nil || len(c.Granted) != 1 {
				t.Fatal(c, err)
			}
			want("leased", later.Add(time.Minute))
			o.Claim, o.Started, o.Ended = c.Granted[0], later, later
			if _, err := l.Commit(t.Context(), []publisher.Outcome{o}, nil, later, later); err != nil {
				t.Fatal(err)
			}
		}
		want("planned", noon)
		turn(1, publisher.Outcome{State: publisher.StateDeferred, After: later, Problem: "busy", Kind: publisher.Busy})
		want("the first part deferred", later)
		turn(1, publisher.Outcome{State: publisher.StateAccepted, Receipt: publisher.Receipt{ID: "1", At: later}})
		want("the second part's turn", noon)
		turn(2, publisher.Outcome{State: publisher.StateFailed, Problem: "no", Kind: publisher.Invalid})
		want("failed", time.Time{})
	})
}

func TestWorkers(t *testing.T) {
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	ledgertest.Each(t, func(t *testing.T, c ledger.Config) {
		l := ledgertest.Open(t, c)
		beat := func(id string, seen time.Time, problem string) {
			t.Helper()
			w := publisher.Worker{ID: id, Host: "h", PID: 7, Roles: []string{"web", "worker"}, Version: "v", Problem: problem, Started: noon, Seen: seen}
			if err := l.Beat(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		}
		beat("old", noon.Add(-25*time.Hour), "")
		beat("dead", noon.Add(-time.Hour), "")
		beat("here", noon, "")
		beat("here", noon.Add(10*time.Second), "config.yaml:3: no")
		beat("gone", noon, "")
		if err := l.Leave(t.Context(), "gone"); err != nil {
			t.Fatal(err)
		}
		got, err := l.Workers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []publisher.Worker{
			{ID: "dead", Host: "h", PID: 7, Roles: []string{"web", "worker"}, Version: "v", Started: noon, Seen: noon.Add(-time.Hour)},
			{ID: "here", Host: "h", PID: 7, Roles: []string{"web", "worker"}, Version: "v", Problem: "config.yaml:3: no", Started: noon, Seen: noon.Add(10 * time.Second)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if now := noon.Add(20 * time.Second); got[0].Alive(now) || !got[1].Alive(now) || !got[1].Alive(noon.Add(-time.Hour)) {
			t.Error("who lives is confused")
		}
	})
}
