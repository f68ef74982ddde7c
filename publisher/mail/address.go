package mail

import (
	"errors"
	"mime"
	"strings"

	"golang.org/x/net/idna"

	"crieur/publisher"
)

// A mailbox is an address as SMTP takes it: the domain is ASCII (RFC 5890); utf8
// is true where the local part is not, and the server needs SMTPUTF8 (RFC 6531).
type mailbox struct {
	addr string
	utf8 bool
}

func parseMailbox(email string) (mailbox, error) {
	local, domain, err := publisher.SplitEmail(email)
	if err != nil {
		return mailbox{}, err
	}
	domain, err = asciiDomain(domain)
	if err != nil {
		return mailbox{}, err
	}
	return mailbox{addr: local + "@" + domain, utf8: !ascii(local)}, nil
}

func asciiDomain(domain string) (string, error) {
	if ascii(domain) {
		return domain, nil
	}
	puny, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", errors.New("not a possible domain name")
	}
	return puny, nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// longestName is more than anybody shows, and keeps a header line below the 998
// octets of RFC 5322 §2.1.1 even if every character has to be quoted.
const longestName = 128

// phrase gives a display name as RFC 5322 quotes it and RFC 2047 encodes it, with a
// space where it may be folded; "" for no name. It is not net/mail's: that leaves a
// backslash as it is in an encoded word (Go 1.26), which no parser takes.
func phrase(name string) string {
	name = cut(clean(name), longestName)
	switch {
	case name == "":
		return ""
	case ascii(name):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	case strings.ContainsAny(name, "\"#$%&'(),.:;<>@[\\]^`{|}~"):
		// RFC 2047 §5 (3): none of these may stand for itself in a phrase.
		return mime.BEncoding.Encode("utf-8", name)
	}
	return mime.QEncoding.Encode("utf-8", name)
}

// appendAddress appends a whole header field.
func appendAddress(dst []byte, field, name string, box mailbox) []byte {
	return appendAngle(dst, field, name, box.addr)
}

// appendAngle appends a field that is a name and something in angle brackets, folded
// between encoded words, which are 75 octets long at most. A quoted string is not
// folded.
func appendAngle(dst []byte, field, name, angle string) []byte {
	dst = append(append(dst, field...), ':')
	col := len(field) + 1
	word := func(w string) {
		if col+1+len(w) > 78 && col > len(field)+1 {
			dst, col = append(dst, '\r', '\n'), 0
		}
		dst = append(append(dst, ' '), w...)
		col += 1 + len(w)
	}
	if p := phrase(name); strings.HasPrefix(p, "=?") {
		for w := range strings.SplitSeq(p, " ") {
			word(w)
		}
	} else if p != "" {
		word(p)
	}
	word("<" + angle + ">")
	return append(dst, '\r', '\n')
}
