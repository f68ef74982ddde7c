package feed

import (
	"context"
	"html"
	"regexp"
	"slices"
	"time"

	"crieur/publisher"
	"crieur/publisher/source"
)

// future is how far ahead of the clock a date may be.
const future = 10 * time.Minute

// patience is how long after its date an entry without a text waits for a page that
// does not answer.
const patience = 24 * time.Hour

// compose makes the article of an entry. Where its page was wanted and could not be
// read, why says so, and the article is the excerpt.
func compose(ctx context.Context, e entry, doc *document, c Config) (a publisher.Article, why string, err error) {
	p := source.Piece{Source: "feed:" + c.Name, Where: source.Redact(first(e.link, c.URL)), URL: e.link, Title: e.title, Author: e.author,
		Lead: leadOf(e.summary), HTML: withoutPlug(e.body), Language: first(c.Language, e.language),
		Published: e.stated, Image: e.image}
	p.Tags = append(slices.Clone(e.tags), c.Tags...)
	switch {
	case e.hops: // the page is not this entry's alone
		p.ID = p.Source + " " + identity(e)
	case e.link == "" && e.guid != "" && !e.recycled:
		p.ID = p.Source + " " + e.guid
	}
	now := c.Source.Now()
	if p.Published.After(now.Add(future)) {
		p.Published, why = now.UTC().Truncate(time.Second), "its date is in the future: "+e.statedAs
	}
	var blocks []publisher.Block
	if e.wantsPage(c) {
		page, err := source.Read(ctx, e.link, nil, c.Source)
		switch {
		case err == nil && (c.FullText == FullTextAlways || len(source.PlainText(page.Body)) > len(source.PlainText(p.HTML))):
			p.HTML, p.Lead, blocks = page.Body, first(page.Lead, p.Lead, leadOf(p.HTML)), page.Blocks
			p.Author = first(p.Author, page.Author)
			if p.Image == nil {
				p.Image = page.Image
			}
			if len(e.tags) == 0 {
				p.Tags = append(slices.Clone(page.Tags), c.Tags...)
			}
		case err != nil && ctx.Err() != nil:
			return a, "", err
		case err != nil && publisher.KindOf(err) == publisher.Busy && source.PlainText(p.HTML) == "" && now.Sub(e.stated) < patience:
			return a, "", err
		case err != nil:
			why = "only its excerpt: " + err.Error()
		}
	}
	if a, err = source.Compose(ctx, p, c.Source); err != nil && e.link != "" && ctx.Err() == nil {
		// A title and a link are all that there is.
		why = first(why, "it has no text")
		p.HTML = `<p><a href="` + html.EscapeString(e.link) + `">` + html.EscapeString(source.Redact(e.link)) + `</a></p>`
		a, err = source.Compose(ctx, p, c.Source)
	}
	if err != nil {
		return a, why, err
	}
	for _, b := range blocks {
		if !slices.Contains(a.Blocks, b) {
			a.Blocks = append(a.Blocks, b)
		}
	}
	return a, why, nil
}

// leadOf gives an excerpt as the lead above a text; "" for one that breaks off,
// which is the text's beginning.
func leadOf(excerpt string) string {
	text := source.PlainText(withoutPlug(excerpt))
	if more.MatchString(text) {
		return ""
	}
	return text
}

// excerpt is how long a text is, in characters, that may be the beginning of one.
const excerpt = 800

// more is how an excerpt ends.
var more = regexp.MustCompile(`(?i)(\[?(…|\.\.\.|&hellip;)\]?|(lire|voir) (la suite|plus)|read (more|on)|continue reading|en savoir plus)[\s»>→.]*$`)

// wantsPage decides whether an entry's page is read.
func (e entry) wantsPage(c Config) bool {
	switch {
	case e.link == "" || c.FullText == FullTextNever:
		return false
	case c.FullText == FullTextAlways:
		return true
	case e.film || !e.named: // a note of a microblog is whole
		return false
	}
	return len([]rune(e.words)) < excerpt && e.summary == "" || more.MatchString(e.words)
}

// plug is the line by which WordPress, or Medium, advertises the site at a text's
// end.
var plug = regexp.MustCompile(`(?is)<p>\s*(?:(?:The post|L[’']article|L[’']entrée|L&#8217;article|L&#8217;entrée|Cet article)\s*)?<a [^>]*>.{0,400}?</a>\s*` +
	`(?:appeared first on|first appeared on|was originally published in|est apparu en premier sur|a été publié en premier sur)\s*<a [^>]*>.{0,200}?</a>[^<]{0,120}</p>\s*$`)

func withoutPlug(body string) string { return plug.ReplaceAllString(body, "") }
