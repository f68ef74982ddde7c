package sandbox

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// publication is what went out together, as far as mails and posts tell: they share
// a title or a link, or answer one another. Nothing that arrives names its issue.
type publication struct {
	title string
	at    time.Time // of its latest arrival
	mails []*Mail
	posts []*Post
	key   string // the title, made comparable
	links map[string]bool
}

// group sorts all arrivals into publications, the latest first. links gives the links
// of a mail.
func group(mails []*Mail, posts []*Post, links func(*Mail) []string) []*publication {
	var all []*publication
	bySubject := map[string]*publication{}
	for _, m := range mails {
		key := fold(m.Subject)
		g := bySubject[key]
		if g == nil {
			g = &publication{title: m.Subject, key: key, links: map[string]bool{}}
			bySubject[key] = g
			all = append(all, g)
		}
		g.mails = append(g.mails, m)
		g.at = later(g.at, m.At)
	}
	// A link that several publications share is a letter's furniture: it tells nothing.
	shared := map[string]int{}
	for _, g := range all {
		for _, l := range links(g.mails[0]) {
			if l = target(l); l != "" && !g.links[l] {
				g.links[l] = true
				shared[l]++
			}
		}
	}
	for _, g := range all {
		for l := range g.links {
			if shared[l] > 1 {
				delete(g.links, l)
			}
		}
	}
	home := map[string]*publication{}
	for _, p := range posts {
		leads := slices.DeleteFunc(postLinks(p), func(l string) bool { return shared[l] > 1 })
		g := home[p.Network+" "+p.ReplyTo]
		if g == nil {
			g = first(all, func(g *publication) bool { return g.titles(p) })
		}
		if g == nil {
			g = first(all, func(g *publication) bool {
				return slices.ContainsFunc(leads, func(l string) bool { return g.links[l] })
			})
		}
		if g == nil {
			g = &publication{title: headline(p), key: fold(headline(p)), links: map[string]bool{}}
			all = append(all, g)
		}
		for _, l := range leads {
			g.links[l] = true
		}
		g.posts = append(g.posts, p)
		g.at = later(g.at, p.At)
		home[p.Network+" "+p.ID] = g
	}
	slices.SortStableFunc(all, func(a, b *publication) int { return b.at.Compare(a.at) })
	for _, g := range all {
		// Networks in one order, threads in theirs.
		slices.SortStableFunc(g.posts, func(a, b *Post) int { return strings.Compare(order(a), order(b)) })
	}
	return all
}

func order(p *Post) string {
	return map[string]string{Mastodon: "1", Bluesky: "2", X: "3"}[p.Network]
}

func first(all []*publication, is func(*publication) bool) *publication {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i]
	}
	return nil
}

// titles reports whether a post's text or card has the publication's title, or the
// beginning of a long one.
func (g *publication) titles(p *Post) bool {
	text := fold(p.Text)
	if p.Card != nil {
		text += " " + fold(p.Card.Title)
	}
	key := []rune(g.key)
	if len(key) > 32 {
		key = key[:32]
	}
	return len(key) > 3 && strings.Contains(text, string(key))
}

func postLinks(p *Post) []string {
	var out []string
	for _, l := range p.Links {
		if t := target(l.URL); t != "" {
			out = append(out, t)
		}
	}
	if p.Card != nil {
		if t := target(p.Card.URL); t != "" {
			out = append(out, t)
		}
	}
	return out
}

// target is a link without what campaigns hang on it; "" for a site's front page,
// which every letter links to.
func target(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return ""
	}
	return strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/")
}

// headline is what a post is about: its card's title, or its first line.
func headline(p *Post) string {
	if p.Card != nil && p.Card.Title != "" {
		return p.Card.Title
	}
	line, _, _ := strings.Cut(strings.TrimSpace(p.Text), "\n")
	if runes := []rune(line); len(runes) > 120 {
		line = string(runes[:119]) + "…"
	}
	return line
}

// fold gives a text without what typography and shortening do to it.
func fold(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(s)), " "))
	return strings.TrimRight(s, "…. ")
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
