package source

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"crieur/publisher"
)

// A shown image is one of the article, with what its hash needs besides.
type shown struct {
	publisher.Image
	src      string // as it stands in Body
	contents string // hash of a local file's bytes
}

// isWebAddress reports an http or https address, which may still be malformed.
func isWebAddress(s string) bool {
	l := strings.ToLower(s[:min(len(s), 8)])
	return strings.HasPrefix(l, "http://") || strings.HasPrefix(l, "https://")
}

// webURL parses an http(s) URL with a host and without a login; nil for all else.
func webURL(s string) *url.URL {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil
	}
	return u
}

// base gives the address that relative references are meant from; nil where it is
// not known.
func (d *draft) base(c Config) *url.URL {
	for _, s := range []string{d.in.url, d.meta.canonical, c.SiteURL} {
		if u := webURL(s); u != nil {
			if s == c.SiteURL && !strings.HasSuffix(u.Path, "/") {
				u.Path += "/"
			}
			return u
		}
	}
	return nil
}

// resolveLinks makes links absolute; what leads nowhere from a mail loses its link
// and keeps its words.
func (d *draft) resolveLinks(base *url.URL) {
	for _, b := range d.blocks {
		for _, a := range findAll(b.node, isElement(atom.A)) {
			href := strings.TrimSpace(attr(a, "href"))
			if strings.HasPrefix(href, "#fn") {
				continue // a footnote
			}
			abs := absolute(base, href)
			if abs == "" || strings.HasPrefix(href, "#") {
				unwrap(a)
				continue
			}
			setAttr(a, "href", abs)
		}
		for _, q := range findAll(b.node, isElement(atom.Q, atom.Blockquote)) {
			if abs := absolute(base, attr(q, "cite")); abs != "" {
				setAttr(q, "cite", abs)
			} else {
				removeAttr(q, "cite")
			}
		}
	}
}

// absolute resolves a reference to something a mail may link to; "" for all else.
func absolute(base *url.URL, ref string) string {
	u, err := url.Parse(strings.TrimSpace(ref))
	if err != nil || ref == "" {
		return ""
	}
	switch u.Scheme {
	case "mailto", "tel":
		return u.String()
	case "":
		if base == nil && u.Host != "" {
			base = &url.URL{Scheme: "https"}
		}
		if base == nil {
			return ""
		}
		u = base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return ""
	}
	u.RawQuery = escapeQuery(u.RawQuery)
	return u.String()
}

// escapeQuery percent-encodes what may not stand in a query as it is (RFC 3986
// §3.4) and leaves the rest alone: url.Parse keeps queries raw.
func escapeQuery(q string) string {
	var b strings.Builder
	for i := 0; i < len(q); i++ {
		if c := q[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// resolvePictures gives the pictures in the order of the text and sets their src.
func (d *draft) resolvePictures(base *url.URL, c Config) ([]shown, error) {
	var out []shown
	for _, b := range d.blocks {
		for _, img := range findAll(b.node, isElement(atom.Img)) {
			if isPixel(img) {
				dropPicture(img)
				continue
			}
			p := picture{src: strings.TrimSpace(attr(img, "src")), alt: attr(img, "alt")}
			p.caption, p.credit = caption(img)
			s, ok, err := d.resolve(p, base, c)
			if err != nil {
				return nil, err
			}
			if !ok {
				dropPicture(img)
				continue
			}
			setAttr(img, "src", s.src)
			setAttr(img, "alt", s.Alt)
			out = append(out, s)
		}
	}
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool {
		return b.node.DataAtom != atom.Hr && b.node.DataAtom != atom.Table && isBlank(textOf(b.node)) && find(b.node, isElement(atom.Img)) == nil
	})
	return out, nil
}

// resolve finds what a picture's reference means: a file beside the article, an
// address, or both. A reference that means neither is an error where the author
// wrote it by hand, and drops the picture where a page came as it was.
func (d *draft) resolve(p picture, base *url.URL, c Config) (s shown, ok bool, err error) {
	s = shown{Image: publisher.Image{Alt: oneLine(p.alt), Caption: oneLine(p.caption), Credit: oneLine(p.credit)}}
	if s.Credit == "" {
		s.Caption, s.Credit = splitCredit(s.Caption)
	}
	u, err := url.Parse(p.src)
	if err != nil || p.src == "" || u.Scheme != "" && webURL(p.src) == nil {
		return s, false, nil // data:, file: and the like
	}
	if u.Host == "" && d.in.dir != "" {
		f, err := findPicture(d.in.dir, p.src, c.MaxBytes)
		if err == nil {
			s.Path, s.contents, s.src = f.path, f.hash, u.EscapedPath()
			s.URL = absolute(base, p.src)
			return s, true, nil
		}
		if base == nil {
			return s, false, d.noPicture(p, err)
		}
	}
	if u.Host == "" && base == nil {
		return s, false, d.noPicture(p, errors.New("a relative path leads nowhere from "+d.in.where))
	}
	s.URL = absolute(base, p.src)
	s.src = s.URL
	return s, s.URL != "", nil
}

func (d *draft) noPicture(p picture, err error) error {
	if d.format == formatHTML && p.line == 0 {
		return nil
	}
	where := d.in.where
	if n := p.line; n > 0 {
		where = line(where, n)
	} else {
		// Markdown escapes what the author wrote plainly.
		plain, _ := url.PathUnescape(p.src)
		for _, s := range []string{p.src, plain} {
			if i := strings.Index(d.text, s); i >= 0 && s != "" {
				where = line(where, 1+strings.Count(d.text[:i], "\n"))
				break
			}
		}
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: "read picture " + strconv.Quote(oneLine(p.src)), Where: where, Err: err,
		Hint: "put a JPEG, PNG, GIF or WebP beside the article, or give the picture's full web address"}
}

// isPixel reports a counting pixel.
func isPixel(img *html.Node) bool {
	for _, key := range []string{"width", "height"} {
		if n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(attr(img, key)), "px")); err == nil && n <= 2 {
			return true
		}
	}
	return false
}

// dropPicture removes a picture with the figure that was made for it.
func dropPicture(img *html.Node) {
	for n := img.Parent; n != nil; n = n.Parent {
		if n.DataAtom == atom.Figure && len(findAll(n, isElement(atom.Img))) == 1 && find(n, isElement(atom.Blockquote, atom.Table, atom.Pre)) == nil {
			for _, c := range children(n) {
				n.RemoveChild(c)
			}
			remove(n)
			return
		}
	}
	remove(img)
}
