package feed

import (
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	ext "github.com/mmcdole/gofeed/extensions"
	jsonfeed "github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"

	"crieur/publisher"
)

// entryOf gathers what the i-th item of f says. Its title is left to the caller.
func entryOf(f *gofeed.Feed, i int, item *gofeed.Item, doc *document, base *url.URL) entry {
	e := entry{guid: strings.TrimSpace(item.GUID), tags: item.Categories, language: doc.language}
	e.statedAs = first(item.Published, item.Updated)
	e.stated = date(e.statedAs, item.PublishedParsed, item.UpdatedParsed)
	e.author = people(item.Authors)
	if e.author == "" {
		e.author = people(f.Authors)
	}
	link, content, summary := item.Link, item.Content, item.Description
	switch original := f.OriginalFeed().(type) {
	case *rss.Feed:
		link = rssLink(original.Items[i], link)
		base = siteOf(original.Link, base)
		if len(item.Authors) == 0 {
			e.author = "" // a channel's webmaster wrote none of it
		}
		e.body, e.summary = markupOf(content), markupOf(summary)
	case *atom.Feed:
		one := original.Entries[i]
		link = atomLink(one.Links, link)
		e.body, e.summary = atomContent(one.Content, content), markupOf(summary)
	case *jsonfeed.Feed:
		one := original.Items[i]
		e.language = first(one.Language, e.language)
		link = first(one.URL, one.ExternalURL)
		if e.body = one.ContentHTML; e.body == "" {
			e.body = paragraphs(one.ContentText)
		}
		e.summary = paragraphs(one.Summary)
	}
	e.link = resolve(base, link)
	if origin := extension(item.Extensions, "feedburner", "origLink"); origin != nil {
		e.link = first(resolve(base, origin.Value), e.link)
	}
	e.media(item, base)
	if e.body == "" {
		// An excerpt is all there is, or the whole article stands in its place.
		e.body, e.summary = e.summary, ""
	}
	return e
}

// rssLink gives an item's page: its link, an Atom link in it, or its guid, which is
// one unless it says that it is not.
func rssLink(item *rss.Item, link string) string {
	if link = strings.TrimSpace(link); link != "" {
		return link
	}
	for _, l := range item.Extensions["atom"]["link"] {
		if rel := l.Attrs["rel"]; rel == "" || rel == "alternate" {
			return l.Attrs["href"]
		}
	}
	if g := item.GUID; g != nil && !strings.EqualFold(strings.TrimSpace(g.IsPermalink), "false") && isAddress(g.Value) {
		return g.Value
	}
	return ""
}

func isAddress(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// atomLink prefers the page among an entry's alternates.
func atomLink(links []*atom.Link, link string) string {
	for _, l := range links {
		if l.Rel == "alternate" && (l.Type == "" || strings.Contains(l.Type, "html")) {
			return l.Href
		}
	}
	return link
}

func atomContent(c *atom.Content, content string) string {
	if c == nil {
		return ""
	}
	switch kind := strings.ToLower(c.Type); {
	case kind == "" && markup.MatchString(content), strings.Contains(kind, "html"):
		return content
	case kind == "", strings.HasPrefix(kind, "text"):
		return paragraphs(content)
	}
	return "" // a picture, or XML of some other kind
}

// siteOf gives the address that an item's relative links are meant from: the feed's
// own, or the site's where the feed is served from elsewhere.
func siteOf(site string, base *url.URL) *url.URL {
	u, err := url.Parse(strings.TrimSpace(site))
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.Host == base.Host {
		return base
	}
	return u
}

// markupOf gives a text of RSS, which does not say what it is, as HTML.
func markupOf(s string) string {
	if s = strings.TrimSpace(s); s == "" || markup.MatchString(s) {
		return s
	}
	return paragraphs(s)
}

var emptyLines = regexp.MustCompile(`\n[ \t]*\n\s*`)

// paragraphs gives a plain text as HTML.
func paragraphs(text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" {
		return ""
	}
	var b strings.Builder
	for _, p := range emptyLines.Split(text, -1) {
		b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(p), "\n", "<br>") + "</p>")
	}
	return b.String()
}

