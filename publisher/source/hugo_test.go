package source_test

import (
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"crieur/publisher/source"
)

// hugoSites are sites as people have them: the configuration, and for each article its
// front matter and the address that Hugo gives it.
var hugoSites = map[string]struct {
	file, config string
	pages        map[string][2]string
}{
	"plain": {"hugo.toml", "baseURL = 'https://gazette.example/'\n", map[string][2]string{
		"posts/Le Pont.md":                {"title: A", "https://gazette.example/posts/le-pont/"},
		"posts/bridge/index.md":           {"title: B", "https://gazette.example/posts/bridge/"},
		"posts/2026/deep/bridge.md":       {"title: C", "https://gazette.example/posts/2026/deep/bridge/"},
		"posts/slug.md":                   {"title: D\nslug: Another-Name", "https://gazette.example/posts/another-name/"},
		"posts/slugged/index.md":          {"title: D\nslug: bundle", "https://gazette.example/posts/bundle/"},
		"posts/url.md":                    {"title: E\nurl: /elsewhere/", "https://gazette.example/elsewhere/"},
		"posts/url-file.md":               {"title: E\nurl: /old/page.html", "https://gazette.example/old/page.html"},
		"posts/url-bare.md":               {"title: E\nurl: bare", "https://gazette.example/bare/"},
		"about.md":                        {"title: F", "https://gazette.example/about/"},
		"posts/L’été à Orléans, enfin.md": {"title: G", "https://gazette.example/posts/l%C3%A9t%C3%A9-%C3%A0-orl%C3%A9ans-enfin/"},
		"posts/html.html":                 {"title: H", "https://gazette.example/posts/html/"},
	}},
	"permalinks": {"hugo.yaml", "baseURL: https://gazette.example/blog\npermalinks:\n  posts: /:year/:month/:day/:slug/\n  news: /:sections/:title/\n  notes: /n/:filename\n", map[string][2]string{
		"posts/bridge.md":      {"title: The Bridge Opens\ndate: 2026-03-01", "https://gazette.example/blog/2026/03/01/the-bridge-opens/"},
		"posts/slug.md":        {"title: A\nslug: b\ndate: 2026-12-31T23:30:00+02:00", "https://gazette.example/blog/2026/12/31/b/"},
		"news/local/bridge.md": {"title: Le pont, c’est lundi !", "https://gazette.example/blog/news/le-pont-cest-lundi/"},
		"notes/some.md":        {"title: A\nslug: c", "https://gazette.example/blog/n/some/"},
		"pages/x.md":           {"title: A", "https://gazette.example/blog/pages/x/"},
	}},
	"languages": {"hugo.json", `{"baseURL": "https://gazette.example/", "defaultContentLanguage": "fr", "languages": {"fr": {"weight": 1}, "en": {"weight": 2}}}`, map[string][2]string{
		"posts/pont.md":          {"title: A", "https://gazette.example/posts/pont/"},
		"posts/pont.en.md":       {"title: A", "https://gazette.example/en/posts/pont/"},
		"posts/gare/index.fr.md": {"title: A", "https://gazette.example/posts/gare/"},
		"posts/gare/index.en.md": {"title: A\nslug: station", "https://gazette.example/en/posts/station/"},
		"posts/v1.2.md":          {"title: A", "https://gazette.example/posts/v1.2/"},
	}},
	"folders": {"config/_default/config.toml", "baseURL = 'https://gazette.example/'\ndefaultContentLanguage = 'en'\ndefaultContentLanguageInSubdir = true\nuglyURLs = true\n[languages.en]\ncontentDir = 'content/english'\n[languages.fr]\ncontentDir = 'content/francais'\n", map[string][2]string{
		"english/posts/bridge.md": {"title: A", "https://gazette.example/en/posts/bridge.html"},
		"francais/posts/pont.md":  {"title: A", "https://gazette.example/fr/posts/pont.html"},
	}},
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeSite(t *testing.T, name string) string {
	t.Helper()
	dir, site := t.TempDir(), hugoSites[name]
	writeFile(t, filepath.Join(dir, filepath.FromSlash(site.file)), site.config)
	for at, p := range site.pages {
		writeFile(t, filepath.Join(dir, "content", filepath.FromSlash(at)), "---\n"+p[0]+"\n---\nA text of several words, so that there is something to read.\n")
	}
	return dir
}

func TestHugoAddresses(t *testing.T) {
	for name, site := range hugoSites {
		t.Run(name, func(t *testing.T) {
			dir := writeSite(t, name)
			for at, p := range site.pages {
				a, err := source.Read(t.Context(), filepath.Join(dir, "content", filepath.FromSlash(at)), nil, source.Config{})
				if err != nil {
					t.Errorf("%s: %v", at, err)
				} else if a.CanonicalURL != p[1] {
					t.Errorf("%s: %s, want %s", at, a.CanonicalURL, p[1])
				}
			}
		})
	}
}

// Hugo itself says the same.
func TestHugoSaysTheSame(t *testing.T) {
	hugo, err := exec.LookPath("hugo")
	if err != nil {
		t.Fatal("hugo is not installed; sh .ci/deps installs what is missing")
	}
	for name, site := range hugoSites {
		t.Run(name, func(t *testing.T) {
			dir := writeSite(t, name)
			c := exec.CommandContext(t.Context(), hugo, "list", "all")
			c.Dir = dir
			out, err := c.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			column := map[string]int{}
			for i, head := range rows[0] {
				column[head] = i
			}
			for _, r := range rows[1:] {
				at := strings.TrimPrefix(filepath.ToSlash(r[column["path"]]), "content/")
				if got, want := r[column["permalink"]], site.pages[at][1]; got != want {
					t.Errorf("%s: Hugo says %s, the table %s", at, got, want)
				}
			}
			if len(rows)-1 != len(site.pages) {
				t.Errorf("Hugo lists %d pages of %d", len(rows)-1, len(site.pages))
			}
		})
	}
}
