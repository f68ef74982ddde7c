package mail

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"crieur/publisher"
)

var _ publisher.Courier = (*SMTP)(nil)

// Lanes is how many connections there can be to the server that allows the most:
// the later servers only stand in for the first.
func (s *SMTP) Lanes() int {
	n := 0
	for _, p := range s.pools {
		n = max(n, p.server.Connections)
	}
	return n
}

// Carry works through a round. On a server that takes commands in blocks, one block
// is a message, its final dot and the envelope of the next message (RFC 2920 §3.1), so
// that a mail costs one turn; a third mail is built meanwhile.
func (s *SMTP) Carry(ctx context.Context, r publisher.Round) {
	l := lane{SMTP: s, ctx: ctx, round: r}
	defer l.end()
	for l.head(true) != nil {
		if l.wary && !l.begin() {
			continue
		}
		if p, k, err := l.connect(); err != nil {
			l.done(publisher.Receipt{}, err)
		} else {
			l.travel(p, k)
		}
	}
}

// A lane is one Carry: the mails it has taken, which go in this order.
type lane struct {
	*SMTP
	ctx    context.Context
	round  publisher.Round
	taken  [ahead]*job
	n      int
	wary   bool              // the last mail was forbidden: no connection is made for the next before it is allowed
	letter *publisher.Letter // the last one, and what was compiled of it
	form   *Compiled
}

// ahead is how many mails a lane takes at most: one that is under way, one whose
// envelope is, one that is being built.
const ahead = 3

// tail is more than the final dot and the next mail's envelope take.
const tail = 2048

// A job is a mail, built. Its buffer is used again.
type job struct {
	mail     publisher.Mail
	envelope envelope
	buf      []byte // room for signatures, and the message
	msg      []byte // the message, at the end of buf
	offered  bool   // its envelope is on its way
	again    bool   // a kept connection died under it once
	begun    bool
	within   time.Duration // for its end, once begun
}

// head gives the mail whose turn it is; nil: there is none.
func (l *lane) head(wait bool) *job {
	if l.n == 0 && !l.load(wait) {
		return nil
	}
	return l.taken[0]
}

// load takes one more mail and builds it. One that cannot be built ends at once:
// whatever fails after DATA leaves a truncated mail behind.
func (l *lane) load(wait bool) bool {
	for l.n < ahead {
		m, ok := l.round.Next(wait)
		if !ok {
			return false
		}
		j, _ := l.jobs.Get().(*job)
		if j == nil {
			j = new(job)
		}
		if err := l.build(j, m); err != nil {
			l.jobs.Put(j)
			l.round.Done(m, publisher.Receipt{}, err)
			continue
		}
		l.taken[l.n] = j
		l.n++
		return true
	}
	return false
}

func (l *lane) build(j *job, m publisher.Mail) (err error) {
	if l.form == nil || l.letter != m.Letter {
		if l.form, err = l.compiled(m.Letter); err != nil {
			return err
		}
		l.letter = m.Letter
	}
	j.mail, j.offered, j.again, j.begun = m, false, false, false
	// Signing takes a core for about a millisecond. It is done here, so that it overlaps
	// with what this and the other lanes wait for.
	j.buf, j.envelope, err = l.form.append(l.form.sign.reserve(j.buf[:0]), m)
	if err != nil {
		return err
	}
	j.buf = slices.Grow(j.buf, tail)
	j.msg, err = l.form.sign.sign(j.buf, l.now())
	return err
}

// drop forgets the mail at the head.
func (l *lane) drop() {
	j := l.taken[0]
	copy(l.taken[:], l.taken[1:])
	l.n--
	l.taken[l.n] = nil
	j.mail = publisher.Mail{}
	l.jobs.Put(j)
}

// done tells how the mail at the head ended.
func (l *lane) done(r publisher.Receipt, err error) {
	m := l.taken[0].mail
	l.drop()
	l.round.Done(m, r, err)
}

// end gives up what is taken and was not begun.
func (l *lane) end() {
	for l.n > 0 {
		l.drop()
	}
}

// connect gives a connection for the mail at the head: to the first server that can
// be reached.
func (l *lane) connect() (*pool, *conn, error) {
	var errs []error
	for _, p := range l.pools {
		if err := p.pace.wait(l.ctx); err != nil {
			return nil, nil, p.unpaced(err)
		}
		k, err := p.get(l.ctx, l.taken[0].again)
		if err == nil {
			return p, k, nil
		}
		if l.ctx.Err() != nil {
			return nil, nil, err
		}
		errs = append(errs, err)
	}
	return nil, nil, together(errs)
}

