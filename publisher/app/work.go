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
	// give errMore to be called again at once.
	do func(ctx context.Context, key string) error
}

// errMore is what a duty ends with that made room for others before it was done.
var errMore = errors.New("there is more to do")

type dueKey struct {
	key string
	at  time.Time
}

// duties lists them in the order in which one pass does them: what comes in before
// what goes out.
func (a *App) duties() []duty {
	return []duty{
		{kind: "deliver", limit: deliverLimit, leftovers: true, due: a.deliveriesDue, do: func(ctx context.Context, _ string) error { return a.DeliverDue(ctx) }},
	}
}
