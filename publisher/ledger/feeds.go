package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"crieur/publisher"
)

// Feed gives what is known of a feed; one of which nothing is known has its name
// alone, and Version 0.
func (l *Ledger) Feed(ctx context.Context, name string) (publisher.Feed, error) {
	f := publisher.Feed{Name: name}
	version, err := l.versioned(ctx, `SELECT version, content FROM feeds WHERE name = $1`, name, &f)
	if err != nil {
		return f, l.fail("read the feed", err)
	}
	f.Name, f.Version = name, version
	return f, nil
}

// Feeds gives all that is known of feeds, by name.
func (l *Ledger) Feeds(ctx context.Context) (map[string]publisher.Feed, error) {
	feeds := map[string]publisher.Feed{}
	err := each(ctx, l.read, `SELECT name, version, content FROM feeds`, nil, func(rows *sql.Rows) error {
		var f publisher.Feed
		var name, content string
		var version int64
		if err := rows.Scan(&name, &version, &content); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(content), &f)
		f.Name, f.Version = name, version
		feeds[name] = f
		return err
	})
	if err != nil {
		return nil, l.fail("list the feeds", err)
	}
	return feeds, nil
}

func (l *Ledger) versioned(ctx context.Context, query, name string, into any) (version int64, err error) {
	var content string
	switch err = l.read.QueryRowContext(ctx, query, name).Scan(&version, &content); {
	case errors.Is(err, sql.ErrNoRows):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return version, json.Unmarshal([]byte(content), into)
}

// SaveFeed keeps a feed with entries of it, in one transaction, if the feed is
// still of the version that f has, and raises that. It reports whether it did;
// where it did not, someone else looked at the feed meanwhile, and nothing is kept.
// An entry that is there already gets the given state, content and further marks.
func (l *Ledger) SaveFeed(ctx context.Context, f publisher.Feed, entries []publisher.FeedEntry) (saved bool, err error) {
	const op = "store the feed"
	content, err := json.Marshal(f)
	if err != nil {
		return false, l.fail(op, err)
	}
	articles := make([]string, len(entries))
	for i, e := range entries {
		if articles[i], err = articleText(e); err != nil {
			return false, l.fail(op, err)
		}
	}
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		saved, err = swap(ctx, tx, "feeds", "name", f.Name, f.Version, string(content))
		if err != nil || !saved {
			return err
		}
		for i, e := range entries {
			if _, err := tx.ExecContext(ctx, `INSERT INTO feed_entries (feed, id, state, title, link, stated_at, seen_at, digest, reason, article_id, article)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
				ON CONFLICT (feed, id) DO UPDATE SET state = excluded.state, title = excluded.title, link = excluded.link,
				stated_at = excluded.stated_at, digest = excluded.digest, reason = excluded.reason,
				article_id = excluded.article_id, article = excluded.article`,
				f.Name, e.ID, int(e.State), e.Title, e.Link, millis(e.Stated), millis(e.Seen), e.Digest, e.Reason, e.ArticleID, articles[i]); err != nil {
				return err
			}
			for _, mark := range e.Keys {
				if _, err := tx.ExecContext(ctx, `INSERT INTO feed_keys (feed, mark, entry) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
					f.Name, mark, e.ID); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return saved && err == nil, err
}

// swap writes a row's content if its version is still the given one; 0 stands for
// a row that does not exist.
func swap(ctx context.Context, tx *sql.Tx, table, key, name string, version int64, content string) (bool, error) {
	var result sql.Result
	var err error
	if version == 0 {
		result, err = tx.ExecContext(ctx, `INSERT INTO `+table+` (`+key+`, version, content) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING`, name, content)
	} else {
		result, err = tx.ExecContext(ctx, `UPDATE `+table+` SET version = version + 1, content = $1 WHERE `+key+` = $2 AND version = $3`, content, name, version)
	}
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func articleText(e publisher.FeedEntry) (string, error) {
	switch e.State {
	case publisher.EntryNew, publisher.EntryHeld, publisher.EntryUpdated:
		text, err := json.Marshal(e.Article)
		return string(text), err
	}
	return "", nil
}

const entryColumns = `feed, id, state, title, link, stated_at, seen_at, digest, reason, article_id, article`

// FeedMatches gives the entries of a feed that have one of the given marks, with
// all their marks.
func (l *Ledger) FeedMatches(ctx context.Context, feed string, marks []string) ([]publisher.FeedEntry, error) {
	const op = "look for the feed's entries"
	found := map[string]publisher.FeedEntry{}
	for chunk := range slices.Chunk(marks, bound/2) {
		args := []any{feed}
		only, args := in("k.mark", args, chunk)
		err := each(ctx, l.read, `SELECT e.feed, e.id, e.state, e.title, e.link, e.stated_at, e.seen_at, e.digest, e.reason, e.article_id, e.article
			FROM feed_keys k JOIN feed_entries e ON e.feed = k.feed AND e.id = k.entry WHERE k.feed = $1 AND `+only, args,
			func(rows *sql.Rows) error {
				e, err := scanEntry(rows)
				found[e.ID] = e
				return err
			})
		if err != nil {
			return nil, l.fail(op, err)
		}
	}
	entries := sortedEntries(found)
	at := make(map[string]int, len(entries))
	ids := make([]string, len(entries))
	for i, e := range entries {
		at[e.ID], ids[i] = i, e.ID
	}
	for chunk := range slices.Chunk(ids, bound/2) {
		args := []any{feed}
		only, args := in("entry", args, chunk)
		err := each(ctx, l.read, `SELECT entry, mark FROM feed_keys WHERE feed = $1 AND `+only+` ORDER BY entry, mark`, args, func(rows *sql.Rows) error {
			var id, mark string
			err := rows.Scan(&id, &mark)
			if i, ok := at[id]; ok && err == nil {
				entries[i].Keys = append(entries[i].Keys, mark)
			}
			return err
		})
		if err != nil {
			return nil, l.fail(op, err)
		}
	}
	return entries, nil
}

func sortedEntries(found map[string]publisher.FeedEntry) []publisher.FeedEntry {
	var entries []publisher.FeedEntry
	for _, e := range found {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b publisher.FeedEntry) int {
		switch {
		case !a.Seen.Equal(b.Seen):
			return a.Seen.Compare(b.Seen)
		case a.ID < b.ID:
			return -1
		}
		return 1
	})
	return entries
}

func scanEntry(rows *sql.Rows) (e publisher.FeedEntry, err error) {
	var stated, seen int64
	var article string
	if err := rows.Scan(&e.Feed, &e.ID, &e.State, &e.Title, &e.Link, &stated, &seen, &e.Digest, &e.Reason, &e.ArticleID, &article); err != nil {
		return e, err
	}
	e.Stated, e.Seen = moment(stated), moment(seen)
	if article != "" {
		err = json.Unmarshal([]byte(article), &e.Article)
	}
	return e, err
}

// FeedEntries gives the entries of a feed that are in one of the given states,
// oldest first, without their marks.
func (l *Ledger) FeedEntries(ctx context.Context, feed string, states ...publisher.EntryState) ([]publisher.FeedEntry, error) {
	args := []any{feed}
	only, args := in("state", args, numbers(states))
	var entries []publisher.FeedEntry
	err := each(ctx, l.read, `SELECT `+entryColumns+` FROM feed_entries WHERE feed = $1 AND `+only+` ORDER BY stated_at, seen_at, id`, args,
		func(rows *sql.Rows) error {
			e, err := scanEntry(rows)
			entries = append(entries, e)
			return err
		})
	if err != nil {
		return nil, l.fail("list the feed's entries", err)
	}
	return entries, nil
}

func numbers(states []publisher.EntryState) []int {
	out := make([]int, len(states))
	for i, s := range states {
		out[i] = int(s)
	}
	return out
}

// FeedsWaiting gives, by feed, when the newest entry that is in a state was first seen.
func (l *Ledger) FeedsWaiting(ctx context.Context, state publisher.EntryState) (map[string]time.Time, error) {
	newest := map[string]time.Time{}
	err := each(ctx, l.read, `SELECT feed, max(seen_at) FROM feed_entries WHERE state = $1 GROUP BY feed`, []any{int(state)}, func(rows *sql.Rows) error {
		var feed string
		var seen int64
		err := rows.Scan(&feed, &seen)
		newest[feed] = moment(seen)
		return err
	})
	if err != nil {
		return nil, l.fail("look what waits of the feeds", err)
	}
	return newest, nil
}

// MoveFeedEntries puts entries into another state, those of the given ones that are
// in one of the states from. What is seen or taken gives up its article. It gives
// how many it moved.
func (l *Ledger) MoveFeedEntries(ctx context.Context, feed string, ids []string, to publisher.EntryState, from ...publisher.EntryState) (moved int, err error) {
	text := "article"
	if to == publisher.EntrySeen || to == publisher.EntryTaken {
		text = "''"
	}
	err = l.update(ctx, "store the feed's entries", func(tx *sql.Tx) error {
		moved = 0
		for chunk := range slices.Chunk(ids, bound/2) {
			args := []any{int(to), feed}
			only, args := in("id", args, chunk)
			states, args := in("state", args, numbers(from))
			result, err := tx.ExecContext(ctx, `UPDATE feed_entries SET state = $1, reason = '', article = `+text+` WHERE feed = $2 AND `+only+` AND `+states, args...)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			moved += int(n)
		}
		// A look that read the entries before this must not be stored over it.
		_, err := tx.ExecContext(ctx, `UPDATE feeds SET version = version + 1 WHERE name = $1`, feed)
		return err
	})
	return moved, err
}

// FeedSubscription gives a feed's subscription; Version 0 stands for none.
func (l *Ledger) FeedSubscription(ctx context.Context, feed string) (publisher.FeedSubscription, error) {
	s := publisher.FeedSubscription{Feed: feed}
	version, err := l.versioned(ctx, `SELECT version, content FROM feed_subscriptions WHERE feed = $1`, feed, &s)
	if err != nil {
		return s, l.fail("read the feed's subscription", err)
	}
	s.Feed, s.Version = feed, version
	return s, nil
}

// SaveFeedSubscription keeps a subscription if it is still of the version that s
// has, and reports whether it did.
func (l *Ledger) SaveFeedSubscription(ctx context.Context, s publisher.FeedSubscription) (saved bool, err error) {
	const op = "store the feed's subscription"
	content, err := json.Marshal(s)
	if err != nil {
		return false, l.fail(op, err)
	}
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		saved, err = swap(ctx, tx, "feed_subscriptions", "feed", s.Feed, s.Version, string(content))
		return err
	})
	return saved && err == nil, err
}
