package source

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// flatten turns a tree of body content into blocks: what carries no text of the
// article is dropped, boxes around blocks are opened, and loose text becomes
// paragraphs.
func flatten(body *html.Node) []*block {
	prune(body)
	var out []*block
	var loose *html.Node
	flush := func() {
		if loose != nil {
			out = appendBlock(out, loose)
			loose = nil
		}
	}
	var walk func(*html.Node)
	walk = func(parent *html.Node) {
		kids := children(parent)
		for i, n := range kids {
			switch {
			case n.Type == html.ElementNode && isBox(n):
				flush()
				walk(n)
				flush()
			case n.Type == html.ElementNode && isBlockElement(n):
				flush()
				parent.RemoveChild(n)
				out = appendBlock(out, n)
			case isElement(atom.Br)(n) && i > 0 && isElement(atom.Br)(previous(kids, i)):
				// Two line breaks are how old pages part paragraphs.
				flush()
			case n.Type == html.TextNode || n.Type == html.ElementNode:
				if loose == nil {
					loose = element(atom.P)
				}
				parent.RemoveChild(n)
				loose.AppendChild(n)
			}
		}
	}
	walk(body)
	flush()
	return out
}

// previous gives the node before kids[i] that is not white space.
func previous(kids []*html.Node, i int) *html.Node {
	for i--; i > 0 && kids[i].Type == html.TextNode && isBlank(kids[i].Data); i-- {
	}
	return kids[i]
}

// appendBlock adds n as a block unless it shows nothing.
func appendBlock(blocks []*block, n *html.Node) []*block {
	b := newBlock(n, len(blocks))
	if isBlank(b.text) && n.DataAtom != atom.Hr && find(n, isElement(atom.Img)) == nil {
		return blocks
	}
	openBoxes(n)
	if n.DataAtom != atom.Pre {
		collapse(n)
	}
	trimEnds(n)
	return append(blocks, b)
}

// collapse makes one space of each run of white space, as browsers do, so that a
// text is the same however its lines were wrapped.
func collapse(n *html.Node) {
	for _, c := range children(n) {
		switch {
		case c.Type == html.TextNode && strings.Trim(c.Data, " \t\n\f") == "" && besideBlock(c):
			n.RemoveChild(c)
		case c.Type == html.TextNode:
			c.Data = whiteSpace.ReplaceAllString(c.Data, " ")
		case !isElement(atom.Pre)(c):
			collapse(c)
		}
	}
}

func besideBlock(n *html.Node) bool {
	return n.PrevSibling != nil && isBlockElement(n.PrevSibling) || n.NextSibling != nil && isBlockElement(n.NextSibling)
}

var whiteSpace = regexp.MustCompile(`[ \t\n\f]+`)

// openBoxes opens the boxes inside a list, quote, table or figure; one that holds
// bare text becomes a paragraph, so that its words keep apart from the next. It
// reports whether n holds blocks.
func openBoxes(n *html.Node) bool {
	blocks := false
	for _, c := range children(n) {
		if c.Type != html.ElementNode {
			continue
		}
		inner := openBoxes(c)
		blocks = blocks || inner || isBlockElement(c)
		switch {
		case !groups(c) && !(inner && wrapsText(c)):
		case inner || isElement(atom.P, atom.Pre)(n) || !isBlockElement(c):
			unwrap(c)
		default:
			rename(c, atom.P)
		}
	}
	return blocks
}

// trimEnds removes line breaks and white space at a block's two ends.
func trimEnds(n *html.Node) {
	if n.DataAtom == atom.Pre {
		return
	}
	empty := func(c *html.Node) bool {
		return c != nil && (isElement(atom.Br)(c) || c.Type == html.CommentNode ||
			c.Type == html.TextNode && strings.Trim(c.Data, " \t\n\f") == "")
	}
	for empty(n.FirstChild) {
		n.RemoveChild(n.FirstChild)
	}
	for empty(n.LastChild) {
		n.RemoveChild(n.LastChild)
	}
	if c := n.FirstChild; c != nil && c.Type == html.TextNode {
		c.Data = strings.TrimLeft(c.Data, " ")
	}
	if c := n.LastChild; c != nil && c.Type == html.TextNode {
		c.Data = strings.TrimRight(c.Data, " ")
	}
}

