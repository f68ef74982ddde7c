package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/web"
	"crieur/templates"
)

const letter = `<!doctype html><html><head><meta name="color-scheme" content="light dark"><style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) { .paper { background: #161513 !important } }
@media screen and ( PREFERS-COLOR-SCHEME:light ) { .paper { background: #fff } }
</style></head><body><p>La règle « (prefers-color-scheme: dark) » se lit ici.</p>
<picture><source media="(prefers-color-scheme: dark)" srcset="x.png"></picture></body></html>`

// picture gives a picture, and how a post names it.
func picture(content, mediaType, alt string) (publisher.MediaRef, web.Picture) {
	sum := sha256.Sum256([]byte(content))
	return publisher.MediaRef{Hash: hex.EncodeToString(sum[:]), Type: mediaType, Alt: alt, Width: 1200, Height: 675},
		web.Picture{Type: mediaType, Data: []byte(content)}
}

func sample() web.Preview {
	hall, hallBytes := picture("hall", "image/jpeg", "La halle au crépuscule.")
	clock, clockBytes := picture("clock", "image/png", "")
	return web.Preview{
		Title: "Orvallon inaugure sa halle", Source: "marche.md", Language: "fr", SiteName: "La Gazette du Marais", Mode: "sandbox",
		Warnings: []string{"picture halle.jpg has no alternative text"},
		Pictures: map[string]web.Picture{hall.Hash: hallBytes, clock.Hash: clockBytes, "unused": {Type: "image/gif"}},
		Mails: []web.PreviewMail{{Channel: "quotidien", From: "La Gazette <redaction@gazette.example>", Subject: "Orvallon", Preheader: "Quatre mille visiteurs",
			HTML: letter, Text: "Orvallon inaugure sa halle\n", Size: 15_700, SizeLimit: 102_400}},
		Posts: []web.PreviewPost{
			{Channel: "mastodon", Network: "mastodon", Handle: "gazette.example", Parts: []web.PreviewPart{{
				Part: publisher.Part{Text: "Une fête\nhttps://www.gazette.example/2026/03/la-halle-rouvre #Orvallon", Length: 44, Limit: 500, Language: "fr",
					Warning: "foule", Media: []publisher.MediaRef{hall, clock}},
				Links: []web.Link{{Start: 10, End: 61, Address: true}, {Start: 62, End: 71}},
			}}},
			{Channel: "fil", Network: "bluesky", Handle: "@gazette.example", Parts: []web.PreviewPart{
				{Part: publisher.Part{Text: "Un", Length: 2, Limit: 300, Language: "fr", Card: &publisher.Card{URL: "https://www.gazette.example/halle", Title: "La halle", Description: "Elle rouvre.", Thumb: &hall}}},
				{Part: publisher.Part{Text: "Deux https://gazette.example/a", Length: 312, Limit: 300, Language: "fr"}, Links: []web.Link{{Start: 5, End: 30, Address: true}}},
			}},
			{Channel: "x", Network: "x", Cost: 200_000, Parts: []web.PreviewPart{{
				Part:  publisher.Part{Text: "Trois https://www.gazette.example/2026/03/la-halle/", Length: 29, Limit: 280, Language: "fr"},
				Links: []web.Link{{Start: 6, End: 51, Address: true}},
			}}},
		},
	}
}

func previewConfig(t testing.TB) web.PreviewConfig {
	return web.PreviewConfig{Catalogue: catalogue(t), Templates: templates.FS, Accent: "#8a1c1c"}
}

