package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
)

// An Ahead is what will happen, or does not, beside the lots that wait: the issues that
// schedules will make, and what they and the sources wait for.
type Ahead struct {
	Issues   []Coming      `json:"issues"`   // each newsletter's next
	Stranded []Stranded    `json:"stranded"` // what waits for issues that nothing will make
	Sources  []SourceHeld  `json:"sources"`  // of which something waits for a person
	Troubles []TroubleView `json:"troubles"` // what could not be done, and is tried again
}

// Stranded is what waits for the issues of a newsletter that has no schedule any more.
type Stranded struct {
	Newsletter string `json:"newsletter"`
	Articles   int    `json:"articles"`
}

// SourceHeld is a source of which something waits for a person.
type SourceHeld struct {
	Name    string `json:"name"`
	Held    int    `json:"held"`    // articles: crieur sources release, or skip
	Updated int    `json:"updated"` // that changed since they went out, where the policy is to ask
}

// A TroubleView is something that crieur could not do by itself.
type TroubleView struct {
	Work    string    `json:"work"`  // poll, route or digest
	Title   string    `json:"title"` // of the article, or name of the newsletter
	Channel string    `json:"channel,omitempty"`
	Problem string    `json:"problem"`
	Hint    string    `json:"hint,omitempty"`
	Since   time.Time `json:"since"`
	Tries   int       `json:"tries"`
	Next    time.Time `json:"next"` // when it is tried again
}

// Text says it in one line.
func (v TroubleView) Text() string {
	what := v.Title
	if v.Channel != "" && v.Channel != v.Title {
		what += " on " + v.Channel
	}
	text := what + ": " + strings.ReplaceAll(v.Problem, "\n", "; ")
	if v.Hint != "" {
		text += " (" + v.Hint + ")"
	}
	return text + "; tried again at " + v.Next.Format("2006-01-02 15:04")
}

// Ahead tells what comes within a while, which zero does not limit.
func (a *App) Ahead(ctx context.Context, within time.Duration) (*Ahead, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	ahead := &Ahead{Issues: []Coming{}, Stranded: []Stranded{}, Sources: []SourceHeld{}}
	pools, err := store.Pools(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range sorted(pools) {
		if _, ok := a.conf.ScheduleOf(name); !ok {
			ahead.Stranded = append(ahead.Stranded, Stranded{name, pools[name]})
		}
	}
	for _, n := range a.conf.Newsletters {
		if n.Schedule.IsZero() {
			continue
		}
		next, err := a.nextOfSchedule(ctx, n)
		if err != nil {
			return nil, err
		}
		if within == 0 || next.At.Before(a.o.Now().Add(within)) {
			ahead.Issues = append(ahead.Issues, next)
		}
	}
	slices.SortStableFunc(ahead.Issues, func(x, y Coming) int { return x.At.Compare(y.At) })
	for _, s := range a.conf.Feeds() {
		entries, err := store.FeedEntries(ctx, s.Name, publisher.EntryHeld, publisher.EntryUpdated)
		if err != nil {
			return nil, err
		}
		held := SourceHeld{Name: s.Name}
		for _, e := range entries {
			switch {
			case e.State == publisher.EntryHeld:
				held.Held++
			case s.Updates != "correct":
				held.Updated++
			}
		}
		if held.Held+held.Updated > 0 {
			ahead.Sources = append(ahead.Sources, held)
		}
	}
	ahead.Troubles, err = a.Troubles(ctx)
	return ahead, err
}

// nextOfSchedule gives the next issue of a newsletter with a schedule: the moment that
// the ledger has for it, which may be past where no daemon runs, or that which it
// would have.
func (a *App) nextOfSchedule(ctx context.Context, n config.Newsletter) (Coming, error) {
	c := Coming{At: n.Schedule.Next(a.o.Now(), a.location), Channel: n.Name, Schedule: n.Schedule.String()}
	kept, ok, err := a.schedule(ctx, n)
	if err != nil {
		return c, err
	}
	if ok {
		c.At = kept.Next.In(a.location)
	}
	c.Titles, c.Waiting, err = a.nextIssue(ctx, n, c.At)
	return c, err
}

// Troubles lists what could not be done by itself, the oldest first.
func (a *App) Troubles(ctx context.Context) ([]TroubleView, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	all, err := store.Troubles(ctx, "")
	if err != nil {
		return nil, err
	}
	views := []TroubleView{}
	for _, t := range all {
		v := TroubleView{Work: t.Duty, Title: t.Subject, Channel: t.Channel, Problem: t.Problem, Hint: t.Hint, Since: t.Since.In(a.location), Tries: t.Tries,
			Next: t.Next.In(a.location)}
		switch t.Duty {
		case dutyRoute:
			id, _, _ := strings.Cut(t.Subject, " ")
			article, err := store.Article(ctx, id)
			if err != nil {
				return nil, err
			}
			v.Title = article.Title
		case dutyPoll:
			v.Title, _, _ = strings.Cut(t.Subject, " ")
		}
		views = append(views, v)
	}
	return views, nil
}
