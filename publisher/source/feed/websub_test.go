package feed_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/source/feed"
)

// A hub is WebSub's hub (W3C Recommendation of 23 January 2018): it takes requests,
// verifies what they intend, keeps leases, and delivers under a signature.
type hub struct {
	t       *testing.T
	server  *httptest.Server
	lease   time.Duration // granted at most; 0: as asked
	refuse  string        // a reason: every subscription is denied
	method  string        // of signatures
	now     func() time.Time
	lock    sync.Mutex
	subs    map[string]subscriber // by callback
	pending sync.WaitGroup
	asked   []url.Values
}

type subscriber struct {
	topic, secret string
	until         time.Time
}

func newHub(t *testing.T, now func() time.Time) *hub {
	h := &hub{t: t, subs: map[string]subscriber{}, method: "sha256", now: now}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.server.Close)
	return h
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f := r.PostForm
	callback, topic, mode := f.Get("hub.callback"), f.Get("hub.topic"), f.Get("hub.mode")
	if callback == "" || topic == "" || mode != "subscribe" && mode != "unsubscribe" || len(f.Get("hub.secret")) >= 200 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.lock.Lock()
	h.asked = append(h.asked, f)
	h.lock.Unlock()
	w.WriteHeader(http.StatusAccepted)
	h.pending.Go(func() { h.verify(f) })
}

func (h *hub) verify(f url.Values) {
	callback := f.Get("hub.callback")
	if h.refuse != "" && f.Get("hub.mode") == "subscribe" {
		h.get(callback, url.Values{"hub.mode": {"denied"}, "hub.topic": f["hub.topic"], "hub.reason": {h.refuse}})
		return
	}
	var seconds int
	_, _ = fmt.Sscan(f.Get("hub.lease_seconds"), &seconds)
	lease := time.Duration(seconds) * time.Second
	if h.lease > 0 {
		lease = min(lease, h.lease)
	}
	challenge := rand.Text()
	q := url.Values{"hub.mode": f["hub.mode"], "hub.topic": f["hub.topic"], "hub.challenge": {challenge}}
	if f.Get("hub.mode") == "subscribe" {
		q.Set("hub.lease_seconds", fmt.Sprint(int(lease/time.Second)))
	}
	code, body := h.get(callback, q)
	if code/100 != 2 || body != challenge {
		return
	}
	h.lock.Lock()
	defer h.lock.Unlock()
	if f.Get("hub.mode") == "unsubscribe" {
		delete(h.subs, callback)
		return
	}
	h.subs[callback] = subscriber{f.Get("hub.topic"), f.Get("hub.secret"), h.now().Add(lease)}
}

