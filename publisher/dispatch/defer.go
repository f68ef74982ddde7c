package dispatch

import (
	"time"

	"crieur/publisher"
)

// postpone says when a mail that a server told to wait is due again: by how often
// that has happened, whichever process it happened to. One that has waited long
// enough ends, with the last reply as its reason: as bounced where a server had the
// last word, as failed where none could be reached.
func (p *parcel) postpone(o *publisher.Outcome, err error) {
	if o.State != publisher.StateDeferred {
		return
	}
	r := p.c.Retry
	since := p.DeferredSince
	if since.IsZero() {
		since = o.Started
	}
	last := since.Add(r.GiveUp)
	if !o.Ended.Before(last) {
		o.State, o.After = publisher.StateFailed, time.Time{}
		if o.Code >= 400 {
			o.State = publisher.StateBounced
		}
		o.Problem = "given up after " + o.Ended.Sub(since).Round(time.Minute).String() + ": " + o.Problem
		return
	}
	if o.Code >= 400 && publisher.AfterOf(err).Before(o.Ended) {
		o.After = o.Ended.Add(p.spread(r.Schedule[min(p.Deferrals, len(r.Schedule)-1)]))
	}
	if o.After.After(last) {
		o.After = last
	}
}

// closed notes that no server takes mail before a moment. The mails that wait are left
// as they are meanwhile: each would only be claimed and deferred for a server that is
// known to be away.
func (m *mailing) closed(err error) {
	now := m.c.Now().UnixNano()
	m.missed.Store(&err)
	m.away.CompareAndSwap(0, now)
	m.until.Store(publisher.AfterOf(err).UnixNano())
}

// opened notes that a server takes mail again.
func (m *mailing) opened() {
	if m.away.Load() != 0 {
		m.away.Store(0)
	}
}

// shut reports whether no server takes mail.
func (m *mailing) shut() bool { return m.until.Load() != 0 }

// outlast waits until a server may be asked again, unless they have been away for
// longer than the run has patience.
func (m *mailing) outlast() bool {
	until := time.Unix(0, m.until.Swap(0))
	if until.Sub(time.Unix(0, m.away.Load())) > m.c.Retry.Patience {
		m.pause(m.lot.Channel, *m.missed.Load())
		return false
	}
	return m.c.Sleep(m.ctx, until.Sub(m.c.Now())) == nil
}
