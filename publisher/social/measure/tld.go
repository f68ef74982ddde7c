package measure

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

const (
	maxLabel = 63 // RFC 1035 §2.3.4
	// maxTLDRunes is more than any top-level domain has, in either spelling.
	maxTLDRunes = 24
)

// isTLD reports whether label is a top-level domain, in any case and either
// spelling (みんな, xn--q9jyb4c).
func isTLD(label string) bool {
	ascii := strings.ToLower(label)
	if !isASCII(ascii) {
		var err error
		if ascii, err = idna.Punycode.ToASCII(ascii); err != nil {
			return false
		}
	}
	_, icann := publicsuffix.PublicSuffix("a." + ascii)
	return icann
}

// tldEnd gives the end of the top-level domain that text has at i, or 0. It may
// be only the beginning of a longer word in another script ("com" in
// "comだよね"), but never of one that goes on in ASCII.
func tldEnd(text string, i int) int {
	const ace = "xn--"
	if len(text)-i > len(ace) && strings.EqualFold(text[i:i+len(ace)], ace) {
		end := i + len(ace)
		for end < len(text) && (isASCIIAlnum(rune(text[end])) || text[end] == '-') {
			end++
		}
		if end > i+len(ace) {
			return end
		}
		return 0
	}
	var ends [maxTLDRunes]int
	n, end := 0, i
	for end < len(text) && n < maxTLDRunes {
		r, size := utf8.DecodeRuneInString(text[end:])
		if !isDomainChar(r) {
			break
		}
		end += size
		ends[n] = end
		n++
	}
	for ; n > 0; n-- {
		if end = ends[n-1]; tldMayEnd(text, end) && (isTLD(text[i:end]) || isWithdrawn(text[i:end])) {
			return end
		}
	}
	return 0
}

func tldMayEnd(text string, i int) bool {
	if i == len(text) {
		return true
	}
	c := rune(text[i])
	return !isASCIIAlnum(c) && c != '@' && c != '+' && c != '-'
}

// encodable reports whether DNS could hold every label of domain.
func encodable(domain string) bool {
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) <= maxLabel && isASCII(label) {
			if label == "" {
				return false
			}
			continue
		}
		if isASCII(label) || utf8.RuneCountInString(label) > maxLabel || strings.HasPrefix(strings.ToLower(label), "xn--") {
			return false
		}
		if ascii, err := idna.Punycode.ToASCII(label); err != nil || len(ascii) > maxLabel {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
