package source

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"crieur/publisher"
)

// shortStranger is the most that a paragraph of a footer may have which says
// nothing that footers are known by.
const shortStranger = 220

// cutFooter cuts the asks at the article's end. It goes up from the last paragraph
// for as long as each is a rule, an ask or a plea, and then down again past what
// only may be one: the footer begins with a sure ask, or with a rule. Where no ask
// is sure, nothing is cut.
func cutFooter(d *draft) {
	said := make([]heard, len(d.blocks))
	top := len(d.blocks)
	for i := len(d.blocks) - 1; i >= 0; i-- {
		b := d.blocks[i]
		said[i] = d.hear(b)
		if !b.isRule() && !said[i].any() && !d.isStranger(i, said) {
			break
		}
		top = i
	}
	for top < len(d.blocks) && len(said[top].sure) == 0 && !said[top].opens && !d.setsOff(top, said) {
		top++
	}
	if !d.canCut(top, said) {
		return
	}
	for i := top; i < len(d.blocks); i++ {
		for _, b := range append(said[i].sure, likely(said[i])...) {
			d.note(b, d.blocks[i].at)
			if b == publisher.BlockOriginal && d.meta.original == "" {
				d.meta.original = linkIn(d.blocks[i].node)
			}
		}
	}
	d.cut(top, len(d.blocks))
}

func (h heard) any() bool { return len(h.sure) > 0 || len(h.maybe) > 0 || h.plea }

// hear listens to the blocks that can ask; a table or a picture cannot.
func (d *draft) hear(b *block) heard {
	switch b.node.DataAtom {
	case atom.Figure, atom.Table, atom.Pre, atom.Blockquote:
		return heard{}
	case atom.Ul, atom.Ol:
		var all heard
		for _, li := range findAll(b.node, isElement(atom.Li)) {
			h := listen(oneLine(textOf(li)))
			if !h.any() && !onlyNetworks(textOf(li)+" share") {
				return heard{}
			}
			if !h.any() {
				h.sure = []publisher.Block{publisher.BlockShare}
			}
			all.sure, all.maybe, all.plea = append(all.sure, h.sure...), append(all.maybe, h.maybe...), all.plea || h.plea
		}
		return all
	}
	return listen(b.text)
}

// likely gives the asks that may be meant in a paragraph of the footer: those that
// are no side remark of a sure ask or of a plea.
func likely(h heard) []publisher.Block {
	if len(h.sure) > 0 || h.plea {
		return nil
	}
	return h.maybe
}

// isStranger reports a short paragraph that stands between rules and has a sure
// ask above it as well as below: a footer's line about something else.
func (d *draft) isStranger(i int, said []heard) bool {
	const look = 4
	if !d.blocks[i].isParagraph() || runes(d.blocks[i].text) > shortStranger {
		return false
	}
	below, above, rule := false, false, false
	for j := i + 1; j < len(d.blocks); j++ {
		below = below || len(said[j].sure) > 0
	}
	for j := i - 1; j >= max(0, i-look); j-- {
		if d.blocks[j].isRule() {
			rule = true
			continue
		}
		if rule && len(d.hear(d.blocks[j]).sure) > 0 {
			above = true
		}
		if !rule {
			break
		}
	}
	return below && above && rule
}

// setsOff reports a rule with nothing but the footer below it, of which something
// is sure: what stands under it needs no other mark.
func (d *draft) setsOff(i int, said []heard) bool {
	if !d.blocks[i].isRule() {
		return false
	}
	for j := i + 1; j < len(d.blocks); j++ {
		if len(said[j].sure) > 0 {
			return true
		}
	}
	return false
}

// canCut reports that the footer asks for something and leaves an article.
func (d *draft) canCut(top int, said []heard) bool {
	sure, left := false, false
	for i := top; i < len(d.blocks); i++ {
		sure = sure || len(said[i].sure) > 0
	}
	for _, b := range d.blocks[:top] {
		left = left || b.text != "" && !b.isRule()
	}
	return sure && left
}

// linkIn gives the first web address that a block links to.
func linkIn(n *html.Node) string {
	for _, a := range findAll(n, isElement(atom.A)) {
		if u, err := url.Parse(strings.TrimSpace(attr(a, "href"))); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
			return u.String()
		}
	}
	return ""
}
