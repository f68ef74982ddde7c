package app

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/ledger"
	"crieur/publisher/source"
	"crieur/publisher/source/feed"
)

var _ feed.Store = (*ledger.Ledger)(nil)

// feedPrefix begins what stands for the new articles of a source.
const feedPrefix = "feed:"

// A Polled is what a look at a source came to.
type Polled struct {
	New     []publisher.FeedEntry // all that wait to be taken, oldest first, with their articles; those of earlier looks too
	Updated []publisher.FeedEntry // all that changed since they were taken, with their articles
	Policy  string                // for Updated: ask or correct
	Held    int                   // entries that wait for crieur sources release
	Report  feed.Report           // of this look
}

// PollSource looks at a source and gives every article of it that waits to be
// taken: found now, or before. Each is given again and again until AckSource is
// told of it, so that a crash in between loses nothing. Several processes may look
// at once; they get the same articles.
//
// An error of the look comes with what waits from earlier ones. When the next look
// is due says SourceDue.
func (a *App) PollSource(ctx context.Context, name string) (Polled, error) {
	s, err := a.source(name)
	if err != nil {
		return Polled{}, err
	}
	store, err := a.open(ctx)
	if err != nil {
		return Polled{}, err
	}
	r, looked := feed.Poll(ctx, store, a.feedConfig(s))
	if looked == nil {
		// A hub that refuses keeps nothing from being looked at.
		if err := feed.Subscribe(ctx, store, r.Feed, a.feedConfig(s)); err != nil {
			r.Warnings = append(r.Warnings, err.Error())
		}
	}
	p, err := a.waitingOf(ctx, s, r)
	return p, errors.Join(looked, err)
}

// SourceWaiting gives what PollSource would, without a look.
func (a *App) SourceWaiting(ctx context.Context, name string) (Polled, error) {
	s, err := a.source(name)
	if err != nil {
		return Polled{}, err
	}
	if _, err := a.open(ctx); err != nil {
		return Polled{}, err
	}
	return a.waitingOf(ctx, s, feed.Report{})
}

// waitingOf gives what is stored of a source and waits.
func (a *App) waitingOf(ctx context.Context, s config.Source, r feed.Report) (Polled, error) {
	p := Polled{Policy: s.Updates, Report: r}
	entries, err := a.store.FeedEntries(ctx, s.Name, publisher.EntryNew, publisher.EntryHeld, publisher.EntryUpdated)
	for _, e := range entries {
		switch e.State {
		case publisher.EntryNew:
			p.New = append(p.New, e)
		case publisher.EntryUpdated:
			p.Updated = append(p.Updated, e)
		default:
			p.Held++
		}
	}
	return p, err
}

// AckSource says that entries of a source were taken: their articles are planned,
// or nobody wants them. Told twice, it does nothing more.
func (a *App) AckSource(ctx context.Context, name string, ids ...string) error {
	store, err := a.open(ctx)
	if err != nil {
		return err
	}
	_, err = store.MoveFeedEntries(ctx, name, ids, publisher.EntryTaken, publisher.EntryNew, publisher.EntryUpdated)
	return err
}

// SourceDue reports whether a source may be looked at by now.
func (a *App) SourceDue(ctx context.Context, name string) (bool, error) {
	s, err := a.source(name)
	if err != nil {
		return false, err
	}
	store, err := a.open(ctx)
	if err != nil {
		return false, err
	}
	f, err := store.Feed(ctx, name)
	return err == nil && feed.Due(f, a.feedConfig(s), a.o.Now()), err
}

// SourceNames gives the sources in the configuration's order.
func (a *App) SourceNames() []string {
	var names []string
	for _, s := range a.conf.Feeds() {
		names = append(names, s.Name)
	}
	return names
}

// source gives a configured source, or for a feed's address one that is watched
// with the usual settings under that address.
func (a *App) source(name string) (config.Source, error) {
	for _, s := range a.conf.Feeds() {
		if s.Name == name {
			return s, nil
		}
	}
	if isAddress(name) {
		for _, s := range a.conf.Feeds() {
			if s.Feed == name {
				return s, nil
			}
		}
		return config.Source{Name: name, Feed: name, AllowPrivate: a.conf.Article.AllowPrivate}, nil
	}
	hint := "add it under sources:"
	if names := a.SourceNames(); len(names) > 0 {
		hint = "there are: " + strings.Join(names, ", ")
	}
	return config.Source{}, &publisher.Error{Kind: publisher.Invalid, Op: "choose source", Where: feedPrefix + name,
		Err: fmt.Errorf("no %q in the configuration", name), Hint: hint}
}

func isAddress(src string) bool {
	return strings.HasPrefix(src, "https://") || strings.HasPrefix(src, "http://")
}

func (a *App) feedConfig(s config.Source) feed.Config {
	c := feed.Config{Name: s.Name, URL: s.Feed, Every: s.Every, Backfill: s.Newest(), FullText: s.FullText, Updates: s.Updates,
		MaxNew: s.MaxNew, Tags: s.Tags, Language: s.Language, Source: a.sourceConfig(ArticleOptions{})}
	c.Source.AllowPrivate, c.Jitter = s.AllowPrivate, a.o.Jitter
	if !isAddress(s.Name) {
		c.Source.PrivateKey = "sources." + s.Name + ".allow_private"
	}
	if s.WebSub && a.reachable() {
		c.Callback = a.publicURL("websub", s.Name)
	}
	return c
}

