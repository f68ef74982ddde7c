package measure

import (
	"strings"
	"unicode/utf8"
)

// maxURL is the longest URL, in bytes and with its protocol, that X makes a link of.
const maxURL = 4096

// A urlGrammar is what networks differ in when they look for URLs.
type urlGrammar struct {
	path, pathEnd   func(rune) bool // inside a path, and at its end
	query, queryEnd func(rune) bool
	bare            bool // domains without a protocol, too
	tco             bool // X's own short links end with their slug
}

var xURLs = urlGrammar{
	path: func(r rune) bool {
		return isASCIIAlnum(r) || isCyrillic(r) || isLatinAccent(r) || r == 0x2013 ||
			r < 0x80 && strings.ContainsRune("!*';:=+,.$/%#[]-_~@|&", r)
	},
	pathEnd: func(r rune) bool {
		return isASCIIAlnum(r) || isCyrillic(r) || isLatinAccent(r) || r < 0x80 && strings.ContainsRune("+-=_#/", r)
	},
	query: func(r rune) bool {
		return isASCIIAlnum(r) || r < 0x80 && strings.ContainsRune("!?*'@();:&=+$/%#[]-_.,~|", r)
	},
	queryEnd: func(r rune) bool {
		return isASCIIAlnum(r) || r < 0x80 && strings.ContainsRune("-_&=#/", r)
	},
	bare: true,
	tco:  true,
}

// URLs finds the URLs of which X makes links and which count as one: with
// protocol, and bare domains where the top-level domain exists. It follows
// twitter-text's extraction; the spans are in order and do not overlap.
func URLs(text string) []Span { return xURLs.find(text) }

func (g *urlGrammar) find(text string) []Span {
	if !strings.Contains(text, ".") {
		return nil
	}
	s := urlScanner{g: g, text: text}
	// A URL stands at the beginning or behind a character that may precede it.
	// Position 0 is tried after the position behind the first character.
	pos, first := 0, true
	for pos < len(text) {
		r, size := utf8.DecodeRuneInString(text[pos:])
		end, ok := 0, false
		if mayPrecedeURL(r) {
			end, ok = s.at(pos+size, r)
		}
		if !ok && first {
			end, ok = s.at(0, -1)
		}
		first = false
		if ok {
			pos = end
		} else {
			pos += size
		}
	}
	return s.found
}

func mayPrecedeURL(r rune) bool {
	return !isASCIIAlnum(r) && r != '@' && r != '＠' && r != '$' && r != '#' && r != '＃' && !isForbidden(r)
}

type urlScanner struct {
	g     *urlGrammar
	text  string
	found []Span
	run   domainRun
}

// at tries the URL that begins at start, behind before (-1: nothing stands
// there). ok says that the grammar matched and where that ended; whether the URL
// was good enough to be found is another question.
func (s *urlScanner) at(start int, before rune) (end int, ok bool) {
	text := s.text
	if n := protocolLen(text[start:]); n > 0 {
		if domainEnd := s.domain(start + n); domainEnd > 0 {
			pathStart, pathEnd := s.path(domainEnd)
			end = s.query(pathEnd)
			s.addFull(Span{start, end}, Span{start + n, domainEnd}, text[pathStart:pathEnd])
			return end, true
		}
	}
	domainEnd := s.domain(start)
	if domainEnd == 0 {
		return 0, false
	}
	pathStart, pathEnd := s.path(domainEnd)
	end = s.query(pathEnd)
	if s.g.bare && before != '-' && before != '_' && before != '.' && before != '/' {
		s.addBare(Span{start, end}, Span{start, domainEnd}, pathEnd > pathStart)
	}
	return end, true
}

