package mail

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"crieur/publisher"
)

// A Rate is how many mails a server takes in a time; the zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// spacing is the time between two mails.
func (r Rate) spacing() time.Duration {
	if r.Count <= 0 {
		return 0
	}
	return r.Per / time.Duration(r.Count)
}

const (
	slowEvery = 2 * time.Second // a burst of mails that are told to wait counts once in this time
	slowest   = time.Second     // between two mails at most, where nothing slower is configured
	recovery  = 60              // seconds to win half of a speed back
)

// A pacer spaces mails evenly, so that no hour's allowance goes out in its first
// minute. A server that asks for less gets half as many, and a little more again with
// each that it takes. Safe for concurrent use. Its clock is the machine's.
type pacer struct {
	spacing atomic.Int64 // now; 0: none
	least   time.Duration
	sent    atomic.Int64 // since the last reckoning
	turn    chan struct{}

	mu     sync.Mutex
	next   time.Time
	was    float64 // mails per second before they were slowed; 0: they are not
	slowed time.Time
	since  time.Time
}

func newPacer(r Rate) *pacer {
	p := &pacer{least: r.spacing(), since: time.Now(), turn: make(chan struct{}, 1)}
	p.spacing.Store(int64(p.least))
	return p
}

// A Memory keeps the pace of servers while mailers are opened and closed: a rate holds
// for all of them together. Safe for concurrent use; the zero Memory is ready.
type Memory struct {
	mu     sync.Mutex
	pacers map[paced]*pacer
}

// paced is what a pace belongs to; with another rate it is another one.
type paced struct {
	name, host string
	port       int
	rate       Rate
}

// of gives the pacer of a server; a nil Memory makes a new one.
func (m *Memory) of(s Server) *pacer {
	if m == nil {
		return newPacer(s.Rate)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := paced{s.Name, s.Host, s.Port, s.Rate}
	if m.pacers == nil {
		m.pacers = map[paced]*pacer{}
	}
	if m.pacers[k] == nil {
		m.pacers[k] = newPacer(s.Rate)
	}
	return m.pacers[k]
}

// spaced reports whether mails may have to wait.
func (p *pacer) spaced() bool { return p.spacing.Load() != 0 }

// unpaced is the error of a mail whose turn did not come in time. It was surely
// not sent.
func (p *pool) unpaced(err error) error {
	return &publisher.Error{Kind: publisher.Busy, Op: "wait for smtp." + p.server.Name + ".rate", Err: err}
}

// wait waits until a mail may go. Its error is ctx's; then no place is lost, so that
// runs which end one after the other still get on.
func (p *pacer) wait(ctx context.Context) error {
	if !p.spaced() {
		return nil
	}
	select {
	case p.turn <- struct{}{}: // of those who wait one looks at the clock
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.turn }()
	p.mu.Lock()
	at := p.next
	p.mu.Unlock()
	if now := time.Now(); at.Before(now.Add(-lag)) {
		at = now
	} else if at.After(now) {
		t := time.NewTimer(at.Sub(now))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
	p.mu.Lock()
	p.next = at.Add(time.Duration(p.spacing.Load()))
	p.mu.Unlock()
	return nil
}

// lag is by how much a place may be taken late without moving those after it: timers
// are not exact, and quick servers take many mails meanwhile.
const lag = 5 * time.Millisecond

// slow halves the speed: the one that there is, or the one that was measured.
func (p *pacer) slow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.slowed) < slowEvery {
		return
	}
	rate := perSecond(time.Duration(p.spacing.Load()))
	if rate == 0 {
		rate = float64(p.sent.Load()) / max(now.Sub(p.since).Seconds(), 0.1)
	}
	if rate == 0 {
		return // it has taken nothing yet: less of that is no help
	}
	if p.was == 0 {
		p.was = rate
	}
	p.set(max(rate/2, min(perSecond(slowest), rate)))
	p.slowed, p.since = now, now
	p.sent.Store(0)
}

// well counts a mail that was accepted.
func (p *pacer) well() {
	p.sent.Add(1)
	if time.Duration(p.spacing.Load()) == p.least {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	rate := perSecond(time.Duration(p.spacing.Load()))
	if rate == 0 || p.was == 0 {
		return
	}
	rate += max(p.was, 1) / 2 / recovery / rate
	if most := perSecond(p.least); most > 0 && rate >= most || most == 0 && rate >= 2*p.was {
		p.was = 0
		p.spacing.Store(int64(p.least))
		return
	}
	p.set(rate)
}

func (p *pacer) set(rate float64) { p.spacing.Store(int64(float64(time.Second) / rate)) }

func perSecond(spacing time.Duration) float64 {
	if spacing == 0 {
		return 0
	}
	return float64(time.Second) / float64(spacing)
}
