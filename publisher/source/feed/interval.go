package feed

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

const (
	longestWish  = 24 * time.Hour // what a feed may ask for
	longestCache = time.Hour      // what a cache's header may: it is often set for all files of a site
	longestPause = 24 * time.Hour // between two looks at a feed that fails
)

// interval is the least time between two looks. Whoever sets it in the
// configuration knows better than a generator's default.
func interval(f publisher.Feed, h http.Header, c Config) time.Duration {
	if c.Every > 0 {
		return c.Every
	}
	return max(DefaultEvery, min(f.Wish, longestWish), min(maxAge(h), longestCache))
}

// maxAge reads Cache-Control (RFC 9111 §5.2.2.1).
func maxAge(h http.Header) time.Duration {
	for _, part := range strings.Split(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "max-age="); ok {
			if s, err := strconv.Atoi(strings.Trim(v, `"`)); err == nil && s > 0 {
				return time.Duration(min(s, int(longestWish/time.Second))) * time.Second
			}
		}
	}
	return 0
}

// stretched gives d and a part of it, so that feeds that were looked at together
// drift apart.
func stretched(d time.Duration, part float64) time.Duration {
	return d + time.Duration(part*float64(d))
}

// failed notes a look that failed, and when to try again: later each time, and not
// before the server said. A feed that is gone is left alone.
func failed(f *publisher.Feed, err error, now time.Time, c Config) {
	f.Failures++
	f.Problem = err.Error()
	var e *publisher.Error
	if errors.As(err, &e) && e.Code == http.StatusGone {
		f.Gone, f.Next = true, time.Time{}
		f.Problem = "the server says that the feed is gone for good"
		return
	}
	pause := interval(*f, nil, c)
	for range min(f.Failures-1, 10) {
		pause = min(2*pause, max(longestPause, pause))
	}
	f.Next = now.Add(stretched(pause, c.Jitter()/4))
	if after := publisher.AfterOf(err); after.After(f.Next) {
		f.Next = after.Add(time.Duration(c.Jitter() * float64(time.Minute)))
	}
}

// Due reports whether a feed may be looked at.
func Due(f publisher.Feed, c Config, now time.Time) bool {
	return f.Asked != c.URL || !f.Gone && !now.Before(f.Next)
}
