package wire

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"crieur/publisher"
)

const hintUnknown = "the post may be public: look at the account before it is posted again"

// maxWait caps the wait a server can ask for; X's longest window is a day.
const maxWait = 24 * time.Hour

// refused makes the error of an answer whose status is not 2xx.
func (c *Client) refused(r Request, host string, a *Response, scrub scrubber) error {
	said := fmt.Errorf("%s answered %d", host, a.Status)
	if text := http.StatusText(a.Status); text != "" {
		said = fmt.Errorf("%w %s", said, text)
	}
	if words := scrub.text(explain(a.Body)); words != "" {
		said = fmt.Errorf("%w: %s", said, words)
	}
	e := c.Error(kindOf(a.Status, r.Posts), r.Op, "", said)
	e.Code = a.Status
	switch {
	case e.Kind == publisher.Busy:
		e.After = Reset(a.Header, c.Now())
	case e.Kind == publisher.Denied:
		e.Hint = c.DeniedHint
	case e.Kind == publisher.Unknown:
		e.Hint = hintUnknown
	case a.Status/100 == 3:
		e.Hint = "check the channel's server address"
		if to, err := url.Parse(a.Header.Get("Location")); err == nil && to.Host != "" && to.Host != host {
			e.Hint = fmt.Sprintf("the server says it is now at %s: if that is right, change the channel's server address", scrub.text(to.Host))
		}
	}
	return e
}

func kindOf(status int, posts bool) publisher.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusPaymentRequired:
		return publisher.Denied
	case http.StatusNotFound, http.StatusGone:
		return publisher.NotFound
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return publisher.Busy
	}
	// 303 and 304 are answers to a request that was carried out.
	carriedOut := status >= 500 || status == http.StatusSeeOther || status == http.StatusNotModified
	switch {
	case carriedOut && posts:
		return publisher.Unknown
	case status >= 500:
		return publisher.Busy
	}
	return publisher.Invalid
}

// Reset gives the moment at which an answer says that the next try makes sense;
// zero where it does not say. Retry-After (RFC 9110 §10.2.3) comes first; the
// others name the end of the rate limit's window, as seconds since 1970 (X:
// x-rate-limit-reset, Bluesky: ratelimit-reset) or as an ISO time (Mastodon:
// X-RateLimit-Reset). A moment more than a day away is brought nearer.
func Reset(h http.Header, now time.Time) time.Time {
	for _, name := range []string{"Retry-After", "X-Rate-Limit-Reset", "X-Ratelimit-Reset", "Ratelimit-Reset"} {
		at := moment(h.Get(name), now)
		switch {
		case at.IsZero():
		case at.Before(now):
			return now
		case at.After(now.Add(maxWait)):
			return now.Add(maxWait)
		default:
			return at
		}
	}
	return time.Time{}
}

// earliestEpoch tells seconds since 1970 from seconds from now: it is September
// 2001, or a wait of 31 years.
const earliestEpoch = 1_000_000_000

func moment(v string, now time.Time) time.Time {
	if seconds, err := strconv.ParseFloat(v, 64); err == nil {
		switch {
		case seconds < 0 || seconds > 1e11 || seconds != seconds:
			return time.Time{}
		case seconds < earliestEpoch:
			return now.Add(time.Duration(seconds * float64(time.Second)))
		}
		return time.UnixMilli(int64(seconds * 1000))
	}
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return at
	}
	if at, err := http.ParseTime(v); err == nil {
		return at
	}
	return time.Time{}
}

// hintUnreachable says what may be wrong where the server could not be talked to.
func hintUnreachable(err error) string {
	var (
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "check the channel's server address: no such host is known"
	case errors.As(err, &cert):
		return "the server's certificate is not valid for its address: check the address and this machine's clock"
	}
	return ""
}
