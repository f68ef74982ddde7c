package source

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var (
	creditClass = regexp.MustCompile(`(?i)(^|[\s_-])(credits?|copyright|photographer|attribution|source)($|[\s_-])`)
	// creditWords part a caption's end: "… (photo: Jane Doe)", "… © Jane Doe".
	creditWords = regexp.MustCompile(`(?i)^(.*?)[\s\x{00A0}—–|(-]*(?:©|\(c\)|\b(?:photos?|crédits?(?: photos?)?|credits?(?: photos?)?|photo credit|photo by|image|illustration|dessin)[\s\x{00A0}\x{202F}]*:|\bphoto by\b)[\s\x{00A0}\x{202F}]*([^()]{2,80}?)\)?\.?$`)
)

// caption gives the words under a picture and whose picture it is.
func caption(img *html.Node) (text, credit string) {
	var fig *html.Node
	for n := img.Parent; n != nil; n = n.Parent {
		if n.DataAtom == atom.Figure {
			fig = n
			break
		}
	}
	if fig == nil {
		return oneLine(attr(img, "title")), ""
	}
	fc := find(fig, isElement(atom.Figcaption))
	if fc == nil {
		return "", ""
	}
	text = oneLine(textOf(fc))
	mark := find(fc, func(n *html.Node) bool {
		return n != fc && (isElement(atom.Cite, atom.Small)(n) || creditClass.MatchString(attr(n, "class")))
	})
	if mark != nil {
		credit = oneLine(textOf(mark))
		text = strings.TrimRight(strings.TrimSpace(strings.Replace(text, credit, "", 1)), " ()–—|-")
		if m := creditWords.FindStringSubmatch(credit); m != nil && m[1] == "" {
			credit = m[2]
		}
		return text, credit
	}
	return splitCredit(text)
}

// splitCredit parts a caption and the credit at its end.
func splitCredit(s string) (text, credit string) {
	m := creditWords.FindStringSubmatch(s)
	if m == nil {
		return s, ""
	}
	return strings.TrimSpace(m[1]), strings.TrimSpace(m[2])
}
