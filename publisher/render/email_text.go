package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"crieur/publisher/locale"
)

// bodyText gives an article's elements as plain text: paragraphs of 72 columns,
// headings underlined, quotes after "> ", lists with their signs, pictures as
// "[Image: …]", and links as numbered notes that stand together at the end.
func bodyText(nodes []*html.Node, words *locale.Localizer) string {
	t := texter{words: words}
	for _, n := range nodes {
		t.node(n)
	}
	t.flush()
	if len(t.notes) == 0 {
		return strings.Join(t.blocks, "\n\n")
	}
	notes := words.T("mail.links") + "\n"
	for i, n := range t.notes {
		notes += fmt.Sprintf("\n[%d] %s", i+1, n)
	}
	return strings.Join(append(t.blocks, notes), "\n\n")
}

// A texter writes the blocks of one text one after the other.
type texter struct {
	words  *locale.Localizer
	blocks []string
	notes  []string // URLs; the first is note 1
	line   strings.Builder
	first  string // before the next block's first line, once
	indent string // before all lines
	tight  bool   // the next block follows without an empty line
	quoted string // indent of the quote that the last block stands in
	verses bool   // keep line ends: preformatted text
}

func (t *texter) node(n *html.Node) {
	switch {
	case n.Type == html.TextNode && t.verses:
		t.line.WriteString(n.Data)
	case n.Type == html.TextNode:
		// Outside of preformatted text a line end is a space; a real one is <br>.
		t.line.WriteString(foldSpace(n.Data))
	case n.Type == html.ElementNode:
		t.element(n)
	}
}

func (t *texter) children(n *html.Node) {
	for c := range n.ChildNodes() {
		t.node(c)
	}
}

func (t *texter) element(n *html.Node) {
	switch n.DataAtom {
	case atom.Br:
		t.line.WriteByte('\n')
	case atom.Hr:
		t.flush()
		t.write("* * *")
	case atom.Img:
		if alt := attribute(n, "alt"); alt != "" {
			t.line.WriteString(t.words.T("mail.image", "Alt", alt))
		}
	case atom.A:
		t.children(n)
		t.note(n)
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		t.heading(n)
	case atom.Ul, atom.Ol:
		t.list(n)
	case atom.Blockquote:
		t.within("> ", func() { t.children(n) })
	case atom.Pre:
		t.pre(n)
	case atom.Tr:
		t.row(n)
	case atom.Sup:
		t.children(n)
	case atom.Script, atom.Style:
	default:
		if !isBlock(n.DataAtom) {
			t.children(n)
			return
		}
		t.flush()
		t.tight = t.tight || attribute(n, "class") == "caption"
		t.children(n)
		t.flush()
	}
}

// note puts the number of a link behind it. A link whose text is its address needs
// none.
func (t *texter) note(n *html.Node) {
	href := attribute(n, "href")
	text := strings.TrimSpace(plain(n))
	if href == "" || strings.HasPrefix(href, "#") || strings.TrimPrefix(href, "mailto:") == text || href == text {
		return
	}
	i := slices.Index(t.notes, href)
	if i < 0 {
		i = len(t.notes)
		t.notes = append(t.notes, href)
	}
	// No line ends between a word and its note.
	t.line.WriteString("\u00a0[" + strconv.Itoa(i+1) + "]")
}

func (t *texter) heading(n *html.Node) {
	t.flush()
	t.children(n)
	text := wrapText(strings.TrimSpace(t.line.String()), textColumns-textWidth(t.indent), "", "")
	t.line.Reset()
	if text == "" {
		return
	}
	t.write(underline(text, "-"))
}

func (t *texter) list(n *html.Node) {
	t.flush()
	number, err := strconv.Atoi(attribute(n, "start"))
	if err != nil {
		number = 1
	}
	nested := n.Parent != nil && n.Parent.DataAtom == atom.Li
	begun := nested
	for c := range n.ChildNodes() {
		if c.DataAtom != atom.Li {
			continue
		}
		sign := "- "
		if n.DataAtom == atom.Ol {
			sign = strconv.Itoa(number) + ". "
			number++
		}
		t.tight = begun
		begun = true
		t.first = t.indent + sign
		t.within(strings.Repeat(" ", len(sign)), func() { t.children(c) })
		t.first = ""
	}
	t.tight = false
}

// within writes blocks with more before each line.
func (t *texter) within(prefix string, write func()) {
	t.flush()
	before := t.indent
	t.indent += prefix
	write()
	t.flush()
	t.indent, t.quoted = before, ""
}

func (t *texter) pre(n *html.Node) {
	t.flush()
	t.verses = true
	t.children(n)
	t.verses = false
	text := strings.Trim(strings.ReplaceAll(t.line.String(), "\r", ""), "\n")
	t.line.Reset()
	t.write("    " + strings.ReplaceAll(text, "\n", "\n    "))
}

// row writes a table's row on a line.
func (t *texter) row(n *html.Node) {
	t.flush()
	cells := 0
	for c := range n.ChildNodes() {
		if c.DataAtom != atom.Td && c.DataAtom != atom.Th {
			continue
		}
		if cells++; cells > 1 {
			t.line.WriteString(" | ")
		}
		t.children(c)
	}
	t.tight = previousRow(n)
	t.flush()
}

func previousRow(n *html.Node) bool {
	for p := n.PrevSibling; p != nil; p = p.PrevSibling {
		if p.DataAtom == atom.Tr {
			return true
		}
	}
	return n.Parent != nil && n.Parent.PrevSibling != nil && n.Parent.PrevSibling.DataAtom == atom.Thead
}

// flush ends the paragraph that is being written.
func (t *texter) flush() {
	text := strings.Trim(t.line.String(), " \t\n")
	t.line.Reset()
	if text == "" {
		return
	}
	first := t.indent
	if t.first != "" {
		first, t.first = t.first, ""
	}
	t.add(wrapText(text, textColumns, first, t.indent))
}

// write adds a block whose lines are final.
func (t *texter) write(text string) {
	first := t.indent
	if t.first != "" {
		first, t.first = t.first, ""
	}
	t.add(first + strings.ReplaceAll(text, "\n", "\n"+t.indent))
}

func (t *texter) add(text string) {
	last := len(t.blocks) - 1
	switch {
	case t.tight && last >= 0:
		t.blocks[last] += "\n" + text
	case t.quoted != "" && t.quoted == t.indent:
		t.blocks[last] += "\n" + strings.TrimRight(t.indent, " ") + "\n" + text
	default:
		t.blocks = append(t.blocks, text)
	}
	t.tight, t.quoted = false, ""
	if strings.Contains(t.indent, ">") {
		t.quoted = t.indent
	}
}

// plain gives the text in n without its elements.
func plain(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(foldSpace(d.Data))
		}
	}
	return b.String()
}

// preheaderLength is how much of a letter inboxes show after its subject.
const preheaderLength = 140

// beginning gives the lead, else the text's first paragraph, cut at a word where it
// is longer than most columns.
func beginning(lead string, nodes []*html.Node, most int) string {
	text := lead
	for _, n := range nodes {
		if text != "" {
			break
		}
		if n.DataAtom == atom.P {
			text = oneLine(plain(n))
		}
	}
	if textWidth(text) <= most {
		return text
	}
	line, _, _ := strings.Cut(wrapText(text, most-1, "", ""), "\n")
	return strings.TrimRight(line, " ,;:.–—-\u00a0\u202f«") + "…"
}
