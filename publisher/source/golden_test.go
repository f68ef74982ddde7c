package source_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/source"
)

// Each file in testdata/in, with what is particular about it, as the whole article
// that comes out of it.
func TestGolden(t *testing.T) {
	site := source.Config{SiteURL: "https://site.example"}
	for name, c := range map[string]struct {
		file string
		conf source.Config
	}{
		"english text with a footer":    {file: "library.txt"},
		"arabic text":                   {file: "arabic.txt"},
		"japanese text, wrapped":        {file: "japanese.txt"},
		"a paragraph a line":            {file: "lines.txt"},
		"windows-1252":                  {file: "latin1.txt"},
		"utf-16":                        {file: "utf16.txt"},
		"hugo, toml and every Markdown": {file: "hugo.md", conf: site},
		"jekyll, yaml":                  {file: "jekyll.md", conf: site},
		"page with its metadata":        {file: "page.html"},
		"hostile page":                  {file: "hostile.html"},
		"fragment of html":              {file: "fragment.html"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := source.Read(t.Context(), filepath.Join("testdata", "in", c.file), nil, c.conf)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, c.file, a)
		})
	}
}

func TestExamples(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "example")
	for _, name := range []string{"article.txt", "marche.md", "harbour.md"} {
		t.Run(name, func(t *testing.T) {
			a, err := source.Read(t.Context(), filepath.Join(dir, name), nil, source.Config{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, a)
		})
	}
	a, err := source.Read(t.Context(), filepath.Join(dir, "article.txt"), nil, source.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(publisher.Blocks(), a.Blocks); diff != "" {
		t.Errorf("article.txt: blocks (-want +got):\n%s", diff)
	}
	if n := len(paragraphs(t, a.Body)); n != 7 {
		t.Errorf("article.txt: %d paragraphs, want 7", n)
	}
}

// The hash changes with what readers see, and with nothing else; the identity does
// not change with the text.
func TestIdentityAndHash(t *testing.T) {
	const text = "A title of some kind\n\nA first paragraph, which says something. And more.\n\nA second one.\n"
	base := mustRead(t, "a.txt", text, source.Config{})
	for name, c := range map[string]struct {
		file, text       string
		conf             source.Config
		sameID, sameHash bool
	}{
		"read again elsewhere": {"b.txt", text, source.Config{}, true, true},
		"other line ends":      {"a.txt", "A title of some kind\r\n\r\nA first paragraph, which says something. And more.\r\n\r\nA second one.\r\n", source.Config{}, true, true},
		"corrected text":       {"a.txt", text + "\nA third.\n", source.Config{}, true, false},
		"other title":          {"a.txt", "Another title\n\nA first paragraph, which says something. And more.\n\nA second one.\n", source.Config{}, false, false},
		"an id of its own":     {"a.txt", text, source.Config{ID: "x"}, false, true},
		"a canonical address":  {"a.txt", text, source.Config{CanonicalURL: "https://e.example/a"}, false, false},
		"another language":     {"a.txt", text, source.Config{DeclaredLanguage: "nl"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := mustRead(t, c.file, c.text, c.conf)
			if (got.ID == base.ID) != c.sameID {
				t.Errorf("same ID = %v, want %v", got.ID == base.ID, c.sameID)
			}
			if (got.Hash == base.Hash) != c.sameHash {
				t.Errorf("same hash = %v, want %v", got.Hash == base.Hash, c.sameHash)
			}
		})
	}
}

func TestFrontMatterKeys(t *testing.T) {
	const body = "\n\nOne paragraph that is long enough to be a text, with two sentences. This is the other.\n"
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	conf := source.Config{SiteURL: "https://site.example/blog", Location: paris}
	for name, c := range map[string]struct {
		file, front string
		want        func(publisher.Article) any
		is          any
	}{
		"description":               {"a.md", "---\ntitle: T\ndescription: D\n---", func(a publisher.Article) any { return a.Lead }, "D"},
		"summary":                   {"a.md", "---\ntitle: T\nsummary: S\n---", func(a publisher.Article) any { return a.Lead }, "S"},
		"line breaks in a title":    {"a.md", "---\ntitle: \"T\\r\\nBcc: x@y.example\\0\\u202E\"\n---", func(a publisher.Article) any { return a.Title }, "T Bcc: x@y.example"},
		"date without a zone":       {"a.md", "---\ntitle: T\ndate: 2026-07-01 08:00\n---", func(a publisher.Article) any { return a.Published.UTC() }, time.Date(2026, 7, 1, 6, 0, 0, 0, time.UTC)},
		"toml date":                 {"a.md", "+++\ntitle = 'T'\ndate = 2026-07-01\n+++", func(a publisher.Article) any { return a.Published.Equal(time.Date(2026, 7, 1, 0, 0, 0, 0, paris)) }, true},
		"publish_at":                {"a.md", "---\ntitle: T\npublish_at: 2026-07-01 08:00\n---", func(a publisher.Article) any { return a.Embargo.UTC() }, time.Date(2026, 7, 1, 6, 0, 0, 0, time.UTC)},
		"embargo":                   {"a.md", "---\ntitle: T\nembargo: 2026-07-01\n---", func(a publisher.Article) any { return a.Embargo.Equal(time.Date(2026, 7, 1, 0, 0, 0, 0, paris)) }, true},
		"no embargo":                {"a.md", "---\ntitle: T\ndate: 2026-07-01\n---", func(a publisher.Article) any { return a.Embargo.IsZero() }, true},
		"date with a zone":          {"a.md", "---\ntitle: T\ndate: 2026-07-01T08:00:00+09:00\n---", func(a publisher.Article) any { return a.Published.UTC() }, time.Date(2026, 6, 30, 23, 0, 0, 0, time.UTC)},
		"tags as a list":            {"a.md", "---\ntitle: T\ntags: [b, 'a b', B, 7]\ncategories: c\n---", func(a publisher.Article) any { return a.Tags }, []string{"b", "a b", "7", "c"}},
		"authors as tables":         {"a.md", "+++\ntitle = 'T'\n[[authors]]\nname = 'Ann'\n[[authors]]\nname = 'Ben'\n+++", func(a publisher.Article) any { return a.Author }, "Ann, Ben"},
		"canonical":                 {"a.md", "---\ntitle: T\ncanonical: https://c.example/x\n---", func(a publisher.Article) any { return a.CanonicalURL }, "https://c.example/x"},
		"canonicalURL":              {"a.md", "---\ntitle: T\ncanonicalURL: https://c.example/x?utm_source=a&p=1#f\n---", func(a publisher.Article) any { return a.CanonicalURL }, "https://c.example/x?p=1"},
		"canonical_url, relative":   {"a.md", "---\ntitle: T\ncanonical_url: /x\n---", func(a publisher.Article) any { return a.CanonicalURL }, "https://site.example/x"},
		"url":                       {"a.md", "---\ntitle: T\nurl: /2026/x/\n---", func(a publisher.Article) any { return a.CanonicalURL }, "https://site.example/blog/2026/x/"},
		"slug":                      {"a.md", "---\ntitle: T\nslug: été\n---", func(a publisher.Article) any { return a.CanonicalURL }, "https://site.example/blog/%C3%A9t%C3%A9/"},
		"permalink with a pattern":  {"a.md", "---\ntitle: T\npermalink: /:year/x/\n---", func(a publisher.Article) any { return a.CanonicalURL }, ""},
		"original_url":              {"a.md", "---\ntitle: T\noriginal_url: https://o.example/\n---", func(a publisher.Article) any { return a.OriginalURL }, "https://o.example/"},
		"lang":                      {"a.md", "---\ntitle: T\nlang: fr_CA\n---", func(a publisher.Article) any { return a.Language }, "fr"},
		"a language from the right": {"a.md", "---\ntitle: T\nlanguage: fa\n---", func(a publisher.Article) any { return a.Dir }, "rtl"},
		"content_warning":           {"a.md", "---\ntitle: T\ncontent_warning: heights\n---", func(a publisher.Article) any { return a.Warning }, "heights"},
		"image as a text":           {"a.md", "---\ntitle: T\nfeatured_image: https://i.example/a.png\nimage_alt: Alt\n---", func(a publisher.Article) any { return *a.Image }, publisher.Image{URL: "https://i.example/a.png", Alt: "Alt"}},
		"images as a list":          {"a.md", "---\ntitle: T\nimages: [https://i.example/a.png, https://i.example/b.png]\n---", func(a publisher.Article) any { return a.Image.URL }, "https://i.example/a.png"},
		"not a draft":               {"a.md", "---\ntitle: T\ndraft: false\npublished: true\nexpiryDate: 2999-01-01\n---", func(a publisher.Article) any { return a.Title }, "T"},
		"on an html file":           {"a.html", "---\ntitle: T\ntags: x\n---", func(a publisher.Article) any { return a.Title }, "T"},
		"on a text file":            {"a.txt", "---\ntitle: T\nauthor: Ann\n---", func(a publisher.Article) any { return a.Author }, "Ann"},
	} {
		t.Run(name, func(t *testing.T) {
			a := mustRead(t, c.file, c.front+body, conf)
			if diff := cmp.Diff(c.is, c.want(a)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
