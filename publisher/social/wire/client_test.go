package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const planted = "s3cr3t/to+ken"

func client(t *testing.T) *wire.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return wire.New("test", wire.Env{
		Client:  &http.Client{Transport: transport},
		Channel: "essai",
		Now:     func() time.Time { return noon },
	}, planted)
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func post(url string) wire.Request {
	return wire.Request{Method: "POST", URL: url, Body: []byte(`{}`), Op: "post to test", Posts: true,
		Header: http.Header{"Authorization": {"Bearer bearer-value"}}}
}

func upload(url string) wire.Request {
	r := post(url)
	r.Posts = false
	return r
}

func TestStatusDecidesTheKind(t *testing.T) {
	for name, c := range map[string]struct {
		status       int
		header       http.Header
		post, upload publisher.Kind
		after        time.Time
	}{
		"see other":         {status: 303, post: publisher.Unknown, upload: publisher.Invalid},
		"moved":             {status: 308, post: publisher.Invalid, upload: publisher.Invalid},
		"bad request":       {status: 400, post: publisher.Invalid, upload: publisher.Invalid},
		"unauthorized":      {status: 401, post: publisher.Denied, upload: publisher.Denied},
		"not paid for":      {status: 402, post: publisher.Denied, upload: publisher.Denied},
		"forbidden":         {status: 403, post: publisher.Denied, upload: publisher.Denied},
		"not found":         {status: 404, post: publisher.NotFound, upload: publisher.NotFound},
		"gone":              {status: 410, post: publisher.NotFound, upload: publisher.NotFound},
		"request timed out": {status: 408, post: publisher.Busy, upload: publisher.Busy},
		"too large":         {status: 413, post: publisher.Invalid, upload: publisher.Invalid},
		"unprocessable":     {status: 422, post: publisher.Invalid, upload: publisher.Invalid},
		"too many":          {status: 429, post: publisher.Busy, upload: publisher.Busy},
		"internal":          {status: 500, post: publisher.Unknown, upload: publisher.Busy},
		"bad gateway":       {status: 502, post: publisher.Unknown, upload: publisher.Busy},
		"unavailable":       {status: 503, post: publisher.Busy, upload: publisher.Busy},
		"gateway timeout":   {status: 504, post: publisher.Unknown, upload: publisher.Busy},
		"X's reset": {status: 429, header: http.Header{"X-Rate-Limit-Reset": {fmt.Sprint(noon.Add(10 * time.Minute).Unix())}},
			post: publisher.Busy, upload: publisher.Busy, after: noon.Add(10 * time.Minute)},
		"Mastodon's reset": {status: 429, header: http.Header{"X-RateLimit-Reset": {"2026-11-23T12:05:00.123456Z"}},
			post: publisher.Busy, upload: publisher.Busy, after: noon.Add(5*time.Minute + 123456*time.Microsecond)},
		"seconds": {status: 503, header: http.Header{"Retry-After": {"290"}},
			post: publisher.Busy, upload: publisher.Busy, after: noon.Add(290 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				for k, v := range c.header {
					w.Header()[k] = v
				}
				w.WriteHeader(c.status)
				io.WriteString(w, `{"error":"no"}`)
			})
			for _, probe := range []struct {
				request wire.Request
				want    publisher.Kind
			}{{post(url), c.post}, {upload(url), c.upload}} {
				resp, err := client(t).Do(t.Context(), probe.request)
				if err == nil || publisher.KindOf(err) != probe.want {
					t.Errorf("posts=%v: got %v, want kind %v", probe.request.Posts, err, probe.want)
				}
				if resp == nil || resp.Status != c.status {
					t.Errorf("posts=%v: the answer is not handed back: %+v", probe.request.Posts, resp)
				}
				if got := publisher.AfterOf(err); !got.Equal(c.after) {
					t.Errorf("posts=%v: after %v, want %v", probe.request.Posts, got, c.after)
				}
				var e *publisher.Error
				if errors.As(err, &e); e.Code != c.status || e.Where != "essai" {
					t.Errorf("posts=%v: code %d, where %q", probe.request.Posts, e.Code, e.Where)
				}
			}
		})
	}
}