// reachable reports whether a hub can call at server.public_url.
func (a *App) reachable() bool {
	u, err := url.Parse(a.conf.Server.PublicURL)
	if err != nil || !a.Live() || u.Hostname() == "" || u.Hostname() == "localhost" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err != nil || !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsUnspecified()
}

// A FeedUse is what the articles of a feed are wanted for.
type FeedUse int

const (
	FeedTake FeedUse = iota // to be published: the look is stored
	FeedPlan                // to see what would be published: nothing is stored
	FeedShow                // to see how they look: the newest one where none is new
)

// Expand gives the articles that stand behind an argument of the command line: the
// argument itself or, where that is feed:NAME or a feed's address, one name for
// each new article of it, oldest first. Read takes these names, and Taken. warnings
// is what is to be told about the feed.
func (a *App) Expand(ctx context.Context, src string, use FeedUse) (names, warnings []string, err error) {
	name, ok := strings.CutPrefix(src, feedPrefix)
	if !ok && !a.isFeed(src) {
		return []string{src}, nil, nil
	}
	if !ok {
		name = src
	}
	name, only, _ := strings.Cut(name, "#") // one entry that was named before
	s, err := a.source(name)
	if err != nil {
		return nil, nil, err
	}
	store, err := a.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	look := feed.Look
	if use == FeedTake {
		look = feed.Poll
	}
	r, looked := look(ctx, store, a.feedConfig(s))
	p, err := a.waitingOf(ctx, s, r)
	if err != nil {
		return nil, nil, err
	}
	if use != FeedTake {
		known := map[string]bool{}
		for _, e := range p.New {
			known[e.ID] = true
		}
		for _, e := range r.New {
			if !known[e.ID] {
				p.New = append(p.New, e)
			}
		}
		if use == FeedShow && len(p.New) == 0 && r.Newest != nil {
			p.New = append(p.New, *r.Newest)
			warnings = append(warnings, source.Redact(s.Name)+": nothing is new; this is the feed's newest article")
		}
		p.Held += len(r.Held)
	}
	if looked != nil && len(p.New) == 0 {
		return nil, nil, looked
	}
	if looked != nil {
		warnings = append(warnings, source.Redact(s.Name)+": "+looked.Error())
	}
	warnings = append(warnings, a.sayOf(s, r, p)...)
	if a.entries == nil {
		a.entries = map[string]publisher.FeedEntry{}
	}
	for _, e := range p.New {
		if only != "" && e.ID != only {
			continue
		}
		one := feedPrefix + s.Name + "#" + e.ID
		a.entries[one] = e
		names = append(names, one)
	}
	return names, warnings, nil
}

// sayOf tells what an owner should know of a look.
func (a *App) sayOf(s config.Source, r feed.Report, p Polled) []string {
	var out []string
	s.Name = source.Redact(s.Name)
	for _, w := range r.Warnings {
		out = append(out, s.Name+": "+w)
	}
	if r.Passed > 0 && len(r.New) == 0 {
		out = append(out, fmt.Sprintf("%s: first look: what is there (%d) counts as seen, unless backfill says otherwise", s.Name, r.Passed))
	}
	if p.Held > 0 {
		why := ""
		if len(r.Held) > 0 {
			why = " (" + r.Held[0].Reason + ")"
		}
		out = append(out, fmt.Sprintf("%s: %d held%s: crieur sources release %s, or crieur sources skip %s", s.Name, p.Held, why, s.Name, s.Name))
	}
	if n := len(p.Updated); n > 0 && p.Policy == feed.UpdatesAsk {
		out = append(out, fmt.Sprintf("%s: %d changed since published: crieur sources skip %s leaves them as they went out", s.Name, n, s.Name))
	}
	return out
}

// isFeed reports an address that is known as a feed's, or looks like one.
func (a *App) isFeed(src string) bool {
	u, err := url.Parse(src)
	if err != nil || !isAddress(src) {
		return false
	}
	if slices.ContainsFunc(a.conf.Feeds(), func(s config.Source) bool { return s.Feed == src }) {
		return true
	}
	switch base := strings.ToLower(path.Base(u.Path)); {
	case base == "feed", base == "rss", base == "atom", base == "feed.json":
		return true
	default:
		return u.Query().Has("feed") || strings.Contains(u.Path, "/feeds/") || slices.Contains([]string{".rss", ".atom", ".rdf", ".xml"}, path.Ext(base))
	}
}

// Taken says that what Expand named was published. For anything else it does
// nothing.
func (a *App) Taken(ctx context.Context, name string) error {
	e, ok := a.entries[name]
	if !ok {
		return nil
	}
	return a.AckSource(ctx, e.Feed, e.ID)
}

// entry gives the article behind a name of Expand's: of this run, or of an earlier
// one while it waits.
func (a *App) entry(ctx context.Context, name string) (publisher.Article, error) {
	if e, ok := a.entries[name]; ok {
		return e.Article, nil
	}
	missing := &publisher.Error{Kind: publisher.NotFound, Op: "read article", Where: name, Err: errors.New("no such article of a feed waits"),
		Hint: "give one article, feed:NAME#ID"}
	feedName, id, ok := strings.Cut(strings.TrimPrefix(name, feedPrefix), "#")
	if !ok {
		return publisher.Article{}, missing
	}
	store, err := a.open(ctx)
	if err != nil {
		return publisher.Article{}, err
	}
	waiting, err := store.FeedEntries(ctx, feedName, publisher.EntryNew, publisher.EntryHeld, publisher.EntryUpdated)
	if err != nil {
		return publisher.Article{}, err
	}
	for _, e := range waiting {
		if e.ID == id {
			return e.Article, nil
		}
	}
	return publisher.Article{}, missing
}
