package source_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/source"
)

func TestLookAtFolder(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  source.Site
	}{
		"hugo toml": {map[string]string{"hugo.toml": "baseURL = 'https://carnet.example/'\ntitle = 'Carnet'\nlanguageCode = 'fr-FR'\n", "content/a.md": ""},
			source.Site{Name: "Carnet", URL: "https://carnet.example", Language: "fr", Content: "content"}},
		"jekyll":      {map[string]string{"_config.yml": "title: Notes\nurl: https://notes.example\nlang: en\n", "_posts/a.md": ""}, source.Site{Name: "Notes", URL: "https://notes.example", Language: "en", Content: "_posts"}},
		"broken toml": {map[string]string{"hugo.toml": "title = "}, source.Site{}},
		"hostile":     {map[string]string{"hugo.toml": "baseURL = 'javascript:alert(1)'\ntitle = \"Un\\nDeux\"\n"}, source.Site{Name: "Un Deux"}},
		"nothing":     {nil, source.Site{}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := source.Look(t.Context(), dir, source.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := source.Look(t.Context(), filepath.Join(t.TempDir(), "none"), source.Config{}); publisher.KindOf(err) != publisher.NotFound {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

func TestLookAtPage(t *testing.T) {
	page := `<html lang="en-GB"><head><title>The Courier | news</title><meta property="og:site_name" content="The Courier">
		<meta name="theme-color" content="red"><link rel="apple-touch-icon" href="/icon.png">
		<link rel="alternate" type="application/atom+xml" href="feed.xml"></head><body><a href="https://liberapay.com/courier">support us</a></body></html>`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) }))
	defer server.Close()
	got, err := source.Look(t.Context(), server.URL+"/welcome", source.Config{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	want := source.Site{Name: "The Courier", URL: server.URL, Language: "en", Logo: server.URL + "/icon.png", Feed: server.URL + "/feed.xml", Donate: "https://liberapay.com/courier"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := source.Look(t.Context(), server.URL, source.Config{}); err == nil {
		t.Error("a private address was looked at")
	}
}
