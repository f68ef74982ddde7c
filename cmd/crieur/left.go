package main

import (
	"fmt"
	"math"
	"time"
)

// An outlook says how long a run goes on: by how fast it went lately, and not before
// the limits let it end.
type outlook struct {
	now     func() time.Time
	samples []sample // one a second, the oldest first
	total   int
	least   time.Time // when the limits let it end
}

type sample struct {
	at   time.Time
	done int
}

const (
	lately  = 30 * time.Second // what is looked back on
	tooSoon = 3 * time.Second  // before that a speed is no more than a guess
)

// step takes in how far the run has come, and what it takes from now on at least.
func (o *outlook) step(done, total int, atLeast time.Duration) {
	now := o.now()
	o.total = total
	o.least = time.Time{}
	if atLeast > 0 {
		o.least = now.Add(atLeast)
	}
	if n := len(o.samples); n > 1 && now.Sub(o.samples[n-2].at) < time.Second {
		o.samples[n-1] = sample{now, done}
		return
	}
	o.samples = append(o.samples, sample{now, done})
	for len(o.samples) > 2 && now.Sub(o.samples[1].at) >= lately {
		o.samples = o.samples[1:]
	}
}

// left gives how long it goes on; false where nobody can tell.
func (o *outlook) left() (time.Duration, bool) {
	now := o.now()
	limit := max(o.least.Sub(now), 0)
	if o.least.IsZero() {
		limit = 0
	}
	if len(o.samples) < 2 {
		return limit, limit > 0
	}
	first, last := o.samples[0], o.samples[len(o.samples)-1]
	passed := now.Sub(first.at)
	if passed < tooSoon || last.done == first.done {
		return limit, limit > 0
	}
	rest := float64(o.total-last.done) * passed.Seconds() / float64(last.done-first.done)
	return max(limit, time.Duration(min(rest, math.MaxInt32)*float64(time.Second))), true
}

// words gives it as a person would say it; "" where nobody can tell.
func (o *outlook) words() string {
	left, ok := o.left()
	switch hours := left.Hours(); {
	case !ok:
		return ""
	case left < time.Minute:
		return "less than a minute left"
	case hours < 1.5:
		return fmt.Sprintf("about %.0f min left", left.Minutes())
	case hours < 36:
		return fmt.Sprintf("about %.0f h left", hours)
	default:
		return fmt.Sprintf("about %.0f days left", hours/24)
	}
}
