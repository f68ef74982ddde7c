package dispatch

import (
	"context"
	"time"

	"crieur/publisher"
)

const (
	// A ledger that is locked or whose disk is full is asked so often, at first so far
	// apart, before the run ends.
	commitTries = 5
	commitPause = 100 * time.Millisecond
	// longestPause is the longest wait for a database that is away.
	longestPause = 2 * time.Second
)

// outlast calls f until the ledger is not busy any more. One that only this process
// writes to is either there or not, and is given a moment; a database server that is
// away comes back, and is given Config.Outage. Meanwhile nothing is begun, since
// nothing is granted.
func (r *run) outlast(ctx context.Context, f func() error) (err error) {
	began := r.c.Now()
	pause := commitPause
	for try := 1; ; try++ {
		if err = f(); err == nil || publisher.KindOf(err) != publisher.Busy || ctx.Err() != nil {
			return err
		}
		if r.exclusive && try == commitTries || !r.exclusive && !r.c.Now().Before(began.Add(r.c.Outage)) {
			return err
		}
		if r.c.Sleep(ctx, pause) != nil {
			return err
		}
		pause = min(2*pause, longestPause)
	}
}

// persist commits, and outlasts what keeps it from it. It does not end with the run's
// context: what took place has to be written down.
func (r *run) persist(outcomes []publisher.Outcome, wants []publisher.Claim, rations ...publisher.Ration) (c publisher.Commit, until time.Time, err error) {
	ctx := context.Background()
	err = r.outlast(ctx, func() error {
		now := r.c.Now()
		until = now.Add(r.c.Lease)
		c, err = r.raw.Commit(ctx, outcomes, wants, now, until, rations...)
		return err
	})
	return c, until, err
}

// outlasting is a run's ledger whose reads outlast a database that is away.
type outlasting struct {
	Ledger
	r *run
}

var _ Ledger = outlasting{}

// patiently gives what f gives once the ledger answers.
func patiently[T any](ctx context.Context, r *run, f func() (T, error)) (v T, err error) {
	err = r.outlast(ctx, func() error {
		v, err = f()
		return err
	})
	return v, err
}

func (o outlasting) Lots(ctx context.Context, s publisher.Selection) ([]publisher.Lot, error) {
	return patiently(ctx, o.r, func() ([]publisher.Lot, error) { return o.Ledger.Lots(ctx, s) })
}

func (o outlasting) Counts(ctx context.Context, s publisher.Selection) ([]publisher.Tally, error) {
	return patiently(ctx, o.r, func() ([]publisher.Tally, error) { return o.Ledger.Counts(ctx, s) })
}

func (o outlasting) CloseLots(ctx context.Context, lots []int64) error {
	return o.r.outlast(ctx, func() error { return o.Ledger.CloseLots(ctx, lots) })
}

func (o outlasting) Reclaim(ctx context.Context, lot int64, before time.Time, to publisher.State, now time.Time) (int, error) {
	return patiently(ctx, o.r, func() (int, error) { return o.Ledger.Reclaim(ctx, lot, before, to, now) })
}

func (o outlasting) Due(ctx context.Context, lot publisher.Lot, after int64, now time.Time, limit int) ([]publisher.Delivery, error) {
	return patiently(ctx, o.r, func() ([]publisher.Delivery, error) { return o.Ledger.Due(ctx, lot, after, now, limit) })
}

func (o outlasting) Span(ctx context.Context, lot int64) (first, last int64, err error) {
	err = o.r.outlast(ctx, func() error {
		first, last, err = o.Ledger.Span(ctx, lot)
		return err
	})
	return first, last, err
}

func (o outlasting) NextDue(ctx context.Context, lot int64, now, horizon time.Time) (last time.Time, ready int, err error) {
	err = o.r.outlast(ctx, func() error {
		last, ready, err = o.Ledger.NextDue(ctx, lot, now, horizon)
		return err
	})
	return last, ready, err
}

func (o outlasting) Parts(ctx context.Context, lot publisher.Lot) ([]publisher.Delivery, error) {
	return patiently(ctx, o.r, func() ([]publisher.Delivery, error) { return o.Ledger.Parts(ctx, lot) })
}

func (o outlasting) Renderings(ctx context.Context, issueID string) ([]publisher.Rendering, error) {
	return patiently(ctx, o.r, func() ([]publisher.Rendering, error) { return o.Ledger.Renderings(ctx, issueID) })
}

func (o outlasting) Attempts(ctx context.Context, d publisher.Delivery) ([]publisher.Attempt, error) {
	return patiently(ctx, o.r, func() ([]publisher.Attempt, error) { return o.Ledger.Attempts(ctx, d) })
}

func (o outlasting) Media(ctx context.Context, hash string) (data []byte, mediaType string, err error) {
	err = o.r.outlast(ctx, func() error {
		data, mediaType, err = o.Ledger.Media(ctx, hash)
		return err
	})
	return data, mediaType, err
}

func (o outlasting) Paced(ctx context.Context, channel string) (time.Time, error) {
	return patiently(ctx, o.r, func() (time.Time, error) { return o.Ledger.Paced(ctx, channel) })
}

func (o outlasting) Pace(ctx context.Context, channel string, until time.Time) error {
	return o.r.outlast(ctx, func() error { return o.Ledger.Pace(ctx, channel, until) })
}

func (o outlasting) Sendings(ctx context.Context, domain string, since time.Time) ([]publisher.Sending, error) {
	return patiently(ctx, o.r, func() ([]publisher.Sending, error) { return o.Ledger.Sendings(ctx, domain, since) })
}

func (o outlasting) DueAgain(ctx context.Context, lot publisher.Lot, after int64, since, now time.Time, limit int) ([]publisher.Delivery, error) {
	return patiently(ctx, o.r, func() ([]publisher.Delivery, error) { return o.Ledger.DueAgain(ctx, lot, after, since, now, limit) })
}

func (o outlasting) NextAgain(ctx context.Context, lot int64, since time.Time) (time.Time, error) {
	return patiently(ctx, o.r, func() (time.Time, error) { return o.Ledger.NextAgain(ctx, lot, since) })
}