func TestResetIsTheMomentTheServerNames(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		want   time.Time
	}{
		"nothing":              {http.Header{}, time.Time{}},
		"nonsense":             {http.Header{"Retry-After": {"soon"}}, time.Time{}},
		"not a number":         {http.Header{"Retry-After": {"NaN"}}, time.Time{}},
		"negative":             {http.Header{"Retry-After": {"-5"}}, time.Time{}},
		"date":                 {http.Header{"Retry-After": {"Mon, 23 Nov 2026 12:01:00 GMT"}}, noon.Add(time.Minute)},
		"fraction":             {http.Header{"Retry-After": {"0.5"}}, noon.Add(time.Second / 2)},
		"past":                 {http.Header{"X-Rate-Limit-Reset": {"1500000000"}}, noon},
		"far":                  {http.Header{"Retry-After": {"99999999"}}, noon.Add(24 * time.Hour)},
		"Bluesky's":            {http.Header{"Ratelimit-Reset": {fmt.Sprint(noon.Add(time.Minute).Unix())}}, noon.Add(time.Minute)},
		"Retry-After is first": {http.Header{"Retry-After": {"1"}, "Ratelimit-Reset": {"60"}}, noon.Add(time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := wire.Reset(c.header, noon); !got.Equal(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// hangUp ends the connection instead of answering.
func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func TestNoAnswer(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + closed.Addr().String()
	closed.Close()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})

	for name, c := range map[string]struct {
		url  string
		want publisher.Kind // of a request that posts; one that does not is Busy
	}{
		"refused":        {refused, publisher.Busy},
		"no such host":   {"http://host.invalid", publisher.Busy},
		"TLS with plain": {strings.Replace(plain, "http:", "https:", 1), publisher.Busy},
		"hang-up":        {serve(t, func(w http.ResponseWriter, r *http.Request) { hangUp(w) }), publisher.Unknown},
		"not HTTP": {serve(t, func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(conn, "220 mail.example ESMTP bearer-value "+planted+"\r\n")
			conn.Close()
		}), publisher.Unknown},
		"cut": {serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"id":`)
			w.(http.Flusher).Flush()
			hangUp(w)
		}), publisher.Unknown},
		"too long": {serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"id":"`+strings.Repeat("x", wire.MaxAnswer)+`"}`)
		}), publisher.Unknown},
		"HTML": {serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<h1>bearer-value</h1>") }), publisher.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			for _, probe := range []struct {
				request wire.Request
				want    publisher.Kind
			}{{post(c.url), c.want}, {upload(c.url), publisher.Busy}} {
				_, err := client(t).JSON(t.Context(), probe.request, &struct{}{})
				if err == nil || publisher.KindOf(err) != probe.want {
					t.Errorf("posts=%v: got %v, want kind %v", probe.request.Posts, err, probe.want)
				}
				noSecret(t, err)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	got := make(chan struct{}, 8)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		got <- struct{}{}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-got; cancel() }()
	_, err := client(t).Do(ctx, post(url))
	if publisher.KindOf(err) != publisher.Unknown || !errors.Is(err, context.Canceled) {
		t.Errorf("after the request was read: %v (%v), want unknown and the context's own error", err, publisher.KindOf(err))
	}
	_, err = client(t).Do(ctx, post(url))
	if publisher.KindOf(err) != publisher.Busy || !errors.Is(err, context.Canceled) {
		t.Errorf("before anything was written: %v (%v), want busy", err, publisher.KindOf(err))
	}
}

// Go's transport repeats a request with an Idempotency-Key by itself when a kept
// connection breaks; on servers that ignore the key that would be a second post.
func TestNoRequestIsRepeatedUnseen(t *testing.T) {
	var posts atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			return // leaves a kept connection
		}
		if r.Header.Get("Idempotency-Key") != "k" {
			t.Errorf("the key does not arrive: %v", r.Header)
		}
		io.Copy(io.Discard, r.Body)
		posts.Add(1)
		hangUp(w)
	})
	c := client(t)
	resp, err := c.HTTP.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r := post(url)
	r.Header.Set("Idempotency-Key", "k")
	_, err = c.Do(t.Context(), r)
	if publisher.KindOf(err) != publisher.Unknown || posts.Load() != 1 {
		t.Errorf("got %v after %d requests, want unknown after one", err, posts.Load())
	}
}

func TestRedirectsStayHome(t *testing.T) {
	var strayed atomic.Int32
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { strayed.Add(1) })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other, http.StatusTemporaryRedirect)
		case "/around":
			http.Redirect(w, r, "/around", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/there", http.StatusMovedPermanently)
		case "/there":
			io.WriteString(w, r.Header.Get("Authorization"))
		}
	})
	get := func(path string) wire.Request {
		return wire.Request{Method: "GET", URL: url + path, Header: http.Header{"Authorization": {"Bearer bearer-value"}}}
	}
	for name, r := range map[string]wire.Request{"away by POST": post(url + "/away"), "away by GET": get("/away"),
		"POST at home": post(url + "/here"), "round and round": get("/around")} {
		if _, err := client(t).Do(t.Context(), r); publisher.KindOf(err) != publisher.Invalid {
			t.Errorf("%s: got %v, want invalid", name, err)
		}
	}
	if strayed.Load() != 0 {
		t.Error("credentials went to another host")
	}
	resp, err := client(t).Do(t.Context(), get("/here"))
	if err != nil || string(resp.Body) != "Bearer bearer-value" {
		t.Errorf("a redirect at home: %+v, %v", resp, err)
	}
}

// A transport that refuses a destination says so with a kind of its own.
func TestRefusingTransportKeepsItsKind(t *testing.T) {
	refuse := errors.New("not a loopback address")
	c := wire.New("test", wire.Env{Client: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "connect", Hint: "set mode: live", Err: refuse}
	})}})
	_, err := c.Do(t.Context(), post("http://192.0.2.1"))
	if publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) != "set mode: live" || !errors.Is(err, refuse) {
		t.Errorf("got %v (%v, hint %q)", err, publisher.KindOf(err), publisher.HintOf(err))
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
