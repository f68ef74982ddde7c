package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"crieur/publisher"
)

// A skeleton is the message as go-mail builds it, with words where something is
// put in later: the Message-ID and the bodies of its parts.
type skeleton struct {
	bytes              []byte
	id, textAt, htmlAt string // words; textAt or htmlAt is "" where there is no such part
}

// build makes the skeleton: the MIME structure and the header fields that are the
// same for every reader, save those that hold addresses or identifiers beside text,
// which go-mail would encode as one.
func build(l *publisher.Letter) (skeleton, error) {
	r := l.Rendering
	// Nobody can write a text that contains its own hash, so neither the boundary
	// nor the words can stand in the letter by accident or on purpose.
	mark := fingerprint(l)
	sk := skeleton{id: "id" + mark}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP), gomail.WithCharset(gomail.CharsetUTF8))
	msg.SetBoundary(mark)
	msg.Subject(clean(r.Subject))
	msg.SetDateWithValue(l.Date)
	msg.SetMessageIDWithValue(sk.id)
	if tag := clean(r.Language); languageTag(tag) {
		msg.SetGenHeader(gomail.HeaderContentLang, tag)
	}
	if f := clean(l.FeedbackID); f != "" {
		msg.SetGenHeader("Feedback-ID", f)
	}
	if l.AutoSubmitted != "" {
		msg.SetGenHeader("Auto-Submitted", clean(l.AutoSubmitted))
	}
	add := msg.SetBodyString
	if r.Text != "" {
		sk.textAt = "text" + mark
		add(gomail.TypeTextPlain, sk.textAt)
		add = msg.AddAlternativeString
	}
	if r.HTML != "" {
		sk.htmlAt = "html" + mark
		add(gomail.TypeTextHTML, sk.htmlAt)
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return skeleton{}, &publisher.Error{Kind: publisher.Internal, Op: "build mail", Err: err}
	}
	sk.bytes = b.Bytes()
	return sk, nil
}

// fingerprint gives 40 hex digits over everything in a letter that strangers write.
func fingerprint(l *publisher.Letter) string {
	h := sha256.New()
	for _, s := range []string{l.Rendering.Subject, l.Rendering.HTML, l.Rendering.Text, l.From.Name, l.ReplyTo.Name, l.ListName, l.FeedbackID} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil))[:40]
}

func languageTag(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && (r >= 0x80 || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) < 0
}

// appendSender appends the fields that say from whom and what list a mail is.
func appendSender(dst []byte, l *publisher.Letter, from, replyTo mailbox) []byte {
	dst = appendAddress(dst, "From", l.From.Name, from)
	if replyTo.addr != "" {
		dst = appendAddress(dst, "Reply-To", l.ReplyTo.Name, replyTo)
	}
	return appendListID(dst, l)
}

// appendListID appends RFC 2919's field; the id is checked by then.
func appendListID(dst []byte, l *publisher.Letter) []byte {
	if l.ListID == "" {
		return dst
	}
	return appendAngle(dst, "List-Id", l.ListName, l.ListID)
}

// checkLetter finds what would make a mail that no server should be given.
func checkLetter(l *publisher.Letter) (from, replyTo, envelope mailbox, err error) {
	bad := func(what string, err error) error {
		return &publisher.Error{Kind: publisher.Invalid, Op: "build mail", Err: fmt.Errorf("%s: %w", what, err)}
	}
	if l == nil || l.Rendering == nil {
		return from, replyTo, envelope, &publisher.Error{Kind: publisher.Internal, Op: "build mail", Err: errors.New("letter without a rendering")}
	}
	if from, err = parseMailbox(l.From.Email); err != nil {
		return from, replyTo, envelope, bad("sender", err)
	}
	if l.ReplyTo.Email != "" {
		if replyTo, err = parseMailbox(l.ReplyTo.Email); err != nil {
			return from, replyTo, envelope, bad("reply-to", err)
		}
	}
	envelope = from
	if l.EnvelopeFrom != "" {
		if envelope, err = parseMailbox(l.EnvelopeFrom); err != nil {
			return from, replyTo, envelope, bad("envelope sender", err)
		}
	}
	for what, domain := range map[string]string{"Message-ID domain": l.Domain, "list id": l.ListID} {
		if what == "list id" && domain == "" {
			continue
		}
		if _, _, err := publisher.SplitEmail("x@" + domain); err != nil {
			return from, replyTo, envelope, bad(what, err)
		}
		if !ascii(domain) {
			return from, replyTo, envelope, bad(what, errors.New("not in ASCII; write the xn-- form"))
		}
	}
	switch {
	case l.Date.IsZero():
		return from, replyTo, envelope, bad("date", errors.New("none given"))
	case l.Rendering.HTML == "" && l.Rendering.Text == "":
		return from, replyTo, envelope, bad("body", errors.New("empty"))
	case l.AutoSubmitted != "" && !languageTag(l.AutoSubmitted):
		return from, replyTo, envelope, bad("Auto-Submitted", errors.New("not a keyword"))
	}
	return from, replyTo, envelope, nil
}
