package x_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	consumerKey    = "consumer-key"
	consumerSecret = "consumer-s3cret"
	accessToken    = "7-access-token"
	accessSecret   = "access-s3cret"
)

// signed checks a request's OAuth 1.0a signature by RFC 5849 §3.4, without the
// library that made it. It leaves the body to be read again.
func signed(r *http.Request) bool {
	header, ok := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth ")
	if !ok {
		return false
	}
	given := map[string]string{}
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		value, err := url.PathUnescape(strings.Trim(value, `"`))
		if err != nil {
			return false
		}
		given[name] = value
	}
	if given["oauth_consumer_key"] != consumerKey || given["oauth_token"] != accessToken ||
		given["oauth_signature_method"] != "HMAC-SHA1" || given["oauth_nonce"] == "" || given["oauth_timestamp"] == "" {
		return false
	}
	var pairs []string
	add := func(values url.Values) {
		for name, all := range values {
			for _, v := range all {
				pairs = append(pairs, encode(name)+"="+encode(v))
			}
		}
	}
	add(r.URL.Query())
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return false
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return false
		}
		add(form)
	}
	for name, v := range given {
		if name != "oauth_signature" && name != "realm" {
			pairs = append(pairs, encode(name)+"="+encode(v))
		}
	}
	slices.Sort(pairs)
	base := r.Method + "&" + encode("http://"+r.Host+r.URL.EscapedPath()) + "&" + encode(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(encode(consumerSecret)+"&"+encode(accessSecret)))
	io.WriteString(mac, base)
	return given["oauth_signature"] == base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// encode percent-encodes by RFC 5849 §3.6.
func encode(s string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(s))
}
