package web

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"

	"crieur/publisher"
)

// Returns takes what a relay reports of a mail. After an error the relay is asked to
// report again. Safe for concurrent use.
type Returns interface {
	Take(ctx context.Context, r publisher.Return) error
}

// HooksConfig says which relays may report, and how each proves who it is. One whose
// secret is empty may not.
type HooksConfig struct {
	Returns  Returns
	Client   *http.Client     // fetches certificates, and confirms subscriptions
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger
	SES      SNSHook
	Scaleway SNSHook
	Mailgun  publisher.Secret // the webhook signing key
	SendGrid string           // the verification key: base64 of a public key
	Postmark Login
	Brevo    Login
}

// A Login is what a relay without signatures shows: a token (Authorization: Bearer),
// or user and password.
type Login struct {
	User     string
	Password publisher.Secret
	Token    publisher.Secret
}

func (l Login) empty() bool { return l.Token == "" && l.Password == "" }

const (
	maxHook    = 1 << 20 // octets of one request
	maxEvents  = 10_000  // of one request
	mostFailed = 10      // reports of one request that cannot be taken, before it is put off as a whole
	// replay is how old a signed moment may be: relays try again for a day. Within it,
	// the same report changes nothing the second time.
	replay = 25 * time.Hour
	ahead  = 10 * time.Minute // clocks differ
)

// Hooks answers relays at /hooks/NAME. A request that does not prove who sent it gets
// 401 or 403 and is not looked at; an event that says nothing about a reader gets 200.
func Hooks(c HooksConfig) (http.Handler, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &hooks{HooksConfig: c, tokens: tokens{used: map[string]use{}}}
	mux := http.NewServeMux()
	add := func(name string, read reader) { mux.HandleFunc("POST /hooks/"+name, h.serve(name, read)) }
	if c.SES.Topic != "" {
		s, err := newSNS(h, c.SES, amazon)
		if err != nil {
			return nil, err
		}
		add("ses", s.read(readSES))
	}
	if c.Scaleway.Topic != "" {
		s, err := newSNS(h, c.Scaleway, scaleway)
		if err != nil {
			return nil, err
		}
		add("scaleway", s.read(readScaleway))
	}
	if c.Mailgun != "" {
		add("mailgun", h.mailgun)
	}
	if c.SendGrid != "" {
		key, err := sendGridKey(c.SendGrid)
		if err != nil {
			return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read verification key", Where: "returns.webhooks.sendgrid.public_key", Err: err,
				Hint: "copy it from Mail Settings, Event Webhook, as it is"}
		}
		add("sendgrid", h.sendGrid(key))
	}
	if !c.Postmark.empty() {
		add("postmark", h.login(c.Postmark, readPostmark))
	}
	if !c.Brevo.empty() {
		add("brevo", h.login(c.Brevo, readBrevo))
	}
	return mux, nil
}

type hooks struct {
	HooksConfig
	tokens
}

// A reader proves a request and reads what it reports.
type reader func(r *http.Request, body []byte) ([]publisher.Return, error)

// A denial is a request that does not prove who sent it.
type denial struct {
	status int
	why    string
}

func (d *denial) Error() string { return d.why }

func forbidden(format string, args ...any) error {
	return &denial{http.StatusForbidden, fmt.Sprintf(format, args...)}
}

