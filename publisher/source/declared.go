package source

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// declared takes over what the front matter says, in Hugo's and Jekyll's keys.
func (d *draft) declared(c Config) error {
	f := d.front
	if f == nil {
		return nil
	}
	if err := d.refuseUnpublished(c); err != nil {
		return err
	}
	m := &d.meta
	m.title = f.text("title", "titre", "headline")
	m.lead = f.text("lead", "chapo", "standfirst", "description", "summary", "excerpt", "subtitle", "deck")
	m.firmLead = m.lead != ""
	m.id = f.text("id", "guid", "uuid")
	m.author = f.names("author", "authors", "byline", "auteur", "auteurs")
	m.warning = f.text("contentwarning", "warning", "cw", "spoilertext")
	m.tags = append(f.list("tags", "keywords", "motscles"), f.list("categories", "category")...)
	m.canonical = f.text("canonical", "canonicalurl")
	m.original = f.text("originalurl", "original", "sourceurl")
	if err := d.declaredDate(c); err != nil {
		return err
	}
	if v, ok := f.find("publishat", "embargo"); ok {
		if m.embargo, ok = parseDate(v.value, c.Location); !ok {
			return invalid(line(d.in.where, v.line), "write it as 2026-03-01 18:30 or 2026-03-01T18:30:00+01:00", "the moment %q before which nothing goes out cannot be read", oneLine(text(v.value)))
		}
	}
	if l, ok := f.find("lang", "language", "locale", "langue"); ok {
		if m.language = languageTag(text(l.value)); m.language == "" {
			return invalid(line(d.in.where, l.line), "write the language as a tag, such as fr, en or pt-BR", "the language %q is not known", oneLine(text(l.value)))
		}
	}
	m.image = f.picture("image", "images", "cover", "featuredimage", "featuredimg", "thumbnail", "header", "photo")
	site := hugoOf(d.in.dir)
	if m.language == "" {
		m.language = site.languageOf(d.in.src)
	}
	if m.canonical == "" && site != nil {
		m.canonical = site.link(d, c.SiteURL)
	} else if m.canonical == "" {
		m.canonical = d.permalink(c)
	}
	return d.wants()
}

func (d *draft) refuseUnpublished(c Config) error {
	f, now := d.front, c.Now()
	if v, ok := f.find("draft", "brouillon"); ok && isTrue(v.value) {
		return invalid(line(d.in.where, v.line), "remove draft: true when the article is ready", "the article is a draft")
	}
	if v, ok := f.find("published"); ok && text(v.value) == "false" {
		return invalid(line(d.in.where, v.line), "remove published: false when the article is ready", "the article is not published")
	}
	if v, ok := f.find("expirydate", "unpublishdate"); ok {
		if t, ok := parseDate(v.value, c.Location); ok && !now.Before(t) {
			return invalid(line(d.in.where, v.line), "remove the expiry date, or set a later one", "the article expired on %s", t.Format("2006-01-02"))
		}
	}
	if v, ok := f.find("publishdate"); ok {
		if t, ok := parseDate(v.value, c.Location); ok && now.Before(t) {
			return invalid(line(d.in.where, v.line), "wait until then, or change the date", "the article is not to be published before %s", t.Format("2006-01-02 15:04"))
		}
	}
	return nil
}

func (d *draft) declaredDate(c Config) error {
	v, ok := d.front.find("date", "publishdate", "pubdate", "datepublished")
	if !ok {
		// Jekyll's key is a flag as a rule, and a date with some.
		if v, ok = d.front.find("published"); !ok || text(v.value) == "true" {
			return nil
		}
	}
	if text(v.value) == "" {
		return nil
	}
	t, ok := parseDate(v.value, c.Location)
	if !ok {
		return invalid(line(d.in.where, v.line), "write it as 2026-03-01 or 2026-03-01T18:30:00+01:00", "the date %q cannot be read", oneLine(text(v.value)))
	}
	d.meta.published = t
	return nil
}

