package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/web"
)

// A ledger keeps what relays reported.
type reported struct {
	all []publisher.Return
	err error
	not string // whose report alone cannot be taken
	n   int    // how often it was asked
}

func (r *reported) Take(_ context.Context, t publisher.Return) error {
	r.n++
	if r.not != "" && t.Recipient == r.not {
		return errors.New("its mail is still being handed over")
	}
	if r.err == nil {
		r.all = append(r.all, t)
	}
	return r.err
}

// short is what decides of a report.
func short(t publisher.Return) string {
	s := fmt.Sprintf("%s %s %s %d %s", t.Source, t.Kind, t.Recipient, t.Code, t.Status)
	if t.MessageID != "" {
		s += " id=" + t.MessageID
	}
	if len(t.Paths) > 0 && t.Paths[0] != "" {
		s += " path=" + t.Paths[0]
	}
	return s
}

var hookNow = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func hook(t *testing.T, h http.Handler, path, body string, head map[string]string) int {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for k, v := range head {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func newHooks(t *testing.T, c web.HooksConfig) (http.Handler, *reported) {
	t.Helper()
	r := &reported{}
	c.Returns, c.Now = r, func() time.Time { return hookNow }
	h, err := web.Hooks(c)
	if err != nil {
		t.Fatal(err)
	}
	return h, r
}

// want compares what was reported, and forgets it.
func (r *reported) want(t *testing.T, name string, lines ...string) {
	t.Helper()
	var got []string
	for _, x := range r.all {
		if !x.Trusted || len(x.Raw) == 0 || !x.At.Equal(hookNow) {
			t.Errorf("%s: %+v", name, x)
		}
		got = append(got, short(x))
	}
	if d := cmp.Diff(lines, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
	r.all = nil
}

func mailgunBody(key, token string, at time.Time, event string) string {
	stamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + token))
	return fmt.Sprintf(`{"signature":{"timestamp":%q,"token":%q,"signature":%q},"event-data":%s}`, stamp, token, hex.EncodeToString(mac.Sum(nil)), event)
}

func TestMailgun(t *testing.T) {
	h, got := newHooks(t, web.HooksConfig{Mailgun: "key"})
	failed := `{"event":"failed","severity":"permanent","reason":"bounce","recipient":"a@example.org","envelope":{"sender":"b+x@gazette.example"},
		"delivery-status":{"code":550,"message":"5.1.1 The email account that you tried to reach does not exist","mx-host":"mx.example.org"},
		"message":{"headers":{"message-id":"abc@gazette.example","to":"a@example.org"}},"new-field":[1,2]}`
	n := 0
	say := func(key string, at time.Time, event string) int {
		n++
		return hook(t, h, "/hooks/mailgun", mailgunBody(key, fmt.Sprint("token", n), at, event), nil)
	}
	if code := say("key", hookNow, failed); code != 200 {
		t.Errorf("a failure: %d", code)
	}
	got.want(t, "failed", "mailgun failed a@example.org 550 5.1.1 id=abc@gazette.example path=b+x@gazette.example")
	for name, c := range map[string]struct {
		event string
		want  []string
	}{
		"temporary":  {strings.Replace(failed, "permanent", "temporary", 1), []string{"mailgun delayed a@example.org 550 5.1.1 id=abc@gazette.example path=b+x@gazette.example"}},
		"complained": {`{"event":"complained","recipient":"a@example.org"}`, []string{"mailgun complaint a@example.org 0 "}},
		"suppressed": {`{"event":"failed","severity":"permanent","reason":"suppress-bounce","recipient":"a@example.org","delivery-status":{"code":605,"message":"Not delivering to previously bounced address"}}`, []string{"mailgun failed a@example.org 500 5.1.1"}},
		"opened":     {`{"event":"opened","recipient":"a@example.org"}`, nil},
		"unknown":    {`{"event":"invented"}`, nil},
	} {
		if code := say("key", hookNow.Add(-time.Hour), c.event); code != 200 {
			t.Errorf("%s: %d", name, code)
		}
		got.want(t, name, c.want...)
	}
	for name, code := range map[string]int{
		"wrong key":       say("other", hookNow, failed),
		"too old":         say("key", hookNow.Add(-26*time.Hour), failed),
		"from the future": say("key", hookNow.Add(time.Hour), failed),
		"unsigned":        hook(t, h, "/hooks/mailgun", `{"event-data":`+failed+`}`, nil),
	} {
		if code != 403 {
			t.Errorf("%s: %d, want 403", name, code)
		}
	}
	if code := hook(t, h, "/hooks/mailgun", "not JSON", nil); code != 400 {
		t.Errorf("no JSON: %d", code)
	}
	if code := hook(t, h, "/hooks/mailgun", strings.Repeat("x", 2<<20), nil); code != 413 {
		t.Errorf("too large: %d", code)
	}
	if code := hook(t, h, "/hooks/brevo", "{}", nil); code != 404 {
		t.Errorf("a relay that is not configured: %d", code)
	}
	got.want(t, "refused")

	// The signature does not cover the report: seen once, it is no use for another one.
	once := mailgunBody("key", "seen", hookNow, failed)
	for _, c := range []struct {
		body string
		want int
	}{{once, 200}, {once, 200}, {strings.Replace(once, "a@example.org", "victim@example.org", 1), 403}} {
		if code := hook(t, h, "/hooks/mailgun", c.body, nil); code != c.want {
			t.Errorf("the signature again: %d, want %d", code, c.want)
		}
	}
	got.err = errors.New("the ledger is gone")
	if code := say("key", hookNow, failed); code != 503 {
		t.Errorf("a report that could not be taken: %d", code)
	}
}

func TestSendGrid(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	h, got := newHooks(t, web.HooksConfig{SendGrid: base64.StdEncoding.EncodeToString(der)})
	signed := func(body string, at time.Time) map[string]string {
		stamp := fmt.Sprint(at.Unix())
		sum := sha256.Sum256([]byte(stamp + body))
		sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"X-Twilio-Email-Event-Webhook-Timestamp": stamp, "X-Twilio-Email-Event-Webhook-Signature": base64.StdEncoding.EncodeToString(sig)}
	}
	body := `[{"event":"processed","email":"a@example.org"},
		{"event":"bounce","type":"bounce","email":"b@example.org","status":"5.1.1","reason":"550 5.1.1 unknown","smtp-id":"<abc@gazette.example>"},
		{"event":"bounce","type":"blocked","email":"c@example.org","reason":"500 unknown recipient"},
		{"event":"dropped","email":"d@example.org","reason":"Bounced Address"},
		{"event":"dropped","email":"e@example.org","reason":"Spam Reporting Address"},
		{"event":"spamreport","email":"f@example.org"},{"event":"deferred","email":"g@example.org","response":"400 later"},{"event":"invented"}]`
	if code := hook(t, h, "/hooks/sendgrid", body, signed(body, hookNow)); code != 200 {
		t.Errorf("signed: %d", code)
	}
	got.want(t, "events", "sendgrid failed b@example.org 550 5.1.1 id=abc@gazette.example", "sendgrid failed c@example.org 500 5.7.1",
		"sendgrid failed d@example.org 500 5.1.1", "sendgrid complaint e@example.org 0 ", "sendgrid complaint f@example.org 0 ", "sendgrid delayed g@example.org 0 ")
	for name, head := range map[string]map[string]string{"another body": signed("[]", hookNow), "too old": signed(body, hookNow.Add(-30*time.Hour)), "unsigned": nil} {
		if code := hook(t, h, "/hooks/sendgrid", body, head); code != 403 {
			t.Errorf("%s: %d", name, code)
		}
	}
	got.want(t, "refused")
	if _, err := web.Hooks(web.HooksConfig{SendGrid: "bm8="}); publisher.KindOf(err) != publisher.Invalid || err == nil {
		t.Errorf("a key that is none: %v", err)
	}
}

