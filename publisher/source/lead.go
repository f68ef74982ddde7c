package source

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var (
	bylineWords = regexp.MustCompile(`^(?i:par|by|von|por|di|de notre correspondante?,?)[ \x{00A0}]+(\p{Lu}[\p{L}'’.-]*(?:[ \x{00A0}](?:\p{Lu}[\p{L}'’.-]*|de|du|von|van|der|da|di|la|le|et|and|&)){1,5})$`)
	leadClass   = regexp.MustCompile(`(?i)(^|[\s_-])(chapo|chapeau|standfirst|dek|lede|article-lead|post-lead|intro|excerpt|subtitle|sous-titre)($|[\s_-])`)
)

// takeByline takes the author's name from a line of its own under the title.
func takeByline(d *draft) {
	const top = 3
	for i := 0; i < min(top, len(d.blocks)); i++ {
		b := d.blocks[i]
		m := bylineWords.FindStringSubmatch(b.text)
		if m == nil || runes(b.text) > 80 || !b.isParagraph() {
			continue
		}
		if d.meta.author == "" {
			d.meta.author = m[1]
		}
		d.cut(i, i+1)
		return
	}
}

// takeLead finds the lead among the first paragraphs. What the author wrote as the
// lead stays the lead; a page's description only where it is a text of its own,
// not the beginning of the article.
func takeLead(d *draft) {
	i := d.firstParagraph()
	lead := oneLine(d.meta.lead)
	if i < 0 {
		return
	}
	b := d.blocks[i]
	if lead != "" && sameTitle(lead, b.text) && d.paragraphsAfter(i) > 0 {
		d.meta.lead = b.text
		d.cut(i, i+1)
		return
	}
	if d.meta.firmLead {
		return
	}
	if isStandfirst(b, d.blocks[i+1:]) && d.paragraphsAfter(i) > 0 {
		d.meta.lead = b.text
		d.cut(i, i+1)
		return
	}
	if d.isExcerpt(lead) {
		d.meta.lead = ""
	}
}

// firstParagraph gives the index of the first paragraph, where only pictures stand
// before it; -1 where there is none.
func (d *draft) firstParagraph() int {
	for i, b := range d.blocks {
		if b.isParagraph() {
			return i
		}
		if b.node.DataAtom != atom.Figure && !b.isRule() {
			return -1
		}
	}
	return -1
}

func (d *draft) paragraphsAfter(i int) int {
	n := 0
	for _, b := range d.blocks[i+1:] {
		if b.isParagraph() {
			n++
		}
	}
	return n
}

// isExcerpt reports that a description repeats the article's words, as search
// engines' and networks' descriptions do.
func (d *draft) isExcerpt(lead string) bool {
	start := strings.TrimRight(fold(lead), " .[]()&>»-")
	if start == "" {
		return true
	}
	var all strings.Builder
	for _, b := range d.blocks {
		all.WriteString(fold(b.text))
		all.WriteByte(' ')
	}
	return strings.Contains(all.String(), start) || sameTitle(lead, d.meta.title)
}

// isStandfirst judges a first paragraph: marked so, in one weight throughout, one
// sentence without a full stop, or one short sentence before longer text.
func isStandfirst(b *block, after []*block) bool {
	const least, most, short = 30, 420, 170
	if leadClass.MatchString(attr(b.node, "class")) {
		return true
	}
	n := columns(b.text)
	if n < least || n > 2*most {
		return false
	}
	if isEmphasised(b.node) {
		return true
	}
	s := strings.TrimRight(b.text, " \u00A0\u202F")
	switch {
	case n > most || sentences(s) > 1 || strings.HasSuffix(s, ":") || len(after) == 0 || !after[0].isParagraph():
		return false
	case endsOpen(s):
		return true
	}
	return n <= short && len(after) > 1 && columns(after[0].text) > n && !strings.ContainsAny(s, "«“\"—")
}

var sentenceEnd = regexp.MustCompile(`[.!?…؟][»”"’)\x{00A0}\x{202F}]*\s+[«“"(\x{00A0}\x{202F}]*[\p{Lu}\p{Lo}]|[。！？]`)

// sentences counts them; an abbreviation may count for an end, which errs to the
// side of leaving the text alone.
func sentences(s string) int {
	n := len(sentenceEnd.FindAllString(s, -1))
	if strings.HasSuffix(s, "。") || strings.HasSuffix(s, "！") || strings.HasSuffix(s, "？") {
		n--
	}
	return n + 1
}

// isEmphasised reports a paragraph that is bold or italic from end to end.
func isEmphasised(p *html.Node) bool {
	var only *html.Node
	for _, c := range children(p) {
		if c.Type == html.TextNode && isBlank(c.Data) {
			continue
		}
		if only != nil {
			return false
		}
		only = c
	}
	return only != nil && isElement(atom.Strong, atom.B, atom.Em, atom.I)(only)
}
