package app

import (
	"context"
	"errors"
	"time"
)

// A duty is one sort of work that the daemon does by itself, and `run --once` in its
// place. What is due is always read from the ledger: the queue's alarms only make it
// prompt, and none of them matters if it is lost or rings twice.
type duty struct {
	kind   string // the queue's name for it
	atOnce int    // how many keys one process works on side by side; 0: 1
	limit  time.Duration
	// leftovers: what a dead process left looks as if it were under way, so the work is
	// done once at the start, whatever seems due.
	leftovers bool

	// due gives the keys that have something to do, and when: the past is now. It is
	// asked every few seconds, so it must be cheap.
	due func(ctx context.Context) ([]dueKey, error)
	// do does what there is to do for a key. Called too early, it does nothing; it may
	// give errMore to be called again at once, and an error that is noted where due
	// knows by itself when it is to be tried again.
	do func(ctx context.Context, key string) error
}

// errMore is what a duty ends with that made room for others before it was done.
var errMore = errors.New("there is more to do")

type dueKey struct {
	key string
	at  time.Time
}

const (
	fetchEvery  = 5 * time.Minute
	notifyEvery = time.Minute
	// pollLimit is for a site that is slow to give the pages of all that is new: what a
	// look found is stored at its end, so that one which is cut short finds it all again.
	pollLimit = 20 * time.Minute
)

// duties lists them in the order in which one pass does them: what comes in before
// what goes out, and the owner's mails at the end. The list is the same whatever the
// configuration says; what is not configured is never due.
func (a *App) duties() []duty {
	mailbox := a.conf.Returns.Mailbox.Host != "" && (a.Live() || onThisMachine(a.conf.Returns.Mailbox.Host)) // the sandbox reads no other
	owner := len(a.conf.Proof.To)+len(a.conf.Report.To) > 0
	return []duty{
		{kind: "bounces", due: a.every("bounces", fetchEvery, mailbox), do: func(ctx context.Context, _ string) error {
			_, err := a.FetchReports(ctx)
			return err
		}},
		{kind: dutyPoll, atOnce: 4, limit: pollLimit, due: a.pollsDue, do: a.takeIn},
		{kind: dutyRoute, due: a.routesDue, do: func(ctx context.Context, _ string) error { return a.sortIn(ctx) }},
		{kind: dutyDigest, due: a.digestsDue, do: a.fire},
		{kind: "deliver", limit: deliverLimit, leftovers: true, due: a.deliveriesDue, do: func(ctx context.Context, _ string) error { return a.DeliverDue(ctx) }},
		{kind: "notify", due: a.every("notify", notifyEvery, owner), do: func(ctx context.Context, _ string) error {
			_, err := a.Notify(ctx)
			return err
		}},
	}
}

// every has work done time and again whose own memory says what of it is new. When it
// was last due, each process knows for itself: several that schedule do it more often.
func (a *App) every(kind string, interval time.Duration, wanted bool) func(context.Context) ([]dueKey, error) {
	return func(context.Context) ([]dueKey, error) {
		c, now := a.courier, a.o.Now()
		c.mu.Lock()
		defer c.mu.Unlock()
		last := c.rung[kind]
		if !wanted || !last.IsZero() && !now.Before(last) && now.Sub(last) < interval {
			return nil, nil
		}
		c.rung[kind] = now
		return []dueKey{{at: now}}, nil
	}
}
