package web

import (
	"encoding/json"
	"errors"
	"html"
	"regexp"
	"strings"
	"time"
)

// readWordPress reads a post as WordPress's plugins send it, since WordPress itself has no
// webhooks: as the REST API shows it (developer.wordpress.org/rest-api/reference/posts), as
// WP Webhooks sends it (post, post_permalink, …), or flat (title, content, url). ignored
// says why it is no article for everybody.
func readWordPress(body []byte) (s Submission, ignored string, err error) {
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		return s, "", errors.New("it is no JSON object")
	}
	get := func(keys ...string) string {
		for _, k := range keys {
			if t := textAt(v, k); t != "" {
				return t
			}
		}
		return ""
	}
	switch status := get("status", "post.post_status", "post_status"); {
	case status != "" && status != "publish":
		return s, "not published", nil
	case get("password", "post.post_password") != "" || valueAt(v, "content.protected") == true:
		return s, "it has a password", nil
	}
	if kind := get("type", "post.post_type", "post_type"); kind != "" && kind != "post" {
		return s, "not a post, but of the type " + line(kind), nil
	}
	// Without its address a number would be all that tells two sites' posts apart.
	s = Submission{
		Title:  plainText(get("title.rendered", "post.post_title", "post_title", "title")),
		HTML:   get("content.rendered", "post.post_content", "post_content", "content"),
		URL:    get("link", "post_permalink", "permalink", "url", "guid.rendered", "post.guid"),
		Lead:   plainText(get("excerpt.rendered", "post.post_excerpt", "post_excerpt", "excerpt")),
		Author: get("author.name", "author_name", "post.author_name"),
	}
	if s.Lead = strings.TrimSuffix(s.Lead, " […]"); strings.HasSuffix(s.Lead, "…") {
		s.Lead = "" // cut from the text
	}
	for _, k := range []string{"date_gmt", "post.post_date_gmt", "post_date_gmt"} {
		for _, layout := range []string{"2006-01-02T15:04:05", time.DateTime} {
			if at, err := time.Parse(layout, textAt(v, k)); err == nil && at.Year() > 1 {
				s.Published = &at
			}
		}
	}
	if image := get("post_thumbnail", "jetpack_featured_media_url", "featured_image", "thumbnail"); strings.HasPrefix(image, "http") {
		s.Image = &SubmittedPic{URL: image}
	}
	if tags, ok := valueAt(v, "tags").([]any); ok {
		for _, t := range tags {
			if name, ok := t.(string); ok { // the REST API has numbers
				s.Tags = append(s.Tags, name)
			}
		}
	}
	if strings.Contains(s.HTML, "<!-- wp:") && !strings.Contains(s.HTML, "<p") {
		s.HTML = "" // blocks that the site renders: the page has the text
	}
	return s, "", nil
}

var markup = regexp.MustCompile(`<[^<>]*>`)

// plainText gives the words of a line of HTML.
func plainText(s string) string { return line(html.UnescapeString(markup.ReplaceAllString(s, ""))) }

// valueAt gives what stands in an object under keys with dots between them.
func valueAt(v map[string]any, keys string) any {
	var at any = v
	for _, k := range strings.Split(keys, ".") {
		m, _ := at.(map[string]any)
		at = m[k]
	}
	return at
}

// textAt is valueAt for texts and numbers.
func textAt(v map[string]any, keys string) string {
	switch t := valueAt(v, keys).(type) {
	case string:
		return strings.TrimSpace(t)
	case float64:
		b, _ := json.Marshal(t)
		return string(b)
	}
	return ""
}
