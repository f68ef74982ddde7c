package dispatch

import (
	"context"
	"errors"
	"slices"
	"time"

	"crieur/publisher"
)

// A lane takes ready mails and has them carried, one at a time on the wire.
type lane struct {
	*postroom
	held []*parcel // taken, and not ended
}

var _ publisher.Round = (*lane)(nil)

// deliver carries mails until the postroom closes.
func (o *postroom) deliver() {
	l := &lane{postroom: o}
	if courier, ok := o.c.Mailer.(publisher.Courier); ok {
		courier.Carry(o.wire, l)
	} else {
		l.carry(o.c.Mailer)
	}
	l.leave()
}

// leave ends the mails that the mailer tells nothing more of.
func (l *lane) leave() {
	for len(l.held) > 0 {
		p := l.held[0]
		if p.outcome.Started.IsZero() {
			l.giveBack(p)
			continue
		}
		p.outcome = l.outcome(p.claim, p.outcome.Started, publisher.Receipt{}, errUntold)
		l.end(p)
	}
}

// carry does for a plain Mailer what a Courier does by itself.
func (l *lane) carry(m publisher.Mailer) {
	for {
		mail, ok := l.Next(true)
		if !ok {
			return
		}
		within, err := l.Begin(mail)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(l.wire, within)
		receipt, err := m.Send(ctx, mail)
		cancel()
		l.Done(mail, receipt, err)
	}
}

// Next gives the next mail that lies ready. Those that are not to be begun any more
// are given back.
func (l *lane) Next(wait bool) (publisher.Mail, bool) {
	if wait {
		l.leave() // else the run would wait for a mail that nobody has
	}
	for {
		p, ok := l.fetch(wait)
		if !ok {
			return publisher.Mail{}, false
		}
		l.held = append(l.held, p)
		if p.stopped() {
			l.giveBack(p)
			continue
		}
		letter := p.letter(p.Recipient.Language)
		m := publisher.Mail{Letter: letter, Key: p.Key, To: publisher.Address{Name: p.Recipient.Name, Email: p.Recipient.Email},
			Merge: l.c.Merge(letter, p.Recipient)}
		if l.c.ReturnPath != nil {
			m.ReturnPath = l.c.ReturnPath(p.claim.Lot, p.claim.ID)
		}
		return m, true
	}
}

func (l *lane) fetch(wait bool) (p *parcel, ok bool) {
	select {
	case p, ok = <-l.ready:
		return p, ok
	default:
	}
	if !l.dry.Swap(true) {
		l.call()
	}
	if wait {
		p, ok = <-l.ready
	}
	return p, ok
}

var (
	errStopped = errors.New("not to be sent now")
	errUntold  = errors.New("the mailer does not say how the mail ended")
)

// Begin lets a mail go, unless the run has ended meanwhile, or its lease would before
// it did.
func (l *lane) Begin(m publisher.Mail) (within time.Duration, err error) {
	p := l.find(m)
	if p == nil {
		return 0, errStopped
	}
	now := l.c.Now()
	if p.stopped() || !l.mayBegin(now, p.until) {
		l.giveBack(p)
		return 0, errStopped
	}
	if l.log != nil {
		if err := l.log.LogBegin(p.claim); err != nil {
			l.fail(err)
			l.giveBack(p)
			return 0, err
		}
	}
	p.outcome.Started = now
	return l.c.Timeout, nil
}

// Done takes a mail's end.
func (l *lane) Done(m publisher.Mail, receipt publisher.Receipt, err error) {
	p := l.find(m)
	if p == nil {
		return
	}
	begun := p.outcome.Started
	if begun.IsZero() {
		if away := publisher.KindOf(err) == publisher.Busy && !publisher.AfterOf(err).IsZero(); away || l.ctx.Err() != nil {
			if away {
				p.closed(err)
			}
			l.giveBack(p)
			return
		}
		begun = l.c.Now()
	}
	p.outcome = l.outcome(p.claim, begun, receipt, err)
	p.slow = publisher.SlowOf(err)
	p.heed(&p.outcome, err)
	p.postpone(&p.outcome, err)
	l.end(p)
}

// giveBack makes a mail that was not begun what it was.
func (l *lane) giveBack(p *parcel) {
	p.outcome = publisher.Outcome{Claim: p.claim, State: publisher.StatePlanned, Ended: l.c.Now()}
	l.end(p)
}

func (l *lane) end(p *parcel) {
	l.held = slices.DeleteFunc(l.held, func(h *parcel) bool { return h == p })
	if p.outcome.State == publisher.StatePlanned && (p.outcome.Started.IsZero() || p.outcome.Kind == publisher.Denied) {
		p.outcome.Back = p.place // nothing reached the reader's side
	}
	if l.log != nil {
		if err := l.log.LogEnd(p.outcome); err != nil {
			l.fail(err)
		}
	}
	l.hand(p)
}

// find gives the parcel of a mail that Next gave; nil: it is not on its way any more.
func (l *lane) find(m publisher.Mail) *parcel {
	for _, p := range l.held {
		if p.Key == m.Key {
			return p
		}
	}
	return nil
}
