package source

import (
	"net/url"
	"slices"
	"strings"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// content finds the article in a page. A file that is only an article is taken as
// it is. A page with a site's furniture around the text goes through readability,
// which knows text from furniture; where the page marks one element as its
// article, that element gives the order, and back what readability loses.
func (d *draft) content(doc *html.Node, at *url.URL) []*block {
	body := find(doc, isElement(atom.Body))
	if body == nil {
		return nil // a frameset
	}
	main := mainElement(body)
	whole := body
	if main != nil {
		whole = main
	}
	if d.in.url == "" && !hasFurniture(body) {
		return flatten(whole)
	}
	parser := readability.NewParser()
	parser.KeepClasses = true // a standfirst is known by its class
	parser.MaxElemsToParse = 200_000
	article, err := parser.ParseDocument(doc, at)
	if err != nil || article.Node == nil || isBlank(textOf(article.Node)) {
		return flatten(whole)
	}
	text := flatten(article.Node)
	if main == nil {
		return text
	}
	return d.among(flatten(main), text)
}

// among gives the blocks of the article's element that readability took for text,
// with what belongs to them: pictures, a standfirst above, asks below. Where hardly
// anything would be left, readability was wrong and the element is right.
func (d *draft) among(blocks, text []*block) []*block {
	const sure = 40 // characters that do not stand in a text by chance
	known := make(map[string]bool)
	var all strings.Builder
	for _, b := range text {
		t := fold(b.text)
		known[t] = true
		all.WriteString(t)
		all.WriteByte(' ')
	}
	words := all.String()
	isText := func(b *block) bool {
		t := fold(b.text)
		return t != "" && (known[t] || len(t) >= sure && strings.Contains(words, t))
	}
	from, to := slices.IndexFunc(blocks, isText), -1
	kept, whole := 0, 0
	for i, b := range blocks {
		whole += len(b.text)
		if isText(b) {
			kept, to = kept+len(b.text), i
		}
	}
	if from < 0 || 4*kept < whole {
		return blocks
	}
	var out []*block
	for i, b := range blocks {
		picture := b.node.DataAtom == atom.Figure || b.text == "" && find(b.node, isElement(atom.Img)) != nil
		switch {
		case isText(b), i < to && picture, i > from && i < to && b.isRule():
		case i < from && leadClass.MatchString(attr(b.node, "class")):
		case i > to && (b.isRule() || len(d.hear(b).sure) > 0):
		default:
			continue
		}
		out = append(out, b)
	}
	return out
}

// mainElement gives the one element that the page says is its article.
func mainElement(body *html.Node) *html.Node {
	for _, is := range []func(*html.Node) bool{
		isElement(atom.Article),
		func(n *html.Node) bool { return strings.Contains(attr(n, "itemprop"), "articleBody") },
		isElement(atom.Main),
	} {
		if all := findAll(body, is); len(all) == 1 {
			return all[0]
		}
	}
	return nil
}

// hasFurniture reports parts of a site around an article.
func hasFurniture(body *html.Node) bool {
	return find(body, func(n *html.Node) bool {
		return isElement(atom.Nav, atom.Aside)(n) || slices.Contains([]string{"navigation", "banner", "complementary"}, attr(n, "role"))
	}) != nil
}
