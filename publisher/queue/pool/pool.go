// Package pool decides what goes into a digest: which of the articles that wait for a
// newsletter's next issue, in what order and under which titles, and what becomes of
// the others. It is a pure function; that a moment for a digest has come is package
// calendar's to say, and what the letter looks like package render's.
package pool

import (
	"cmp"
	"slices"
	"time"
)

// An Entry is an article that waits.
type Entry struct {
	ArticleID string
	Source    string // name of the source that brought it
	Tags      []string
	Published time.Time // zero: not known, and Arrived counts
	Arrived   time.Time
}

// age gives the moment by which entries are put in order.
func (e Entry) age() time.Time {
	if e.Published.IsZero() {
		return e.Arrived
	}
	return e.Published
}

// A Rule says how a newsletter's digests are made. The zero Rule takes everything,
// newest first.
type Rule struct {
	Min     int // fewer make no issue; an empty pool never does
	Max     int // most in one issue, not below Min; 0: no limit
	Order   Order
	GroupBy Grouping
	IfFewer Lack
	Rest    Surplus
	Sources []string // their order for Order BySource; others come after, by name
}

// An Order is how articles stand in a digest, and which of them come first where there
// are too many.
type Order string

const (
	Newest   Order = "newest"
	Oldest   Order = "oldest"
	BySource Order = "source" // within a source the newest first
)

// A Grouping is what the titles between articles are.
type Grouping string

const (
	None     Grouping = "none"
	OfTag    Grouping = "tag"    // an article's first tag; those without one come last
	OfSource Grouping = "source" // the source's name
)

// A Lack is what becomes of articles that are too few for an issue.
type Lack string

const (
	Wait Lack = "wait" // they stay for the next moment
	Skip Lack = "skip" // they are dropped with the issue
)

// A Surplus is what becomes of articles that are too many for an issue.
type Surplus string

const (
	Next Surplus = "next" // they stay for the next issue
	Drop Surplus = "drop"
)

// A Choice is what becomes of a pool. Each entry is in one of its parts.
type Choice struct {
	Groups  []Group // what the issue holds, in order; empty: there is no issue
	Stay    []Entry // what waits for the next moment
	Dropped []Entry // what is never in an issue
}

// A Group is a run of articles under one title.
type Group struct {
	Title   string // "" for none
	Entries []Entry
}

// Len counts the articles of the issue.
func (c Choice) Len() int {
	n := 0
	for _, g := range c.Groups {
		n += len(g.Entries)
	}
	return n
}

// Choose decides about a pool. The order in which the entries are handed in does not
// matter; they are left as they are.
func Choose(entries []Entry, r Rule) Choice {
	all := slices.Clone(entries)
	slices.SortFunc(all, r.compare)
	if len(all) < max(r.Min, 1) {
		if r.IfFewer == Skip {
			return Choice{Dropped: all}
		}
		return Choice{Stay: all}
	}
	var c Choice
	if r.Max > 0 && len(all) > r.Max {
		rest := all[r.Max:]
		all = all[:r.Max]
		if r.Rest == Drop {
			c.Dropped = rest
		} else {
			c.Stay = rest
		}
	}
	c.Groups = group(all, r.GroupBy)
	return c
}

// compare puts entries in order. Two are never equal: what goes in does not depend on
// how the pool was read.
func (r Rule) compare(a, b Entry) int {
	age := b.age().Compare(a.age())
	if r.Order == Oldest {
		age = -age
	}
	if r.Order == BySource {
		age = cmp.Or(cmp.Compare(r.rank(a), r.rank(b)), cmp.Compare(a.Source, b.Source), age)
	}
	return cmp.Or(age, cmp.Compare(a.ArticleID, b.ArticleID))
}

func (r Rule) rank(e Entry) int {
	if i := slices.Index(r.Sources, e.Source); i >= 0 {
		return i
	}
	return len(r.Sources)
}

// group puts entries under titles. Groups stand as the first entry of each does, those
// without a title last.
func group(entries []Entry, by Grouping) []Group {
	var groups []Group
	var untitled Group
	for _, e := range entries {
		title := ""
		switch {
		case by == OfTag && len(e.Tags) > 0:
			title = e.Tags[0]
		case by == OfSource:
			title = e.Source
		}
		if title == "" {
			untitled.Entries = append(untitled.Entries, e)
			continue
		}
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Title == title })
		if i < 0 {
			i, groups = len(groups), append(groups, Group{Title: title})
		}
		groups[i].Entries = append(groups[i].Entries, e)
	}
	if len(untitled.Entries) > 0 {
		groups = append(groups, untitled)
	}
	return groups
}
