package render_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/locale"
	"crieur/publisher/render"
	"crieur/templates"
)

var updateMail = flag.Bool("update-email", false, "write the golden files of letters and pages")

func openSet(t testing.TB, ownerDir string) *render.Set {
	t.Helper()
	s, err := render.Open(templates.FS, ownerDir, words(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func words(t testing.TB) *locale.Catalogue {
	t.Helper()
	messages, err := fs.Sub(templates.FS, "locale")
	if err != nil {
		t.Fatal(err)
	}
	c, err := locale.New(messages, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// french is a letter of an invented paper, with every kind of element.
func french() render.MailInput {
	halle := publisher.Image{URL: "https://gazette.example/img/halle.jpg", Alt: "La halle au crépuscule, charpente à nu",
		Caption: "La halle, jeudi soir. Qui l’aurait cru ?", Credit: "Photo Nine Aubert"}
	plan := publisher.Image{Path: "articles/plan.png", Alt: "Plan de la future halle", Caption: "Le projet retenu.", Credit: "Ville de Saint-Aubin"}
	return render.MailInput{
		Article: publisher.Article{
			ID: "a1", Source: "halle.md", Hash: "f00d", Language: "fr", Dir: "ltr",
			Title:  "La halle rouvrira au printemps : « Nous y tenions » !",
			Lead:   "Détruite par le feu il y a deux ans, la halle du marché retrouve sa charpente. Reste une question : qui paiera ?",
			Author: "Jeanne Lemoine", CanonicalURL: "https://www.gazette.example/2026/halle", OriginalURL: "https://depeche.example/halle?page=2&lang=fr",
			Published: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC), Tags: []string{"marché", "patrimoine"},
			Image: &halle, Images: []publisher.Image{plan},
			Body: `<p>Le chantier avait commencé dans le doute ; il s'achève dans la joie. « Nous y tenions », dit la maire, <em>émue</em> ! Voir <a href="/dossiers/halle#plan">notre dossier</a> et <a href="https://ailleurs.example/x?a=1&amp;b=2">l’étude</a>.</p>
<h2>Deux ans de travaux</h2>
<p>Rendez-vous à 18:00 au 12 %&nbsp;près, dit <code>a ? b : c</code>. <em>Est-ce tout </em>? Non.</p>
<p><img src="plan.png"></p>
<blockquote><p>Une halle sans marché, ce n’est qu’un toit. Une halle avec un marché, c’est une place, et une place, c’est une ville.</p></blockquote>
<h3>Ce qui change</h3>
<ul><li>Quarante étals, dont dix pour les producteurs de la vallée qui n’avaient jusqu’ici aucune place couverte.</li><li>Une buvette :<ol><li>le matin,</li><li>le soir.</li></ol></li></ul>
<table><thead><tr><th>Poste</th><th>Coût</th></tr></thead><tbody><tr><td>Charpente</td><td>410 000 €</td></tr><tr><td>Toiture</td><td>220 000 €</td></tr></tbody></table>
<p>Plus de détails sur <a href="https://www.gazette.example/halle">notre site</a>, et encore <a href="https://ailleurs.example/x?a=1&amp;b=2">l’étude</a>.</p>`,
		},
		Site: render.Site{Name: "La Gazette du Marais", URL: "https://gazette.example", Language: "fr", Accent: "#1d5c8a", Sender: "Association La Gazette du Marais",
			PostalAddress: "3, rue des Tanneurs\n85100 Saint-Aubin", PrivacyURL: "https://gazette.example/vie-privee", Location: time.UTC},
		Newsletter: render.Newsletter{Name: "quotidien", Title: "Le quotidien", Subject: "{{.Article.Title}}"},
		Blocks: render.Blocks{Share: render.ShareNetworks(), Forward: true,
			Subscribe: render.LinkBlock{URL: "https://gazette.example/abonnement"},
			Sponsors:  []render.Sponsor{{Name: "Librairie des Quais", Text: "Deux livres achetés, un café offert.", URL: "https://librairie.example/"}},
			Donate:    render.LinkBlock{URL: "https://gazette.example/don", Text: "Sans publicité cachée ni actionnaire : notre liberté, c’est vous."},
			Show:      publisher.Blocks()},
		Language: "fr", Date: time.Date(2026, 12, 1, 7, 0, 0, 0, time.UTC), ViewURL: "https://lettres.example/i/0123",
		MediaURL: func(i publisher.Image) string {
			if i.URL != "" {
				return i.URL
			}
			return "https://lettres.example/media/" + filepath.Base(i.Path)
		},
		UTM: func(u string) string {
			address, fragment, hash := strings.Cut(u, "#")
			if address += "?utm_medium=email"; hash {
				address += "#" + fragment
			}
			return address
		},
	}
}

func english() render.MailInput {
	in := french()
	in.Language, in.Article.Language = "en", "en"
	in.Article.Title = "The harbour lights are back, and so are the boats"
	in.Article.Lead = "After a winter in the dark, the pier’s twelve lamps were lit again on Sunday."
	in.Article.Author = "Tom Ashby"
	in.Article.Body = "<p>It took three electricians, one ladder and a borrowed boat. “We had no plan B,” the harbour master said.</p><p>The first ferry left at 18:05; nobody was late.</p>"
	in.Article.OriginalURL, in.Article.Image, in.Article.Images = "", nil, nil
	in.Site.Name, in.Site.Sender, in.Site.PostalAddress = "The Harbour Post", "Harbour Post Ltd", "1 Quay Street, Portwick"
	in.Newsletter = render.Newsletter{Name: "weekly", Title: "The Harbour Post"}
	in.Blocks.Donate.Text = ""
	return in
}

func arabic() render.MailInput {
	in := english()
	in.Language, in.Article.Language, in.Article.Dir = "ar", "ar", "rtl"
	in.Article.Title = "عودة أضواء الميناء بعد شتاء طويل"
	in.Article.Lead = "أضيئت مصابيح الرصيف الاثنا عشر من جديد يوم الأحد."
	in.Article.Author = "ليلى حداد"
	in.Article.Body = "<p>استغرق الأمر ثلاثة كهربائيين وسلّمًا واحدًا وقاربًا مستعارًا.</p><ul><li>السفينة الأولى</li><li>السفينة الثانية</li></ul><blockquote><p>لم تكن لدينا خطة بديلة.</p></blockquote>"
	return in
}

func TestLettersAndPages(t *testing.T) {
	s := openSet(t, "")
	for name, in := range map[string]render.MailInput{"fr": french(), "en": english(), "ar": arabic()} {
		t.Run(name, func(t *testing.T) {
			r, err := s.Mail(in)
			if err != nil {
				t.Fatal(err)
			}
			page, err := s.Page(in)
			if err != nil {
				t.Fatal(err)
			}
			head := "Subject: " + r.Subject + "\nPreheader: " + r.Preheader + "\nLanguage: " + r.Language + "\n\n"
			golden(t, "email-"+name+".html", r.HTML)
			golden(t, "email-"+name+".txt", head+r.Text)
			golden(t, "email-"+name+"-page.html", string(page))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateMail {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), go test -update-email writes it anew:\n%s", path, diff)
	}
}
