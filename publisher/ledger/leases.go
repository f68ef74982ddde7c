package ledger

import (
	"context"
	"database/sql"
	"time"

	"crieur/publisher"
)

// lostLease is the problem of an attempt whose end nobody saw.
const lostLease = "crieur ended before the answer came"

// Reclaim ends the leases of a lot that ran out before a moment, or all of them
// where it is zero: their deliveries become to, which is StateUnknown, or
// StatePlanned where they are to be tried again. Each one's attempt is kept as
// unknown. Of a dead process's leases, which all of them are, those count as planned
// that its logbook says were not begun or were refused, and those as accepted that it
// says were. It gives how many leases there were.
func (l *Ledger) Reclaim(ctx context.Context, lot int64, before time.Time, to publisher.State, now time.Time) (n int, err error) {
	ends := millis(before)
	if before.IsZero() {
		ends = 1 << 62
	}
	const op = "look for interrupted deliveries"
	var notes map[row]note
	if before.IsZero() {
		if notes, err = l.readLog(); err != nil {
			return 0, l.fail(op, err)
		}
	}
	key, err := l.key(ctx, lot)
	if err != nil {
		return 0, l.fail(op, err)
	}
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		n = 0
		var lost []publisher.Outcome
		err := each(ctx, tx, `SELECT id, attempts, updated_at FROM deliveries WHERE lot = $1 AND state = 2 AND due_at < $2`,
			[]any{lot, ends}, func(r *sql.Rows) error {
				o := publisher.Outcome{Claim: publisher.Claim{Lot: lot}, State: publisher.StateUnknown, Ended: now,
					Kind: publisher.Unknown, Problem: lostLease}
				var started int64
				err := r.Scan(&o.ID, &o.Attempt, &started)
				o.Started = moment(started)
				lost = append(lost, o)
				return err
			})
		if err != nil {
			return err
		}
		for _, o := range lost {
			end := ended(key, o, notes[row{lot, o.ID}], to)
			// On PostgreSQL the outcome may have come in since: then it stands.
			changed, err := affected(tx.ExecContext(ctx, `UPDATE deliveries SET state = $1, updated_at = $2, due_at = 0, receipt = $3
				WHERE lot = $4 AND id = $5 AND attempts = $6 AND state = 2 AND due_at < $7`,
				int64(end.state), millis(end.at), end.receipt, lot, o.ID, o.Attempt, ends))
			if err != nil {
				return err
			}
			if changed == 0 {
				continue
			}
			n++
			if !end.doubt {
				if notes[row{lot, o.ID}].how == noteGranted && o.Attempt == 1 {
					if err := giveBack(ctx, tx, key.domain, o.Started, 1); err != nil {
						return err
					}
				}
				continue
			}
			if err := keep(ctx, tx, o); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// EndLeases lets the leases of a session run out now whose process is dead, or was
// silent for so long that nobody waits for it, and gives how many there were. A process
// that is not dead must begin nothing on them when it goes on; the outcomes that it
// brings of what it had begun count until the delivery is leased again.
func (l *Ledger) EndLeases(ctx context.Context, session string, now time.Time) (n int, err error) {
	if l.engine != postgres {
		return 0, nil
	}
	err = l.update(ctx, "end a dead process's leases", func(tx *sql.Tx) error {
		n, err = affected(tx.ExecContext(ctx, `UPDATE deliveries SET due_at = $1 WHERE state = 2 AND receipt LIKE $2 AND due_at > $3
			AND lot IN (SELECT n FROM lots WHERE open = 1)`, millis(now)-1, leasesOf(session)+"%", millis(now)-1))
		return err
	})
	return n, err
}

// An ending is what becomes of a lease that was lost.
type ending struct {
	state   publisher.State
	at      time.Time
	receipt string
	doubt   bool
}

// ended goes by a dead process's note, if there is one of the same attempt.
func ended(key lotKey, lost publisher.Outcome, n note, to publisher.State) ending {
	if key.mail && n.attempt == lost.Attempt {
		switch {
		case n.how == noteGranted, n.how == noteRefused:
			return ending{state: publisher.StatePlanned, at: lost.Ended}
		case n.how == noteAccepted && key.domain != "": // whose receipt is the reply alone
			return ending{state: publisher.StateAccepted, at: n.at, receipt: n.reply}
		}
	}
	return ending{state: to, at: lost.Ended, doubt: true}
}

// Replan makes the selected lots' deliveries in the given states planned again,
// due at once, and gives how many there were.
func (l *Ledger) Replan(ctx context.Context, s publisher.Selection, states []publisher.State, now time.Time) (n int, err error) {
	const op = "plan deliveries again"
	if len(states) == 0 {
		return 0, nil
	}
	lots, err := l.Lots(ctx, s)
	if err != nil {
		return 0, err
	}
	numbers := make([]int64, len(states))
	for i, state := range states {
		numbers[i] = int64(state)
	}
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		n = 0
		for _, lot := range lots {
			args := []any{int64(publisher.StatePlanned), millis(now), lot.ID}
			which, args := in("state", args, numbers)
			changed, err := affected(tx.ExecContext(ctx, `UPDATE deliveries SET state = $1, updated_at = $2, due_at = 0, receipt = ''
				WHERE lot = $3 AND `+which, args...))
			if err != nil {
				return err
			}
			if changed == 0 {
				continue
			}
			n += changed
			if _, err := tx.ExecContext(ctx, `UPDATE lots SET open = 1 WHERE n = $1`, lot.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
