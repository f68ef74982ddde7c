package ledger

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"crieur/publisher"
)

// forgotten is after how long a dead worker is no longer listed.
const forgotten = 24 * time.Hour

// Beat notes a sign of life.
func (l *Ledger) Beat(ctx context.Context, w publisher.Worker) error {
	return l.update(ctx, "give a sign of life", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO workers (id, host, pid, roles, version, problem, started_at, seen_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (id) DO UPDATE SET problem = excluded.problem, seen_at = excluded.seen_at`,
			w.ID, w.Host, w.PID, strings.Join(w.Roles, ","), w.Version, w.Problem, millis(w.Started), millis(w.Seen)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM workers WHERE seen_at < $1`, millis(w.Seen.Add(-forgotten)))
		return err
	})
}

// Leave forgets a worker that ended as it should.
func (l *Ledger) Leave(ctx context.Context, id string) error {
	return l.update(ctx, "leave", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM workers WHERE id = $1`, id)
		return err
	})
}

// Workers lists those who work on the store, and of the last day those who died; the
// oldest first.
func (l *Ledger) Workers(ctx context.Context) (all []publisher.Worker, err error) {
	err = each(ctx, l.read, `SELECT id, host, pid, roles, version, problem, started_at, seen_at FROM workers ORDER BY started_at, id`, nil,
		func(r *sql.Rows) error {
			var w publisher.Worker
			var roles string
			var started, seen int64
			err := r.Scan(&w.ID, &w.Host, &w.PID, &roles, &w.Version, &w.Problem, &started, &seen)
			w.Roles, w.Started, w.Seen = strings.Split(roles, ","), moment(started), moment(seen)
			all = append(all, w)
			return err
		})
	if err != nil {
		return nil, l.fail("list the workers", err)
	}
	return all, nil
}
