package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/source"
)

// sharedFile gives a file of the folder that is shared by the project's checkouts.
func sharedFile(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared folder is missing: %v", err)
		}
		t.Skipf("this clone stands without the shared folder: %v", err)
	}
	return path
}

// The article that the project was made for: its title twice, a standfirst, eight
// paragraphs, and a footer that asks for six things.
func TestSharedArticle(t *testing.T) {
	path := sharedFile(t, "example/article.txt")
	a, err := source.Read(t.Context(), path, nil, source.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Le président kazakh demande une aide militaire au bloc dirigé par la Russie"; a.Title != want {
		t.Errorf("title = %q, want %q", a.Title, want)
	}
	if want := "L'aide militaire alliée est nécessaire"; !strings.HasPrefix(a.Lead, want) {
		t.Errorf("lead = %q, want it to begin with %q", a.Lead, want)
	}
	if a.Language != "fr" || a.Dir != "ltr" {
		t.Errorf("language, direction = %q, %q, want fr, ltr", a.Language, a.Dir)
	}
	body := paragraphs(t, a.Body)
	if len(body) != 8 {
		t.Errorf("%d paragraphs, want 8:\n%s", len(body), strings.Join(body, "\n"))
	}
	// Every paragraph stands in the file as it is, to the last no-break space.
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(raw), "\n")
	var cut []string
	kept := append([]string{a.Title, a.Lead}, body...)
	for _, l := range lines {
		if l != "" && !contains(kept, l) {
			cut = append(cut, l)
		}
	}
	for _, p := range kept {
		if !contains(lines, p) {
			t.Errorf("not in the file as it stands: %q", p)
		}
	}
	if len(cut) != 8 || !strings.HasPrefix(cut[0], "Vous pouvez partager") {
		t.Errorf("cut:\n%s\nwant the eight lines of the footer", strings.Join(cut, "\n"))
	}
	if diff := cmp.Diff(publisher.Blocks(), a.Blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
