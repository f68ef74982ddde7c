package app

import (
	"context"
	"slices"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/queue/pool"
)

// A Coming is what will go out by itself: a lot that waits for its moment, or an issue
// that a schedule will make.
type Coming struct {
	At       time.Time      `json:"at"`
	Channel  string         `json:"channel"`            // name of the newsletter or channel
	Schedule string         `json:"schedule,omitempty"` // that makes the issue; "": it is made
	Held     publisher.Hold `json:"held,omitempty"`     // why it would not go out then
	Titles   []string       `json:"titles"`             // what it would hold as things are; empty: no issue would be made
	Waiting  int            `json:"waiting"`            // articles that would stay for a later issue
	Left     int            `json:"left"`               // deliveries of a lot; 0 for an issue that is not made
}

// maxComing bounds how many moments of one schedule are shown.
const maxComing = 100

// Coming lists what goes out by itself within a time from now, the next first. Lots that go out
// at once, or are overdue, come with the present moment. Only a schedule's next issue
// is shown with articles: what comes until the one after is not known.
func (a *App) Coming(ctx context.Context, within time.Duration) ([]Coming, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	now := a.o.Now()
	until := now.Add(within)
	coming := []Coming{}
	lots, err := store.Waiting(ctx, publisher.Selection{}, until, 0)
	if err != nil {
		return nil, err
	}
	for _, l := range lots {
		at := l.Release
		if at.Before(now) {
			at = now
		}
		coming = append(coming, Coming{At: at.In(a.location), Channel: l.Channel, Held: l.Held, Titles: []string{l.Title}, Left: l.Left})
	}
	for _, n := range a.conf.Newsletters {
		if n.Schedule.IsZero() {
			continue
		}
		next := Coming{At: now, Channel: n.Name, Schedule: n.Schedule.String()}
		for i := range maxComing {
			if next.At = n.Schedule.Next(next.At, a.location); !next.At.Before(until) {
				break
			}
			if i == 0 {
				if next.Titles, next.Waiting, err = a.nextIssue(ctx, n, next.At); err != nil {
					return nil, err
				}
			}
			coming = append(coming, next)
			next.Titles, next.Waiting = []string{}, 0
		}
	}
	slices.SortStableFunc(coming, func(x, y Coming) int { return x.At.Compare(y.At) })
	return coming, nil
}

// nextIssue gives the titles of the articles that the newsletter's next issue, at a
// moment, would hold as things are, in its order, and how many would stay.
func (a *App) nextIssue(ctx context.Context, n config.Newsletter, at time.Time) ([]string, int, error) {
	c, articles, err := a.choose(ctx, n, at)
	if err != nil {
		return nil, 0, err
	}
	titles := []string{}
	for _, g := range c.Groups {
		for _, e := range g.Entries {
			titles = append(titles, articles[e.ArticleID].Title)
		}
	}
	return titles, len(c.Stay), nil
}

// choose decides what the newsletter's issue of a moment holds of the articles that wait
// for it, and gives those by their ID. What may not go out by then stays.
func (a *App) choose(ctx context.Context, n config.Newsletter, at time.Time) (pool.Choice, map[string]publisher.Article, error) {
	store, err := a.open(ctx)
	if err != nil {
		return pool.Choice{}, nil, err
	}
	waiting, err := store.Pool(ctx, n.Name, 0)
	if err != nil {
		return pool.Choice{}, nil, err
	}
	var entries, early []pool.Entry
	articles := map[string]publisher.Article{}
	for _, w := range waiting {
		article, err := store.Article(ctx, w.ArticleID)
		if err != nil {
			return pool.Choice{}, nil, err
		}
		articles[w.ArticleID] = article
		e := pool.Entry{ArticleID: w.ArticleID, Source: sourceName(article.Source), Tags: article.Tags,
			Published: article.Published, Arrived: w.Since}
		if w.Since.After(at) {
			early = append(early, e)
			continue
		}
		entries = append(entries, e)
	}
	d := n.Digest
	c := pool.Choose(entries, pool.Rule{Min: d.Min, Max: d.Max, Order: pool.Order(d.Order), GroupBy: pool.Grouping(d.GroupBy),
		IfFewer: pool.Lack(d.IfFewer), Rest: pool.Surplus(d.Rest), Sources: a.SourceNames()})
	c.Stay = append(c.Stay, early...)
	return c, articles, nil
}
