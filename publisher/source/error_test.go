package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/source"
)

// What cannot be read says where, and what to do about it.
func TestRefusedFiles(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }
	const text = "\n\nOne paragraph. It has two sentences.\n"
	for name, c := range map[string]struct {
		file, content string
		conf          source.Config
		where, says   string
	}{
		"empty":                          {"a.md", "", source.Config{}, "a.md", "empty"},
		"only white space":               {"a.txt", " \n\t\n\u00A0", source.Config{}, "a.txt", "no title|empty"},
		"title without body":             {"a.txt", "A title\n", source.Config{}, "a.txt", "no text"},
		"title twice without body":       {"a.txt", "A title\n\nA title\n", source.Config{}, "a.txt", "no text"},
		"markdown title without body":    {"a.md", "# A title\n\n***\n", source.Config{}, "a.md", "no text"},
		"front matter without body":      {"a.md", "---\ntitle: T\n---\n", source.Config{}, "a.md", "no text"},
		"html with nothing but a script": {"a.html", "<title>T</title><script>alert(1)</script>", source.Config{}, "a.html", "no text"},
		"no title":                       {"a.md", "- a list\n- and no title\n", source.Config{}, "a.md", "no title"},
		"a paragraph for a title":        {"a.txt", strings.Repeat("Much too long for a title. ", 20) + text, source.Config{}, "a.txt", "no title"},
		"front matter not closed":        {"a.md", "---\ntitle: T\n\ntext\n", source.Config{}, "a.md:1", "not closed"},
		"yaml, wrong indent":             {"a.md", "---\ntitle: T\n  description: D\ntags: x\n---" + text, source.Config{}, "a.md:3", "front matter"},
		"yaml, open quote":               {"a.md", "---\ntitle: T\ndate: 2026-01-01\nauthor: \"Ann\ntags: x\n---" + text, source.Config{}, "a.md:4", "front matter"},
		"yaml, a tab":                    {"a.md", "---\ntitle: T\n\tauthor: Ann\n---" + text, source.Config{}, "a.md:3", "front matter"},
		"yaml, a key twice":              {"a.md", "---\ntitle: T\nauthor: Ann\ntitle: U\n---" + text, source.Config{}, "a.md:4", `"title" stands twice`},
		"yaml, no keys":                  {"a.md", "---\njust words\n---" + text, source.Config{}, "a.md:2", "no keys"},
		"yaml, a bomb":                   {"a.md", "---\n" + bomb() + "title: *i\n---" + text, source.Config{}, "", "front matter|no title"},
		"toml, no value":                 {"a.md", "+++\ntitle = 'T'\nauthor =\n+++" + text, source.Config{}, "a.md:3", "front matter"},
		"toml, open quote":               {"a.md", "+++\ntitle = 'T\n+++" + text, source.Config{}, "a.md:2", "front matter"},
		"a date in words":                {"a.md", "---\ntitle: T\ndate: next Tuesday\n---" + text, source.Config{}, "a.md:3", `date "next Tuesday"`},
		"a language in words":            {"a.md", "---\ntitle: T\nlang: français\n---" + text, source.Config{}, "a.md:3", `language "français"`},
		"a canonical address, relative":  {"a.md", "---\ntitle: T\ncanonical_url: /x\n---" + text, source.Config{}, "a.md:3", "canonical address"},
		"a canonical address, script":    {"a.md", "---\ntitle: T\ncanonical: javascript:alert(1)\n---" + text, source.Config{SiteURL: "https://e.example"}, "a.md:3", "canonical address"},
		"an original address, malformed": {"a.md", "---\ntitle: T\noriginal_url: https://\n---" + text, source.Config{}, "a.md:3", "original address"},
		"a draft":                        {"a.md", "---\ntitle: T\ndraft: true\n---" + text, source.Config{}, "a.md:3", "draft"},
		"a draft in toml":                {"a.md", "+++\ntitle = 'T'\n\ndraft = true\n+++" + text, source.Config{}, "a.md:4", "draft"},
		"jekyll's unpublished":           {"a.md", "---\npublished: false\ntitle: T\n---" + text, source.Config{}, "a.md:2", "not published"},
		"expired":                        {"a.md", "---\ntitle: T\nexpiryDate: 2026-05-31\n---" + text, source.Config{Now: now}, "a.md:3", "expired on 2026-05-31"},
		"not yet published":              {"a.md", "---\ntitle: T\npublishDate: 2026-06-02\n---" + text, source.Config{Now: now}, "a.md:3", "not to be published before"},
		"an embargo that is no time":     {"a.md", "---\ntitle: T\npublish_at: soon\n---" + text, source.Config{}, "a.md:3", "before which nothing goes out"},
		"binary":                         {"a.bin", "\x7fELF\x02\x01\x01\x00\x00\x00" + strings.Repeat("\x00\x01", 200), source.Config{}, "a.bin", "binary"},
		"binary, named as text":          {"a.txt", "\x89PNG\r\n\x1a\n" + strings.Repeat("\x03\x02", 99), source.Config{}, "a.txt", "binary"},
		"pdf":                            {"a.pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", source.Config{}, "a.pdf", "binary"},
		"a word processor's":             {"a.docx", "PK\x03\x04\x14\x00\x06\x00", source.Config{}, "a.docx", "binary"},
		"utf-32":                         {"a.txt", "\xff\xfe\x00\x00A\x00\x00\x00", source.Config{}, "a.txt", "UTF-32|binary"},
		"markdown that is not utf-8":     {"a.md", "# Caf\xe9\n\ntext\n", source.Config{}, "a.md:1", "not UTF-8"},
		"shift jis":                      {"a.txt", "title\n\n\x82\xb1\x82\xea\x82\xcd\x81\x41\x83\x65\x83\x58\x83\x67\x81\x42\n", source.Config{}, "a.txt:3", "neither UTF-8 nor"},
		"larger than allowed":            {"a.txt", "A title\n\n" + strings.Repeat("text. ", 100), source.Config{MaxBytes: 100}, "a.txt", "larger|most"},
		"nested without end":             {"a.html", "<title>T</title>" + strings.Repeat("<div>", 600) + "x", source.Config{}, "a.html", "cannot be read"},
		"unknown format":                 {"a.txt", "A title" + text, source.Config{Format: "docx"}, "format", `no format "docx"`},
		"unknown language":               {"a.txt", "A title" + text, source.Config{DeclaredLanguage: "french"}, "language", "not known"},
		"a pattern without a match":      {"a.txt", "A title" + text, source.Config{Patterns: []source.Pattern{{Name: "x"}}}, "article.patterns", "matches nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, c.file, c.content, c.conf)
			wantError(t, err, publisher.Invalid, c.where, c.says)
		})
	}
}

