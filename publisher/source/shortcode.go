package source

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Hugo's shortcodes stand in {{< >}} and {{% %}}: gohugo.io/content-management/shortcodes.
// What they stand for is made by the site's templates, which are not run here: those that
// come with Hugo are rendered as a reader of a mail can use them, of others what stands
// between their two ends is kept.
var (
	shortcodeTag = regexp.MustCompile(`(?s)\{\{([<%])(/\*)?\s*(/?)\s*([\w./-]*)(.*?)\s*(/?)(\*/)?\s*([>%])\}\}`)
	shortcodeArg = regexp.MustCompile("(?s)(?:([\\w-]+)\\s*=\\s*)?(?:\"((?:[^\"\\\\]|\\\\.)*)\"|`([^`]*)`|([^\\s\"`]+))")
)

// A shortcode is one tag of them.
type shortcode struct {
	name   string
	named  map[string]string
	listed []string
}

func (s shortcode) arg(key string, at int) string {
	if v, ok := s.named[key]; ok {
		return v
	}
	if at >= 0 && at < len(s.listed) {
		return s.listed[at]
	}
	return ""
}

// shortcodes renders those of a text, and gives the names of those that were left out.
// Lines stay lines: what spans several leaves as many.
func (d *draft) shortcodes(s string) (out string, dropped []string) {
	if !strings.Contains(s, "{{<") && !strings.Contains(s, "{{%") {
		return s, nil
	}
	code := false // between highlight's ends
	out = shortcodeTag.ReplaceAllStringFunc(s, func(tag string) string {
		m := shortcodeTag.FindStringSubmatch(tag)
		lines := strings.Repeat("\n", strings.Count(tag, "\n"))
		if (m[1] == "<") != (m[8] == ">") {
			return tag
		}
		if m[2] != "" { // {{</* name */>}} shows the tag itself
			return "{{" + m[1] + " " + strings.TrimSpace(m[3]+m[4]+m[5]) + " " + m[8] + "}}" + lines
		}
		c := shortcode{name: strings.ToLower(m[4]), named: map[string]string{}}
		if m[3] != "" { // the end of a pair
			if c.name == "highlight" && code {
				code = false
				return "\n```\n" + lines
			}
			return lines
		}
		for _, a := range shortcodeArg.FindAllStringSubmatch(m[5], -1) {
			v := strings.ReplaceAll(first(a[2], a[3], a[4]), `\"`, `"`)
			if a[1] != "" {
				c.named[strings.ToLower(a[1])] = v
			} else {
				c.listed = append(c.listed, v)
			}
		}
		if c.name == "highlight" {
			code = true
			return "```" + c.arg("lang", 0) + lines
		}
		text, known := d.shortcode(c)
		if !known && !slices.Contains(dropped, c.name) && !strings.Contains(s, "/"+m[4]) {
			dropped = append(dropped, c.name)
		}
		return text + lines
	})
	return out, dropped
}

// shortcode gives what one of Hugo's own stands for.
func (d *draft) shortcode(c shortcode) (text string, known bool) {
	link := func(address, words string) (string, bool) {
		return `<a href="` + html.EscapeString(address) + `">` + html.EscapeString(words) + `</a>`, true
	}
	id := url.PathEscape(c.arg("id", 0))
	switch c.name {
	case "figure":
		return figureOf(c), true
	case "youtube":
		return link("https://www.youtube.com/watch?v="+url.QueryEscape(c.arg("id", 0)), first(c.arg("title", -1), "youtube.com/watch?v="+c.arg("id", 0)))
	case "vimeo", "vimeo_simple":
		return link("https://vimeo.com/"+id, first(c.arg("title", -1), "vimeo.com/"+c.arg("id", 0)))
	case "tweet", "x", "twitter", "twitter_simple", "x_simple":
		user, post := c.arg("user", -1), c.arg("id", -1)
		if user == "" || post == "" {
			return "", false
		}
		return link("https://x.com/"+url.PathEscape(user)+"/status/"+url.PathEscape(post), "x.com/"+user+"/status/"+post)
	case "instagram", "instagram_simple":
		return link("https://www.instagram.com/p/"+id+"/", "instagram.com/p/"+c.arg("id", 0))
	case "gist":
		return link("https://gist.github.com/"+url.PathEscape(c.arg("user", 0))+"/"+url.PathEscape(c.arg("id", 1)), "gist.github.com/"+c.arg("user", 0)+"/"+c.arg("id", 1))
	case "param":
		key := foldKey(c.arg("name", 0))
		return html.EscapeString(d.front.text(key)), d.front.text(key) != ""
	case "ref", "relref":
		to := c.arg("path", 0)
		if strings.HasPrefix(to, "#") {
			return to, true
		}
		return "", false // the link's words stay
	case "details", "comment", "":
		return "", true
	}
	return "", false
}

// figureOf renders Hugo's figure.
func figureOf(c shortcode) string {
	var b strings.Builder
	b.WriteString(`<figure>`)
	img := `<img src="` + html.EscapeString(c.arg("src", 0)) + `" alt="` + html.EscapeString(first(c.arg("alt", -1), c.arg("caption", -1))) + `">`
	if to := c.arg("link", -1); to != "" {
		img = `<a href="` + html.EscapeString(to) + `">` + img + `</a>`
	}
	b.WriteString(img)
	var words []string
	for _, key := range []string{"title", "caption", "attr"} {
		if v := c.arg(key, -1); v != "" {
			words = append(words, html.EscapeString(v))
		}
	}
	if len(words) > 0 {
		b.WriteString(`<figcaption>` + strings.Join(words, " ") + `</figcaption>`)
	}
	b.WriteString(`</figure>`)
	return b.String()
}
