package ledger

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"crieur/publisher"
)

// AddToPool puts an article among those that wait for a newsletter's next digest. One
// that waits already, or was in a digest, stays where it is. What goes out is the
// article as it was last saved.
func (l *Ledger) AddToPool(ctx context.Context, newsletter, articleID string, since time.Time) (added bool, err error) {
	err = l.update(ctx, "keep the article for the next digest", func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO pool (newsletter, article, since, issue) VALUES ($1, $2, $3, '')
			ON CONFLICT DO NOTHING`, newsletter, articleID, millis(since)))
		added = n > 0
		return err
	})
	return added, err
}

// Pool gives up to limit (0: all) of the articles that wait for a newsletter's next
// digest, oldest first.
func (l *Ledger) Pool(ctx context.Context, newsletter string, limit int) ([]publisher.Pooled, error) {
	query, args := `SELECT article, since, issue FROM pool WHERE newsletter = $1 AND issue = '' ORDER BY since, article`, []any{newsletter}
	if limit > 0 {
		args = append(args, limit)
		query += ` LIMIT $` + strconv.Itoa(len(args))
	}
	var all []publisher.Pooled
	err := each(ctx, l.read, query, args, func(r *sql.Rows) error {
		p := publisher.Pooled{Newsletter: newsletter}
		var since int64
		err := r.Scan(&p.ArticleID, &since, &p.IssueID)
		p.Since = moment(since)
		all = append(all, p)
		return err
	})
	if err != nil {
		return nil, l.fail("list what waits for the digest", err)
	}
	return all, nil
}

// Pools gives how many articles wait, by newsletter.
func (l *Ledger) Pools(ctx context.Context) (map[string]int, error) {
	pools := map[string]int{}
	err := each(ctx, l.read, `SELECT newsletter, count(*) FROM pool WHERE issue = '' GROUP BY newsletter`, nil, func(r *sql.Rows) error {
		var newsletter string
		var n int
		err := r.Scan(&newsletter, &n)
		pools[newsletter] = n
		return err
	})
	if err != nil {
		return nil, l.fail("count what waits for digests", err)
	}
	return pools, nil
}

// Unpool takes an article out of those that wait; one that was in a digest stays.
func (l *Ledger) Unpool(ctx context.Context, newsletter, articleID string) (removed bool, err error) {
	err = l.update(ctx, "take the article out of the next digest", func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM pool WHERE newsletter = $1 AND article = $2 AND issue = ''`, newsletter, articleID))
		removed = n > 0
		return err
	})
	return removed, err
}

// SaveDigest is SaveIssue for an issue of a newsletter that carries articles of its
// pool: with it, in the same transaction, they are marked as used by it, and the
// newsletter's Mark comes up to a moment. Where the issue is there already nothing
// changes, so that doing it again is harmless. Busy: another digest took one of the
// articles meanwhile; look at the pool again.
func (l *Ledger) SaveDigest(ctx context.Context, issue publisher.Issue, renderings []publisher.Rendering, articleIDs []string, upTo time.Time) (publisher.Issue, []publisher.Rendering, error) {
	const op = "keep the digest"
	f, err := freeze(issue, renderings)
	if err != nil {
		return issue, nil, l.fail(op, err)
	}
	var kept []publisher.Rendering
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		fresh, err := f.save(ctx, tx)
		if err != nil {
			return err
		}
		if fresh {
			if err := l.takeFromPool(ctx, tx, op, f.issue, articleIDs, upTo); err != nil {
				return err
			}
		}
		issue, kept, err = l.frozen(ctx, tx, f)
		return err
	})
	return issue, kept, err
}

func (l *Ledger) takeFromPool(ctx context.Context, tx *sql.Tx, op string, issue publisher.Issue, articleIDs []string, upTo time.Time) error {
	for _, id := range articleIDs {
		n, err := affected(tx.ExecContext(ctx, `UPDATE pool SET issue = $1 WHERE newsletter = $2 AND article = $3 AND issue = ''`,
			issue.ID, issue.Newsletter, id))
		if err != nil {
			return err
		}
		if n == 0 {
			return &publisher.Error{Kind: publisher.Busy, Op: op, Where: issue.Newsletter, Err: plain("an article does not wait for it any more")}
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO marks (newsletter, up_to, issue) VALUES ($1, $2, $3)
		ON CONFLICT (newsletter) DO UPDATE SET up_to = excluded.up_to, issue = excluded.issue WHERE marks.up_to <= excluded.up_to`,
		issue.Newsletter, millis(upTo), issue.ID)
	return err
}
