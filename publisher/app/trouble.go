package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"crieur/publisher"
)

const (
	// firstRetry is how long a duty that could not be done waits before it is tried
	// again; each time it is doubled, up to lastRetry.
	firstRetry = 5 * time.Minute
	lastRetry  = time.Hour
)

// A noted error has been written down in the ledger together with the moment of the
// next try: whoever called the duty need not have it done again.
type noted struct{ error }

func (n noted) Unwrap() error { return n.error }

// asNoted reports whether all that went wrong has been written down.
func asNoted(err error) bool {
	var n noted
	return errors.As(err, &n)
}

// trouble writes down that something could not be done, logs it, and gives the error
// as noted; one that is only because ctx ended is given as it is.
func (a *App) trouble(ctx context.Context, duty, subject, channel string, why error) error {
	if ctx.Err() != nil {
		return why
	}
	kept, err := a.troubleOf(ctx, duty, subject, channel)
	if err != nil {
		return errors.Join(why, err)
	}
	now := a.o.Now()
	wait := min(firstRetry<<min(kept.Tries, 10), lastRetry)
	t := publisher.Trouble{Duty: duty, Subject: subject, Channel: channel, Problem: why.Error(), Hint: publisher.HintOf(why), Since: now, Next: now.Add(wait)}
	if after := publisher.AfterOf(why); after.After(t.Next) {
		t.Next = after
	}
	if err := a.store.SaveTrouble(ctx, t); err != nil {
		return errors.Join(why, err)
	}
	a.o.Log.Warn("something was not done, and is tried again", "work", duty, "of", subject, "channel", channel, "error", why, "hint", t.Hint,
		"tries", kept.Tries+1, "next", t.Next.In(a.location))
	return noted{why}
}

// troubleOf gives what is known to have gone wrong with a piece of work; its zero
// value where nothing has.
func (a *App) troubleOf(ctx context.Context, duty, subject, channel string) (publisher.Trouble, error) {
	store, err := a.open(ctx)
	if err != nil {
		return publisher.Trouble{}, err
	}
	all, err := store.Troubles(ctx, duty)
	if err != nil {
		return publisher.Trouble{}, err
	}
	i := slices.IndexFunc(all, func(t publisher.Trouble) bool { return t.Subject == subject && t.Channel == channel })
	if i < 0 {
		return publisher.Trouble{}, nil
	}
	return all[i], nil
}
