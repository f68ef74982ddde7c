package source_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/source"
)

func readPost(t *testing.T, front, body string) (publisher.Article, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "post.md")
	writeFile(t, path, "---\ntitle: A title\nlang: en\n"+front+"---\nAn opening paragraph of some length, with two sentences. Here is the other.\n\nA second one, which says more of the same thing.\n\n"+body+"\n\nA last paragraph, so that there is a text.\n")
	return source.Read(t.Context(), path, nil, source.Config{SiteURL: "https://gazette.example"})
}

func TestShortcodes(t *testing.T) {
	for name, c := range map[string]struct {
		body, want, not string
		notes           int
	}{
		"figure":          {`{{< figure src="/a.jpg" alt="A &quot;b&quot;" caption="Words" >}}`, `<img src="https://gazette.example/a.jpg"`, "{{", 0},
		"figure, lines":   {"{{< figure\n  src=\"/a.jpg\"\n  alt=\"A\"\n>}}", `alt="A"`, "{{", 0},
		"figure, script":  {`{{< figure src="javascript:alert(1)" alt="A" caption="<script>alert(1)</script>" >}}`, "A last paragraph", "<script", 0},
		"youtube":         {`See {{< youtube abc >}}.`, `href="https://www.youtube.com/watch?v=abc"`, "{{", 0},
		"youtube by id":   {`{{< youtube id="a&b" title="A film" >}}`, `>A film</a>`, "{{", 0},
		"vimeo":           {`{{< vimeo 55073825 >}}`, `https://vimeo.com/55073825`, "{{", 0},
		"tweet":           {`{{< tweet user="SanDiegoZoo" id="14536" >}}`, `https://x.com/SanDiegoZoo/status/14536`, "{{", 0},
		"gist":            {`{{< gist spf13 7896402 >}}`, `https://gist.github.com/spf13/7896402`, "{{", 0},
		"highlight":       {"{{< highlight go >}}\nfmt.Println(\"<b>\")\n{{< /highlight >}}", "fmt.Println(&#34;&lt;b&gt;&#34;)", "{{", 0},
		"reference":       {`[the post]({{< ref "other.md" >}})`, "the post", "<a", 1},
		"param":           {`By {{< param author >}}.`, "By Jo.", "{{", 0},
		"unknown":         {`{{< map lat=1 lon=2 >}}`, "A last paragraph", "lat", 1},
		"unknown, twice":  {"{{< map 1 >}}\n\n{{< map 2 >}}", "A last paragraph", "map", 1},
		"pair":            {"{{% notice %}}\nIt is **closed**.\n{{% /notice %}}", "<strong>closed</strong>", "notice", 0},
		"shown as it is":  {`Write {{</* youtube x */>}}.`, "{{&lt; youtube x &gt;}}", "href", 0},
		"nothing but one": {`A {{ .Title }} and {{< never closed`, "{{ .Title }}", "<a", 0},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := readPost(t, "author: Jo\n", c.body)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(a.Body, c.want) || strings.Contains(a.Body, c.not) {
				t.Errorf("want %q, and no %q, in\n%s", c.want, c.not, a.Body)
			}
			if len(a.Notes) != c.notes {
				t.Errorf("notes: %q, want %d", a.Notes, c.notes)
			}
		})
	}
}

func TestWants(t *testing.T) {
	for name, c := range map[string]struct {
		front string
		want  *publisher.Wants
		wrong string
	}{
		"nothing":   {"", nil, ""},
		"true":      {"publish: true\n", nil, ""},
		"false":     {"publish: false\n", &publisher.Wants{Skip: true}, ""},
		"all":       {"publish: {newsletters: [a, b], channels: c, slot: next}\n", &publisher.Wants{Newsletters: []string{"a", "b"}, Channels: []string{"c"}, Slot: "next"}, ""},
		"moment":    {"publish: {at: 2026-03-01 18:30}\n", &publisher.Wants{At: time.Date(2026, 3, 1, 18, 30, 0, 0, time.UTC)}, ""},
		"zone":      {"publish: {at: 2026-03-01T18:30:00+01:00}\n", &publisher.Wants{At: time.Date(2026, 3, 1, 17, 30, 0, 0, time.UTC)}, ""},
		"no moment": {"publish: {at: tomorrow}\n", nil, "is no date"},
		"two":       {"publish: {at: 2026-03-01 18:30, slot: next}\n", nil, "both say when"},
		"unknown":   {"publish: {chanels: [a]}\n", nil, `unknown key "chanels"`},
		"word":      {"publish: later\n", nil, "neither a map"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := readPost(t, c.front, "A text.")
			switch {
			case c.wrong == "" && err != nil:
				t.Fatal(err)
			case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), "post.md:4: ") || !strings.Contains(err.Error(), c.wrong)):
				t.Fatalf("error: %v, want one about %q on line 4", err, c.wrong)
			case c.wrong == "":
				if d := cmp.Diff(c.want, a.Wants); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// Whatever stands between braces, an article is read or refused, and no tag of Hugo's is
// left to be taken for HTML.
func FuzzShortcodes(f *testing.F) {
	for _, s := range []string{`{{< figure src="a" alt="b" >}}`, "{{< highlight go >}}x{{< /highlight >}}", `{{</* a */>}}`, `{{< a b="`, "{{%\n%}}", `{{< youtube "><script>alert(1)</script> >}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := source.Read(t.Context(), "-", strings.NewReader("---\ntitle: T\n---\n"+s), source.Config{Format: "markdown"})
		if err != nil {
			if publisher.KindOf(err) != publisher.Invalid {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if strings.Contains(strings.ToLower(a.Body), "<script") || strings.Contains(a.Body, "javascript:alert") && strings.Contains(a.Body, `href="javascript:`) {
			t.Errorf("%q gave %s", s, a.Body)
		}
	})
}
