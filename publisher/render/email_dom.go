package render

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"crieur/publisher/locale"
)

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func setAttribute(n *html.Node, key, value string) {
	for i := range n.Attr {
		if n.Attr[i].Key == key {
			n.Attr[i].Val = value
			return
		}
	}
	n.Attr = append(n.Attr, html.Attribute{Key: key, Val: value})
}

func removeAttribute(n *html.Node, keys ...string) {
	n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return slices.Contains(keys, a.Key) })
}

// find gives the first element of a kind below n.
func find(n *html.Node, a atom.Atom) *html.Node {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.DataAtom == a {
			return d
		}
	}
	return nil
}

// isBlock reports whether a is an element that begins a line of its own.
func isBlock(a atom.Atom) bool {
	switch a {
	case atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Br, atom.Caption, atom.Dd, atom.Details, atom.Div,
		atom.Dl, atom.Dt, atom.Figcaption, atom.Figure, atom.Footer, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Header, atom.Hr, atom.Li, atom.Main, atom.Nav, atom.Ol, atom.P, atom.Pre, atom.Section, atom.Summary, atom.Table,
		atom.Tbody, atom.Td, atom.Tfoot, atom.Th, atom.Thead, atom.Tr, atom.Ul:
		return true
	}
	return false
}

// isLiteral reports whether text in an element a is not prose.
func isLiteral(a atom.Atom) bool {
	return a == atom.Code || a == atom.Pre || a == atom.Kbd || a == atom.Samp || a == atom.Var
}

// setFrench sets all prose below root with French no-break spaces, also where a
// sign and the word before it stand in different elements.
func setFrench(root *html.Node) {
	line := frenchLine{}
	var walk func(n *html.Node, literal bool)
	walk = func(n *html.Node, literal bool) {
		for c := range n.ChildNodes() {
			switch {
			case c.Type == html.TextNode && c.Data != "":
				line = append(line, frenchText{c, literal})
			case c.Type == html.ElementNode && isBlock(c.DataAtom):
				line.set()
				line = line[:0]
				walk(c, literal || isLiteral(c.DataAtom))
				line.set()
				line = line[:0]
			case c.Type == html.ElementNode:
				walk(c, literal || isLiteral(c.DataAtom))
			}
		}
	}
	walk(root, false)
	line.set()
}

type frenchText struct {
	node    *html.Node
	literal bool
}

// A frenchLine is the text of one block, in the pieces that its inline elements
// make of it.
type frenchLine []frenchText

func (line frenchLine) set() {
	for _, t := range line {
		if !t.literal {
			t.node.Data = foldSpace(t.node.Data)
		}
	}
	for i, t := range line {
		if t.literal {
			continue
		}
		var before, after rune
		if i > 0 {
			before, _ = utf8.DecodeLastRuneInString(line[i-1].node.Data)
		}
		if i+1 < len(line) {
			after, _ = utf8.DecodeRuneInString(line[i+1].node.Data)
		}
		t.node.Data = locale.FrenchBetween(before, t.node.Data, after)
	}
}

// foldSpace makes one space of each run of spaces and line ends, as a browser does.
// No-break spaces stay.
func foldSpace(s string) string {
	if !strings.ContainsAny(s, "\t\n\f\r") && !strings.Contains(s, "  ") {
		return s
	}
	var b strings.Builder
	space := false
	for _, r := range s {
		switch r {
		case ' ', '\t', '\n', '\f', '\r':
			if !space {
				b.WriteByte(' ')
			}
			space = true
		default:
			b.WriteRune(r)
			space = false
		}
	}
	return b.String()
}
