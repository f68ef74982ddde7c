package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"crieur/publisher"
)

// readerPage is how many people a listing reads at a time, so that none holds a
// read open for as long as its user takes.
const readerPage = 500

// Subscribers lists people; see audience.Reader.
func (l *Ledger) Subscribers(ctx context.Context, list string, yield func(publisher.Subscriber, []publisher.Subscription) error) error {
	const op = "list the readers"
	for after := int64(0); ; {
		people, err := l.page(ctx, list, after)
		if err != nil {
			return l.fail(op, err)
		}
		if len(people) == 0 {
			return nil
		}
		last := people[len(people)-1].ID
		seats, err := l.seats(ctx, after, last)
		if err != nil {
			return l.fail(op, err)
		}
		for _, p := range people {
			if err := yield(p, seats[p.ID]); err != nil {
				return err
			}
		}
		after = last
	}
}

const subscriberColumns = `r.id, r.email, r.name, r.language, r.token, r.created_at`

func scanSubscriber(row interface{ Scan(...any) error }) (p publisher.Subscriber, err error) {
	var created int64
	err = row.Scan(&p.ID, &p.Email, &p.Name, &p.Language, &p.Token, &created)
	p.Created = moment(created)
	return p, err
}

func (l *Ledger) page(ctx context.Context, list string, after int64) ([]publisher.Subscriber, error) {
	query, args := `SELECT `+subscriberColumns+` FROM subscribers r WHERE r.id > $1 ORDER BY r.id LIMIT $2`, []any{after, readerPage}
	if list != "" {
		query = `SELECT ` + subscriberColumns + ` FROM lists i JOIN subscriptions s ON s.list = i.n AND s.subscriber > $1
			JOIN subscribers r ON r.id = s.subscriber WHERE i.name = $2 ORDER BY s.subscriber LIMIT $3`
		args = []any{after, list, readerPage}
	}
	var people []publisher.Subscriber
	err := each(ctx, l.read, query, args, func(r *sql.Rows) error {
		p, err := scanSubscriber(r)
		people = append(people, p)
		return err
	})
	return people, err
}

// seats gives the subscriptions of the people numbered after…last.
func (l *Ledger) seats(ctx context.Context, after, last int64) (map[int64][]publisher.Subscription, error) {
	seats := map[int64][]publisher.Subscription{}
	err := each(ctx, l.read, `SELECT s.subscriber, i.name, s.status, s.consent, s.since, s.changed_at
		FROM lists i JOIN subscriptions s ON s.list = i.n AND s.subscriber > $1 AND s.subscriber <= $2 ORDER BY i.name, s.subscriber`,
		[]any{after, last}, func(r *sql.Rows) error {
			var id, since, changed int64
			var s publisher.Subscription
			err := r.Scan(&id, &s.List, &s.Status, &s.Consent, &since, &changed)
			s.Since, s.Changed = moment(since), moment(changed)
			seats[id] = append(seats[id], s)
			return err
		})
	return seats, err
}

// SubscriberByToken finds the person whose links carry the token.
func (l *Ledger) SubscriberByToken(ctx context.Context, token string) (publisher.Subscriber, []publisher.Subscription, error) {
	return l.subscriber(ctx, "r.token = $1", token)
}

// SubscriberByEmail finds the person with the address.
func (l *Ledger) SubscriberByEmail(ctx context.Context, email string) (publisher.Subscriber, []publisher.Subscription, error) {
	return l.subscriber(ctx, "r.hash = $1", l.hash(email))
}

func (l *Ledger) subscriber(ctx context.Context, which, value string) (publisher.Subscriber, []publisher.Subscription, error) {
	const op = "look for the reader"
	if storable(value) != value {
		return publisher.Subscriber{}, nil, missing(op, "reader") // PostgreSQL would call it an error
	}
	p, err := scanSubscriber(l.read.QueryRowContext(ctx, `SELECT `+subscriberColumns+` FROM subscribers r WHERE `+which, value))
	if err != nil {
		return publisher.Subscriber{}, nil, l.find(op, "reader", err)
	}
	seats, err := l.seats(ctx, p.ID-1, p.ID)
	if err != nil {
		return publisher.Subscriber{}, nil, l.fail(op, err)
	}
	return p, seats[p.ID], nil
}

// SetStatus changes subscriptions; see audience.Changer.
func (l *Ledger) SetStatus(ctx context.Context, subscriberID int64, list string, status publisher.SubscriptionStatus, consent string, now time.Time) (changed bool, err error) {
	const op = "change the subscription"
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		changed = false
		var id int64
		if err := tx.QueryRowContext(ctx, `SELECT id FROM subscribers WHERE id = $1`, subscriberID).Scan(&id); errors.Is(err, sql.ErrNoRows) {
			return missing(op, "reader")
		} else if err != nil {
			return err
		}
		query, args := `SELECT s.list, s.status FROM lists i JOIN subscriptions s ON s.list = i.n AND s.subscriber = $1`, []any{subscriberID}
		if list != "" {
			query, args = query+` WHERE i.name = $2`, append(args, list)
		}
		found := 0
		var different []int64
		err := each(ctx, tx, query, args, func(r *sql.Rows) error {
			var n int64
			var was publisher.SubscriptionStatus
			err := r.Scan(&n, &was)
			found++
			if was != status {
				different = append(different, n)
			}
			return err
		})
		if err != nil {
			return err
		}
		if list != "" && found == 0 {
			return missing(op, "subscription")
		}
		for _, n := range different {
			if err := changeStatus(ctx, tx, subscriberID, n, status, consent, now, now); err != nil {
				return err
			}
			changed = true
		}
		return nil
	})
	return changed, err
}
