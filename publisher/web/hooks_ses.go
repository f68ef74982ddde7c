package web

import (
	"strings"

	"crieur/publisher"
)

// readSES reads Amazon SES's notifications and events:
// docs.aws.amazon.com/ses/latest/dg/notification-contents.html.
func readSES(message []byte) ([]publisher.Return, error) {
	type recipient struct{ EmailAddress, Action, Status, DiagnosticCode string }
	var m struct {
		NotificationType, EventType string
		Bounce                      struct {
			BounceType, BounceSubType, ReportingMTA string
			BouncedRecipients                       []recipient
		}
		Complaint struct {
			ComplainedRecipients  []recipient
			ComplaintFeedbackType string
		}
		Mail struct {
			Source        string // the envelope's
			CommonHeaders struct{ MessageID string }
		}
	}
	if err := decode(message, &m); err != nil {
		return nil, nil // SNS sends words of its own too, such as a test's
	}
	base := publisher.Return{Paths: []string{m.Mail.Source}, MessageID: m.Mail.CommonHeaders.MessageID, Raw: message}
	var out []publisher.Return
	switch first(m.NotificationType, m.EventType) {
	case "Bounce":
		for _, r := range m.Bounce.BouncedRecipients {
			t := base
			t.Kind, t.Recipient, t.Remote = publisher.ReturnFailed, r.EmailAddress, line(m.Bounce.ReportingMTA)
			said(&t, r.DiagnosticCode)
			if s := statusIn.FindStringSubmatch(r.Status); s != nil && vague(t.Status) {
				t.Status = s[1]
			}
			switch kind := m.Bounce.BounceType + " " + m.Bounce.BounceSubType; kind {
			case "Permanent NoEmail", "Permanent Suppressed", "Permanent OnAccountSuppressionList":
				presume(&t, "5.1.1")
			case "Permanent General":
				if vague(t.Status) {
					presume(&t, "5.1.1")
				}
			case "Transient MailboxFull":
				presume(&t, "5.2.2")
			case "Transient MessageTooLarge":
				presume(&t, "5.2.3")
			case "Transient ContentRejected", "Transient AttachmentRejected", "Transient CustomTimeoutExceeded":
				presume(&t, "5.6.0")
			case "Transient General":
				if t.Status == "" && t.Code == 0 {
					continue // mostly an automatic reply
				}
			}
			out = append(out, t)
		}
	case "Complaint":
		if m.Complaint.ComplaintFeedbackType == "not-spam" {
			return nil, nil
		}
		for _, r := range m.Complaint.ComplainedRecipients {
			t := base
			t.Kind, t.Recipient, t.Words = publisher.ReturnComplaint, r.EmailAddress, "reported as spam"
			out = append(out, t)
		}
	}
	return out, nil
}

// readScaleway reads Scaleway's events:
// www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads.
func readScaleway(message []byte) ([]publisher.Return, error) {
	var e struct {
		Type    string `json:"type"`
		From    string `json:"email_from"`
		To      string `json:"email_to"`
		Code    int    `json:"email_response_code"`
		Words   string `json:"email_response_message"`
		Headers any    `json:"email_headers"`
	}
	if err := decode(message, &e); err != nil {
		return nil, nil
	}
	t := publisher.Return{Kind: publisher.ReturnFailed, Recipient: e.To, Paths: []string{e.From}, MessageID: headerOf(e.Headers, "Message-Id"), Raw: message}
	if e.Code >= 400 && e.Code < 560 {
		t.Code = e.Code
	}
	said(&t, e.Words)
	switch e.Type {
	case "email_mailbox_not_found":
		presume(&t, "5.1.1")
	case "email_dropped":
	case "email_spam", "email_blocklisted":
		// A filter's or the relay's own judgement: the same event stands for both, so that it
		// cannot be told from a reader's complaint.
		presume(&t, "5.7.1")
	case "email_deferred":
		t.Kind = publisher.ReturnDelayed
	default:
		return nil, nil
	}
	return []publisher.Return{t}, nil
}

// headerOf finds a field in headers that come as a map, or as a list of names and
// values.
func headerOf(headers any, name string) string {
	switch h := headers.(type) {
	case map[string]any:
		for k, v := range h {
			if s, ok := v.(string); ok && strings.EqualFold(k, name) {
				return s
			}
		}
	case []any:
		for _, x := range h {
			m, _ := x.(map[string]any)
			key, _ := first2(m, "key", "name").(string)
			value, _ := m["value"].(string)
			if strings.EqualFold(key, name) {
				return value
			}
		}
	}
	return ""
}

func first2(m map[string]any, a, b string) any {
	if v, ok := m[a]; ok {
		return v
	}
	return m[b]
}
