package source

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// SiteContent gives the folders of a folder's articles: those of a Hugo site's languages,
// Jekyll's _posts, or, where it is neither, the folder itself.
func SiteContent(dir string) []string {
	if v := hugoConfig(dir); v != nil {
		return readHugo(dir, v).folders()
	}
	if posts := filepath.Join(dir, "_posts"); isDir(posts) {
		return []string{posts}
	}
	return []string{dir}
}

// A Peek is what a file of a site's content tells before it is read as an article.
type Peek struct {
	// Skip is why it is not to be published by itself: it is a draft, of the future,
	// expired, no article at all. "": it may be.
	Skip string
	// Article: it is, or may become, an article.
	Article bool
}

// PeekAt looks at the front matter of the file at path, of which data are the contents:
// as they are now, or as they were in a site's past. Front matter that cannot be read
// skips nothing: reading the article says what is wrong.
func PeekAt(at string, data []byte, c Config) Peek {
	c = c.withDefaults()
	name := filepath.Base(at)
	ext := strings.ToLower(filepath.Ext(name))
	if !slices.Contains([]string{".md", ".markdown", ".mdown", ".mkd", ".html", ".htm", ".txt"}, ext) {
		return Peek{Skip: "no article"}
	}
	stem, _, _ := strings.Cut(name, ".")
	switch {
	case stem == "_index":
		return Peek{Skip: "a section's page"}
	case stem != "index" && inBundle(filepath.Dir(at)):
		return Peek{Skip: "part of the article in index.md"}
	}
	in := input{src: at, where: at, dir: filepath.Dir(at), format: formatOf(at), data: data}
	decoded, err := decode(in)
	if err != nil {
		return Peek{Article: true}
	}
	front, _, err := splitFrontMatter(in, decoded)
	if err != nil || front == nil {
		return Peek{Article: true}
	}
	d := &draft{in: in, front: front, zone: c.Location}
	return Peek{Skip: d.skip(c), Article: true}
}

// inBundle reports a folder whose files belong to the one article in it.
func inBundle(dir string) bool {
	found, _ := filepath.Glob(filepath.Join(quoteGlob(dir), "index.*"))
	return slices.ContainsFunc(found, func(f string) bool {
		ext := path.Ext(filepath.ToSlash(f))
		return ext == ".md" || ext == ".markdown" || ext == ".html"
	})
}

// skip says why a page is not to be published by itself.
func (d *draft) skip(c Config) string {
	f, now := d.front, c.Now()
	date := func(keys ...string) (time.Time, bool) {
		v, ok := f.find(keys...)
		if !ok {
			return time.Time{}, false
		}
		return parseDate(v.value, c.Location)
	}
	if v, ok := f.find("draft", "brouillon"); ok && isTrue(v.value) {
		return "a draft"
	}
	if v, ok := f.find("published"); ok && text(v.value) == "false" {
		return "not published"
	}
	if t, ok := date("expirydate", "unpublishdate"); ok && !now.Before(t) {
		return "expired on " + t.Format(time.DateOnly)
	}
	if t, ok := date("publishdate", "date"); ok && now.Before(t) {
		return "not to be published before " + t.In(c.Location).Format("2006-01-02 15:04")
	}
	if v, ok := f.find("headless"); ok && isTrue(v.value) || f.buildsNothing() {
		return "headless: the site has no page of it"
	}
	if err := d.wants(); err == nil && d.meta.wants != nil && d.meta.wants.Skip {
		return "publish: skip says so"
	}
	return ""
}

// buildsNothing reads Hugo's build: {render: never}.
func (f *frontMatter) buildsNothing() bool {
	v, ok := f.find("build")
	t, _ := v.value.(map[string]any)
	render := strings.ToLower(text(t["render"]))
	return ok && (render == "never" || render == "false" || render == "link")
}
