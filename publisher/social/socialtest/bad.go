package socialtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

// refusal answers with a status in the network's own words.
func (b *bench) refusal(status int) fault {
	return func(w http.ResponseWriter, r *http.Request, _ func() *answer) {
		io.Copy(io.Discard, r.Body)
		header, body := b.Refuse(status, time.Now().Add(wait))
		(&answer{status, header, []byte(body)}).write(w)
	}
}

// wait is how far ahead a 429 puts the end of its window.
const wait = 10 * time.Minute

func refusals(t *testing.T, b *bench) {
	for _, c := range []struct {
		status int
		want   publisher.Kind
	}{
		{http.StatusBadRequest, publisher.Invalid},
		{http.StatusUnauthorized, publisher.Denied},
		{http.StatusForbidden, publisher.Denied},
		{http.StatusUnprocessableEntity, publisher.Invalid},
		{http.StatusTooManyRequests, publisher.Busy},
		{http.StatusInternalServerError, publisher.Unknown},
		{http.StatusBadGateway, publisher.Unknown},
		{http.StatusServiceUnavailable, publisher.Busy},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			b.onCreate(b.refusal(c.status))
			begin := time.Now()
			_, err := b.network.Post(t.Context(), newPost(keyOf(t, c.status)))
			b.failed(t, err, c.want)
			var e *publisher.Error
			if errors.As(err, &e) && e.Code != c.status {
				t.Errorf("the error says %d", e.Code)
			}
			if c.status == http.StatusTooManyRequests {
				// Networks tell whole seconds, of their own clock.
				want := begin.Add(wait)
				if after := publisher.AfterOf(err); after.Before(want.Add(-5*time.Second)) || after.After(want.Add(time.Minute)) {
					t.Errorf("not before %v, want %v", after, want)
				}
			}
			b.stands(t)
		})
	}
}

// Whether a request was read or only sent, its sender cannot tell: it is unknown,
// not found, and made by the next try.
func lostBefore(t *testing.T, b *bench) {
	p := newPost(keyOf(t, 1))
	b.onCreate(func(w http.ResponseWriter, r *http.Request, _ func() *answer) { hangUp(w) })
	_, err := b.network.Post(t.Context(), p)
	b.failed(t, err, publisher.Unknown)
	if r, found := b.find(t, p); found {
		t.Errorf("found what was never made: %+v", r)
	}
	b.stands(t)
	b.onCreate(nil)
	b.post(t, p)
	b.stands(t, p.Text)
}

// What is done although nobody heard so is unknown, found, and not done again.
func lostAfter(t *testing.T, b *bench) {
	for name, end := range map[string]func(http.ResponseWriter, *answer){
		"hang-up": func(w http.ResponseWriter, _ *answer) { hangUp(w) },
		"cut": func(w http.ResponseWriter, a *answer) {
			w.Header().Set("Content-Length", fmt.Sprint(len(a.body)+1))
			w.Write(a.body[:len(a.body)/2])
			w.(http.Flusher).Flush()
			hangUp(w)
		},
		"too long": func(w http.ResponseWriter, a *answer) {
			a.body = append(a.body, strings.Repeat(" ", wire.MaxAnswer)...)
			a.write(w)
		},
		"not JSON": func(w http.ResponseWriter, a *answer) { io.WriteString(w, "<!doctype html><title>Welcome</title>") },
		"empty":    func(w http.ResponseWriter, a *answer) {},
		"nothing in it": func(w http.ResponseWriter, a *answer) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, "{}")
		},
		"gateway": func(w http.ResponseWriter, a *answer) { http.Error(w, "", http.StatusGatewayTimeout) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(keyOf(t, strings.ReplaceAll(name, " ", "")))
			before := b.Public()
			b.onCreate(func(w http.ResponseWriter, r *http.Request, forward func() *answer) {
				a := forward()
				if a == nil || a.status/100 != 2 {
					t.Errorf("the server did not make the post: %+v", a)
					hangUp(w)
					return
				}
				end(w, a)
			})
			_, err := b.network.Post(t.Context(), p)
			b.failed(t, err, publisher.Unknown)
			b.onCreate(nil)
			found, ok := b.find(t, p)
			if !ok {
				t.Fatal("the post stands and is not found")
			}
			if again := b.post(t, p); again.ID != found.ID {
				t.Errorf("posted again as %s, found as %s", again.ID, found.ID)
			}
			b.stands(t, append(slices.Clone(before), p.Text)...)
		})
	}
}