// isBox reports an element that only holds blocks together: it is opened.
func isBox(n *html.Node) bool { return groups(n) || wrapsText(n) && holdsBlocks(n) }

// groups reports the elements that are made for grouping.
func groups(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Address, atom.Article, atom.Aside, atom.Body, atom.Center, atom.Details, atom.Dialog, atom.Div, atom.Fieldset,
		atom.Footer, atom.Form, atom.Header, atom.Hgroup, atom.Html, atom.Main, atom.Section, atom.Summary:
		return true
	case atom.Dd, atom.Dt, atom.Figcaption, atom.Li:
		return !isElement(atom.Dl, atom.Figure, atom.Ol, atom.Ul)(n.Parent)
	}
	return false
}

// wrapsText reports inline and custom elements, which pages put around blocks all
// the same.
func wrapsText(n *html.Node) bool {
	switch n.DataAtom {
	case atom.A, atom.Font, atom.Span:
		return true
	}
	return strings.Contains(n.Data, "-")
}

func holdsBlocks(n *html.Node) bool {
	return find(n, func(m *html.Node) bool { return m != n && isBlockElement(m) }) != nil
}

var hiddenStyle = regexp.MustCompile(`(?i)display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(px|em|rem|pt|%)?\s*(;|!|$)|mso-hide\s*:\s*all`)

// prune drops what is never an article's text, and mends what HTML of our days
// hides in other places.
func prune(n *html.Node) {
	for _, c := range children(n) {
		if c.Type == html.CommentNode || c.Type == html.DoctypeNode {
			n.RemoveChild(c)
			continue
		}
		if c.Type != html.ElementNode {
			continue
		}
		if dropped(c) {
			n.RemoveChild(c)
			continue
		}
		prune(c)
		switch c.DataAtom {
		case atom.Input:
			// Only a task list's box is left by dropped.
			box := "☐"
			if hasAttr(c, "checked") {
				box = "☑"
			}
			n.InsertBefore(textNode(box), c)
			n.RemoveChild(c)
		case atom.Picture:
			unwrap(c)
		case atom.Img:
			mendLazy(c)
		case atom.P:
			if img := onlyPicture(c); img != nil {
				asFigure(c, img)
			}
		}
	}
}

func dropped(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Iframe, atom.Object, atom.Embed, atom.Applet,
		atom.Button, atom.Select, atom.Textarea, atom.Option, atom.Label, atom.Nav, atom.Menu, atom.Svg, atom.Math, atom.Canvas,
		atom.Audio, atom.Video, atom.Source, atom.Track, atom.Map, atom.Head, atom.Link, atom.Meta, atom.Base, atom.Title,
		atom.Frame, atom.Frameset, atom.Noframes, atom.Param, atom.Progress, atom.Meter, atom.Datalist, atom.Output, atom.Slot:
		return true
	case atom.Input:
		return attr(n, "type") != "checkbox"
	}
	return n.Namespace != "" || hasAttr(n, "hidden") || hiddenStyle.MatchString(attr(n, "style"))
}

func hasAttr(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// mendLazy gives a picture that a script would have loaded its address.
func mendLazy(img *html.Node) {
	src := strings.TrimSpace(attr(img, "src"))
	if src != "" && !strings.HasPrefix(strings.ToLower(src), "data:") {
		return
	}
	for _, key := range []string{"data-src", "data-lazy-src", "data-original", "data-srcset", "srcset"} {
		// The last entry of a srcset is the largest by custom.
		list := strings.Split(attr(img, key), ", ")
		if s := strings.Fields(list[len(list)-1]); len(s) > 0 {
			setAttr(img, "src", s[0])
			return
		}
	}
}

// onlyPicture gives the picture of a paragraph that holds nothing else, bare or in
// a link.
func onlyPicture(p *html.Node) *html.Node {
	imgs := findAll(p, isElement(atom.Img))
	if len(imgs) != 1 || !isBlank(textOf(p)) {
		return nil
	}
	return imgs[0]
}

// asFigure makes a figure of a paragraph that is a picture; the picture's title,
// which is where Markdown has room for it, becomes the caption.
func asFigure(p, img *html.Node) {
	rename(p, atom.Figure)
	if title := oneLine(attr(img, "title")); title != "" {
		p.AppendChild(element(atom.Figcaption, textNode(title)))
		removeAttr(img, "title")
	}
}
