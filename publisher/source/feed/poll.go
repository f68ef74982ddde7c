package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"crieur/publisher"
	"crieur/publisher/source"
)

const accept = "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"

// races is how often a look is stored that another one came before.
const races = 16

// Poll looks at a feed and stores what it finds. It asks the server only for what
// has changed. The caller decides when: Feed.Next says from when on it is polite.
//
// An error is that of the look; the feed's record with its problem and the moment
// of the next look is stored all the same, and in the Report. Kinds are those of
// source.Read, and those of the store.
func Poll(ctx context.Context, store Store, c Config) (Report, error) {
	c = c.withDefaults()
	f, err := store.Feed(ctx, c.Name)
	if err != nil {
		return Report{}, err
	}
	f = addressed(f, c)
	got, looked := fetch(ctx, f, c, true)
	if looked != nil && ctx.Err() != nil {
		return Report{Feed: f}, looked // the caller's end is no failure of the feed's
	}
	for range races {
		r, err := settle(ctx, store, f, got, looked, c)
		if err != nil || r != nil {
			if r == nil {
				return Report{Feed: f}, err
			}
			return *r, err
		}
		if f, err = store.Feed(ctx, c.Name); err != nil {
			return Report{}, err
		}
		f = addressed(f, c)
	}
	return Report{Feed: f}, &publisher.Error{Kind: publisher.Busy, Op: "look at feed", Where: c.Name, Err: errors.New("others keep looking at it")}
}

// Look gives what Poll would find, and stores nothing.
func Look(ctx context.Context, store Store, c Config) (Report, error) {
	c = c.withDefaults()
	f, err := store.Feed(ctx, c.Name)
	if err != nil {
		return Report{}, err
	}
	f = addressed(f, c)
	got, err := fetch(ctx, f, c, false)
	if err != nil {
		return Report{Feed: f}, err
	}
	doc, err := parse(got.data, got.contentType, got.url)
	if err != nil {
		return Report{Feed: f}, at(err, c)
	}
	r, _, err := sort(ctx, store, f, doc, c, false)
	if err != nil {
		return r, err
	}
	if len(r.New) == 0 && len(doc.entries) > 0 {
		e := doc.entries[newestFirst(doc.entries)[0]]
		one := record(e, c)
		var why string
		if one.Article, why, err = compose(ctx, e, doc, c); err == nil {
			r.Newest = &one
		}
		if why != "" {
			r.Warnings = append(r.Warnings, why)
		}
	}
	return r, nil
}

// Deliver takes in what a hub delivered: the feed's document, or a part of it that
// holds the new entries alone.
func Deliver(ctx context.Context, store Store, c Config, contentType string, data []byte) (Report, error) {
	c = c.withDefaults()
	for range races {
		f, err := store.Feed(ctx, c.Name)
		if err != nil {
			return Report{}, err
		}
		f = addressed(f, c)
		doc, err := parse(data, contentType, f.URL)
		if err != nil {
			return Report{Feed: f}, at(err, c)
		}
		r, entries, err := sort(ctx, store, f, doc, c, true)
		if err != nil {
			return r, err
		}
		if saved, err := store.SaveFeed(ctx, r.Feed, entries); err != nil || saved {
			return r, err
		}
	}
	return Report{}, &publisher.Error{Kind: publisher.Busy, Op: "take in a delivery", Where: c.Name, Err: errors.New("others keep looking at the feed")}
}

// addressed starts a feed anew at the address that the configuration has, where
// that is another one: what the old server said does not count. Its entries stay
// known.
func addressed(f publisher.Feed, c Config) publisher.Feed {
	if f.Asked != c.URL {
		f.Asked, f.URL, f.Gone = c.URL, c.URL, false
		f.ETag, f.Modified, f.Digest, f.Hub, f.Topic = "", "", "", "", ""
	}
	return f
}

// A fetched document; data is nil where it has not changed.
type fetched struct {
	data             []byte
	url, contentType string
	moved            string
	header           http.Header
	same             bool
	digest           string
}

func fetch(ctx context.Context, f publisher.Feed, c Config, conditional bool) (fetched, error) {
	h := http.Header{"Accept": {accept}}
	if conditional && f.Digest != "" {
		if f.ETag != "" {
			h.Set("If-None-Match", f.ETag)
		}
		if f.Modified != "" {
			h.Set("If-Modified-Since", f.Modified)
		}
	}
	reply, err := source.Do(ctx, source.Request{Op: "look at feed", URL: f.URL, Header: h, Limit: c.MaxBytes,
		TooBig: "let the site list fewer entries in its feed"}, c.Source)
	if err != nil {
		return fetched{}, err
	}
	sum := sha256.Sum256(reply.Data)
	got := fetched{data: reply.Data, url: reply.URL, contentType: reply.Header.Get("Content-Type"), moved: reply.Moved,
		header: reply.Header, digest: hex.EncodeToString(sum[:])}
	got.same = reply.Status == http.StatusNotModified || conditional && got.digest == f.Digest
	return got, nil
}

// settle stores what came of a look at f; nil and nil where someone else stored
// something meanwhile.
func settle(ctx context.Context, store Store, f publisher.Feed, got fetched, looked error, c Config) (*Report, error) {
	now := c.Source.Now()
	r := Report{Feed: f, Policy: c.Updates}
	var entries []publisher.FeedEntry
	var doc *document
	err := looked
	if err == nil && got.same {
		r.Unchanged = true
	} else if err == nil {
		if doc, err = parse(got.data, got.contentType, got.url); err != nil {
			err = at(err, c)
		} else if r, entries, err = sort(ctx, store, f, doc, c, false); err != nil {
			return &r, err // the store's, or the caller's end
		}
	}
	r.Feed.Polled = now
	if err != nil {
		failed(&r.Feed, err, now, c)
	} else {
		r.Feed.Problem, r.Feed.Failures, r.Feed.Gone = "", 0, false
		if got.moved != "" && doc != nil {
			r.Feed.URL = got.moved
		}
		remember(&r.Feed, got, doc, c)
		r.Feed.Next = now.Add(stretched(interval(r.Feed, got.header, c), c.Jitter()/10))
	}
	saved, serr := store.SaveFeed(ctx, r.Feed, entries)
	if serr != nil {
		return &r, serr
	}
	if !saved {
		return nil, nil
	}
	return &r, err
}

// remember keeps what makes the next look cheap. Where entries were left for it,
// it has to be a whole one.
func remember(f *publisher.Feed, got fetched, doc *document, c Config) {
	if v := got.header.Get("ETag"); v != "" || doc != nil {
		f.ETag = v
	}
	if v := got.header.Get("Last-Modified"); v != "" || doc != nil {
		f.Modified = v
	}
	if doc == nil {
		return
	}
	f.Digest, f.Title, f.Entries, f.Wish = got.digest, doc.title, len(doc.entries), doc.wish
	if doc.left {
		f.Digest = ""
	}
	f.Hub, f.Topic = linked(got.header, got.url, doc)
}

// at names the feed in an error.
func at(err error, c Config) error {
	var e *publisher.Error
	if !errors.As(err, &e) {
		return &publisher.Error{Kind: publisher.Internal, Op: "read feed", Where: source.Redact(c.URL), Err: err}
	}
	named := *e
	named.Where = source.Redact(c.URL)
	return &named
}
