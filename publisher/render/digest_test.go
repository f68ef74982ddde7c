package render_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/render"
)

// frenchDigest is a week of the invented paper: two sections, an article without a
// lead, one without a picture, one without a page of its own, and an erratum.
func frenchDigest() render.DigestInput {
	in := render.DigestInput{MailInput: french()}
	halle := in.Article
	in.Article = publisher.Article{}
	in.Newsletter = render.Newsletter{Name: "hebdo", Title: "La semaine"}
	image := func(name, alt string) *publisher.Image {
		return &publisher.Image{URL: "https://gazette.example/img/" + name, Alt: alt, Credit: "Photo Paul Rey"}
	}
	in.Articles = []render.DigestArticle{
		{Article: halle, Group: "Patrimoine"},
		{Group: "Patrimoine", Article: publisher.Article{Title: "Le clocher penche : faut-il s'inquiéter ?", Hash: "b", Language: "fr", Author: "Paul Rey",
			Published: time.Date(2026, 11, 3, 23, 30, 0, 0, time.UTC), CanonicalURL: "https://gazette.example/clocher", Image: image("clocher.jpg", "Le clocher vu du quai"),
			Body: "<p>Depuis l'hiver, une fissure court sous la corniche ; " + strings.Repeat("les mesures se suivent et ne se ressemblent pas. ", 20) + "</p><p>Fin.</p>"}},
		{Group: "Vie locale", URL: "https://lettres.example/i/0123/c3", Article: publisher.Article{Title: "Bibliothèque : les horaires changent", Hash: "c", Language: "fr",
			Lead: "À partir du 1er décembre, ouverture le dimanche.", Body: "<p>…</p>"}},
		{Group: "Vie locale", Article: publisher.Article{Title: "The twin town writes", Hash: "d", Language: "en", Lead: "A letter from Portwick; in English.",
			CanonicalURL: "https://elsewhere.example/letter", Body: "<p>…</p>"}},
	}
	in.Errata = []render.Erratum{{Title: "Marché de Noël", URL: "https://gazette.example/noel", Sent: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC),
		Text: "il ouvre le 5 décembre, et non le 4 comme nous l'avions écrit."}}
	return in
}

func digest(t testing.TB, in render.DigestInput) (publisher.Rendering, []string) {
	t.Helper()
	r, warnings, err := openSet(t, "").Digest(in)
	if err != nil {
		t.Fatal(err)
	}
	return r, warnings
}