// travel carries mails over one connection: the one at the head, and those after it
// until there is none ready or the connection is to be given back.
func (l *lane) travel(p *pool, k *conn) {
	stop := context.AfterFunc(l.ctx, func() { _ = k.net.Close() })
	defer func() {
		for _, j := range l.taken[:l.n] {
			j.offered = false
		}
		if k.reset(); !stop() {
			k.dead = true
		}
		p.put(k)
	}()
	for moved := false; !k.dead; moved = true {
		j := l.head(false)
		if j == nil || moved && !j.offered && p.wanted(k) {
			return
		}
		if err := l.announce(k, j); err != nil {
			p.doubt(k, err)
			if l.elsewhere(p, k, j, err) {
				return
			}
			k.used()
			l.done(publisher.Receipt{}, l.outcome(p, err))
			continue
		}
		if !l.begin() {
			k.dead = true // it waits for the message: nothing else can be said to it
			return
		}
		if !l.transmit(p, k, j) {
			return
		}
	}
}

// begin lets the mail at the head go, or gives it up where that is forbidden.
func (l *lane) begin() bool {
	j := l.taken[0]
	if !j.begun {
		within, err := l.round.Begin(j.mail)
		if l.wary = err != nil; l.wary {
			l.drop()
			return false
		}
		j.begun, j.within = true, within
	}
	return true
}

// announce brings the dialogue to where the server waits for the message.
func (l *lane) announce(k *conn, j *job) error {
	if !j.offered {
		if err := k.fits(j.envelope, len(j.msg)); err != nil {
			return err
		}
		if err := k.offer(j.envelope, len(j.msg)); err != nil {
			return err
		}
	}
	return k.admitted(j.envelope, len(j.msg))
}

// transmit sends the message at the head, with the envelope of the next one if that
// is ready, and hears how it ended. It reports false where the mail goes elsewhere.
func (l *lane) transmit(p *pool, k *conn, j *job) bool {
	limit := 10 * k.timeout
	if j.within > 0 {
		limit = min(limit, j.within)
	}
	block := append(j.msg, ".\r\n"...)
	if k.pipelining && (l.n > 1 || l.load(false)) && !p.wanted(k) {
		if next := l.taken[1]; k.fits(next.envelope, len(next.msg)) == nil {
			block, next.offered = k.appendEnvelope(block, next.envelope, len(next.msg)), true
		}
	}
	k.used()
	err := k.hand(block, limit)
	var r reply
	if err == nil {
		l.load(false)
		r, err = k.verdict()
	}
	if err != nil {
		if l.elsewhere(p, k, j, err) {
			return false
		}
		l.done(publisher.Receipt{}, l.outcome(p, err))
		return true
	}
	p.accepted()
	l.done(publisher.Receipt{ID: j.mail.MessageID(), Reply: r.String(), At: l.now()}, nil)
	return true
}

// outcome gives what delivering ended with the kind that publisher.Mailer promises.
func (l *lane) outcome(p *pool, err error) error {
	e := &publisher.Error{Op: "send mail", Where: p.server.where(), Err: err}
	var no *refusal
	var b *breakage
	var m *misfit
	switch {
	case errors.As(err, &no):
		e.Kind = kindOf(no.at, no.reply, p.trusted.Load())
		e.Code = codeOf(e.Kind, no.at, no.reply)
		if e.Kind == publisher.Invalid || e.Kind == publisher.Busy {
			e.Verdict = verdictOf(no.at, no.reply, p.trusted.Load())
		}
		p.refused(no, e, len(l.pools) > 1)
		if e.Kind == publisher.Denied {
			e.Hint = refusesUs
		}
	case errors.As(err, &b):
		e.Kind = publisher.Busy
		if b.perhaps {
			e.Kind = publisher.Unknown
		}
		if l.ctx.Err() != nil {
			b.err = context.Cause(l.ctx)
		}
	case errors.As(err, &m):
		e.Kind, e.Hint = publisher.Invalid, m.hint
		if m.sender {
			e.Kind = publisher.Denied
		}
	}
	return e
}

// used counts a mail that the connection was used for.
func (k *conn) used() { k.sent, k.kept = k.sent+1, true }

// wanted reports whether a connection is to be given back before the next mail:
// because it has carried enough, someone waits for a place, the server is left alone,
// or mails are spaced.
func (p *pool) wanted(k *conn) bool {
	return k.sent >= p.server.MessagesPerConnection || p.waiting.Load() > 0 || p.away.Load() || p.pace.spaced()
}

// doubt stops sending a server commands in blocks after it left one unanswered, or
// answered with something else: it advertises PIPELINING, and cannot do it.
func (p *pool) doubt(k *conn, err error) {
	var b *breakage
	var n net.Error
	if k.pipelining && errors.As(err, &b) && (errors.Is(b.err, errReply) || errors.As(b.err, &n) && n.Timeout()) {
		p.stepwise.Store(true)
	}
}