// permalink gives the address that a generator other than Hugo makes of url, permalink
// or slug; "" where it cannot be known.
func (d *draft) permalink(c Config) string {
	if c.SiteURL == "" {
		return ""
	}
	base := strings.TrimSuffix(c.SiteURL, "/") + "/"
	// A permalink with placeholders is Jekyll's pattern for many pages.
	if p := d.front.text("url", "permalink"); p != "" && !strings.Contains(strings.TrimPrefix(strings.TrimPrefix(p, "https://"), "http://"), ":") {
		if isWebAddress(p) {
			return p
		}
		return base + strings.TrimPrefix(p, "/")
	}
	slug := strings.Trim(d.front.text("slug"), "/")
	if slug == "" {
		return ""
	}
	_, section := siteRoot(d.in.dir)
	if name := strings.ToLower(filepath.Base(d.in.src)); strings.HasPrefix(name, "index.") && section != "" {
		section = filepath.Dir(section) // a page bundle's own folder is not part of its address
	}
	u := url.URL{Path: slug + "/"}
	if section = filepath.ToSlash(section); section != "" && section != "." {
		u.Path = section + "/" + u.Path
	}
	return base + u.EscapedPath()
}

// text gives the first of keys that holds a text.
func (f *frontMatter) text(keys ...string) string {
	for _, k := range keys {
		if v, ok := f.find(k); ok {
			if s := strings.TrimSpace(text(v.value)); s != "" {
				return s
			}
		}
	}
	return ""
}

// list gives the first of keys as a list; a single text is taken apart at commas.
func (f *frontMatter) list(keys ...string) []string {
	v, ok := f.find(keys...)
	if !ok {
		return nil
	}
	if s, ok := v.value.(string); ok {
		return strings.Split(s, ",")
	}
	var out []string
	for _, e := range values(v.value) {
		out = append(out, text(e))
	}
	return out
}

// names joins people: a text, a list of texts, or of tables with a name.
func (f *frontMatter) names(keys ...string) string {
	v, ok := f.find(keys...)
	if !ok {
		return ""
	}
	var out []string
	for _, e := range values(v.value) {
		name := text(e)
		if t, ok := e.(map[string]any); ok {
			name = tableText(t, "name", "nom", "title")
		}
		if name = oneLine(name); name != "" {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// picture gives the first of keys that names a picture: a text, a list whose first
// entry counts, or a table such as Hugo themes' cover: {image, alt, caption}.
func (f *frontMatter) picture(keys ...string) *picture {
	for _, k := range keys {
		v, ok := f.find(k)
		if !ok {
			continue
		}
		list := values(v.value)
		if len(list) == 0 {
			continue
		}
		p := &picture{line: v.line}
		switch e := list[0].(type) {
		case string:
			p.src = e
		case map[string]any:
			p.src = tableText(e, "src", "url", "path", "image", "feature", "overlayimage", "teaser", "file")
			p.alt = tableText(e, "alt", "alttext", "imagealt")
			p.caption = tableText(e, "caption", "legende", "title", "description")
			p.credit = tableText(e, "credit", "copyright", "author", "photographer", "attribution")
		}
		if p.src = strings.TrimSpace(p.src); p.src == "" {
			continue
		}
		p.alt = first(p.alt, f.text("imagealt", "coveralt", "alt", "featuredimagealt"))
		p.caption = first(p.caption, f.text("imagecaption", "covercaption", "caption", "featuredimagecaption"))
		p.credit = first(p.credit, f.text("imagecredit", "covercredit", "credit", "featuredimagecredit"))
		return p
	}
	return nil
}

// tableText gives the first of keys, in the folded spelling, that holds a text.
func tableText(t map[string]any, keys ...string) string {
	for _, k := range keys {
		for have, v := range t {
			if s, ok := v.(string); ok && foldKey(have) == k && strings.TrimSpace(s) != "" {
				return s
			}
		}
	}
	return ""
}

// values gives v as a list.
func values(v any) []any {
	switch l := v.(type) {
	case nil:
		return nil
	case []any:
		return l
	case []map[string]any:
		out := make([]any, len(l))
		for i := range l {
			out[i] = l[i]
		}
		return out
	}
	return []any{v}
}

// isTrue takes the words that front matter has for yes.
func isTrue(v any) bool {
	switch strings.ToLower(text(v)) {
	case "true", "yes", "1", "on", "oui":
		return true
	}
	return false
}

func first(s ...string) string {
	for _, s := range s {
		if s != "" {
			return s
		}
	}
	return ""
}

// text gives a scalar's text, "" for lists and tables.
func text(v any) string {
	switch s := v.(type) {
	case string:
		return s
	case nil, []any, map[string]any:
		return ""
	}
	return fmt.Sprint(v)
}
