package ledger

import (
	"context"
	"database/sql"

	"crieur/publisher"
)

// AddErratum keeps an erratum for its newsletter's next letter. One about the same
// article that still waits is replaced: readers are told how it is now. One that has
// been carried stays as it is; added is then false if it is about the same text.
func (l *Ledger) AddErratum(ctx context.Context, e publisher.Erratum) (added bool, err error) {
	err = l.update(ctx, "keep the erratum", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM errata WHERE newsletter = $1 AND article = $2 AND issue = ''`, e.Newsletter, e.ArticleID); err != nil {
			return err
		}
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO errata (newsletter, article, hash, title, url, sent_at, text, created_at, issue)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '') ON CONFLICT DO NOTHING`,
			e.Newsletter, e.ArticleID, e.Hash, e.Title, e.URL, millis(e.Sent), e.Text, millis(e.Created)))
		added = n > 0
		return err
	})
	return added, err
}

// Errata gives those that an issue carries, oldest first; for issueID "", those that
// wait for the newsletter's next letter.
func (l *Ledger) Errata(ctx context.Context, newsletter, issueID string) ([]publisher.Erratum, error) {
	var all []publisher.Erratum
	err := each(ctx, l.read, `SELECT article, hash, title, url, sent_at, text, created_at FROM errata
		WHERE newsletter = $1 AND issue = $2 ORDER BY created_at, article`, []any{newsletter, issueID}, func(r *sql.Rows) error {
		e := publisher.Erratum{Newsletter: newsletter, IssueID: issueID}
		var sent, created int64
		err := r.Scan(&e.ArticleID, &e.Hash, &e.Title, &e.URL, &sent, &e.Text, &created)
		e.Sent, e.Created = moment(sent), moment(created)
		all = append(all, e)
		return err
	})
	if err != nil {
		return nil, l.fail("read the errata", err)
	}
	return all, nil
}

// HasErratum reports whether a newsletter has, or has carried, the erratum about a
// text of an article.
func (l *Ledger) HasErratum(ctx context.Context, newsletter, articleID, hash string) (bool, error) {
	var n int
	err := l.read.QueryRowContext(ctx, `SELECT count(*) FROM errata WHERE newsletter = $1 AND article = $2 AND hash = $3`, newsletter, articleID, hash).Scan(&n)
	if err != nil {
		return false, l.fail("look for the erratum", err)
	}
	return n > 0, nil
}

// TakeErrata marks errata that wait as carried by an issue.
func (l *Ledger) TakeErrata(ctx context.Context, issueID string, errata []publisher.Erratum) error {
	return l.update(ctx, "put the errata into the letter", func(tx *sql.Tx) error {
		for _, e := range errata {
			if _, err := tx.ExecContext(ctx, `UPDATE errata SET issue = $1 WHERE newsletter = $2 AND article = $3 AND hash = $4 AND issue = ''`,
				issueID, e.Newsletter, e.ArticleID, e.Hash); err != nil {
				return err
			}
		}
		return nil
	})
}
