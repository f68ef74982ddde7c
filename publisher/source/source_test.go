package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"crieur/publisher"
	"crieur/publisher/source"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares an article with the JSON in testdata.
func golden(t *testing.T, name string, a publisher.Article) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(a); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "golden", name+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// read reads a text as a file of that name.
func read(t *testing.T, name, content string, c source.Config) (publisher.Article, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return source.Read(t.Context(), path, nil, c)
}

func mustRead(t *testing.T, name, content string, c source.Config) publisher.Article {
	t.Helper()
	a, err := read(t, name, content, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// paragraphs gives the text of each element at the top of a body.
func paragraphs(t *testing.T, body string) []string {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(body), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, n := range nodes {
		if s := words(n); strings.TrimSpace(s) != "" {
			out = append(out, s)
		}
	}
	return out
}

func words(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(words(c))
	}
	return b.String()
}

// wantError holds an error against what every refusal owes its reader.
func wantError(t *testing.T, err error, kind publisher.Kind, where, says string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	var e *publisher.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is not a *publisher.Error: %v", err, err)
	}
	if e.Kind != kind {
		t.Errorf("kind = %v, want %v (%v)", e.Kind, kind, err)
	}
	if !strings.HasSuffix(e.Where, where) {
		t.Errorf("where = %q, want it to end in %q", e.Where, where)
	}
	if says != "" && !regexp.MustCompile(says).MatchString(err.Error()) {
		t.Errorf("error = %q, want it to say %q", err, says)
	}
	if publisher.HintOf(err) == "" {
		t.Errorf("no hint: %v", err)
	}
}
