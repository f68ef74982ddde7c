package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"crieur/publisher"
)

// Commit records outcomes and then leases the wanted deliveries until the moment
// given, all in one transaction: whoever calls it for many lanes at once pays for
// one flush to disk.
//
// An outcome counts if its attempt is the one that the delivery stands at and the
// delivery is leased or unknown; else it is Late. A wanted delivery is Granted if it
// is planned, or deferred and due, and its lot released and not held; a mail moreover only if its reader's subscription
// is confirmed and their address not suppressed, else it becomes Suppressed; a part
// only if the part before it is accepted. What is neither was taken by someone else.
//
// After an error it is not known whether the commit took place. Giving the same
// outcomes again is harmless, and a delivery that it leased is granted when it is
// wanted again; of nobody who wants it that lease ends as every lost one does.
//
// Of lots whose domain has a ration among those given, no more are granted than it has
// places left, whoever else takes of it; then the domain is among the Spent. A mail
// that it had told to wait on the same day needs no other place.
func (l *Ledger) Commit(ctx context.Context, outcomes []publisher.Outcome, wants []publisher.Claim, now, until time.Time, rations ...publisher.Ration) (publisher.Commit, error) {
	const op = "record deliveries"
	var c publisher.Commit
	keys, err := l.keys(ctx, outcomes, wants)
	if err != nil {
		return c, l.fail(op, err)
	}
	log := l.log.Load()
	if err := log.wanted(wants); err != nil {
		return c, l.fail(op, err)
	}
	mark := l.mark()
	err = l.update(ctx, op, func(tx *sql.Tx) error {
		c = publisher.Commit{}
		q := l.statements.in(tx)
		rationed, err := shares(ctx, q, rations)
		if err != nil {
			return err
		}
		if err := settle(ctx, q, keys, outcomes, &c); err != nil {
			return err
		}
		if err := takenBack(ctx, q, keys, outcomes, c.Late, rationed); err != nil {
			return err
		}
		if err := l.refused(ctx, tx, outcomes, c.Late); err != nil {
			return err
		}
		if err := l.doubts.rejoin(ctx, q, wants, now, until, &c); err != nil {
			return err
		}
		for _, group := range byLot(wants) {
			key := keys[group[0].Lot]
			if err := claimWithin(ctx, tx, q, rationed[strings.ToLower(key.domain)], key, group, mark, now, until, &c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.doubts.add(wants, mark)
		return publisher.Commit{}, err
	}
	l.doubts.end(c.Granted)
	log.committed(outcomes, wants, c.Granted)
	l.statements.learn(ctx, l.write)
	return c, nil
}

func (l *Ledger) keys(ctx context.Context, outcomes []publisher.Outcome, wants []publisher.Claim) (map[int64]lotKey, error) {
	keys := map[int64]lotKey{}
	look := func(lot int64) error {
		if _, ok := keys[lot]; ok {
			return nil
		}
		k, err := l.key(ctx, lot)
		keys[lot] = k
		return err
	}
	for _, o := range outcomes {
		if err := look(o.Lot); err != nil {
			return nil, err
		}
	}
	for _, w := range wants {
		if err := look(w.Lot); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

const (
	outcomeWidth = 7
	outcomeRows  = bound / outcomeWidth
)

// settle writes the outcomes, in as few statements as their number allows; their
// sizes are powers of two, so that few different ones have to be prepared.
func settle(ctx context.Context, tx querier, keys map[int64]lotKey, outcomes []publisher.Outcome, c *publisher.Commit) error {
	for len(outcomes) > 0 {
		n := 1
		for n*2 <= min(len(outcomes), outcomeRows) {
			n *= 2
		}
		n = unlike(outcomes[:n])
		if err := settleSome(ctx, tx, keys, outcomes[:n], c); err != nil {
			return err
		}
		outcomes = outcomes[n:]
	}
	return nil
}

// unlike gives how many outcomes from the first are of different deliveries: no
// statement may change a row twice.
func unlike(outcomes []publisher.Outcome) int {
	type row struct{ lot, id int64 }
	seen := make(map[row]bool, len(outcomes))
	for i, o := range outcomes {
		if seen[row{o.Lot, o.ID}] {
			return i
		}
		seen[row{o.Lot, o.ID}] = true
	}
	return len(outcomes)
}

func settleSome(ctx context.Context, tx querier, keys map[int64]lotKey, outcomes []publisher.Outcome, c *publisher.Commit) error {
	args := make([]any, 0, len(outcomes)*outcomeWidth)
	for _, o := range outcomes {
		due := int64(0)
		if o.State == publisher.StateDeferred {
			due = millis(o.After)
		}
		args = append(args, o.Lot, o.ID, int64(o.State), o.Attempt, millis(o.Ended), due, packReceipt(keys[o.Lot], o))
	}
	taken := make(map[publisher.Claim]bool, len(outcomes))
	err := each(ctx, tx, `INSERT INTO deliveries (lot, id, state, attempts, updated_at, due_at, receipt) VALUES `+
		rows(len(outcomes), outcomeWidth)+`
		ON CONFLICT (lot, id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at,
			due_at = excluded.due_at, receipt = excluded.receipt
		WHERE deliveries.attempts = excluded.attempts AND deliveries.state IN (2, 7)
		RETURNING lot, id, attempts`, args, func(r *sql.Rows) error {
		var k publisher.Claim
		err := r.Scan(&k.Lot, &k.ID, &k.Attempt)
		taken[k] = true
		return err
	})
	if err != nil {
		return err
	}
	if err := reopen(ctx, tx, outcomes, taken); err != nil {
		return err
	}
	for _, o := range outcomes {
		if !taken[o.Claim] {
			c.Late = append(c.Late, o.Claim)
			continue
		}
		if o.State == publisher.StateAccepted && o.Cost > 0 {
			if err := spend(ctx, tx, keys[o.Lot].channel, o); err != nil {
				return err
			}
		}
		if o.State == publisher.StateAccepted && o.Problem == "" && keys[o.Lot].mail || o.State == publisher.StatePlanned && o.Started.IsZero() {
			continue
		}
		if err := keep(ctx, tx, o); err != nil {
			return err
		}
	}
	return nil
}

// reopen opens the lots of what is to be tried again and had been given up as unknown
// meanwhile: without it, they may have been done with. That an attempt was given up
// stands among the attempts.
func reopen(ctx context.Context, tx querier, outcomes []publisher.Outcome, taken map[publisher.Claim]bool) error {
	again := map[int64][]int64{}
	for _, o := range outcomes {
		if taken[o.Claim] && (o.State == publisher.StatePlanned || o.State == publisher.StateDeferred) {
			again[o.Lot] = append(again[o.Lot], o.ID)
		}
	}
	for lot, ids := range again {
		which, args := in("id", []any{lot, lot, publisher.StateUnknown}, ids)
		if _, err := tx.ExecContext(ctx, `UPDATE lots SET open = 1 WHERE n = $1 AND EXISTS
			(SELECT 1 FROM attempts WHERE lot = $2 AND state = $3 AND `+which+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}

// keep keeps an attempt. A later outcome of the same attempt, such as the answer
// that a look at the network gave, takes its place but not its beginning.
func keep(ctx context.Context, tx querier, o publisher.Outcome) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO attempts (lot, id, n, state, kind, code, started_at, ended_at, problem)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (lot, id, n) DO UPDATE SET state = excluded.state, kind = excluded.kind, code = excluded.code,
			ended_at = excluded.ended_at, problem = excluded.problem`,
		o.Lot, o.ID, o.Attempt, int64(o.State), int64(o.Kind), o.Code, millis(o.Started), millis(o.Ended), storable(o.Problem))
	return err
}

// storable is a server's text as both engines take it.
func storable(s string) string {
	const longest = 1000
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= longest {
		return s
	}
	cut := longest
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

func byLot(wants []publisher.Claim) map[int64][]publisher.Claim {
	groups := map[int64][]publisher.Claim{}
	for _, w := range wants {
		groups[w.Lot] = append(groups[w.Lot], w)
	}
	return groups
}

// entitled holds for a delivery whose reader gets mail now; $5 is the list.
const entitled = `EXISTS (SELECT 1 FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber
	WHERE s.list = $5 AND s.subscriber = deliveries.id AND s.status = 1
	AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.hash = r.hash))`

// inTurn holds for a part whose predecessor is accepted; $5 is that state.
const inTurn = `NOT EXISTS (SELECT 1 FROM deliveries p WHERE p.lot = deliveries.lot AND p.id = deliveries.id - 1 AND p.state <> $5)`

// due holds for a delivery that may be leased; $6 is now.
const due = `state IN (0, 4) AND due_at <= $6`

// released holds for the deliveries of a lot that may go out; $7 is the lot, $8 now.
const released = `EXISTS (SELECT 1 FROM lots t WHERE t.n = $7 AND t.held = '' AND t.release_at <= $8)`

// claimWithin claims what a ration has places for; nil: there is none.
func claimWithin(ctx context.Context, tx, q querier, s *share, key lotKey, wants []publisher.Claim, mark string, now, until time.Time, c *publisher.Commit) error {
	if s == nil || !key.mail {
		return claim(ctx, q, key, wants, mark, now, until, c)
	}
	kept, counted, err := s.within(ctx, tx, wants)
	if err != nil {
		return err
	}
	if len(kept) < len(wants) && !slices.Contains(c.Spent, s.Domain) {
		c.Spent = append(c.Spent, s.Domain)
	}
	before := len(c.Granted)
	if err := claim(ctx, q, key, kept, mark, now, until, c); err != nil {
		return err
	}
	used := 0
	for _, g := range c.Granted[before:] {
		if counted[g.ID] {
			used++
		}
	}
	return s.use(ctx, tx, used)
}

func claim(ctx context.Context, tx querier, key lotKey, wants []publisher.Claim, mark string, now, until time.Time, c *publisher.Commit) error {
	for len(wants) > 0 {
		n := min(len(wants), 256)
		if err := claimSome(ctx, tx, key, wants[:n], mark, now, until, c); err != nil {
			return err
		}
		wants = wants[n:]
	}
	return nil
}

func claimSome(ctx context.Context, tx querier, key lotKey, wants []publisher.Claim, mark string, now, until time.Time, c *publisher.Commit) error {
	lot := wants[0].Lot
	ids := make([]int64, len(wants))
	for i, w := range wants {
		ids[i] = w.ID
	}
	condition, fifth := inTurn, int64(publisher.StateAccepted)
	if key.mail {
		condition, fifth = entitled, key.list
	}
	args, n := padded([]any{millis(now), millis(until), mark, lot, fifth, millis(now), lot, millis(now)}, ids)
	before := len(c.Granted)
	err := each(ctx, tx, `UPDATE deliveries SET state = 2, attempts = attempts + 1, updated_at = $1, due_at = $2, receipt = $3
		WHERE lot = $4 AND `+condition+` AND `+due+` AND `+released+` AND id IN (`+placeholders(9, n)+`) RETURNING id, attempts`, args,
		func(r *sql.Rows) error {
			k := publisher.Claim{Lot: lot}
			err := r.Scan(&k.ID, &k.Attempt)
			c.Granted = append(c.Granted, k)
			return err
		})
	if err != nil || !key.mail || len(c.Granted)-before == len(wants) {
		return err
	}
	args, n = padded([]any{millis(now), int64(publisher.StateSuppressed), "", lot, fifth, millis(now)}, ids)
	return each(ctx, tx, `UPDATE deliveries SET updated_at = $1, due_at = 0, state = $2, receipt = $3
		WHERE lot = $4 AND NOT `+entitled+` AND `+due+` AND id IN (`+placeholders(7, n)+`) RETURNING id, attempts`, args,
		func(r *sql.Rows) error {
			k := publisher.Claim{Lot: lot}
			err := r.Scan(&k.ID, &k.Attempt)
			c.Suppressed = append(c.Suppressed, k)
			return err
		})
}

// packReceipt gives a receipt as it is stored. A mail's, whose ID follows from its
// key, is the server's reply alone: a million of them should not weigh more.
func packReceipt(key lotKey, o publisher.Outcome) string {
	if o.State != publisher.StateAccepted {
		return ""
	}
	r := o.Receipt
	if key.mail && key.domain != "" && r.URL == "" && r.Ref == "" && strings.HasSuffix(r.ID, "@"+key.domain) && !strings.HasPrefix(r.Reply, "{") {
		return storable(r.Reply)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return ""
	}
	return storable(string(text))
}

// unpackReceipt is packReceipt read back, for the delivery with that key.
func unpackReceipt(text, deliveryKey, domain string, at time.Time) (r publisher.Receipt) {
	if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &r) == nil {
		return r
	}
	r.Reply, r.At = text, at
	if deliveryKey != "" && domain != "" {
		r.ID = deliveryKey + "@" + domain
	}
	return r
}
