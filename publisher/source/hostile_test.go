package source_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"crieur/publisher"
	"crieur/publisher/source"
)

// allowed is what may stand in a body, element by element, written down apart from
// the policy that it judges.
var allowed = map[string]string{
	"p": "", "br": "", "hr": "", "h2": "", "h3": "", "h4": "", "h5": "", "h6": "", "blockquote": "cite", "figure": "title", "figcaption": "",
	"ul": "", "ol": "start type", "li": "value start id", "dl": "", "dt": "", "dd": "", "table": "", "caption": "", "thead": "", "tbody": "", "tfoot": "",
	"tr": "", "th": "colspan rowspan scope align", "td": "colspan rowspan align", "pre": "", "code": "", "kbd": "", "samp": "", "var": "",
	"strong": "", "b": "", "em": "", "i": "", "u": "", "s": "", "del": "", "ins": "", "mark": "", "small": "", "sub": "", "sup": "id",
	"q": "cite", "cite": "", "abbr": "title", "dfn": "title", "time": "datetime", "bdi": "", "bdo": "", "ruby": "", "rb": "", "rt": "", "rp": "", "wbr": "",
	"a": "href title", "img": "src alt title width height",
}

// checkArticle holds an article, whatever it was made from, against what every
// reader of one relies on.
func checkArticle(t *testing.T, a publisher.Article) {
	t.Helper()
	for name, s := range map[string]string{"title": a.Title, "lead": a.Lead, "author": a.Author, "warning": a.Warning, "tags": strings.Join(a.Tags, "")} {
		for _, r := range s {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
				t.Errorf("%s holds %U: %q", name, r, s)
			}
		}
		if !utf8.ValidString(s) {
			t.Errorf("%s is not UTF-8: %q", name, s)
		}
	}
	if a.Title == "" || a.Body == "" || a.ID == "" || a.Hash == "" || a.Language == "" || a.Dir == "" {
		t.Errorf("a field is empty: %+v", a)
	}
	if !utf8.ValidString(a.Body) {
		t.Error("the body is not UTF-8")
	}
	for _, u := range []string{a.CanonicalURL, a.OriginalURL} {
		if u != "" && !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
			t.Errorf("address = %q", u)
		}
	}
	for z := html.NewTokenizer(strings.NewReader(a.Body)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.CommentToken, html.DoctypeToken:
			t.Errorf("a comment in the body: %s", z.Raw())
		case html.StartTagToken, html.SelfClosingTagToken:
			checkTag(t, z.Token())
		}
	}
}

func checkTag(t *testing.T, tok html.Token) {
	t.Helper()
	attrs, ok := allowed[tok.Data]
	if !ok {
		t.Errorf("<%s> in the body", tok.Data)
	}
	for _, at := range tok.Attr {
		if !strings.Contains(" "+attrs+" dir lang ", " "+at.Key+" ") {
			t.Errorf("<%s %s=%q> in the body", tok.Data, at.Key, at.Val)
		}
		if at.Key != "href" && at.Key != "src" && at.Key != "cite" {
			continue
		}
		// As browsers do before they look for a scheme.
		v := strings.ToLower(strings.Map(func(r rune) rune {
			if r <= ' ' {
				return -1
			}
			return r
		}, at.Val))
		for _, bad := range []string{"javascript:", "data:", "vbscript:", "file:"} {
			if strings.HasPrefix(v, bad) {
				t.Errorf("<%s %s=%q> in the body", tok.Data, at.Key, at.Val)
			}
		}
	}
}

// The golden file shows what is left; this says that none of it does anything.
func TestHostilePage(t *testing.T) {
	a, err := source.Read(t.Context(), filepath.Join("testdata", "in", "hostile.html"), nil, source.Config{})
	if err != nil {
		t.Fatal(err)
	}
	checkArticle(t, a)
	for _, gone := range []string{"hidden words", "template words", "hunter2", "evil.example\"", "mglyph"} {
		if strings.Contains(a.Body, gone) {
			t.Errorf("%q is left in the body", gone)
		}
	}
	for _, left := range []string{"First paragraph", "Words in a form stay.", "&lt;script&gt;alert(15)", "A block in a link.", "In a custom element."} {
		if !strings.Contains(a.Body, left) {
			t.Errorf("%q is lost from the body:\n%s", left, a.Body)
		}
	}
}

// What checkArticle would not notice, it could not promise.
func TestCheckNotices(t *testing.T) {
	for _, body := range []string{`<script>x</script>`, `<p onclick="x">`, `<a href="JavaScript:x">`, `<a href="&#1;java&#10;script:x">`, `<img src="data:x">`,
		`<p style="x">`, `<iframe src="https://e.example">`, `<!-- x -->`, `<svg>`} {
		probe := &testing.T{}
		checkArticle(probe, publisher.Article{Title: "T", Body: body, ID: "i", Hash: "h", Language: "en", Dir: "ltr"})
		if !probe.Failed() {
			t.Errorf("%s passes", body)
		}
	}
}

func seeds(f *testing.F, more ...string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "in", "*"))
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range more {
		f.Add([]byte(s))
	}
}

func fuzzRead(f *testing.F, format string) {
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := source.Read(t.Context(), "-", bytes.NewReader(data), source.Config{Format: format, SiteURL: "https://e.example"})
		if err != nil {
			if publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
				t.Errorf("kind %v, hint %q: %v", publisher.KindOf(err), publisher.HintOf(err), err)
			}
			return
		}
		checkArticle(t, a)
		again, err := source.Read(t.Context(), "-", bytes.NewReader(data), source.Config{Format: format, SiteURL: "https://e.example"})
		if err != nil || again.Hash != a.Hash || again.ID != a.ID {
			t.Errorf("read again: %v, hash %s and %s", err, a.Hash, again.Hash)
		}
	})
}

func FuzzReadMarkdown(f *testing.F) {
	seeds(f, "# T\n\n<a href='javascript:alert(1)'>x</a> [x](javascript:alert(1)) <javascript:alert(1)> ![x](data:x)\n", "---\ntitle: [a, {b: c}]\ntags: {a: b}\nimage: [{src: [1]}]\ndate: 0\n---\nx",
		"+++\ntitle = 1\n[image]\nsrc = 2\n+++\nx\n\ny", "# T\n\n<svg><p><style><a id=\"</style><img src=1 onerror=alert(1)>\">\n", "# T\n\n| a |\n|:-:|\n| <script>x</script> |\n\n[^1]\n\n[^1]: x\n")
	fuzzRead(f, "markdown")
}

func FuzzReadHTML(f *testing.F) {
	seeds(f, "<title>t</title><math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">x",
		"<title>t</title><form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>x", "<title>t</title><noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">x",
		"<title>t</title><select><template><p>x</template></select><p>y", "<title>t</title><table><a href=javascript:x>y<td>z</table>")
	fuzzRead(f, "html")
}

func FuzzReadText(f *testing.F) {
	seeds(f, "T\n\n<script>x</script>", "T\n\n***\n\nPartagez cet article\n\n***", "T\r\rx\r\n* a\n* b\n1. c\n", "\ufeff\u202eT\u2028\n\nhttps://e.example/\"onclick=x\n")
	fuzzRead(f, "text")
}

func FuzzReadAnything(f *testing.F) {
	seeds(f, "\xff\xfeT\x00\n\x00x\x00", "%PDF-", "---\n---\n", "+++\n+++\n", "---\n: :\n---\nT\n\nx", "<", "\x1b\x24\x42")
	fuzzRead(f, "")
}
