package dispatch

import (
	"time"

	"crieur/publisher"
)

// lookEvery is how often the mails that wait at gates are looked through for those
// that are not to go any more.
const lookEvery = time.Second

// sort takes a page in: what a gate holds up waits there, and stands in nobody's way.
func (o *postroom) sort(page []*parcel) {
	limited := o.gates.limited()
	o.waiting = page[:0]
	for _, p := range page {
		p.gate = o.gates.of(p.Recipient.Email)
		switch {
		case !limited || p.gate == nil || !p.gate.limited():
			o.waiting = append(o.waiting, p)
		default:
			waits, again := o.gates.hold(p)
			if again {
				p.skipped.Store(true)
			}
			if !waits {
				p.out.Done()
			}
		}
	}
}

// lookThrough takes the mails from the gates that are not to go any more, and tells
// how long the others take.
func (o *postroom) lookThrough() {
	now := time.Now()
	if now.Sub(o.looked) < lookEvery {
		return
	}
	o.looked = now
	for _, p := range o.gates.drop(func(p *parcel) bool { return o.failure != nil || p.unwanted() }) {
		p.out.Done()
	}
	if o.gates.roomy() {
		o.rooms.Add(1)
	}
	if h, ok := o.observer.(Holder); ok {
		o.telling.Lock()
		defer o.telling.Unlock()
		h.Held(o.gates.least())
	}
}

// pace heeds how mails ended: a group that wants less gets half as many, and a little
// more again with each that it takes.
func (o *postroom) pace(ended []*parcel) {
	slowed := false
	for _, p := range ended {
		if p.gate != nil {
			p.gate.out--
		}
		switch {
		case p.outcome.State == publisher.StateAccepted:
			o.sent++
			if p.gate != nil {
				p.gate.well()
			}
		case p.slow:
			now := time.Now()
			if p.gate == nil {
				p.gate = o.gates.made(p.Recipient.Email, now)
			}
			if p.gate != nil {
				before := p.gate.limited()
				p.gate.slow(now, float64(max(o.sent, 1))/max(now.Sub(o.began).Seconds(), 0.1))
				slowed = slowed || !before
			}
		}
	}
	if slowed {
		o.sort(o.waiting)
	}
}
