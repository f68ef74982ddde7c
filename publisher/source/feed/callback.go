package feed

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

// A Callback is where hubs ask whether a subscription is meant, and deliver what is
// new. It answers below any path; the last part of it is the feed's name. It is
// safe for concurrent use.
type Callback struct {
	Store Subscriptions
	Now   func() time.Time
	// Deliver takes in what a hub delivered under a good signature. Data is at most
	// DefaultMaxBytes.
	Deliver func(ctx context.Context, name, contentType string, data []byte) error
	// Look looks at a feed of which an unsigned delivery says that it has changed.
	Look func(ctx context.Context, name string) error
	Log  *slog.Logger
}

var _ http.Handler = (*Callback)(nil)

func (h *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	s, err := h.Store.FeedSubscription(r.Context(), name)
	switch {
	case err != nil:
		h.Log.Error("websub", "source", name, "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
	case s.Version == 0:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		h.verify(w, r, s)
	case r.Method == http.MethodPost:
		h.take(w, r, s)
	default:
		w.Header().Set("Allow", "GET, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// verify answers a hub that asks whether a request was meant (WebSub §5.3), or
// tells that it denies one (§5.2).
func (h *Callback) verify(w http.ResponseWriter, r *http.Request, s publisher.FeedSubscription) {
	const longest = 4096
	q := r.URL.Query()
	mode, challenge := q.Get("hub.mode"), q.Get("hub.challenge")
	if q.Get("hub.topic") != s.Topic || len(challenge) > longest {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	now := h.Now()
	var change func(*publisher.FeedSubscription)
	switch {
	case mode == "denied" && s.Mode == "subscribe":
		change = func(s *publisher.FeedSubscription) {
			s.Until, s.Asked, s.Problem = time.Time{}, now, strings.TrimSpace("the hub refuses. "+printable(q.Get("hub.reason")))
		}
		challenge = ""
	case mode == "subscribe" && s.Mode == mode && challenge != "":
		seconds, err := strconv.Atoi(q.Get("hub.lease_seconds"))
		if err != nil || seconds <= 0 {
			seconds = int(lease / time.Second)
		}
		until := now.Add(time.Duration(min(seconds, 366*24*3600)) * time.Second)
		change = func(s *publisher.FeedSubscription) { s.Until, s.Asked, s.Problem = until, now, "" }
	case mode == "unsubscribe" && s.Mode == mode && challenge != "":
		change = func(s *publisher.FeedSubscription) { s.Until, s.Mode, s.Secret = time.Time{}, "", "" }
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if err := h.change(r.Context(), s, change); err != nil {
		h.Log.Error("websub", "source", s.Feed, "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, challenge)
}

// change stores a subscription, changed; it is tried again where another was faster.
func (h *Callback) change(ctx context.Context, s publisher.FeedSubscription, f func(*publisher.FeedSubscription)) error {
	for range races {
		f(&s)
		saved, err := h.Store.SaveFeedSubscription(ctx, s)
		if err != nil || saved {
			return err
		}
		if s, err = h.Store.FeedSubscription(ctx, s.Feed); err != nil {
			return err
		}
	}
	return errors.New("the subscription keeps changing")
}

// take takes a delivery (WebSub §7), signed under the secret that only the hub was
// told.
func (h *Callback) take(w http.ResponseWriter, r *http.Request, s publisher.FeedSubscription) {
	const patience = time.Minute
	if s.Mode != "subscribe" || !s.Until.After(h.Now()) {
		w.WriteHeader(http.StatusGone) // by which the hub knows that nobody listens
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, DefaultMaxBytes))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if s.Secret != "" && !signed(r.Header.Get("X-Hub-Signature"), s.Secret, data) {
		h.Log.Warn("websub: a delivery is not signed by the hub", "source", s.Feed)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	// A hub that does not wait for the answer has delivered all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	if s.Secret == "" {
		err = h.Look(ctx, s.Feed)
	} else {
		err = h.Deliver(ctx, s.Feed, r.Header.Get("Content-Type"), data)
	}
	if err != nil {
		h.Log.Warn("websub: a delivery was not taken in", "source", s.Feed, "error", err)
	}
	if publisher.KindOf(err) == publisher.Busy && err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// signed checks X-Hub-Signature (WebSub §7.1) in a time that tells nothing.
func signed(header, secret string, data []byte) bool {
	method, value, _ := strings.Cut(header, "=")
	sum := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}[strings.ToLower(strings.TrimSpace(method))]
	got, err := hex.DecodeString(strings.TrimSpace(value))
	if sum == nil || err != nil {
		return false
	}
	mac := hmac.New(sum, []byte(secret))
	mac.Write(data)
	return hmac.Equal(got, mac.Sum(nil))
}

// printable gives a stranger's words as they may stand in a table.
func printable(s string) string {
	const most = 200
	if r := []rune(oneLine(s)); len(r) > most {
		s = string(r[:most])
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, oneLine(s))
}
