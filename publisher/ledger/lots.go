package ledger

import (
	"context"
	"database/sql"
	"strconv"

	"crieur/publisher"
)

// chunk is how many deliveries one transaction plans: enough to be quick, few
// enough that nobody else waits long for the one writer.
const chunk = 5000

// lotKey is what never changes about a lot.
type lotKey struct {
	list    int64
	mail    bool
	issue   string
	channel string
	domain  string
}

// Materialise plans what is not planned yet of an issue on a channel: the parts of
// a post, or a mail to each reader whose subscription to lot.List is confirmed. A
// reader who left since the channel's previous issue gets a delivery too, as
// suppressed from the start: the issue that first goes without them says so. What
// was planned before stays as it is, and so do the lot's list, domain, creation,
// release and hold; the lot is given back as it is kept. Nothing is added to one that
// was called off.
//
// It works in chunks: other writers get their turn, and after an interruption the
// next call does what is left.
func (l *Ledger) Materialise(ctx context.Context, lot publisher.Lot) (kept publisher.Lot, added int, err error) {
	const op = "plan deliveries"
	if kept, err = l.makeLot(ctx, op, lot); err != nil {
		return kept, 0, err
	}
	if !kept.Cancelled.IsZero() {
		return kept, 0, nil
	}
	if kept.Mail() {
		added, err = l.planMails(ctx, op, kept)
	} else {
		added, err = l.planParts(ctx, op, kept)
	}
	if err != nil {
		return kept, added, err
	}
	kept.Size += added
	kept.Open = kept.Open || added > 0
	return kept, added, nil
}

func (l *Ledger) makeLot(ctx context.Context, op string, lot publisher.Lot) (kept publisher.Lot, err error) {
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		var list int64
		if lot.Mail() {
			if list, err = listNumber(ctx, tx, lot.List); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO lots (issue, channel, network, list, domain, parts, size, open, created_at, release_at, held, needed)
			VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
			lot.IssueID, lot.Channel, lot.Network, list, lot.Domain, lot.Parts, millis(lot.Created),
			millis(lot.Release), string(lot.Held), lot.Needed); err != nil {
			return err
		}
		found, err := l.findLots(ctx, tx, publisher.Selection{IssueIDs: []string{lot.IssueID}, Channels: []string{lot.Channel}})
		if err != nil {
			return err
		}
		kept = found[0]
		return nil
	})
	return kept, err
}

// listNumber gives a list's number; the list is made if it does not exist.
func listNumber(ctx context.Context, tx querier, name string) (n int64, err error) {
	if _, err := tx.ExecContext(ctx, `INSERT INTO lists (name) VALUES ($1) ON CONFLICT DO NOTHING`, name); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `SELECT n FROM lists WHERE name = $1`, name).Scan(&n)
	return n, err
}

func (l *Ledger) planParts(ctx context.Context, op string, lot publisher.Lot) (added int, err error) {
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		added = 0
		for part := 1; part <= lot.Parts; part++ {
			n, err := affected(tx.ExecContext(ctx, `INSERT INTO deliveries (lot, id, state, attempts, updated_at, due_at, receipt)
				VALUES ($1, $2, $3, 0, $4, 0, '') ON CONFLICT DO NOTHING`, lot.ID, part, publisher.StatePlanned, millis(l.now())))
			if err != nil {
				return err
			}
			added += n
		}
		return grow(ctx, tx, lot.ID, added)
	})
	return added, err
}

func (l *Ledger) planMails(ctx context.Context, op string, lot publisher.Lot) (added int, err error) {
	key, err := l.key(ctx, lot.ID)
	if err != nil {
		return 0, l.fail(op, err)
	}
	since, err := l.previous(ctx, lot)
	if err != nil {
		return 0, l.fail(op, err)
	}
	for from := int64(0); ; {
		var to sql.NullInt64
		if err := l.read.QueryRowContext(ctx, `SELECT max(subscriber) FROM
			(SELECT subscriber FROM subscriptions WHERE list = $1 AND subscriber > $2 ORDER BY subscriber LIMIT $3) AS next`,
			key.list, from, chunk).Scan(&to); err != nil {
			return added, l.fail(op, err)
		}
		if !to.Valid {
			break
		}
		n := 0
		err := l.update(ctx, op, func(tx *sql.Tx) (err error) {
			n, err = affected(tx.ExecContext(ctx, `INSERT INTO deliveries (lot, id, state, attempts, updated_at, due_at, receipt)
				SELECT CAST($1 AS BIGINT), subscriber, CASE WHEN status = $2 THEN CAST($3 AS BIGINT) ELSE CAST($4 AS BIGINT) END,
					0, CAST($5 AS BIGINT), 0, ''
				FROM subscriptions
				WHERE list = $6 AND subscriber > $7 AND subscriber <= $8 AND (status = $2 OR status = $9 AND changed_at >= $10)
				ON CONFLICT DO NOTHING`,
				lot.ID, publisher.Confirmed, publisher.StatePlanned, publisher.StateSuppressed, millis(l.now()),
				key.list, from, to.Int64, publisher.Unsubscribed, since))
			if err != nil {
				return err
			}
			return grow(ctx, tx, lot.ID, n)
		})
		if err != nil {
			return added, err
		}
		added += n
		from = to.Int64
	}
	return added, l.analyse(ctx, added)
}

