package calendar

import "time"

// A Wish is what is asked of the moment at which something goes out.
type Wish struct {
	Now       time.Time     // nothing goes out in the past
	Published time.Time     // on the site; zero: not known, and Now counts. In the future it is an embargo
	Embargo   time.Time     // not before; zero: none
	At        time.Time     // the owner's own moment; zero: none. Neither delay nor slot count then
	Delay     time.Duration // after publication
	Slot      *Slot         // nil: any moment
	Taken     []time.Time   // by the slot's channel: see Slot.Next
}

// Moment gives the first moment that fulfils the wish. It is Now where nothing
// stands against it, and never before an embargo, not even at the owner's own moment.
func (w Wish) Moment(zone *time.Location) time.Time {
	m := w.At
	if m.IsZero() {
		m = w.Now
		if !w.Published.IsZero() {
			m = w.Published
		}
		m = m.Add(w.Delay)
	}
	for _, earliest := range []time.Time{w.Now, w.Published, w.Embargo} {
		if earliest.After(m) {
			m = earliest
		}
	}
	if w.Slot != nil && w.At.IsZero() {
		m = w.Slot.Next(m, w.Taken, zone)
	}
	return m.In(zone)
}
