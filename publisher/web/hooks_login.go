package web

import "crieur/publisher"

// readPostmark reads Postmark's reports, which carry no signature but the login that
// stands in the webhook's address: postmarkapp.com/developer/webhooks/webhooks-overview,
// …/webhooks/bounce-webhook, …/webhooks/spam-complaint-webhook and, for the types,
// …/api/bounce-api#bounce-types.
func readPostmark(body []byte) ([]publisher.Return, error) {
	var e struct{ RecordType, Type, Email, Details, Description string }
	if err := decode(body, &e); err != nil {
		return nil, err
	}
	t := publisher.Return{Kind: publisher.ReturnFailed, Recipient: e.Email}
	said(&t, first(e.Details, e.Description))
	switch {
	case e.RecordType == "SpamComplaint", e.RecordType == "Bounce" && e.Type == "SpamComplaint":
		t.Kind = publisher.ReturnComplaint
	case e.RecordType != "Bounce":
		return nil, nil
	default:
		switch e.Type {
		case "HardBounce", "BadEmailAddress":
			presume(&t, "5.1.1")
		case "SoftBounce":
			if t.Status == "" && t.Code == 0 {
				presume(&t, "4.0.0")
			}
		case "DnsError":
			presume(&t, "4.4.0")
		case "Transient":
			t.Kind = publisher.ReturnDelayed
		case "SpamNotification", "Blocked", "DMARCPolicy", "VirusNotification":
			presume(&t, "5.7.1")
		default: // automatic replies, challenges, and what is about the account
			return nil, nil
		}
	}
	return []publisher.Return{t}, nil
}

// readBrevo reads Brevo's reports, which carry no signature but a token or login:
// developers.brevo.com/docs/secured-webhooks, …/docs/transactional-webhooks and, for
// lists of them, …/docs/batched-webhooks.
func readBrevo(body []byte) ([]publisher.Return, error) {
	type event struct {
		Event, Email, Reason string
		ID                   string `json:"message-id"`
	}
	events, raw, err := each[event](body)
	if err != nil {
		return nil, err
	}
	var out []publisher.Return
	for i, e := range events {
		t := publisher.Return{Kind: publisher.ReturnFailed, Recipient: e.Email, MessageID: e.ID, Raw: raw[i]}
		said(&t, e.Reason)
		switch e.Event {
		case "hard_bounce", "invalid_email", "invalid":
			presume(&t, "5.1.1")
		case "soft_bounce":
			if t.Status == "" && t.Code == 0 {
				presume(&t, "4.0.0")
			}
		case "blocked", "error":
			presume(&t, "5.7.1")
		case "spam", "complaint":
			t.Kind = publisher.ReturnComplaint
		case "deferred":
			t.Kind = publisher.ReturnDelayed
		default:
			continue
		}
		out = append(out, t)
	}
	return out, nil
}
