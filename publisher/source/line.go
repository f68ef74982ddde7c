package source

import (
	"strings"
	"unicode"
)

// oneLine makes s a single line: line ends, tabs and runs of spaces become one
// space; control characters, byte order marks and what reorders text (Unicode's
// Bidi_Control) go. No-break spaces and joiners stay, for they are typography.
func oneLine(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case isBreakingSpace(r):
			space = true
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\uFEFF', r == '\uFFFE', r == '\uFFFF':
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

func isBreakingSpace(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\v', '\f', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// withoutControls removes from a text of several lines what no article holds: the
// control characters save line ends and tabs, and overrides of the text's order.
func withoutControls(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028':
			return '\n'
		case unicode.IsControl(r), r == '\uFEFF', r == '\u202D', r == '\u202E', r == '\uFFFE', r == '\uFFFF':
			return -1
		}
		return r
	}, s)
}

// isBlank reports that s shows nothing.
func isBlank(s string) bool {
	for _, r := range s {
		if !unicode.IsSpace(r) && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r) {
			return false
		}
	}
	return true
}

// runes counts the characters of s.
func runes(s string) int { return len([]rune(s)) }

// fold makes texts comparable and patterns short: lower case, straight
// apostrophes, plain spaces, no French accents. It is one line, without the quotes
// and full stop that may close it.
func fold(s string) string {
	return strings.TrimSpace(folder.Replace(strings.ToLower(oneLine(s))))
}

var folder = strings.NewReplacer("’", "'", "‘", "'", "\u00A0", " ", "\u202F", " ", "\u2009", " ",
	"à", "a", "â", "a", "ä", "a", "ç", "c", "é", "e", "è", "e", "ê", "e", "ë", "e", "î", "i", "ï", "i",
	"ô", "o", "ö", "o", "ù", "u", "û", "u", "ü", "u", "œ", "oe", "æ", "ae", "…", "...")
