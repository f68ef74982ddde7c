package locale

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	nbsp   = "\u00a0"
	narrow = "\u202f"
)

// French puts no-break spaces where French typography wants a space that no line
// may end at: U+00A0 before ":", inside « » and between a figure and % or a
// currency; U+202F before ";", "!" and "?". It makes of a plain space a no-break
// one and adds what is missing, keeps no-break spaces that are there, and touches no
// word that holds more of its letters after the sign: URLs, times, code. Applying it
// twice changes nothing more.
func French(s string) string { return FrenchBetween(0, s, 0) }

// FrenchBetween is French for a piece of a longer text: before and after are the
// characters on both sides of it, 0 where there is none.
func FrenchBetween(before rune, s string, after rune) string {
	if !strings.ContainsAny(s, ":;!?«»%€$£") && !isHigh(after) && after != '»' && before != '«' {
		return s
	}
	text := []rune(s)
	at := func(i int) rune {
		switch {
		case i < 0:
			return before
		case i < len(text):
			return text[i]
		case i == len(text):
			return after
		}
		return 0
	}
	var out strings.Builder
	out.Grow(len(s) + 16)
	for i, r := range text {
		switch {
		case r == ' ':
			if wide := gap(at, i); wide != "" {
				out.WriteString(wide)
				continue
			}
		case needsGap(at, i):
			out.WriteString(width(r))
		}
		out.WriteRune(r)
		if r == '«' && isWordStart(at(i+1)) {
			out.WriteString(nbsp)
		}
	}
	return out.String()
}

// gap gives the no-break space to stand for the plain space at i, "" for none.
func gap(at func(int) rune, i int) string {
	prev, next := at(i-1), at(i+1)
	switch {
	case prev == '«':
		return nbsp
	case next == '»':
		return nbsp
	case isHigh(next) && ends(at, i+1):
		return width(next)
	case strings.ContainsRune("%€$£", next) && next != 0 && unicode.IsDigit(prev) && !isWordStart(at(i+2)):
		return nbsp
	}
	return ""
}

// needsGap reports whether a no-break space is missing before the sign at i.
func needsGap(at func(int) rune, i int) bool {
	r, prev := at(i), at(i-1)
	if prev == 0 || unicode.IsSpace(prev) {
		return false
	}
	if r == '»' {
		return prev != '«'
	}
	if !isHigh(r) || isHigh(prev) || !ends(at, i) || inAddress(at, i) {
		return false
	}
	return unicode.IsLetter(prev) || unicode.IsDigit(prev) || strings.ContainsRune(`»)]”’"'…%€`, prev)
}

// ends reports whether the sign at i closes something: it is followed by nothing, a
// space, or more signs. What goes on with a letter or a figure is no punctuation
// but 18:00, a:b or a smiley.
func ends(at func(int) rune, i int) bool {
	r, next := at(i), at(i+1)
	if next == 0 || unicode.IsSpace(next) {
		return true
	}
	switch r {
	case ':', ';':
		return strings.ContainsRune(`»"”’`, next)
	}
	return strings.ContainsRune("!?»)]}\"”’'….,;:*_—–", next)
}

// inAddress reports whether the word before the sign at i is a URL or an e-mail
// address, of which the sign may be a part.
func inAddress(at func(int) rune, i int) bool {
	var word []rune
	for j := i - 1; at(j) != 0 && !unicode.IsSpace(at(j)) && len(word) < 2048; j-- {
		word = append(word, at(j))
		if at(j) == '@' || at(j) == '/' && at(j-1) == '/' {
			return true
		}
		if j < 0 {
			break
		}
	}
	return strings.HasSuffix(string(word), ".www")
}

func isHigh(r rune) bool { return r == ':' || r == ';' || r == '!' || r == '?' }

func isWordStart(r rune) bool {
	return r != 0 && r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(`([“"‘'…—–-@#`, r))
}

func width(sign rune) string {
	if sign == ':' || sign == '»' {
		return nbsp
	}
	return narrow
}
