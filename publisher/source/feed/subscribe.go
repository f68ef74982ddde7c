package feed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/source"
)

// Subscriptions keeps what is agreed with hubs. The methods are those of
// ledger.Ledger.
type Subscriptions interface {
	FeedSubscription(ctx context.Context, feed string) (publisher.FeedSubscription, error)
	// SaveFeedSubscription keeps nothing and gives false where s's version is not the stored one.
	SaveFeedSubscription(ctx context.Context, s publisher.FeedSubscription) (bool, error)
}

const (
	lease    = 10 * 24 * time.Hour // asked for; the hub decides
	earliest = 2 * 24 * time.Hour  // before the lease's end, it is renewed
	unheard  = 6 * time.Hour       // after this, a hub that did not answer is asked again
)

// Subscribe asks a feed's hub to tell of new entries, as the feed and c have it:
// at first, in good time before the lease ends, and to stop where it is no longer
// wanted. It is called after a look, does nothing where nothing is to be done, and
// stores before it asks, since the hub may call Callback back at once. An error is
// the hub's refusal, or the store's; the feed is looked at as before.
func Subscribe(ctx context.Context, store Subscriptions, f publisher.Feed, c Config) error {
	c = c.withDefaults()
	s, err := store.FeedSubscription(ctx, c.Name)
	if err != nil {
		return err
	}
	next, ask := agreed(s, f, c)
	if !ask {
		return nil
	}
	saved, err := store.SaveFeedSubscription(ctx, next)
	if err != nil || !saved { // someone else is asking
		return err
	}
	err = request(ctx, next, c)
	if err == nil {
		return nil
	}
	// The hub may have called back meanwhile.
	if s, serr := store.FeedSubscription(ctx, c.Name); serr == nil && s.Mode == next.Mode {
		s.Problem = err.Error()
		_, _ = store.SaveFeedSubscription(ctx, s)
	}
	return err
}

// agreed gives the subscription as it should be, and whether the hub has to be told.
func agreed(s publisher.FeedSubscription, f publisher.Feed, c Config) (publisher.FeedSubscription, bool) {
	now := c.Source.Now()
	waiting := now.Sub(s.Asked) < unheard
	if c.Callback == "" || f.Hub == "" || f.Gone {
		if s.Mode != "subscribe" && (s.Mode != "unsubscribe" || waiting) || !s.Until.After(now) {
			return s, false
		}
		s.Mode, s.Asked, s.Problem = "unsubscribe", now, ""
		return s, true
	}
	if s.Mode == "subscribe" && s.Hub == f.Hub && s.Topic == f.Topic && s.Callback == c.Callback {
		left := s.Until.Sub(now)
		if waiting && (s.Until.IsZero() || left > 0) || left > min(earliest, s.Until.Sub(s.Asked)/4) {
			return s, false
		}
	} else {
		s = publisher.FeedSubscription{Feed: s.Feed, Version: s.Version, Hub: f.Hub, Topic: f.Topic, Callback: c.Callback}
		// A secret that others can read is none (WebSub §5.1): without it, a delivery
		// is a reason to look, and no more.
		if strings.HasPrefix(f.Hub, "https://") || c.Source.AllowPrivate {
			secret := make([]byte, 32)
			_, _ = rand.Read(secret) // it never fails
			s.Secret = hex.EncodeToString(secret)
		}
	}
	s.Mode, s.Asked, s.Problem = "subscribe", now, ""
	return s, true
}

// request tells the hub (WebSub §5.1).
func request(ctx context.Context, s publisher.FeedSubscription, c Config) error {
	form := url.Values{"hub.callback": {s.Callback}, "hub.mode": {s.Mode}, "hub.topic": {s.Topic}}
	if s.Mode == "subscribe" {
		form.Set("hub.lease_seconds", strconv.Itoa(int(lease/time.Second)))
		if s.Secret != "" {
			form.Set("hub.secret", s.Secret)
		}
	}
	_, err := source.Do(ctx, source.Request{Op: "ask the feed's hub to " + s.Mode, Method: http.MethodPost, URL: s.Hub, Limit: 64 << 10,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(form.Encode()),
		TooBig: "set sources." + c.Name + ".websub: false"}, c.Source)
	return err
}
