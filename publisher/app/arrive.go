package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/source"
	"crieur/publisher/source/feed"
)

// The duties of what goes out by itself, as the queue knows them.
const (
	dutyPoll   = "poll"
	dutyRoute  = "route"
	dutyDigest = "digest"
)

// pollsDue gives the sources that are to be looked at, and those of which something
// waits to be taken in: a hub has told of it, its owner has released it, or a process
// ended in between.
func (a *App) pollsDue(ctx context.Context) ([]dueKey, error) {
	sources := a.conf.Feeds() // content systems tell by themselves
	if len(sources) == 0 {
		return nil, nil
	}
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	feeds, err := store.Feeds(ctx)
	if err != nil {
		return nil, err
	}
	fresh, err := store.FeedsWaiting(ctx, publisher.EntryNew)
	if err != nil {
		return nil, err
	}
	changed, err := store.FeedsWaiting(ctx, publisher.EntryUpdated)
	if err != nil {
		return nil, err
	}
	var due []dueKey
	for _, s := range sources {
		f, known := feeds[s.Name]
		switch at, waits := fresh[s.Name]; {
		case waits:
			due = append(due, dueKey{key: s.Name, at: at})
		case !known || f.Asked != s.Feed:
			due = append(due, dueKey{key: s.Name, at: a.o.Now().Truncate(time.Minute)})
		case !f.Gone:
			due = append(due, dueKey{key: s.Name, at: f.Next})
		}
		if _, waits := changed[s.Name]; waits && s.Updates == feed.UpdatesCorrect {
			at, err := a.updatesDue(ctx, s)
			if err != nil {
				return nil, err
			}
			due = append(due, dueKey{key: s.Name, at: at})
		}
	}
	return due, nil
}

// updatesDue is when the corrections of a source are to be tried.
func (a *App) updatesDue(ctx context.Context, s config.Source) (time.Time, error) {
	entries, err := a.store.FeedEntries(ctx, s.Name, publisher.EntryUpdated)
	if err != nil {
		return time.Time{}, err
	}
	var first time.Time
	for _, e := range entries {
		t, err := a.troubleOf(ctx, dutyPoll, s.Name+" "+e.ID, "")
		if err != nil {
			return time.Time{}, err
		}
		at := t.Next
		if t.Tries == 0 {
			at = e.Seen
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first, nil
}

// takeIn looks at a source, if it is time, and takes in what is new of it. An entry is
// given up to the feed's room only once its article is in the ledger: whatever happens in
// between, it is neither lost nor taken twice.
func (a *App) takeIn(ctx context.Context, name string) error {
	s, err := a.source(name)
	if err != nil {
		return nil // the configuration has it no more
	}
	due, err := a.SourceDue(ctx, name)
	if err != nil {
		return err
	}
	var p Polled
	if due {
		p, err = a.PollSource(ctx, name)
		for _, w := range a.sayOf(s, p.Report, p) {
			a.o.Log.Warn("a source wants to be looked after", "what", w)
		}
	} else {
		p, err = a.SourceWaiting(ctx, name)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil || !due || p.Report.Feed.Problem == "":
		return err
	default: // the feed's room has noted it, and when to look again
		a.o.Log.Warn("cannot look at a source", "source", source.Redact(s.Name), "error", err, "hint", publisher.HintOf(err), "next", p.Report.Feed.Next)
		err = noted{err}
	}
	var taken []string
	for _, e := range p.New {
		if _, err := a.arriveEntry(ctx, s, e); err != nil {
			return err
		}
		taken = append(taken, e.ID)
	}
	if len(taken) > 0 {
		if err := a.AckSource(ctx, name, taken...); err != nil {
			return err
		}
		a.courier.tell()
		a.o.Log.Info("articles arrived", "source", source.Redact(s.Name), "new", len(taken))
	}
	for _, e := range p.Updated {
		wrong := a.takeUpdate(ctx, s, e)
		if wrong != nil && !asNoted(wrong) {
			return wrong
		}
		err = errors.Join(err, wrong)
	}
	return err
}

func (a *App) arriveEntry(ctx context.Context, s config.Source, e publisher.FeedEntry) (publisher.Arrival, error) {
	in := publisher.Arrival{Source: sourceScheme + s.Name, Arrived: a.o.Now(), Published: e.Article.Published}
	before, _, err := a.store.Arrive(ctx, e.Article, in)
	return before, err
}

// takeUpdate takes in an article that changed after it had come. Where nothing has been
// made of it yet, the new text is the one that goes out; else the source's policy says
// what becomes of it.
func (a *App) takeUpdate(ctx context.Context, s config.Source, e publisher.FeedEntry) error {
	issues, err := a.store.IssuesOf(ctx, e.Article.ID)
	if err != nil {
		return err
	}
	if len(issues) > 0 {
		if s.Updates != feed.UpdatesCorrect {
			return nil
		}
		subject := s.Name + " " + e.ID
		before, err := a.troubleOf(ctx, dutyPoll, subject, "")
		if err != nil || before.Next.After(a.o.Now()) {
			return err
		}
		m, err := a.correctByItself(ctx, e.Article, issues)
		if err != nil {
			return a.trouble(ctx, dutyPoll, subject, "", err)
		}
		a.o.Log.Info("an article was corrected", "article", e.Article.Title, "changed", m.Done(), "impossible", m.Impossible())
		if before.Tries > 0 {
			if _, err := a.store.EndTrouble(ctx, dutyPoll, subject, ""); err != nil {
				return err
			}
		}
	}
	if _, err := a.arriveEntry(ctx, s, e); err != nil {
		return err
	}
	return a.AckSource(ctx, s.Name, e.ID)
}

// correctByItself corrects what has gone out of an article, where anything may go out
// now: neither a copied state nor one that is stopped edits posts.
func (a *App) correctByItself(ctx context.Context, article publisher.Article, issues []publisher.Issue) (*Amendment, error) {
	var s publisher.Selection
	for _, i := range issues {
		s.IssueIDs = append(s.IssueIDs, i.ID)
	}
	if err := a.MayDeliver(ctx, s); err != nil {
		return nil, err
	}
	m, err := a.correct(ctx, article.Source, article, AmendOptions{})
	if err == nil && m.Failed() > 0 {
		err = stepsError(m)
	}
	return m, err
}

// stepsError says which steps of an amendment failed, by the first of them.
func stepsError(m *Amendment) error {
	for _, s := range m.Steps {
		if s.State == StepFailed {
			return &publisher.Error{Kind: s.kind, Op: s.Act, Where: s.Channel, Err: fmt.Errorf("%s (%d of %d steps failed)", s.Detail, m.Failed(), len(m.Steps))}
		}
	}
	return nil
}
