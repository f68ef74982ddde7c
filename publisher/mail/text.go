package mail

import (
	"strings"
	"unicode"
)

// clean gives s on one line of valid UTF-8: what ends a line or controls a
// terminal becomes a space, and spaces around it are joined with it. No-break
// spaces stay: French needs them.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] > ' ' && s[i] < 0x7f || s[i] == ' ' && i > 0 && s[i-1] != ' ' && i < len(s)-1
	}
	if plain {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, breaks), " ")
}

func breaks(r rune) bool {
	return r == ' ' || r == '\u2028' || r == '\u2029' || unicode.IsControl(r)
}

// cut gives at most max characters of s.
func cut(s string, max int) string {
	for i := range s {
		if max == 0 {
			return s[:i]
		}
		max--
	}
	return s
}
