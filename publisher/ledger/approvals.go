package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"crieur/publisher"
)

// Approve notes that a person approves of a lot's renderings, and frees the lot once
// as many have as it needs. hash is of what they saw (Consent.Hash); "" stands for
// what is there. The same person's word counts once. Invalid: the renderings are
// others by now.
func (l *Ledger) Approve(ctx context.Context, lot int64, hash, who string, now time.Time) (c publisher.Consent, freed bool, err error) {
	const op = "approve"
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		freed = false
		found, err := l.lock(ctx, tx, op, lot)
		if err != nil {
			return err
		}
		if c, err = l.consent(ctx, tx, found); err != nil {
			return err
		}
		if hash != "" && hash != c.Hash {
			return &publisher.Error{Kind: publisher.Invalid, Op: op, Where: found.Channel, Err: plain("it has changed since it was looked at"),
				Hint: "look at it again, then approve"}
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO approvals (issue, channel, hash, who, approved_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, found.IssueID, found.Channel, c.Hash, who, millis(now)); err != nil {
			return err
		}
		if c, err = l.consent(ctx, tx, found); err != nil || c.Missing() > 0 {
			return err
		}
		n, err := affected(tx.ExecContext(ctx, `UPDATE lots SET held = '', release_at = $1 WHERE n = $2 AND held = $3`,
			millis(freedAt(found, now)), lot, string(publisher.HeldApproval)))
		freed = n > 0
		return err
	})
	return c, freed, err
}

// Consent tells how far the approval of a lot has come.
func (l *Ledger) Consent(ctx context.Context, lot publisher.Lot) (publisher.Consent, error) {
	c, err := l.consent(ctx, l.read, lot)
	if err != nil {
		return c, l.fail("read the approvals", err)
	}
	return c, nil
}

func (l *Ledger) consent(ctx context.Context, q querier, lot publisher.Lot) (publisher.Consent, error) {
	c := publisher.Consent{Needed: lot.Needed}
	var texts []string
	err := each(ctx, q, `SELECT language, hash FROM renderings WHERE issue = $1 AND channel = $2`, []any{lot.IssueID, lot.Channel},
		func(r *sql.Rows) error {
			var language, hash string
			err := r.Scan(&language, &hash)
			texts = append(texts, fmt.Sprintf("%q %q", language, hash))
			return err
		})
	if err != nil {
		return c, err
	}
	slices.Sort(texts)
	sum := sha256.Sum256([]byte(strings.Join(texts, "\n")))
	c.Hash = hex.EncodeToString(sum[:])
	err = each(ctx, q, `SELECT who, approved_at FROM approvals WHERE issue = $1 AND channel = $2 AND hash = $3 ORDER BY approved_at, who`,
		[]any{lot.IssueID, lot.Channel, c.Hash}, func(r *sql.Rows) error {
			a := publisher.Approval{Hash: c.Hash}
			var at int64
			err := r.Scan(&a.Who, &at)
			a.At = moment(at)
			c.Given = append(c.Given, a)
			return err
		})
	return c, err
}