func noConnection(t *testing.T, b *bench) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	closed.Close()
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"refused": func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		"no such host": func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "example.test", IsNotFound: true}
		},
		"silence": func(ctx context.Context, _, _ string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := b.env
			env.Client = &http.Client{Transport: &http.Transport{DialContext: dial}}
			_, err := b.open(t, env).Post(t.Context(), newPost(keyOf(t, 1)))
			b.failed(t, err, publisher.Busy)
			b.stands(t)
		})
	}
}

// Some servers end a connection after each answer without saying that they will.
func closedInSilence(t *testing.T, b *bench) {
	b.onEvery(func(w http.ResponseWriter, r *http.Request, forward func() *answer) {
		a := forward()
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil || a == nil {
			t.Errorf("%+v, %v", a, err)
			return
		}
		defer conn.Close()
		resp := http.Response{StatusCode: a.status, ProtoMajor: 1, ProtoMinor: 1, Header: a.header,
			ContentLength: int64(len(a.body)), Body: io.NopCloser(bytes.NewReader(a.body))}
		resp.Header.Del("Connection")
		resp.Write(conn)
	})
	var texts []string
	for i := range 20 {
		p := newPost(keyOf(t, i))
		b.post(t, p)
		texts = append(texts, p.Text)
	}
	b.stands(t, texts...)
}

func cancelled(t *testing.T, b *bench) {
	p := newPost(keyOf(t, 1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.onCreate(func(w http.ResponseWriter, r *http.Request, forward func() *answer) {
		forward()
		cancel()
		<-r.Context().Done()
	})
	_, err := b.network.Post(ctx, p)
	b.failed(t, err, publisher.Unknown)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the context's own error is lost: %v", err)
	}
	b.onCreate(nil)
	if _, found := b.find(t, p); !found {
		t.Error("the post stands and is not found")
	}
	_, err = b.network.Post(ctx, newPost(keyOf(t, 2)))
	b.failed(t, err, publisher.Busy)
	b.stands(t, p.Text)
}

// Credentials and posts go to the host that the owner named and to no other.
func redirected(t *testing.T, b *bench) {
	var strayed atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	defer other.Close()
	p := newPost(keyOf(t, 1))
	for _, status := range []int{http.StatusMovedPermanently, http.StatusTemporaryRedirect} {
		b.onCreate(func(w http.ResponseWriter, r *http.Request, _ func() *answer) {
			http.Redirect(w, r, other.URL+r.URL.Path, status)
		})
		_, err := b.network.Post(t.Context(), p)
		b.failed(t, err, publisher.Invalid)
	}
	if strayed.Load() > 0 {
		t.Error("a request went to another host")
	}
	b.stands(t)
}

// secrets has the server repeat all that it was sent, as some do.
func secrets(t *testing.T, b *bench) {
	for _, status := range []int{200, 400, 401, 403, 422, 429, 500, 503} {
		echo := func(w http.ResponseWriter, r *http.Request, _ func() *answer) {
			body, _ := io.ReadAll(r.Body)
			all := fmt.Sprint(r.Header, r.URL, string(body))
			text, _ := json.Marshal(map[string]any{"error": all, "message": all, "title": all, "detail": all,
				"errors": []map[string]string{{"message": all}}})
			if status == 200 {
				text = []byte(all)
			}
			w.Header().Set("Location", "http://"+r.Header.Get("Authorization"))
			w.WriteHeader(status)
			w.Write(text)
		}
		b.onCreate(echo)
		_, err := b.network.Post(t.Context(), newPost(keyOf(t, status)))
		if err == nil {
			t.Fatalf("%d: no error", status)
		}
		b.keepsSecrets(t, err)

		// And from the first request on, logging in included.
		b.onEvery(echo)
		env := b.env
		env.Tokens = &memory{}
		n := b.open(t, env)
		_, err = n.Post(t.Context(), newPost(keyOf(t, status)))
		if err == nil {
			t.Fatalf("%d: no error", status)
		}
		b.keepsSecrets(t, err)
		b.onEvery(nil)
	}
}

func (b *bench) keepsSecrets(t *testing.T, err error) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	text := fmt.Sprintf("%v %s", err, publisher.HintOf(err))
	for _, secret := range slices.Concat(b.Secrets, b.bearers) {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("a secret stands in: %s", text)
		}
	}
}
