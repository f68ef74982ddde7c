package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"crieur/publisher"
)

// Reschedule gives a lot another release; a zero one is at once, which is the present
// moment: the lot may be days old, and is not late for that. Invalid: something of it
// has gone out, or may have, or it was called off.
func (l *Ledger) Reschedule(ctx context.Context, lot int64, release time.Time) error {
	const op = "change when it goes out"
	return l.update(ctx, op, func(tx *sql.Tx) error {
		found, err := l.lock(ctx, tx, op, lot)
		if err != nil {
			return err
		}
		gone, err := l.goneOut(ctx, tx, found.IssueID, found.Channel)
		if err != nil {
			return err
		}
		if gone || !found.Cancelled.IsZero() {
			why := "some of it has gone out already"
			if !gone {
				why = "it was cancelled"
			}
			return &publisher.Error{Kind: publisher.Invalid, Op: op, Where: found.Channel, Err: plain(why),
				Hint: "crieur hold " + found.IssueID + " keeps back what is left of it"}
		}
		if release.IsZero() {
			release = l.now()
		}
		_, err = tx.ExecContext(ctx, `UPDATE lots SET release_at = $1 WHERE n = $2`, millis(release), lot)
		return err
	})
}

// Hold keeps what is left of a lot back until it is freed, and reports whether that
// is new. A lot that is held for another reason keeps that one, except that the
// owner's word takes the place of any.
func (l *Ledger) Hold(ctx context.Context, lot int64, why publisher.Hold) (held bool, err error) {
	const op = "hold it back"
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		found, err := l.lock(ctx, tx, op, lot)
		if err != nil {
			return err
		}
		held = found.Held == "" || why == publisher.HeldOwner && found.Held != why
		if !held {
			return nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE lots SET held = $1 WHERE n = $2`, string(why), lot)
		return err
	})
	return held, err
}

// HoldAll holds every open lot that is not held already, and gives how many.
func (l *Ledger) HoldAll(ctx context.Context, why publisher.Hold) (n int, err error) {
	err = l.update(ctx, "hold everything back", func(tx *sql.Tx) error {
		n, err = affected(tx.ExecContext(ctx, `UPDATE lots SET held = $1 WHERE open = 1 AND held = ''`, string(why)))
		return err
	})
	return n, err
}

// Free ends a hold, if it is for the given reason. A lot that still wants people's
// approval is then held for that. freed reports whether the lot may go out; if its
// release is past, that becomes the present moment, so that it is not late at once.
func (l *Ledger) Free(ctx context.Context, lot int64, why publisher.Hold) (freed bool, err error) {
	const op = "free what is held"
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		freed = false
		found, err := l.lock(ctx, tx, op, lot)
		if err != nil || found.Held != why {
			return err
		}
		c, err := l.consent(ctx, tx, found)
		if err != nil {
			return err
		}
		next := publisher.Hold("")
		if c.Missing() > 0 {
			next = publisher.HeldApproval
		}
		freed = next == ""
		release := found.Release
		if freed {
			release = freedAt(found, l.now())
		}
		_, err = tx.ExecContext(ctx, `UPDATE lots SET held = $1, release_at = $2 WHERE n = $3`, string(next), millis(release), lot)
		return err
	})
	return freed, err
}

// freedAt gives the release of a lot that is held no more. The time for which it was
// is not its own: what is overdue counts as due from now on.
func freedAt(lot publisher.Lot, now time.Time) time.Time {
	if lot.Release.Before(now) {
		return now
	}
	return lot.Release
}

// Cancel calls off what has not gone out of a lot, and gives how many deliveries that
// were. Nothing is planned of it any more, for readers who join later either. What is
// on the wire meanwhile ends as it does.
func (l *Ledger) Cancel(ctx context.Context, lot int64, now time.Time) (n int, err error) {
	const op = "cancel it"
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		if _, err := l.lock(ctx, tx, op, lot); err != nil {
			return err
		}
		if n, err = affected(tx.ExecContext(ctx, `UPDATE deliveries SET state = $1, updated_at = $2, due_at = 0, receipt = ''
			WHERE lot = $3 AND state IN ($4, $5, $6, $7)`, int64(publisher.StateCancelled), millis(now), lot, int64(publisher.StatePlanned),
			int64(publisher.StateHeld), int64(publisher.StateDeferred), int64(publisher.StateFailed))); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE lots SET cancelled_at = $1, held = '' WHERE n = $2`, millis(now), lot); err != nil {
			return err
		}
		return closeLot(ctx, tx, lot)
	})
	return n, err
}

