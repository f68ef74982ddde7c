package render_test

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"crieur/publisher"
	"crieur/publisher/render"
)

func mail(t testing.TB, in render.MailInput) publisher.Rendering {
	t.Helper()
	r, err := openSet(t, "").Mail(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func page(t testing.TB, in render.MailInput) string {
	t.Helper()
	p, err := openSet(t, "").Page(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

// attributes lists the values that an attribute has in a document, in order.
func attributes(t testing.TB, document, key string) []string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == key {
				values = append(values, a.Val)
			}
		}
	}
	return values
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// withBody is a bare French letter with a text of its own.
func withBody(body string) render.MailInput {
	in := french()
	in.Article.Body, in.Article.Image, in.Blocks = body, nil, render.Blocks{}
	return in
}

func TestMergeMarkers(t *testing.T) {
	in := french()
	r := mail(t, in)
	if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(r.Nonce) {
		t.Errorf("nonce %q", r.Nonce)
	}
	for _, f := range []publisher.MergeField{publisher.MergeEmail, publisher.MergeSince, publisher.MergeUnsubscribe, publisher.MergePreferences, publisher.MergeView} {
		for part, text := range map[string]string{"HTML": r.HTML, "text": r.Text} {
			if !strings.Contains(text, publisher.Marker(r.Nonce, f)) {
				t.Errorf("no marker for %s in the %s", f, part)
			}
		}
	}
	hrefs := attributes(t, r.HTML, "href")
	for _, f := range []publisher.MergeField{publisher.MergeUnsubscribe, publisher.MergePreferences, publisher.MergeView} {
		if !contains(hrefs, publisher.Marker(r.Nonce, f)) {
			t.Errorf("no link is the marker of %s", f)
		}
	}
	for _, h := range hrefs {
		if strings.Contains(h, "crieurmerge") && !strings.HasPrefix(h, "crieurmerge") {
			t.Errorf("a marker stands within a link: %s", h)
		}
	}
	if p := page(t, in); strings.Contains(p, "crieurmerge") {
		t.Error("the public copy holds a merge marker")
	}
}

func TestMarkerInArticle(t *testing.T) {
	in := french()
	nonce := mail(t, in).Nonce
	in.Article.Body += "<p>" + publisher.Marker(nonce, publisher.MergeEmail) + "</p>"
	r := mail(t, in)
	if r.Nonce == nonce {
		t.Fatalf("the nonce is still %s, which stands in the article", nonce)
	}
	if !strings.Contains(r.Text, publisher.Marker(nonce, publisher.MergeEmail)) {
		t.Error("the article's own text was changed")
	}
	in.Article.Hash = "other"
	if other := mail(t, in).Nonce; other == r.Nonce {
		t.Error("another article has the same nonce")
	}
}

func TestLinks(t *testing.T) {
	tests := map[string]struct{ href, want string }{
		"relative":           {"/dossier?a=1#b", "https://www.gazette.example/dossier?a=1?utm_medium=email#b"},
		"to a page beside":   {"autre", "https://www.gazette.example/2026/autre?utm_medium=email"},
		"the site's own":     {"https://gazette.example/x", "https://gazette.example/x?utm_medium=email"},
		"another site":       {"https://ailleurs.example/gazette.example", "https://ailleurs.example/gazette.example"},
		"looks like it":      {"https://gazette.example.evil.example/", "https://gazette.example.evil.example/"},
		"without scheme":     {"//ailleurs.example/x", "https://ailleurs.example/x"},
		"address":            {"mailto:a@b.example", "mailto:a@b.example"},
		"script":             {"javascript:alert(1)", ""},
		"script in disguise": {"\x01java\nscript:alert(1)", ""},
		"data":               {"data:text/html,x", ""},
		"file":               {"file:///etc/passwd", ""},
		"note":               {"#fn1", "#fn1"},
		"no such note":       {"#fn2", "https://www.gazette.example/2026/halle?utm_medium=email#fn2"},
		"broken":             {"http://[::1", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := withBody(`<p id="fn1"><a id="it" href="` + html.EscapeString(tt.href) + `">texte</a></p>`)
			r := mail(t, in)
			doc, err := html.Parse(strings.NewReader(r.HTML))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for n := range doc.Descendants() {
				values := map[string]string{}
				for _, a := range n.Attr {
					values[a.Key] = a.Val
				}
				if values["id"] == "it" {
					got = values["href"]
				}
			}
			if got != tt.want {
				t.Errorf("%q leads to %q, want %q", tt.href, got, tt.want)
			}
			if !strings.Contains(r.Text, "texte") {
				t.Error("the link's text is lost")
			}
		})
	}
}

func TestNoBase(t *testing.T) {
	in := withBody(`<p><a href="/nowhere">texte</a></p>`)
	in.Article.CanonicalURL, in.Site.URL = "", ""
	if hrefs := attributes(t, mail(t, in).HTML, "href"); contains(hrefs, "/nowhere") {
		t.Errorf("a link leads nowhere: %q", hrefs)
	}
}

func TestPictures(t *testing.T) {
	lead := publisher.Image{URL: "https://gazette.example/une.jpg", Alt: "La une", Caption: "Légende", Credit: "Photo X"}
	local := publisher.Image{Path: "/site/content/post/img/plan é.png", Alt: "Plan"}
	tests := map[string]struct {
		body string
		want []string // src and alt of all pictures
	}{
		"lead above the text":    {`<p>a</p>`, []string{"https://gazette.example/une.jpg La une"}},
		"lead within the text":   {`<p>a</p><p><img src="https://gazette.example/une.jpg"></p>`, []string{"https://gazette.example/une.jpg La une"}},
		"local":                  {`<p><img src="img/plan%20%C3%A9.png"></p>`, []string{"https://gazette.example/une.jpg La une", "https://lettres.example/media/plan é.png Plan"}},
		"local, from here":       {`<p><img src="./img/plan é.png" alt="Autre"></p>`, []string{"https://gazette.example/une.jpg La une", "https://lettres.example/media/plan é.png Autre"}},
		"relative to the page":   {`<p><img src="b.png"></p>`, []string{"https://gazette.example/une.jpg La une", "https://www.gazette.example/2026/b.png "}},
		"not the end of a name":  {`<p><img src="plan.png"></p>`, []string{"https://gazette.example/une.jpg La une", "https://www.gazette.example/2026/plan.png "}},
		"in a link":              {`<p><a href="https://a.example"><img src="https://a.example/b.png" alt="b"></a></p>`, []string{"https://gazette.example/une.jpg La une", "https://a.example/b.png b"}},
		"in a figure of its own": {`<figure><img src="https://a.example/b.png" alt="b"><figcaption>c</figcaption></figure>`, []string{"https://gazette.example/une.jpg La une", "https://a.example/b.png b"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := withBody(tt.body)
			in.Article.Image, in.Article.Images = &lead, []publisher.Image{local}
			var got []string
			r := mail(t, in)
			alts := attributes(t, r.HTML, "alt")
			for i, src := range attributes(t, r.HTML, "src") {
				unescaped, err := url.PathUnescape(src)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, unescaped+" "+alts[i])
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			for what, text := range map[string]string{"HTML": r.HTML, "page": page(t, in)} {
				if strings.Count(text, "Légende") != 1 || strings.Count(text, "Photo X") != 1 {
					t.Errorf("%s: caption or credit is missing or stands twice", what)
				}
			}
			if strings.Contains(r.HTML, "<figure") {
				t.Error("a figure is left in the mail")
			}
		})
	}
}

func TestText(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"paragraphs":         {"<p>un\n deux</p><p>trois</p>", "un deux\n\ntrois"},
		"line break":         {"<p>un<br>deux</p>", "un\ndeux"},
		"headings":           {"<h1>Un</h1><h3>Deux</h3><p>a</p>", "Un\n--\n\nDeux\n----\n\na"},
		"links":              {`<p><a href="https://a.example">un</a>, <a href="https://b.example">deux</a>, <a href="https://a.example">trois</a>.</p>`, "un\u00a0[1], deux\u00a0[2], trois\u00a0[1].\n\nLiens\n\n[1] https://a.example\n[2] https://b.example"},
		"bare link":          {`<p><a href="https://a.example">https://a.example</a></p>`, "https://a.example"},
		"list":               {"<ul><li>un</li><li>deux</li></ul>", "- un\n- deux"},
		"numbered":           {`<ol start="9"><li>un</li><li>deux</li></ol>`, "9. un\n10. deux"},
		"nested list":        {"<ul><li>un<ul><li>a</li><li>b</li></ul></li><li>deux</li></ul>", "- un\n  - a\n  - b\n- deux"},
		"list of paragraphs": {"<ul><li><p>un</p><p>deux</p></li><li><p>trois</p></li></ul>", "- un\n\n  deux\n- trois"},
		"quote":              {"<blockquote><p>un</p><p>deux</p></blockquote><p>trois</p>", "> un\n>\n> deux\n\ntrois"},
		"code":               {"<pre><code>a ? b\n  c</code></pre>", "    a ? b\n      c"},
		"rule":               {"<p>a</p><hr><p>b</p>", "a\n\n* * *\n\nb"},
		"table":              {"<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table>", "a | b\n1 | 2\n3 | 4"},
		"picture":            {`<p><img src="https://a.example/b.png" alt="Une « halle »"></p>`, "[Image\u00a0: Une «\u00a0halle\u00a0»]"},
		"silent picture":     {`<p>a <img src="https://a.example/b.png"> b</p>`, "a b"},
		"text alone":         {"un", "un"},
		"entities":           {"<p>a &lt;b&gt; &amp; c</p>", "a <b> & c"},
		"inline":             {"<p><b>un</b><i>deux</i> <code>trois</code></p>", "undeux trois"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := withBody(tt.body)
			in.Article.Lead, in.Article.Author = "", ""
			in.Article.Images = nil
			text := mail(t, in).Text
			_, text, _ = strings.Cut(text, "====\n\n")
			text, _, _ = strings.Cut(text, "\n\n========")
			if diff := cmp.Diff(tt.want, text); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTextIsWrapped(t *testing.T) {
	for name, in := range map[string]render.MailInput{"fr": french(), "en": english(), "ar": arabic()} {
		for line := range strings.Lines(mail(t, in).Text) {
			line = strings.TrimRight(line, "\n")
			if render.TextWidth(line) > render.TextColumns && strings.Contains(strings.TrimSpace(line), " ") && !strings.Contains(line, "http") && !strings.Contains(line, "crieurmerge") {
				t.Errorf("%s: %d columns: %q", name, render.TextWidth(line), line)
			}
		}
	}
}

// TestFrenchLinesHold holds that no line of a French letter or page can end before a
// high sign or inside « ».
func TestFrenchLinesHold(t *testing.T) {
	in := french()
	in.Article.Body += `<p>Qui <a href="https://a.example/">vient</a> ? « <em>Moi</em> » : voici ; oui !</p><p>Ligne
: deux</p>`
	bad := regexp.MustCompile(`[ \n](?:[;!?»]|:(?:[ \n<]|$))|«[ \n]`)
	r := mail(t, in)
	for what, text := range map[string]string{"subject": r.Subject, "preheader": r.Preheader, "HTML": proseOf(t, r.HTML), "text": r.Text, "page": proseOf(t, page(t, in))} {
		text = strings.ReplaceAll(text, "a ? b : c", "") // code
		if at := bad.FindStringIndex(text); at != nil {
			t.Errorf("%s: a line can break in %q", what, text[max(0, at[0]-20):min(len(text), at[1]+20)])
		}
	}
}

// proseOf gives the text of a document without styles.
func proseOf(t testing.TB, document string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" && strings.TrimSpace(n.Data) != "" {
			b.WriteString(n.Data)
		}
	}
	return b.String()
}

// TestLongArticle holds that ten thousand words still make one letter that Gmail
// does not cut.
func TestLongArticle(t *testing.T) {
	in := withBody(strings.Repeat("<p>"+strings.Repeat("Une halle sans marché n’est qu’un toit. ", 12)+"</p>", 120))
	r := mail(t, in)
	if overhead := len(r.HTML) - len(in.Article.Body); overhead > 20_000 {
		t.Errorf("%d bytes around %d of text", overhead, len(in.Article.Body))
	}
}

func TestSameInputSameLetter(t *testing.T) {
	s := openSet(t, "")
	want, err := s.Mail(french())
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := s.Mail(french())
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if _, err := s.Page(french()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(want.Hash) != 64 || want.IssueID != "" || want.Channel != "" || !want.Created.IsZero() {
		t.Errorf("hash %q, issue %q, channel %q, created %v", want.Hash, want.IssueID, want.Channel, want.Created)
	}
	in := french()
	in.Blocks.Donate.Text += "."
	if r := mail(t, in); r.Hash == want.Hash {
		t.Error("another letter has the same hash")
	}
}

func TestSubject(t *testing.T) {
	tests := map[string]struct{ template, want string }{
		"none":      {"", "Titre\u202f?"},
		"all":       {"{{.Site.Name}}, {{.Newsletter.Title}}, {{.Date}}", "La Gazette du Marais, Le quotidien, mardi 1er décembre 2026"},
		"line ends": {"{{.Article.Title}}\r\nBcc: x@y.example", "Titre\u202f? Bcc: x@y.example"},
	}
	for name, tt := range tests {
		in := withBody("<p>a</p>")
		in.Article.Title, in.Newsletter.Subject = "Titre ?", tt.template
		if got := mail(t, in).Subject; got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestPreheader(t *testing.T) {
	in := withBody("<h2>Titre</h2><p>Un <b>début</b> : voici.</p><p>Fin.</p>")
	if got := mail(t, in).Preheader; got != in.Article.Lead[:strings.Index(in.Article.Lead, " :")]+"" && !strings.HasPrefix(got, "Détruite") {
		t.Errorf("with a lead: %q", got)
	}
	in.Article.Lead = ""
	if got, want := mail(t, in).Preheader, "Un début\u00a0: voici."; got != want {
		t.Errorf("without a lead: %q, want %q", got, want)
	}
	in.Article.Lead = strings.Repeat("mot ", 100)
	if got := mail(t, in).Preheader; render.TextWidth(got) > 140 || !strings.HasSuffix(got, "mot…") {
		t.Errorf("a long lead: %q", got)
	}
}
