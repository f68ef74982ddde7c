package ledger

import (
	"context"
	"database/sql"
	"errors"

	"crieur/publisher"
)

// Thaw takes the frozen rendering of a channel back, so that a corrected one can be
// frozen in its place, where surely nothing of it has gone out: every delivery of
// its lot is planned, held, deferred, failed, cancelled or suppressed. What had
// failed or waited is planned again; parts beyond the given number, where the
// channel has posts, are planned no more. A channel without a lot, such as an
// issue's web copy, goes by all lots of its issue.
//
// The caller holds what Exclusive gives, so that nobody is about to send the old
// text. It reports whether there was something to take back.
func (l *Ledger) Thaw(ctx context.Context, issueID, channel string, parts int) (thawed bool, err error) {
	const op = "take a rendering back"
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		thawed = false
		gone, err := l.goneOut(ctx, tx, issueID, channel)
		if err != nil || gone {
			return err
		}
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM renderings WHERE issue = $1 AND channel = $2`, issueID, channel))
		if err != nil || n == 0 {
			return err
		}
		thawed = true
		var lot int64
		var network string
		err = tx.QueryRowContext(ctx, `SELECT n, network FROM lots WHERE issue = $1 AND channel = $2`, issueID, channel).Scan(&lot, &network)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return l.planAnew(ctx, tx, publisher.Lot{ID: lot, Network: network}, parts)
	})
	return thawed, err
}

// goneOut reports whether anything of a channel has, or may have, gone out; of the
// whole issue where the channel has no lot.
func (l *Ledger) goneOut(ctx context.Context, tx *sql.Tx, issueID, channel string) (bool, error) {
	surelyNot := []int64{int64(publisher.StatePlanned), int64(publisher.StateHeld), int64(publisher.StateDeferred),
		int64(publisher.StateFailed), int64(publisher.StateCancelled), int64(publisher.StateSuppressed)}
	var lots int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM lots WHERE issue = $1 AND channel = $2`, issueID, channel).Scan(&lots); err != nil {
		return false, err
	}
	args := []any{issueID}
	of := ""
	if lots > 0 {
		args = append(args, channel)
		of = ` AND l.channel = $2`
	}
	which, args := in("d.state", args, surelyNot)
	var one int
	err := tx.QueryRowContext(ctx, `SELECT 1 FROM lots l JOIN deliveries d ON d.lot = l.n WHERE l.issue = $1`+of+
		` AND NOT (`+which+`) LIMIT 1`, args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (l *Ledger) planAnew(ctx context.Context, tx *sql.Tx, lot publisher.Lot, parts int) error {
	if !lot.Mail() {
		if _, err := tx.ExecContext(ctx, `DELETE FROM deliveries WHERE lot = $1 AND id > $2`, lot.ID, parts); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = $1, updated_at = $2, due_at = 0, receipt = ''
		WHERE lot = $3 AND state IN ($4, $5)`, int64(publisher.StatePlanned), millis(l.now()), lot.ID,
		int64(publisher.StateDeferred), int64(publisher.StateFailed)); err != nil {
		return err
	}
	// Another text wants other approvals.
	_, err := tx.ExecContext(ctx, `UPDATE lots SET open = 1, parts = $1, size = (SELECT count(*) FROM deliveries WHERE lot = n),
		held = CASE WHEN needed > 0 AND held = '' THEN $2 ELSE held END WHERE n = $3`, parts, string(publisher.HeldApproval), lot.ID)
	return err
}
