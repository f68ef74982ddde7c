package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/dispatch"
)

// routesDue tells that something has arrived of which it is not decided where it goes,
// or that something could not be planned and is to be tried again.
func (a *App) routesDue(ctx context.Context) ([]dueKey, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	arrivals, err := store.Unrouted(ctx, 1)
	if err != nil {
		return nil, err
	}
	troubles, err := store.Troubles(ctx, dutyRoute)
	if err != nil {
		return nil, err
	}
	var due []dueKey
	for _, arrival := range arrivals {
		due = append(due, dueKey{at: arrival.Arrived})
	}
	for _, t := range troubles {
		due = append(due, dueKey{at: t.Next})
	}
	return due, nil
}

// sortIn brings what has arrived on its way by the routes. What cannot be rendered for
// one newsletter or channel stops that one alone: it is written down, and tried again
// later, and when the configuration has changed.
func (a *App) sortIn(ctx context.Context) error {
	if err := a.atHome(ctx); err != nil {
		return err
	}
	var wrong error
	for {
		arrivals, err := a.store.Unrouted(ctx, 20)
		if err != nil || len(arrivals) == 0 {
			if err == nil {
				err = a.sortAgain(ctx)
			}
			if err != nil && !asNoted(err) {
				return err
			}
			return errors.Join(wrong, err)
		}
		for _, arrival := range arrivals {
			err := a.sort(ctx, arrival, "")
			if err != nil && !asNoted(err) {
				return err
			}
			wrong = errors.Join(wrong, err)
			if err := a.store.Routed(ctx, arrival.ArticleID, arrival.Source, a.o.Now()); err != nil {
				return err
			}
		}
	}
}

// sortAgain tries what could not be planned.
func (a *App) sortAgain(ctx context.Context) error {
	troubles, err := a.store.Troubles(ctx, dutyRoute)
	if err != nil {
		return err
	}
	var wrong error
	for _, t := range troubles {
		if t.Next.After(a.o.Now()) {
			continue
		}
		id, source, _ := strings.Cut(t.Subject, " ")
		err := a.sort(ctx, publisher.Arrival{ArticleID: id, Source: source, Arrived: t.Since}, t.Channel)
		switch {
		case err == nil: // done, or no route asks for it any more
			_, err = a.store.EndTrouble(ctx, dutyRoute, t.Subject, t.Channel)
		case !asNoted(err):
			return err
		}
		if err != nil && !asNoted(err) {
			return err
		}
		wrong = errors.Join(wrong, err)
	}
	return wrong
}

// sort brings an arrival on its way to all that the routes name, or to one of them.
func (a *App) sort(ctx context.Context, arrival publisher.Arrival, only string) error {
	article, err := a.store.Article(ctx, arrival.ArticleID)
	if err != nil {
		return err
	}
	if err := a.invent(ctx); err != nil {
		return err
	}
	var wrong error
	for _, p := range a.matched(article, arrival.Source) {
		if only != "" && p.Name != only {
			continue
		}
		err := a.send(ctx, p, article, arrival)
		if err != nil && !asNoted(err) {
			err = a.trouble(ctx, dutyRoute, arrival.ArticleID+" "+arrival.Source, p.Name, err)
		}
		if err != nil && !asNoted(err) {
			return err
		}
		wrong = errors.Join(wrong, err)
	}
	return wrong
}

// send has an article go out where a route sends it, at its moment. What was planned
// before it arrived stays as it is; what was begun since is brought to its end.
func (a *App) send(ctx context.Context, p Placed, article publisher.Article, arrival publisher.Arrival) error {
	var t targets
	if p.Newsletter {
		n, err := a.newsletter(p.Name)
		if err != nil {
			return err
		}
		if !n.Schedule.IsZero() {
			since := a.wish(article, p.delay, arrival.Arrived, a.o.Now()).Moment(a.location)
			_, err := a.store.AddToPool(ctx, p.Name, article.ID, since)
			return err
		}
		t.newsletters = []config.Newsletter{n}
	} else {
		t.channels = []config.Channel{a.channelNamed(p.Name)}
		t.warnings = map[string]string{p.Name: p.Warning}
	}
	if before, err := a.plannedBefore(ctx, p, article, arrival); err != nil || before {
		return err
	}
	e, err := a.build(ctx, article, t)
	if err != nil {
		return err
	}
	if err := a.preflight(e); err != nil {
		return err
	}
	// From the look at what is taken until it is planned nobody else may give moments away.
	release, err := a.store.Placing(ctx)
	if err != nil {
		return err
	}
	err = a.place(ctx, &p, article, arrival.Arrived)
	if err == nil {
		err = a.commit(ctx, e, publisher.Lot{Channel: p.Name, Release: p.at()})
	}
	return errors.Join(err, release())
}

// plannedBefore reports whether somebody had an article planned where a route sends it
// before it arrived.
func (a *App) plannedBefore(ctx context.Context, p Placed, article publisher.Article, arrival publisher.Arrival) (bool, error) {
	of := ""
	if p.Newsletter {
		of = p.Name
	}
	lots, err := a.store.Lots(ctx, publisher.Selection{IssueIDs: []string{publisher.IssueID(of, article.ID)}, Channels: []string{p.Name}})
	return slices.ContainsFunc(lots, func(l publisher.Lot) bool { return l.Created.Before(arrival.Arrived) }), err
}

// goesOut says for the log when a lot goes out.
func (a *App) goesOut(release time.Time, held publisher.Hold) string {
	switch {
	case held != "":
		return "held: " + string(held)
	case release.IsZero():
		return "now"
	}
	return release.In(a.location).Format("2006-01-02 15:04 -07:00")
}

// commit freezes a rendered edition for one newsletter or channel and plans it, with
// the Release and Held of when. It sends nothing.
func (a *App) commit(ctx context.Context, e *edition, when publisher.Lot) error {
	d := dispatch.New(dispatch.Config{Ledger: a.store, Networks: e.networks, Now: a.o.Now})
	plan, err := a.plan(ctx, d, e)
	if err != nil {
		return err
	}
	if e.pooled && plan.total() == 0 { // the articles are for those who join
		a.o.Log.Warn("no issue, and its articles stay", "newsletter", when.Channel, "why", plan.empty)
		return nil
	}
	held, err := a.afford(ctx, e, plan)
	if err != nil {
		return err
	}
	if when.Held != "" {
		held[when.Channel] = when.Held
	}
	if _, err := a.freeze(ctx, d, e, PublishOptions{}, a.timing(map[string]time.Time{when.Channel: when.Release}, held)); err != nil {
		return err
	}
	a.courier.tell()
	for _, w := range e.warnings {
		a.o.Log.Warn("planned, with a warning", "article", e.article.Title, "channel", when.Channel, "what", w)
	}
	a.o.Log.Info("planned", "article", e.article.Title, "channel", when.Channel, "goes out", a.goesOut(when.Release, held[when.Channel]))
	return nil
}
