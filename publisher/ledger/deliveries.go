package ledger

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"crieur/publisher"
)

// Deliveries calls yield for each delivery of the filter, by issue, channel and
// number. It stops at yield's first error and gives it back as it is. The store may
// be read, not written, from inside yield. A reader who was erased has a number and
// nothing else, and their mail no Key.
func (l *Ledger) Deliveries(ctx context.Context, f publisher.DeliveryFilter, yield func(publisher.Delivery) error) error {
	const op = "list the deliveries"
	s := publisher.Selection{}
	if f.IssueID != "" {
		s.IssueIDs = []string{f.IssueID}
	}
	if f.Channel != "" {
		s.Channels = []string{f.Channel}
	}
	lots, err := l.Lots(ctx, s)
	if err != nil {
		return err
	}
	states := make([]int64, len(f.States))
	for i, state := range f.States {
		states[i] = int64(state)
	}
	left := f.Limit
	for _, lot := range lots {
		if f.Limit > 0 && left == 0 {
			return nil
		}
		args := []any{lot.List, lot.ID, f.After}
		which, args := in("d.state", args, states)
		limit := ""
		if f.Limit > 0 {
			args = append(args, left)
			limit = " LIMIT $" + strconv.Itoa(len(args))
		}
		var stop error
		err := each(ctx, l.read, deliveryQuery+`WHERE d.lot = $2 AND d.id > $3 AND `+which+` ORDER BY d.id`+limit, args, func(r *sql.Rows) error {
			d, err := scanDelivery(r, lot)
			if err != nil {
				return err
			}
			left--
			stop = yield(d)
			return stop
		})
		if stop != nil {
			return stop
		}
		if err != nil {
			return l.fail(op, err)
		}
	}
	return nil
}

// Parts gives a post's parts in their order.
func (l *Ledger) Parts(ctx context.Context, lot publisher.Lot) ([]publisher.Delivery, error) {
	var parts []publisher.Delivery
	err := each(ctx, l.read, deliveryQuery+`WHERE d.lot = $2 ORDER BY d.id`, []any{lot.List, lot.ID}, func(r *sql.Rows) error {
		d, err := scanDelivery(r, lot)
		parts = append(parts, d)
		return err
	})
	if err != nil {
		return nil, l.fail("read the posts", err)
	}
	return parts, nil
}

const deliveryQuery = `SELECT d.id, d.state, d.attempts, d.updated_at, d.due_at, d.receipt, coalesce(a.problem, ''),
	coalesce(r.email, ''), coalesce(r.name, ''), coalesce(r.language, ''), coalesce(s.since, 0)
	FROM deliveries d
	LEFT JOIN attempts a ON a.lot = d.lot AND a.id = d.id AND a.n = d.attempts
	LEFT JOIN lists i ON i.name = $1
	LEFT JOIN subscriptions s ON s.list = i.n AND s.subscriber = d.id
	LEFT JOIN subscribers r ON r.id = s.subscriber `

func scanDelivery(row *sql.Rows, lot publisher.Lot) (publisher.Delivery, error) {
	d := publisher.Delivery{IssueID: lot.IssueID, Channel: lot.Channel, Network: lot.Network, Created: lot.Created}
	var id, updated, due, since int64
	var receipt string
	err := row.Scan(&id, &d.State, &d.Attempts, &updated, &due, &receipt, &d.Problem,
		&d.Recipient.Email, &d.Recipient.Name, &d.Recipient.Language, &since)
	if err != nil {
		return d, err
	}
	d.Updated = moment(updated)
	identify(&d, lot, id, since)
	switch d.State {
	case publisher.StateAccepted, publisher.StateRetracted:
		d.Receipt, d.Problem = unpackReceipt(receipt, d.Key, lot.Domain, d.Updated), ""
	case publisher.StateBounced:
		if receipt != "" { // it was accepted first, and came back
			d.Receipt = unpackReceipt(receipt, d.Key, lot.Domain, d.Updated)
		}
	case publisher.StateDeferred:
		d.After = moment(due)
	case publisher.StateSuppressed, publisher.StateCancelled:
		d.Problem = ""
	}
	return d, nil
}

// identify fills in what tells one delivery of a lot from another.
func identify(d *publisher.Delivery, lot publisher.Lot, id, since int64) {
	if !lot.Mail() {
		d.Part = int(id)
		d.Key = publisher.DeliveryKey(lot.IssueID, lot.Channel, strconv.FormatInt(id, 10))
		return
	}
	d.Recipient.ID, d.Recipient.Since = id, moment(since)
	if d.Recipient.Email != "" {
		d.Key = publisher.DeliveryKey(lot.IssueID, lot.Channel, publisher.EmailKey(d.Recipient.Email))
	}
}

