package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

const (
	maxRedirects = 8
	userAgent    = "crieur (reads an article for its publisher)"
)

// fetchPage reads the page at address.
func fetchPage(ctx context.Context, address string, c Config) (input, error) {
	const accept = "text/html,application/xhtml+xml;q=0.9,text/markdown;q=0.8,text/plain;q=0.7"
	r, err := fetch(ctx, request{op: "fetch page", url: address, accept: accept, limit: c.MaxBytes, tooBig: "raise article.max_bytes, or give the article as a file"}, c)
	if err != nil {
		return input{}, err
	}
	in := input{src: address, where: r.where, url: r.url, mediaType: r.mediaType, data: r.data, format: formatNamed(c.Format)}
	kind, _, _ := mime.ParseMediaType(r.mediaType)
	if kind == "" {
		kind, _, _ = mime.ParseMediaType(http.DetectContentType(r.data))
	}
	switch kind {
	case "text/html", "application/xhtml+xml":
		in.format = formatHTML
	case "text/markdown", "text/x-markdown":
		in.format = formatMarkdown
	case "text/plain":
		if in.format == formatUnknown {
			in.format = formatOf(strings.TrimSuffix(r.url, "/"))
		}
	default:
		return input{}, invalid(r.where, "give the address of the article's web page, or save the article as a file", "it is %s, not a web page", oneLine(kind))
	}
	if len(strings.TrimSpace(string(r.data))) == 0 {
		return input{}, invalid(r.where, "check the address in a browser", "the page is empty")
	}
	return in, nil
}

// FetchImage gets a picture over http(s), under the same limits and guard as Read.
// mediaType is image/jpeg, image/png, image/gif or image/webp, told by the bytes
// and not by the server.
func FetchImage(ctx context.Context, address string, c Config, maxBytes int64) (data []byte, mediaType string, err error) {
	c = c.withDefaults()
	if !isWebAddress(address) {
		return nil, "", pictureError(redact(address), "give an http or https address", errors.New("this kind of address cannot be read"))
	}
	r, err := fetch(ctx, request{op: "fetch picture", url: address, accept: "image/jpeg,image/png,image/webp;q=0.9,image/gif;q=0.8,*/*;q=0.1", limit: maxBytes, tooBig: "make the picture smaller"}, c)
	if err != nil {
		return nil, "", err
	}
	mediaType, err = checkPicture(r.data, maxBytes, r.where)
	return r.data, mediaType, err
}

type request struct {
	op, url, accept string
	limit           int64
	tooBig          string // the hint for what is larger
}

type reply struct {
	url, where, mediaType string
	data                  []byte
}

func fetch(ctx context.Context, q request, c Config) (reply, error) {
	where := redact(q.url)
	if webURL(q.url) == nil {
		return reply{}, &publisher.Error{Kind: publisher.Invalid, Op: q.op, Where: where, Err: errors.New("the address is malformed"),
			Hint: "give an address such as https://example.org/article, without a login in it"}
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	transport := newTransport(c)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url, nil)
	if err != nil {
		return reply{}, &publisher.Error{Kind: publisher.Invalid, Op: q.op, Where: where, Err: errors.New("the address is malformed")}
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", q.accept)
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, fetchError(q.op, where, err, c)
	}
	defer resp.Body.Close()
	if err := statusError(q.op, where, resp, c.Now()); err != nil {
		return reply{}, err
	}
	r := reply{url: resp.Request.URL.String(), where: redact(resp.Request.URL.String()), mediaType: resp.Header.Get("Content-Type")}
	big := &publisher.Error{Kind: publisher.Invalid, Op: q.op, Where: r.where, Hint: q.tooBig, Err: fmt.Errorf("it is larger than %s", megabytes(q.limit))}
	if resp.ContentLength > q.limit {
		return reply{}, big
	}
	if r.data, err = io.ReadAll(io.LimitReader(resp.Body, q.limit+1)); err != nil {
		return reply{}, fetchError(q.op, r.where, err, c)
	}
	if int64(len(r.data)) > q.limit {
		return reply{}, big
	}
	return r, nil
}

// newTransport uses no proxy: a proxy would connect where the guard does not look.
func newTransport(c Config) *http.Transport {
	return &http.Transport{
		DialContext: dialer(c), TLSHandshakeTimeout: c.Timeout, ResponseHeaderTimeout: c.Timeout,
		MaxResponseHeaderBytes: 256 << 10, ForceAttemptHTTP2: true, MaxIdleConns: 1,
	}
}

var (
	errRedirects = errors.New("it redirects in a circle, or too often")
	errScheme    = errors.New("it redirects to an address that is not http or https")
)

func checkRedirect(req *http.Request, via []*http.Request) error {
	if webURL(req.URL.String()) == nil {
		return errScheme
	}
	if len(via) > maxRedirects {
		return errRedirects
	}
	return nil
}

func statusError(op, where string, resp *http.Response, now time.Time) error {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	e := &publisher.Error{Kind: publisher.Invalid, Op: op, Where: where, Code: code,
		Err: fmt.Errorf("the server answered %d %s", code, http.StatusText(code))}
	switch {
	case code == http.StatusNotFound || code == http.StatusGone:
		e.Kind, e.Hint = publisher.NotFound, "check the address in a browser"
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusPaymentRequired:
		e.Hint = "the page is not open to everyone: save the article as a file"
	case code == http.StatusTooManyRequests || code >= 500:
		e.Kind, e.Hint = publisher.Busy, "try again later"
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 && s < 7*24*3600 {
			e.After = now.Add(time.Duration(s) * time.Second)
		}
	default:
		e.Hint = "check the address in a browser"
	}
	return e
}

// fetchError sorts what kept a request from being answered. The URL that net/http
// puts before its errors is left out: Where has it without its query.
func fetchError(op, where string, err error, c Config) error {
	var own *publisher.Error
	if errors.As(err, &own) {
		return &publisher.Error{Kind: own.Kind, Op: op, Where: where, Hint: own.Hint, Err: own}
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	e := &publisher.Error{Kind: publisher.Busy, Op: op, Where: where, Err: err, Hint: "try again later"}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case errors.Is(err, errRedirects), errors.Is(err, errScheme):
		e.Kind, e.Hint = publisher.Invalid, "open the page in a browser and give the address it ends at"
	case errors.As(err, &cert):
		e.Kind, e.Err = publisher.Invalid, fmt.Errorf("the server's certificate is not trusted: %w", cert.Err)
		e.Hint = "renew the site's certificate, or save the article as a file"
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		e.Kind, e.Err, e.Hint = publisher.Invalid, errors.New("the server does not speak TLS"), "try http:// in place of https://"
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Kind, e.Err, e.Hint = publisher.NotFound, fmt.Errorf("there is no host %s", dns.Name), "check the address"
	case errors.As(err, &dns):
		e.Err = fmt.Errorf("the host %s cannot be looked up", dns.Name)
	case errors.Is(err, context.Canceled):
		e.Hint = ""
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.Err, e.Hint = fmt.Errorf("no whole answer within %s", c.Timeout), "try again later, or raise article.timeout"
	}
	return e
}

// redact gives an address as errors may show it: without login, query and
// fragment, which may be secrets.
func redact(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return "the address"
	}
	u.User, u.RawQuery, u.Fragment, u.RawFragment, u.ForceQuery = nil, "", "", "", false
	return oneLine(u.String())
}
