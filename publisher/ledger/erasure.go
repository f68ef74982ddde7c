package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// RemoveSubscriber erases a person; see audience.Changer. Their deliveries keep
// state and moment, under a number that leads to nobody: servers' replies may
// quote an address, and go too.
func (l *Ledger) RemoveSubscriber(ctx context.Context, id int64, now time.Time) error {
	const op = "erase the reader"
	return l.update(ctx, op, func(tx *sql.Tx) error {
		var hash string
		err := tx.QueryRowContext(ctx, `DELETE FROM subscribers WHERE id = $1 RETURNING hash`, id).Scan(&hash)
		if errors.Is(err, sql.ErrNoRows) {
			return missing(op, "reader")
		}
		if err != nil {
			return err
		}
		if err := suppress(ctx, tx, hash, "removed", now); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM subscriptions WHERE subscriber = $1 AND list IN (SELECT n FROM lists)`,
			`DELETE FROM past_subscriptions WHERE subscriber = $1`,
			`UPDATE returns SET words = '', raw = '', counts = 0 WHERE reader = $1`,
			`DELETE FROM attempts WHERE id = $1 AND lot IN (SELECT n FROM lots WHERE list > 0)`,
			`UPDATE deliveries SET receipt = '' WHERE id = $1 AND lot IN (SELECT n FROM lots WHERE list > 0)`,
		} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO departed (hash, subscriber) VALUES ($1, $2) ON CONFLICT DO NOTHING`, hash, id)
		return err
	})
}

// Suppressed reports whether an address is never to be written to.
func (l *Ledger) Suppressed(ctx context.Context, email string) (bool, error) {
	var n int
	err := l.read.QueryRowContext(ctx, `SELECT count(*) FROM suppressions WHERE hash = $1`, l.hash(email)).Scan(&n)
	if err != nil {
		return false, l.fail("look the address up", err)
	}
	return n > 0, nil
}

// Suppress keeps an address from being written to, whatever list it is on. The
// address itself is not kept. The first reason stays.
func (l *Ledger) Suppress(ctx context.Context, email, reason string, now time.Time) error {
	return l.update(ctx, "suppress the address", func(tx *sql.Tx) error {
		return suppress(ctx, tx, l.hash(email), reason, now)
	})
}

func suppress(ctx context.Context, tx *sql.Tx, hash, reason string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO suppressions (hash, reason, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		hash, reason, millis(now))
	return err
}

// Unsuppress lets an address be written to again; lifted is false where it could
// be already. It subscribes nobody. Failures that were counted are forgotten.
func (l *Ledger) Unsuppress(ctx context.Context, email string) (lifted bool, err error) {
	err = l.update(ctx, "lift the suppression", func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM suppressions WHERE hash = $1`, l.hash(email)))
		if lifted = n > 0; err != nil || !lifted {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE returns SET counts = 0 WHERE reader IN (SELECT id FROM subscribers WHERE hash = $1)`, l.hash(email))
		return err
	})
	return lifted, err
}
