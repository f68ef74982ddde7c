package dispatch

import (
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"crieur/publisher"
)

// pageSize is how many due mails are looked up at a time.
const pageSize = 500

// A mailing is one lot of mails within a run.
type mailing struct {
	*run
	lot     publisher.Lot
	letters []*publisher.Letter // the first is for languages that have none
	out     sync.WaitGroup      // mails offered and not yet recorded
	misses  atomic.Int32        // calls in a row that reached no server
	missed  atomic.Pointer[error]
	until   atomic.Int64 // no server takes mail before; 0: one may
	skipped atomic.Bool  // there was no room for some of them to wait
	away    atomic.Int64 // since when none does; 0: the last mail reached one
	warming *warming     // of the sender's domain; nil: it is not held back
}

// sendMails sends the lots side by side over common lanes.
func (r *run) sendMails(lots []publisher.Lot) error {
	o, err := r.openPostroom()
	if err != nil {
		return err
	}
	var feeders, clerk, lanes sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	clerk.Go(o.work)
	for range o.lanes {
		lanes.Go(o.deliver)
	}
	for _, lot := range lots {
		feeders.Go(func() {
			m := &mailing{run: r, lot: lot, warming: r.warming[strings.ToLower(lot.Domain)]}
			if err := m.feed(o); err != nil {
				r.fail(err)
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	feeders.Wait()
	close(o.offers)
	clerk.Wait()
	lanes.Wait()
	return errors.Join(append(errs, o.failure)...)
}

// feed offers a lot's mails until none is due within the run's patience.
func (m *mailing) feed(o *postroom) error {
	if err := m.prepare(); err != nil {
		m.pause(m.lot.Channel, err)
		return nil
	}
	for round := 1; ; round++ {
		m.misses.Store(0)
		err := m.offerAll(o.offers)
		for rooms := int64(0); err == nil && m.skipped.Swap(false); err = m.offerAll(o.offers) {
			rooms = m.await(&o.rooms, rooms)
		}
		m.out.Wait()
		if err == nil && m.skipped.Load() && !m.stopped() {
			round-- // the last page was looked through after its feeder had gone on
			continue
		}
		if err != nil || m.halted(m.lot.Channel) {
			return err
		}
		if m.shut() {
			if !m.outlast() {
				return nil
			}
			round--
			continue
		}
		if m.spent() {
			if more, err := m.more(); err != nil || more {
				if err != nil {
					return err
				}
				round--
				continue
			}
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
		letter, err := patiently(m.ctx, m.run, func() (*publisher.Letter, error) {
			return m.c.Letter(m.ctx, m.lot.IssueID, m.lot.Channel, r.Language)
		})
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
func (m *mailing) offerAll(offers chan<- []*parcel) error {
	pieces, err := m.slices()
	if err != nil {
		return err
	}
	for _, s := range pieces {
		if err := m.offerSlice(offers, s); err != nil || m.stopped() {
			return err
		}
	}
	return nil
}

// A slice is a stretch of a lot's readers' numbers: those after one, up to another.
type slice struct{ after, to int64 }

const (
	mostSlices = 64
	// sliceSize is how many mails make a slice worth its look-ups.
	sliceSize = 100
)

// slices gives the lot in pieces. Others may work through the same lot: so that they
// do not ask for the same mails at the same time, each takes the pieces in an order of
// its own.
func (m *mailing) slices() ([]slice, error) {
	whole := []slice{{0, math.MaxInt64}}
	n := int64(min(m.lot.Size/sliceSize, mostSlices))
	if m.exclusive || n < 2 {
		return whole, nil
	}
	first, last, err := m.c.Ledger.Span(m.ctx, m.lot.ID)
	if err != nil {
		if m.ctx.Err() != nil {
			err = nil
		}
		return whole, err
	}
	pieces := make([]slice, n)
	for i := range pieces {
		pieces[i] = slice{first - 1 + (last-first+1)*int64(i)/n, first - 1 + (last-first+1)*int64(i+1)/n}
	}
	pieces[0].after, pieces[n-1].to = 0, math.MaxInt64
	for i := len(pieces) - 1; i > 0; i-- {
		j := int(m.c.Jitter() * float64(i+1))
		pieces[i], pieces[j] = pieces[j], pieces[i]
	}
	return pieces, nil
}

func (m *mailing) offerSlice(offers chan<- []*parcel, s slice) error {
	for after := s.after; ; {
		page, err := m.page(after)
		if err != nil && m.ctx.Err() == nil {
			return err
		}
		for len(page) > 0 && page[len(page)-1].Recipient.ID > s.to {
			page = page[:len(page)-1]
		}
		if len(page) == 0 || m.stopped() {
			return nil
		}
		after = page[len(page)-1].Recipient.ID
		parcels := make([]*parcel, len(page))
		for i, d := range page {
			parcels[i] = &parcel{mailing: m, Delivery: d}
		}
		m.out.Add(len(parcels))
		select {
		case offers <- parcels:
		case <-m.ctx.Done():
			m.out.Add(-len(parcels))
			return nil
		}
	}
}

// await waits until a count that only grows is another one.
func (m *mailing) await(count *atomic.Int64, from int64) int64 {
	t := time.NewTicker(lookEvery / 4)
	defer t.Stop()
	for count.Load() == from && !m.stopped() {
		select {
		case <-t.C:
		case <-m.ctx.Done():
		}
	}
	return count.Load()
}

// stopped reports whether no further mail of the lot is to be begun, in this round
// at least.
func (m *mailing) stopped() bool { return m.halted(m.lot.Channel) || m.unreachable() || m.shut() }

// unreachable reports that so many calls in a row reached no server that the rest
// need not be tried: with a million readers, each would cost a timeout.
func (m *mailing) unreachable() bool { return int(m.misses.Load()) >= max(8, 2*m.c.Lanes) }

// rest sleeps until what was deferred is due, and reports whether anything is.
func (m *mailing) rest(round int) (again bool, err error) {
	if m.spent() {
		return m.restSpent()
	}
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
		m.opened()
	case o.Kind == publisher.Denied, o.Kind == publisher.Internal:
		m.pause(m.lot.Channel, err)
	case o.State == publisher.StateFailed && o.Code >= 500:
		o.State = publisher.StateBounced
	}
	if o.State == publisher.StateUnknown && m.c.Unknown(m.lot.Channel) == Resend {
		o.State = publisher.StatePlanned
	}
}
