package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/queue/calendar"
)

const (
	schedulePrefix = "digest:" // begins a newsletter's schedule in the ledger
	// keySchedules is the duty of keeping the ledger's schedules as the configuration has
	// them. No newsletter can be called that.
	keySchedules = "@schedules"
)

// digestsDue gives the newsletters whose schedule wants an issue, and whether the
// schedules themselves have changed.
func (a *App) digestsDue(ctx context.Context) ([]dueKey, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := store.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	var due []dueKey
	if !a.inStep(kept) {
		due = append(due, dueKey{key: keySchedules, at: a.o.Now().Truncate(time.Minute)})
	}
	for _, s := range kept {
		name := strings.TrimPrefix(s.ID, schedulePrefix)
		t, err := a.troubleOf(ctx, dutyDigest, name, name)
		if err != nil {
			return nil, err
		}
		at := s.Next
		if t.Next.After(at) {
			at = t.Next
		}
		due = append(due, dueKey{key: name, at: at})
	}
	return due, nil
}

// specOf gives a newsletter's schedule as the ledger keeps it. The zone is part of it:
// the same time of day is another moment in another one.
func (a *App) specOf(n config.Newsletter) string {
	return n.Schedule.String() + " " + a.location.String()
}

// inStep reports whether the ledger has the configuration's schedules.
func (a *App) inStep(kept []publisher.Schedule) bool {
	wanted := 0
	for _, n := range a.conf.Newsletters {
		if n.Schedule.IsZero() {
			continue
		}
		wanted++
		same := func(s publisher.Schedule) bool { return s.ID == schedulePrefix+n.Name && s.Spec == a.specOf(n) }
		if !slices.ContainsFunc(kept, same) {
			return false
		}
	}
	return wanted == len(kept)
}

// keepSchedules brings the ledger's schedules in step. A new one, and one that says
// something else than before, begins with its next moment: none is made up for.
func (a *App) keepSchedules(ctx context.Context) error {
	now := a.o.Now()
	wanted := map[string]bool{}
	for _, n := range a.conf.Newsletters {
		if n.Schedule.IsZero() {
			continue
		}
		s := publisher.Schedule{ID: schedulePrefix + n.Name, Spec: a.specOf(n), Next: n.Schedule.Next(now, a.location)}
		wanted[s.ID] = true
		if _, err := a.store.SaveSchedule(ctx, s); err != nil {
			return err
		}
	}
	kept, err := a.store.Schedules(ctx)
	if err != nil {
		return err
	}
	for _, s := range kept {
		if wanted[s.ID] {
			continue
		}
		if err := a.store.RemoveSchedule(ctx, s.ID); err != nil {
			return err
		}
		name := strings.TrimPrefix(s.ID, schedulePrefix)
		if _, err := a.store.EndTrouble(ctx, dutyDigest, name, name); err != nil {
			return err
		}
	}
	return nil
}

// fire makes the issue of a newsletter whose moment has come. The work comes first, and
// the schedule is moved on when it is done: all that is made has its identity from the
// moment, so that doing it again after a crash does nothing twice.
func (a *App) fire(ctx context.Context, name string) error {
	if _, err := a.open(ctx); err != nil {
		return err
	}
	if name == keySchedules {
		return a.keepSchedules(ctx)
	}
	if err := a.atHome(ctx); err != nil {
		return err
	}
	n, err := a.newsletter(name)
	if err != nil || n.Schedule.IsZero() {
		return nil
	}
	s, ok, err := a.schedule(ctx, n)
	now := a.o.Now()
	if err != nil || !ok || s.Next.After(now) {
		return err
	}
	if s, ok, err = a.collapse(ctx, n, s, now); err != nil || !ok {
		return err
	}
	if err := a.issueOf(ctx, n, s.Next); err != nil {
		if asLostRace(err) {
			return err
		}
		return a.trouble(ctx, dutyDigest, name, name, err)
	}
	if _, err := a.store.EndTrouble(ctx, dutyDigest, name, name); err != nil {
		return err
	}
	_, err = a.store.Fire(ctx, s, n.Schedule.Next(s.Next, a.location), now)
	return err
}

// asLostRace reports whether another process, or a person, took an article of a pool
// meanwhile: it is looked at again.
func asLostRace(err error) bool { return publisher.KindOf(err) == publisher.Busy }

