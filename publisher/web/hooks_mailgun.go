package web

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"crieur/publisher"
)

// tokens remembers what signatures were used for. Mailgun's covers a moment and a
// random token, and not the report: seen once, it could be put before another one.
type tokens struct {
	mu   sync.Mutex
	used map[string]use
}

type use struct {
	body [sha256.Size]byte
	at   time.Time
}

// claim reports whether a token was not used for another report.
func (t *tokens) claim(token string, body []byte, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := sha256.Sum256(body)
	if u, ok := t.used[token]; ok && now.Sub(u.at) < 2*replay {
		return u.body == sum // the same report, tried again
	}
	if len(t.used) > 100_000 {
		for k, u := range t.used {
			if now.Sub(u.at) > replay {
				delete(t.used, k)
			}
		}
	}
	t.used[token] = use{sum, now}
	return true
}

// mailgun reads Mailgun's reports:
// documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks (HMAC-SHA256
// of timestamp and token), …/webhooks/webhook-payloads and …/events/event-types.
func (h *hooks) mailgun(_ *http.Request, body []byte) ([]publisher.Return, error) {
	var m struct {
		Signature struct{ Timestamp, Token, Signature string }
		Event     struct {
			Event, Severity, Reason, Recipient string
			Envelope                           struct{ Sender string }
			Delivery                           struct {
				Code     any
				Enhanced string `json:"enhanced-code"`
				Message  string
				Text     string `json:"description"`
				MX       string `json:"mx-host"`
			} `json:"delivery-status"`
			Message struct {
				Headers struct {
					ID string `json:"message-id"`
				}
			}
		} `json:"event-data"`
	}
	if err := decode(body, &m); err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(h.Mailgun.Reveal()))
	mac.Write([]byte(m.Signature.Timestamp + m.Signature.Token))
	given, err := hex.DecodeString(m.Signature.Signature)
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return nil, forbidden("the signature is wrong")
	}
	seconds, err := strconv.ParseInt(m.Signature.Timestamp, 10, 64)
	if err != nil || !h.fresh(time.Unix(seconds, 0)) {
		return nil, forbidden("the signature is too old")
	}
	if !h.claim(m.Signature.Token, body, h.Now()) {
		return nil, forbidden("the signature is another report's")
	}
	e := m.Event
	t := publisher.Return{Recipient: e.Recipient, MessageID: e.Message.Headers.ID, Paths: []string{e.Envelope.Sender}, Remote: line(e.Delivery.MX)}
	switch e.Event {
	case "complained":
		t.Kind, t.Words = publisher.ReturnComplaint, "reported as spam"
	case "failed":
		t.Kind = publisher.ReturnFailed
		if e.Severity == "temporary" {
			t.Kind = publisher.ReturnDelayed // Mailgun goes on trying
		}
		t.Status = e.Delivery.Enhanced
		if code, ok := e.Delivery.Code.(float64); ok && code >= 400 && code < 560 {
			t.Code = int(code)
		}
		said(&t, first(e.Delivery.Message, e.Delivery.Text, e.Reason))
		switch e.Reason {
		case "bounce", "suppress-bounce":
			if t.Code == 0 && t.Status == "" {
				presume(&t, "5.1.1")
			}
		case "suppress-complaint":
			t.Kind = publisher.ReturnComplaint
		case "suppress-unsubscribe", "espblock":
			presume(&t, "5.7.1")
		}
	default:
		return nil, nil
	}
	return []publisher.Return{t}, nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// sendGridKey reads the key as the settings page shows it.
func sendGridKey(text string) (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("not base64")
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("not a public key")
	}
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("not an ECDSA key")
	}
	return public, nil
}

// sendGrid reads SendGrid's reports:
// www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
// (ECDSA over SHA-256 of timestamp and body) and …/tracking-events/event.
func (h *hooks) sendGrid(key *ecdsa.PublicKey) reader {
	return func(r *http.Request, body []byte) ([]publisher.Return, error) {
		stamp := r.Header.Get("X-Twilio-Email-Event-Webhook-Timestamp")
		given, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Email-Event-Webhook-Signature"))
		sum := sha256.Sum256(append([]byte(stamp), body...))
		if err != nil || stamp == "" || !ecdsa.VerifyASN1(key, sum[:], given) {
			return nil, forbidden("the signature is wrong")
		}
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil || !h.fresh(time.Unix(seconds, 0)) {
			return nil, forbidden("the signature is too old")
		}
		return readSendGrid(body)
	}
}

func readSendGrid(body []byte) ([]publisher.Return, error) {
	type event struct {
		Event, Type, Email, Reason, Status string
		ID                                 string `json:"smtp-id"`
	}
	events, raw, err := each[event](body)
	if err != nil {
		return nil, err
	}
	var out []publisher.Return
	for i, e := range events {
		t := publisher.Return{Kind: publisher.ReturnFailed, Recipient: e.Email, MessageID: e.ID, Raw: raw[i]}
		switch e.Event {
		case "spamreport":
			t.Kind, t.Words = publisher.ReturnComplaint, "reported as spam"
		case "deferred":
			t.Kind = publisher.ReturnDelayed
		case "bounce":
			if s := statusIn.FindStringSubmatch(e.Status); s != nil {
				t.Status = s[1]
			}
			said(&t, e.Reason)
			if e.Type == "blocked" && vague(t.Status) {
				presume(&t, "5.7.1") // SendGrid's word for what may pass or is about us
			}
		case "dropped":
			said(&t, e.Reason)
			switch e.Reason {
			case "Bounced Address", "Invalid":
				presume(&t, "5.1.1")
			case "Spam Reporting Address":
				t.Kind = publisher.ReturnComplaint
			default:
				presume(&t, "5.7.1")
			}
		default:
			continue
		}
		out = append(out, t)
	}
	return out, nil
}
