// Package socialtest is the conformance suite of publisher.Network: what each
// network must do, against any server that behaves like the network's own. Between
// the two stands a proxy of the suite's, which breaks things on purpose. A network
// passes it against its own fake; a sandbox passes it with the networks themselves.
package socialtest

import (
	"net/http"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

// A Harness is a server with one account and no posts, and the network to it.
type Harness struct {
	// Base is the server's address; it may have a path. A server that checks
	// signatures must believe the request's Host header.
	Base string
	// Open opens the network with settings that the server accepts. What env gives is
	// to be passed on as it is.
	Open func(env wire.Env) (publisher.Network, error)
	// Public gives the texts of the posts that stand on the server, in any order.
	Public func() []string
	// Creates reports whether a request is the one that makes a post.
	Creates func(r *http.Request) bool
	// Refuse gives the headers and body with which the network words a refusal. The
	// header of a 429 names reset, in the network's own way.
	Refuse func(status int, reset time.Time) (http.Header, string)
	// Secrets must not stand in any error.
	Secrets []string
}

// Run runs the suite. Each test gets a harness of its own from open, which must end
// what it started in t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"traits", traits},
		{"verify", verify},
		{"probe", probe},
		{"post, find and remove", postFindRemove},
		{"edit", edit},
		{"pictures", pictures},
		{"card", card},
		{"warning", warning},
		{"thread", thread},
		{"same key twice", sameKeyTwice},
		{"many at once", manyAtOnce},
		{"refusals", refusals},
		{"lost before it was read", lostBefore},
		{"lost after it was done", lostAfter},
		{"no connection", noConnection},
		{"connections closed in silence", closedInSilence},
		{"cancelled", cancelled},
		{"sent to another host", redirected},
		{"secrets", secrets},
		{"sessions are kept", sessionsAreKept},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, newBench(t, open(t))) })
	}
}

// A bench is a harness with the proxy before it and the network behind it.
type bench struct {
	Harness
	*proxy
	env     wire.Env
	network publisher.Network
}

func newBench(t *testing.T, h Harness) *bench {
	t.Helper()
	b := &bench{Harness: h, proxy: newProxy(t, h)}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	b.env = wire.Env{
		Client:    &http.Client{Transport: transport},
		BaseURL:   b.proxy.url,
		Channel:   "essai",
		Tokens:    &memory{},
		Now:       time.Now,
		UserAgent: "crieur/test",
	}
	b.network = b.open(t, b.env)
	return b
}

func (b *bench) open(t *testing.T, env wire.Env) publisher.Network {
	t.Helper()
	n, err := b.Open(env)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return n
}

// find asks a Finder; a network that is none fails the test, because every network
// that there is can look its posts up.
func (b *bench) find(t *testing.T, p publisher.Post) (publisher.Receipt, bool) {
	t.Helper()
	f, ok := b.network.(publisher.Finder)
	if !ok {
		t.Fatalf("%T is no Finder", b.network)
	}
	r, found, err := f.Find(t.Context(), p)
	if err != nil {
		t.Fatalf("find: %v", err)
	}
	return r, found
}

func (b *bench) post(t *testing.T, p publisher.Post) publisher.Receipt {
	t.Helper()
	r, err := b.network.Post(t.Context(), p)
	if err != nil {
		t.Fatalf("post: %v", err)
	}
	if r.ID == "" || r.At.IsZero() {
		t.Fatalf("the receipt proves nothing: %+v", r)
	}
	return r
}

// stands fails the test unless exactly these texts are public.
func (b *bench) stands(t *testing.T, want ...string) {
	t.Helper()
	got := map[string]int{}
	for _, text := range b.Public() {
		got[text]++
	}
	for _, text := range want {
		if got[text]--; got[text] < 0 {
			t.Errorf("not public: %q", text)
		}
	}
	for text, n := range got {
		if n > 0 {
			t.Errorf("public %d times too often: %q", n, text)
		}
	}
}

// failed fails the test unless err is one that may cross packages, of the kind
// wanted, and tells which channel it concerns without telling any secret.
func (b *bench) failed(t *testing.T, err error, want publisher.Kind) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want kind %v", want)
		return
	}
	if got := publisher.KindOf(err); got != want {
		t.Errorf("kind %v, want %v: %v", got, want, err)
	}
	if e, ok := err.(*publisher.Error); !ok || e.Where != b.env.Channel || e.Op == "" {
		t.Errorf("the error does not say where and what: %#v", err)
	}
	b.keepsSecrets(t, err)
}
