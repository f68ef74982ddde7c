package render_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"crieur/publisher"
	"crieur/publisher/render"
	"crieur/templates"
)

// own writes an owner's templates and gives their folder.
func own(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func builtIn(t *testing.T, name string) string {
	t.Helper()
	data, err := fs.ReadFile(templates.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOwnersTemplates(t *testing.T) {
	dir := own(t, map[string]string{
		"email/footer.html.tmpl": `<tr><td>Our own footer <a href="{{.Merge.Unsubscribe}}">bye</a></td></tr>`,
		"email/short.html.tmpl":  `<html><head></head><body>{{.Article.Title}}</body></html>`,
		"email/short.txt.tmpl":   `{{.Article.Title}}`,
		"email/style.css":        builtIn(t, "email/style.css"),
		"notes.txt":              "not a template",
	})
	s := openSet(t, dir)
	in := english()
	r, err := s.Mail(in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.HTML, "Our own footer") {
		t.Error("the owner's footer is not used")
	}
	in.Newsletter.Template = "short"
	if r, err = s.Mail(in); err != nil || r.Text != in.Article.Title+"\n" {
		t.Errorf("the owner's letter gave %q, %v", r.Text, err)
	}
	files := map[string]bool{}
	for _, f := range s.Files() {
		files[f.Name] = f.Overridden
	}
	for name, want := range map[string]bool{"email/footer.html.tmpl": true, "email/short.txt.tmpl": true, "email/article.html.tmpl": false, "locale/fr.toml": false,
		"email/style.css": false /* a copy without changes */} {
		if got, ok := files[name]; !ok || got != want {
			t.Errorf("%s: overridden %v, listed %v; want %v, listed", name, got, ok, want)
		}
	}
	if _, ok := files["notes.txt"]; ok {
		t.Error("a file outside of the folders is listed")
	}
	if data, err := fs.ReadFile(s.FS(), "email/footer.html.tmpl"); err != nil || !strings.Contains(string(data), "Our own") {
		t.Errorf("FS gives %q, %v", data, err)
	}
	if entries, err := fs.ReadDir(s.FS(), "email"); err != nil || len(entries) < 8 {
		t.Errorf("FS lists %v, %v", entries, err)
	}
}

func TestNoOwnersFolder(t *testing.T) {
	for _, f := range openSet(t, filepath.Join(t.TempDir(), "nowhere")).Files() {
		if f.Overridden {
			t.Errorf("%s is overridden by nothing", f.Name)
		}
	}
}

func TestBadTemplates(t *testing.T) {
	article := builtIn(t, "email/article.html.tmpl")
	before, _, _ := strings.Cut(article, "{{with .Article.Image}}")
	atImage := fmt.Sprintf(":%d", strings.Count(before, "\n")+1)
	tests := map[string]struct {
		name, text string
		line       string
	}{
		"syntax":           {"email/article.html.tmpl", "<p>\n<p>\n{{if .Article.Title}}\n", ":4"},
		"unclosed action":  {"email/article.html.tmpl", "<p>\n{{.Article.Title", ":2"},
		"unknown field":    {"email/article.html.tmpl", "<p>\n\n{{.Article.Titel}}", ":3"},
		"unknown function": {"email/article.html.tmpl", "{{shout .Article.Title}}", ":1"},
		"missing part":     {"email/article.html.tmpl", "<p>\n{{template \"email/nowhere.html.tmpl\" .}}", ":2"},
		"ambiguous HTML":   {"email/article.html.tmpl", "<p>\n<a {{if .Lang}}href=\"{{end}}{{.ViewURL}}\">", ":2"},
		"in a part":        {"email/footer.html.tmpl", "\n{{.Merge.Nothing}}", ":2"},
		"plain text":       {"email/article.txt.tmpl", "a\nb\n{{.Article.Nothing}}", ":3"},
		"page":             {"email/page.html.tmpl", "<p>\n{{.Nothing}}", ":2"},
		"digest":           {"email/digest.html.tmpl", "<p>\n{{range .Sections}}{{.Titel}}{{end}}", ":2"},
		"digest's text":    {"email/digest.txt.tmpl", "{{range .Articles}}\n{{.Titel}}{{end}}", ":2"},
		"notice":           {"email/notice.html.tmpl", "<p>\n{{.Titel}}", ":2"},
		"notice's text":    {"email/notice.txt.tmpl", "\n\n{{.Titel}}", ":3"},
		"proof":            {"email/proof.html.tmpl", "\n{{.Titel}}", ":2"},
		"style":            {"email/style.css", "p { color: {{.Nothing}} }", ":1"},
		"no image":         {"email/article.html.tmpl", strings.Replace(article, "{{with .Article.Image}}", "{{.Article.Image.URL}}{{with .Article.Image}}", 1), atImage},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := own(t, map[string]string{tt.name: tt.text})
			_, err := render.Open(templates.FS, dir, words(t))
			e, ok := errors.AsType[*publisher.Error](err)
			if !ok {
				t.Fatalf("got %v, want a *publisher.Error", err)
			}
			want := filepath.Join(dir, filepath.FromSlash(tt.name)) + tt.line
			if e.Kind != publisher.Invalid || e.Where != want || e.Hint == "" {
				t.Errorf("kind %v, where %q, hint %q; want invalid at %q with a hint\n%v", e.Kind, e.Where, e.Hint, want, err)
			}
			if strings.Count(e.Error(), filepath.Base(tt.name)) > 2 {
				t.Errorf("says where too often: %v", e)
			}
		})
	}
}

func TestBadInput(t *testing.T) {
	s := openSet(t, "")
	tests := map[string]struct {
		change func(*render.MailInput)
		where  string
	}{
		"no such template":    {func(in *render.MailInput) { in.Newsletter.Template = "weekly" }, "newsletters.quotidien.template"},
		"a part is no letter": {func(in *render.MailInput) { in.Newsletter.Template = "footer" }, "newsletters.quotidien.template"},
		"subject syntax":      {func(in *render.MailInput) { in.Newsletter.Subject = "{{.Article.Title" }, "newsletters.quotidien.subject"},
		"subject field":       {func(in *render.MailInput) { in.Newsletter.Subject = "{{.Article.Titel}}" }, "newsletters.quotidien.subject"},
		"empty subject":       {func(in *render.MailInput) { in.Newsletter.Subject = "{{/* */}} \n" }, "newsletters.quotidien.subject"},
		"unknown network":     {func(in *render.MailInput) { in.Blocks.Share = []string{"x", "myspace"} }, "blocks.share.networks[1]"},
		"unknown block":       {func(in *render.MailInput) { in.Blocks.Show = []publisher.Block{"weather"} }, "newsletters.quotidien.blocks"},
		"homeless picture":    {func(in *render.MailInput) { in.MediaURL = nil }, "articles/plan.png"},
		"homeless logo": {func(in *render.MailInput) {
			in.MediaURL, in.Article.Images, in.Article.Body, in.Site.Logo = nil, nil, "", "logo.png"
		}, "logo.png"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := french()
			tt.change(&in)
			_, err := s.Mail(in)
			e, ok := errors.AsType[*publisher.Error](err)
			if !ok || e.Kind != publisher.Invalid || e.Where != tt.where || e.Hint == "" {
				t.Errorf("got %#v, want invalid at %q with a hint", err, tt.where)
			}
		})
	}
}

var message = regexp.MustCompile(`T "([a-z.-]+)"`)

// TestMessagesExist holds that every message that a template of letters names is in
// the catalogue, in every language.
func TestMessagesExist(t *testing.T) {
	c := words(t)
	found := 0
	for _, f := range openSet(t, "").Files() {
		if !strings.HasPrefix(f.Name, "email/") {
			continue
		}
		for _, m := range message.FindAllStringSubmatch(builtIn(t, f.Name), -1) {
			found++
			for _, lang := range c.Languages() {
				if c.For(lang).T(m[1]) == m[1] {
					t.Errorf("%s: no message %q in %s", f.Name, m[1], lang)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d messages found in the templates", found)
	}
	for _, b := range publisher.Blocks() {
		for _, id := range []string{"label", "link"} {
			if id = "block." + string(b) + "." + id; b != publisher.BlockShare && c.For("fr").T(id) == id {
				t.Errorf("no message %q", id)
			}
		}
	}
	for _, n := range render.ShareNetworks() {
		if id := "share." + n; c.For("fr").T(id) == id {
			t.Errorf("no message %q", id)
		}
	}
}
