package socialtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// A proxy passes requests on to a harness's server, except where a fault says
// otherwise. It keeps the Host that the client asked for, since signatures cover it.
type proxy struct {
	url    string
	target *url.URL
	client *http.Client
	create func(*http.Request) bool

	mu      sync.Mutex
	fault   fault
	everyOn bool
	bearers []string
	logins  int
}

// A fault answers a request in the server's place. forward passes the request on and
// gives the server's answer.
type fault func(w http.ResponseWriter, r *http.Request, forward func() *answer)

type answer struct {
	status int
	header http.Header
	body   []byte
}

func newProxy(t *testing.T, h Harness) *proxy {
	t.Helper()
	target, err := url.Parse(h.Base)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	p := &proxy{target: target, create: h.Creates, client: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		transport.CloseIdleConnections()
	})
	p.url = server.URL + target.Path
	return p
}

// onCreate sets the fault of requests that make a post; nil: none.
func (p *proxy) onCreate(f fault) { p.set(f, false) }

// onEvery sets the fault of all requests.
func (p *proxy) onEvery(f fault) { p.set(f, true) }

func (p *proxy) set(f fault, every bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.everyOn = f, every
}

// sessions gives how often the network has logged in with a password.
func (p *proxy) sessions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logins
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	f := p.fault
	if f != nil && !p.everyOn && !p.create(r) {
		f = nil
	}
	if credential, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		p.bearers = append(p.bearers, credential)
	}
	if strings.HasSuffix(r.URL.Path, "createSession") {
		p.logins++
	}
	p.mu.Unlock()

	forward := func() *answer { return p.forward(r) }
	if f != nil {
		f(w, r, forward)
		return
	}
	a := forward()
	if a == nil {
		hangUp(w)
		return
	}
	a.write(w)
}

func (p *proxy) forward(r *http.Request) *answer {
	to := *r.URL
	to.Scheme, to.Host = p.target.Scheme, p.target.Host
	// Not the client's context: a server carries on with what it has read.
	req, err := http.NewRequest(r.Method, to.String(), r.Body)
	if err != nil {
		return nil
	}
	req.Host, req.Header, req.ContentLength = r.Host, r.Header.Clone(), r.ContentLength
	resp, err := p.client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil
	}
	return &answer{resp.StatusCode, resp.Header, body}
}

func (a *answer) write(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// hangUp ends the connection instead of answering.
func hangUp(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			conn.Close()
		}
	}
}
