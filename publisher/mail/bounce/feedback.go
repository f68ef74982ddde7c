package bounce

import (
	"strings"

	"crieur/publisher"
)

// complaint reads an RFC 5965 report. Types other than complaints (RFC 6591's
// auth-failure, RFC 5965's virus, and not-spam, which takes one back) are no reason
// to stop writing to anyone.
func (p *parcel) complaint() Report {
	switch kind := strings.ToLower(firstWord(p.feedback["feedback-type"])); kind {
	case "abuse", "fraud", "opt-out", "opt-out-list", "other", "":
	default:
		return Report{Why: "a feedback report of type " + oneLine(kind), Machine: true}
	}
	t := publisher.Return{Kind: publisher.ReturnComplaint, Words: "reported as spam"}
	if who := p.feedback["user-agent"]; who != "" {
		t.Words += " (" + oneLine(who) + ")"
	}
	t.Recipient = strings.Trim(p.feedback["original-rcpt-to"], "<> ")
	if from := addressesIn(p.feedback["original-mail-from"]); len(from) > 0 {
		p.original.paths = append(p.original.paths, from[0])
	}
	t.Remote = oneLine(typed(p.feedback["reporting-mta"]))
	return Report{Returns: []publisher.Return{t}}
}
