package source

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// readHTML takes a page, from a site or a file, or a fragment of one. What the
// file's front matter declares comes before what the page says about itself.
func (d *draft) readHTML() error {
	doc, err := html.Parse(strings.NewReader(withoutControls(d.text)))
	if err != nil {
		return invalid(d.in.where, "save the article as a file of its own, as plain HTML or text", "the HTML cannot be read: %w", err)
	}
	at := d.pageURL(doc)
	d.adopt(describe(doc, at))
	d.blocks = d.content(doc, at)
	return nil
}

// pageURL gives the address that a page's references are relative to; nil where
// it is not known.
func (d *draft) pageURL(doc *html.Node) *url.URL {
	at := webURL(d.in.url)
	if b := find(doc, isElement(atom.Base)); b != nil {
		if u := webURL(absolute(at, attr(b, "href"))); u != nil {
			return u
		}
	}
	return at
}

// adopt fills with m what is not declared.
func (d *draft) adopt(m meta) {
	have := &d.meta
	have.title = first(have.title, m.title)
	have.lead = first(have.lead, m.lead)
	have.language = first(have.language, m.language)
	have.canonical = first(have.canonical, m.canonical)
	have.author = first(have.author, m.author)
	if have.published.IsZero() {
		have.published = m.published
	}
	if len(have.tags) == 0 {
		have.tags = m.tags
	}
	if have.image == nil {
		have.image = m.image
	}
}

// describe gathers what a page says about itself: JSON-LD first, since it is
// written for machines alone, then OpenGraph, then HTML's own elements.
func describe(doc *html.Node, at *url.URL) meta {
	ld := linkedData(doc)
	tags := metaTags(doc)
	m := meta{
		title:  first(ld.title, tags.one("og:title", "twitter:title"), heading(doc)),
		lead:   first(ld.lead, tags.one("og:description", "description", "twitter:description")),
		author: first(ld.author, tags.one("author", "dc.creator", "parsely-author", "article:author", "twitter:creator")),
		tags:   firstList(tags.all("article:tag"), ld.tags, splitList(tags.one("news_keywords", "keywords"))),
	}
	if isWebAddress(m.author) {
		m.author = "" // article:author is a profile's address on many sites
	}
	m.title = withoutSite(m.title, tags.one("og:site_name", "application-name"), heading(doc))
	if src := first(tags.one("og:image:secure_url", "og:image:url", "og:image"), ld.image, tags.one("twitter:image", "twitter:image:src")); src != "" {
		m.image = &picture{src: absoluteOr(at, src), alt: tags.one("og:image:alt", "twitter:image:alt")}
	}
	m.canonical = firstAbsolute(at, linkRel(doc, "canonical"), tags.one("og:url"), ld.url)
	m.language = pageLanguage(doc, tags, ld, m.canonical)
	if t := find(doc, isElement(atom.Time)); t != nil {
		m.published = firstDate(ld.published, tags.one("article:published_time", "og:published_time", "date", "dc.date", "dcterms.created", "parsely-pub-date"), attr(t, "datetime"))
	} else {
		m.published = firstDate(ld.published, tags.one("article:published_time", "og:published_time", "date", "dc.date", "dcterms.created", "parsely-pub-date"))
	}
	return m
}

// heading gives the page's only h1, else its title element.
func heading(doc *html.Node) string {
	if all := findAll(doc, isElement(atom.H1)); len(all) == 1 {
		if s := oneLine(textOf(all[0])); s != "" {
			return s
		}
	}
	head := find(doc, isElement(atom.Head))
	if head == nil {
		return ""
	}
	if t := find(head, isElement(atom.Title)); t != nil {
		return oneLine(textOf(t))
	}
	return ""
}

// withoutSite takes the site's name off a title's end or start: the heading of the
// page tells which part is the article's, else og:site_name does.
func withoutSite(title, site, heading string) string {
	title = oneLine(title)
	for _, sep := range []string{" | ", " – ", " — ", " - ", " · ", " • ", " :: ", " » ", " « "} {
		parts := strings.Split(title, sep)
		if len(parts) < 2 {
			continue
		}
		head, tail := strings.Join(parts[:len(parts)-1], sep), parts[len(parts)-1]
		front, rest := parts[0], strings.Join(parts[1:], sep)
		switch {
		case sameTitle(head, heading), site != "" && sameTitle(tail, site):
			return strings.TrimSpace(head)
		case sameTitle(rest, heading), site != "" && sameTitle(front, site):
			return strings.TrimSpace(rest)
		}
	}
	return title
}

func linkRel(doc *html.Node, rel string) string {
	l := find(doc, func(n *html.Node) bool {
		return n.DataAtom == atom.Link && slices.Contains(strings.Fields(strings.ToLower(attr(n, "rel"))), rel) && attr(n, "href") != ""
	})
	if l == nil {
		return ""
	}
	return attr(l, "href")
}

// pageLanguage asks the html element, the alternate link that names the page
// itself, OpenGraph, JSON-LD and the header that servers send as an element.
func pageLanguage(doc *html.Node, tags metaSet, ld linked, canonical string) string {
	root := find(doc, isElement(atom.Html))
	self := find(doc, func(n *html.Node) bool {
		return n.DataAtom == atom.Link && attr(n, "hreflang") != "" && canonical != "" && attr(n, "href") == canonical
	})
	var said []string
	if root != nil {
		said = append(said, attr(root, "lang"), attr(root, "xml:lang"))
	}
	if self != nil {
		said = append(said, attr(self, "hreflang"))
	}
	said = append(said, tags.one("og:locale"), ld.language, tags.one("content-language", "dc.language", "language"))
	for _, s := range said {
		if l := languageTag(s); l != "" {
			return l
		}
	}
	return ""
}

func firstAbsolute(at *url.URL, refs ...string) string {
	for _, r := range refs {
		if abs := absolute(at, r); abs != "" && isWebAddress(abs) {
			return abs
		}
	}
	return ""
}

func absoluteOr(at *url.URL, ref string) string { return first(absolute(at, ref), ref) }

func firstDate(dates ...string) time.Time {
	for _, s := range dates {
		if t, ok := parseDate(s, time.UTC); ok && s != "" {
			return t
		}
	}
	return time.Time{}
}

func firstList(lists ...[]string) []string {
	for _, l := range lists {
		if len(l) > 0 {
			return l
		}
	}
	return nil
}

func splitList(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' })
}
