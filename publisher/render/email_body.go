package render

import (
	htmltemplate "html/template"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"crieur/publisher"
)

// A body is an article's text, ready to stand in a letter or page.
type body struct {
	lead  *photo // nil: none, or it stands in the text itself
	html  htmltemplate.HTML
	nodes []*html.Node
}

// setBody sets an article's text: pictures at their absolute URLs, with caption and
// credit; links absolute, the site's own tagged; French no-break spaces. In a mail,
// figures become what mail programs know.
func setBody(in *MailInput, lang string, mail bool) (body, error) {
	root, err := parseBody(in.Article)
	if err != nil {
		return body{}, err
	}
	s := setter{in: in, lang: lang, mail: mail, base: baseOf(in),
		images: map[*html.Node]publisher.Image{}, ids: map[string]bool{}}
	for n := range root.Descendants() {
		if id := attribute(n, "id"); id != "" {
			s.ids[id] = true
		}
	}
	if err := s.children(root); err != nil {
		return body{}, err
	}
	if isFrench(lang) {
		setFrench(root)
	}
	var b body
	if lead := in.Article.Image; lead != nil && !s.leadShown {
		if b.lead, err = in.photo(*lead, lang); err != nil {
			return body{}, err
		}
	}
	var out strings.Builder
	for n := range root.ChildNodes() {
		b.nodes = append(b.nodes, n)
		if err := html.Render(&out, n); err != nil {
			return body{}, &publisher.Error{Op: "write article", Where: in.Article.Source, Err: err}
		}
	}
	// The source sanitised it, and what is done here adds no markup of the article's.
	b.html = htmltemplate.HTML(out.String())
	return b, nil
}

// parseBody gives an article's text as one element.
func parseBody(a publisher.Article) (*html.Node, error) {
	root := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(a.Body), root)
	if err != nil {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read article", Where: a.Source, Err: err}
	}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return root, nil
}

// baseOf gives what relative links of the article are relative to, nil if that is
// not known.
func baseOf(in *MailInput) *url.URL {
	for _, s := range []string{in.Article.CanonicalURL, in.Site.URL} {
		if u, err := url.Parse(s); err == nil && u.IsAbs() && u.Host != "" {
			return u
		}
	}
	return nil
}

// A setter walks through one article's elements.
type setter struct {
	in        *MailInput
	lang      string
	mail      bool
	base      *url.URL
	images    map[*html.Node]publisher.Image // what the article knows about each picture
	ids       map[string]bool                // what a link within the text can lead to
	leadShown bool                           // the lead picture stands in the text
}

func (s *setter) children(parent *html.Node) error {
	for n := parent.FirstChild; n != nil; {
		next := n.NextSibling
		if n.Type == html.ElementNode {
			if err := s.element(n); err != nil {
				return err
			}
		}
		n = next
	}
	return nil
}

func (s *setter) element(n *html.Node) error {
	switch n.DataAtom {
	case atom.H1:
		// The letter's own headline is its only one of the first level.
		n.Data, n.DataAtom = "h2", atom.H2
	case atom.A:
		s.link(n)
	case atom.Img:
		return s.image(n)
	case atom.P:
		if img := onlyImage(n); img != nil {
			n.Data, n.DataAtom = "figure", atom.Figure
			for c := n.FirstChild; c != nil; c = n.FirstChild {
				n.RemoveChild(c)
			}
			n.AppendChild(img)
		}
	}
	if n.DataAtom != atom.Figure {
		return s.children(n)
	}
	if err := s.children(n); err != nil {
		return err
	}
	s.figure(n)
	return nil
}

// onlyImage gives the picture that is all of a paragraph, perhaps within a link.
func onlyImage(p *html.Node) *html.Node {
	var found *html.Node
	for c := range p.ChildNodes() {
		switch {
		case c.Type == html.TextNode && strings.TrimSpace(c.Data) == "":
		case found == nil && c.DataAtom == atom.Img:
			found = c
		case found == nil && c.DataAtom == atom.A && c.FirstChild != nil && c.FirstChild == c.LastChild && c.FirstChild.DataAtom == atom.Img:
			found = c
		default:
			return nil
		}
	}
	return found
}

// link makes a link absolute. One that leads nowhere from here loses its address and
// keeps its text.
func (s *setter) link(n *html.Node) {
	href := attribute(n, "href")
	u, err := url.Parse(href)
	switch {
	case href == "":
		return
	case strings.HasPrefix(href, "#") && s.ids[href[1:]]:
		return // a footnote within the letter
	case err != nil || !u.IsAbs() && s.base == nil:
		removeAttribute(n, "href")
		return
	case u.Scheme == "mailto" || u.Scheme == "tel":
		return
	}
	if s.base != nil {
		u = s.base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		removeAttribute(n, "href")
		return
	}
	setAttribute(n, "href", s.in.tagged(u.String()))
	removeAttribute(n, "target")
}
