package measure

import "unicode"

// isSpace follows twitter-text, which takes U+180E for a space and U+200B for none.
func isSpace(r rune) bool {
	switch {
	case r >= 0x09 && r <= 0x0d, r == ' ', r == 0x85, r == 0xa0, r == 0x1680, r == 0x180e,
		r >= 0x2000 && r <= 0x200a, r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000:
		return true
	}
	return false
}

// isForbidden reports whether X refuses a text that holds r.
func isForbidden(r rune) bool { return r == 0xfffe || r == 0xfeff || r == 0xffff }

// isDirectional reports whether r only sets the direction of writing.
func isDirectional(r rune) bool {
	switch {
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// isPunct is ASCII's punctuation without the quotation mark and the backquote,
// which twitter-text leaves out.
func isPunct(r rune) bool {
	switch {
	case r == '!', r >= '#' && r <= '/', r >= ':' && r <= '@', r >= '[' && r <= '_', r >= '{' && r <= '~':
		return true
	}
	return false
}

func isASCIILetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
func isASCIIDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isASCIIAlnum(r rune) bool  { return isASCIILetter(r) || isASCIIDigit(r) }
func isASCIIWord(r rune) bool   { return isASCIIAlnum(r) || r == '_' }
func isCyrillic(r rune) bool    { return r >= 0x0400 && r <= 0x04ff }

// isLatinAccent holds for the accented Latin letters, and the marks, that X
// takes in a path or a bare domain.
func isLatinAccent(r rune) bool {
	switch r {
	case 0x0253, 0x0254, 0x0256, 0x0257, 0x0259, 0x025b, 0x0263, 0x0268, 0x026f, 0x0272, 0x0289, 0x028b, 0x02bb:
		return true
	}
	return r >= 0xc0 && r <= 0x024f && r != 0xd7 && r != 0xf7 ||
		r >= 0x0300 && r <= 0x036f || r >= 0x1e00 && r <= 0x1eff
}

// isTagLetter holds for what a hashtag must have at least one of.
func isTagLetter(r rune) bool {
	if r < 0x80 {
		return isASCIILetter(r)
	}
	return unicode.In(r, unicode.L, unicode.M)
}

// isTagChar holds for whatever a hashtag may have inside.
func isTagChar(r rune) bool {
	if r < 0x80 {
		return isASCIIWord(r)
	}
	switch r {
	case 0x200c, 0x200d, 0xa67e, 0x05be, 0x05f3, 0x05f4, 0xff5e, 0x301c, 0x309b, 0x309c, 0x30a0, 0x30fb,
		0x3003, 0x0f0b, 0x0f0c, 0x00b7:
		return true
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd)
}
