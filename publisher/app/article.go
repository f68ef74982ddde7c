package app

import (
	"context"
	"strings"

	"golang.org/x/net/html"

	"crieur/publisher"
	"crieur/publisher/source"
)

// ArticleOptions is what the command line says about an article that the article
// itself may lack.
type ArticleOptions struct {
	ID, URL, Original, Language, Format string
}

// Read reads an article from a file, "-", a web address, or under a name that
// Expand gave.
func (a *App) Read(ctx context.Context, src string, o ArticleOptions) (publisher.Article, error) {
	if strings.HasPrefix(src, feedPrefix) {
		return a.entry(ctx, src)
	}
	type outcome struct {
		article publisher.Article
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		article, err := source.Read(ctx, src, a.o.Stdin, a.sourceConfig(o))
		done <- outcome{article, err}
	}()
	select {
	case r := <-done:
		return r.article, r.err
	case <-ctx.Done(): // a pipe that nothing comes out of does not hear of it
		return publisher.Article{}, ctx.Err()
	}
}

func (a *App) sourceConfig(o ArticleOptions) source.Config {
	c := a.conf.Article
	sc := source.Config{
		MaxBytes: c.MaxBytes, Timeout: c.Timeout, AllowPrivate: c.AllowPrivate, Cleaners: c.Cleaners,
		Language: a.conf.Site.Language, SiteURL: a.conf.Site.URL, Now: a.o.Now, Location: a.location,
		ID: o.ID, CanonicalURL: o.URL, OriginalURL: o.Original, DeclaredLanguage: o.Language, Format: o.Format,
	}
	for _, p := range c.Patterns {
		sc.Patterns = append(sc.Patterns, source.Pattern{Name: p.Name, Block: p.PublisherBlock(), Match: p.Regexp()})
	}
	if !a.Live() {
		sc.Dialer = dialLoopback
	}
	return sc
}

// An ArticleView is an article as `-o json` shows it.
type ArticleView struct {
	ID         string            `json:"id"`
	Title      string            `json:"title"`
	Lead       string            `json:"lead"`
	Language   string            `json:"language"`
	Paragraphs []string          `json:"paragraphs"` // the body's text, block by block
	Blocks     []publisher.Block `json:"blocks"`
	URL        string            `json:"url,omitempty"`
	Original   string            `json:"original,omitempty"`
	Hash       string            `json:"hash"`
}

func viewArticle(a publisher.Article) ArticleView {
	v := ArticleView{ID: a.ID, Title: a.Title, Lead: a.Lead, Language: a.Language, Paragraphs: paragraphs(a.Body),
		Blocks: a.Blocks, URL: a.CanonicalURL, Original: a.OriginalURL, Hash: a.Hash}
	if v.Blocks == nil {
		v.Blocks = []publisher.Block{}
	}
	return v
}

// paragraphs gives the text of each block element at the top of body, which is
// sanitised HTML.
func paragraphs(body string) []string {
	out := []string{}
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return out
	}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Type == html.ElementNode && (c.Data == "html" || c.Data == "body") {
				walk(c)
				continue
			}
			if text := strings.TrimSpace(textOf(c)); text != "" {
				out = append(out, text)
			}
		}
	}
	walk(doc)
	return out
}

func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(textOf(c))
	}
	return b.String()
}
