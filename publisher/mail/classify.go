package mail

import (
	"fmt"
	"strings"

	"crieur/publisher"
)

// A Class says whom or what a server's refusal concerns.
type Class uint8

const (
	ClassNone      Class = iota // no refusal
	ClassTemporary              // try again later
	ClassAddress                // the mailbox or its domain does not exist, moved or is closed
	ClassFull                   // the mailbox is full
	ClassMessage                // this message: its size, form or content
	ClassSender                 // our own address
	ClassLogin                  // we are not logged in, or not well enough
	ClassPolicy                 // policy or reputation: about us, not about the reader
	ClassOther                  // refused for good, for a reason not known
)

var classNames = [...]string{"none", "temporary", "address", "full", "message", "sender", "login", "policy", "other"}

func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// Classify reads an SMTP reply's code and enhanced status (RFC 3463; "" where none
// was given). The status decides where it says something; the code alone is taken
// as RFC 5321 §4.2.3 means it. A full mailbox is ClassFull for 4xx too.
func Classify(code int, enhanced string) Class {
	if code < 400 {
		return ClassNone
	}
	_, detail, _ := strings.Cut(enhanced, ".")
	if detail == "2.2" {
		return ClassFull
	}
	if code < 500 {
		return ClassTemporary
	}
	switch code {
	case 530, 534, 535, 538: // RFC 4954 §6, RFC 3207 §4
		return ClassLogin
	}
	switch detail {
	case "1.7", "1.8", "7.27":
		return ClassSender
	case "2.3", "3.4":
		return ClassMessage
	case "7.8", "7.9", "7.11", "7.12": // RFC 4954 §6
		return ClassLogin
	case "7.17", "7.18": // RFC 7293: the mailbox or the domain has another owner
		return ClassAddress
	case "4.1", "4.4":
		return ClassAddress // the domain cannot be reached, and the server gave up
	case "5.0", "0.0", "":
	default:
		subject, _, _ := strings.Cut(detail, ".")
		switch subject {
		case "1", "2":
			return ClassAddress
		case "6":
			return ClassMessage
		case "7":
			return ClassPolicy
		}
		return ClassOther
	}
	switch code {
	case 550, 551, 553, 521, 556:
		return ClassAddress
	case 552:
		return ClassFull
	}
	return ClassOther
}

// Judge says what a refusal means for the reader's address, by code and enhanced
// status as Classify takes them. One in the dialogue and a report that comes days later
// are judged alike. That nobody is there has to be said by a status: a bare 550 is what
// a server also says of those whom it does not like.
func Judge(code int, enhanced string) publisher.Verdict {
	switch Classify(code, enhanced) {
	case ClassAddress:
		switch _, detail, _ := strings.Cut(enhanced, "."); detail {
		case "", "0.0", "5.0":
			return publisher.VerdictCounted
		}
		return publisher.VerdictGone
	case ClassFull, ClassTemporary, ClassOther:
		return publisher.VerdictCounted
	}
	return publisher.VerdictNone
}

// verdictOf is what a refusal in the dialogue says of the reader. A server that has
// not taken any mail from us yet may refuse us in whatever words: it alone never costs
// a reader their subscription.
func verdictOf(at step, r reply, trusted bool) publisher.Verdict {
	class := Classify(r.code, r.enhanced)
	if concernsMail(at, class) {
		return publisher.VerdictNone
	}
	v := Judge(r.code, r.enhanced)
	if v == publisher.VerdictGone && !trusted {
		return publisher.VerdictCounted
	}
	return v
}

// A step is a point in the dialogue.
type step uint8

const (
	stepMail step = iota
	stepRcpt
	stepData
	stepBody
)

func (s step) String() string { return [...]string{"MAIL", "RCPT", "DATA", "end of data"}[s] }

// kindOf says what a refusal at a step means for who asked. trusted: the server has
// accepted mail from us before, so that it is not us whom it refuses once a recipient
// has been named. A relay that lets nobody in says so at the first recipient, and must
// not cost every reader their subscription.
func kindOf(at step, r reply, trusted bool) publisher.Kind {
	switch class := Classify(r.code, r.enhanced); {
	case r.code < 500:
		return publisher.Busy
	case class == ClassLogin, class == ClassSender:
		return publisher.Denied
	case class == ClassPolicy:
		if at != stepMail && trusted {
			return publisher.Invalid
		}
		return publisher.Denied
	case at == stepMail && class != ClassMessage && class != ClassFull:
		// Nobody has been named yet but ourselves.
		return publisher.Denied
	case !trusted && class != ClassMessage && concernsMail(at, class):
		// It would refuse the same letter to everyone.
		return publisher.Denied
	}
	return publisher.Invalid
}

// concernsMail reports whether a refusal for good is of the mail and not of its
// reader: whatever comes after the recipient was accepted and names no mailbox.
func concernsMail(at step, class Class) bool {
	return at != stepRcpt && class != ClassAddress && class != ClassFull
}

// codeOf gives the code that an error carries. One of 500 and more says that the
// reader's side refused for good; a refusal of the mail itself has none.
func codeOf(kind publisher.Kind, at step, r reply) int {
	if kind == publisher.Invalid && concernsMail(at, Classify(r.code, r.enhanced)) {
		return 0
	}
	return r.code
}
