package source

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// readText makes blocks of a plain text as people paste it: paragraphs parted by
// empty lines or, where lines are long, by line ends; rows of asterisks or dashes;
// lists; subheadings that stand alone.
func (d *draft) readText() {
	var nodes []*html.Node
	for i, chunk := range chunks(withoutControls(d.text)) {
		if i == 0 && d.meta.title == "" {
			title, rest := titleLine(chunk)
			nodes = append(nodes, element(atom.P, textNode(title)))
			chunk = rest
		}
		nodes = append(nodes, chunkNodes(chunk)...)
	}
	for _, n := range nodes {
		d.blocks = appendBlock(d.blocks, n)
	}
	subheadings(d.blocks)
}

// chunks parts lines at empty ones and around rules.
func chunks(text string) [][]string {
	var out [][]string
	var chunk []string
	flush := func() {
		if len(chunk) > 0 {
			out = append(out, chunk)
			chunk = nil
		}
	}
	for _, l := range strings.Split(text, "\n") {
		switch {
		case isBlank(l):
			flush()
		case isUnderline(l) && len(chunk) == 1 && !isRule(chunk[0]):
			flush()
		case isRule(l):
			flush()
			out = append(out, []string{l})
		default:
			chunk = append(chunk, strings.Trim(l, " \t"))
		}
	}
	flush()
	return out
}

// isRule reports a line that is nothing but a row of one sign.
func isRule(l string) bool {
	const signs = "*-_=~•·–—─━═#+⁂❦§"
	var sign rune
	n := 0
	for _, r := range l {
		if unicode.IsSpace(r) {
			continue
		}
		if sign == 0 {
			sign = r
		}
		if r != sign || !strings.ContainsRune(signs, r) {
			return false
		}
		n++
	}
	return n >= 3 || sign == '⁂' || sign == '❦'
}

// isUnderline reports the row that stands right under a heading.
func isUnderline(l string) bool {
	l = strings.TrimSpace(l)
	return len(l) >= 3 && (strings.Trim(l, "=") == "" || strings.Trim(l, "-") == "")
}

// titleLine takes the title off the first lines; a title that was wrapped goes on
// in lower case.
func titleLine(chunk []string) (title string, rest []string) {
	const wrapped = 200
	n := 1
	for n < len(chunk) && n < 4 && startsLower(chunk[n]) {
		n++
	}
	if title = strings.Join(chunk[:n], " "); n != len(chunk) || runes(title) > wrapped {
		n, title = 1, chunk[0]
	}
	return title, chunk[n:]
}

func startsLower(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLower(r)
}

var (
	bullet   = regexp.MustCompile(`^([-*•‣▪–—])[ \t\x{00A0}]+(.+)$`)
	numbered = regexp.MustCompile(`^\d{1,3}[.)][ \t\x{00A0}]+(.+)$`)
	hashes   = regexp.MustCompile(`^#{1,6}[ \t]+(.+?)[ \t]*#*$`)
)

func chunkNodes(lines []string) []*html.Node {
	switch {
	case len(lines) == 0:
		return nil
	case len(lines) == 1 && isRule(lines[0]):
		return []*html.Node{element(atom.P, textNode(lines[0]))} // mendRules' business
	case len(lines) == 1 && hashes.MatchString(lines[0]):
		return []*html.Node{element(atom.H2, withLinks(hashes.FindStringSubmatch(lines[0])[1])...)}
	case allMatch(lines, bullet) && (len(lines) > 1 || lines[0][0] == '*'):
		// A single line after a dash is speech in French.
		return []*html.Node{listOf(atom.Ul, lines, bullet, 2)}
	case len(lines) > 1 && allMatch(lines, numbered):
		return []*html.Node{listOf(atom.Ol, lines, numbered, 1)}
	}
	longest := 0
	for _, l := range lines {
		longest = max(longest, columns(l))
	}
	// No one wraps lines so late: here each line is a paragraph. And no one wraps
	// them so early: here the line ends are meant (verse, an address).
	const late, early = 120, 45
	if longest > late {
		var out []*html.Node
		for _, l := range lines {
			out = append(out, element(atom.P, withLinks(l)...))
		}
		return out
	}
	p := element(atom.P)
	for i, l := range lines {
		if i > 0 && longest <= early {
			p.AppendChild(element(atom.Br))
		} else if i > 0 && !eastAsian(lines[i-1], l) {
			p.AppendChild(textNode(" "))
		}
		for _, n := range withLinks(l) {
			p.AppendChild(n)
		}
	}
	return []*html.Node{p}
}

func allMatch(lines []string, re *regexp.Regexp) bool {
	for _, l := range lines {
		if !re.MatchString(l) {
			return false
		}
	}
	return true
}

func listOf(kind atom.Atom, lines []string, item *regexp.Regexp, group int) *html.Node {
	list := element(kind)
	for _, l := range lines {
		list.AppendChild(element(atom.Li, withLinks(item.FindStringSubmatch(l)[group])...))
	}
	return list
}

// eastAsian reports that two lines join without a space.
func eastAsian(a, b string) bool {
	last, _ := utf8.DecodeLastRuneInString(a)
	next, _ := utf8.DecodeRuneInString(b)
	return isWide(last) && isWide(next)
}

// columns gives a line's width where East Asian characters take two.
func columns(l string) int {
	n := 0
	for _, r := range l {
		n++
		if isWide(r) {
			n++
		}
	}
	return n
}

func isWide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= '\u3000' && r <= '\u303F' || r >= '\uFF01' && r <= '\uFF60'
}

var webAddress = regexp.MustCompile(`https?://[^\s<>"«»“”\x{00A0}\x{202F}]+`)

// withLinks gives a line's nodes, with its web addresses as links.
func withLinks(l string) []*html.Node {
	var out []*html.Node
	at := 0
	for _, m := range webAddress.FindAllStringIndex(l, -1) {
		u := strings.TrimRight(l[m[0]:m[1]], ".,;:!?'’…]}")
		if strings.Count(u, ")") > strings.Count(u, "(") {
			u = strings.TrimRight(u, ").,;:!?")
		}
		if m[0] > at {
			out = append(out, textNode(l[at:m[0]]))
		}
		a := element(atom.A, textNode(u))
		setAttr(a, "href", u)
		out = append(out, a)
		at = m[0] + len(u)
	}
	return append(out, textNode(l[at:]))
}

// subheadings makes headings of the short lines that stand between paragraphs and
// end like none.
func subheadings(blocks []*block) {
	const short, long = 60, 120
	paragraph := func(i int) bool {
		return i < len(blocks) && blocks[i].node.DataAtom == atom.P && runes(blocks[i].text) >= long
	}
	for i := 1; i < len(blocks); i++ {
		b := blocks[i]
		if b.node.DataAtom == atom.P && runes(b.text) <= short && paragraph(i-1) && paragraph(i+1) && endsOpen(b.text) &&
			!startsLower(b.text) && !isRule(b.text) && find(b.node, isElement(atom.Br, atom.A)) == nil && startsWithLetter(b.text) {
			b.node.DataAtom, b.node.Data = atom.H2, "h2"
		}
	}
}

func startsWithLetter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// endsOpen reports that s does not end as a sentence does.
func endsOpen(s string) bool {
	s = strings.TrimRight(s, " \u00A0\u202F\"”»’')")
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && !strings.ContainsRune(".!?…:;,。！？؟؛،।", r)
}
