package source

import (
	"strings"

	"golang.org/x/net/html/atom"
)

// takeTitle gives the draft a title where none is declared: the first heading or,
// failing that, a first line that can be one. It goes from the text.
func (d *draft) takeTitle() error {
	if d.meta.title = oneLine(d.meta.title); d.meta.title != "" {
		return nil
	}
	for i, b := range d.blocks {
		if b.isRule() || b.text == "" {
			continue // a rule or a picture above the title
		}
		if b.isHeading() || d.canBeTitle(b) {
			d.meta.title = strings.TrimSpace(strings.Trim(b.text, "*#_ "))
			d.cut(i, i+1)
		}
		break
	}
	if d.meta.title == "" {
		for i, b := range d.blocks {
			if b.node.DataAtom == atom.H1 {
				d.meta.title = b.text
				d.cut(i, i+1)
				break
			}
		}
	}
	if d.meta.title == "" {
		return invalid(d.in.where, "put the title on the first line, on its own, or write title: in the front matter", "the article has no title")
	}
	return nil
}

func (d *draft) canBeTitle(b *block) bool {
	longest := 150
	if d.format == formatText {
		longest = 250
	}
	return b.node.DataAtom == atom.P && runes(b.text) <= longest && (d.format == formatText || endsOpen(b.text))
}

func (b *block) isHeading() bool {
	return isElement(atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6)(b.node)
}

func (b *block) isRule() bool { return b.node.DataAtom == atom.Hr || isRule(b.text) }

func (b *block) isParagraph() bool { return b.node.DataAtom == atom.P && !b.isRule() && b.text != "" }

// sameTitle compares as a reader would: without regard to case, accents, kinds of
// apostrophe and space, and closing punctuation.
func sameTitle(a, b string) bool {
	trim := func(s string) string { return strings.Trim(fold(s), ` .!?:"'«»“”*#`) }
	a, b = trim(a), trim(b)
	return a != "" && a == b
}

// cutDuplicateTitle removes the title where the text repeats it at its top, in
// whole or, as a heading, without what the page's title has around it.
func cutDuplicateTitle(d *draft) {
	const top = 4
	title := fold(d.meta.title)
	for i := 0; i < min(top, len(d.blocks)); {
		b := d.blocks[i]
		t := fold(b.text)
		part := b.isHeading() && t != "" && (strings.Contains(title, t) || strings.Contains(t, title)) && 5*min(len(t), len(title)) >= 3*max(len(t), len(title))
		switch {
		case sameTitle(b.text, d.meta.title) || part:
			d.cut(i, i+1)
		case b.isParagraph() && runes(b.text) > 200:
			return
		default:
			i++
		}
	}
}