// previous is when the channel's issue before this one was planned; 0: it is the first.
func (l *Ledger) previous(ctx context.Context, lot publisher.Lot) (since int64, err error) {
	err = l.read.QueryRowContext(ctx, `SELECT coalesce(max(created_at), 0) FROM lots WHERE channel = $1 AND n <> $2 AND created_at <= $3`,
		lot.Channel, lot.ID, millis(lot.Created)).Scan(&since)
	return since, err
}

// analyse tells PostgreSQL's planner of many new rows; without it every claim reads
// the whole list of readers. SQLite's needs no figures for these queries.
func (l *Ledger) analyse(ctx context.Context, added int) error {
	if l.engine != postgres || added < chunk/5 {
		return nil
	}
	if _, err := l.write.ExecContext(ctx, `ANALYZE deliveries, subscriptions, subscribers`); err != nil {
		return l.fail("plan deliveries", err)
	}
	return nil
}

func grow(ctx context.Context, tx *sql.Tx, lot int64, added int) error {
	if added == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE lots SET size = size + $1, open = 1 WHERE n = $2`, added, lot)
	return err
}

func affected(r sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}

// Forecast says what Materialise would do, and writes nothing. New counts those
// who would be written to, not those who have left.
func (l *Ledger) Forecast(ctx context.Context, lot publisher.Lot) (f publisher.Forecast, err error) {
	const op = "count deliveries"
	found, err := l.findLots(ctx, l.read, publisher.Selection{IssueIDs: []string{lot.IssueID}, Channels: []string{lot.Channel}})
	if err != nil {
		return f, l.fail(op, err)
	}
	var n int64
	if len(found) > 0 {
		n, f.Existing, lot.List = found[0].ID, found[0].Size, found[0].List
		if !found[0].Cancelled.IsZero() {
			return f, nil
		}
	}
	if !lot.Mail() {
		f.New = max(0, lot.Parts-f.Existing)
		return f, nil
	}
	if n == 0 {
		f.New, err = l.confirmed(ctx, lot.List)
	} else {
		err = l.read.QueryRowContext(ctx, `SELECT count(*) FROM lists i
			JOIN subscriptions s ON s.list = i.n AND s.status = $1
			JOIN subscribers r ON r.id = s.subscriber
			WHERE i.name = $2 AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.hash = r.hash)
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.lot = $3 AND d.id = s.subscriber)`,
			publisher.Confirmed, lot.List, n).Scan(&f.New)
	}
	if err != nil {
		return f, l.fail(op, err)
	}
	return f, nil
}

// confirmed counts those whom a list's next issue would go to. There are few
// suppressions: they are looked up among the readers, not the readers among them,
// and SQLite joins in the order of its CROSS JOINs.
func (l *Ledger) confirmed(ctx context.Context, list string) (n int, err error) {
	err = l.read.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM lists i JOIN subscriptions s ON s.list = i.n WHERE i.name = $1 AND s.status = $2) -
		(SELECT count(*) FROM lists i CROSS JOIN suppressions x CROSS JOIN subscribers r CROSS JOIN subscriptions s
			WHERE i.name = $1 AND r.hash = x.hash AND s.list = i.n AND s.subscriber = r.id AND s.status = $2)`,
		list, publisher.Confirmed).Scan(&n)
	return n, err
}

// Lots gives the lots of a selection, oldest first.
func (l *Ledger) Lots(ctx context.Context, s publisher.Selection) ([]publisher.Lot, error) {
	found, err := l.findLots(ctx, l.read, s)
	if err != nil {
		return nil, l.fail("list what is to be delivered", err)
	}
	return found, nil
}

func (l *Ledger) findLots(ctx context.Context, q querier, s publisher.Selection) ([]publisher.Lot, error) {
	issues, args := in("t.issue", nil, s.IssueIDs)
	channels, args := in("t.channel", args, s.Channels)
	only := ""
	if s.Open {
		only = " AND t.open = 1"
	}
	if !s.Due.IsZero() {
		args = append(args, millis(s.Due))
		only += " AND t.held = '' AND t.release_at <= $" + strconv.Itoa(len(args))
	}
	var lots []publisher.Lot
	err := each(ctx, q, lotQuery("")+` WHERE `+issues+` AND `+channels+only+` ORDER BY t.created_at, t.n`, args,
		func(r *sql.Rows) error {
			lot, err := scanLot(r)
			lots = append(lots, lot)
			return err
		})
	return lots, err
}

