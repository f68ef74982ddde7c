package render

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// wordJoiner is invisible, and no line breaks at it.
const wordJoiner = "\u2060"

// silence makes an article's text tell nobody: who is called "@someone" in it gets no
// notice from us. A word joiner (U+2060) behind the sign keeps networks from taking
// it for a mention; it does not show. Addresses of mail and the insides of URLs, where
// no network looks for mentions, stay as they are.
func silence(s string) string {
	if !strings.ContainsAny(s, "@＠") {
		return s
	}
	var b strings.Builder
	word := 0 // where the word began that i is in
	for i, r := range s {
		b.WriteRune(r)
		switch {
		case unicode.IsSpace(r):
			word = i
		case r == '@' || r == '＠':
			next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
			if isNameChar(next) && !strings.Contains(s[word:i], "://") && mayMention(s[word:i]) {
				b.WriteString(wordJoiner)
			}
		}
	}
	return b.String()
}

// mayMention reports whether an at sign behind before could begin a mention on any
// network. X takes one behind "RT", too.
func mayMention(before string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	if before == "" || !isNameChar(r) {
		return true
	}
	return len(before) >= 2 && strings.EqualFold(before[len(before)-2:], "rt")
}

func isNameChar(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// markHashtags makes hashtags of the first n tags that can be one, each marked, a
// space between them.
func markHashtags(tags []string, n int) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, t := range tags {
		h := hashtag(t)
		if len(seen) == n {
			break
		}
		if h == "" || seen[strings.ToLower(h)] {
			continue
		}
		if len(seen) > 0 {
			h = " " + h
		}
		seen[strings.ToLower(strings.TrimSpace(h))] = true
		b.WriteString(mark(markHashtag, h))
	}
	return b.String()
}

// hashtag makes of a tag one that every network links whole: letters with their
// accents, figures and underscores. Words are told apart by capitals, which screen
// readers follow, or in scripts without them by underscores. "" where the tag has no
// letter, is too long for Bluesky, or next to nothing is left of it.
func hashtag(tag string) string {
	const shortest, longest = 2, 64 // "C++" would become a tag about something else
	words := strings.FieldsFunc(tag, func(r rune) bool { return !isHashtagChar(r) })
	var b strings.Builder
	letter := false
	for i, w := range words {
		first, size := utf8.DecodeRuneInString(w)
		cased := unicode.ToUpper(first) != unicode.ToLower(first)
		switch {
		case len(words) > 1 && cased && w == strings.ToLower(w):
			w = string(unicode.ToTitle(first)) + w[size:]
		case i > 0 && !cased && !unicode.IsDigit(first):
			w = "_" + w
		}
		letter = letter || strings.ContainsFunc(w, unicode.IsLetter)
		b.WriteString(w)
	}
	if n := utf8.RuneCountInString(b.String()); !letter || n < shortest || n > longest {
		return ""
	}
	return "#" + b.String()
}

func isHashtagChar(r rune) bool {
	isVariation := r >= 0xfe00 && r <= 0xfe0f
	return r == '_' || !isVariation && unicode.In(r, unicode.L, unicode.Mn, unicode.Mc, unicode.Nd)
}

// paragraphs gives the text of a body block by block: paragraphs, headings, items of
// lists, quotations. Pictures and tables are left out.
func paragraphs(body string) []string {
	root := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(body), root)
	if err != nil {
		// The parser accepts anything; only its reader could fail, and a string does not.
		return nil
	}
	var w blockWriter
	for _, n := range nodes {
		w.walk(n)
	}
	w.end()
	return w.blocks
}

type blockWriter struct {
	blocks []string
	b      strings.Builder
}

func (w *blockWriter) end() {
	if text := strings.Join(strings.FieldsFunc(w.b.String(), isBreakingSpace), " "); text != "" {
		w.blocks = append(w.blocks, text)
	}
	w.b.Reset()
}

func (w *blockWriter) walk(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		w.b.WriteString(n.Data)
		return
	case html.ElementNode:
	default:
		return
	}
	block := false
	switch n.DataAtom {
	case atom.Figure, atom.Table, atom.Script, atom.Style, atom.Template, atom.Iframe, atom.Svg, atom.Math:
		return
	case atom.Br:
		w.b.WriteByte(' ')
	case atom.P, atom.Div, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Li, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd,
		atom.Blockquote, atom.Pre, atom.Hr, atom.Section, atom.Article, atom.Aside, atom.Header, atom.Footer, atom.Main, atom.Details, atom.Summary:
		block = true
		w.end()
	}
	for c := range n.ChildNodes() {
		w.walk(c)
	}
	if block {
		w.end()
	}
}
