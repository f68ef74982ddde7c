package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/render"
)

// A Digest is one letter of a newsletter that carries several articles.
type Digest struct {
	Newsletter string
	Articles   []publisher.Article // in the order in which they stand, but for what Group gathers
	Group      string              // "tag": under the first tag of each; "source": under where they come from; "": no sections
	// At is the moment of its schedule: the digest of a moment goes out once. Where it is
	// zero, the digest is known by its articles and their order.
	At time.Time
	// Pooled says that the articles are of the newsletter's pool. They are taken from it
	// together with the freezing of the digest, and its mark comes up to At.
	Pooled bool
}

// DigestSources names the articles of a digest where they are to be read.
type DigestSources struct {
	Newsletter string
	Sources    []string
	Options    ArticleOptions
	Group      string
}

// ReadDigest reads the articles of a digest.
func (a *App) ReadDigest(ctx context.Context, s DigestSources) (Digest, error) {
	d := Digest{Newsletter: s.Newsletter, Group: s.Group}
	if _, err := a.newsletter(s.Newsletter); err != nil {
		return d, a.noNewsletter(s.Newsletter)
	}
	for _, src := range s.Sources {
		article, err := a.Read(ctx, src, s.Options)
		if err != nil {
			return d, err
		}
		d.Articles = append(d.Articles, article)
	}
	return d, nil
}

func (a *App) noNewsletter(name string) error {
	var known []string
	for _, n := range a.conf.Newsletters {
		known = append(known, n.Name)
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: "choose newsletter", Err: fmt.Errorf("no newsletter %q in the configuration", name),
		Hint: "there are: " + strings.Join(known, ", ")}
}

// PublishDigest takes a digest the whole way, as Publish takes an article. Busy, of a
// pooled one: another digest took one of its articles meanwhile.
func (a *App) PublishDigest(ctx context.Context, d Digest, o PublishOptions) (*Result, error) {
	e, err := a.digest(ctx, d)
	if err != nil {
		return nil, err
	}
	return a.publish(ctx, e, o)
}

// PlanDigest says what publishing a digest would do, as Plan does of an article.
func (a *App) PlanDigest(ctx context.Context, d Digest) (*Plan, error) {
	e, err := a.digest(ctx, d)
	if err != nil {
		return nil, err
	}
	return a.planOf(ctx, e)
}

// TrialDigest sends a digest to one address, as Trial does the mails of an article.
func (a *App) TrialDigest(ctx context.Context, d Digest, address string) ([]Trial, string, error) {
	e, err := a.digest(ctx, d)
	if err != nil {
		return nil, "", err
	}
	return a.trial(ctx, e, address)
}

// RenderDigest renders a digest with a made-up reader's values. It stores nothing.
func (a *App) RenderDigest(ctx context.Context, d Digest) (*RenderingView, error) {
	e, err := a.digest(ctx, d)
	if err != nil {
		return nil, err
	}
	return &a.viewAll(e)[0], nil
}

// PreviewDigest shows a digest, as Preview shows an article's renderings.
func (a *App) PreviewDigest(ctx context.Context, s DigestSources, o PreviewOptions) error {
	return a.preview(ctx, s.Sources, func() (*edition, error) {
		d, err := a.ReadDigest(ctx, s)
		if err != nil {
			return nil, err
		}
		return a.digest(ctx, d)
	}, o)
}

