package mail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"crieur/publisher"
)

const (
	askAfter   = 10 * time.Second // idle so long, a connection is asked before it is used
	renewAfter = time.Minute      // idle so long, it is not used again
	waitBusy   = 5 * time.Second  // a server that could not be reached is left alone so long, doubled each time up to
	waitMost   = time.Minute      // this; also after a refused login, since repeating one locks accounts
)

// A pool keeps the connections to one server.
type pool struct {
	server  Server
	config  Config
	pace    *pacer
	places  chan struct{} // one for each connection in use
	opening chan struct{} // held while dialling, until one connection has succeeded

	waiting  atomic.Int32 // callers without a place
	trusted  atomic.Bool  // the server has accepted a mail, and not refused us so often since
	away     atomic.Bool  // it was left alone, and has accepted no mail since
	row      atomic.Int32 // refusals in a row that are about us
	later    atomic.Int32 // mails in a row that it told to wait
	stepwise atomic.Bool  // it cannot take commands in blocks, whatever it says

	mu       sync.Mutex
	free     []*conn // the last one used stands last
	closed   bool
	live     int       // connections in use or free
	dialling int       // connections being made
	lost     int       // places given up because the server wants fewer connections
	proven   bool      // a connection has succeeded since the last failure
	failures int       // since it last accepted a mail
	until    time.Time // not to be tried before
	failure  *publisher.Error
}

func newPool(s Server, c Config) *pool {
	c.TLS = tlsConfig(s, c)
	return &pool{server: s, config: c, pace: c.Memory.of(s), places: make(chan struct{}, s.Connections), opening: make(chan struct{}, 1)}
}

// get gives a connection, one that was used before if there is any; fresh asks for a
// new one.
func (p *pool) get(ctx context.Context, fresh bool) (*conn, error) {
	for {
		if err := p.resting(); err != nil {
			return nil, err
		}
		if err := p.place(ctx); err != nil {
			return nil, err
		}
		for !fresh {
			k, ask := p.take()
			if k == nil {
				break
			}
			if !ask || k.alive(ctx) {
				return k, nil
			}
			p.drop(k)
		}
		k, crowded, err := p.open(ctx)
		switch {
		case err == nil:
			return k, nil
		case !crowded:
			<-p.places
			return nil, err
		}
		// The server has had enough connections from us. This place is given up until
		// the last of them is gone; wait for one of the others.
		fresh = false
	}
}

// place takes one of the places, of which there is one for each connection. Who waits
// is seen by those who hold one.
func (p *pool) place(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
		return nil
	default:
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	select {
	case p.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return p.interrupted(ctx)
	}
}

// drop closes a connection without a word.
func (p *pool) drop(k *conn) {
	k.dead = true
	k.quit()
	p.gone()
}

// gone counts a connection that was closed.
func (p *pool) gone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live--; p.live == 0 {
		p.proven = false
		p.restore()
	}
}

// restore gives back the places that were given up, once no connection is left to
// wait for.
func (p *pool) restore() {
	if p.live > 0 || p.dialling > 0 {
		return
	}
	for ; p.lost > 0; p.lost-- {
		<-p.places
	}
}

// take gives a free connection, or nil; ask is true where it has been idle.
func (p *pool) take() (k *conn, ask bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil, false
	}
	k, p.free = p.free[len(p.free)-1], p.free[:len(p.free)-1]
	idle := p.config.Now().Sub(k.idle)
	k.dead = k.dead || idle >= renewAfter
	return k, idle > askAfter
}

// put takes a connection back.
func (p *pool) put(k *conn) {
	defer func() { <-p.places }()
	p.mu.Lock()
	keep := !k.dead && !p.closed && k.sent < p.server.MessagesPerConnection
	if keep {
		k.idle, k.kept = p.config.Now(), true
		p.free = append(p.free, k)
	}
	p.mu.Unlock()
	if !keep {
		k.quit()
		p.gone()
	}
}

// open makes a connection. Until one has succeeded, they are made one after the
// other, so that a wrong password is tried once and not once per worker. crowded is
// true where it failed while others live or are being made: the caller's place is
// given up then.
func (p *pool) open(ctx context.Context) (k *conn, crowded bool, err error) {
	p.mu.Lock()
	proven := p.proven
	p.mu.Unlock()
	if !proven {
		select {
		case p.opening <- struct{}{}:
			defer func() { <-p.opening }()
		case <-ctx.Done():
			return nil, false, p.interrupted(ctx)
		}
		if err := p.resting(); err != nil {
			return nil, false, err
		}
	}
	p.mu.Lock()
	p.dialling++
	p.mu.Unlock()
	k, err = connect(ctx, p.server, p.config)
	if err == nil && p.stepwise.Load() {
		k.pipelining = false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialling--
	switch {
	case err == nil && p.closed:
		_ = k.net.Close()
		return nil, false, p.shut()
	case err == nil:
		p.live++
		p.proven, p.failure = true, nil
		return k, false, nil
	case ctx.Err() != nil:
		p.restore()
		return nil, false, p.interrupted(ctx)
	case (p.live > 0 || p.dialling > 0) && !p.closed:
		p.lost++
		return nil, true, err
	}
	p.proven = false
	p.rest(err)
	p.restore()
	return nil, false, p.stillResting()
}

// rest leaves the server alone for a while.
func (p *pool) rest(err error) {
	wait := min(waitBusy<<min(p.failures, 8), waitMost)
	if publisher.KindOf(err) == publisher.Denied {
		wait = waitMost
	}
	p.failures++
	p.until = p.config.Now().Add(wait)
	errors.As(err, &p.failure)
	p.away.Store(true)
}

// resting gives the error of the last failure while the server is left alone.
func (p *pool) resting() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.shut()
	}
	return p.stillResting()
}

func (p *pool) stillResting() error {
	if p.failure == nil || !p.config.Now().Before(p.until) {
		return nil
	}
	again := *p.failure
	if again.Kind == publisher.Busy {
		again.After = p.until
	}
	return &again
}

// close says goodbye on the free connections; those in use end when they are put back.
func (p *pool) close() {
	p.mu.Lock()
	free := p.free
	p.free, p.closed = nil, true
	p.mu.Unlock()
	var all sync.WaitGroup
	for _, k := range free {
		all.Go(func() { k.quit(); p.gone() })
	}
	all.Wait()
}

func (p *pool) shut() *publisher.Error {
	return &publisher.Error{Kind: publisher.Busy, Op: "send mail", Where: p.server.where(), Err: errors.New("the mailer is closed")}
}

func (p *pool) interrupted(ctx context.Context) error {
	return &publisher.Error{Kind: publisher.Busy, Op: "connect", Where: p.server.where(), Err: context.Cause(ctx)}
}

// together makes one error of what each server in turn said. It is Denied only if
// none of them may answer differently later.
func together(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	all := &publisher.Error{Kind: publisher.Denied, Err: errs[0]}
	for i, err := range errs {
		if i > 0 {
			all.Err = fmt.Errorf("%w; %w", all.Err, err)
		}
		if all.Hint == "" {
			all.Hint = publisher.HintOf(err)
		}
		if publisher.KindOf(err) == publisher.Denied {
			continue
		}
		all.Kind = publisher.Busy
		if after := publisher.AfterOf(err); all.After.IsZero() || !after.IsZero() && after.Before(all.After) {
			all.After = after
		}
	}
	return all
}
