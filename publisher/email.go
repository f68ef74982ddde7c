package publisher

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// EmailKey gives the form in which two addresses are compared: without regard to
// case in either part. No large provider tells local parts apart by case, and
// writing to one person twice is worse than what RFC 5321 §2.4 guards against.
func EmailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// SplitEmail checks that email is one bare address and gives its two parts: a
// dot-atom of at most 64 octets (RFC 5321 §4.5.3.1.1; UTF-8 as RFC 6531 allows) and
// a domain of letters, digits and hyphens in any script, in all at most 254 octets.
// Quoted local parts and address literals are refused. The error names what is
// wrong, never the address.
func SplitEmail(email string) (local, domain string, err error) {
	at := strings.LastIndexByte(email, '@')
	switch {
	case email == "":
		return "", "", errors.New("no address")
	case len(email) > 254:
		return "", "", errors.New("address longer than 254 octets")
	case !utf8.ValidString(email):
		return "", "", errors.New("address is not UTF-8")
	case strings.IndexFunc(email, unicode.IsControl) >= 0:
		return "", "", errors.New("control character in address")
	case strings.IndexFunc(email, unicode.IsSpace) >= 0:
		return "", "", errors.New("space in address")
	case at < 0:
		return "", "", errors.New("address without @")
	}
	local, domain = email[:at], email[at+1:]
	switch {
	case local == "":
		return "", "", errors.New("nothing before the @")
	case len(local) > 64:
		return "", "", errors.New("more than 64 octets before the @")
	case strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, ".."):
		return "", "", errors.New("misplaced dot before the @")
	case strings.IndexFunc(local, notAtom) >= 0:
		return "", "", errors.New("character not allowed before the @")
	case domain == "":
		return "", "", errors.New("nothing after the @")
	}
	for label := range strings.SplitSeq(domain, ".") {
		switch {
		case label == "":
			return "", "", errors.New("misplaced dot in the domain")
		case len(label) > 63:
			return "", "", errors.New("part of the domain longer than 63 octets")
		case label[0] == '-' || label[len(label)-1] == '-':
			return "", "", errors.New("misplaced hyphen in the domain")
		case strings.IndexFunc(label, notHost) >= 0:
			return "", "", errors.New("character not allowed in the domain")
		}
	}
	return local, domain, nil
}

// notAtom reports whether r may not stand in a dot-atom (RFC 5322 §3.2.3, RFC 6532 §3.2).
func notAtom(r rune) bool {
	return r < utf8.RuneSelf && !letterOrDigit(r) && !strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r)
}

func notHost(r rune) bool {
	if r < utf8.RuneSelf {
		return !letterOrDigit(r) && r != '-' && r != '_'
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '·' && r != '\u200c' && r != '\u200d'
}

func letterOrDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
