package ledger

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"crieur/publisher"
)

// ReturnKey gives the secret that return addresses are signed with. It is made with
// the store and never changes: reports may come weeks after their mail.
func (l *Ledger) ReturnKey() []byte { return l.returns }

// longestRaw is how much of a report is kept, in octets: the words of the servers come
// first in it, the letter itself last.
const longestRaw = 16 << 10

var errOnTheWire = errors.New("its mail is still being handed over")

// TakeReturn records a report on a mail of lot and reader, and what follows from it,
// in one transaction. A failure makes an accepted or unknown delivery bounced; the
// delivery's words are then the report's. A report that is known, or whose reader was
// erased, changes nothing. Busy: the mail's own end is not recorded yet; the report is
// to be given again later. NotFound: there is no such delivery.
func (l *Ledger) TakeReturn(ctx context.Context, r publisher.ReturnRecord, now time.Time) (effect publisher.ReturnEffect, err error) {
	const op = "record what came back"
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		effect = publisher.ReturnEffect{}
		var hash string
		err := tx.QueryRowContext(ctx, `SELECT hash FROM subscribers WHERE id = $1`, r.Reader).Scan(&hash)
		if errors.Is(err, sql.ErrNoRows) {
			effect.Erased = true
			return nil
		}
		if err != nil {
			return err
		}
		bounces := false
		if r.Lot != 0 {
			if bounces, err = bounceable(ctx, tx, op, r); err != nil {
				return err
			}
		}
		n, err := l.keepReturn(ctx, tx, r, now)
		if err != nil {
			return err
		}
		if n == 0 {
			effect.Repeated = true
			return nil
		}
		if bounces {
			if effect.Bounced, err = bounce(ctx, tx, r, now); err != nil {
				return err
			}
		}
		return l.consequences(ctx, tx, r, hash, now, &effect)
	})
	return effect, err
}

// refused draws the consequences of mails that were refused for good in the dialogue:
// those of a report that comes later.
func (l *Ledger) refused(ctx context.Context, tx *sql.Tx, outcomes []publisher.Outcome, late []publisher.Claim) error {
	for _, o := range outcomes {
		if o.State != publisher.StateBounced || o.Verdict == publisher.VerdictNone || slices.Contains(late, o.Claim) {
			continue
		}
		var hash string
		err := tx.QueryRowContext(ctx, `SELECT hash FROM subscribers WHERE id = $1`, o.ID).Scan(&hash)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		r := publisher.ReturnRecord{Lot: o.Lot, Reader: o.ID, Class: "refused", Verdict: o.Verdict, Return: publisher.Return{
			Kind: publisher.ReturnFailed, Source: "smtp", Code: o.Code, Words: o.Problem}}
		if n, err := l.keepReturn(ctx, tx, r, o.Ended); err != nil {
			return err
		} else if n == 0 {
			continue
		}
		var effect publisher.ReturnEffect
		if err := l.consequences(ctx, tx, r, hash, o.Ended, &effect); err != nil {
			return err
		}
	}
	return nil
}

