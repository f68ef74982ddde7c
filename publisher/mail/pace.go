package mail

import (
	"context"
	"sync"
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

// A pacer spaces mails evenly, so that no hour's allowance goes out in its first
// minute. Safe for concurrent use.
type pacer struct {
	spacing time.Duration
	mu      sync.Mutex
	next    time.Time
}

// unpaced is the error of a mail whose turn did not come in time. It was surely
// not sent.
func (p *pool) unpaced(err error) error {
	return &publisher.Error{Kind: publisher.Busy, Op: "wait for smtp." + p.server.Name + ".rate", Err: err}
}

// wait takes the next place and waits for it. Its error is ctx's, and then the
// place is lost: a mail that was not sent counts as one that was.
func (p *pacer) wait(ctx context.Context) error {
	if p.spacing == 0 {
		return nil
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	at := p.next
	p.next = p.next.Add(p.spacing)
	p.mu.Unlock()
	if at.Equal(now) {
		return nil
	}
	t := time.NewTimer(at.Sub(now))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
