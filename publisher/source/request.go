package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"crieur/publisher"
)

// A Request is one call of a web server, under the guard.
type Request struct {
	Op     string // for errors: "fetch page"
	Method string // "": GET
	URL    string
	Header http.Header
	Body   []byte
	Limit  int64  // of the answer, in bytes
	TooBig string // the hint for what is larger
}

// A Reply is an answer of 2xx, or of 304 where Header asks for what has changed.
type Reply struct {
	Status int
	Header http.Header
	Data   []byte
	URL    string // where the answer came from, after redirects
	Where  string // URL as errors may show it
	Moved  string // where redirects led that are meant for good (301, 308), until the first that is not; "" for nowhere
}

// Do makes a request. It goes to public addresses only unless c allows others, its
// first hop as every later one; it follows few redirects, and ends within
// c.Timeout. Errors are those of Read; Code is the status of an answer that is
// none of Reply's.
func Do(ctx context.Context, q Request, c Config) (Reply, error) {
	c = c.withDefaults()
	where := redact(q.URL)
	if webURL(q.URL) == nil {
		return Reply{}, &publisher.Error{Kind: publisher.Invalid, Op: q.Op, Where: where, Err: errors.New("the address is malformed"),
			Hint: "give an address such as https://example.org/article, without a login in it"}
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	transport := newTransport(c)
	defer transport.CloseIdleConnections()
	var moves moves
	client := &http.Client{Transport: transport, CheckRedirect: moves.follow}
	req, err := http.NewRequestWithContext(ctx, q.Method, q.URL, bytes.NewReader(q.Body))
	if err != nil {
		return Reply{}, &publisher.Error{Kind: publisher.Invalid, Op: q.Op, Where: where, Err: errors.New("the address is malformed")}
	}
	if q.Header != nil {
		req.Header = q.Header.Clone()
	}
	req.Header.Set("User-Agent", userAgent)
	resp, err := client.Do(req)
	if err != nil {
		return Reply{}, fetchError(q.Op, where, err, c)
	}
	defer resp.Body.Close()
	r := Reply{Status: resp.StatusCode, Header: resp.Header, URL: resp.Request.URL.String(), Moved: moves.to}
	r.Where = redact(r.URL)
	if resp.StatusCode == http.StatusNotModified && (req.Header.Get("If-None-Match") != "" || req.Header.Get("If-Modified-Since") != "") {
		return r, nil
	}
	if err := statusError(q.Op, where, resp, c.Now()); err != nil {
		return Reply{}, err
	}
	big := &publisher.Error{Kind: publisher.Invalid, Op: q.Op, Where: r.Where, Hint: q.TooBig, Err: fmt.Errorf("it is larger than %s", megabytes(q.Limit))}
	if resp.ContentLength > q.Limit {
		return Reply{}, big
	}
	if r.Data, err = io.ReadAll(io.LimitReader(resp.Body, q.Limit+1)); err != nil {
		return Reply{}, fetchError(q.Op, r.Where, err, c)
	}
	if int64(len(r.Data)) > q.Limit {
		return Reply{}, big
	}
	return r, nil
}

// moves follows redirects and notes how far they are meant for good.
type moves struct {
	to      string
	passing bool // one was for the moment only
}

func (m *moves) follow(req *http.Request, via []*http.Request) error {
	if err := checkRedirect(req, via); err != nil {
		return err
	}
	switch req.Response.StatusCode {
	case http.StatusMovedPermanently, http.StatusPermanentRedirect:
	default:
		m.passing = true
	}
	if !m.passing {
		m.to = req.URL.String()
	}
	return nil
}

// ErrFeed marks what Read was given where a feed stands, not an article.
var ErrFeed = errors.New("it is a feed, not a web page")

// isFeed judges by the media type, and by the first element where that says only XML.
func isFeed(kind string, data []byte) bool {
	switch kind {
	case "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json":
		return true
	case "application/xml", "text/xml":
		head := strings.ToLower(string(data[:min(len(data), 1024)]))
		return strings.Contains(head, "<rss") || strings.Contains(head, "<feed") || strings.Contains(head, "<rdf:rdf")
	case "application/json":
		return bytes.Contains(data[:min(len(data), 1024)], []byte("jsonfeed.org/version/"))
	}
	return false
}
