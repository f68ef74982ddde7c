package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"crieur/publisher"
)

// SaveSchedule keeps a schedule. One that is there with the same spec stays as it is,
// so that a restart loses no moment; with another spec it gets the given Next. It
// gives what is kept.
func (l *Ledger) SaveSchedule(ctx context.Context, s publisher.Schedule) (kept publisher.Schedule, err error) {
	err = l.update(ctx, "keep the schedule", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO schedules (id, spec, next_run_at, last_run_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET spec = excluded.spec, next_run_at = excluded.next_run_at WHERE schedules.spec <> excluded.spec`,
			s.ID, s.Spec, millis(s.Next), millis(s.Last)); err != nil {
			return err
		}
		kept, err = scanSchedule(tx.QueryRowContext(ctx, `SELECT id, spec, next_run_at, last_run_at FROM schedules WHERE id = $1`, s.ID))
		return err
	})
	return kept, err
}

// Schedules lists all, the next to fire first.
func (l *Ledger) Schedules(ctx context.Context) ([]publisher.Schedule, error) {
	var all []publisher.Schedule
	err := each(ctx, l.read, `SELECT id, spec, next_run_at, last_run_at FROM schedules ORDER BY next_run_at, id`, nil, func(r *sql.Rows) error {
		s, err := scanSchedule(r)
		all = append(all, s)
		return err
	})
	if err != nil {
		return nil, l.fail("list the schedules", err)
	}
	return all, nil
}

func scanSchedule(row interface{ Scan(...any) error }) (s publisher.Schedule, err error) {
	var next, last int64
	err = row.Scan(&s.ID, &s.Spec, &next, &last)
	s.Next, s.Last = moment(next), moment(last)
	return s, err
}

// Fire moves a schedule on from s.Next to the next moment, and reports whether it was
// this call that did: of many processes that see the same moment, one fires. What is
// to be done at the moment, and has its identity from it, is best done before, since
// a process may end in between; what must not be done twice comes after.
func (l *Ledger) Fire(ctx context.Context, s publisher.Schedule, next, now time.Time) (fired bool, err error) {
	err = l.update(ctx, "fire the schedule", func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE schedules SET next_run_at = $1, last_run_at = $2
			WHERE id = $3 AND next_run_at = $4 AND spec = $5`, millis(next), millis(now), s.ID, millis(s.Next), s.Spec))
		fired = n > 0
		return err
	})
	return fired, err
}

// RemoveSchedule forgets a schedule that the configuration has no more.
func (l *Ledger) RemoveSchedule(ctx context.Context, id string) error {
	return l.update(ctx, "remove the schedule", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM schedules WHERE id = $1`, id)
		return err
	})
}

// Arrive takes in an article that a source brought, with its newest text, and gives
// the arrival as it was before; found is false where it is the first. An article that
// is the same as before changes nothing.
func (l *Ledger) Arrive(ctx context.Context, article publisher.Article, a publisher.Arrival) (before publisher.Arrival, found bool, err error) {
	const op = "take the article in"
	content, err := packArticle(article)
	if err != nil {
		return before, false, l.fail(op, err)
	}
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO arrivals (article, source, hash, arrived_at, published_at, routed_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			article.ID, a.Source, article.Hash, millis(a.Arrived), millis(a.Published), millis(a.Routed)))
		if err != nil {
			return err
		}
		if found = n == 0; found {
			if before, err = scanArrival(tx.QueryRowContext(ctx, arrivalQuery+`WHERE article = $1 AND source = $2`, article.ID, a.Source)); err != nil {
				return err
			}
			if before.Hash == article.Hash {
				return nil
			}
			if _, err := tx.ExecContext(ctx, `UPDATE arrivals SET hash = $1 WHERE article = $2 AND source = $3`, article.Hash, article.ID, a.Source); err != nil {
				return err
			}
		}
		return saveArticle(ctx, tx, article, content, l.now())
	})
	return before, found, err
}

const arrivalQuery = `SELECT article, source, hash, arrived_at, published_at, routed_at FROM arrivals `

func scanArrival(row interface{ Scan(...any) error }) (a publisher.Arrival, err error) {
	var arrived, published, routed int64
	err = row.Scan(&a.ArticleID, &a.Source, &a.Hash, &arrived, &published, &routed)
	a.Arrived, a.Published, a.Routed = moment(arrived), moment(published), moment(routed)
	return a, err
}

// Unrouted gives up to limit arrivals of which it is not decided yet where they go,
// oldest first.
func (l *Ledger) Unrouted(ctx context.Context, limit int) ([]publisher.Arrival, error) {
	var all []publisher.Arrival
	err := each(ctx, l.read, arrivalQuery+`WHERE routed_at = 0 ORDER BY arrived_at, published_at, article, source LIMIT $1`, []any{limit}, func(r *sql.Rows) error {
		a, err := scanArrival(r)
		all = append(all, a)
		return err
	})
	if err != nil {
		return nil, l.fail("list what has arrived", err)
	}
	return all, nil
}

// Routed notes that all that was to become of an arrival is planned.
func (l *Ledger) Routed(ctx context.Context, articleID, source string, now time.Time) error {
	const op = "note where the article goes"
	return l.update(ctx, op, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE arrivals SET routed_at = $1 WHERE article = $2 AND source = $3`, millis(now), articleID, source))
		if err == nil && n == 0 {
			return missing(op, "arrival")
		}
		return err
	})
}

// Mark gives up to where a newsletter's digests have come; its zero value says that
// there was none yet.
func (l *Ledger) Mark(ctx context.Context, newsletter string) (publisher.Mark, error) {
	m := publisher.Mark{Newsletter: newsletter}
	var upTo int64
	err := l.read.QueryRowContext(ctx, `SELECT up_to, issue FROM marks WHERE newsletter = $1`, newsletter).Scan(&upTo, &m.IssueID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return m, l.fail("look for the last digest", err)
	}
	m.UpTo = moment(upTo)
	return m, nil
}