// schedule gives what the ledger has of a newsletter's schedule; false where that is
// not the configuration's.
func (a *App) schedule(ctx context.Context, n config.Newsletter) (publisher.Schedule, bool, error) {
	all, err := a.store.Schedules(ctx)
	i := slices.IndexFunc(all, func(s publisher.Schedule) bool { return s.ID == schedulePrefix+n.Name && s.Spec == a.specOf(n) })
	if err != nil || i < 0 {
		return publisher.Schedule{}, false, err
	}
	return all[i], true, nil
}

// collapse makes one of the moments that were missed: the last. The ledger notes that
// before any work, so that after a crash the moment is still the same.
func (a *App) collapse(ctx context.Context, n config.Newsletter, s publisher.Schedule, now time.Time) (publisher.Schedule, bool, error) {
	if _, err := a.store.Issue(ctx, digestID(n, s.Next)); err == nil {
		return s, true, nil // it was being made when the process ended
	} else if publisher.KindOf(err) != publisher.NotFound {
		return s, false, err
	}
	last, missed := s.Next, 0
	for next := n.Schedule.Next(last, a.location); !next.After(now); next = n.Schedule.Next(next, a.location) {
		last = next
		missed++
	}
	if missed == 0 {
		return s, true, nil
	}
	a.o.Log.Warn("moments of a newsletter were missed, and are made one", "newsletter", n.Name, "missed", missed, "first", s.Next.In(a.location), "last", last)
	fired, err := a.store.Fire(ctx, s, last, s.Last)
	s.Next = last
	return s, fired, err
}

func digestID(n config.Newsletter, at time.Time) string {
	return publisher.IssueID(n.Name, publisher.DigestID(at, nil))
}

// issueOf makes and plans the issue of a moment, or brings to its end what was begun
// of it.
func (a *App) issueOf(ctx context.Context, n config.Newsletter, at time.Time) error {
	d := Digest{Newsletter: n.Name, Group: n.Digest.GroupBy, At: at, Pooled: true}
	if d.Group == "none" {
		d.Group = ""
	}
	now := a.o.Now()
	when := publisher.Lot{Channel: n.Name, Release: at.Add(n.Undo)}
	if late := now.Sub(at); n.Undo > 0 && late > sweepEvery*2 {
		when.Release = now.Add(n.Undo)
	}
	begun, err := a.store.Issue(ctx, digestID(n, at))
	switch {
	case err == nil:
		for _, id := range begun.Articles {
			article, err := a.store.Article(ctx, id)
			if err != nil {
				return err
			}
			d.Articles = append(d.Articles, article)
		}
	case publisher.KindOf(err) != publisher.NotFound:
		return err
	}
	switch a.conf.LateOf(n.Name).Decide(at, now) {
	case calendar.Hold:
		when.Held = publisher.HeldLate
		a.o.Log.Warn("an issue is too late to go out by itself, and is held", "newsletter", n.Name, "due", at.In(a.location))
	case calendar.Skip:
		if d.Articles == nil {
			a.o.Log.Warn("an issue is too late, and is not made: its articles stay for the next one", "newsletter", n.Name, "due", at.In(a.location))
			return nil
		}
	}
	if d.Articles == nil {
		if d.Articles, err = a.draw(ctx, n, at); err != nil || len(d.Articles) == 0 {
			return err
		}
	}
	e, err := a.digest(ctx, d)
	if err != nil {
		return err
	}
	if err := a.preflight(e); err != nil {
		return err
	}
	return a.commit(ctx, e, when)
}

// draw gives the articles of the pool that the issue of a moment holds, in order; none
// where it is not to be made. What is to be left out for good leaves the pool before
// the issue is made: after a crash in between, the same ones remain.
func (a *App) draw(ctx context.Context, n config.Newsletter, at time.Time) ([]publisher.Article, error) {
	c, articles, err := a.choose(ctx, n, at)
	if err != nil {
		return nil, err
	}
	for _, e := range c.Dropped {
		if _, err := a.store.Unpool(ctx, n.Name, e.ArticleID); err != nil {
			return nil, err
		}
	}
	if len(c.Dropped) > 0 {
		a.o.Log.Info("articles were left out for good", "newsletter", n.Name, "articles", len(c.Dropped))
	}
	if c.Len() == 0 {
		a.o.Log.Info("no issue: too few articles wait", "newsletter", n.Name, "waiting", len(c.Stay), "min", n.Digest.Min)
		return nil, nil
	}
	var drawn []publisher.Article
	for _, g := range c.Groups {
		for _, e := range g.Entries {
			drawn = append(drawn, articles[e.ArticleID])
		}
	}
	return drawn, nil
}
