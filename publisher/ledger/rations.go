package ledger

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"crieur/publisher"
)

// Sendings gives what was used of a domain's rations since a moment, oldest first.
func (l *Ledger) Sendings(ctx context.Context, domain string, since time.Time) (days []publisher.Sending, err error) {
	err = each(ctx, l.read, `SELECT day_at, mails FROM rations WHERE domain = $1 AND day_at >= $2 ORDER BY day_at`,
		[]any{domain, millis(since)}, func(r *sql.Rows) error {
			var day int64
			var s publisher.Sending
			err := r.Scan(&day, &s.Mails)
			s.Day = moment(day)
			days = append(days, s)
			return err
		})
	if err != nil {
		return nil, l.fail("count a day's mails", err)
	}
	return days, nil
}

// A share is what one commit may take of a ration.
type share struct {
	publisher.Ration
	left int
}

// shares opens the rations of a commit. On PostgreSQL nobody else takes of them until
// it ends: it is the first thing that a commit waits for, so that no two wait for each
// other.
func shares(ctx context.Context, q querier, rations []publisher.Ration) (map[string]*share, error) {
	opened := map[string]*share{}
	for _, r := range rations {
		var used int
		err := q.QueryRowContext(ctx, `INSERT INTO rations (domain, day_at, mails) VALUES ($1, $2, 0)
			ON CONFLICT (domain, day_at) DO UPDATE SET mails = rations.mails RETURNING mails`, r.Domain, millis(r.Day)).Scan(&used)
		if err != nil {
			return nil, err
		}
		opened[r.Domain] = &share{Ration: r, left: max(r.Most-used, 0)}
	}
	return opened, nil
}

// within leaves out of the wants of one lot what its domain's ration has no place for.
// A mail that was told to wait has kept its place for the rest of the day; counted are
// the others that are left.
func (s *share) within(ctx context.Context, q querier, wants []publisher.Claim) (kept []publisher.Claim, counted map[int64]bool, err error) {
	ids := make([]int64, len(wants))
	for i, w := range wants {
		ids[i] = w.ID
	}
	which, args := in("id", []any{wants[0].Lot, millis(s.Day)}, ids)
	placed := map[int64]bool{}
	err = each(ctx, q, `SELECT id FROM deliveries WHERE lot = $1 AND state = 4 AND updated_at >= $2 AND `+which, args, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		placed[id] = true
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	counted = map[int64]bool{}
	for _, w := range wants {
		switch {
		case placed[w.ID]:
			kept = append(kept, w)
		case len(counted) < s.left:
			counted[w.ID] = true
			kept = append(kept, w)
		}
	}
	return kept, counted, nil
}

// use takes places of a ration.
func (s *share) use(ctx context.Context, q querier, mails int) error {
	if mails == 0 {
		return nil
	}
	s.left -= mails
	_, err := q.ExecContext(ctx, `UPDATE rations SET mails = mails + $1 WHERE domain = $2 AND day_at = $3`, mails, s.Domain, millis(s.Day))
	return err
}

// giveBack gives places of a domain's ration back, on the day that a moment is in.
func giveBack(ctx context.Context, q querier, domain string, at time.Time, mails int) error {
	_, err := q.ExecContext(ctx, `UPDATE rations SET mails = CASE WHEN mails > $1 THEN mails - $1 ELSE 0 END
		WHERE domain = $2 AND day_at = (SELECT max(day_at) FROM rations WHERE domain = $2 AND day_at <= $3)`, mails, strings.ToLower(domain), millis(at))
	return err
}

// takenBack gives back the places of outcomes that did not need them.
func takenBack(ctx context.Context, q querier, keys map[int64]lotKey, outcomes []publisher.Outcome, late []publisher.Claim, shares map[string]*share) error {
	type place struct {
		domain string
		day    int64
	}
	var missed map[publisher.Claim]bool
	back := map[place]int{}
	for _, o := range outcomes {
		if o.Back.IsZero() {
			continue
		}
		if missed == nil {
			missed = map[publisher.Claim]bool{}
			for _, c := range late {
				missed[c] = true
			}
		}
		if !missed[o.Claim] {
			back[place{strings.ToLower(keys[o.Lot].domain), millis(o.Back)}]++
		}
	}
	for p, n := range back {
		if err := giveBack(ctx, q, p.domain, moment(p.day), n); err != nil {
			return err
		}
		if s := shares[p.domain]; s != nil && millis(s.Day) == p.day {
			s.left += n
		}
	}
	return nil
}

// DueAgain gives mails as Due does, of those only that were told to wait since a moment.
func (l *Ledger) DueAgain(ctx context.Context, lot publisher.Lot, after int64, since, now time.Time, limit int) ([]publisher.Delivery, error) {
	return l.dueMails(ctx, lot, after, now, limit, ` AND d.state = 4 AND d.updated_at >= $6`, millis(since))
}

// NextAgain gives when the first mail of a lot is due that was told to wait since a
// moment, or when the first lease ends; zero: there is none.
func (l *Ledger) NextAgain(ctx context.Context, lot int64, since time.Time) (time.Time, error) {
	var due int64
	err := l.read.QueryRowContext(ctx, `SELECT coalesce(min(due_at), 0) FROM deliveries
		WHERE lot = $1 AND (state = 2 OR state = 4 AND updated_at >= $2)`, lot, millis(since)).Scan(&due)
	if err != nil {
		return time.Time{}, l.fail("look for what is due", err)
	}
	return moment(due), nil
}
