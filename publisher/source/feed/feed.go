// Package feed watches RSS, Atom and JSON feeds: it looks at them politely, tells
// entries that are new from those it knows under another address, title or GUID,
// and makes articles of the new ones by the rules of package source. It also
// speaks WebSub, by which a site tells of its articles the moment they appear.
//
// It decides nothing about what is sent. An entry that was found new stays new,
// with its article, until the caller says that it was taken: a crash between the
// two loses nothing. Whatever a feed holds was written by strangers; see package
// source for what is done about that.
package feed

import (
	"context"
	"math/rand/v2"
	"time"

	"crieur/publisher"
	"crieur/publisher/source"
)

// What Config.FullText may be.
const (
	FullTextAuto   = "auto" // from the page where the feed has an excerpt
	FullTextAlways = "always"
	FullTextNever  = "never"
)

// What Config.Updates may be: what becomes of an entry that changes after it was
// taken.
const (
	UpdatesAsk     = "ask"     // it is given as updated, for a person to decide about
	UpdatesIgnore  = "ignore"  // it is not given
	UpdatesCorrect = "correct" // it is given as updated, for what went out to be corrected
)

// Config says how one feed is watched. It is only read.
type Config struct {
	Name     string
	URL      string
	Every    time.Duration // between two looks; 0: DefaultEvery, or as long as the feed asks for
	Backfill int           // how many of the entries that are there at the first look are new
	FullText string        // "": FullTextAuto
	Updates  string        // "": UpdatesAsk
	MaxNew   int           // more new entries than this in one look are held; 0: DefaultMaxNew
	Tags     []string      // added to each article's
	Language string        // of all articles, whatever the feed says; "": as it says
	MaxBytes int64         // of the feed's document; 0: DefaultMaxBytes
	Source   source.Config // how articles are made, and where requests may go
	Callback string        // address at which a hub reaches Callback; "": no WebSub
	Jitter   func() float64
}

// Defaults of Config.
const (
	DefaultEvery    = 15 * time.Minute
	DefaultMaxNew   = 10
	DefaultMaxBytes = 10 << 20
)

func (c Config) withDefaults() Config {
	if c.FullText == "" {
		c.FullText = FullTextAuto
	}
	if c.Updates == "" {
		c.Updates = UpdatesAsk
	}
	if c.MaxNew <= 0 {
		c.MaxNew = DefaultMaxNew
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Source.Now == nil {
		c.Source.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	return c
}

// A Store keeps feeds and their entries. The methods are those of ledger.Ledger.
type Store interface {
	Feed(ctx context.Context, name string) (publisher.Feed, error)
	FeedMatches(ctx context.Context, name string, marks []string) ([]publisher.FeedEntry, error)
	// SaveFeed keeps nothing and gives false where f's version is not the stored one.
	SaveFeed(ctx context.Context, f publisher.Feed, entries []publisher.FeedEntry) (bool, error)
}

// A Report is what came of a look at a feed.
type Report struct {
	Feed      publisher.Feed
	Unchanged bool // the document is the one seen before
	New       []publisher.FeedEntry
	Held      []publisher.FeedEntry
	Updated   []publisher.FeedEntry // taken before, and changed since
	Policy    string                // for Updated: Config.Updates
	Passed    int                   // marked as seen, and not new: they were there at the first look
	Known     int                   // recognised, and as they were
	Newest    *publisher.FeedEntry  // Look only: the feed's newest entry, where none is new
	Warnings  []string
}