func previewServer(t testing.TB) *web.PreviewServer {
	t.Helper()
	s, err := web.NewPreview(t.Context(), previewConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func shown(t testing.TB, p web.Preview) (*web.PreviewServer, string) {
	t.Helper()
	s := previewServer(t)
	s.Show(p)
	w := ask(s, "GET", "/")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %d: %s", w.Code, w.Body)
	}
	return s, w.Body.String()
}

func TestPreviewShowsEverything(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*web.Preview)
		says   []string
	}{
		"French": {func(*web.Preview) {}, []string{
			"Épreuve marche.md bac à sable : rien ne sort de cette machine", "À revoir picture halle.jpg",
			"Lettre · quotidien De La Gazette <redaction@gazette.example> Poids 16 Ko, sur 102 au plus Objet Orvallon Aperçu Quatre mille visiteurs",
			"Version texte Orvallon inaugure sa halle",
			"Mastodon L La Gazette du Marais gazette.example Avertissement foule Une fête gazette.example/2026/03/la-hal… #Orvallon " +
				"ALT La halle au crépuscule. ALT sans texte de remplacement 44 / 500",
			"Bluesky · fil L La Gazette du Marais @gazette.example Un gazette.example La halle Elle rouvre. 2 / 300",
			"Deux https://gazette.example/a 12 de trop 312 / 300",
			"X 0,200 $ L La Gazette du Marais Trois gazette.example/2026/03/la… 29 / 280",
		}},
		"English": {func(p *web.Preview) { p.Language, p.Mode = "en", "live" }, []string{
			"Proof marche.md live", "Weight 16 kB, of 102 at most", "$0.200", "12 too many", "no alternative text", "Content warning foule"}},
		"no limits": {func(p *web.Preview) { p.Mails[0].SizeLimit, p.Posts[2].Parts[0].Limit = 0, 0 }, []string{"Poids 16 Ko Objet", "la… 29"}},
		"problem": {func(p *web.Preview) {
			*p = web.Preview{Source: "marche.md", Language: "fr", Mode: "live", Problem: "marche.md:3: no title", Hint: "write one"}
		}, []string{"L’article ne peut pas être composé marche.md:3: no title write one"}},
		"links of no text": {func(p *web.Preview) {
			p.Posts[0].Parts[0].Links = []web.Link{{Start: -1, End: 2}, {Start: 3, End: 3}, {Start: 0, End: 3}, {Start: 1, End: 4}, {Start: 9, End: 8}, {Start: 5, End: 5000}}
		}, []string{"Une fête https://www.gazette.example/2026/03/la-halle-rouvre #Orvallon"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := sample()
			test.change(&p)
			_, page := shown(t, p)
			got := said(t, page)
			for _, want := range test.says {
				if !strings.Contains(got, want) {
					t.Errorf("the page does not say %q:\n%s", want, got)
				}
			}
		})
	}
}

func TestPreviewMessagesExist(t *testing.T) {
	for _, lang := range []string{"fr", "en"} {
		for _, mode := range []string{"sandbox", "live"} {
			p := sample()
			p.Language, p.Mode = lang, mode
			_, page := shown(t, p)
			p.Problem = "none"
			_, problem := shown(t, p)
			if strings.Contains(page+problem, "preview.") {
				t.Errorf("%s, %s: words are lacking", lang, mode)
			}
		}
	}
}

