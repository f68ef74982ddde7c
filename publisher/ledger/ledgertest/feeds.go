package ledgertest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

func entry(n int, state publisher.EntryState) publisher.FeedEntry {
	e := publisher.FeedEntry{Feed: "site", ID: fmt.Sprintf("e%d", n), State: state, Title: fmt.Sprintf("L’été %d", n), Link: "https://site.example/" + fmt.Sprint(n),
		Stated: noon.Add(time.Duration(n) * time.Hour), Seen: noon, Keys: []string{fmt.Sprintf("g:%d", n), fmt.Sprintf("l:%d", n)}, Digest: "d", ArticleID: "ae"}
	switch state {
	case publisher.EntryNew, publisher.EntryHeld, publisher.EntryUpdated:
		e.Article = publisher.Article{ID: "a" + e.ID, Title: e.Title, Body: "<p>é</p>"}
	}
	return e
}

func save(t *testing.T, l *ledger.Ledger, f publisher.Feed, want bool, entries ...publisher.FeedEntry) {
	t.Helper()
	saved, err := l.SaveFeed(t.Context(), f, entries)
	must(t, err)
	same(t, "saved", saved, want)
}

func feeds(t *testing.T, l *ledger.Ledger) {
	f, err := l.Feed(t.Context(), "site")
	must(t, err)
	same(t, "unknown feed", f, publisher.Feed{Name: "site"})
	f.URL, f.ETag, f.Polled, f.Problem = "https://site.example/feed", `"1"`, noon, "p"
	save(t, l, f, true, entry(1, publisher.EntryNew), entry(2, publisher.EntrySeen), entry(3, publisher.EntryHeld))
	save(t, l, f, false, entry(4, publisher.EntryNew)) // someone else was there before
	got, err := l.Feed(t.Context(), "site")
	must(t, err)
	f.Version = 1
	same(t, "feed", got, f)
	got.Problem = ""
	save(t, l, got, true, entry(4, publisher.EntryTaken))
	save(t, l, got, false)

	list := func(states ...publisher.EntryState) (ids []string) {
		t.Helper()
		entries, err := l.FeedEntries(t.Context(), "site", states...)
		must(t, err)
		for _, e := range entries {
			ids = append(ids, e.ID)
		}
		return ids
	}
	same(t, "new", list(publisher.EntryNew), []string{"e1"})
	fresh, err := l.FeedsWaiting(t.Context(), publisher.EntryNew)
	must(t, err)
	same(t, "feeds with something new", fresh, map[string]time.Time{"site": noon})
	known, err := l.Feeds(t.Context())
	must(t, err)
	same(t, "feeds", len(known), 1)
	same(t, "version", known["site"].Version, int64(2))
	same(t, "all", list(), []string{"e1", "e2", "e3", "e4"})
	entries, err := l.FeedMatches(t.Context(), "site", []string{"g:1", "l:2", "l:1", "none"})
	must(t, err)
	same(t, "matches", entries, []publisher.FeedEntry{entry(1, publisher.EntryNew), entry(2, publisher.EntrySeen)})
	none, err := l.FeedMatches(t.Context(), "other", []string{"g:1"})
	must(t, err)
	same(t, "of another feed", len(none), 0)

	move := func(to publisher.EntryState, want int, ids []string, from ...publisher.EntryState) {
		t.Helper()
		n, err := l.MoveFeedEntries(t.Context(), "site", ids, to, from...)
		must(t, err)
		same(t, "moved", n, want)
	}
	move(publisher.EntryTaken, 1, []string{"e1", "e2"}, publisher.EntryNew)
	move(publisher.EntryTaken, 0, []string{"e1"}, publisher.EntryNew)
	move(publisher.EntryNew, 1, []string{"e3"}, publisher.EntryHeld)
	move(publisher.EntryNew, 0, nil, publisher.EntryHeld)
	same(t, "new now", list(publisher.EntryNew), []string{"e3"})
	taken, err := l.FeedEntries(t.Context(), "site", publisher.EntryTaken)
	must(t, err)
	same(t, "article of what is taken", taken[0].Article, publisher.Article{})

	// Whoever read before the entries were moved is not heard.
	got.Version = 2
	save(t, l, got, false, entry(1, publisher.EntryNew))

	// An entry that is there gets more marks, and keeps its own.
	again := entry(2, publisher.EntrySeen)
	again.Keys = []string{"g:new"}
	got, err = l.Feed(t.Context(), "site")
	must(t, err)
	save(t, l, got, true, again)
	entries, err = l.FeedMatches(t.Context(), "site", []string{"g:new"})
	must(t, err)
	same(t, "marks", entries[0].Keys, []string{"g:2", "g:new", "l:2"})
}

// Of all who looked at a feed at the same moment, one is heard.
func feedsTogether(t *testing.T, l *ledger.Ledger) {
	var wg sync.WaitGroup
	var lock sync.Mutex
	heard := 0
	for range 8 {
		wg.Go(func() {
			saved, err := l.SaveFeed(t.Context(), publisher.Feed{Name: "site"}, []publisher.FeedEntry{entry(1, publisher.EntryNew)})
			if err != nil {
				t.Error(err)
			}
			if saved {
				lock.Lock()
				heard++
				lock.Unlock()
			}
		})
	}
	wg.Wait()
	same(t, "heard", heard, 1)
	entries, err := l.FeedEntries(t.Context(), "site")
	must(t, err)
	same(t, "entries", len(entries), 1)
}

func feedSubscriptions(t *testing.T, l *ledger.Ledger) {
	s, err := l.FeedSubscription(t.Context(), "site")
	must(t, err)
	same(t, "none", s, publisher.FeedSubscription{Feed: "site"})
	s.Hub, s.Topic, s.Secret, s.Mode, s.Asked = "https://hub.example", "https://site.example/feed", "s", "subscribe", noon
	put := func(want bool) {
		t.Helper()
		saved, err := l.SaveFeedSubscription(t.Context(), s)
		must(t, err)
		same(t, "saved", saved, want)
	}
	put(true)
	put(false)
	s.Version = 1
	got, err := l.FeedSubscription(t.Context(), "site")
	must(t, err)
	same(t, "subscription", got, s)
	put(true)
}
