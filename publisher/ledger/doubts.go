package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"sync"
	"time"

	"crieur/publisher"
)

// doubts are the claims of commits whose answer was lost: a database server that goes
// away may have taken them or not. Each commit marks what it leases, so that the same
// claim, made again, finds the lease that it has already. No other process can take it
// for its own.
type doubts struct {
	mu    sync.Mutex
	marks map[row][]string
}

// mark gives a word for the leases of one commit, which begins with leasesOf the
// session. A store that cannot be away, and that only one works on, needs none.
func (l *Ledger) mark() string {
	if l.engine != postgres {
		return ""
	}
	return leasesOf(l.session) + rand.Text()[:12]
}

func leasesOf(session string) string { return "lease " + session + " " }

// add notes what a commit that failed had wanted.
func (d *doubts) add(wants []publisher.Claim, mark string) {
	if mark == "" || len(wants) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.marks == nil {
		d.marks = map[row][]string{}
	}
	for _, w := range wants {
		k := row{w.Lot, w.ID}
		d.marks[k] = append(d.marks[k], mark)
	}
}

// end forgets what is granted.
func (d *doubts) end(granted []publisher.Claim) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range granted {
		delete(d.marks, row{g.Lot, g.ID})
	}
}

// rejoin grants those that an earlier commit has leased for us.
func (d *doubts) rejoin(ctx context.Context, q querier, wants []publisher.Claim, now, until time.Time, c *publisher.Commit) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.marks) == 0 {
		return nil
	}
	for _, w := range wants {
		marks := d.marks[row{w.Lot, w.ID}]
		if len(marks) == 0 {
			continue
		}
		which, args := in("receipt", []any{millis(now), millis(until), w.Lot, w.ID}, marks)
		err := each(ctx, q, `UPDATE deliveries SET updated_at = $1, due_at = $2 WHERE lot = $3 AND id = $4 AND state = 2 AND `+which+` RETURNING attempts`, args,
			func(r *sql.Rows) error {
				k := publisher.Claim{Lot: w.Lot, ID: w.ID}
				err := r.Scan(&k.Attempt)
				c.Granted = append(c.Granted, k)
				return err
			})
		if err != nil {
			return err
		}
	}
	return nil
}
