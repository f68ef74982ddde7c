package render_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"crieur/publisher"
	"crieur/publisher/render"
)

const hostile = "\"><script>alert(1)</script><img src=x onerror=alert(2)>\r\nBcc: a@b.example\x00' javascript:alert(3) {{.Merge.Email}} </style></title><!--"

// hostileInput has an attack in every text that a stranger, or an owner's typing
// error, can put there.
func hostileInput(s string) render.MailInput {
	in := english()
	a := &in.Article
	a.Title, a.Lead, a.Author, a.Tags, a.Warning = s, s, s, []string{s}, s
	a.Image = &publisher.Image{URL: "https://a.example/b.png", Alt: s, Caption: s, Credit: s}
	in.Site.Name, in.Site.Sender, in.Site.PostalAddress, in.Site.Accent = s, s, s, s
	in.Newsletter.Title, in.Newsletter.Subject = s, "{{.Newsletter.Title}} {{.Article.Title}} {{.Site.Name}}"
	in.Blocks.Sponsors = []render.Sponsor{{Name: s, Text: s, URL: "javascript:alert(4)", Alt: s, Image: "https://a.example/c.png"}}
	in.Blocks.Subscribe = render.LinkBlock{Text: s, URL: "javascript:alert(5)"}
	in.Blocks.Donate = render.LinkBlock{Text: s, URL: "data:text/html,<script>alert(6)</script>"}
	in.Site.PrivacyURL = "vbscript:x"
	in.Article.OriginalURL = "javascript:alert(7)"
	return in
}

func TestHostileTexts(t *testing.T) {
	in := hostileInput(hostile)
	r := mail(t, in)
	harmless(t, "HTML", r.HTML)
	harmless(t, "page", page(t, in))
	for what, line := range map[string]string{"subject": r.Subject, "preheader": r.Preheader} {
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("the %s holds a control character: %q", what, line)
		}
	}
	if strings.ContainsFunc(strings.ReplaceAll(r.Text, "\n", ""), unicode.IsControl) {
		t.Errorf("the text holds a control character: %q", r.Text)
	}
	if strings.Count(r.Text, publisher.Marker(r.Nonce, publisher.MergeEmail)) != 1 {
		t.Error("an article's text was taken for a template")
	}
}

// harmless holds that a document runs nothing: no script, no handler, no address but
// of the schemes that mails need.
func harmless(t *testing.T, what, document string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		switch n.Data {
		case "script", "iframe", "object", "embed", "form", "base", "link":
			if n.Type == html.ElementNode && (n.Data != "link" || attributeOf(n, "rel") != "canonical") {
				t.Errorf("%s: <%s>", what, n.Data)
			}
		}
		if n.Type == html.CommentNode && !strings.HasPrefix(n.Data, "[if mso]>") {
			t.Errorf("%s: a comment: %q", what, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s: %s=%q", what, a.Key, a.Val)
			}
			if a.Key != "href" && a.Key != "src" {
				continue
			}
			scheme, _, ok := strings.Cut(a.Val, ":")
			if ok && scheme != "https" && scheme != "http" && scheme != "mailto" {
				t.Errorf("%s: %s=%q", what, a.Key, a.Val)
			}
		}
	}
}

func attributeOf(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// FuzzMail holds the same for any text, and that a letter never fails for a text.
func FuzzMail(f *testing.F) {
	for _, s := range []string{hostile, "Titre : « oui » ?", "\u202e\u2066x", "[if mso]>", "-->", "<![endif]-->", "crieurmerge", "\xff\xfe"} {
		f.Add(s)
	}
	s := openSet(f, "")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.TrimFunc(render.OneLine(text), unicode.IsSpace) == "" {
			t.Skip()
		}
		in := hostileInput(text)
		in.Article.Body = "<p>" + html.EscapeString(text) + "</p>"
		r, err := s.Mail(in)
		if err != nil {
			t.Fatal(err)
		}
		harmless(t, "HTML", r.HTML)
		if strings.ContainsFunc(r.Subject, unicode.IsControl) {
			t.Errorf("subject %q", r.Subject)
		}
	})
}

func BenchmarkMail(b *testing.B) {
	s := openSet(b, "")
	in := french()
	in.Article.Body = strings.Repeat(in.Article.Body, 5)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Mail(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		openSet(b, "")
	}
}
