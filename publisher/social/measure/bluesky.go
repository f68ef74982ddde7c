package measure

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A FacetKind says what a facet makes of its part of the text.
type FacetKind string

const (
	FacetLink    FacetKind = "link"
	FacetMention FacetKind = "mention"
	FacetTag     FacetKind = "tag"
)

// A Facet is a part of a Bluesky post that its client marks: the network makes
// no link by itself.
type Facet struct {
	Start, End int // bytes of the text
	Kind       FacetKind
	Value      string // a URL with protocol; a handle without its sign; a tag without its sign, but "$AAPL" for a cashtag
}

// Facets finds what Bluesky's own clients mark in text, in order and without
// overlaps (app.bsky.richtext.facet). A mention's handle is still to be resolved.
func Facets(text string) []Facet {
	var found []Facet
	before := rune(-1)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		f := facetAt(text, i, before)
		if f.End > 0 {
			found = append(found, f)
			i = f.End
			before = lastRune(text[:i])
			continue
		}
		i += size
		before = r
	}
	return found
}

// facetAt reads the facet that begins at i, behind before (-1: nothing); its End is 0
// where there is none.
func facetAt(text string, i int, before rune) Facet {
	opens := before == -1 || isScriptSpace(before)
	r, size := utf8.DecodeRuneInString(text[i:])
	switch {
	case opens && (r == '#' || r == '＃'):
		return tagFacet(text, i, size)
	case !opens && before != '(':
		return Facet{}
	case r == '@':
		return mentionFacet(text, i)
	case r == '$':
		return cashtagFacet(text, i)
	case isASCIILetter(r):
		return linkFacet(text, i)
	}
	return Facet{}
}

func mentionFacet(text string, i int) Facet {
	end := i + 1 + prefixLen(text[i+1:], len(text), func(r rune) bool { return isASCIIAlnum(r) || r == '.' || r == '-' })
	handle := strings.TrimRight(text[i+1:end], ".-")
	end = i + 1 + len(handle)
	if next, _ := runeAt(text, end); next == '_' || !isHandleDomain(handle) {
		return Facet{}
	}
	return Facet{i, end, FacetMention, handle}
}

func isHandleDomain(s string) bool { return endsInTLD(s) || strings.HasSuffix(s, ".test") }

// endsInTLD reports whether s is a name before a top-level domain.
func endsInTLD(s string) bool {
	dot := strings.LastIndexByte(s, '.')
	return dot > 0 && dot < len(s)-1 && isTLD(s[dot+1:])
}

func linkFacet(text string, i int) Facet {
	protocol := protocolLen(text[i:])
	if protocol == 0 && !endsInTLD(bareDomain(text[i:])) {
		return Facet{}
	}
	end := len(text)
	if n := strings.IndexFunc(text[i:], isScriptSpace); n >= 0 {
		end = i + n
	}
	uri := text[i:end]
	if protocol == len(uri) {
		return Facet{}
	}
	if strings.ContainsAny(uri[len(uri)-1:], ".,;:!?") {
		uri = uri[:len(uri)-1]
	}
	if strings.HasSuffix(uri, ")") && !strings.Contains(uri, "(") {
		uri = uri[:len(uri)-1]
	}
	f := Facet{i, i + len(uri), FacetLink, uri}
	if protocol == 0 {
		f.Value = "https://" + uri
	}
	return f
}

// bareDomain gives the labels of letters and digits that word begins with; ""
// where they are fewer than two.
func bareDomain(word string) string {
	end := prefixLen(word, len(word), isASCIIAlnum)
	whole := end
	for whole < len(word) && word[whole] == '.' {
		n := prefixLen(word[whole+1:], len(word), isASCIIAlnum)
		if n == 0 {
			break
		}
		whole += 1 + n
	}
	if whole == end {
		return ""
	}
	return word[:whole]
}

func tagFacet(text string, i, sign int) Facet {
	const longest = 64
	tag := text[i+sign:]
	if strings.HasPrefix(tag, string(rune(emojiStyle))) {
		return Facet{}
	}
	if n := strings.IndexFunc(tag, endsTag); n >= 0 {
		tag = tag[:n]
	}
	if strings.IndexFunc(tag, func(r rune) bool { return !unicode.IsPunct(r) && !isASCIIDigit(r) }) < 0 {
		return Facet{}
	}
	tag = strings.TrimRightFunc(tag, unicode.IsPunct)
	if tag == "" || utf16Len(tag) > longest {
		return Facet{}
	}
	return Facet{i, i + sign + len(tag), FacetTag, tag}
}

// endsTag holds for spaces, the zero-width ones too, and for what encloses the
// character before it.
func endsTag(r rune) bool {
	switch r {
	case 0xad, 0x2060, 0x200a, 0x200b, 0x200c, 0x200d, 0x20e2:
		return true
	}
	return isScriptSpace(r)
}

func cashtagFacet(text string, i int) Facet {
	const longest = 5
	end := i + 1 + prefixLen(text[i+1:], longest, isASCIIAlnum)
	if end == i+1 || !isASCIILetter(rune(text[i+1])) {
		return Facet{}
	}
	if next, _ := runeAt(text, end); end < len(text) && !isScriptSpace(next) && !strings.ContainsRune(".,;:!?)\"'’", next) {
		return Facet{}
	}
	return Facet{i, end, FacetTag, strings.ToUpper(text[i:end])}
}

// isScriptSpace is JavaScript's \s.
func isScriptSpace(r rune) bool {
	return r == 0xfeff || isSpace(r) && r != 0x85 && r != 0x180e
}

func lastRune(s string) rune {
	if s == "" {
		return -1
	}
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}
