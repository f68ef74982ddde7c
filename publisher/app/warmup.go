package app

import (
	"context"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

// A WarmupView is a sender's domain that has sent what it may on one day.
type WarmupView struct {
	Domain string    `json:"domain"`
	Sent   int       `json:"sent"` // today
	Left   int       `json:"left"` // mails that wait for another day
	Next   time.Time `json:"next"` // when that begins
	Most   int       `json:"most"` // what it may have, if today ends as it stands; 0: as many as there are
	Done   time.Time `json:"done"` // the day of the last of them at best
}

// warmups gives the configured warm-ups as dispatch takes them.
func (a *App) warmups() []dispatch.Warmup {
	var all []dispatch.Warmup
	for _, w := range a.conf.Warmup {
		all = append(all, dispatch.Warmup{Domain: w.Name, First: w.First, Grow: w.Grow, Until: w.Until})
	}
	return all
}

// allowances gives the day of each domain that warms up.
func (a *App) allowances(ctx context.Context) (map[string]dispatch.Allowance, error) {
	all := map[string]dispatch.Allowance{}
	for _, w := range a.warmups() {
		one, err := w.Allow(ctx, a.store, a.o.Now(), a.location)
		if err != nil {
			return nil, err
		}
		all[strings.ToLower(w.Domain)] = one
	}
	return all, nil
}

func (a *App) viewWarmup(w dispatch.Allowance, left int) WarmupView {
	v := WarmupView{Domain: w.Warmup.Domain, Sent: w.Sent, Left: left, Next: w.Ends, Done: w.Done(left)}
	if most, limited := w.Tomorrow(); limited {
		v.Most = most
	}
	return v
}

// Warming gives the senders whose day is used up while mails of theirs wait.
func (a *App) Warming(ctx context.Context) ([]WarmupView, error) {
	views := []WarmupView{}
	if len(a.conf.Warmup) == 0 {
		return views, nil
	}
	waiting, err := a.Queue(ctx, 0)
	if err != nil {
		return nil, err
	}
	left := map[string]int{}
	for _, v := range waiting {
		if v.Warmup != nil {
			left[strings.ToLower(v.Warmup.Domain)] += v.Left
		}
	}
	allowed, err := a.allowances(ctx)
	for _, domain := range sorted(left) {
		views = append(views, a.viewWarmup(allowed[domain], left[domain]))
	}
	return views, err
}

// nextWork is when a lot wants to be delivered again; zero: it does not. Where the day
// of its sender is used up, only what has kept a place of it is due before the next one.
func (a *App) nextWork(ctx context.Context, lot publisher.Lot, now time.Time) (time.Time, error) {
	next, err := a.store.NextWork(ctx, lot)
	if err != nil || next.IsZero() || !lot.Mail() {
		return next, err
	}
	for _, w := range a.warmups() {
		if !strings.EqualFold(w.Domain, lot.Domain) {
			continue
		}
		day, err := w.Allow(ctx, a.store, now, a.location)
		if err != nil || day.Left() > 0 || !next.Before(day.Ends) {
			return next, err
		}
		again, err := a.store.NextAgain(ctx, lot.ID, day.Day)
		if err != nil || !again.IsZero() && again.Before(day.Ends) {
			return again, err
		}
		return day.Ends, nil
	}
	return next, nil
}

// today gives how many of a selection's deliveries a run can come to, at most so many
// as there are: what is beyond a warm-up's day is not its matter.
func (a *App) today(ctx context.Context, s publisher.Selection, total int) (int, error) {
	if len(a.conf.Warmup) == 0 {
		return total, nil
	}
	allowed, err := a.allowances(ctx)
	if err != nil {
		return 0, err
	}
	s.Open, s.Due = true, a.o.Now()
	waiting, err := a.store.Waiting(ctx, s, time.Time{}, 0)
	if err != nil {
		return 0, err
	}
	left := map[string]int{}
	for _, w := range waiting {
		if w.Mail() && w.Due(a.o.Now()) {
			left[strings.ToLower(w.Domain)] += w.Left
		}
	}
	for domain, n := range left {
		if day, ok := allowed[domain]; ok {
			total -= max(n-day.Left(), 0)
		}
	}
	return max(total, 1), nil
}

// ration notes in a result what waits for another day.
func (r *Result) ration(a *App, report dispatch.Report) {
	for _, used := range report.Spent {
		left := 0
		for _, t := range report.Tallies {
			if t.Lot.Mail() && strings.EqualFold(t.Lot.Domain, used.Warmup.Domain) && t.Lot.Due(a.o.Now()) {
				left += t.States[publisher.StatePlanned]
				for i, d := range r.Deliveries {
					if d.Issue == t.Lot.IssueID && d.Channel == t.Lot.Channel && d.State == publisher.StatePlanned {
						r.Deliveries[i].Release = &used.Ends
					}
				}
			}
		}
		if left == 0 {
			continue
		}
		v := a.viewWarmup(used, left)
		r.Waiting += left
		if r.Release == nil || v.Next.Before(*r.Release) {
			r.Release = &v.Next
		}
		r.Warmup = append(r.Warmup, v)
	}
}
