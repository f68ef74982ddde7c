package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"crieur/publisher"
)

// hash gives the salted hash by which an address is known. It cannot be turned
// back, nor compared with another store's.
func (l *Ledger) hash(email string) string {
	h := hmac.New(sha256.New, l.salt)
	h.Write([]byte(publisher.EmailKey(email)))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// person is what the store knows of a batch's entry before it is taken in.
type person struct {
	publisher.NewSubscriber
	hash       string
	id         int64 // 0: new
	name       string
	language   string
	former     int64 // the number of someone who was erased
	suppressed bool
	subscribed bool
	status     publisher.SubscriptionStatus
}

// UpsertSubscribers takes people in; see audience.Upserter.
func (l *Ledger) UpsertSubscribers(ctx context.Context, list string, batch []publisher.NewSubscriber, consent string, now time.Time) (added, updated, kept int, err error) {
	const op = "store readers"
	people := make([]*person, len(batch))
	for i, b := range batch {
		if b.Token == "" {
			return 0, 0, 0, l.fail(op, errors.New("a reader without a token"))
		}
		people[i] = &person{NewSubscriber: b, hash: l.hash(b.Email)}
	}
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		added, updated, kept = 0, 0, 0
		q := l.statements.in(tx)
		number, err := listNumber(ctx, q, list)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(people, bound/2) { // its length is rounded up to a power of two
			if err := recognise(ctx, q, number, some); err != nil {
				return err
			}
		}
		in := &intake{q, number, consent, now}
		for _, p := range people {
			what, err := in.take(ctx, p)
			if err != nil {
				return err
			}
			switch what {
			case wasAdded:
				added++
			case wasUpdated:
				updated++
			case wasKept:
				kept++
			}
		}
		return nil
	})
	if err != nil {
		return 0, 0, 0, err
	}
	l.statements.learn(ctx, l.write)
	return added, updated, kept, nil
}

// recognise fills in what is known of people.
func recognise(ctx context.Context, q querier, list int64, people []*person) error {
	byHash := make(map[string]*person, len(people))
	hashes := make([]string, len(people))
	for i, p := range people {
		*p = person{NewSubscriber: p.NewSubscriber, hash: p.hash} // a second run of the transaction starts anew
		byHash[p.hash], hashes[i] = p, p.hash
	}
	which, args := in("r.hash", []any{list}, hashes)
	err := each(ctx, q, `SELECT r.hash, r.id, r.name, r.language, coalesce(s.status, -1) FROM subscribers r
		LEFT JOIN subscriptions s ON s.list = $1 AND s.subscriber = r.id WHERE `+which, args, func(rows *sql.Rows) error {
		var hash, name, language string
		var id, status int64
		if err := rows.Scan(&hash, &id, &name, &language, &status); err != nil {
			return err
		}
		p := byHash[hash]
		p.id, p.name, p.language = id, name, language
		p.subscribed, p.status = status >= 0, publisher.SubscriptionStatus(status)
		return nil
	})
	if err != nil {
		return err
	}
	which, args = in("hash", nil, hashes)
	err = each(ctx, q, `SELECT hash FROM suppressions WHERE `+which, args, func(rows *sql.Rows) error {
		var hash string
		err := rows.Scan(&hash)
		if p := byHash[hash]; p != nil {
			p.suppressed = true
		}
		return err
	})
	if err != nil {
		return err
	}
	return each(ctx, q, `SELECT hash, subscriber FROM departed WHERE `+which, args, func(rows *sql.Rows) error {
		var hash string
		var id int64
		err := rows.Scan(&hash, &id)
		if p := byHash[hash]; p != nil {
			p.former = id
		}
		return err
	})
}

type taken uint8

const (
	wasUnchanged taken = iota
	wasAdded
	wasUpdated
	wasKept
)

// intake takes people in one after the other, inside one transaction.
type intake struct {
	querier
	list    int64
	consent string
	now     time.Time
}

func (in *intake) take(ctx context.Context, p *person) (taken, error) {
	switch {
	case p.suppressed && p.Status != publisher.Unsubscribed:
		return wasKept, nil
	case p.suppressed && !p.subscribed:
		return wasUnchanged, nil // nothing to take back, and a suppressed address is not stored again
	case p.subscribed && p.status == publisher.Unsubscribed && p.Status != publisher.Unsubscribed:
		return wasKept, nil
	}
	if p.id == 0 {
		if err := in.insert(ctx, p); err != nil {
			return 0, err
		}
		return wasAdded, in.subscribe(ctx, p)
	}
	renamed, err := in.rename(ctx, p)
	if err != nil {
		return 0, err
	}
	if !p.subscribed {
		return wasAdded, in.subscribe(ctx, p)
	}
	changes := p.status == publisher.Unconfirmed && p.Status != publisher.Unconfirmed ||
		p.status == publisher.Confirmed && p.Status == publisher.Unsubscribed
	if changes {
		return wasUpdated, changeStatus(ctx, in, p.id, in.list, p.Status, in.consent, in.since(p), in.now)
	}
	if renamed {
		return wasUpdated, nil
	}
	return wasUnchanged, nil
}

func (in *intake) insert(ctx context.Context, p *person) error {
	args := []any{p.hash, p.Email, p.Name, p.Language, p.Token, millis(in.now)}
	if p.former != 0 {
		return in.QueryRowContext(ctx, `INSERT INTO subscribers (hash, email, name, language, token, created_at, id)
			VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`, append(args, p.former)...).Scan(&p.id)
	}
	return in.QueryRowContext(ctx, `INSERT INTO subscribers (hash, email, name, language, token, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`, args...).Scan(&p.id)
}

func (in *intake) since(p *person) time.Time {
	if p.Since.IsZero() {
		return in.now
	}
	return p.Since
}

func (in *intake) subscribe(ctx context.Context, p *person) error {
	_, err := in.ExecContext(ctx, `INSERT INTO subscriptions (list, subscriber, status, consent, since, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, in.list, p.id, int64(p.Status), in.consent, millis(in.since(p)), millis(in.now))
	return err
}

func (in *intake) rename(ctx context.Context, p *person) (bool, error) {
	name, language := p.name, p.language
	if p.Name != "" {
		name = p.Name
	}
	if p.Language != "" {
		language = p.Language
	}
	if name == p.name && language == p.language {
		return false, nil
	}
	_, err := in.ExecContext(ctx, `UPDATE subscribers SET name = $1, language = $2 WHERE id = $3`, name, language, p.id)
	return true, err
}

// changeStatus sets a subscription's status, and keeps what it said before.
func changeStatus(ctx context.Context, q querier, subscriber, list int64, status publisher.SubscriptionStatus, consent string, since, now time.Time) error {
	if _, err := q.ExecContext(ctx, `INSERT INTO past_subscriptions (list, subscriber, status, consent, since, changed_at)
		SELECT list, subscriber, status, consent, since, changed_at FROM subscriptions WHERE list = $1 AND subscriber = $2`,
		list, subscriber); err != nil {
		return err
	}
	_, err := q.ExecContext(ctx, `UPDATE subscriptions SET status = $1, consent = $2, changed_at = $3,
		since = CASE WHEN CAST($4 AS BIGINT) > 0 THEN CAST($4 AS BIGINT) ELSE since END WHERE list = $5 AND subscriber = $6`,
		int64(status), consent, millis(now), confirmedSince(status, since), list, subscriber)
	return err
}

// confirmedSince is when a status began to be Confirmed; 0 leaves it as it was.
func confirmedSince(status publisher.SubscriptionStatus, since time.Time) int64 {
	if status != publisher.Confirmed {
		return 0
	}
	return millis(since)
}