// digest renders a digest: the letter, its neutral copy, and a copy of each article
// that has no page of its own to be read on.
func (a *App) digest(ctx context.Context, d Digest) (*edition, error) {
	n, err := a.newsletter(d.Newsletter)
	if err != nil {
		return nil, a.noNewsletter(d.Newsletter)
	}
	if err := a.invent(ctx); err != nil {
		return nil, err
	}
	e := &edition{articles: d.Articles, targets: targets{newsletters: []config.Newsletter{n}}, networks: map[string]publisher.Network{}}
	issue, err := a.digestIssue(ctx, d)
	if err != nil {
		return nil, err
	}
	hosted, err := a.host(ctx, e)
	if err != nil {
		return nil, err
	}
	in := a.digestInput(d, n, issue, hosted)
	if in.Errata, err = a.errata(ctx, e, issue); err != nil {
		return nil, err
	}
	if issue.Title, err = a.set.DigestTitle(in); err != nil {
		return nil, at(err, n.Name)
	}
	e.article = publisher.Article{ID: issue.ArticleID, Title: issue.Title, Language: in.Language, Hash: issue.Hash}
	r, warnings, err := a.set.Digest(in)
	if err != nil {
		return nil, at(err, n.Name)
	}
	e.pooled, e.upTo = d.Pooled, d.At
	for _, w := range warnings {
		e.warn("newsletter " + n.Name + ": " + w)
	}
	e.mails = []rendered{{issue, stamp(r, issue, n.Name, issue.Created), "smtp", n.List, domainOf(n.From)}}
	page, err := a.set.DigestPage(in)
	if err != nil {
		return nil, at(err, n.Name)
	}
	e.pages = []publisher.Rendering{{IssueID: issue.ID, Channel: pageChannel, Language: in.Language, Subject: issue.Title, HTML: string(page), Created: issue.Created}}
	for _, article := range d.Articles {
		if article.CanonicalURL != "" {
			continue
		}
		own := a.mailInput(article, n, issue, hosted)
		own.ViewURL = a.copyURL(issue, article)
		if err := a.page(e, own, issue, pageOf(article.ID)); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// copyURL is where crieur's own copy of one article of a digest stands.
func (a *App) copyURL(issue publisher.Issue, article publisher.Article) string {
	return a.publicURL("i", issue.ID, article.ID)
}

// digestIssue gives a digest's issue, without its title.
func (a *App) digestIssue(ctx context.Context, d Digest) (publisher.Issue, error) {
	var ids []string
	hash := "digest"
	seen := map[string]string{}
	for _, article := range d.Articles {
		if before, ok := seen[article.ID]; ok {
			return publisher.Issue{}, &publisher.Error{Kind: publisher.Invalid, Op: "make digest", Where: article.Source,
				Err: fmt.Errorf("it is the same article as %s", before), Hint: "leave one of them out, or give them an id each"}
		}
		seen[article.ID] = article.Source
		ids = append(ids, article.ID)
		hash = publisher.DigestID(time.Time{}, []string{hash, article.Hash})
	}
	if len(ids) == 0 {
		return publisher.Issue{}, &publisher.Error{Kind: publisher.Invalid, Op: "make digest", Where: "newsletter " + d.Newsletter, Err: errors.New("it has no articles")}
	}
	id := publisher.DigestID(d.At, ids)
	return a.dated(ctx, publisher.Issue{ID: publisher.IssueID(d.Newsletter, id), Newsletter: d.Newsletter, ArticleID: id, Articles: ids, Hash: hash})
}

func (a *App) digestInput(d Digest, n config.Newsletter, issue publisher.Issue, hosted map[string]string) render.DigestInput {
	// The frame is that of a letter with the first article, which says the language.
	in := render.DigestInput{MailInput: a.mailInput(d.Articles[0], n, issue, hosted), Limit: a.conf.Preflight.SizeFail}
	in.Article = publisher.Article{}
	in.Date = issue.Created.In(a.location)
	if !d.At.IsZero() {
		in.Date = d.At.In(a.location)
	}
	for _, g := range a.gather(d, in.Language) {
		for _, article := range g.articles {
			item := render.DigestArticle{Article: article, Group: g.title}
			if article.CanonicalURL == "" {
				item.URL = a.copyURL(issue, article)
			}
			in.Articles = append(in.Articles, item)
		}
	}
	return in
}

// A gathering is what stands under one title in a digest.
type gathering struct {
	title    string
	articles []publisher.Article
}

// gather sorts a digest's articles into sections, each where its first article
// stands. Those that belong to none come last.
func (a *App) gather(d Digest, language string) []gathering {
	var all []gathering
	var rest gathering
	places := map[string]int{}
	for _, article := range d.Articles {
		title := ""
		switch d.Group {
		case "tag":
			if len(article.Tags) > 0 {
				title = capitalised(article.Tags[0])
			}
		case "source":
			title = originOf(article)
		}
		if title == "" {
			rest.articles = append(rest.articles, article)
			continue
		}
		i, ok := places[strings.ToLower(title)]
		if !ok {
			i = len(all)
			places[strings.ToLower(title)] = i
			all = append(all, gathering{title: title})
		}
		all[i].articles = append(all[i].articles, article)
	}
	if rest.articles != nil {
		if all != nil {
			rest.title = a.catalogue.For(language).T("digest.rest")
		}
		all = append(all, rest)
	}
	return all
}

// originOf gives what readers know a source by: a feed's name, or a site's host.
func originOf(article publisher.Article) string {
	if name, ok := strings.CutPrefix(article.Source, "feed:"); ok {
		return capitalised(name)
	}
	for _, s := range []string{article.CanonicalURL, article.Source} {
		if u, err := url.Parse(s); err == nil && u.Host != "" {
			return strings.TrimPrefix(u.Hostname(), "www.")
		}
	}
	return ""
}

func capitalised(s string) string {
	for i, r := range s {
		if i == 0 {
			return strings.ToUpper(string(r)) + s[len(string(r)):]
		}
	}
	return s
}
