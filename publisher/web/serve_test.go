package web_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"crieur/publisher/web"
)

// wire is a listener in memory, so that time can be made up.
type wire struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

var _ net.Listener = (*wire)(nil)

func newWire() *wire { return &wire{dialled: make(chan net.Conn), closed: make(chan struct{})} }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.dialled:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { w.once.Do(func() { close(w.closed) }); return nil }
func (w *wire) Addr() net.Addr { return &net.UnixAddr{Name: "wire", Net: "unix"} }

func (w *wire) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case w.dialled <- there:
		return here, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// serving starts Serve and gives what ends it: which waits for it and says how long
// that took.
func serving(t *testing.T, h http.Handler) (w *wire, client *http.Client, end func() time.Duration) {
	t.Helper()
	w = newWire()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(ctx, w, h) }()
	transport := &http.Transport{DialContext: w.dial}
	t.Cleanup(transport.CloseIdleConnections)
	return w, &http.Client{Transport: transport}, func() time.Duration {
		began := time.Now()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		return time.Since(began)
	}
}

func TestServeDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(3 * time.Second)
			if r.Context().Err() == nil {
				_, _ = io.WriteString(w, "whole")
			}
		})
		_, client, end := serving(t, h)
		answer := make(chan string, 1)
		go func() {
			res, err := client.Get("http://wire/")
			if err != nil {
				answer <- err.Error()
				return
			}
			defer res.Body.Close()
			data, _ := io.ReadAll(res.Body)
			answer <- string(data)
		}()
		synctest.Wait()
		if took := end(); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("it ended after %v, and the request took 3 s", took)
		}
		if got := <-answer; got != "whole" {
			t.Error("the request under way got", got)
		}
		if _, err := client.Get("http://wire/"); err == nil {
			t.Error("it still answers")
		}
	})
}

func TestServeEndsAlthoughARequestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client, end := serving(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		failed := make(chan error, 1)
		go func() {
			_, err := client.Get("http://wire/")
			failed <- err
		}()
		synctest.Wait()
		if took := end(); took != 5*time.Second {
			t.Errorf("it ended after %v", took)
		}
		if err := <-failed; err == nil {
			t.Error("the request that hung was answered")
		}
	})
}

// Browsers open connections that they may never use.
func TestServeDoesNotWaitForTheSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, end := serving(t, http.NotFoundHandler())
		c, err := w.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		synctest.Wait()
		if took := end(); took > time.Second {
			t.Errorf("it ended after %v", took)
		}
	})
}

func TestServeCutsOffTheSlow(t *testing.T) {
	for name, test := range map[string]struct {
		says   string
		within time.Duration
	}{
		"no word":         {"", 16 * time.Second},
		"half a header":   {"GET / HTTP/1.1\r\nHost: wire\r\nX-Slow: ", 6 * time.Second},
		"half a body":     {"POST / HTTP/1.1\r\nHost: wire\r\nContent-Length: 10\r\n\r\nabc", 16 * time.Second},
		"nothing further": {"GET / HTTP/1.1\r\nHost: wire\r\n\r\n", 121 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _, end := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.ReadAll(r.Body)
				}))
				c, err := w.dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				began := time.Now()
				go func() { _, _ = io.WriteString(c, test.says) }()
				if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, io.ErrClosedPipe) {
					t.Error(err)
				}
				if took := time.Since(began); took > test.within {
					t.Errorf("cut off after %v", took)
				}
				end()
			})
		})
	}
}

func TestServeRefusesEndlessHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, end := serving(t, http.NotFoundHandler())
		c, err := w.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: wire\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
		}()
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("got %v, %v", res, err)
		}
		_ = c.Close()
		end()
	})
}

func TestServeSaysWhyItCannot(t *testing.T) {
	l := newWire()
	_ = l.Close()
	if err := web.Serve(t.Context(), l, http.NotFoundHandler()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
