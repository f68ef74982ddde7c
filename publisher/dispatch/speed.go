package dispatch

import "time"

const (
	// A burst of mails that are told to wait counts once in this time.
	slowEvery = 2 * time.Second
	// The slowest that mails go: one in five seconds.
	slowest = 0.2
	// So long it takes to win half of a speed back.
	recovery = time.Minute
)

// A speed is how many mails a second go to a group: halved when the other side asks
// for less, and growing again by the same amount in the same time while it does not.
type speed struct {
	now    float64   // mails per second; 0: no limit
	most   float64   // what is configured; 0: nothing
	was    float64   // what it was before it was slowed
	slowed time.Time // last
	sent   int       // since
	since  time.Time
}

// slow halves the speed. fallback is taken for what it was where that is not known.
func (s *speed) slow(at time.Time, fallback float64) {
	if at.Sub(s.slowed) < slowEvery {
		return
	}
	before := s.now
	if before == 0 {
		before = fallback
		if s.sent > 0 {
			before = min(fallback, float64(s.sent)/max(at.Sub(s.since).Seconds(), 0.1))
		}
	}
	if s.was == 0 || s.now == 0 {
		s.was = before
	}
	s.now = max(before/2, slowest)
	s.slowed, s.since, s.sent = at, at, 0
}

// well counts a mail that was accepted.
func (s *speed) well() {
	s.sent++
	if s.was == 0 {
		return
	}
	s.now += max(s.was, 1) / 2 / recovery.Seconds() / s.now
	switch {
	case s.most > 0 && s.now >= s.most:
		s.now, s.was = s.most, 0
	case s.most == 0 && s.now >= 2*s.was:
		s.now, s.was = 0, 0 // nobody minds any more
	}
}
