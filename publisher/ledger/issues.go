package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"crieur/publisher"
)

// SaveArticle keeps an article as it is now; the one with the same ID is replaced.
func (l *Ledger) SaveArticle(ctx context.Context, a publisher.Article) error {
	const op = "store the article"
	content, err := packArticle(a)
	if err != nil {
		return l.fail(op, err)
	}
	return l.update(ctx, op, func(tx *sql.Tx) error { return saveArticle(ctx, tx, a, content, l.now()) })
}

func packArticle(a publisher.Article) (string, error) {
	content, err := json.Marshal(a)
	return string(content), err
}

func saveArticle(ctx context.Context, tx *sql.Tx, a publisher.Article, content string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO articles (id, hash, content, saved_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, content = excluded.content, saved_at = excluded.saved_at`,
		a.ID, a.Hash, content, millis(now))
	return err
}

// Article gives an article as it was last saved.
func (l *Ledger) Article(ctx context.Context, id string) (publisher.Article, error) {
	const op = "read the article"
	var content string
	err := l.read.QueryRowContext(ctx, `SELECT content FROM articles WHERE id = $1`, id).Scan(&content)
	if err != nil {
		return publisher.Article{}, l.find(op, "article", err)
	}
	var a publisher.Article
	if err := json.Unmarshal([]byte(content), &a); err != nil {
		return a, l.fail(op, err)
	}
	return a, nil
}

// SaveIssue keeps an issue with its renderings, in one transaction. What is there
// already stays as it is: the first rendering for a channel and language is the
// one that goes out. It gives back what is kept: the issue, and every rendering
// that the issue has on one of the given renderings' channels.
func (l *Ledger) SaveIssue(ctx context.Context, issue publisher.Issue, renderings []publisher.Rendering) (publisher.Issue, []publisher.Rendering, error) {
	const op = "freeze the renderings"
	f, err := freeze(issue, renderings)
	if err != nil {
		return issue, nil, l.fail(op, err)
	}
	var kept []publisher.Rendering
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		if _, err := f.save(ctx, tx); err != nil {
			return err
		}
		var err error
		issue, kept, err = l.frozen(ctx, tx, f)
		return err
	})
	return issue, kept, err
}

// A freezing is an issue with its renderings, as they are stored.
type freezing struct {
	issue      publisher.Issue
	renderings []publisher.Rendering
	parts      []string // JSON
	channels   []string
}

func freeze(issue publisher.Issue, renderings []publisher.Rendering) (freezing, error) {
	f := freezing{issue: issue, renderings: renderings}
	for _, r := range renderings {
		text, err := json.Marshal(r.Parts)
		if err != nil {
			return f, err
		}
		f.parts, f.channels = append(f.parts, string(text)), append(f.channels, r.Channel)
	}
	return f, nil
}

// save inserts or ignores, and reports whether the issue is new.
func (f freezing) save(ctx context.Context, tx *sql.Tx) (fresh bool, err error) {
	n, err := affected(tx.ExecContext(ctx, `INSERT INTO issues (id, newsletter, article, title, hash, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		f.issue.ID, f.issue.Newsletter, f.issue.ArticleID, f.issue.Title, f.issue.Hash, millis(f.issue.Created)))
	if err != nil {
		return false, err
	}
	for i, article := range f.issue.Articles[:len(f.issue.Articles)*n] {
		if _, err := tx.ExecContext(ctx, `INSERT INTO issue_articles (issue, ordinal, article) VALUES ($1, $2, $3)`, f.issue.ID, i, article); err != nil {
			return false, err
		}
	}
	for i, r := range f.renderings {
		if _, err := tx.ExecContext(ctx, `INSERT INTO renderings
			(issue, channel, language, ordinal, subject, preheader, html, text, nonce, parts, hash, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
			f.issue.ID, r.Channel, r.Language, i, r.Subject, r.Preheader, r.HTML, r.Text, r.Nonce, f.parts[i], r.Hash, millis(r.Created)); err != nil {
			return false, err
		}
	}
	return n > 0, nil
}

// frozen reads back what is kept of a freezing.
func (l *Ledger) frozen(ctx context.Context, tx *sql.Tx, f freezing) (publisher.Issue, []publisher.Rendering, error) {
	issue, err := l.issue(ctx, tx, f.issue.ID)
	if err != nil {
		return issue, nil, err
	}
	kept, err := l.renderings(ctx, tx, f.issue.ID, f.channels)
	return issue, kept, err
}

// Issue gives one issue.
func (l *Ledger) Issue(ctx context.Context, id string) (publisher.Issue, error) {
	issue, err := l.issue(ctx, l.read, id)
	if err != nil {
		return issue, l.find("read the issue", "issue", err)
	}
	return issue, nil
}

const issueColumns = `id, newsletter, article, title, hash, created_at`

func (l *Ledger) issue(ctx context.Context, q querier, id string) (publisher.Issue, error) {
	i, err := scanIssue(q.QueryRowContext(ctx, `SELECT `+issueColumns+` FROM issues WHERE id = $1`, id))
	if err != nil {
		return i, err
	}
	err = each(ctx, q, `SELECT article FROM issue_articles WHERE issue = $1 ORDER BY ordinal`, []any{id}, func(r *sql.Rows) error {
		var article string
		err := r.Scan(&article)
		i.Articles = append(i.Articles, article)
		return err
	})
	return i, err
}

func scanIssue(row interface{ Scan(...any) error }) (i publisher.Issue, err error) {
	var created int64
	err = row.Scan(&i.ID, &i.Newsletter, &i.ArticleID, &i.Title, &i.Hash, &created)
	i.Created = moment(created)
	return i, err
}

// Issues gives the newest issues, newest first and without their Articles; limit 0
// stands for all.
func (l *Ledger) Issues(ctx context.Context, limit int) ([]publisher.Issue, error) {
	query, args := `SELECT `+issueColumns+` FROM issues ORDER BY created_at DESC, id`, []any{}
	if limit > 0 {
		query, args = query+` LIMIT $1`, append(args, limit)
	}
	return l.listIssues(ctx, query, args...)
}

// IssuesOf gives the issues of an article, oldest first and without their Articles:
// its own and the digests that it stands in.
func (l *Ledger) IssuesOf(ctx context.Context, articleID string) ([]publisher.Issue, error) {
	return l.listIssues(ctx, `SELECT `+issueColumns+` FROM issues WHERE article = $1
		OR id IN (SELECT issue FROM issue_articles WHERE article = $1) ORDER BY created_at, id`, articleID)
}

func (l *Ledger) listIssues(ctx context.Context, query string, args ...any) ([]publisher.Issue, error) {
	var issues []publisher.Issue
	err := each(ctx, l.read, query, args, func(r *sql.Rows) error {
		i, err := scanIssue(r)
		issues = append(issues, i)
		return err
	})
	if err != nil {
		return nil, l.fail("list the issues", err)
	}
	return issues, nil
}

// Renderings gives an issue's renderings by channel, and for each channel in the
// order in which they were frozen.
func (l *Ledger) Renderings(ctx context.Context, issueID string) ([]publisher.Rendering, error) {
	found, err := l.renderings(ctx, l.read, issueID, nil)
	if err != nil {
		return nil, l.fail("read the renderings", err)
	}
	return found, nil
}

func (l *Ledger) renderings(ctx context.Context, q querier, issueID string, channels []string) ([]publisher.Rendering, error) {
	args := []any{issueID}
	only, args := in("channel", args, channels)
	var found []publisher.Rendering
	err := each(ctx, q, `SELECT channel, language, subject, preheader, html, text, nonce, parts, hash, created_at
		FROM renderings WHERE issue = $1 AND `+only+` ORDER BY channel, ordinal, created_at, language`, args,
		func(rows *sql.Rows) error {
			r := publisher.Rendering{IssueID: issueID}
			var parts string
			var created int64
			if err := rows.Scan(&r.Channel, &r.Language, &r.Subject, &r.Preheader, &r.HTML, &r.Text, &r.Nonce, &parts, &r.Hash, &created); err != nil {
				return err
			}
			r.Created = moment(created)
			found = append(found, r)
			return json.Unmarshal([]byte(parts), &found[len(found)-1].Parts)
		})
	return found, err
}

// RenderingFor gives the rendering that a reader of language gets on a channel:
// the one in that language, else in another variety of it ("pt" for "pt-BR"), else
// the first.
func (l *Ledger) RenderingFor(ctx context.Context, issueID, channel, language string) (publisher.Rendering, error) {
	const op = "read the rendering"
	found, err := l.renderings(ctx, l.read, issueID, []string{channel})
	if err != nil {
		return publisher.Rendering{}, l.fail(op, err)
	}
	if len(found) == 0 {
		return publisher.Rendering{}, missing(op, "rendering")
	}
	for _, same := range []func(a, b string) bool{strings.EqualFold, sameLanguage} {
		for _, r := range found {
			if same(r.Language, language) {
				return r, nil
			}
		}
	}
	return found[0], nil
}

// sameLanguage compares the primary tags.
func sameLanguage(a, b string) bool {
	a, _, _ = strings.Cut(a, "-")
	b, _, _ = strings.Cut(b, "-")
	return strings.EqualFold(a, b)
}
