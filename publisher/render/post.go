package render

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"crieur/publisher"
	"crieur/publisher/locale"
)

// PostInput is all that a post, or a thread of them, is made of.
type PostInput struct {
	Article      publisher.Article
	Site         Site
	Channel      Channel
	Traits       publisher.Traits
	Language     string               // BCP 47; "" for the article's
	URL          string               // where the post leads, with its campaign parameters; "" for nowhere
	Media        []publisher.MediaRef // frozen pictures, the most important first
	Thumb        *publisher.MediaRef  // the card's picture, for networks whose links are shown by one
	SubscribeURL string               // the sign-up page; "" for none
}

// A Channel is what a post says about the way it goes out.
type Channel struct {
	Name     string // in the configuration
	Kind     string // the network
	Template string // of templates/social; "" for the one called like Kind, or else "default"
}

// Post renders an article for one channel: one part for each post of which its
// template makes a thread, each within the network's limits. A content warning
// takes its length from every part's limit, since some networks count both.
//
// The card and the pictures go with the first part, and where there is a card it
// stands in place of the pictures, as its network shows only one of them. Pictures
// beyond Traits.Media, and of types that the network does not take, are left out;
// alternative texts are shortened to Traits.AltText. What only the caller knows
// stays empty: IssueID, Channel and Created. Errors are of kind Invalid.
func (s *Set) Post(in PostInput) (publisher.Rendering, error) {
	name, err := s.postTemplate(in.Channel)
	if err != nil {
		return publisher.Rendering{}, err
	}
	p := s.newPost(&in)
	var text strings.Builder
	if err := s.posts.ExecuteTemplate(&text, name, p); err != nil {
		return publisher.Rendering{}, s.templateError("render post", name, err)
	}
	r := publisher.Rendering{Language: p.Lang}
	for marked := range strings.SplitSeq(text.String(), partBreak) {
		fitted, err := Fit(marked, p.limits)
		if err != nil {
			return publisher.Rendering{}, &publisher.Error{Kind: publisher.Invalid, Op: fmt.Sprintf("fit post %d", len(r.Parts)+1),
				Where: s.where(name), Hint: publisher.HintOf(err), Err: fmt.Errorf("channel %s: %w", in.Channel.Name, err)}
		}
		if fitted == "" {
			continue
		}
		r.Parts = append(r.Parts, publisher.Part{Text: fitted, Length: p.limits.Len(fitted), Limit: p.limits.Text,
			Language: p.Lang, Warning: p.Article.Warning})
	}
	switch {
	case len(r.Parts) == 0:
		return publisher.Rendering{}, &publisher.Error{Kind: publisher.Invalid, Op: "render post", Where: s.where(name),
			Err: fmt.Errorf("channel %s: it came out empty", in.Channel.Name), Hint: "give the article a title"}
	case len(r.Parts) > 1 && !in.Traits.Thread:
		return publisher.Rendering{}, &publisher.Error{Kind: publisher.Invalid, Op: "render post", Where: "channels." + in.Channel.Name + ".template",
			Err:  fmt.Errorf("the template %s makes %d posts, and %s does not chain posts here", s.where(name), len(r.Parts), in.Traits.Network),
			Hint: "choose a template of one post, or see whether the channel's “threads” can be set"}
	}
	first := &r.Parts[0]
	first.Card = p.card(&in)
	first.Media = p.media(&in, first.Card != nil)
	parts, err := json.Marshal(r.Parts)
	if err != nil {
		return publisher.Rendering{}, &publisher.Error{Op: "render post", Err: err}
	}
	r.Hash = hashOf(r.Language, string(parts))
	return r, nil
}

// openPosts parses the templates of posts and runs each of them once, so that a
// misspelt field is found before there is an article.
func (s *Set) openPosts() error {
	var err error
	s.posts, err = s.parseText("social", template.FuncMap{
		"shrink":     func(text string) string { return mark(markShrink, text) },
		"shrinkLast": func(text string) string { return mark(markLast, text) },
		"optional":   func(text string) string { return mark(markOptional, text) },
		"hashtags":   markHashtags,
		"part":       func() string { return partBreak },
	})
	if err != nil {
		return err
	}
	full := PostInput{Article: fullSpecimen().Article, Site: fullSpecimen().Site, Channel: Channel{Name: "specimen"},
		Traits: publisher.Traits{Text: 500, Thread: true}, URL: "https://example.org/", SubscribeURL: "https://example.org/letter"}
	for _, in := range []PostInput{full, {Article: publisher.Article{Title: "x"}}} {
		for _, name := range s.under("social", ".txt.tmpl") {
			if err := s.posts.ExecuteTemplate(io.Discard, name, s.newPost(&in)); err != nil {
				return s.templateError("run template", name, err)
			}
		}
	}
	return nil
}

func postName(name string) string { return "social/" + name + ".txt.tmpl" }

// PostTemplates lists the names that a channel's template can have, sorted.
func (s *Set) PostTemplates() []string {
	var names []string
	for _, f := range s.under("social", ".txt.tmpl") {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, "social/"), ".txt.tmpl"))
	}
	slices.Sort(names)
	return names
}

func (s *Set) postTemplate(c Channel) (string, error) {
	candidates := []string{c.Kind, "default"}
	if c.Template != "" {
		candidates = []string{c.Template}
	}
	for _, name := range candidates {
		if s.posts.Lookup(postName(name)) != nil {
			return postName(name), nil
		}
	}
	return "", &publisher.Error{Kind: publisher.Invalid, Op: "render post", Where: "channels." + c.Name + ".template",
		Err:  fmt.Errorf("no post template %q", candidates[len(candidates)-1]),
		Hint: "there are: " + strings.Join(s.PostTemplates(), ", ")}
}