func TestLogins(t *testing.T) {
	h, got := newHooks(t, web.HooksConfig{Postmark: web.Login{User: "crieur", Password: "secret"}, Brevo: web.Login{Token: "token"}})
	basic := func(user, password string) map[string]string {
		return map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
	}
	bearer := map[string]string{"Authorization": "Bearer token"}
	for name, c := range map[string]struct {
		path, body string
		head       map[string]string
		code       int
		want       []string
	}{
		"hard":       {"postmark", `{"RecordType":"Bounce","Type":"HardBounce","Email":"a@example.org","Details":"smtp;550 5.1.1 no such user"}`, basic("crieur", "secret"), 200, []string{"postmark failed a@example.org 550 5.1.1"}},
		"soft":       {"postmark", `{"RecordType":"Bounce","Type":"SoftBounce","Email":"a@example.org","Details":"smtp;552 5.2.2 full"}`, basic("crieur", "secret"), 200, []string{"postmark failed a@example.org 552 5.2.2"}},
		"blocked":    {"postmark", `{"RecordType":"Bounce","Type":"Blocked","Email":"a@example.org","Details":"listed"}`, basic("crieur", "secret"), 200, []string{"postmark failed a@example.org 500 5.7.1"}},
		"vacation":   {"postmark", `{"RecordType":"Bounce","Type":"AutoResponder","Email":"a@example.org"}`, basic("crieur", "secret"), 200, nil},
		"spam":       {"postmark", `{"RecordType":"SpamComplaint","Email":"a@example.org"}`, basic("crieur", "secret"), 200, []string{"postmark complaint a@example.org 0 "}},
		"open":       {"postmark", `{"RecordType":"Open","Recipient":"a@example.org"}`, basic("crieur", "secret"), 200, nil},
		"no login":   {"postmark", `{"RecordType":"SpamComplaint","Email":"a@example.org"}`, nil, 401, nil},
		"wrong":      {"postmark", `{"RecordType":"SpamComplaint","Email":"a@example.org"}`, basic("crieur", "Secret"), 401, nil},
		"no token":   {"brevo", `{"event":"spam","email":"a@example.org"}`, basic("", ""), 401, nil},
		"empty":      {"brevo", `{"event":"spam","email":"a@example.org"}`, map[string]string{"Authorization": "Bearer "}, 401, nil},
		"hard brevo": {"brevo", `{"event":"hard_bounce","email":"a@example.org","message-id":"<abc@gazette.example>","reason":"550 5.1.1 unknown"}`, bearer, 200, []string{"brevo failed a@example.org 550 5.1.1 id=abc@gazette.example"}},
		"batched":    {"brevo", `[{"event":"soft_bounce","email":"a@example.org"},{"event":"delivered","email":"b@example.org"},{"event":"spam","email":"c@example.org"}]`, bearer, 200, []string{"brevo failed a@example.org 400 4.0.0", "brevo complaint c@example.org 0 "}},
	} {
		if code := hook(t, h, "/hooks/"+c.path, c.body, c.head); code != c.code {
			t.Errorf("%s: %d, want %d", name, code, c.code)
		}
		got.want(t, name, c.want...)
	}
}

