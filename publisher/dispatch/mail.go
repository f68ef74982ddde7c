package dispatch

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"crieur/publisher"
)

// pageSize is how many due mails are looked up at a time.
const pageSize = 500

// A mailing is one lot of mails within a run.
type mailing struct {
	*run
	lot     publisher.Lot
	letters []*publisher.Letter // the first is for languages that have none
	out     sync.WaitGroup      // mails offered to the lanes and not yet recorded
	misses  atomic.Int32        // calls in a row that reached no server
	missed  atomic.Pointer[error]
}

// A parcel is a mail on its way through a lane.
type parcel struct {
	*mailing
	publisher.Delivery
}

// sendMails sends the lots side by side over common lanes.
func (r *run) sendMails(lots []publisher.Lot) error {
	offers := make(chan parcel, 2*r.c.Lanes)
	var lanes, feeders sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	keep := func(err error) {
		if err != nil {
			r.fail(err)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		}
	}
	for range r.c.Lanes {
		lanes.Go(func() { keep(r.lane(offers)) })
	}
	for _, lot := range lots {
		feeders.Go(func() {
			m := &mailing{run: r, lot: lot}
			keep(m.feed(offers))
		})
	}
	feeders.Wait()
	close(offers)
	lanes.Wait()
	return errors.Join(errs...)
}

// feed offers a lot's mails until none is due within the run's patience.
func (m *mailing) feed(offers chan<- parcel) error {
	if err := m.prepare(); err != nil {
		m.pause(m.lot.Channel, err)
		return nil
	}
	for round := 1; ; round++ {
		m.misses.Store(0)
		err := m.offerAll(offers)
		m.out.Wait()
		if err != nil || m.halted(m.lot.Channel) {
			return err
		}
		if round == m.c.Retry.Tries {
			if m.unreachable() {
				m.pause(m.lot.Channel, *m.missed.Load())
			}
			return nil
		}
		again, err := m.rest(round)
		if err != nil || !again {
			return err
		}
	}
}

// prepare builds the letters before the first mail is claimed: what cannot be built
// fails here, for everyone.
func (m *mailing) prepare() error {
	const op = "prepare the letter"
	if m.c.Mailer == nil || m.c.Letter == nil || m.c.Merge == nil {
		return &publisher.Error{Kind: publisher.Invalid, Op: op, Where: m.lot.Channel,
			Err: errors.New("no mail server is configured"), Hint: "name one under smtp in config.yaml"}
	}
	renderings, err := m.c.Ledger.Renderings(m.ctx, m.lot.IssueID)
	if err != nil {
		return err
	}
	for _, r := range renderings {
		if r.Channel != m.lot.Channel {
			continue
		}
		letter, err := m.c.Letter(m.ctx, m.lot.IssueID, m.lot.Channel, r.Language)
		if err != nil {
			return err
		}
		m.letters = append(m.letters, letter)
	}
	if len(m.letters) == 0 {
		return &publisher.Error{Kind: publisher.Internal, Op: op, Where: m.lot.Channel, Err: errors.New("nothing was rendered for it")}
	}
	return nil
}

// letter chooses by language: the same one, else another variety of it, else the first.
func (m *mailing) letter(language string) *publisher.Letter {
	primary, _, _ := strings.Cut(language, "-")
	var near *publisher.Letter
	for _, l := range m.letters {
		if strings.EqualFold(l.Rendering.Language, language) {
			return l
		}
		if p, _, _ := strings.Cut(l.Rendering.Language, "-"); near == nil && strings.EqualFold(p, primary) {
			near = l
		}
	}
	if near != nil {
		return near
	}
	return m.letters[0]
}

// offerAll goes once through the mails that are due.
func (m *mailing) offerAll(offers chan<- parcel) error {
	for after := int64(0); ; {
		page, err := m.c.Ledger.Due(m.ctx, m.lot, after, m.c.Now(), pageSize)
		if err != nil && m.ctx.Err() == nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		for _, d := range page {
			m.out.Add(1)
			select {
			case offers <- parcel{m, d}:
			case <-m.ctx.Done():
				m.out.Done()
				return nil
			}
			if m.halted(m.lot.Channel) || m.unreachable() {
				return nil
			}
			after = d.Recipient.ID
		}
	}
}

