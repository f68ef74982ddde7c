package app

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/render"
)

// pageChannel is the name under which an issue's neutral copy is frozen: the web
// page that anyone may read. No configured channel can have it.
const pageChannel = "@page"

// pageOf gives the name under which the copy of one article of a digest is frozen.
func pageOf(articleID string) string {
	if articleID == "" {
		return pageChannel
	}
	return pageChannel + "/" + articleID
}

// An edition is an article rendered for all its targets, or several as a digest,
// with the pictures that the renderings name. Nothing of it has been stored or sent.
type edition struct {
	article  publisher.Article   // of a digest: what stands for all of it, with neither text nor pictures
	articles []publisher.Article // of a digest; nil: it has the one
	targets  targets
	mails    []rendered // one per newsletter
	posts    []rendered // one per channel
	pages    []publisher.Rendering
	pictures []render.Picture
	bytes    map[string][]byte // of the pictures read, by imageKey
	networks map[string]publisher.Network
	pooled   bool                           // a digest of the newsletter's pool
	upTo     time.Time                      // the mark of its pool
	errata   map[string][]publisher.Erratum // by issue: those that wait and stand in its letter
	warnings []string
}

// A rendered target: its rendering, and the issue that it belongs to.
type rendered struct {
	issue     publisher.Issue
	rendering publisher.Rendering
	network   string // "smtp" for mail
	list      string // mail
	domain    string // mail: right-hand side of its Message-IDs
}

// build renders article for every target. All problems of templates and lengths
// show here, before anything is stored or sent.
func (a *App) build(ctx context.Context, article publisher.Article, t targets) (*edition, error) {
	e := &edition{article: article, targets: t, networks: map[string]publisher.Network{}}
	now := a.o.Now()
	for _, note := range article.Notes {
		e.warn(note)
	}
	if missing := asksForOriginal(article); missing {
		e.warn("the article offers its original, but no address of it is known: give original_url, or --original URL")
	}
	hosted, err := a.host(ctx, e)
	if err != nil {
		return nil, err
	}
	for _, n := range t.newsletters {
		issue, err := a.issue(ctx, n.Name, article)
		if err != nil {
			return nil, err
		}
		in := a.mailInput(article, n, issue, hosted)
		if in.Errata, err = a.errata(ctx, e, issue); err != nil {
			return nil, err
		}
		r, err := a.set.Mail(in)
		if err != nil {
			return nil, at(err, n.Name)
		}
		e.mails = append(e.mails, rendered{issue, stamp(r, issue, n.Name, now), "smtp", n.List, domainOf(n.From)})
		if err := a.page(e, in, issue, pageChannel); err != nil {
			return nil, err
		}
	}
	if len(t.channels) == 0 {
		return e, nil
	}
	issue, err := a.issue(ctx, "", article)
	if err != nil {
		return nil, err
	}
	if article.CanonicalURL == "" {
		// The posts' link leads to crieur's own copy of the article.
		if err := a.page(e, a.mailInput(article, config.Newsletter{Title: a.conf.Site.Name}, issue, hosted), issue, pageChannel); err != nil {
			return nil, err
		}
	}
	for _, c := range t.channels {
		network, err := a.network(ctx, c)
		if err != nil {
			return nil, at(err, "channels."+c.Name)
		}
		if p, ok := network.(publisher.Prober); ok {
			if err := p.Probe(ctx); err != nil {
				e.warn(fmt.Sprintf("%s does not say what it takes (%v): its usual limits are used", c.Name, err))
			}
		}
		e.networks[c.Name] = network
		r, err := a.post(e, c, issue, network.Traits())
		if err != nil {
			return nil, at(err, c.Name)
		}
		e.posts = append(e.posts, rendered{issue, stamp(r, issue, c.Name, now), c.Kind, "", ""})
	}
	return e, nil
}

func (e *edition) warn(s string) { e.warnings = append(e.warnings, s) }

// all gives the edition's renderings, mails first.
func (e *edition) all() []rendered { return append(append([]rendered{}, e.mails...), e.posts...) }

