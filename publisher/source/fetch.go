package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
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
	r, err := Do(ctx, Request{Op: "fetch page", URL: address, Header: http.Header{"Accept": {accept}}, Limit: c.MaxBytes, TooBig: "raise article.max_bytes, or give the article as a file"}, c)
	if err != nil {
		return input{}, err
	}
	in := input{src: address, where: r.Where, url: r.URL, mediaType: r.Header.Get("Content-Type"), data: r.Data, format: formatNamed(c.Format)}
	kind, _, _ := mime.ParseMediaType(in.mediaType)
	if kind == "" {
		kind, _, _ = mime.ParseMediaType(http.DetectContentType(r.Data))
	}
	switch kind {
	case "text/html", "application/xhtml+xml":
		in.format = formatHTML
	case "text/markdown", "text/x-markdown":
		in.format = formatMarkdown
	case "text/plain":
		if in.format == formatUnknown {
			in.format = formatOf(strings.TrimSuffix(r.URL, "/"))
		}
	default:
		if isFeed(kind, r.Data) {
			return input{}, invalid(r.Where, "put feed: before the address, or name the feed under sources: in the configuration", "%w", ErrFeed)
		}
		return input{}, invalid(r.Where, "give the address of the article's web page, or save the article as a file", "it is %s, not a web page", oneLine(kind))
	}
	if len(strings.TrimSpace(string(r.Data))) == 0 {
		return input{}, invalid(r.Where, "check the address in a browser", "the page is empty")
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
	accept := http.Header{"Accept": {"image/jpeg,image/png,image/webp;q=0.9,image/gif;q=0.8,*/*;q=0.1"}}
	r, err := Do(ctx, Request{Op: "fetch picture", URL: address, Header: accept, Limit: maxBytes, TooBig: "make the picture smaller"}, c)
	if err != nil {
		return nil, "", err
	}
	mediaType, err = checkPicture(r.Data, maxBytes, r.Where)
	return r.Data, mediaType, err
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
		e.After = retryAfter(resp.Header.Get("Retry-After"), now)
	default:
		e.Hint = "check the address in a browser"
	}
	return e
}

// retryAfter reads the header of RFC 9110 §10.2.3, which holds seconds or a date.
// What is further off than a week is a mistake, and counts for nothing.
func retryAfter(value string, now time.Time) time.Time {
	const longest = 7 * 24 * time.Hour
	at := time.Time{}
	if s, err := strconv.Atoi(value); err == nil && s >= 0 && s <= int(longest/time.Second) {
		at = now.Add(time.Duration(s) * time.Second)
	} else if t, err := http.ParseTime(value); err == nil {
		at = t
	}
	if at.Before(now) || at.After(now.Add(longest)) {
		return time.Time{}
	}
	return at
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