// lock reads a lot and, on PostgreSQL, keeps others from changing it until the
// transaction ends.
func (l *Ledger) lock(ctx context.Context, tx *sql.Tx, op string, lot int64) (publisher.Lot, error) {
	var issue, channel string
	err := tx.QueryRowContext(ctx, `UPDATE lots SET open = open WHERE n = $1 RETURNING issue, channel`, lot).Scan(&issue, &channel)
	if errors.Is(err, sql.ErrNoRows) {
		return publisher.Lot{}, missing(op, "lot")
	}
	if err != nil {
		return publisher.Lot{}, err
	}
	found, err := l.findLots(ctx, tx, publisher.Selection{IssueIDs: []string{issue}, Channels: []string{channel}})
	if err != nil {
		return publisher.Lot{}, err
	}
	return found[0], nil
}

// Waiting gives the selected lots that have something left to do and are released
// before a moment, which zero does not limit; by release, those at once first, up to
// limit (0: all) of them.
func (l *Ledger) Waiting(ctx context.Context, s publisher.Selection, before time.Time, limit int) ([]publisher.Waiting, error) {
	const op = "list what waits"
	issues, args := in("t.issue", nil, s.IssueIDs)
	channels, args := in("t.channel", args, s.Channels)
	until := ""
	if !before.IsZero() {
		args = append(args, millis(before))
		until = " AND t.release_at < $" + strconv.Itoa(len(args))
	}
	query := lotQuery(`, x.title, x.newsletter,
		(SELECT count(*) FROM deliveries d WHERE d.lot = t.n AND d.state IN (0, 1, 2, 4))`) + ` JOIN issues x ON x.id = t.issue
		WHERE t.open = 1 AND ` + issues + ` AND ` + channels + until + ` ORDER BY t.release_at, t.created_at, t.n`
	if limit > 0 {
		args = append(args, limit)
		query += ` LIMIT $` + strconv.Itoa(len(args))
	}
	var waiting []publisher.Waiting
	err := each(ctx, l.read, query, args, func(r *sql.Rows) (err error) {
		var w publisher.Waiting
		w.Lot, err = scanLot(r, &w.Title, &w.Newsletter, &w.Left)
		waiting = append(waiting, w)
		return err
	})
	if err != nil {
		return nil, l.fail(op, err)
	}
	for i, w := range waiting {
		if w.Needed == 0 {
			continue
		}
		c, err := l.consent(ctx, l.read, w.Lot)
		if err != nil {
			return nil, l.fail(op, err)
		}
		waiting[i].Approvals = len(c.Given)
	}
	return waiting, nil
}

// Moments gives, in order, the moments from since on that a channel has used or
// promised: of each of its lots that was not called off its release or, where it went
// out at once, its creation.
func (l *Ledger) Moments(ctx context.Context, channel string, since time.Time) ([]time.Time, error) {
	var all []time.Time
	err := each(ctx, l.read, `SELECT t.m FROM (SELECT CASE WHEN release_at > 0 THEN release_at ELSE created_at END AS m
		FROM lots WHERE channel = $1 AND cancelled_at = 0) t WHERE t.m >= $2 ORDER BY t.m`,
		[]any{channel, millis(since)}, func(r *sql.Rows) error {
			var at int64
			err := r.Scan(&at)
			all = append(all, moment(at))
			return err
		})
	if err != nil {
		return nil, l.fail("list the channel's moments", err)
	}
	return all, nil
}