// Due gives up to limit mails of a lot that may be leased now, in the order of
// their readers' numbers, from the one after the given number. Readers' names and
// tokens are filled in, and how long they have been deferred.
func (l *Ledger) Due(ctx context.Context, lot publisher.Lot, after int64, now time.Time, limit int) ([]publisher.Delivery, error) {
	return l.dueMails(ctx, lot, after, now, limit, "")
}

func (l *Ledger) dueMails(ctx context.Context, lot publisher.Lot, after int64, now time.Time, limit int, only string, more ...any) ([]publisher.Delivery, error) {
	const op = "look for mails to send"
	key, err := l.key(ctx, lot.ID)
	if err != nil {
		return nil, l.fail(op, err)
	}
	mails := make([]publisher.Delivery, 0, limit)
	err = each(ctx, l.read, `SELECT d.id, d.state, d.attempts, d.updated_at,
		coalesce(r.email, ''), coalesce(r.name, ''), coalesce(r.language, ''), coalesce(r.token, ''), coalesce(s.since, 0),
		CASE WHEN d.attempts = 0 THEN 0 ELSE
			(SELECT count(*) FROM attempts a WHERE a.lot = d.lot AND a.id = d.id AND a.state = 4 AND a.code >= 400) END,
		CASE WHEN d.attempts = 0 THEN 0 ELSE
			(SELECT coalesce(min(a.started_at), 0) FROM attempts a WHERE a.lot = d.lot AND a.id = d.id AND a.state = 4) END
		FROM deliveries d
		LEFT JOIN subscribers r ON r.id = d.id
		LEFT JOIN subscriptions s ON s.list = $1 AND s.subscriber = d.id
		WHERE d.lot = $2 AND d.id > $3 AND d.state IN (0, 4) AND d.due_at <= $4`+only+` ORDER BY d.id LIMIT $5`,
		append([]any{key.list, lot.ID, after, millis(now), limit}, more...), func(row *sql.Rows) error {
			d := publisher.Delivery{IssueID: lot.IssueID, Channel: lot.Channel, Network: lot.Network, Created: lot.Created}
			var id, updated, since, deferred int64
			err := row.Scan(&id, &d.State, &d.Attempts, &updated,
				&d.Recipient.Email, &d.Recipient.Name, &d.Recipient.Language, &d.Recipient.Token, &since, &d.Deferrals, &deferred)
			d.Updated, d.DeferredSince = moment(updated), moment(deferred)
			identify(&d, lot, id, since)
			mails = append(mails, d)
			return err
		})
	if err != nil {
		return nil, l.fail(op, err)
	}
	return mails, nil
}

// Span gives the lowest and the highest number of a lot's deliveries; zero: there are none.
func (l *Ledger) Span(ctx context.Context, lot int64) (first, last int64, err error) {
	err = l.read.QueryRowContext(ctx, `SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM deliveries WHERE lot = $1`, lot).Scan(&first, &last)
	if err != nil {
		return 0, 0, l.fail("look for mails to send", err)
	}
	return first, last, nil
}

// NextDue gives the latest moment up to a horizon at which a deferred delivery of
// the lot becomes due: waiting until then makes them all due. It is zero where
// there is none, and ready counts those that may be leased at now already.
func (l *Ledger) NextDue(ctx context.Context, lot int64, now, horizon time.Time) (last time.Time, ready int, err error) {
	var due int64
	err = l.read.QueryRowContext(ctx, `SELECT coalesce(max(CASE WHEN due_at > $1 THEN due_at ELSE 0 END), 0),
		coalesce(sum(CASE WHEN due_at <= $1 THEN 1 ELSE 0 END), 0)
		FROM deliveries WHERE lot = $2 AND state IN (0, 4) AND due_at <= $3`, millis(now), lot, millis(horizon)).Scan(&due, &ready)
	if err != nil {
		return time.Time{}, 0, l.fail("look for deferred deliveries", err)
	}
	return moment(due), ready, nil
}

// Attempts gives what is kept of the attempts at a delivery, by its issue, channel
// and reader's ID or part: every one at a post, and those at a mail that were no
// success.
func (l *Ledger) Attempts(ctx context.Context, d publisher.Delivery) ([]publisher.Attempt, error) {
	id := d.Recipient.ID
	if d.Part > 0 {
		id = int64(d.Part)
	}
	var tries []publisher.Attempt
	err := each(ctx, l.read, `SELECT a.n, a.state, a.started_at, a.ended_at, a.kind, a.code, a.problem
		FROM lots t JOIN attempts a ON a.lot = t.n AND a.id = $1 WHERE t.issue = $2 AND t.channel = $3 ORDER BY a.n`,
		[]any{id, d.IssueID, d.Channel}, func(r *sql.Rows) error {
			var a publisher.Attempt
			var started, ended int64
			err := r.Scan(&a.N, &a.State, &started, &ended, &a.Kind, &a.Code, &a.Problem)
			a.Started, a.Ended = moment(started), moment(ended)
			tries = append(tries, a)
			return err
		})
	if err != nil {
		return nil, l.fail("read the attempts", err)
	}
	return tries, nil
}
