package render

import (
	"errors"
	"net/url"
	"path"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"crieur/publisher"
)

// columnWidth is that of a letter's text in pixels; templates/email/style.css says
// the same.
const columnWidth = 584

func (s *setter) image(n *html.Node) error {
	src := attribute(n, "src")
	if lead := s.in.Article.Image; lead != nil && sameImage(*lead, src) {
		s.leadShown = true
	}
	known := s.known(src)
	s.images[n] = known
	address, err := s.in.mediaURL(known)
	if err != nil {
		return err
	}
	setAttribute(n, "src", address)
	if attribute(n, "alt") == "" {
		setAttribute(n, "alt", known.Alt)
	}
	setAttribute(n, "alt", setLine(attribute(n, "alt"), s.lang))
	removeAttribute(n, "srcset", "sizes", "loading", "decoding", "height")
	// Outlook reads no max-width: it wants figures.
	if w, err := strconv.Atoi(attribute(n, "width")); err != nil || w > columnWidth || w < 1 {
		removeAttribute(n, "width")
		if s.mail && n.Parent.DataAtom == atom.Figure {
			setAttribute(n, "width", strconv.Itoa(columnWidth))
		}
	}
	return nil
}

// known finds what the article knows about the picture at src. One that it does not
// know is fetched relative to the article's page.
func (s *setter) known(src string) publisher.Image {
	for _, i := range s.in.Article.Images {
		if sameImage(i, src) {
			return i
		}
	}
	if lead := s.in.Article.Image; lead != nil && sameImage(*lead, src) {
		return *lead
	}
	i := imageAt(src)
	if i.URL == "" && s.base != nil {
		if u, err := s.base.Parse(src); err == nil {
			i.URL = u.String()
		}
	}
	return i
}

// sameImage reports whether src, as it stands in an article's text, names i: by its
// URL, its path, or the end of its path.
func sameImage(i publisher.Image, src string) bool {
	if src == "" {
		return false
	}
	if src == i.URL || src == i.Path {
		return true
	}
	if unescaped, err := url.PathUnescape(src); err == nil {
		src = unescaped
	}
	file := strings.ReplaceAll(i.Path, `\`, "/")
	return file != "" && strings.HasSuffix("/"+file, path.Clean("/"+src))
}

// mediaURL asks the caller where a picture is to be fetched.
func (in *MailInput) mediaURL(i publisher.Image) (string, error) {
	address := i.URL
	if in.MediaURL != nil {
		address = in.MediaURL(i)
	}
	if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return address, nil
	}
	name := i.Path
	if name == "" {
		name = i.URL
	}
	return "", &publisher.Error{Kind: publisher.Invalid, Op: "place picture", Where: name,
		Err:  errors.New("readers cannot fetch it: it has no http(s) address"),
		Hint: "put the picture beside the article, or give its full URL"}
}

// photo gives a picture that stands by itself.
func (in *MailInput) photo(i publisher.Image, lang string) (*photo, error) {
	address, err := in.mediaURL(i)
	if err != nil {
		return nil, err
	}
	return &photo{URL: address, Alt: setLine(i.Alt, lang), Caption: setLine(i.Caption, lang), Credit: setLine(i.Credit, lang)}, nil
}

// figure gives a figure the caption and credit that the article has for its picture,
// if it says nothing itself, and turns it into plain blocks for mail.
func (s *setter) figure(n *html.Node) {
	caption := find(n, atom.Figcaption)
	if img := find(n, atom.Img); img != nil && caption == nil {
		if caption = s.caption(s.images[img]); caption != nil {
			n.AppendChild(caption)
		}
	}
	setAttribute(n, "class", "figure")
	if caption != nil {
		setAttribute(caption, "class", "caption")
	}
	if !s.mail {
		return
	}
	// Outlook and some web mailers drop elements that they do not know.
	n.Data, n.DataAtom = "div", atom.Div
	if caption != nil {
		caption.Data, caption.DataAtom = "div", atom.Div
	}
}

// caption gives nil for a picture without caption and credit.
func (s *setter) caption(i publisher.Image) *html.Node {
	text, credit := setLine(i.Caption, s.lang), setLine(i.Credit, s.lang)
	if text == "" && credit == "" {
		return nil
	}
	c := &html.Node{Type: html.ElementNode, Data: "figcaption", DataAtom: atom.Figcaption}
	if text != "" && credit != "" {
		text += " "
	}
	if text != "" {
		c.AppendChild(&html.Node{Type: html.TextNode, Data: text})
	}
	if credit != "" {
		span := &html.Node{Type: html.ElementNode, Data: "span", DataAtom: atom.Span}
		setAttribute(span, "class", "credit")
		span.AppendChild(&html.Node{Type: html.TextNode, Data: credit})
		c.AppendChild(span)
	}
	return c
}
