package bounce

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // so that a report in another charset is read, not refused

	"crieur/publisher"
)

// A Report is what a message turned out to be. Returns are empty where it reports on
// no mail; Why says what it is then.
type Report struct {
	Returns []publisher.Return
	Why     string
	Machine bool // no report, but a machine's answer that nobody has to read
}

// Limits on what is read of a message that anyone may have sent.
const (
	MaxSize    = 1 << 20 // octets that are looked at; the rest is left out
	maxParts   = 64
	maxDepth   = 8
	maxText    = 256 << 10 // of one part
	maxReports = 100       // recipients of one report
	maxWords   = 500
)

// Parse reads a message that came to a return address. It never fails: what is no
// report says so. All of it is a stranger's word.
func Parse(raw []byte, now time.Time) Report {
	if len(raw) > MaxSize {
		raw = raw[:MaxSize]
	}
	p := parcel{}
	entity, err := message.ReadWithOptions(bytes.NewReader(raw), &message.ReadOptions{MaxHeaderBytes: MaxSize})
	if entity == nil {
		return Report{Why: "not a message: " + oneLine(err.Error())}
	}
	p.head = entity.Header
	p.walk(entity, 0)
	r := p.report()
	for i := range r.Returns {
		t := &r.Returns[i]
		t.At, t.Raw = now, raw
		t.Paths = append(p.paths(), p.original.paths...)
		if t.MessageID == "" {
			t.MessageID = p.original.id
		}
		t.Link = p.original.link
		if t.Recipient == "" {
			t.Recipient = p.original.to
		}
		t.Recipient = oneLine(t.Recipient) // it is shown on terminals
	}
	return r
}

// A parcel is a message taken apart.
type parcel struct {
	head     message.Header
	status   []fields // of message/delivery-status: the message's, then one for each recipient
	feedback fields   // of message/feedback-report
	text     []string // what a person would read, as plain text
	original original
	parts    int
}

// walk takes an entity apart. Broken MIME ends its own part, not the rest.
func (p *parcel) walk(e *message.Entity, depth int) {
	if p.parts++; p.parts > maxParts || depth > maxDepth {
		return
	}
	if m := e.MultipartReader(); m != nil {
		for p.parts <= maxParts {
			part, err := m.NextPart()
			if part == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return
			}
			p.walk(part, depth+1)
		}
		return
	}
	kind, _, err := e.Header.ContentType()
	if err != nil || kind == "" {
		kind = "text/plain"
	}
	body, _ := io.ReadAll(io.LimitReader(e.Body, maxText))
	switch kind = strings.ToLower(kind); {
	case strings.HasSuffix(kind, "/delivery-status"), strings.HasSuffix(kind, "/global-delivery-status"):
		if p.status == nil {
			p.status = readFields(body)
		}
	case strings.HasSuffix(kind, "/feedback-report"):
		if groups := readFields(body); len(groups) > 0 && p.feedback == nil {
			p.feedback = groups[0]
		}
	case kind == "message/rfc822", kind == "message/global", strings.HasSuffix(kind, "rfc822-headers"), kind == "message/global-headers":
		p.original.read(body)
	case kind == "text/html":
		p.text = append(p.text, htmlText(body))
	case strings.HasPrefix(kind, "text/"):
		p.text = append(p.text, string(body))
	}
}

// report decides what the message is: its machine-readable parts come first, then
// what its header says, then its words.
func (p *parcel) report() Report {
	text := strings.Join(p.text, "\n")
	letter := cutOriginal(text)
	if len(letter) < len(text) {
		p.original.read([]byte(text[len(letter):]))
	}
	switch {
	case p.feedback != nil:
		return p.complaint()
	case p.status != nil:
		if r := p.delivery(letter); len(r.Returns) > 0 {
			return r
		}
	}
	if p.automatic() {
		return Report{Why: "an automatic reply", Machine: true}
	}
	return p.plain(letter)
}

// paths gives the addresses that the message came to, as servers note them.
func (p *parcel) paths() []string {
	var all []string
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Rcpt-To", "X-Delivered-To", "To", "Apparently-To"} {
		for _, v := range p.head.Values(name) {
			all = append(all, addressesIn(v)...)
		}
		if len(all) > 32 {
			return all[:32]
		}
	}
	return all
}

// oneLine gives text on one printable line that is not too long.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return r <= ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' }), " ")
	n := 0
	for i := range s {
		if n == maxWords {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
