package ledger

import (
	"context"
	"database/sql"
	"time"
)

// ClaimNotice reports whether the caller is to send a letter to the owner: nobody has
// sent it, and nobody has claimed it since a moment. Who claimed it before that is
// taken to have died.
func (l *Ledger) ClaimNotice(ctx context.Context, kind, about string, now, since time.Time) (claimed bool, err error) {
	err = l.update(ctx, "claim a notice", func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO notices (kind, about, claimed_at, sent_at) VALUES ($1, $2, $3, 0)
			ON CONFLICT (kind, about) DO UPDATE SET claimed_at = excluded.claimed_at WHERE notices.sent_at = 0 AND notices.claimed_at < $4`,
			kind, about, millis(now), millis(since)))
		claimed = n > 0
		return err
	})
	return claimed, err
}

// NoticeSent records that a claimed notice was sent; where it could not be, sent zero
// gives the claim back.
func (l *Ledger) NoticeSent(ctx context.Context, kind, about string, sent time.Time) error {
	return l.update(ctx, "record a notice", func(tx *sql.Tx) (err error) {
		if sent.IsZero() {
			_, err = tx.ExecContext(ctx, `DELETE FROM notices WHERE kind = $1 AND about = $2 AND sent_at = 0`, kind, about)
		} else {
			_, err = tx.ExecContext(ctx, `UPDATE notices SET sent_at = $1 WHERE kind = $2 AND about = $3`, millis(sent), kind, about)
		}
		return err
	})
}

// IssueCost adds up, in micro-dollars, what an issue's accepted posts cost.
func (l *Ledger) IssueCost(ctx context.Context, issueID string) (micros int64, err error) {
	err = l.read.QueryRowContext(ctx, `SELECT CAST(coalesce(sum(c.micros), 0) AS BIGINT) FROM costs c JOIN lots t ON t.n = c.lot WHERE t.issue = $1`, issueID).Scan(&micros)
	if err != nil {
		return 0, l.fail("add up what the issue cost", err)
	}
	return micros, nil
}
