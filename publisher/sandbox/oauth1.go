package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// oauthSkew is how far a request's clock may be from ours.
const oauthSkew = 5 * time.Minute

// oauth verifies requests signed by OAuth 1.0a with HMAC-SHA1, straight from RFC 5849
// and not by the library that signs them. Safe for concurrent use.
type oauth struct {
	consumerKey, consumerSecret string
	token, tokenSecret          string

	mu   sync.Mutex
	seen map[string]time.Time // nonces, by when they may be forgotten
}

type parameter struct{ name, value string }

// check says why a request is not signed as it must be. It reads the body of a form
// and puts it back.
func (o *oauth) check(r *http.Request, now time.Time) error {
	header, err := oauthHeader(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	get := func(name string) string {
		for _, p := range header {
			if p.name == name {
				return p.value
			}
		}
		return ""
	}
	switch {
	case get("oauth_signature_method") != "HMAC-SHA1":
		return errors.New("oauth_signature_method is not HMAC-SHA1")
	case get("oauth_version") != "" && get("oauth_version") != "1.0":
		return errors.New("oauth_version is not 1.0")
	case !same(get("oauth_consumer_key"), o.consumerKey):
		return errors.New("unknown oauth_consumer_key")
	case !same(get("oauth_token"), o.token):
		return errors.New("unknown oauth_token")
	}
	params, err := requestParameters(r, header)
	if err != nil {
		return err
	}
	key := escape(o.consumerSecret) + "&" + escape(o.tokenSecret)
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(signatureBase(r, params)))
	signature, err := base64.StdEncoding.DecodeString(get("oauth_signature"))
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		return errors.New("the signature does not match")
	}
	return o.fresh(get("oauth_timestamp"), get("oauth_nonce"), now)
}

// fresh refuses a request that is too old or that was made before: RFC 5849 §3.3.
func (o *oauth) fresh(timestamp, nonce string, now time.Time) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New("oauth_timestamp is no number")
	}
	if d := now.Sub(time.Unix(seconds, 0)); d > oauthSkew || d < -oauthSkew {
		return errors.New("oauth_timestamp is out of range")
	}
	if nonce == "" {
		return errors.New("no oauth_nonce")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for n, until := range o.seen {
		if now.After(until) {
			delete(o.seen, n)
		}
	}
	id := timestamp + " " + nonce
	if _, again := o.seen[id]; again {
		return errors.New("this oauth_nonce was used before")
	}
	if o.seen == nil {
		o.seen = map[string]time.Time{}
	}
	o.seen[id] = now.Add(2 * oauthSkew)
	return nil
}

// oauthHeader reads RFC 5849 §3.5.1: OAuth name="value", …
func oauthHeader(header string) ([]parameter, error) {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "OAuth") {
		return nil, errors.New("no OAuth authorization header")
	}
	var out []parameter
	for _, item := range strings.Split(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(item), "=")
		value, opened := strings.CutPrefix(value, `"`)
		value, closed := strings.CutSuffix(value, `"`)
		n, err1 := url.PathUnescape(name)
		v, err2 := url.PathUnescape(value)
		if !ok || !opened || !closed || err1 != nil || err2 != nil {
			return nil, errors.New("the OAuth authorization header cannot be read")
		}
		if slices.ContainsFunc(out, func(p parameter) bool { return p.name == n }) {
			return nil, fmt.Errorf("%s is given twice", n)
		}
		out = append(out, parameter{n, v})
	}
	return out, nil
}

// requestParameters collects what is signed: RFC 5849 §3.4.1.3.1. The body counts only
// where it is a form.
func requestParameters(r *http.Request, header []parameter) ([]parameter, error) {
	var out []parameter
	for _, p := range header {
		if p.name != "realm" && p.name != "oauth_signature" {
			out = append(out, p)
		}
	}
	add := func(encoded string) error {
		values, err := url.ParseQuery(encoded)
		for name, list := range values {
			for _, v := range list {
				out = append(out, parameter{name, v})
			}
		}
		return err
	}
	if err := add(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := add(string(body)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// signatureBase is RFC 5849 §3.4.1.1 over the address that the client saw.
func signatureBase(r *http.Request, params []parameter) string {
	pairs := make([]parameter, len(params))
	for i, p := range params {
		pairs[i] = parameter{escape(p.name), escape(p.value)}
	}
	slices.SortFunc(pairs, func(a, b parameter) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	joined := make([]string, len(pairs))
	for i, p := range pairs {
		joined[i] = p.name + "=" + p.value
	}
	host := strings.TrimSuffix(strings.ToLower(r.Host), ":80")
	return r.Method + "&" + escape("http://"+host+r.URL.EscapedPath()) + "&" + escape(strings.Join(joined, "&"))
}

// escape is RFC 5849 §3.6: everything but the unreserved characters of RFC 3986, in
// upper-case hex. url.QueryEscape differs from it in the blank.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
