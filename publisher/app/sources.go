package app

import (
	"context"
	"time"

	"crieur/publisher"
	"crieur/publisher/source"
	"crieur/publisher/source/feed"
)

// A SourceView is how a source stands.
type SourceView struct {
	Name    string     `json:"name"`
	Feed    string     `json:"feed"` // where it stands now
	Title   string     `json:"title,omitempty"`
	Last    *time.Time `json:"last,omitempty"`
	Next    *time.Time `json:"next,omitempty"`
	New     int        `json:"new"`
	Held    int        `json:"held"`
	Updated int        `json:"updated"`
	Problem string     `json:"problem,omitempty"`
	WebSub  *time.Time `json:"websub,omitempty"` // until when the feed's hub tells of new articles

	Warnings []string `json:"warnings,omitempty"` // of a look
}

// Sources gives how every source stands, without a look at it.
func (a *App) Sources(ctx context.Context) ([]SourceView, error) {
	views := []SourceView{}
	for _, name := range a.SourceNames() {
		v, err := a.viewSource(ctx, name)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return views, nil
}

// LookAt looks at a source now, due or not. A failed look is the view's problem,
// not an error.
func (a *App) LookAt(ctx context.Context, name string) (SourceView, error) {
	s, err := a.source(name)
	if err != nil {
		return SourceView{}, err
	}
	p, err := a.PollSource(ctx, name)
	if err != nil && (ctx.Err() != nil || p.Report.Feed.Problem == "") {
		return SourceView{}, err
	}
	v, verr := a.viewSource(ctx, name)
	v.Warnings = a.sayOf(s, p.Report, p)
	if err != nil {
		if hint := publisher.HintOf(err); hint != "" {
			v.Warnings = append(v.Warnings, name+": "+hint)
		}
	}
	return v, verr
}

func (a *App) viewSource(ctx context.Context, name string) (SourceView, error) {
	s, err := a.source(name)
	if err != nil {
		return SourceView{}, err
	}
	store, err := a.open(ctx)
	if err != nil {
		return SourceView{}, err
	}
	f, err := store.Feed(ctx, s.Name)
	if err != nil {
		return SourceView{}, err
	}
	p, err := a.waitingOf(ctx, s, feed.Report{})
	if err != nil {
		return SourceView{}, err
	}
	v := SourceView{Name: s.Name, Feed: source.Redact(s.Feed), Title: f.Title, New: len(p.New), Held: p.Held, Updated: len(p.Updated), Problem: f.Problem}
	if f.Asked == s.Feed && f.URL != "" {
		v.Feed = source.Redact(f.URL)
	}
	if !f.Polled.IsZero() {
		at := f.Polled.In(a.location)
		v.Last = &at
	}
	sub, err := store.FeedSubscription(ctx, s.Name)
	if err != nil {
		return SourceView{}, err
	}
	if sub.Mode == "subscribe" && sub.Until.After(a.o.Now()) {
		at := sub.Until.In(a.location)
		v.WebSub = &at
	}
	if !f.Next.IsZero() && !f.Gone {
		at := f.Next.In(a.location)
		v.Next = &at
	}
	return v, nil
}

// ReleaseSource makes new what is held of a source; SkipSource marks as seen what
// is new, held or updated. Both give how many entries that were.
func (a *App) ReleaseSource(ctx context.Context, name string) (int, error) {
	return a.moveAll(ctx, name, publisher.EntryNew, publisher.EntryHeld)
}

// SkipSource is described at ReleaseSource.
func (a *App) SkipSource(ctx context.Context, name string) (int, error) {
	skipped, err := a.moveAll(ctx, name, publisher.EntrySeen, publisher.EntryNew, publisher.EntryHeld)
	if err != nil {
		return skipped, err
	}
	left, err := a.moveAll(ctx, name, publisher.EntryTaken, publisher.EntryUpdated)
	return skipped + left, err
}

func (a *App) moveAll(ctx context.Context, name string, to publisher.EntryState, from ...publisher.EntryState) (int, error) {
	s, err := a.source(name)
	if err != nil {
		return 0, err
	}
	store, err := a.open(ctx)
	if err != nil {
		return 0, err
	}
	entries, err := store.FeedEntries(ctx, s.Name, from...)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return store.MoveFeedEntries(ctx, s.Name, ids, to, from...)
}