// unreachable reports that so many calls in a row reached no server that the rest
// need not be tried: with a million readers, each would cost a timeout.
func (m *mailing) unreachable() bool { return int(m.misses.Load()) >= max(8, 2*m.c.Lanes) }

// rest sleeps until what was deferred is due, and reports whether anything is.
func (m *mailing) rest(round int) (again bool, err error) {
	now := m.c.Now()
	last, ready, err := m.c.Ledger.NextDue(m.ctx, m.lot.ID, now, now.Add(m.c.Retry.Patience))
	if err != nil {
		if m.ctx.Err() != nil {
			return false, nil
		}
		return false, err
	}
	wait := last.Sub(now)
	switch {
	case last.IsZero() && ready == 0:
		return false, nil
	case last.IsZero():
		wait = min(m.backoff(round), m.c.Retry.Patience)
	}
	return m.c.Sleep(m.ctx, wait) == nil, nil
}

// lane sends one mail after the other. What it hands in to the ledger is each
// mail's outcome together with the claim for the next.
func (r *run) lane(offers <-chan parcel) error {
	var done *sent
	for {
		p, ok := next(offers, done == nil)
		if !ok && done == nil {
			return nil
		}
		var outcome *publisher.Outcome
		var want *publisher.Claim
		if done != nil {
			outcome = &done.outcome
		}
		if ok && !p.halted(p.lot.Channel) {
			want = &publisher.Claim{Lot: p.lot.ID, ID: p.Recipient.ID}
		}
		var a answer
		var err error
		if outcome != nil || want != nil {
			a, err = r.writer.commit(outcome, want)
		}
		if done != nil {
			if err == nil && !a.late {
				r.tell(applied(done.Delivery, done.outcome))
			}
			done.out.Done()
			done = nil
		}
		if !ok && err == nil {
			continue
		}
		switch {
		case err != nil:
			if ok {
				p.out.Done()
			}
			return r.abandon(offers, err)
		case a.granted.Attempt > 0:
			done = r.send(p, a.granted)
		default:
			if a.suppressed {
				p.State, p.Updated = publisher.StateSuppressed, r.c.Now()
				r.tell(p.Delivery)
			}
			p.out.Done()
		}
	}
}

// abandon empties the offers after the ledger failed, so that no feeder waits.
func (r *run) abandon(offers <-chan parcel, err error) error {
	r.fail(err)
	for p := range offers {
		p.out.Done()
	}
	return err
}

// next takes an offer; where wait is false, only one that is there already.
func next(offers <-chan parcel, wait bool) (p parcel, ok bool) {
	if wait {
		p, ok = <-offers
		return p, ok
	}
	select {
	case p, ok = <-offers:
	default:
	}
	return p, ok
}

// sent is a parcel with its end.
type sent struct {
	parcel
	outcome publisher.Outcome
}

func (r *run) send(p parcel, claim publisher.Claim) *sent {
	started := r.c.Now()
	letter := p.letter(p.Recipient.Language)
	mail := publisher.Mail{Letter: letter, Key: p.Key,
		To: publisher.Address{Name: p.Recipient.Name, Email: p.Recipient.Email}, Merge: r.c.Merge(letter, p.Recipient)}
	ctx, cancel := context.WithTimeout(r.wire, r.c.Timeout)
	receipt, err := r.c.Mailer.Send(ctx, mail)
	cancel()
	o := r.outcome(claim, started, receipt, err)
	p.heed(&o, err)
	return &sent{p, o}
}

// heed draws the consequences of a mail's end for its lot.
func (m *mailing) heed(o *publisher.Outcome, err error) {
	if err != nil && o.Kind == publisher.Busy && o.Code == 0 && publisher.AfterOf(err).IsZero() {
		m.missed.Store(&err)
		m.misses.Add(1)
	} else {
		m.misses.Store(0)
	}
	switch {
	case err == nil:
	case o.Kind == publisher.Denied, o.Kind == publisher.Internal:
		m.pause(m.lot.Channel, err)
	case o.State == publisher.StateFailed && o.Code >= 500:
		o.State = publisher.StateBounced
	}
	if o.State == publisher.StateUnknown && m.c.Unknown(m.lot.Channel) == Resend {
		o.State = publisher.StatePlanned
	}
}