func digestPage(t testing.TB, in render.DigestInput) string {
	t.Helper()
	p, err := openSet(t, "").DigestPage(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func TestDigestGolden(t *testing.T) {
	r, warnings := digest(t, frenchDigest())
	if len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
	golden(t, "digest-fr.html", r.HTML)
	golden(t, "digest-fr.txt", "Subject: "+r.Subject+"\nPreheader: "+r.Preheader+"\n\n"+r.Text)
	golden(t, "digest-fr-page.html", digestPage(t, frenchDigest()))
}

func TestDigestSubject(t *testing.T) {
	const nb = "\u00a0"
	for name, c := range map[string]struct {
		lang, template string
		articles       int
		want           string
	}{
		"one":            {"fr", "", 1, "La halle rouvrira au printemps" + nb + ": «" + nb + "Nous y tenions" + nb + "»\u202f!"},
		"two, French":    {"fr", "", 2, "La halle rouvrira au printemps" + nb + ": «" + nb + "Nous y tenions" + nb + "»\u202f! et 1 autre article"},
		"three, French":  {"fr", "", 3, "La halle rouvrira au printemps" + nb + ": «" + nb + "Nous y tenions" + nb + "»\u202f! et 2 autres articles"},
		"three, English": {"en", "", 3, "La halle rouvrira au printemps" + nb + ": «" + nb + "Nous y tenions" + nb + "»\u202f! and 2 more"},
		"template":       {"fr", "{{.Newsletter.Title}} du {{.Date}} : {{.Count}} articles, {{(index .Articles 1).Title}}", 3, "La semaine du mardi 1er décembre 2026 : 3 articles, Le clocher penche" + nb + ": faut-il s'inquiéter\u202f?"},
		"as for one":     {"en", "Gazette: {{.Article.Title}}", 2, "Gazette: La halle rouvrira au printemps" + nb + ": «" + nb + "Nous y tenions" + nb + "»\u202f! and 1 more"},
	} {
		t.Run(name, func(t *testing.T) {
			in := frenchDigest()
			in.Language, in.Newsletter.Subject, in.Articles = c.lang, c.template, in.Articles[:c.articles]
			r, _ := digest(t, in)
			if r.Subject != c.want {
				t.Errorf("subject %q, want %q", r.Subject, c.want)
			}
		})
	}
}

func TestDigestLinks(t *testing.T) {
	r, _ := digest(t, frenchDigest())
	links := attributes(t, r.HTML, "href")
	for _, want := range []string{
		"https://www.gazette.example/2026/halle?utm", // the site's own, tagged
		"https://lettres.example/i/0123/c3",          // crieur's copy
		"https://elsewhere.example/letter",
		"https://gazette.example/noel?utm",
	} {
		found := false
		for _, l := range links {
			found = found || l == want || strings.HasSuffix(want, "?utm") && strings.HasPrefix(l, want)
		}
		if !found {
			t.Errorf("no link to %s", want)
		}
		if !strings.Contains(r.Text, strings.TrimSuffix(want, "?utm")) {
			t.Errorf("no %s in the text", want)
		}
	}
	for _, f := range []publisher.MergeField{publisher.MergeUnsubscribe, publisher.MergePreferences, publisher.MergeView, publisher.MergeEmail, publisher.MergeSince} {
		for part, text := range map[string]string{"HTML": r.HTML, "text": r.Text} {
			if !strings.Contains(text, publisher.Marker(r.Nonce, f)) {
				t.Errorf("no marker of %s in the %s", f, part)
			}
		}
	}
	if p := digestPage(t, frenchDigest()); strings.Contains(p, "crieurmerge") {
		t.Error("a marker stands in the page")
	}
}

// A digest that is too large for Gmail sheds leads and pictures, says so, and keeps
// every article.
func TestDigestStaysWithinItsLimit(t *testing.T) {
	in := frenchDigest()
	in.Articles, in.Limit = in.Articles[:1], 100_000
	for i := range 60 {
		in.Articles = append(in.Articles, render.DigestArticle{Article: publisher.Article{Title: fmt.Sprintf("Article %d", i), Hash: fmt.Sprint(i), Language: "fr",
			Lead: strings.Repeat("Un chapô « long » comme un jour sans pain. ", 40), CanonicalURL: fmt.Sprintf("https://gazette.example/%d", i),
			Image: &publisher.Image{URL: fmt.Sprintf("https://gazette.example/%d.jpg", i), Alt: "Une image"}}})
	}
	r, warnings := digest(t, in)
	if len(r.HTML) > in.Limit {
		t.Errorf("%d bytes, more than %d", len(r.HTML), in.Limit)
	}
	if len(warnings) != 1 {
		t.Errorf("warnings: %q, want one", warnings)
	}
	for i := range 60 {
		if title := fmt.Sprintf("Article %d", i); !strings.Contains(r.HTML, ">"+title+"<") || !strings.Contains(r.Text, title+"\n") {
			t.Errorf("%s was cut", title)
		}
	}
	whole := digestPage(t, in)
	if n := strings.Count(whole, "<figure>"); n != 61 {
		t.Errorf("the page has %d pictures, want all 61", n)
	}
	in.Articles = in.Articles[:12]
	if r, warnings = digest(t, in); len(warnings) > 0 || strings.Count(r.HTML, "<img") != 12 {
		t.Errorf("a digest of 12 (%d bytes) was cut: %v", len(r.HTML), warnings)
	}
	in.Limit = 20_000
	if r, warnings = digest(t, in); len(warnings) != 1 || strings.Count(r.HTML, "<img") != 1 {
		t.Errorf("warnings %q, %d pictures", warnings, strings.Count(r.HTML, "<img"))
	}
}

func TestDigestErrors(t *testing.T) {
	set := openSet(t, "")
	in := frenchDigest()
	in.Articles = nil
	if _, _, err := set.Digest(in); publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("no articles: %v", err)
	}
	in = frenchDigest()
	in.Articles[1].Article.Image = &publisher.Image{Path: "x.jpg"}
	in.MediaURL = nil
	if _, _, err := set.Digest(in); publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
		t.Errorf("a picture that nobody can fetch: %v", err)
	}
}