func (a *App) issue(ctx context.Context, newsletter string, article publisher.Article) (publisher.Issue, error) {
	return a.dated(ctx, publisher.Issue{ID: publisher.IssueID(newsletter, article.ID), Newsletter: newsletter, ArticleID: article.ID,
		Title: article.Title, Hash: article.Hash})
}

// dated gives an issue its day: that of its making where it is in the ledger, so that
// the same issue comes out the same.
func (a *App) dated(ctx context.Context, issue publisher.Issue) (publisher.Issue, error) {
	store, err := a.open(ctx)
	if err != nil {
		return issue, err
	}
	issue.Created = a.o.Now()
	kept, err := store.Issue(ctx, issue.ID)
	switch {
	case err == nil:
		issue.Created = kept.Created
	case publisher.KindOf(err) != publisher.NotFound:
		return issue, err
	}
	return issue, nil
}

// errata gives what an issue's letter has to correct: what it carries already or,
// where it is new, what waits for the newsletter's next letter.
func (a *App) errata(ctx context.Context, e *edition, issue publisher.Issue) ([]render.Erratum, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	of := issue.ID
	if _, err := store.Issue(ctx, issue.ID); publisher.KindOf(err) == publisher.NotFound && err != nil {
		of = ""
	} else if err != nil {
		return nil, err
	}
	kept, err := store.Errata(ctx, issue.Newsletter, of)
	if err != nil {
		return nil, err
	}
	var all []render.Erratum
	for _, k := range kept {
		all = append(all, render.Erratum{Title: k.Title, URL: k.URL, Sent: k.Sent, Text: k.Text})
	}
	if of == "" && len(kept) > 0 {
		if e.errata == nil {
			e.errata = map[string][]publisher.Erratum{}
		}
		e.errata[issue.ID] = kept
	}
	return all, nil
}

func stamp(r publisher.Rendering, issue publisher.Issue, channel string, now time.Time) publisher.Rendering {
	r.IssueID, r.Channel, r.Created = issue.ID, channel, now
	return r
}

// content gives the articles of an edition.
func (e *edition) content() []publisher.Article {
	if e.articles != nil {
		return e.articles
	}
	return []publisher.Article{e.article}
}

// page renders the neutral copy of an issue or article.
func (a *App) page(e *edition, in render.MailInput, issue publisher.Issue, channel string) error {
	page, err := a.set.Page(in)
	if err != nil {
		return err
	}
	e.pages = append(e.pages, publisher.Rendering{IssueID: issue.ID, Channel: channel, Language: in.Language,
		Subject: in.Article.Title, HTML: string(page), Created: issue.Created})
	return nil
}

// publicURL gives an address below server.public_url.
func (a *App) publicURL(parts ...string) string {
	return strings.TrimSuffix(a.conf.Server.PublicURL, "/") + "/" + strings.Join(parts, "/")
}

func (a *App) viewURL(issue publisher.Issue) string { return a.publicURL("i", issue.ID) }

func (a *App) mailInput(article publisher.Article, n config.Newsletter, issue publisher.Issue, hosted map[string]string) render.MailInput {
	language := firstOf(n.Language, article.Language, a.conf.Site.Language, "en")
	date := article.Published
	if date.IsZero() {
		date = issue.Created
	}
	return render.MailInput{
		Article: article, Site: a.site(language), Language: language, Date: date.In(a.location),
		Newsletter: render.Newsletter{Name: n.Name, Title: firstOf(n.Title, a.conf.Site.Name), Subject: n.Subject, Template: n.Template, From: n.From.Email},
		Blocks:     a.blocks(article, n),
		ViewURL:    a.viewURL(issue),
		MediaURL: func(i publisher.Image) string {
			if u, ok := hosted[imageKey(i)]; ok {
				return u
			}
			return i.URL
		},
		UTM: a.utm("email", firstOf(n.Name, "web")),
	}
}

func (a *App) site(language string) render.Site {
	s, l := a.conf.Site, a.conf.Legal
	return render.Site{Name: s.Name, URL: s.URL, Logo: s.Logo, Accent: s.Accent, Language: language, Location: a.location,
		Sender: l.Sender, PostalAddress: l.Address, PrivacyURL: l.PrivacyURL}
}

