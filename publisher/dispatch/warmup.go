package dispatch

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"crieur/publisher"
)

// A Rationer counts what senders' domains begin in a day. Leaser's Commit grants no
// more than a ration has places for.
type Rationer interface {
	Sendings(ctx context.Context, domain string, since time.Time) ([]publisher.Sending, error)
	// DueAgain and NextAgain are Worklist's for mails that have kept their place.
	DueAgain(ctx context.Context, lot publisher.Lot, after int64, since, now time.Time, limit int) ([]publisher.Delivery, error)
	NextAgain(ctx context.Context, lot int64, since time.Time) (time.Time, error)
}

// A Warmup makes a new sender known to mailbox providers little by little: on the
// first day so many mails are begun, and on any other one at most Grow times as many
// as on the best day before. A day on which less was sent, or nothing, does not count
// as progress.
type Warmup struct {
	Domain string  // the sender's
	First  int     // mails on the first day
	Grow   float64 // more than 1
	Until  int     // once a day may have more than so many, there is no limit any more
}

// warmFor is how long providers remember a sender: best days before that do not count.
// A monthly newsletter has to get on.
const warmFor = 45

// An Allowance is how far a warm-up's day has come.
type Allowance struct {
	Warmup
	publisher.Ration
	Sent int
	best int // on an earlier day
}

// Left is how many mails may still be begun today.
func (a Allowance) Left() int { return max(a.Most-a.Sent, 0) }

// Tomorrow is what the next day may have if nothing more is begun on this one.
func (a Allowance) Tomorrow() (most int, limited bool) {
	most = a.grown(max(a.best, a.Sent))
	return most, most < math.MaxInt
}

// Done gives the day on which so many mails more have been begun, if every day until
// then is used to the full.
func (a Allowance) Done(mails int) time.Time {
	day, most := a.Day, a.Most
	for left := mails - a.Left(); left > 0; left -= most {
		day, most = day.AddDate(0, 0, 1), a.grown(most)
		if most == math.MaxInt {
			break
		}
	}
	return day
}

// grown is what a day may have after one with so many mails.
func (w Warmup) grown(best int) int {
	most := max(float64(w.First), math.Floor(float64(best)*w.Grow))
	if most > float64(w.Until) {
		return math.MaxInt
	}
	return max(int(most), 1)
}

// Allow gives the day of a warm-up, in a time zone.
func (w Warmup) Allow(ctx context.Context, l Rationer, now time.Time, zone *time.Location) (Allowance, error) {
	now = now.In(zone)
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone)
	a := Allowance{Warmup: w, Ration: publisher.Ration{Domain: strings.ToLower(w.Domain), Day: day, Ends: day.AddDate(0, 0, 1)}}
	days, err := l.Sendings(ctx, a.Ration.Domain, day.AddDate(0, 0, -warmFor))
	if err != nil {
		return a, err
	}
	best := 0
	for _, s := range days {
		switch {
		case s.Day.Before(day):
			best = max(best, s.Mails)
		case s.Day.Before(a.Ends):
			a.Sent += s.Mails
		}
	}
	a.Most, a.best = w.grown(best), best
	return a, nil
}

// warming is a warm-up within a run.
type warming struct {
	Warmup
	mu    sync.Mutex
	today Allowance   // as it was when its day was first looked at
	spent atomic.Bool // the ledger had no place left
	kept  atomic.Bool // and mails were left waiting for that
}

// on gives the day, looking at the ledger when another one has begun.
func (w *warming) on(ctx context.Context, r *run) (Allowance, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := r.c.Now()
	if now.Before(w.today.Ends) && !now.Before(w.today.Day) {
		return w.today, nil
	}
	today, err := w.Allow(ctx, r.c.Ledger, now, r.c.Zone)
	if err == nil {
		w.today = today
		w.spent.Store(false)
	}
	return w.today, err
}

// rations gives those that a commit has to keep within, in an order that is always the
// same, and notes which mails need a place.
func (o *postroom) rations(wants []*parcel) (rations []publisher.Ration, err error) {
	if len(o.warming) == 0 {
		return nil, nil
	}
	for _, p := range wants {
		if p.warming == nil {
			continue
		}
		today, err := p.warming.on(context.WithoutCancel(o.ctx), o.run)
		if err != nil {
			return nil, err
		}
		if p.place = today.Day; p.placed(today.Day) {
			p.place = time.Time{}
		}
		if !slices.Contains(rations, today.Ration) {
			rations = append(rations, today.Ration)
		}
	}
	slices.SortFunc(rations, func(a, b publisher.Ration) int { return strings.Compare(a.Domain, b.Domain) })
	return rations, nil
}

// placed reports whether the mail has kept a place since the day began.
func (p *parcel) placed(day time.Time) bool {
	return p.State == publisher.StateDeferred && !p.Updated.Before(day)
}

// unwanted reports whether the mail is not to be claimed.
func (p *parcel) unwanted() bool {
	return p.stopped() || p.spent() && !p.placed(p.warming.began())
}

func (w *warming) began() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.today.Day
}

// spent reports whether the day has no place left for the lot's mails.
func (m *mailing) spent() bool {
	if m.warming == nil || !m.warming.spent.Load() {
		return false
	}
	m.warming.mu.Lock()
	over := !m.c.Now().Before(m.warming.today.Ends)
	m.warming.mu.Unlock()
	return !over
}

// more reports whether there are places again after all: another day has begun, or
// some were given back.
func (m *mailing) more() (bool, error) {
	today, err := m.warming.Allow(m.ctx, m.c.Ledger, m.c.Now(), m.c.Zone)
	if err != nil {
		if m.ctx.Err() != nil {
			err = nil
		}
		return false, err
	}
	if today.Left() == 0 {
		m.warming.kept.Store(true)
		return false, nil
	}
	m.warming.spent.Store(false)
	return true, nil
}

// page looks up mails that are due, of those only that have kept their place where the
// day has no other ones.
func (m *mailing) page(after int64) ([]publisher.Delivery, error) {
	if m.spent() {
		return m.c.Ledger.DueAgain(m.ctx, m.lot, after, m.warming.began(), m.c.Now(), pageSize)
	}
	return m.c.Ledger.Due(m.ctx, m.lot, after, m.c.Now(), pageSize)
}

// restSpent sleeps until a mail that has kept its place is due, and reports whether
// one is within the run's patience.
func (m *mailing) restSpent() (again bool, err error) {
	next, err := m.c.Ledger.NextAgain(m.ctx, m.lot.ID, m.warming.began())
	if err != nil {
		if m.ctx.Err() != nil {
			err = nil
		}
		return false, err
	}
	wait := next.Sub(m.c.Now())
	if next.IsZero() || wait > m.c.Retry.Patience {
		return false, nil
	}
	return m.c.Sleep(m.ctx, wait) == nil, nil
}

// spent gives the warm-ups whose day kept mails waiting.
func (r *run) spent() (spent []Allowance) {
	for _, w := range r.c.Warmups {
		one := r.warming[strings.ToLower(w.Domain)]
		if !one.kept.Load() {
			continue
		}
		if today, err := one.Allow(context.WithoutCancel(r.ctx), r.raw, r.c.Now(), r.c.Zone); err == nil {
			spent = append(spent, today)
		}
	}
	return spent
}
