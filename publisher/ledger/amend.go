package ledger

import (
	"context"
	"database/sql"
	"encoding/json"

	"crieur/publisher"
)

// Amend puts a rendering in the place of the frozen one of its issue, channel and
// language, for what was corrected or taken back where it stands: an issue's web copy
// and posts. What readers got by mail is never amended. NotFound: there is none.
func (l *Ledger) Amend(ctx context.Context, r publisher.Rendering) error {
	const op = "correct the rendering"
	parts, err := json.Marshal(r.Parts)
	if err != nil {
		return l.fail(op, err)
	}
	return l.update(ctx, op, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE renderings SET subject = $1, preheader = $2, html = $3, text = $4, parts = $5, hash = $6
			WHERE issue = $7 AND channel = $8 AND language = $9 AND NOT EXISTS
			(SELECT 1 FROM lots t WHERE t.issue = renderings.issue AND t.channel = renderings.channel AND t.list <> 0)`,
			r.Subject, r.Preheader, r.HTML, r.Text, string(parts), r.Hash, r.IssueID, r.Channel, r.Language))
		if err == nil && n == 0 {
			return missing(op, "rendering")
		}
		return err
	})
}

// Edited keeps the receipt of a post whose words were changed. A post that is not
// accepted any more stays as it is.
func (l *Ledger) Edited(ctx context.Context, d publisher.Delivery, receipt publisher.Receipt) error {
	return l.redo(ctx, "record the edit", d, publisher.StateAccepted, receipt)
}

// Retracted records that an accepted post was deleted; its receipt stays.
func (l *Ledger) Retracted(ctx context.Context, d publisher.Delivery) error {
	return l.redo(ctx, "record the deletion", d, publisher.StateRetracted, d.Receipt)
}

// redo changes an accepted part of a post, which nothing else does.
func (l *Ledger) redo(ctx context.Context, op string, d publisher.Delivery, to publisher.State, receipt publisher.Receipt) error {
	text := packReceipt(lotKey{}, publisher.Outcome{State: publisher.StateAccepted, Receipt: receipt})
	return l.update(ctx, op, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = $1, receipt = $2, updated_at = $3 WHERE id = $4 AND state = $5 AND lot =
			(SELECT n FROM lots WHERE issue = $6 AND channel = $7 AND list = 0)`,
			int64(to), text, millis(l.now()), d.Part, int64(publisher.StateAccepted), d.IssueID, d.Channel)
		return err
	})
}
