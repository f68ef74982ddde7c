package app_test

import (
	"path/filepath"
	"strings"
	"testing"

	"crieur/publisher/app"
)

// BenchmarkRenderAll reads one article and renders it for every channel of the
// default configuration: a mail with its web copy, and three networks' posts.
func BenchmarkRenderAll(b *testing.B) {
	root, err := filepath.Abs("../..")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"article.txt", "marche.md"} {
		b.Run(name, func(b *testing.B) {
			a, err := app.Open(app.Options{Config: filepath.Join(root, "config.yaml"), State: b.TempDir(), Stdin: strings.NewReader("")})
			if err != nil {
				b.Fatal(err)
			}
			defer a.Close()
			src := filepath.Join(root, "docs", "example", name)
			if _, err := a.RenderAll(b.Context(), src, app.ArticleOptions{}, app.Selection{}); err != nil {
				b.Fatal(err) // and the sandbox and the store are open now
			}
			for b.Loop() {
				views, err := a.RenderAll(b.Context(), src, app.ArticleOptions{}, app.Selection{})
				if err != nil {
					b.Fatal(err)
				}
				if len(views) != 4 {
					b.Fatalf("%d renderings, want 4", len(views))
				}
			}
		})
	}
}