// lotQuery begins a query for lots, as t, with more columns at its end.
func lotQuery(more string) string {
	return `SELECT t.n, t.issue, t.channel, t.network, coalesce(i.name, ''), t.domain, t.parts, t.size, t.open, t.created_at,
		t.release_at, t.held, t.needed, t.cancelled_at` + more + ` FROM lots t LEFT JOIN lists i ON i.n = t.list`
}

func scanLot(r *sql.Rows, more ...any) (lot publisher.Lot, err error) {
	var open, created, release, cancelled int64
	err = r.Scan(append([]any{&lot.ID, &lot.IssueID, &lot.Channel, &lot.Network, &lot.List, &lot.Domain, &lot.Parts, &lot.Size, &open, &created,
		&release, &lot.Held, &lot.Needed, &cancelled}, more...)...)
	lot.Open, lot.Created = open == 1, moment(created)
	lot.Release, lot.Cancelled = moment(release), moment(cancelled)
	return lot, err
}

// key looks a lot's unchanging side up, once.
func (l *Ledger) key(ctx context.Context, lot int64) (lotKey, error) {
	if k, ok := l.lots.Load(lot); ok {
		return k.(lotKey), nil
	}
	return l.readKey(ctx, l.read, lot)
}

func (l *Ledger) readKey(ctx context.Context, q querier, lot int64) (k lotKey, err error) {
	var network string
	err = q.QueryRowContext(ctx, `SELECT list, network, issue, channel, domain FROM lots WHERE n = $1`, lot).
		Scan(&k.list, &network, &k.issue, &k.channel, &k.domain)
	if err != nil {
		return k, err
	}
	k.mail = publisher.Lot{Network: network}.Mail()
	l.lots.Store(lot, k)
	return k, nil
}

// CloseLots marks the lots that have nothing left to do, so that the next run
// need not look through them.
func (l *Ledger) CloseLots(ctx context.Context, lots []int64) error {
	return l.update(ctx, "close what is delivered", func(tx *sql.Tx) error {
		for _, lot := range lots {
			// On PostgreSQL the first statement waits for a plan that is just adding to
			// the lot, and the second one sees what it added.
			if _, err := tx.ExecContext(ctx, `UPDATE lots SET open = open WHERE n = $1`, lot); err != nil {
				return err
			}
			if err := closeLot(ctx, tx, lot); err != nil {
				return err
			}
		}
		return nil
	})
}

func closeLot(ctx context.Context, tx *sql.Tx, lot int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE lots SET open = 0 WHERE n = $1 AND NOT EXISTS
		(SELECT 1 FROM deliveries d WHERE d.lot = lots.n AND (d.state IN ($2, $3, $4, $5) OR d.state = $6 AND lots.list = 0))`,
		lot, publisher.StatePlanned, publisher.StateHeld, publisher.StateLeased, publisher.StateDeferred, publisher.StateUnknown)
	return err
}

// Counts tallies the selected lots by state.
func (l *Ledger) Counts(ctx context.Context, s publisher.Selection) ([]publisher.Tally, error) {
	const op = "count deliveries"
	tx, err := l.read.BeginTx(ctx, &sql.TxOptions{Isolation: l.snapshot(), ReadOnly: l.engine == postgres})
	if err != nil {
		return nil, l.fail(op, err)
	}
	defer tx.Rollback()
	lots, err := l.findLots(ctx, tx, s)
	if err != nil {
		return nil, l.fail(op, err)
	}
	tallies := make([]publisher.Tally, len(lots))
	for i, lot := range lots {
		tallies[i] = publisher.Tally{Lot: lot, States: map[publisher.State]int{}}
		err := each(ctx, tx, `SELECT state, count(*), min(due_at) FROM deliveries WHERE lot = $1 GROUP BY state`, []any{lot.ID}, func(r *sql.Rows) error {
			var state publisher.State
			var n int
			var due int64
			err := r.Scan(&state, &n, &due)
			tallies[i].States[state] = n
			if state == publisher.StateDeferred {
				tallies[i].Due = moment(due)
			}
			return err
		})
		if err != nil {
			return nil, l.fail(op, err)
		}
	}
	return tallies, nil
}

// snapshot is the isolation in which several reads see one moment; SQLite's
// transactions always do.
func (l *Ledger) snapshot() sql.IsolationLevel {
	if l.engine == postgres {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}
