package ledger

import (
	"context"
	"database/sql"
	"time"

	"crieur/publisher"
)

// SaveTrouble keeps what could not be done, in the place of what was kept of the same
// work before; that keeps its Since, and counts one try more. t.Tries does not matter.
func (l *Ledger) SaveTrouble(ctx context.Context, t publisher.Trouble) error {
	return l.update(ctx, "note what went wrong", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO troubles (duty, subject, channel, problem, hint, tries, since, next_at)
			VALUES ($1, $2, $3, $4, $5, 1, $6, $7) ON CONFLICT (duty, subject, channel) DO UPDATE SET
			problem = excluded.problem, hint = excluded.hint, tries = troubles.tries + 1, next_at = excluded.next_at`,
			t.Duty, t.Subject, t.Channel, t.Problem, t.Hint, millis(t.Since), millis(t.Next))
		return err
	})
}

// Troubles lists what could not be done, of one duty or, with "", of all; the oldest
// first.
func (l *Ledger) Troubles(ctx context.Context, duty string) ([]publisher.Trouble, error) {
	var all []publisher.Trouble
	err := each(ctx, l.read, `SELECT duty, subject, channel, problem, hint, tries, since, next_at FROM troubles
		WHERE $1 = '' OR duty = $1 ORDER BY since, duty, subject, channel`, []any{duty}, func(r *sql.Rows) error {
		var t publisher.Trouble
		var since, next int64
		err := r.Scan(&t.Duty, &t.Subject, &t.Channel, &t.Problem, &t.Hint, &t.Tries, &since, &next)
		t.Since, t.Next = moment(since), moment(next)
		all = append(all, t)
		return err
	})
	if err != nil {
		return nil, l.fail("list what went wrong", err)
	}
	return all, nil
}

// EndTrouble forgets what could not be done: it is, or nobody wants it any more. It
// reports whether there was anything.
func (l *Ledger) EndTrouble(ctx context.Context, duty, subject, channel string) (ended bool, err error) {
	err = l.update(ctx, "note that it went well", func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM troubles WHERE duty = $1 AND subject = $2 AND channel = $3`, duty, subject, channel))
		ended = n > 0
		return err
	})
	return ended, err
}

// RetryTroubles has all that could not be done tried again at once: what was wrong
// may have been changed.
func (l *Ledger) RetryTroubles(ctx context.Context, now time.Time) error {
	return l.update(ctx, "try again what went wrong", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE troubles SET next_at = $1 WHERE next_at > $1`, millis(now))
		return err
	})
}