// Of many reports in one request, one that is odd or has to wait stops no other; a
// ledger that is gone is not asked a thousand times.
func TestBatches(t *testing.T) {
	h, got := newHooks(t, web.HooksConfig{Brevo: web.Login{Token: "token"}})
	say := func(body string) int {
		return hook(t, h, "/hooks/brevo", body, map[string]string{"Authorization": "Bearer token"})
	}
	spam := func(i int) string { return fmt.Sprintf(`{"event":"spam","email":"r%d@example.org"}`, i) }
	batch := "[" + spam(1) + `,{"event":"spam","email":{"of":"another form"}},7,null,` + spam(2) + "," + spam(3) + "]"
	got.not = "r2@example.org"
	if code := say(batch); code != 503 {
		t.Errorf("one report has to wait: %d, want 503", code)
	}
	got.want(t, "the others", "brevo complaint r1@example.org 0 ", "brevo complaint r3@example.org 0 ")
	got.not = ""
	if code := say(batch); code != 200 {
		t.Errorf("the same again: %d", code)
	}
	got.want(t, "all", "brevo complaint r1@example.org 0 ", "brevo complaint r2@example.org 0 ", "brevo complaint r3@example.org 0 ")
	if code := say(`[7,{"event":[]}]`); code != 400 {
		t.Errorf("nothing that can be read: %d", code)
	}
	if code := say("[]"); code != 200 {
		t.Errorf("nothing: %d", code)
	}
	got.err, got.n = errors.New("the ledger is gone"), 0
	var many []string
	for i := range 5000 {
		many = append(many, spam(i))
	}
	if code := say("[" + strings.Join(many, ",") + "]"); code != 503 || got.n > 100 {
		t.Errorf("a ledger that is gone was asked %d times: %d", got.n, code)
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