func (h *hooks) serve(name string, read reader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
		if err != nil {
			http.Error(w, "too large, or cut off", http.StatusRequestEntityTooLarge)
			return
		}
		returns, err := read(r, body)
		var d *denial
		switch {
		case errors.As(err, &d):
			h.Log.Warn("a webhook was refused", "relay", name, "why", d.why)
			if d.status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Basic realm="crieur"`)
			}
			http.Error(w, http.StatusText(d.status), d.status)
			return
		case publisher.KindOf(err) == publisher.Busy && err != nil:
			h.Log.Warn("a webhook has to come again", "relay", name, "why", err)
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		case err != nil:
			http.Error(w, "not what "+name+" sends", http.StatusBadRequest)
			return
		}
		if !h.takeAll(r.Context(), name, body, returns) {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	}
}

// takeAll hands on what a request reports. One report that cannot be taken stops no
// other: relays send them by the thousand, and all of them again.
func (h *hooks) takeAll(ctx context.Context, name string, body []byte, returns []publisher.Return) bool {
	failed := 0
	for _, t := range returns {
		t.Source, t.Trusted, t.At = name, true, h.Now()
		if t.Raw == nil {
			t.Raw = body
		}
		complete(&t)
		if err := h.Returns.Take(ctx, t); err != nil {
			h.Log.Warn("a report could not be taken", "relay", name, "why", err)
			if failed++; failed == mostFailed || ctx.Err() != nil {
				break
			}
		}
	}
	return failed == 0
}

// login proves a request by what it carries in Authorization.
func (h *hooks) login(l Login, read func(body []byte) ([]publisher.Return, error)) reader {
	return func(r *http.Request, body []byte) ([]publisher.Return, error) {
		user, password, basic := r.BasicAuth()
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case l.Password != "" && basic && same(user, l.User) && same(password, l.Password.Reveal()):
		case l.Token != "" && bearer && same(token, l.Token.Reveal()):
		default:
			return nil, &denial{http.StatusUnauthorized, "no login, or a wrong one"}
		}
		return read(body)
	}
}

// same compares secrets in a time that tells nothing of either.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return hmac.Equal(x[:], y[:])
}

// fresh reports whether a signed moment is one that is still believed.
func (h *hooks) fresh(at time.Time) bool {
	age := h.Now().Sub(at)
	return age <= replay && age >= -ahead
}

// decode reads JSON; what it does not know it leaves out: relays add fields.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return errors.New("no JSON of the form that was expected")
	}
	return nil
}

// each reads an array of events, or one event alone. Of several, one that is not of
// the form that was expected is left out: the relay would send all of them again.
func each[T any](body []byte) (events []T, raw []json.RawMessage, err error) {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		events = make([]T, 1)
		return events, []json.RawMessage{body}, decode(body, &events[0])
	}
	var all []json.RawMessage
	if err := decode(body, &all); err != nil || len(all) > maxEvents {
		return nil, nil, errors.New("no list of events")
	}
	for _, r := range all {
		var e T
		if decode(r, &e) == nil {
			events, raw = append(events, e), append(raw, r)
		}
	}
	if len(events) == 0 && len(all) > 0 {
		return nil, nil, errors.New("no list of events")
	}
	return events, raw, nil
}

var (
	statusIn = regexp.MustCompile(`(?:^|[^0-9.])([45]\.[0-9]{1,3}\.[0-9]{1,3})(?:$|[^0-9.])`)
	codeIn   = regexp.MustCompile(`(?:^|[^0-9.])([45][0-5][0-9])(?:$|[^0-9.])`)
)

// said fills in what a remote server's own words hold.
func said(t *publisher.Return, words string) {
	if t.Words == "" {
		t.Words = words
	}
	if m := statusIn.FindStringSubmatch(words); m != nil && t.Status == "" {
		t.Status = m[1]
	}
	if m := codeIn.FindStringSubmatch(words); m != nil && t.Code == 0 {
		_, _ = fmt.Sscan(m[1], &t.Code)
	}
}

// vague reports whether a status says no more than its class.
func vague(status string) bool { return len(status) < 5 || strings.HasSuffix(status, ".0.0") }

// presume gives a failure the status that the relay's own word stands for, unless the
// remote server was clearer.
func presume(t *publisher.Return, status string) {
	if vague(t.Status) || t.Status[0] != status[0] {
		t.Status, t.Code = status, 0
	}
}

func complete(t *publisher.Return) {
	t.Words = line(t.Words)
	t.MessageID = strings.Trim(strings.TrimSpace(t.MessageID), "<>")
	if t.Kind == publisher.ReturnFailed && (t.Code == 0 || t.Status != "" && t.Code/100 != int(t.Status[0]-'0')) {
		t.Code = 500
		if strings.HasPrefix(t.Status, "4") {
			t.Code = 400
		}
	}
}

// line gives text on one printable line that is not too long.
func line(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }), " ")
	if r := []rune(s); len(r) > 500 {
		return string(r[:500]) + "…"
	}
	return s
}
