package ledger

import (
	"context"
	"database/sql"
	"time"

	"crieur/publisher"
)

// Stop keeps deliveries from being begun until Resume. Every process that dispatches
// looks for it. Stopping again changes nothing.
func (l *Ledger) Stop(ctx context.Context, s publisher.Stop) error {
	return l.update(ctx, "stop", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO stops (issue, channel, who, stopped_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			s.IssueID, s.Channel, s.Who, millis(s.Since))
		return err
	})
}

// Resume lifts the stop of just that issue and channel; the one of everything lifts
// every other as well. It gives how many there were.
func (l *Ledger) Resume(ctx context.Context, issueID, channel string) (n int, err error) {
	query, args := `DELETE FROM stops`, []any(nil)
	if issueID != "" || channel != "" {
		query, args = query+` WHERE issue = $1 AND channel = $2`, []any{issueID, channel}
	}
	err = l.update(ctx, "resume", func(tx *sql.Tx) error {
		n, err = affected(tx.ExecContext(ctx, query, args...))
		return err
	})
	return n, err
}

// Stops lists what is stopped, oldest first.
func (l *Ledger) Stops(ctx context.Context) ([]publisher.Stop, error) {
	var stops []publisher.Stop
	err := each(ctx, l.read, `SELECT issue, channel, who, stopped_at FROM stops ORDER BY stopped_at, issue, channel`, nil, func(r *sql.Rows) error {
		var s publisher.Stop
		var since int64
		err := r.Scan(&s.IssueID, &s.Channel, &s.Who, &since)
		s.Since = moment(since)
		stops = append(stops, s)
		return err
	})
	if err != nil {
		return nil, l.fail("look whether deliveries are stopped", err)
	}
	return stops, nil
}

// Pace keeps a channel's network alone until a moment, across restarts. A later
// moment that is kept already stays.
func (l *Ledger) Pace(ctx context.Context, channel string, until time.Time) error {
	return l.update(ctx, "remember a network's pace", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO paces (channel, until) VALUES ($1, $2)
			ON CONFLICT (channel) DO UPDATE SET until = excluded.until WHERE paces.until < excluded.until`, channel, millis(until))
		return err
	})
}

// Paced gives until when a channel's network is to be left alone; a moment in the
// past, or zero, says that it need not be.
func (l *Ledger) Paced(ctx context.Context, channel string) (until time.Time, err error) {
	var at int64
	err = l.read.QueryRowContext(ctx, `SELECT coalesce(max(until), 0) FROM paces WHERE channel = $1`, channel).Scan(&at)
	if err != nil {
		return time.Time{}, l.fail("look for a network's pace", err)
	}
	return moment(at), nil
}

// Spent adds up what a channel's accepted posts cost from a moment up to, not
// including, another one: in micro-dollars.
func (l *Ledger) Spent(ctx context.Context, channel string, from, to time.Time) (micros int64, err error) {
	err = l.read.QueryRowContext(ctx, `SELECT CAST(coalesce(sum(micros), 0) AS BIGINT) FROM costs
		WHERE channel = $1 AND spent_at >= $2 AND spent_at < $3`, channel, millis(from), millis(to)).Scan(&micros)
	if err != nil {
		return 0, l.fail("add up what was spent", err)
	}
	return micros, nil
}

// spend keeps what an accepted delivery cost.
func spend(ctx context.Context, tx querier, channel string, o publisher.Outcome) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO costs (lot, id, channel, micros, spent_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (lot, id) DO UPDATE SET micros = excluded.micros, spent_at = excluded.spent_at`,
		o.Lot, o.ID, channel, o.Cost, millis(o.Ended))
	return err
}
