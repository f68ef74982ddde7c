package measure

import (
	"strings"
	"unicode/utf8"
)

// A Mention is a user that X links, with the list behind the name where there
// is one: "@user/list".
type Mention struct {
	Span
	User string
	List string // with its slash; ""
}

// Mentions finds the users and lists of which X makes links.
func Mentions(text string) []Mention {
	var found []Mention
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r != '@' && r != '＠' || !mayPrecedeMention(text[:i]) {
			i += size
			continue
		}
		end := i + size + prefixLen(text[i+size:], 20, isASCIIWord)
		if end == i+size {
			i = end
			continue
		}
		m := Mention{Span: Span{i, end}, User: text[i+size : end]}
		if end+1 < len(text) && text[end] == '/' && isASCIILetter(rune(text[end+1])) {
			m.End = end + 2 + prefixLen(text[end+2:], 24, func(r rune) bool { return isASCIIWord(r) || r == '-' })
			m.List = text[end:m.End]
		}
		i = m.End
		if !goesOn(text[m.End:], '@', '＠', true) {
			found = append(found, m)
		}
	}
	return found
}

// Reply gives the user to whom X takes text for a reply: the one that it begins
// with. "" where it begins otherwise.
func Reply(text string) string {
	text = strings.TrimLeftFunc(text, isSpace)
	m := Mentions(text)
	if len(m) == 0 || m[0].Start != 0 {
		return ""
	}
	return m[0].User
}

// mayPrecedeMention looks at the end of what stands before an at sign. Behind
// "RT" one is a mention, in spite of the letter.
func mayPrecedeMention(before string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	if before == "" || !isASCIIWord(r) && !strings.ContainsRune("!#$%&*@＠", r) {
		return true
	}
	before = strings.TrimSuffix(before, ":")
	if len(before) < 2 || !strings.EqualFold(before[len(before)-2:], "rt") {
		return false
	}
	before = before[:len(before)-2]
	r, _ = utf8.DecodeLastRuneInString(before)
	return before == "" || !isASCIIWord(r) && !strings.ContainsRune("+~.-", r)
}

// goesOn reports whether what follows shows that the entity before it is none: a
// second sign, a protocol's "://" or, behind names, a letter that they cannot have.
func goesOn(after string, sign, wide rune, accents bool) bool {
	r, _ := utf8.DecodeRuneInString(after)
	return after != "" && (r == sign || r == wide || accents && isLatinAccent(r)) || strings.HasPrefix(after, "://")
}

// Hashtags finds the hashtags of which X makes links, each with its sign.
func Hashtags(text string) []Span {
	var found []Span
	urls := URLs(text)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r != '#' && r != '＃' || !mayPrecedeHashtag(text[:i]) {
			i += size
			continue
		}
		start, letters := i, false
		i += size
		if next, _ := runeAt(text, i); next == emojiStyle || next == keycap {
			continue
		}
		for i < len(text) {
			if r, size = utf8.DecodeRuneInString(text[i:]); !isTagChar(r) {
				break
			}
			letters = letters || isTagLetter(r)
			i += size
		}
		if !letters || goesOn(text[i:], '#', '＃', false) {
			continue
		}
		for len(urls) > 0 && urls[0].End <= start {
			urls = urls[1:]
		}
		if len(urls) == 0 || urls[0].Start >= i {
			found = append(found, Span{start, i})
		}
	}
	return found
}

func mayPrecedeHashtag(before string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	return before == "" || r == textStyle || r == emojiStyle || !isTagChar(r) && r != '&'
}

// Cashtags finds the ticker symbols of which X makes links, each with its sign.
// A self-serve account may have one in a post.
func Cashtags(text string) []Span {
	var found []Span
	for i := 0; i < len(text); i++ {
		if text[i] != '$' {
			continue
		}
		if r, _ := utf8.DecodeLastRuneInString(text[:i]); i > 0 && !isSpace(r) && !isDirectional(r) {
			continue
		}
		end := i + 1 + prefixLen(text[i+1:], 6, isASCIILetter)
		if end == i+1 {
			continue
		}
		if end < len(text) && (text[end] == '.' || text[end] == '_') {
			if n := prefixLen(text[end+1:], 2, isASCIILetter); n > 0 && cashtagMayEnd(text[end+1+n:]) {
				end += 1 + n
			}
		}
		if cashtagMayEnd(text[end:]) {
			found = append(found, Span{i, end})
			i = end - 1
		}
	}
	return found
}

func cashtagMayEnd(after string) bool {
	r, _ := utf8.DecodeRuneInString(after)
	return after == "" || isSpace(r) || isPunct(r)
}

// prefixLen gives the length of the longest beginning of s, at most limit bytes,
// of ASCII characters that is holds for.
func prefixLen(s string, limit int, is func(rune) bool) int {
	n := 0
	for n < len(s) && n < limit && is(rune(s[n])) {
		n++
	}
	return n
}
