package mail

import (
	"strings"
	"unicode/utf8"
)

// Quoted-printable, RFC 2045 §6.7, with what a relay may do to a line in mind:
// no line begins with "." (dot-stuffing would change what was signed), with "-"
// (it could be read as a boundary) or with "From " (mailbox files escape it); none
// ends with white space.
const (
	staticColumns = 75 // and the "=" of a soft break: the 76 that RFC 2045 allows
	valueColumns  = 72 // a reader's value stands on lines of its own, and needs no more
	softBreak     = "=\r\n"
)

const hexDigits = "0123456789ABCDEF"

// appendQuoted appends s, which is valid UTF-8 with LF for line ends, beginning in
// column 0. It gives the column after it. A character is never split between lines.
func appendQuoted(dst []byte, s string, columns int) ([]byte, int) {
	col := 0
	for i := 0; i < len(s); {
		if col > 0 {
			n := simple(s[i:], columns-col)
			dst = append(dst, s[i:i+n]...)
			if i, col = i+n, col+n; i == len(s) {
				break
			}
		}
		c := s[i]
		if c == '\n' {
			dst = append(dst, '\r', '\n')
			col = 0
			i++
			continue
		}
		size, width := 1, 1
		if !literal(s, i, col) {
			if c >= utf8.RuneSelf {
				_, size = utf8.DecodeRuneInString(s[i:])
			}
			width = 3 * size
		}
		if col+width > columns {
			dst = append(dst, softBreak...)
			col = 0
			// What may stand as it is elsewhere may not at a line's beginning.
			if width == 1 && !literal(s, i, 0) {
				width = 3
			}
		}
		if width == 1 {
			dst = append(dst, c)
		} else {
			for _, b := range []byte(s[i : i+size]) {
				dst = append(dst, '=', hexDigits[b>>4], hexDigits[b&15])
			}
		}
		col += width
		i += size
	}
	return dst, col
}

// simple gives how many bytes from the first, up to most, stand for themselves
// wherever they are but at a line's beginning.
func simple(s string, most int) int {
	n := 0
	for n < len(s) && n < most && s[n] > ' ' && s[n] <= '~' && s[n] != '=' {
		n++
	}
	return n
}

// literal reports whether the byte s[i] may stand for itself in this column.
func literal(s string, i, col int) bool {
	switch c := s[i]; {
	case c == ' ' || c == '\t':
		return i+1 < len(s) && s[i+1] != '\n'
	case c == '=' || c < ' ' || c > '~':
		return false
	case col > 0:
		return true
	case c == '.' || c == '-':
		return false
	case c == 'F':
		return !strings.HasPrefix(s[i:], "From ")
	}
	return true
}

// lineEnds gives s with LF for every kind of line end.
func lineEnds(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