// bomb is front matter of a few hundred bytes that would unfold to gigabytes.
func bomb() string {
	var b strings.Builder
	b.WriteString("a: &a [x,x,x,x,x,x,x,x,x]\n")
	for i := 'b'; i <= 'i'; i++ {
		p := "*" + string(i-1)
		b.WriteString(string(i) + ": &" + string(i) + " [" + strings.TrimSuffix(strings.Repeat(p+",", 9), ",") + "]\n")
	}
	return b.String()
}

func TestRefusedPlaces(t *testing.T) {
	dir := t.TempDir()
	_, err := source.Read(t.Context(), filepath.Join(dir, "nothing.md"), nil, source.Config{})
	wantError(t, err, publisher.NotFound, "nothing.md", "no such file")
	_, err = source.Read(t.Context(), dir, nil, source.Config{})
	wantError(t, err, publisher.Invalid, dir, "folder")
	_, err = source.Read(t.Context(), "ftp://e.example/a.md", nil, source.Config{})
	wantError(t, err, publisher.Invalid, "ftp://e.example/a.md", "kind of address")
	_, err = source.Read(t.Context(), "-", strings.NewReader("\n"), source.Config{})
	wantError(t, err, publisher.Invalid, "standard input", "nothing to read")
	_, err = source.Read(t.Context(), "-", nil, source.Config{})
	wantError(t, err, publisher.Invalid, "standard input", "nothing to read")
	_, err = source.Read(t.Context(), "-", &endless{}, source.Config{MaxBytes: 1000})
	wantError(t, err, publisher.Invalid, "standard input", "larger than 1000 bytes")
}

