package ledgertest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

// Of many that see the same moment, one fires it.
func schedules(t *testing.T, l *ledger.Ledger) {
	s, err := l.SaveSchedule(t.Context(), publisher.Schedule{ID: "digest:daily", Spec: "daily 18:00", Next: noon})
	must(t, err)
	kept, err := l.SaveSchedule(t.Context(), publisher.Schedule{ID: s.ID, Spec: s.Spec, Next: noon.Add(time.Hour)})
	must(t, err)
	same(t, "kept over a restart", kept, s)
	var fired atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			ok, err := l.Fire(t.Context(), s, noon.Add(24*time.Hour), noon.Add(time.Second))
			if err != nil {
				t.Error(err)
			}
			if ok {
				fired.Add(1)
			}
		})
	}
	all.Wait()
	same(t, "fired", fired.Load(), int32(1))
	list, err := l.Schedules(t.Context())
	must(t, err)
	next := publisher.Schedule{ID: s.ID, Spec: s.Spec, Next: noon.Add(24 * time.Hour), Last: noon.Add(time.Second)}
	same(t, "schedules", list, []publisher.Schedule{next})
	changed, err := l.SaveSchedule(t.Context(), publisher.Schedule{ID: s.ID, Spec: "daily 19:00", Next: noon.Add(time.Hour)})
	must(t, err)
	same(t, "changed", []any{changed.Next, changed.Last}, []any{noon.Add(time.Hour), next.Last})
	ok, err := l.Fire(t.Context(), next, noon.Add(48*time.Hour), noon)
	must(t, err)
	same(t, "fired by the old spec", ok, false)
	must(t, l.RemoveSchedule(t.Context(), s.ID))
	list, err = l.Schedules(t.Context())
	must(t, err)
	same(t, "removed", len(list), 0)
}

func arrivals(t *testing.T, l *ledger.Ledger) {
	article := publisher.Article{ID: "a", Title: "Un", Hash: "h1"}
	in := publisher.Arrival{Source: "feed:site", Arrived: noon, Published: noon.Add(-time.Hour)}
	arrive := func(want bool) publisher.Arrival {
		t.Helper()
		before, found, err := l.Arrive(t.Context(), article, in)
		must(t, err)
		same(t, "found", found, want)
		return before
	}
	unrouted := func() int {
		t.Helper()
		all, err := l.Unrouted(t.Context(), 10)
		must(t, err)
		return len(all)
	}
	arrive(false)
	first := publisher.Arrival{ArticleID: "a", Source: "feed:site", Hash: "h1", Arrived: noon, Published: noon.Add(-time.Hour)}
	in.Arrived = noon.Add(time.Minute)
	same(t, "before", arrive(true), first)
	same(t, "unrouted", unrouted(), 1)
	must(t, l.Routed(t.Context(), "a", "feed:site", noon))
	wantKind(t, l.Routed(t.Context(), "b", "feed:site", noon), publisher.NotFound)
	same(t, "unrouted", unrouted(), 0)
	first.Routed = noon
	article.Title, article.Hash = "Deux", "h2"
	same(t, "before the correction", arrive(true), first)
	kept, err := l.Article(t.Context(), "a")
	must(t, err)
	same(t, "corrected", kept.Title, "Deux")
	first.Hash = "h2"
	same(t, "after the correction", arrive(true), first)
}

func pool(t *testing.T, l *ledger.Ledger) {
	add := func(id string, at time.Time, want bool) {
		t.Helper()
		added, err := l.AddToPool(t.Context(), "weekly", id, at)
		must(t, err)
		same(t, "added", added, want)
	}
	open := func(limit int, want ...string) {
		t.Helper()
		all, err := l.Pool(t.Context(), "weekly", limit)
		must(t, err)
		var got []string
		for _, p := range all {
			got = append(got, p.ArticleID)
		}
		same(t, "pool", got, want)
	}
	digest := func(id string, upTo time.Time, articles ...string) error {
		t.Helper()
		_, _, err := l.SaveDigest(t.Context(), publisher.Issue{ID: id, Newsletter: "weekly", Created: upTo},
			[]publisher.Rendering{rendering("weekly", "fr", id)}, articles, upTo)
		return err
	}
	mark := func(want publisher.Mark) {
		t.Helper()
		got, err := l.Mark(t.Context(), "weekly")
		must(t, err)
		same(t, "mark", got, want)
	}
	mark(publisher.Mark{Newsletter: "weekly"})
	add("b", noon.Add(time.Minute), true)
	add("a", noon, true)
	add("c", noon.Add(time.Hour), true)
	add("a", noon.Add(time.Hour), false)
	open(0, "a", "b", "c")
	pools, err := l.Pools(t.Context())
	must(t, err)
	same(t, "pools", pools, map[string]int{"weekly": 3})
	open(2, "a", "b")
	must(t, digest("first", noon.Add(time.Minute), "a", "b"))
	must(t, digest("first", noon.Add(2*time.Hour), "a", "c"))
	open(0, "c")
	mark(publisher.Mark{Newsletter: "weekly", UpTo: noon.Add(time.Minute), IssueID: "first"})
	wantKind(t, digest("second", noon.Add(3*time.Hour), "c", "b"), publisher.Busy)
	open(0, "c")
	_, err = l.Issue(t.Context(), "second")
	wantKind(t, err, publisher.NotFound)
	add("a", noon, false)
	for id, want := range map[string]bool{"c": true, "a": false} {
		removed, err := l.Unpool(t.Context(), "weekly", id)
		must(t, err)
		same(t, "removed", removed, want)
	}
	open(0)
}
