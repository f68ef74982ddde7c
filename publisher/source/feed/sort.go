package feed

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"crieur/publisher"
)

const (
	// grace is how long before the first look an entry may be dated that was not
	// there then: drafts carry the day they were begun.
	grace = 48 * time.Hour
	// replaced is how many entries a feed must have for it to count as another one
	// when none of them is known.
	replaced = 5
)

// sort tells the entries of a document apart: new, updated, known, to be held. It
// gives the report, and the entries that are to be stored. partial says that the
// document need not hold the entries that it held before.
func sort(ctx context.Context, store Store, f publisher.Feed, doc *document, c Config, partial bool) (Report, []publisher.FeedEntry, error) {
	r := Report{Feed: f, Policy: c.Updates}
	if doc.broken {
		r.Warnings = append(r.Warnings, "the feed breaks off; it was read to its last whole entry")
	}
	var marks []string
	records := make([]publisher.FeedEntry, len(doc.entries))
	for i, e := range doc.entries {
		records[i] = record(e, c)
		marks = append(marks, records[i].Keys...)
	}
	known, err := store.FeedMatches(ctx, c.Name, marks)
	if err != nil {
		return r, nil, err
	}
	before, now := newRegister[*publisher.FeedEntry](), newRegister[bool]()
	for i := range known {
		before.put(known[i].Keys, &known[i])
	}
	var changed []publisher.FeedEntry
	var fresh []int // the new ones, by their place in the document
	for i, e := range doc.entries {
		if _, twice := now.find(records[i].Keys); twice {
			continue
		}
		now.put(records[i].Keys, true)
		k, ok := before.find(records[i].Keys)
		if !ok {
			fresh = append(fresh, i)
			continue
		}
		one, same := again(*k, records[i], c)
		if same {
			r.Known++
			continue
		}
		if needsArticle(one.State) {
			a, why, err := compose(ctx, e, doc, c)
			switch {
			case err != nil && ctx.Err() != nil:
				return r, nil, err
			case err != nil: // it stays as it was
				r.Warnings = append(r.Warnings, one.Title+": "+err.Error())
				doc.left = doc.left || publisher.KindOf(err) == publisher.Busy
				continue
			}
			a.ID = first(k.ArticleID, a.ID)
			one.Article, one.ArticleID, one.Reason = a, a.ID, first(why, one.Reason)
		}
		if one.State == publisher.EntryUpdated {
			r.Updated = append(r.Updated, one)
		} else {
			r.Known++
		}
		changed = append(changed, one)
	}
	added, err := r.welcome(ctx, fresh, records, doc, c, partial)
	if err != nil {
		return r, nil, err
	}
	if f.First.IsZero() && !partial {
		r.Feed.First = c.Source.Now()
	}
	return r, append(changed, added...), nil
}

// needsArticle reports the states in which an entry's article is kept.
func needsArticle(s publisher.EntryState) bool {
	return s == publisher.EntryNew || s == publisher.EntryHeld || s == publisher.EntryUpdated
}

// again gives a known entry as it is now; same where nothing about it has changed.
func again(k, e publisher.FeedEntry, c Config) (one publisher.FeedEntry, same bool) {
	one = k
	one.Keys = slices.DeleteFunc(slices.Clone(e.Keys), func(m string) bool { return slices.Contains(k.Keys, m) })
	one.Title, one.Link, one.Digest = e.Title, e.Link, e.Digest
	if !e.Stated.IsZero() {
		one.Stated = e.Stated
	}
	if k.Digest == e.Digest {
		return one, len(one.Keys) == 0
	}
	if k.State == publisher.EntryTaken && c.Updates != UpdatesIgnore {
		one.State = publisher.EntryUpdated
	}
	return one, false
}

// welcome says what becomes of entries that nobody knows.
func (r *Report) welcome(ctx context.Context, fresh []int, records []publisher.FeedEntry, doc *document, c Config, partial bool) ([]publisher.FeedEntry, error) {
	state, reason := make(map[int]publisher.EntryState, len(fresh)), make(map[int]string, len(fresh))
	if r.Feed.First.IsZero() {
		for n, i := range newestOf(doc.entries, fresh) {
			if state[i] = publisher.EntrySeen; n < c.Backfill {
				state[i] = publisher.EntryNew
			}
		}
	} else {
		why := ""
		switch {
		case len(fresh) > c.MaxNew:
			why = fmt.Sprintf("%d new entries at once, more than max_new", len(fresh))
		case !partial && len(fresh) == len(doc.entries) && len(fresh) >= replaced && r.Feed.Entries > 0:
			why = "none of the feed's entries is known: it may be another feed"
		}
		for _, i := range fresh {
			at := doc.entries[i].stated
			state[i] = publisher.EntryNew
			if reason[i] = why; why == "" && !at.IsZero() && at.Before(r.Feed.First.Add(-grace)) {
				reason[i] = "dated " + at.Format(time.DateOnly) + ", before the first look at the feed"
			}
			if reason[i] != "" {
				state[i] = publisher.EntryHeld
			}
		}
	}
	var added []publisher.FeedEntry
	for _, i := range fresh {
		one := records[i]
		one.State, one.Reason = state[i], reason[i]
		if one.State == publisher.EntrySeen {
			r.Passed++
			added = append(added, one)
			continue
		}
		a, why, err := compose(ctx, doc.entries[i], doc, c)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, err
		case err != nil && publisher.KindOf(err) == publisher.Busy:
			r.Warnings = append(r.Warnings, one.Title+": left for the next look: "+err.Error())
			doc.left = true
			continue
		case err != nil:
			one.State, one.Reason = publisher.EntrySeen, err.Error()
			r.Passed++
			r.Warnings = append(r.Warnings, one.Title+": passed over: "+err.Error())
		default:
			if why != "" {
				r.Warnings = append(r.Warnings, one.Title+": "+why)
			}
			one.Article, one.ArticleID = a, a.ID
			if one.State == publisher.EntryNew {
				one.Reason = why
				r.New = append(r.New, one)
			} else {
				r.Held = append(r.Held, one)
			}
		}
		added = append(added, one)
	}
	slices.Reverse(r.New) // feeds begin with the newest
	slices.SortStableFunc(r.New, func(a, b publisher.FeedEntry) int { return a.Stated.Compare(b.Stated) })
	return added, nil
}

// newestFirst gives the places of a document's entries by their dates; those
// without one stay where they stand.
func newestFirst(entries []entry) []int {
	all := make([]int, len(entries))
	for i := range all {
		all[i] = i
	}
	return newestOf(entries, all)
}

func newestOf(entries []entry, places []int) []int {
	out := slices.Clone(places)
	slices.SortStableFunc(out, func(a, b int) int {
		x, y := entries[a].stated, entries[b].stated
		if x.IsZero() || y.IsZero() {
			return cmp.Compare(a, b)
		}
		return y.Compare(x)
	})
	return out
}
