package sandbox

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// shownTweet is a post as X gives it back: every URL wrapped by t.co, the pictures'
// own link at the end, and &, < and > escaped.
type shownTweet struct {
	text string
	urls []shownURL
}

type shownURL struct {
	start, end                 int // characters of the text given back
	short, expanded, displayed string
	media                      string
}

var escapeX = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (a *x) show(p *Post) shownTweet {
	var b strings.Builder
	var t shownTweet
	count := 0
	write := func(s string) {
		b.WriteString(s)
		count += utf8.RuneCountInString(s)
	}
	link := func(expanded, displayed, media string) {
		short := shortURL(p.ID, len(t.urls))
		start := count
		write(short)
		t.urls = append(t.urls, shownURL{start, count, short, expanded, displayed, media})
	}
	at := 0
	for _, l := range p.Links {
		write(escapeX.Replace(p.Text[at:l.Start]))
		link(l.URL, displayURL(l.URL), "")
		at = l.End
	}
	write(escapeX.Replace(p.Text[at:]))
	if len(p.Media) > 0 {
		if count > 0 {
			write(" ")
		}
		link(fmt.Sprintf("https://x.com/%s/status/%s/photo/1", xScreenName, p.ID), "pic.x.com/"+shortName(p.ID, len(t.urls)), "3_"+p.Media[0].ID)
	}
	t.text = b.String()
	return t
}

func shortURL(id string, n int) string { return "https://t.co/" + shortName(id, n) }

// shortName is ten letters that depend on the post alone, so that it reads the same
// at every request.
func shortName(id string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", id, n))
	return base32.StdEncoding.EncodeToString(sum[:])[:10]
}

func displayURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	s := strings.TrimPrefix(u.Host, "www.") + strings.TrimSuffix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		s += "?" + u.RawQuery
	}
	if runes := []rune(s); len(runes) > 26 {
		return string(runes[:26]) + "…"
	}
	return s
}

func (a *x) entityV2(p *Post, fields map[string]bool) map[string]any {
	t := a.show(p)
	e := map[string]any{"id": p.ID, "text": t.text, "edit_history_tweet_ids": []string{p.ID}}
	if fields["created_at"] {
		e["created_at"] = p.At.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if fields["author_id"] {
		e["author_id"] = xUserID
	}
	if fields["entities"] && len(t.urls) > 0 {
		urls := make([]any, len(t.urls))
		for i, u := range t.urls {
			one := map[string]any{"start": u.start, "end": u.end, "url": u.short, "expanded_url": u.expanded, "display_url": u.displayed}
			if u.media != "" {
				one["media_key"] = u.media
			}
			urls[i] = one
		}
		e["entities"] = map[string]any{"urls": urls}
	}
	if fields["referenced_tweets"] && p.ReplyTo != "" {
		e["referenced_tweets"] = []any{map[string]string{"type": "replied_to", "id": p.ReplyTo}}
	}
	return e
}

// entityV1 is v1.1's Tweet; extended says that the client asked for full_text. Its
// numbers are int64, as that API gave them.
func (a *x) entityV1(p *Post, extended bool) map[string]any {
	t := a.show(p)
	urls, media := []any{}, []any{}
	for _, u := range t.urls {
		one := map[string]any{"url": u.short, "expanded_url": u.expanded, "display_url": u.displayed, "indices": []int{u.start, u.end}}
		if u.media == "" {
			urls = append(urls, one)
			continue
		}
		one["type"], one["id_str"] = "photo", strings.TrimPrefix(u.media, "3_")
		media = append(media, one)
	}
	entities := map[string]any{"urls": urls, "hashtags": []any{}, "user_mentions": []any{}}
	if len(media) > 0 {
		entities["media"] = media
	}
	e := map[string]any{"id": number(p.ID), "id_str": p.ID, "created_at": p.At.UTC().Format(time.RubyDate), "truncated": false,
		"entities": entities, "user": a.userV1(), "source": "crieur", "in_reply_to_status_id_str": nil, "in_reply_to_status_id": nil}
	if extended {
		e["full_text"], e["display_text_range"] = t.text, []int{0, utf8.RuneCountInString(t.text)}
	} else {
		e["text"] = t.text
	}
	if p.ReplyTo != "" {
		e["in_reply_to_status_id"], e["in_reply_to_status_id_str"] = number(p.ReplyTo), p.ReplyTo
	}
	return e
}

func (a *x) userV1() map[string]any {
	return map[string]any{"id": number(xUserID), "id_str": xUserID, "name": "crieur", "screen_name": xScreenName}
}