// keepReturn keeps a report; n is 0 where one of its kind was known.
func (l *Ledger) keepReturn(ctx context.Context, tx *sql.Tx, r publisher.ReturnRecord, now time.Time) (n int, err error) {
	return affected(tx.ExecContext(ctx, `INSERT INTO returns (lot, reader, kind, counts, class, code, status, words, source, raw, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		r.Lot, r.Reader, int64(r.Kind), number(r.Verdict == publisher.VerdictCounted), r.Class, r.Code, storable(r.Status), storable(r.Words), r.Source, rawText(r.Raw), millis(now)))
}

// bounceable reports whether the delivery's state is one that a failure changes.
func bounceable(ctx context.Context, tx *sql.Tx, op string, r publisher.ReturnRecord) (bool, error) {
	var state publisher.State
	err := tx.QueryRowContext(ctx, `SELECT d.state FROM deliveries d JOIN lots t ON t.n = d.lot
		WHERE d.lot = $1 AND d.id = $2 AND t.list > 0`, r.Lot, r.Reader).Scan(&state)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, missing(op, "delivery")
	case err != nil:
		return false, err
	case state == publisher.StateLeased:
		return false, &publisher.Error{Kind: publisher.Busy, Op: op, Err: errOnTheWire, Hint: "give the report again when the issue has gone out"}
	}
	return r.Kind == publisher.ReturnFailed && (state == publisher.StateAccepted || state == publisher.StateUnknown), nil
}

func bounce(ctx context.Context, tx *sql.Tx, r publisher.ReturnRecord, now time.Time) (bool, error) {
	o := publisher.Outcome{Claim: publisher.Claim{Lot: r.Lot, ID: r.Reader}, State: publisher.StateBounced, Ended: now,
		Kind: publisher.Invalid, Code: r.Code, Problem: r.Words}
	err := tx.QueryRowContext(ctx, `UPDATE deliveries SET state = $1, updated_at = $2, due_at = 0
		WHERE lot = $3 AND id = $4 AND state IN (3, 7) RETURNING attempts`,
		int64(publisher.StateBounced), millis(now), r.Lot, r.Reader).Scan(&o.Attempt)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, keep(ctx, tx, o)
}

// consequences draws what follows for the reader, once the report is kept.
func (l *Ledger) consequences(ctx context.Context, tx *sql.Tx, r publisher.ReturnRecord, hash string, now time.Time, effect *publisher.ReturnEffect) error {
	if r.Kind == publisher.ReturnComplaint {
		lists, err := seatsOf(ctx, tx, r.Reader)
		if err != nil {
			return err
		}
		for _, list := range lists {
			if err := changeStatus(ctx, tx, r.Reader, list, publisher.Unsubscribed, r.Kind.String(), now, now); err != nil {
				return err
			}
		}
		effect.Suppressed = true
		return suppress(ctx, tx, hash, r.Kind.String(), now)
	}
	if r.Verdict == publisher.VerdictCounted {
		weight, err := l.weigh(ctx, tx, r.Reader, now)
		if err != nil {
			return err
		}
		effect.Suppressed = weight >= float64(l.bounces.Limit)
	}
	if r.Verdict == publisher.VerdictGone || effect.Suppressed {
		effect.Suppressed = true
		return suppress(ctx, tx, hash, "bounced: "+r.Class, now)
	}
	return nil
}

// seatsOf gives the lists that a reader has not left.
func seatsOf(ctx context.Context, tx *sql.Tx, reader int64) (lists []int64, err error) {
	err = each(ctx, tx, `SELECT s.list FROM lists i JOIN subscriptions s ON s.list = i.n AND s.subscriber = $1 WHERE s.status <> $2`,
		[]any{reader, int64(publisher.Unsubscribed)}, func(row *sql.Rows) error {
			var n int64
			err := row.Scan(&n)
			lists = append(lists, n)
			return err
		})
	return lists, err
}

// Bounces says when failures that may pass suppress an address: when their weights,
// each halved with every HalfLife that went by since, come to Limit, rounded.
type Bounces struct {
	Limit    int           // 0: 3
	HalfLife time.Duration // 0: 30 days
}

func (b Bounces) withDefaults() Bounces {
	if b.Limit == 0 {
		b.Limit = 3
	}
	if b.HalfLife == 0 {
		b.HalfLife = 30 * 24 * time.Hour
	}
	return b
}

// weigh adds up a reader's counted failures, old ones for less.
func (l *Ledger) weigh(ctx context.Context, tx querier, reader int64, now time.Time) (weight float64, err error) {
	err = each(ctx, tx, `SELECT at FROM returns WHERE reader = $1 AND counts = 1`, []any{reader}, func(row *sql.Rows) error {
		var at int64
		err := row.Scan(&at)
		weight += math.Exp2(-float64(max(0, now.Sub(moment(at)))) / float64(l.bounces.HalfLife))
		return err
	})
	return math.Round(weight), err // three in a row are three, though the first is some days old
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// rawText is a report as both engines take it.
func rawText(raw []byte) string {
	if len(raw) > longestRaw {
		raw = raw[:longestRaw]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(raw), "\uFFFD"), "\x00", "")
}

// FindReturned looks for the mail that a report is on, by what the report says of it.
// The reader is known by the token of their links, or by their address; the mail by
// its Message-ID. Where latest, a reader without a mail of that Message-ID is taken to
// have returned the latest one that was handed over, and lot 0 if there was none.
// NotFound: there is no such reader or mail.
func (l *Ledger) FindReturned(ctx context.Context, link, email, messageID string, latest bool) (lot, reader int64, err error) {
	const op = "look for the mail that came back"
	var p publisher.Subscriber
	switch {
	case link != "":
		p, _, err = l.SubscriberByToken(ctx, link)
	case email != "":
		p, _, err = l.SubscriberByEmail(ctx, email)
	default:
		err = missing(op, "mail")
	}
	if err != nil {
		return 0, 0, err
	}
	key, _, _ := strings.Cut(messageID, "@")
	var last int64
	err = each(ctx, l.read, `SELECT t.n, t.issue, t.channel, d.state FROM lots t JOIN deliveries d ON d.lot = t.n AND d.id = $1
		WHERE t.list > 0 ORDER BY t.created_at DESC, t.n DESC`, []any{p.ID}, func(row *sql.Rows) error {
		var n int64
		var issue, channel string
		var state publisher.State
		if err := row.Scan(&n, &issue, &channel, &state); err != nil {
			return err
		}
		if lot == 0 && key == publisher.DeliveryKey(issue, channel, publisher.EmailKey(p.Email)) {
			lot = n
		}
		if last == 0 && (state == publisher.StateAccepted || state == publisher.StateUnknown || state == publisher.StateBounced) {
			last = n
		}
		return nil
	})
	switch {
	case err != nil:
		return 0, 0, l.fail(op, err)
	case lot == 0 && latest:
		return last, p.ID, nil
	case lot == 0:
		return 0, 0, missing(op, "mail")
	}
	return lot, p.ID, nil
}

// Returned gives the report of a kind that is kept on a delivery, as it came.
// NotFound: there is none.
func (l *Ledger) Returned(ctx context.Context, lot, reader int64, kind publisher.ReturnKind) (publisher.ReturnRecord, error) {
	const op = "read what came back"
	r := publisher.ReturnRecord{Lot: lot, Reader: reader}
	r.Kind = kind
	var at, counts int64
	var raw string
	err := l.read.QueryRowContext(ctx, `SELECT counts, class, code, status, words, source, raw, at FROM returns WHERE lot = $1 AND reader = $2 AND kind = $3`,
		lot, reader, int64(kind)).Scan(&counts, &r.Class, &r.Code, &r.Status, &r.Words, &r.Source, &raw, &at)
	if err != nil {
		return r, l.find(op, "report", err)
	}
	r.Raw, r.At = []byte(raw), moment(at)
	if counts == 1 {
		r.Verdict = publisher.VerdictCounted
	}
	return r, nil
}

// Suppressions calls yield for each address that is never written to, in the order in
// which they came to be that. The store may be read, not written, from inside yield.
func (l *Ledger) Suppressions(ctx context.Context, yield func(publisher.Suppression) error) error {
	var stop error
	err := each(ctx, l.read, `SELECT x.hash, x.reason, x.created_at, coalesce(r.email, '') FROM suppressions x
		LEFT JOIN subscribers r ON r.hash = x.hash ORDER BY x.created_at, x.hash`, nil, func(row *sql.Rows) error {
		var s publisher.Suppression
		var created int64
		if err := row.Scan(&s.Hash, &s.Reason, &created, &s.Email); err != nil {
			return err
		}
		s.Created = moment(created)
		stop = yield(s)
		return stop
	})
	if stop != nil {
		return stop
	}
	if err != nil {
		return l.fail("list the suppressed addresses", err)
	}
	return nil
}
