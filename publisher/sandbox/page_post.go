package sandbox

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"crieur/publisher/social/measure"
)

// postView is a post as its network would show it.
type postView struct {
	words
	Network string
	Name    string // of the network
	Anchor  string
	Account string
	Initial string
	ID      string
	URL     string
	At      time.Time
	Spans   []spanView
	Length  int
	Limit   int
	Used    int // percent, at most 100
	Media   []mediaView
	Card    *cardView
	Warning string
	Facts   []headerView
	Edited  time.Time
	Gone    time.Time
	Source  string
}

type spanView struct {
	Text string
	URL  template.URL // "": plain text
	Tag  bool         // a hashtag, which leads nowhere here
}

type mediaView struct {
	Src           template.URL
	Alt           string
	Width, Height int
}

type cardView struct {
	URL                      template.URL
	Host, Title, Description string
	Thumb                    *mediaView
}

func (p *page) postView(w words, post *Post) postView {
	v := postView{words: w, Network: post.Network, Anchor: post.Network + "-" + post.ID, ID: post.ID, URL: post.URL, At: post.At,
		Length: post.Length, Limit: post.Limit, Used: min(100, 100*post.Length/max(1, post.Limit)), Warning: post.Warning, Edited: post.Edited, Gone: post.Gone}
	switch post.Network {
	case Mastodon:
		v.Name, v.Account = "Mastodon", "@crieur@sandbox.crieur.test"
	case Bluesky:
		v.Name, v.Account = "Bluesky", "@"+p.s.info.Credentials.BlueskyHandle
	case X:
		v.Name, v.Account = "X", "@"+xScreenName
	}
	v.Initial = "C"
	v.Spans = spans(post)
	for i := range post.Media {
		v.Media = append(v.Media, p.mediaView(w, &post.Media[i]))
	}
	if c := post.Card; c != nil {
		v.Card = &cardView{URL: webLink(c.URL), Title: c.Title, Description: c.Description}
		if u, err := url.Parse(c.URL); err == nil {
			v.Card.Host = u.Hostname()
		}
		if c.Thumb != nil {
			thumb := p.mediaView(w, c.Thumb)
			v.Card.Thumb = &thumb
		}
	}
	fact := func(key, value string) {
		if value != "" {
			v.Facts = append(v.Facts, headerView{w.T(key), value})
		}
	}
	fact("language", post.Language)
	fact("visibility", post.Visibility)
	fact("answers", post.ReplyTo)
	fact("key", post.Key)
	fact("remote-id", post.ID)
	var b bytes.Buffer
	if json.Indent(&b, post.Raw, "", "  ") == nil {
		v.Source = b.String()
	}
	return v
}

func (p *page) mediaView(w words, m *Media) mediaView {
	v := mediaView{Alt: m.Alt, Width: m.Width, Height: m.Height, Src: template.URL("/sandbox/media/" + m.Network + "/" + m.ID)}
	if w.Static {
		if data, err := p.s.arrivals.journal.Read(m.Raw); err == nil {
			v.Src = template.URL(dataURL(m.Type, data))
		}
	}
	return v
}

// spans cuts a post's text into plain text and links, the links as short as the
// network writes them.
func spans(p *Post) []spanView {
	var out []spanView
	links := p.Links
	if p.Network == X {
		for _, tag := range measure.Hashtags(p.Text) {
			links = append(links[:len(links):len(links)], Link{Start: tag.Start, End: tag.End})
		}
		slices.SortFunc(links, func(a, b Link) int { return a.Start - b.Start })
	}
	at := 0
	for _, l := range links {
		if l.Start < at || l.End > len(p.Text) {
			continue
		}
		if l.Start > at {
			out = append(out, spanView{Text: p.Text[at:l.Start]})
		}
		text := p.Text[l.Start:l.End]
		if at = l.End; strings.HasPrefix(text, "#") || strings.HasPrefix(text, "＃") {
			out = append(out, spanView{Text: text, Tag: true})
			continue
		}
		switch p.Network {
		case Mastodon:
			text = strings.TrimPrefix(text[strings.Index(text, "://")+3:], "www.")
			if runes := []rune(text); len(runes) > 30 {
				text = string(runes[:30]) + "…"
			}
		case X:
			text = displayURL(l.URL)
		}
		out = append(out, spanView{Text: text, URL: webLink(l.URL)})
	}
	if at < len(p.Text) {
		out = append(out, spanView{Text: p.Text[at:]})
	}
	return out
}

// webLink lets only web addresses be links.
func webLink(s string) template.URL {
	if u, err := url.Parse(s); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return template.URL(s)
	}
	return ""
}