func (h *hub) get(callback string, q url.Values) (int, string) {
	res, err := http.Get(callback + "?" + q.Encode())
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

// publish delivers a topic's content to all whose lease runs, and gives the answers.
func (h *hub) publish(topic, body string) (codes []int) {
	h.lock.Lock()
	defer h.lock.Unlock()
	for callback, s := range h.subs {
		if s.topic != topic || !s.until.After(h.now()) {
			continue
		}
		signature := ""
		if s.secret != "" {
			signature = h.method + "=" + sign(h.method, s.secret, body)
		}
		codes = append(codes, deliver(h.t, callback, body, signature))
	}
	return codes
}

func sign(method, secret, body string) string {
	mac := hmac.New(map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}[method], []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func deliver(t *testing.T, callback, body, signature string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, callback, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/rss+xml")
	if signature != "" {
		req.Header.Set("X-Hub-Signature", signature)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// A watch is a feed with a hub, and who watches it.
type watch struct {
	store  *ledger.Ledger
	config feed.Config
	hub    *hub
	feed   *changing
	now    time.Time
	looks  int
	log    bytes.Buffer
}

func newWatch(t *testing.T, inHeader bool) *watch {
	w := &watch{store: store(t), feed: &changing{}, now: noon}
	clock := func() time.Time { return w.now }
	w.hub = newHub(t, clock)
	w.config = config(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if inHeader {
			rw.Header().Add("Link", `<`+w.hub.server.URL+`>; rel="hub", <http://feeds.example/feed>; rel="self"`)
		}
		w.feed.ServeHTTP(rw, r)
	}))
	w.config.Source.Now = clock
	feeds := strings.TrimPrefix("http://feeds.example:80", "http://")
	through := w.config.Source.Dialer
	w.config.Source.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == feeds {
			return through(ctx, network, addr)
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	callback := httptest.NewServer(&feed.Callback{Store: w.store, Now: clock, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Deliver: func(ctx context.Context, name, contentType string, data []byte) error {
			_, err := feed.Deliver(ctx, w.store, w.config, contentType, data)
			return err
		},
		Look: func(ctx context.Context, name string) error {
			w.looks++
			_, err := feed.Poll(ctx, w.store, w.config)
			return err
		}})
	t.Cleanup(callback.Close)
	w.config.Callback = callback.URL + "/websub/site"
	return w
}

func (w *watch) document(items ...item) string {
	return strings.Replace(rss(items...), "<link>", `<a:link xmlns:a="http://www.w3.org/2005/Atom" rel="hub" href="`+w.hub.server.URL+
		`"/><a:link xmlns:a="http://www.w3.org/2005/Atom" rel="self" href="http://feeds.example/feed"/><link>`, 1)
}

// look polls, subscribes, and waits for the hub.
func (w *watch) look(t *testing.T) publisher.FeedSubscription {
	t.Helper()
	r := poll(t, w.store, w.config)
	if err := feed.Subscribe(t.Context(), w.store, r.Feed, w.config); err != nil {
		t.Fatal(err)
	}
	w.hub.pending.Wait()
	s, err := w.store.FeedSubscription(t.Context(), "site")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *watch) waiting(t *testing.T) []string {
	t.Helper()
	entries, err := w.store.FeedEntries(t.Context(), "site", publisher.EntryNew)
	if err != nil {
		t.Fatal(err)
	}
	return titles(entries)
}

func TestWebSub(t *testing.T) {
	for name, inHeader := range map[string]bool{"named in the feed": false, "named in the headers": true} {
		t.Run(name, func(t *testing.T) {
			w := newWatch(t, inHeader)
			w.hub.lease = 24 * time.Hour
			doc := w.document
			if inHeader {
				doc = rss
			}
			w.feed.body = doc(series(1, 2)...)
			s := w.look(t)
			if s.Until != noon.Add(24*time.Hour) || len(s.Secret) != 64 || s.Problem != "" || len(w.hub.subs) != 1 {
				t.Fatalf("%+v", s)
			}
			// Every method of signing; one article is delivered once.
			for i, method := range []string{"sha1", "sha256", "sha384", "sha512"} {
				w.hub.method = method
				body := doc(series(1, 3+i)...)
				if codes := w.hub.publish("http://feeds.example/feed", body); len(codes) != 1 || codes[0] != http.StatusAccepted {
					t.Fatalf("%s: answered %v", method, codes)
				}
			}
			if got := w.waiting(t); len(got) != 4 {
				t.Fatalf("waiting: %v", got)
			}
			// A hub may deliver the new entry alone.
			w.hub.publish("http://feeds.example/feed", doc(series(7, 7)...))
			w.hub.publish("http://feeds.example/feed", doc(series(7, 7)...))
			if got := w.waiting(t); len(got) != 5 {
				t.Fatalf("waiting: %v", got)
			}
			w.feed.body = doc(series(1, 7)...)
			w.look(t)
			if got := w.waiting(t); len(got) != 5 || len(w.hub.asked) != 1 {
				t.Errorf("waiting: %v, asked %d", got, len(w.hub.asked))
			}
			// The lease is renewed before it ends, under the same secret.
			w.now = noon.Add(19 * time.Hour)
			if renewed := w.look(t); renewed.Until != w.now.Add(24*time.Hour) || renewed.Secret != s.Secret || len(w.hub.asked) != 2 {
				t.Errorf("renewed %+v", renewed)
			}
			// No longer wanted: the hub is told, and deliveries end.
			callback := w.config.Callback
			w.config.Callback = ""
			if s := w.look(t); s.Mode != "" || !s.Until.IsZero() || s.Secret != "" || len(w.hub.subs) != 0 {
				t.Errorf("left %+v", s)
			}
			if code := deliver(t, callback, doc(series(8, 8)...), "sha256="+sign("sha256", s.Secret, doc(series(8, 8)...))); code != http.StatusGone {
				t.Errorf("after the end: %d", code)
			}
			if strings.Contains(w.log.String(), s.Secret) {
				t.Error("the secret is in the log")
			}
		})
	}
}

func TestForgedDeliveries(t *testing.T) {
	w := newWatch(t, false)
	w.feed.body = w.document(series(1, 2)...)
	s := w.look(t)
	body := w.document(item{"evil", "http://evil.example/", "Faux", "", "Ce texte n’est pas du site."})
	for name, signature := range map[string]string{
		"none":                "",
		"empty":               "sha256=",
		"of another secret":   "sha256=" + sign("sha256", "guess", body),
		"of another body":     "sha256=" + sign("sha256", s.Secret, body+" "),
		"cut short":           "sha256=" + sign("sha256", s.Secret, body)[:62],
		"another method's":    "sha1=" + sign("sha256", s.Secret, body),
		"a method of its own": "md5=" + sign("sha256", s.Secret, body),
		"without a method":    sign("sha256", s.Secret, body),
		"not hexadecimal":     "sha256=" + strings.Repeat("z", 64),
	} {
		if code := deliver(t, w.config.Callback, body, signature); code != http.StatusForbidden {
			t.Errorf("%s: answered %d", name, code)
		}
	}
	if code := deliver(t, w.config.Callback, strings.Repeat("x", feed.DefaultMaxBytes+1), "sha256=00"); code != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: answered %d", code)
	}
	if code := deliver(t, strings.Replace(w.config.Callback, "/site", "/other", 1), body, ""); code != http.StatusNotFound {
		t.Errorf("another feed: answered %d", code)
	}
	if got := w.waiting(t); len(got) != 0 {
		t.Errorf("waiting: %v", got)
	}
	// What no hub was asked for is not verified.
	for name, q := range map[string]url.Values{
		"another topic": {"hub.mode": {"subscribe"}, "hub.topic": {"http://evil.example/"}, "hub.challenge": {"c"}, "hub.lease_seconds": {"9"}},
		"leaving":       {"hub.mode": {"unsubscribe"}, "hub.topic": {s.Topic}, "hub.challenge": {"c"}},
		"no challenge":  {"hub.mode": {"subscribe"}, "hub.topic": {s.Topic}},
		"no mode":       {"hub.topic": {s.Topic}, "hub.challenge": {"c"}},
		"a long one":    {"hub.mode": {"subscribe"}, "hub.topic": {s.Topic}, "hub.challenge": {strings.Repeat("c", 5000)}},
	} {
		if code, body := w.hub.get(w.config.Callback, q); code != http.StatusNotFound || body != "" {
			t.Errorf("%s: answered %d %q", name, code, body)
		}
	}
	if got, err := w.store.FeedSubscription(t.Context(), "site"); err != nil || got.Until != s.Until {
		t.Errorf("%+v, %v", got, err)
	}
	// A good signature on what is no feed: taken, and nothing comes of it.
	junk := "<html>"
	if code := deliver(t, w.config.Callback, junk, "sha256="+sign("sha256", s.Secret, junk)); code != http.StatusAccepted {
		t.Errorf("junk: answered %d", code)
	}
}

func TestHubsThatRefuse(t *testing.T) {
	w := newWatch(t, false)
	w.hub.refuse = "no such \x1b[31mtopic"
	w.feed.body = w.document(series(1, 2)...)
	s := w.look(t)
	if !s.Until.IsZero() || s.Problem != "the hub refuses. no such  [31mtopic" {
		t.Errorf("%+v", s)
	}
	w.now = noon.Add(time.Hour)
	if w.look(t); len(w.hub.asked) != 1 {
		t.Errorf("asked %d times", len(w.hub.asked))
	}
	w.now, w.hub.refuse = noon.Add(7*time.Hour), ""
	if s := w.look(t); s.Until.IsZero() || len(w.hub.asked) != 2 {
		t.Errorf("%+v, asked %d times", s, len(w.hub.asked))
	}

	// A hub that is down keeps no feed from being read.
	w = newWatch(t, false)
	w.feed.body = w.document(series(1, 2)...)
	w.hub.server.Close()
	r := poll(t, w.store, w.config)
	if err := feed.Subscribe(t.Context(), w.store, r.Feed, w.config); publisher.KindOf(err) != publisher.Busy {
		t.Errorf("got %v", err)
	}
	if s, err := w.store.FeedSubscription(t.Context(), "site"); err != nil || s.Problem == "" {
		t.Errorf("%+v, %v", s, err)
	}
}

// To a hub without TLS no secret is told, and nothing that it delivers is believed:
// the feed is looked at.
func TestWithoutSecret(t *testing.T) {
	w := newWatch(t, false)
	w.feed.body = w.document(series(1, 2)...)
	inner := w.config.Source.Dialer
	w.config.Source.AllowPrivate = false
	w.config.Source.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := inner(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return publicly{conn}, nil
	}
	if s := w.look(t); s.Secret != "" || s.Until.IsZero() {
		t.Fatalf("%+v", s)
	}
	w.feed.body = w.document(series(1, 3)...)
	if codes := w.hub.publish("http://feeds.example/feed", w.document(item{"evil", "http://evil.example/", "Faux", "", "Ce texte n’est pas du site."})); len(codes) != 1 || codes[0] != http.StatusAccepted {
		t.Fatalf("answered %v", codes)
	}
	if got := w.waiting(t); len(got) != 1 || got[0] != "Article 3" || w.looks != 1 {
		t.Errorf("waiting: %v, looks %d", got, w.looks)
	}
}