// blocks gives what stands around the article: what the newsletter lists or, where
// it lists nothing, everything that the configuration fills.
func (a *App) blocks(article publisher.Article, n config.Newsletter) render.Blocks {
	c := a.conf.Blocks
	b := render.Blocks{Share: c.Share.Networks, Forward: c.Forward.Enabled, SponsorLabel: c.Sponsors.Label,
		Subscribe: render.LinkBlock{URL: c.Subscribe.URL, Text: c.Subscribe.Text}, Donate: render.LinkBlock{URL: c.Donate.URL, Text: c.Donate.Text}}
	for i, s := range c.Sponsors.Items {
		if i == c.Sponsors.PerIssue {
			break
		}
		b.Sponsors = append(b.Sponsors, render.Sponsor{Name: s.Name, Text: s.Text, URL: s.URL, Image: s.Image, Alt: s.Alt})
	}
	if b.Show = n.Blocks; b.Show == nil {
		b.Show = publisher.Blocks()
	}
	return b
}

// utm gives the function that tags a link of the site's own, if the owner wants it.
func (a *App) utm(medium, campaign string) func(string) string {
	c := a.conf.Article.UTM
	if !c.Enabled {
		return func(u string) string { return u }
	}
	site, err := url.Parse(a.conf.Site.URL)
	return func(link string) string {
		u, perr := url.Parse(link)
		if err != nil || perr != nil || site.Host == "" || u.Host != site.Host {
			return link
		}
		q := u.Query()
		for key, value := range map[string]string{"utm_source": firstOf(c.Source, a.conf.Site.Name), "utm_medium": firstOf(c.Medium, medium),
			"utm_campaign": firstOf(c.Campaign, campaign)} {
			if !q.Has(key) {
				q.Set(key, value)
			}
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
}

// post renders an article for one channel.
func (a *App) post(e *edition, c config.Channel, issue publisher.Issue, traits publisher.Traits) (publisher.Rendering, error) {
	link := firstOf(e.article.CanonicalURL, a.viewURL(issue))
	article := e.article
	article.Warning = firstOf(article.Warning, e.targets.warnings[c.Name])
	in := render.PostInput{
		Article: article, Site: a.site(e.article.Language), Language: e.article.Language, Traits: traits,
		Channel: render.Channel{Name: c.Name, Kind: c.Kind, Template: c.Template},
		URL:     a.utm("social", c.Name)(link), SubscribeURL: a.conf.Blocks.Subscribe.URL,
	}
	if c.Images {
		a.attach(e, &in, traits)
	}
	return a.set.Post(in)
}

// attach adds the lead picture in the form that the network takes: as the card's
// thumb, or as an attachment with its alternative text.
func (a *App) attach(e *edition, in *render.PostInput, traits publisher.Traits) {
	lead := e.article.Image
	if lead == nil && len(e.article.Images) > 0 {
		lead = &e.article.Images[0]
	}
	if lead == nil || traits.Media == 0 && !traits.Card {
		return
	}
	data, ok := e.bytes[imageKey(*lead)]
	if !ok {
		return
	}
	limits := render.PictureLimits{Bytes: traits.MediaBytes, Side: 2048}
	if traits.Card {
		limits = render.PictureLimits{Bytes: min(traits.MediaBytes, 950_000), Side: 1200}
	}
	p, err := render.FitPicture(data, lead.Alt, limits)
	if err != nil {
		e.warn(fmt.Sprintf("%s goes without its picture: %v", in.Channel.Name, err))
		return
	}
	e.pictures = append(e.pictures, p)
	if traits.Card {
		in.Thumb = &p.MediaRef
	} else {
		in.Media = []publisher.MediaRef{p.MediaRef}
	}
}

// asksForOriginal reports whether the article's own footer offered a link to its
// original, whose address was lost on the way here.
func asksForOriginal(article publisher.Article) bool {
	if article.OriginalURL != "" {
		return false
	}
	for _, b := range article.Blocks {
		if b == publisher.BlockOriginal {
			return true
		}
	}
	return false
}

// at adds where an error happened, if it does not say so by itself.
func at(err error, where string) error {
	return &publisher.Error{Kind: publisher.KindOf(err), Op: where, Hint: publisher.HintOf(err), Err: err}
}
