package render

import (
	"regexp"
	"slices"
	"strings"

	"github.com/andybalholm/cascadia"
	"github.com/aymerick/douceur/css"
	"github.com/aymerick/douceur/parser"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// inlineStyles moves a document's styles into its elements, as mail programs want
// it. A <style data-keep> stays as it is; of the others, what cannot be inlined
// (@media, :hover) is kept in one at the head's end. In style attributes
// "!important" decides who wins and is then left out, so that a kept style can still
// overrule it. Classes that no kept style names are dropped, and so is white space
// between elements.
//
// douceur parses; its own inliner would drop [data-ogsc] rules, the ones for
// Outlook's dark scheme, and sort declarations by name, which undoes shorthands.
func inlineStyles(document string) (string, error) {
	doc, err := html.Parse(strings.NewReader(document))
	if err != nil {
		return "", err
	}
	sheet, kept, err := takeStyles(doc)
	if err != nil {
		return "", err
	}
	used := usedClasses(kept)
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if style := sheet.style(n); style != "" {
			removeAttribute(n, "style")
			setAttribute(n, "style", style)
		}
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			keepClasses(n, used)
		}
	}
	dropSpace(doc)
	var b strings.Builder
	if err := html.Render(&b, doc); err != nil {
		return "", err
	}
	return b.String(), nil
}

// A styleRule is one selector with its declarations.
type styleRule struct {
	selector     cascadia.Sel
	declarations []*css.Declaration
	order        int
}

type styleSheet []styleRule

// takeStyles removes the style elements that are to be inlined from doc. It gives
// their rules, and the text of all styles that stay in the document.
func takeStyles(doc *html.Node) (sheet styleSheet, kept string, err error) {
	var styles []*html.Node
	for n := range doc.Descendants() {
		if n.DataAtom == atom.Style && n.FirstChild != nil {
			styles = append(styles, n)
		}
	}
	var rest strings.Builder
	for _, n := range styles {
		text := n.FirstChild.Data
		if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "data-keep" }) {
			removeAttribute(n, "data-keep")
			n.FirstChild.Data = squeeze(text)
			kept += text
			continue
		}
		parsed, err := parser.Parse(text)
		if err != nil {
			return nil, "", err
		}
		n.Parent.RemoveChild(n)
		for _, r := range parsed.Rules {
			if r.Kind == css.AtRule {
				rest.WriteString(r.String())
				continue
			}
			for _, s := range r.Selectors {
				selector, err := cascadia.Parse(s)
				if err != nil || strings.Contains(s, ":hover") {
					rest.WriteString((&css.Rule{Kind: css.QualifiedRule, Selectors: []string{s}, Declarations: r.Declarations}).String())
					continue
				}
				sheet = append(sheet, styleRule{selector, r.Declarations, len(sheet)})
			}
		}
	}
	if head := find(doc, atom.Head); rest.Len() > 0 && head != nil {
		style := &html.Node{Type: html.ElementNode, Data: "style", DataAtom: atom.Style}
		style.AppendChild(&html.Node{Type: html.TextNode, Data: squeeze(rest.String())})
		head.AppendChild(style)
	}
	slices.SortStableFunc(sheet, func(a, b styleRule) int {
		if a.selector.Specificity() != b.selector.Specificity() {
			if a.selector.Specificity().Less(b.selector.Specificity()) {
				return -1
			}
			return 1
		}
		return a.order - b.order
	})
	return sheet, kept + rest.String(), nil
}

// style gives the style attribute for n: what its rules say, then its own, then what
// rules say is important. What is said later stands later.
func (sheet styleSheet) style(n *html.Node) string {
	var won []*css.Declaration
	set := func(d *css.Declaration) {
		won = slices.DeleteFunc(won, func(o *css.Declaration) bool { return o.Property == d.Property })
		won = append(won, d)
	}
	var important []*css.Declaration
	for _, r := range sheet {
		if !r.selector.Match(n) {
			continue
		}
		for _, d := range r.declarations {
			if d.Important {
				important = append(important, d)
			} else {
				set(d)
			}
		}
	}
	if own := attribute(n, "style"); own != "" && (len(won) > 0 || len(important) > 0) {
		// douceur loses the value of a last declaration that no semicolon ends.
		declarations, err := parser.ParseDeclarations(own + ";")
		if err != nil {
			return own
		}
		for _, d := range declarations {
			set(d)
		}
	}
	for _, d := range important {
		set(d)
	}
	var b strings.Builder
	for i, d := range won {
		if i > 0 {
			b.WriteByte(';')
		}
		// A double quote would have to be written as six characters.
		b.WriteString(d.Property + ":" + strings.ReplaceAll(d.Value, `"`, "'"))
	}
	return b.String()
}

var className = regexp.MustCompile(`\.([A-Za-z][\w-]*)`)

func usedClasses(styles string) map[string]bool {
	used := map[string]bool{}
	for _, m := range className.FindAllStringSubmatch(styles, -1) {
		used[m[1]] = true
	}
	return used
}

func keepClasses(n *html.Node, used map[string]bool) {
	names := strings.Fields(attribute(n, "class"))
	if len(names) == 0 {
		return
	}
	names = slices.DeleteFunc(names, func(s string) bool { return !used[s] })
	if len(names) == 0 {
		removeAttribute(n, "class")
		return
	}
	setAttribute(n, "class", strings.Join(names, " "))
}

// dropSpace shortens white space that a template's layout left between elements to
// one line end or space.
func dropSpace(n *html.Node) {
	for c := range n.ChildNodes() {
		switch {
		case c.Type == html.ElementNode && c.DataAtom != atom.Pre && c.DataAtom != atom.Style:
			dropSpace(c)
		case c.Type != html.TextNode || strings.Trim(c.Data, " \t\r\n") != "":
		case strings.Contains(c.Data, "\n"):
			c.Data = "\n"
		case c.Data != "":
			c.Data = " "
		}
	}
}

// squeeze takes indentation and empty lines out of a style sheet.
func squeeze(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	return b.String()
}