// hostile is a preview of which every text wants to run a script.
func hostile() web.Preview {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)></style></title>`
	p := sample()
	p.Title, p.Source, p.SiteName, p.Warnings = evil, evil, evil, []string{evil}
	p.Mails[0] = web.PreviewMail{Channel: evil, From: evil, Subject: evil, Preheader: evil, Text: evil, HTML: "<body onload=alert(1)><script>alert(1)</script>" + letter}
	for i := range p.Posts {
		p.Posts[i].Channel, p.Posts[i].Network, p.Posts[i].Handle = evil, evil, evil
		for k := range p.Posts[i].Parts {
			part := &p.Posts[i].Parts[k]
			part.Text, part.Language, part.Warning, part.Links = evil, evil, evil, []web.Link{{Start: 2, End: 30, Address: true}}
			if part.Card != nil {
				part.Card.URL, part.Card.Title, part.Card.Description = "javascript:alert(1)//"+evil, evil, evil
			}
		}
	}
	return p
}

func TestPreviewRunsNothingOfTheArticle(t *testing.T) {
	for name, p := range map[string]web.Preview{
		"sample": sample(), "hostile": hostile(), "problem": {Problem: hostile().Title, Hint: hostile().Title},
	} {
		t.Run(name, func(t *testing.T) {
			s, page := shown(t, p)
			policy := ask(s, "GET", "/").Header().Get("Content-Security-Policy")
			found := elements(t, page)
			if len(found["script"]) != 1 {
				t.Fatalf("the page has %d scripts", len(found["script"]))
			}
			script := found["script"][0].FirstChild.Data
			sum := sha256.Sum256([]byte(script))
			want := "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-src 'self'; script-src 'sha256-" +
				base64.StdEncoding.EncodeToString(sum[:]) + "'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
			if diff := cmp.Diff(want, policy); diff != "" {
				t.Error(diff)
			}
			for element, nodes := range found {
				for _, n := range nodes {
					for _, a := range n.Attr {
						if strings.HasPrefix(a.Key, "on") || a.Key == "srcdoc" || strings.HasPrefix(a.Val, "javascript:") {
							t.Errorf("<%s %s=%q>", element, a.Key, a.Val)
						}
					}
				}
			}
			if name != "problem" && len(found["iframe"]) != 4 {
				t.Errorf("%d frames", len(found["iframe"]))
			}
			for _, f := range found["iframe"] {
				if sandbox, ok := attribute(f, "sandbox"); !ok || sandbox != "" {
					t.Errorf("a frame may %q", sandbox)
				}
				src, _ := attribute(f, "src")
				w := ask(s, "GET", "/"+src)
				if got := w.Header().Get("Content-Security-Policy"); w.Code != 200 || !strings.HasPrefix(got, "sandbox; default-src 'none';") || strings.Contains(got, "script") {
					t.Errorf("%s: %d, %s", src, w.Code, got)
				}
			}
		})
	}
}

func TestPreviewFrames(t *testing.T) {
	s, page := shown(t, sample())
	frames := map[string]string{}
	for _, f := range elements(t, page)["iframe"] {
		class, _ := attribute(f, "class")
		src, _ := attribute(f, "src")
		frames[class] = ask(s, "GET", "/"+src).Body.String()
	}
	const always, never = "(min-width: 0)", "(max-width: 0)"
	in := func(dark, light, scheme string) string {
		out := strings.Replace(letter, "@media (prefers-color-scheme: dark)", "@media "+dark, 1)
		out = strings.Replace(out, "( PREFERS-COLOR-SCHEME:light )", light, 1)
		out = strings.Replace(out, `media="(prefers-color-scheme: dark)"`, `media="`+dark+`"`, 1)
		return strings.Replace(out, "{ color-scheme: light dark;", "{ color-scheme: "+scheme+";", 1)
	}
	want := map[string]string{"on-light": in(never, always, "light"), "on-dark": in(always, never, "dark")}
	if diff := cmp.Diff(want, frames); diff != "" {
		t.Error(diff)
	}
	if got := ask(s, "GET", "/mail-quotidien.html").Body.String(); got != letter {
		t.Error("the letter itself was changed:", cmp.Diff(letter, got))
	}
}

// beside lists what a page, as a file, wants to have beside it.
func beside(t testing.TB, page string) []string {
	t.Helper()
	var names []string
	for _, element := range []string{"img", "iframe", "link", "a", "source"} {
		for _, n := range elements(t, page)[element] {
			for _, key := range []string{"src", "href"} {
				v, ok := attribute(n, key)
				if !ok {
					continue
				}
				u, err := url.Parse(v)
				if err != nil || u.IsAbs() || u.Host != "" || !fs.ValidPath(path.Clean(u.Path)) {
					t.Errorf("the page wants %q", v)
					continue
				}
				names = append(names, u.Path)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// What is not public yet is not read through a name that somebody else's page had.
func TestPreviewAnswersForAddressesOnly(t *testing.T) {
	s, _ := shown(t, sample())
	for host, want := range map[string]int{
		"127.0.0.1:8000": http.StatusOK, "[::1]:8000": http.StatusOK, "localhost:8000": http.StatusOK, "192.168.0.4": http.StatusOK,
		"evil.example": http.StatusMisdirectedRequest, "evil.example:8000": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
		"127.0.0.1.nip.example": http.StatusMisdirectedRequest,
	} {
		if got := ask(s, "GET", "/", func(r *http.Request) { r.Host = host }).Code; got != want {
			t.Errorf("%q: got %d, want %d", host, got, want)
		}
	}
}