// A post is what the templates of posts see. All texts of the article and the site
// are final and harmless: on one line, in their language's typography, without
// control characters, and naming nobody in a way that a network would tell them.
type post struct {
	Article      postArticle
	Site         postSite
	Channel      Channel
	URL          string
	SubscribeURL string
	Card         bool // the network shows the link by a card
	Thread       bool // the network can chain posts
	Lang         string

	words  *locale.Localizer
	limits Limits
}

// T gives one of crieur's own messages: see locale.Localizer.T.
func (p *post) T(id string, args ...any) string { return p.words.T(id, args...) }

type postArticle struct {
	Title, Lead, Author, Warning string
	Language, Dir                string
	URL                          string // the site's own page, without campaign parameters
	OriginalURL                  string
	Tags                         []string
	Published                    string // "1er mars 2027"; "" where it is not known

	body       string
	set        func(string) string
	paragraphs []string
}

// Paragraphs gives the text of the body block by block. Most posts do without.
func (a *postArticle) Paragraphs() []string {
	if a.paragraphs == nil {
		for _, text := range paragraphs(a.body) {
			if text = a.set(text); text != "" {
				a.paragraphs = append(a.paragraphs, text)
			}
		}
	}
	return a.paragraphs
}

type postSite struct{ Name, URL, Host string }

func (s *Set) newPost(in *PostInput) *post {
	lang := in.Language
	if lang == "" {
		lang = in.Article.Language
	}
	set := func(text string) string { return silence(setLine(text, lang)) }
	a := in.Article
	p := &post{
		Site:    postSite{Name: set(in.Site.Name), URL: in.Site.URL, Host: hostOf(in.Site.URL)},
		Channel: in.Channel, URL: oneLine(in.URL), SubscribeURL: oneLine(in.SubscribeURL),
		Card: in.Traits.Card && in.URL != "", Thread: in.Traits.Thread,
		Lang: lang, words: s.words.For(lang),
		limits: Limits{Text: in.Traits.Text, Len: in.Traits.Len, Bytes: in.Traits.Bytes},
	}
	if p.limits.Len == nil {
		p.limits.Len = uniseg.GraphemeClusterCount
	}
	p.Article = postArticle{Title: set(a.Title), Lead: set(a.Lead), Author: set(a.Author), Warning: set(a.Warning),
		Language: a.Language, Dir: a.Dir, URL: a.CanonicalURL, OriginalURL: a.OriginalURL, body: a.Body, set: set}
	for _, t := range a.Tags {
		if t = set(t); t != "" {
			p.Article.Tags = append(p.Article.Tags, t)
		}
	}
	if !a.Published.IsZero() {
		when := a.Published
		if in.Site.Location != nil {
			when = when.In(in.Site.Location)
		}
		p.Article.Published = p.words.ShortDate(when)
	}
	if p.Article.Warning != "" && p.limits.Text > 0 {
		// Never 0, which would allow everything.
		p.limits.Text = max(1, p.limits.Text-p.limits.Len(p.Article.Warning))
	}
	return p
}

// card makes the preview of the link, nil where the network makes it by itself.
func (p *post) card(in *PostInput) *publisher.Card {
	if !p.Card {
		return nil
	}
	const description = 300
	lead := setLine(in.Article.Lead, p.Lang)
	if lead == "" && len(p.Article.Paragraphs()) > 0 {
		lead = p.Article.Paragraphs()[0]
	}
	c := &publisher.Card{URL: p.URL, Title: shortenTo(setLine(in.Article.Title, p.Lang), description), Description: shortenTo(lead, description)}
	if in.Thumb != nil && takes(in.Traits, *in.Thumb) {
		thumb := *in.Thumb
		thumb.Alt = p.alt(in, thumb)
		c.Thumb = &thumb
	}
	return c
}

// media picks the pictures that the network takes. Without a card, the picture that
// was meant for it is one of them.
func (p *post) media(in *PostInput, card bool) []publisher.MediaRef {
	if card {
		return nil
	}
	pictures := in.Media
	if len(pictures) == 0 && in.Thumb != nil {
		pictures = []publisher.MediaRef{*in.Thumb}
	}
	var taken []publisher.MediaRef
	for _, m := range pictures {
		if len(taken) < in.Traits.Media && takes(in.Traits, m) {
			m.Alt = p.alt(in, m)
			taken = append(taken, m)
		}
	}
	return taken
}

func takes(t publisher.Traits, m publisher.MediaRef) bool {
	return len(t.MediaTypes) == 0 || slices.Contains(t.MediaTypes, m.Type)
}

func (p *post) alt(in *PostInput, m publisher.MediaRef) string {
	alt := setLine(m.Alt, p.Lang)
	if in.Traits.AltText > 0 {
		alt = shortenTo(alt, in.Traits.AltText)
	}
	return alt
}

// shortenTo gives s in at most n characters; a single word that is longer is cut as it
// comes.
func shortenTo(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	fits := func(t string) bool { return utf8.RuneCountInString(t) <= n }
	if short := shorten(s, 1, fits); short != "" {
		return short
	}
	return string([]rune(clip(s, n*utf8.UTFMax))[:max(0, n-1)]) + "…"
}