func (s *urlScanner) addFull(url, domain Span, path string) {
	if !encodable(s.text[domain.Start:domain.End]) || url.End-url.Start > maxURL {
		return
	}
	if s.g.tco && strings.EqualFold(s.text[domain.Start:domain.End], "t.co") && len(path) > 1 {
		const maxSlug = 40
		slug := 1
		for slug < len(path) && isASCIIAlnum(rune(path[slug])) {
			slug++
		}
		switch {
		case slug-1 > maxSlug:
			return
		case slug > 1:
			// The path begins right behind the domain: t.co has no port.
			url.End = s.query(domain.End + slug)
		}
	}
	s.found = append(s.found, url)
}

// addBare finds the ASCII domains inside a domain that stands in running text
// without spaces, such as Japanese; a path belongs to the last one.
func (s *urlScanner) addBare(url, domain Span, hasPath bool) {
	const protocol = len("https://")
	if !encodable(s.text[domain.Start:domain.End]) || url.End-url.Start+protocol > maxURL {
		return
	}
	found := asciiDomains(s.text[domain.Start:domain.End])
	for i, d := range found {
		d = Span{domain.Start + d.Start, domain.Start + d.End}
		if i == len(found)-1 && hasPath && d.End == domain.End {
			d.End = url.End
		}
		s.found = append(s.found, d)
	}
}

// asciiDomains finds the domains of domain whose labels before the last are
// ASCII or accented Latin.
func asciiDomains(domain string) []Span {
	var found []Span
	for i := 0; i < len(domain); {
		r, size := utf8.DecodeRuneInString(domain[i:])
		if !isASCIIDomainChar(r) {
			i += size
			continue
		}
		end, next := 0, i // of the longest domain that begins at i; of its labels
		for {
			label := next
			for next < len(domain) {
				r, size = utf8.DecodeRuneInString(domain[next:])
				if !isASCIIDomainChar(r) {
					break
				}
				next += size
			}
			if next == label || next == len(domain) || domain[next] != '.' {
				break
			}
			next++
			if e := tldEnd(domain, next); e > 0 {
				end = e
			}
		}
		if end > 0 {
			found = append(found, Span{i, end})
			next = end
		}
		i = max(next, i+1)
	}
	return found
}

func isASCIIDomainChar(r rune) bool { return isASCIIAlnum(r) || r == '-' || isLatinAccent(r) }

// path reads a port and then a path at i: the longest one that does not end in
// punctuation of the sentence around it.
func (s *urlScanner) path(i int) (start, end int) {
	text := s.text
	if i < len(text) && text[i] == ':' {
		port := i + 1
		for port < len(text) && isASCIIDigit(rune(text[port])) {
			port++
		}
		if port > i+1 {
			i = port
		}
	}
	if i == len(text) || text[i] != '/' {
		return i, i
	}
	start, end = i, i+1
	for i = end; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case s.g.path(r):
			i += size
			if s.g.pathEnd(r) {
				end = i
			}
		case r == '(':
			if i = s.parens(i, 2); i == 0 {
				return start, end
			}
			end = i
		default:
			return start, end
		}
	}
	return start, end
}

// parens gives the end of the balanced, nonempty parentheses that open at i, at
// most depth of them within each other; 0 where there are none.
func (s *urlScanner) parens(i, depth int) int {
	nested := false
	for j := i + 1; j < len(s.text); {
		r, size := utf8.DecodeRuneInString(s.text[j:])
		switch {
		case s.g.path(r):
			j += size
		case r == ')' && j > i+1:
			return j + 1
		case r == '(' && depth > 1 && !nested:
			nested = true
			if j = s.parens(j, depth-1); j == 0 {
				return 0
			}
		default:
			return 0
		}
	}
	return 0
}

// query reads a query at i and gives its end, or i.
func (s *urlScanner) query(i int) int {
	if i == len(s.text) || s.text[i] != '?' {
		return i
	}
	end := i
	for j := i + 1; j < len(s.text); {
		r, size := utf8.DecodeRuneInString(s.text[j:])
		if !s.g.query(r) {
			break
		}
		j += size
		if s.g.queryEnd(r) {
			end = j
		}
	}
	return end
}

func protocolLen(s string) int {
	for _, p := range []string{"http://", "https://"} {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			return len(p)
		}
	}
	return 0
}
