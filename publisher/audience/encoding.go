package audience

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decoded gives r without its byte order mark, and UTF-16 (what Excel calls
// "Unicode text") as UTF-8. Anything else passes as it is: see text.
func decoded(r *bufio.Reader) (*bufio.Reader, error) {
	mark, err := r.Peek(3)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		_, err = r.Discard(3)
		return r, err
	case bytes.HasPrefix(mark, []byte("\xff\xfe")):
		_, err = r.Discard(2)
		return bufio.NewReader(&utf16Reader{from: r, low: 0, high: 1}), err
	case bytes.HasPrefix(mark, []byte("\xfe\xff")):
		_, err = r.Discard(2)
		return bufio.NewReader(&utf16Reader{from: r, low: 1, high: 0}), err
	}
	return r, nil
}

// A utf16Reader gives UTF-16 as UTF-8. What is no character comes as U+FFFD.
type utf16Reader struct {
	from      *bufio.Reader
	low, high int // which byte of a pair is which
	lead      rune
	rest      []byte
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.rest) == 0 {
		var pair [2]byte
		if _, err := io.ReadFull(u.from, pair[:]); err != nil {
			if err == io.ErrUnexpectedEOF || err == io.EOF && u.lead != 0 {
				u.lead, u.rest = 0, utf8.AppendRune(u.rest, utf8.RuneError)
				break
			}
			return 0, err
		}
		unit := rune(pair[u.low]) | rune(pair[u.high])<<8
		switch {
		case u.lead != 0:
			if r := utf16.DecodeRune(u.lead, unit); r != utf8.RuneError {
				u.rest = utf8.AppendRune(u.rest, r)
			} else {
				u.rest = utf8.AppendRune(utf8.AppendRune(u.rest, utf8.RuneError), unit)
			}
			u.lead = 0
		case utf16.IsSurrogate(unit):
			u.lead = unit
		default:
			u.rest = utf8.AppendRune(u.rest, unit)
		}
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// text gives a cell as UTF-8. A cell that is not UTF-8 is taken as windows-1252:
// the choice is made cell by cell, because files are pasted together, and no
// accented French word in one is valid in the other.
func text(cell []byte) string {
	if utf8.Valid(cell) {
		return string(cell)
	}
	var b strings.Builder
	b.Grow(len(cell) + len(cell)/4)
	for _, c := range cell {
		if c >= 0x80 && c < 0xa0 {
			b.WriteRune(windows1252[c-0x80])
		} else {
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

// windows1252 holds what differs from ISO 8859-1 (encoding.spec.whatwg.org); the
// five bytes without a character are U+FFFD.
var windows1252 = [32]rune{
	'€', '\ufffd', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\ufffd', 'Ž', '\ufffd',
	'\ufffd', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\ufffd', 'ž', 'Ÿ',
}
