package wire_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"crieur/publisher"
	"crieur/publisher/social/wire"
)

func noSecret(t *testing.T, err error) {
	t.Helper()
	text := fmt.Sprintf("%v %+v %q", err, err, publisher.HintOf(err))
	for _, secret := range []string{planted, url.QueryEscape(planted), "bearer-value"} {
		if strings.Contains(text, secret) {
			t.Errorf("a secret stands in %s", text)
		}
	}
}

func TestServersWordsAreToldWithoutSecrets(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"mastodon": {`{"error":"Validation failed: Text can't be blank"}`, "Validation failed: Text can't be blank"},
		"bluesky":  {`{"error":"InvalidSwap","message":"Record was at bafy"}`, "InvalidSwap: Record was at bafy"},
		"X v2":     {`{"title":"Forbidden","detail":"No.","type":"about:blank","status":403}`, "Forbidden: No."},
		"X v1":     {`{"errors":[{"code":187,"message":"Status is a duplicate."}]}`, "Status is a duplicate."},
		"object":   {`{"error":{"code":7}}`, ""},
		"HTML":     {`<h1>` + planted + `</h1>`, ""},
		"echo":     {`{"error":"you sent bearer-value and ` + planted + `, or ` + url.QueryEscape(planted) + `"}`, "you sent [secret] and [secret], or [secret]"},
		"lines":    {`{"error":"a\r\nb\u0000\u202ec"}`, "a b c"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(422)
				io.WriteString(w, c.body)
			})
			_, err := client(t).Do(t.Context(), post(server))
			noSecret(t, err)
			host := strings.TrimPrefix(server, "http://")
			want := "essai: post to test: " + host + " answered 422 Unprocessable Entity"
			if c.want != "" {
				want += ": " + c.want
			}
			if err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
}

func TestURLsStayOutOfErrors(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { hangUp(w) })
	for _, u := range []string{server + "/bot-in-path", "http://127.0.0.1:1/bot-in-path", "ht!tp://bot-in-path"} {
		_, err := client(t).Do(t.Context(), post(u))
		if err == nil || strings.Contains(err.Error(), "bot-in-path") {
			t.Errorf("%s: got %v", u, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(400, "1", []byte(`{"error":"`+planted+`"}`))
	f.Add(429, "2026-11-23T12:05:00Z", []byte(`{"errors":[{"message":"x"},null]}`))
	f.Add(302, "9e99", []byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, status int, reset string, body []byte) {
		if status < 100 || status > 999 {
			t.Skip()
		}
		c := wire.New("test", wire.Env{Channel: "essai", Client: &http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(string(body))), Request: r,
					Header: http.Header{"Retry-After": {reset}, "Location": {reset}}}, nil
			})}}, planted)
		resp, err := c.JSON(t.Context(), post("http://example.test"), &json.RawMessage{})
		if err == nil {
			if resp.Status/100 != 2 || !json.Valid(body) {
				t.Fatalf("status %d with %q is taken for a success", status, body)
			}
			return
		}
		noSecret(t, err)
		if text := err.Error(); !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00") {
			t.Fatalf("unfit for a log: %q", text)
		}
	})
}
