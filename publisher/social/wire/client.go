// Package wire is the one place where crieur speaks HTTP with a social network. It
// closes and caps bodies, keeps credentials at home, and says of every failure
// whether the post is surely not made or perhaps made. It knows no network, does
// not retry, sleep or log; a network that knows better about one of its answers
// changes the kind of the error it gets.
package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"crieur/publisher"
)

// MaxAnswer is the longest answer that is read, in bytes.
const MaxAnswer = 1 << 20

// maxRedirects is how many redirects inside one host a reading request follows.
const maxRedirects = 3

// A Client makes requests for one channel. Its fields must not be changed after
// the first request; then it is safe for concurrent use.
type Client struct {
	HTTP       *http.Client
	Network    string             // "mastodon"
	Channel    string             // stands in every error
	UserAgent  string             // sent with every request
	Now        func() time.Time   // tells a wait from a moment
	Secrets    []publisher.Secret // cut out of whatever a server says
	DeniedHint string             // what the owner can do about refused credentials
}

// New makes a client for a network. Redirects are followed only by GET and only on
// the same host, because a request carries credentials, and because following one
// would turn a POST into a GET.
func New(network string, env Env, secrets ...publisher.Secret) *Client {
	env = env.WithDefaults()
	h := *env.Client
	h.CheckRedirect = stayHome
	h.Jar = nil
	return &Client{HTTP: &h, Network: network, Channel: env.Channel, UserAgent: env.UserAgent, Now: env.Now, Secrets: secrets}
}

func stayHome(req *http.Request, via []*http.Request) error {
	first := via[0]
	reads := first.Method == http.MethodGet || first.Method == http.MethodHead
	if !reads || len(via) > maxRedirects || req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// A Request is one HTTP request with its whole body.
type Request struct {
	Method string
	URL    string
	Header http.Header // may be nil
	Body   []byte
	Op     string // for errors: "post to mastodon"
	Posts  bool   // it may make a post: what happened to it may be Unknown
}

// A Response is an answer with its whole body.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes one request. On any answer with a status other than 2xx both results
// are set, so that a network can read what its server said; where no whole answer
// came, the response is nil.
//
// Kinds of error, where no network knows better: 401, 402 and 403 Denied; 404 and 410
// NotFound; 408, 425, 429 and 503 Busy, with the moment the server names; other 4xx
// and redirects Invalid. Without a whole answer, and on other 5xx: Unknown where
// the request Posts and may have left the machine, else Busy.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, c.Error(publisher.Internal, r.Op, "", errors.New("the request's address is not one"))
	}
	if len(r.Body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}
	// A connection of its own for each request: some servers end a kept one without
	// saying so (snac does), and a post sent into it would be Unknown for nothing.
	req.Close = true
	for name, values := range r.Header {
		req.Header[headerName(name)] = values
	}
	req.Header.Set("User-Agent", c.UserAgent)
	scrub := c.scrubber(r.Header)

	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, c.lost(r, left.Load(), scrub.error(bare(err)))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	good := resp.StatusCode >= 200 && resp.StatusCode <= 299
	switch {
	case good && err != nil:
		return nil, c.lost(r, true, scrub.error(fmt.Errorf("reading the answer: %w", bare(err))))
	case good && len(body) > MaxAnswer:
		return nil, c.lost(r, true, fmt.Errorf("the answer is longer than %d bytes", MaxAnswer))
	}
	answer := &Response{Status: resp.StatusCode, Header: resp.Header, Body: body[:min(len(body), MaxAnswer)]}
	if good {
		return answer, nil
	}
	return answer, c.refused(r, req.URL.Host, answer, scrub)
}

// JSON makes one request and decodes its answer into out. An answer that cannot be
// decoded is no answer: Unknown where the request Posts, else Busy.
func (c *Client) JSON(ctx context.Context, r Request, out any) (*Response, error) {
	resp, err := c.Do(ctx, r)
	if err != nil {
		return resp, err
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		// The decoder's words may quote the answer; its type says enough.
		return nil, c.lost(r, true, errors.New("the answer is not the JSON that the network's API promises"))
	}
	return resp, nil
}

// Incomplete is the error for a 2xx answer that lacks what it must hold.
func (c *Client) Incomplete(r Request, what string) error {
	return c.lost(r, true, fmt.Errorf("the answer has no %s", what))
}

// Error makes an error of this client's channel.
func (c *Client) Error(kind publisher.Kind, op, hint string, err error) *publisher.Error {
	return &publisher.Error{Kind: kind, Op: op, Where: c.Channel, Hint: hint, Err: err}
}

// Judge gives err another kind and hint, for a network that knows what an answer
// means where its status misleads. What is no error of this client's is not judged.
func (c *Client) Judge(err error, kind publisher.Kind, hint string) error {
	e, ok := err.(*publisher.Error)
	if !ok {
		return err
	}
	judged := *e
	if judged.Kind, judged.Hint = kind, hint; kind != publisher.Busy {
		judged.After = time.Time{}
	}
	return &judged
}

// lost makes the error of a request without a usable answer.
func (c *Client) lost(r Request, left bool, err error) error {
	// A transport that refuses to connect at all says so in the project's own words.
	var own *publisher.Error
	if errors.As(err, &own) && !left {
		return c.Error(own.Kind, r.Op, own.Hint, err)
	}
	if r.Posts && left {
		return c.Error(publisher.Unknown, r.Op, hintUnknown, err)
	}
	return c.Error(publisher.Busy, r.Op, hintUnreachable(err), err)
}

// bare takes the URL out of an error, because a URL may carry a token.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// headerName keeps Go's transport from repeating a POST by itself: it does so on a
// broken connection when it sees the header in its canonical spelling, and not
// every server that takes an Idempotency-Key heeds it. On the wire, case means
// nothing (RFC 9110 §5.1).
func headerName(name string) string {
	if name = http.CanonicalHeaderKey(name); name == "Idempotency-Key" {
		return "idempotency-key"
	}
	return name
}
