package source

import (
	"context"
	"strings"
	"time"

	"golang.org/x/net/html"

	"crieur/publisher"
)

// A Piece is an article whose parts came apart: a feed's entry, or what a content
// system hands in.
type Piece struct {
	Source    string // as in publisher.Article
	Where     string // for errors
	URL       string // the article's own page: its canonical address, and the base of relative links
	ID        string // what the author names it by; "": its address
	Title     string // plain text
	Lead      string // plain text; it goes where the body repeats it
	HTML      string // the body
	Markdown  string // the body, where HTML is ""
	Text      string // the body, where both are ""
	Authored  bool   // its author wrote Lead; it is no excerpt of the body
	Author    string
	Language  string
	Published time.Time
	Tags      []string
	Image     *publisher.Image // by its address
}

// Compose makes the article of a piece, by the same rules as Read: cleaned,
// sanitised, with a language and a hash. A piece without text is an Invalid error.
func Compose(ctx context.Context, p Piece, c Config) (publisher.Article, error) {
	c = c.withDefaults()
	if err := checkConfig(c); err != nil {
		return publisher.Article{}, err
	}
	d := &draft{
		in:     input{src: p.Source, where: p.Where, url: p.URL, format: formatHTML},
		format: formatHTML, text: p.HTML,
		meta: meta{firmLead: p.Authored && p.Lead != "", id: p.ID, title: p.Title, lead: p.Lead, language: p.Language, canonical: p.URL, author: p.Author, published: p.Published, tags: p.Tags},
	}
	if p.Image != nil {
		d.meta.image = &picture{src: p.Image.URL, alt: p.Image.Alt, caption: p.Image.Caption, credit: p.Image.Credit}
	}
	if err := d.compose(p, c); err != nil {
		return publisher.Article{}, err
	}
	return d.article(ctx, c)
}

// compose makes blocks of the body.
func (d *draft) compose(p Piece, c Config) error {
	switch {
	case p.HTML == "" && p.Markdown != "":
		d.format, d.text = formatMarkdown, p.Markdown
		return d.readMarkdown(c)
	case p.HTML == "" && p.Text != "":
		d.format, d.text = formatText, p.Text
		d.readText()
		return nil
	}
	doc, err := html.Parse(strings.NewReader(withoutControls(p.HTML)))
	if err != nil {
		return invalid(p.Where, "", "the HTML cannot be read: %w", err)
	}
	if body := find(doc, func(n *html.Node) bool { return n.Data == "body" }); body != nil {
		d.blocks = flatten(body)
	}
	return nil
}

// PlainText gives the words of HTML, on one line.
func PlainText(fragment string) string {
	body, err := parseFragment(withoutControls(fragment))
	if err != nil {
		return ""
	}
	prune(body)
	return oneLine(textOf(body))
}

// Redact gives an address as errors and logs may show it: without login, query and
// fragment, which may be secrets.
func Redact(address string) string { return redact(address) }

// WithoutTracking gives an http(s) address without a fragment and the parameters
// that only count where readers come from; "" for what is none.
func WithoutTracking(address string) string {
	u := webURL(address)
	if u == nil {
		return ""
	}
	return withoutTracking(u)
}
