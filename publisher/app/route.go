package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/queue/calendar"
	"crieur/publisher/queue/route"
)

// A Placed is a newsletter or channel that the routes send an article to, and the
// moment at which it goes out there.
type Placed struct {
	Name       string     `json:"name"`
	Newsletter bool       `json:"newsletter"`
	Digest     bool       `json:"digest"` // it waits for the newsletter's next issue
	Route      string     `json:"route"`
	Slot       string     `json:"slot,omitempty"`
	Release    *time.Time `json:"release"`            // not before; nil: at once
	Planned    bool       `json:"planned"`            // it was planned before, and stays so
	Warning    string     `json:"warning,omitempty"`  // content warning of the posts
	Schedule   string     `json:"schedule,omitempty"` // the newsletter's

	delay time.Duration
}

// sourceScheme begins Article.Source for one that a configured source brought.
const sourceScheme = "feed:"

// Route says where an article from a source goes by the configuration's routes, and
// when. It plans nothing: until that is done, another article may be given the same
// moment. What was planned before keeps its moment.
func (a *App) Route(ctx context.Context, article publisher.Article, source string) ([]Placed, error) {
	placed := a.matched(article, source)
	for i := range placed {
		if err := a.place(ctx, &placed[i], article, a.o.Now()); err != nil {
			return nil, err
		}
	}
	return placed, nil
}

// matched says where the routes send an article, without the moments.
func (a *App) matched(article publisher.Article, source string) []Placed {
	matched := []Placed{}
	for _, t := range route.Match(a.rules(), article, sourceName(source)) {
		p := Placed{Name: t.Name, Newsletter: t.Newsletter, Route: t.Rule, delay: t.Delay}
		if !t.Newsletter {
			p.Warning = t.Warning
			p.Slot = firstOf(t.Slot, a.channelNamed(t.Name).Slot)
			p.delay = cmp.Or(t.Delay, a.channelNamed(t.Name).Delay)
		}
		matched = append(matched, p)
	}
	return matched
}

// place gives an article that arrived at a moment its own on one newsletter or channel.
func (a *App) place(ctx context.Context, p *Placed, article publisher.Article, arrived time.Time) error {
	if p.Newsletter {
		return a.placeLetter(ctx, p, article, arrived)
	}
	return a.placePost(ctx, p, article, arrived)
}

// channelNamed gives a channel of the configuration, which has been held against the
// routes when it was read.
func (a *App) channelNamed(name string) config.Channel {
	i := slices.IndexFunc(a.conf.Channels, func(c config.Channel) bool { return c.Name == name })
	if i < 0 {
		return config.Channel{}
	}
	return a.conf.Channels[i]
}

func (a *App) rules() []route.Rule {
	var rules []route.Rule
	for _, r := range a.conf.Routes {
		rules = append(rules, route.Rule{Name: r.Name, Sources: r.Sources, Tags: r.Tags, Languages: r.Languages, Authors: r.Authors,
			Newsletters: r.Newsletters, Channels: r.Channels, Slot: r.Slot, Delay: r.Delay, Warning: r.Warning})
	}
	return rules
}

// placeLetter gives an article its moment in a newsletter. Slots are for posts: a
// letter has its schedule.
func (a *App) placeLetter(ctx context.Context, p *Placed, article publisher.Article, arrived time.Time) error {
	now := a.o.Now()
	ready := a.wish(article, p.delay, arrived, now).Moment(a.location)
	if s, ok := a.conf.ScheduleOf(p.Name); ok {
		p.Digest, p.Schedule = true, s.String()
		next := s.Next(ready.Add(-1), a.location).Add(a.undoOf(p.Name)) // an issue at that very moment takes it along
		p.Release = &next
		return nil
	}
	planned, err := a.planned(ctx, p, publisher.IssueID(p.Name, article.ID))
	if err != nil || planned {
		return err
	}
	if undo := now.Add(a.undoOf(p.Name)); undo.After(ready) {
		ready = undo.In(a.location)
	}
	p.release(ready, now)
	return nil
}

// undoOf gives how long a newsletter's issues wait at least before their first mail.
func (a *App) undoOf(newsletter string) time.Duration {
	for _, n := range a.conf.Newsletters {
		if n.Name == newsletter {
			return n.Undo
		}
	}
	return 0
}

func (a *App) placePost(ctx context.Context, p *Placed, article publisher.Article, arrived time.Time) error {
	planned, err := a.planned(ctx, p, publisher.IssueID("", article.ID))
	if err != nil || planned {
		return err
	}
	now := a.o.Now()
	w := a.wish(article, p.delay, arrived, now)
	if slot, ok := a.conf.SlotNamed(p.Slot); ok {
		if w.Slot, w.Taken, err = a.slot(ctx, slot.Calendar(), p.Name, now); err != nil {
			return err
		}
	}
	p.release(w.Moment(a.location), now)
	return nil
}

func (a *App) wish(article publisher.Article, delay time.Duration, arrived, now time.Time) calendar.Wish {
	w := calendar.Wish{Now: now, Published: article.Published, Embargo: article.Embargo, Delay: delay}
	if w.Published.IsZero() {
		w.Published = arrived
	}
	return w
}

// slot gives a slot with the moments that a channel has used or promised.
func (a *App) slot(ctx context.Context, s calendar.Slot, channel string, now time.Time) (*calendar.Slot, []time.Time, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	// Two days reach back to the beginning of any day of today's.
	taken, err := store.Moments(ctx, channel, now.Add(-max(s.Gap(), 48*time.Hour)))
	return &s, taken, err
}

// release notes a moment, if it is still to come.
func (p *Placed) release(m, now time.Time) {
	if m.After(now) {
		p.Release = &m
	}
}

// planned reports whether an issue is planned on p's channel already, and takes over
// its moment.
func (a *App) planned(ctx context.Context, p *Placed, issueID string) (bool, error) {
	store, err := a.open(ctx)
	if err != nil {
		return false, err
	}
	tallies, err := store.Counts(ctx, publisher.Selection{IssueIDs: []string{issueID}, Channels: []string{p.Name}})
	if err != nil || len(tallies) == 0 {
		return false, err
	}
	p.Planned = true
	if r := tallies[0].Lot.Release; !r.IsZero() {
		r = r.In(a.location)
		p.Release = &r
	}
	return true, nil
}

// PlanRoutes reads an article and says where the routes would send it, as if the named
// source had brought it, and when.
func (a *App) PlanRoutes(ctx context.Context, src string, ao ArticleOptions, source string) (*RoutePlan, error) {
	article, err := a.Read(ctx, src, ao)
	if err != nil {
		return nil, err
	}
	placed, err := a.Route(ctx, article, source)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(placed, func(x, y Placed) int { return x.at().Compare(y.at()) })
	return &RoutePlan{Article: viewArticle(article), Targets: placed}, nil
}

// A RoutePlan is where an article would go by itself; at once comes first.
type RoutePlan struct {
	Article ArticleView `json:"article"`
	Targets []Placed    `json:"targets"`
}

func (p Placed) at() time.Time {
	if p.Release == nil {
		return time.Time{}
	}
	return *p.Release
}
