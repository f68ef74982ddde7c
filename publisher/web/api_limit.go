package web

import (
	"sync"
	"time"
)

// A limiter counts requests by name: a bucket each, which holds burst and fills up in
// per.
type limiter struct {
	burst float64
	per   time.Duration

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// newLimiter gives a limiter; a burst of 0 is no limit.
func newLimiter(burst int, per time.Duration) *limiter {
	return &limiter{burst: float64(burst), per: per, buckets: map[string]bucket{}}
}

// take takes one from a bucket, or gives how long to wait until there is one. Names are
// the configuration's, so the buckets are few.
func (l *limiter) take(name string, now time.Time) time.Duration {
	if l.burst <= 0 || l.per <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[name]
	if !known {
		b = bucket{left: l.burst, at: now}
	}
	if passed := now.Sub(b.at); passed > 0 { // a clock that is set back fills nothing
		b.left = min(l.burst, b.left+l.burst*passed.Seconds()/l.per.Seconds())
	}
	b.at = now
	defer func() { l.buckets[name] = b }()
	if b.left < 1 {
		return time.Duration((1 - b.left) / l.burst * float64(l.per))
	}
	b.left--
	return 0
}