func people(all []*gofeed.Person) string {
	var names []string
	for _, p := range all {
		if p == nil {
			continue
		}
		if name := oneLine(p.Name); name != "" && !strings.Contains(name, "@") {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func extension(x ext.Extensions, prefix, name string) *ext.Extension {
	if all := x[prefix][name]; len(all) > 0 {
		return &all[0]
	}
	return nil
}

// media takes an entry's picture, and the text of a film, from Media RSS, enclosures
// and iTunes' tags.
func (e *entry) media(item *gofeed.Item, base *url.URL) {
	m := map[string][]ext.Extension{}
	gather := func(more map[string][]ext.Extension) {
		for k, v := range more {
			m[k] = append(m[k], v...)
		}
	}
	gather(item.Extensions["media"])
	for _, g := range item.Extensions["media"]["group"] {
		gather(g.Children)
	}
	for _, c := range m["content"] {
		for k, v := range c.Children {
			if k == "thumbnail" {
				m[k] = append(m[k], v...)
			}
		}
	}
	set := func(ref, alt, credit string) {
		if at := resolve(base, ref); at != "" && e.image == nil {
			e.image = &publisher.Image{URL: at, Alt: oneLine(alt), Credit: oneLine(credit)}
		}
	}
	if c := widest(m["content"]); c != nil {
		set(c.Attrs["url"], first(child(c, "description"), child(c, "title")), child(c, "credit"))
	}
	for _, x := range item.Enclosures {
		if strings.HasPrefix(x.Type, "image/") {
			set(x.URL, "", "")
		}
		if strings.HasPrefix(x.Type, "audio/") || strings.HasPrefix(x.Type, "video/") {
			e.film = true
		}
	}
	if item.Image != nil {
		set(item.Image.URL, item.Image.Title, "")
	}
	if item.ITunesExt != nil {
		set(item.ITunesExt.Image, "", "")
	}
	if t := widest(m["thumbnail"]); t != nil {
		set(t.Attrs["url"], "", "")
	}
	if extension(item.Extensions, "yt", "videoId") != nil {
		e.film = true
	}
	if d := m["description"]; len(d) > 0 && e.body == "" && e.summary == "" {
		e.body = markupOf(d[0].Value)
	}
}

func child(x *ext.Extension, name string) string {
	if all := x.Children[name]; len(all) > 0 {
		return all[0].Value
	}
	return ""
}

// widest gives the largest picture among media:content or media:thumbnail, the
// first where sizes are not given.
func widest(all []ext.Extension) *ext.Extension {
	var best *ext.Extension
	width := -1
	for i := range all {
		x := &all[i]
		kind := x.Attrs["type"]
		if x.Name == "content" && !strings.HasPrefix(kind, "image/") && x.Attrs["medium"] != "image" || x.Attrs["url"] == "" {
			continue
		}
		w, _ := strconv.Atoi(x.Attrs["width"])
		if w > width {
			best, width = x, w
		}
	}
	return best
}

// date gives the moment that an entry states: as gofeed read it, or read by hand
// where it is written as no standard has it. What lies before the Web is a mistake
// of some program, and no date.
func date(text string, parsed ...*time.Time) time.Time {
	for _, p := range parsed {
		if p != nil && p.Year() >= 1990 && p.Year() < 2200 {
			return p.UTC()
		}
	}
	if t := oddDate(text); t.Year() >= 1990 && t.Year() < 2200 {
		return t.UTC()
	}
	return time.Time{}
}

// months are French names, and the beginnings of others that are told apart by them.
var months = strings.NewReplacer("janvier", "Jan", "février", "Feb", "fevrier", "Feb", "mars", "Mar", "avril", "Apr", "mai", "May", "juin", "Jun",
	"juillet", "Jul", "août", "Aug", "aout", "Aug", "septembre", "Sep", "octobre", "Oct", "novembre", "Nov", "décembre", "Dec", "decembre", "Dec",
	"janv.", "Jan", "févr.", "Feb", "avr.", "Apr", "juil.", "Jul", "sept.", "Sep", "oct.", "Oct", "nov.", "Nov", "déc.", "Dec", " à ", " ", "1er", "1")

var weekday = regexp.MustCompile(`^(?i:lun|mar|mer|jeu|ven|sam|dim|mon|tue|wed|thu|fri|sat|sun)[a-zé]*[.,]*\s+`)

var hour = regexp.MustCompile(`\b(\d{1,2})\s?h\s?(\d{2})\b`)

func oddDate(text string) time.Time {
	text = weekday.ReplaceAllString(months.Replace(strings.ToLower(oneLine(text))), "")
	text = hour.ReplaceAllString(strings.NewReplacer("gmt", "GMT", "utc", "UTC").Replace(text), "$1:$2")
	for _, layout := range []string{"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 2006",
		"02/01/2006 15:04:05", "02/01/2006 15:04", "02/01/2006", "2.1.2006 15:04", "2.1.2006", "2006/01/02 15:04:05", "2006/01/02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
