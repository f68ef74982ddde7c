package dispatch

import (
	"sync"
	"sync/atomic"
	"time"

	"crieur/publisher"
)

const (
	// roomMost is how many mails are granted at a time at most, where a logbook keeps
	// the doubt after a crash to those on the wire.
	roomMost = 1024
	// linger is how long outcomes wait for others to be committed with, where a logbook
	// has them meanwhile.
	linger = 25 * time.Millisecond
)

// A parcel is a mail on its way through the postroom.
type parcel struct {
	*mailing
	publisher.Delivery
	claim   publisher.Claim
	until   time.Time // of its lease
	gate    *gate     // nil: it never waits
	place   time.Time // the day of whose ration it takes a place; zero: none
	outcome publisher.Outcome
	slow    bool // the other side wants less at a time
}

// back reports whether the mail was granted and given back, not begun.
func (p *parcel) back() bool {
	return p.outcome.State == publisher.StatePlanned && p.outcome.Started.IsZero()
}

// A postroom is where the mails of a run pass. Its clerk claims those that are due,
// lays them ready for the lanes and records how they ended, as many as he can with one
// commit: outcomes together with new claims.
//
// Whatever has been granted and is not recorded yet would be in doubt if the process
// died now. Without a logbook that is never more than there are lanes. With one, the
// lanes need not wait for the disk: mails lie ready ahead of them, no more than keep
// them busy.
type postroom struct {
	*run
	log    Logbook // nil: none is kept
	lanes  int
	offers chan []*parcel
	ready  chan *parcel
	wake   chan struct{} // something ended, or a lane found nothing ready
	dry    atomic.Bool   // a lane found nothing ready
	rooms  atomic.Int64  // how often there was room again at the gates

	mu    sync.Mutex
	ended []*parcel

	// The clerk's own.
	room    int       // how many may be granted at a time
	most    int       // what room may grow to
	granted int       // and not recorded
	waiting []*parcel // offered and not wanted yet
	gates   *gates    // where those wait that may not go yet
	looked  time.Time // when those were last looked through
	began   time.Time
	sent    int
	failure error // the ledger's: nothing is recorded any more
}

func (r *run) openPostroom() (*postroom, error) {
	now := time.Now()
	o := &postroom{run: r, lanes: r.c.Lanes, room: r.c.Lanes, most: r.c.Lanes, gates: newGates(r.c.Groups, r.c.Paces, now), began: now,
		offers: make(chan []*parcel), wake: make(chan struct{}, 1)}
	if courier, ok := r.c.Mailer.(publisher.Courier); ok {
		o.lanes = min(o.lanes, courier.Lanes())
	}
	if log, ok := r.raw.(Logbook); ok && r.exclusive {
		kept, err := log.KeepLog(max(roomMost, o.room))
		if err != nil {
			return nil, err
		}
		if kept {
			o.log, o.most = log, max(roomMost, o.room)
		}
	}
	o.ready = make(chan *parcel, o.most)
	return o, nil
}

// work is the clerk's day: until nothing more is offered and all is recorded.
func (o *postroom) work() {
	defer close(o.ready)
	defer func() { o.c.Paces.remember(o.gates) }()
	timer, turn := time.NewTimer(linger), time.NewTimer(linger)
	timer.Stop()
	turn.Stop()
	armed, due, open := false, false, true
	for {
		n := o.toRecord()
		for open && len(o.waiting) == 0 && o.granted-n < o.room {
			select {
			case page, more := <-o.offers:
				o.sort(page)
				open = more
				continue
			default:
			}
			break
		}
		if len(o.gates.held) > 0 || o.gates.full {
			o.lookThrough()
			turn.Reset(min(o.gates.next(), lookEvery))
		}
		switch {
		case !open && o.granted == 0 && len(o.waiting) == 0 && len(o.gates.held) == 0:
			timer.Stop()
			turn.Stop()
			return
		case o.worthwhile(n, due):
			o.commit(o.take())
			timer.Stop()
			armed, due = false, false
			continue
		}
		if n > 0 && !armed {
			timer.Reset(linger)
			armed = true
		}
		offers := o.offers
		if !open || len(o.waiting) > 0 {
			offers = nil
		}
		select {
		case page, more := <-offers:
			o.sort(page)
			open = more
		case <-o.wake:
		case <-turn.C:
		case <-timer.C:
			armed, due = false, true
		}
	}
}