type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > 1<<20 {
		return 0, errors.New("read on and on")
	}
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// A file of 50 MB is refused by its size alone: this one has no blocks to read,
// and reading it would take as long as it takes to see.
func TestLargeFileIsNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.txt")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(50 << 20); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0); err != nil { // to open it would be another error, save for root
		t.Fatal(err)
	}
	allocated := testing.AllocsPerRun(1, func() {
		_, err = source.Read(t.Context(), path, nil, source.Config{})
	})
	wantError(t, err, publisher.Invalid, "large.txt", "has 50 MiB, and 10 MiB is the most")
	if allocated > 200 {
		t.Errorf("%v allocations to refuse a file by its size", allocated)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := source.Read(ctx, "-", strings.NewReader("A title\n\nA text.\n"), source.Config{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled in it", err)
	}
}

// Standard input has no name to tell its format by.
func TestSniffing(t *testing.T) {
	for name, c := range map[string]struct {
		in, format string
		title      string
		body       string
	}{
		"text":                        {"A title\n\nA text with 2 * 3 * 4 and a_b_c.\n", "", "A title", "<p>A text with 2 * 3 * 4 and a_b_c.</p>"},
		"text under a rule":           {"---\n\nA title\n\nA text. It goes on.\n", "", "A title", "<p>A text. It goes on.</p>"},
		"text with rules for fences":  {"---\nA title\n---\n\nA text. It goes on.\n", "", "A title", "<p>A text. It goes on.</p>"},
		"markdown by its heading":     {"# A title\n\nA *text*. It goes on.\n", "", "A title", "<p>A <em>text</em>. It goes on.</p>"},
		"markdown by a link":          {"A title\n\nA [text](https://e.example/). It goes on.\n", "", "A title", `<p>A <a href="https://e.example/">text</a>. It goes on.</p>`},
		"markdown by front matter":    {"---\ntitle: A title\n---\nA *text*. It goes on.\n", "", "A title", "<p>A <em>text</em>. It goes on.</p>"},
		"html by a doctype":           {"<!DOCTYPE html><title>A title</title><p>A text. It goes on.", "", "A title", "<p>A text. It goes on.</p>"},
		"html by an element":          {"\n <h1>A title</h1><p>A text. It goes on.", "", "A title", "<p>A text. It goes on.</p>"},
		"told to be text":             {"A title\n\nA *text* <b>here</b>. It goes on.\n", "text", "A title", "<p>A *text* &lt;b&gt;here&lt;/b&gt;. It goes on.</p>"},
		"told to be markdown":         {"A title\n\nA *text*. It goes on.\n", "markdown", "A title", "<p>A <em>text</em>. It goes on.</p>"},
		"told to be html":             {"A title<p>A text. It goes on.\n", "html", "A title", "<p>A text. It goes on.</p>"},
		"a byte order mark":           {"\ufeffA title\n\nA text. It goes on.\n", "", "A title", "<p>A text. It goes on.</p>"},
		"a title that is underlined":  {"A title\n=======\n\nA text. It goes on.\n", "", "A title", "<p>A text. It goes on.</p>"},
		"a title right above a text":  {"A title\nA text, long enough to be one. It goes on, and on.\n", "", "A title", "<p>A text, long enough to be one. It goes on, and on.</p>"},
		"a title on two lines":        {"A title that was wrapped by someone\nbecause it is long\n\nA text. It goes on.\n", "", "A title that was wrapped by someone because it is long", "<p>A text. It goes on.</p>"},
		"a web address":               {"A title\n\nSee https://e.example/a_(b)?c=1&d=2. It goes on.\n", "text", "A title", `<p>See <a href="https://e.example/a_(b)?c=1&amp;d=2">https://e.example/a_(b)?c=1&amp;d=2</a>. It goes on.</p>`},
		"a list, numbered":            {"A title\n\n1. one\n2. two\n", "", "A title", "<ol><li>one</li><li>two</li></ol>"},
		"a list":                      {"A title\n\n• one\n• two\n", "", "A title", "<ul><li>one</li><li>two</li></ul>"},
		"speech after a dash":         {"Un titre\n\n— Est-ce fini ? demanda-t-elle.\n", "", "Un titre", "<p>— Est-ce fini ? demanda-t-elle.</p>"},
		"verse":                       {"A title\n\nThe tide goes out,\nthe boat stays in.\nNobody minds.\n", "", "A title", "<p>The tide goes out,<br/>the boat stays in.<br/>Nobody minds.</p>"},
		"control characters in a row": {"A\x07 ti\u202Etle\n\nA \x00te\x01xt\u202E. It goes on.\n", "text", "A title", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := source.Read(t.Context(), "-", strings.NewReader(c.in), source.Config{Format: c.format})
			if c.body == "" {
				wantError(t, err, publisher.Invalid, "standard input", "binary")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.Title != c.title {
				t.Errorf("title = %q, want %q", a.Title, c.title)
			}
			if a.Body != c.body {
				t.Errorf("body = %s\nwant   %s", a.Body, c.body)
			}
		})
	}
}

// What would keep the parser busy for minutes is refused at its line; what is only
// long is read.
func TestTangledMarkdown(t *testing.T) {
	const many = 100_000
	for name, text := range map[string]string{
		"quotes":          strings.Repeat(">", many) + " x",
		"quotes, apart":   strings.Repeat("> ", many) + "x",
		"lists":           strings.Repeat("- ", many) + "x",
		"numbered lists":  strings.Repeat("1. ", many) + "x",
		"brackets":        strings.Repeat("[", many),
		"links":           strings.Repeat("[a](<b", many),
		"links, by line":  strings.Repeat("[a](<b\n", many),
		"emphases":        strings.Repeat("**a_", many),
		"a table, wide":   strings.Repeat("|a", 2000) + "|\n" + strings.Repeat("|-", 2000) + "|\n" + strings.Repeat("|x|\n", 500),
		"notes":           strings.Repeat("[^1] ", many) + "\n\n[^1]: x",
		"after some code": "```\n" + strings.Repeat("[", many) + "\n```\n" + strings.Repeat("[", many),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, "a.md", around+text+"\n", source.Config{})
			wantError(t, err, publisher.Invalid, "", "too tangled")
			if !strings.Contains(err.Error(), "a.md:") {
				t.Errorf("error without a line: %v", err)
			}
		})
	}
	long := around + strings.Repeat("A *paragraph* with a [link](https://e.example/) and `code`. It goes on.\n\n", 5000) +
		"```\n" + strings.Repeat("a[i] = b[j] * c_d\n", 5000) + "```\n\n" + strings.Repeat("* * * ", 50) + "\n\n" +
		"| a | b |\n|---|---|\n" + strings.Repeat("| 1 | 2 |\n", 2000)
	if _, err := read(t, "a.md", long, source.Config{}); err != nil {
		t.Error(err)
	}
}