// worthwhile reports whether it is time for a commit with n outcomes.
func (o *postroom) worthwhile(n int, due bool) bool {
	wants := min(len(o.waiting)+o.gates.allowed(time.Now()), o.room-o.granted+n)
	switch {
	case n+wants == 0:
		return false
	case o.log == nil, o.failure != nil, n >= most, due && n > 0:
		return true
	case n > 0 && n == o.granted && len(o.waiting) == 0:
		return true // nothing is on its way that could be waited for
	}
	return wants > 0 && (len(o.ready) == 0 || o.dry.Load())
}

// toRecord gives how many mails have ended and are not recorded.
func (o *postroom) toRecord() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.ended)
}

// take gives what has ended.
func (o *postroom) take() []*parcel {
	o.mu.Lock()
	defer o.mu.Unlock()
	ended := o.ended
	o.ended = make([]*parcel, 0, len(ended))
	return ended
}

// commit records what has ended, and claims as many of those that wait as there is
// room for.
func (o *postroom) commit(ended []*parcel) {
	if o.dry.Swap(false) && len(o.waiting) > o.room-o.granted+len(ended) {
		o.room = min(2*o.room, o.most) // the lanes are faster than what lay ready
	}
	wants := o.choose(min(o.room-o.granted+len(ended), most))
	var c publisher.Commit
	var until time.Time
	if o.failure == nil {
		outcomes := make([]publisher.Outcome, len(ended))
		for i, p := range ended {
			outcomes[i] = p.outcome
		}
		claims := make([]publisher.Claim, len(wants))
		for i, p := range wants {
			claims[i] = publisher.Claim{Lot: p.lot.ID, ID: p.Recipient.ID, Attempt: p.Attempts + 1}
		}
		rations, err := o.rations(wants)
		if o.failure = err; err == nil {
			c, until, o.failure = o.persist(outcomes, claims, rations...)
		}
		if o.failure != nil {
			o.fail(o.failure)
		}
	}
	o.recorded(ended, c.Late)
	o.lay(wants, c, until)
}

// choose takes up to n of the mails that wait, without those that are not to be begun:
// first those whose gate lets them through, since they have waited longer.
func (o *postroom) choose(n int) []*parcel {
	var chosen []*parcel
	for _, p := range o.gates.pass(n, time.Now()) {
		if p.unwanted() || o.failure != nil {
			p.gate.out--
			p.out.Done()
			continue
		}
		chosen = append(chosen, p)
	}
	for len(o.waiting) > 0 && len(chosen) < n {
		p := o.waiting[0]
		o.waiting = o.waiting[1:]
		if p.unwanted() || o.failure != nil {
			p.out.Done()
			continue
		}
		if p.gate != nil {
			p.gate.out++
		}
		chosen = append(chosen, p)
	}
	return chosen
}

// recorded tells of what is in the ledger now.
func (o *postroom) recorded(ended []*parcel, late []publisher.Claim) {
	o.granted -= len(ended)
	o.pace(ended)
	missed := make(map[publisher.Claim]bool, len(late))
	for _, l := range late {
		missed[l] = true
	}
	for _, p := range ended {
		if o.failure == nil && !p.back() && !missed[p.claim] {
			o.tell(applied(p.Delivery, p.outcome))
		}
		p.out.Done()
	}
}

// lay makes those ready that were granted.
func (o *postroom) lay(wants []*parcel, c publisher.Commit, until time.Time) {
	for _, domain := range c.Spent {
		o.warming[domain].spent.Store(true)
	}
	granted := make(map[row]publisher.Claim, len(c.Granted))
	for _, g := range c.Granted {
		granted[row{g.Lot, g.ID}] = g
	}
	suppressed := make(map[row]bool, len(c.Suppressed))
	for _, s := range c.Suppressed {
		suppressed[row{s.Lot, s.ID}] = true
	}
	for _, p := range wants {
		k := row{p.lot.ID, p.Recipient.ID}
		claim, ok := granted[k]
		if ok {
			delete(granted, k) // whoever asked for the same one gets nothing
			p.claim, p.until = claim, until
			o.granted++
			o.ready <- p
			continue
		}
		if p.gate != nil {
			p.gate.out--
		}
		if suppressed[k] {
			delete(suppressed, k)
			p.State, p.Updated = publisher.StateSuppressed, o.c.Now()
			o.tell(p.Delivery)
		}
		p.out.Done()
	}
}

// hand gives the clerk a mail that has ended.
func (o *postroom) hand(p *parcel) {
	o.mu.Lock()
	o.ended = append(o.ended, p)
	n := len(o.ended)
	o.mu.Unlock()
	if n == 1 || n == most {
		o.call()
	}
}

// call makes the clerk look up.
func (o *postroom) call() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
