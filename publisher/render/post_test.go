package render_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/render"
	"crieur/publisher/social/measure"
)

var updatePosts = flag.Bool("update-post", false, "write the golden files of posts")

// The networks' traits as far as posts depend on them.
func traits() map[string]publisher.Traits {
	pictures := []string{"image/jpeg", "image/png"}
	return map[string]publisher.Traits{
		"mastodon": {Network: "mastodon", Text: 500, Len: func(s string) int { return measure.Mastodon(s, 23) }, URL: 23,
			Media: 4, MediaTypes: pictures, AltText: 1500, Thread: true},
		"bluesky": {Network: "bluesky", Text: 300, Len: measure.Graphemes, Bytes: 3000, Media: 4, MediaTypes: pictures,
			AltText: 2000, Card: true, Thread: true},
		"x": {Network: "x", Text: 280, Len: measure.X, URL: 23, Media: 4, MediaTypes: pictures, AltText: 1000},
	}
}

const (
	articleURL = "https://www.gazette.example/2026/11/24/halle?utm_source=gazette&utm_medium=social"
	letterURL  = "https://gazette.example/lettre"
)

func postInput(network string, a publisher.Article) render.PostInput {
	return render.PostInput{
		Article: a, Site: render.Site{Name: "La Gazette du Marais", URL: "https://www.gazette.example", Location: time.UTC},
		Channel: render.Channel{Name: "my-" + network, Kind: network}, Traits: traits()[network],
		URL: articleURL, SubscribeURL: letterURL,
	}
}

// specimens are articles of the kinds that posts must cope with.
func specimens() map[string]publisher.Article {
	const family = "👨‍👩‍👧‍👦"
	return map[string]publisher.Article{
		"fr": {Language: "fr", Dir: "ltr", Title: "La halle rouvrira au printemps: «Nous y tenions»!",
			Lead: "Détruite par le feu il y a deux ans, la halle du marché retrouve sa charpente. Reste une question : qui paiera ?",
			Tags: []string{"marché", "patrimoine", "marché"}},
		"fr-long": {Language: "fr", Dir: "ltr",
			Title: "Kazakhstan : le président demande une aide militaire au bloc dirigé par la Russie",
			Lead: "L’aide militaire alliée est nécessaire pour réprimer les « bandes terroristes », insiste le président. " +
				"M. Tokaïev a été cité par les médias mercredi soir : « Je pense qu’il est opportun de contacter nos partenaires. Ils viendront. » " +
				"Les manifestants, eux, avaient envahi des bâtiments gouvernementaux dans plusieurs villes du pays, dont Almaty, la plus grande, " +
				"et son aéroport ! Des images de la scène ont capturé le centre-ville envahi par une foule nombreuse, certains des participants attaquant " +
				"des policiers et des militaires, et apparemment volant leurs armes à feu ?",
			Body: "<p>Première partie du récit ; elle est courte.</p><p>" + strings.Repeat("Une phrase qui dit quelque chose de plus. ", 20) + "</p><p>La fin.</p>",
			Tags: []string{"Asie centrale", "Kazakhstan", "2022", "libertés publiques", "politique étrangère"}},
		"fr-title": {Language: "fr", Dir: "ltr",
			Title: strings.Repeat("Un titre interminable, que personne n’a relu : il dit tout ! ", 12), Lead: "Un chapeau.", Tags: []string{"titre"}},
		"en": {Language: "en", Dir: "ltr", Title: "Market hall to reopen in spring\nat last", Warning: "Fire",
			Lead: "Two years after the blaze, the town’s market hall has its timber frame back. Who pays is another question, says Dr. Ada Poole of {{.Site.Name}}; ask @mayor@town.example or mail hall@town.example.",
			Tags: []string{"market-hall", "heritage"}},
		"emoji": {Language: "en", Dir: "ltr", Title: strings.TrimSpace(strings.Repeat(family+" ", 100)) + " " + strings.Repeat("🇫🇷", 150), Tags: []string{"👍🏽", "C++", "🦋 day"}},
		"ja": {Language: "ja", Dir: "ltr", Title: "市場の建物が春に再開へ",
			Lead: strings.Repeat("火災から二年、町の市場の建物に木造の骨組みが戻った。「費用は誰が払うのか」と町長は語る。詳細はexample.comへ。", 8), Tags: []string{"市場", "東京 五輪"}},
		"ar": {Language: "ar", Dir: "rtl", Title: "السوق المغطاة تفتح أبوابها في الربيع",
			Lead: strings.Repeat("بعد عامين من الحريق، استعادت السوق هيكلها الخشبي. فمن يدفع التكاليف؟ ", 9), Tags: []string{"رئيس الوزراء", "سوق"}},
	}
}

func TestPostGolden(t *testing.T) {
	set := openSet(t, "")
	for name, a := range specimens() {
		for network := range traits() {
			t.Run(name+"-"+network, func(t *testing.T) {
				r, err := set.Post(postInput(network, a))
				if err != nil {
					t.Fatal(err)
				}
				checkPosts(t, r, network)
				goldenPost(t, "post-"+name+"-"+network, r)
			})
		}
	}
	for _, network := range []string{"mastodon", "bluesky"} {
		t.Run("thread-"+network, func(t *testing.T) {
			in := postInput(network, specimens()["fr-long"])
			in.Channel.Template = "thread"
			r, err := set.Post(in)
			if err != nil {
				t.Fatal(err)
			}
			checkPosts(t, r, network)
			goldenPost(t, "post-thread-"+network, r)
		})
	}
}

// checkPosts checks what holds for every rendering.
func checkPosts(t *testing.T, r publisher.Rendering, network string) {
	t.Helper()
	link := r.Parts[0].Card != nil && r.Parts[0].Card.URL == articleURL
	for i, p := range r.Parts {
		link = link || strings.Contains(p.Text, articleURL)
		if got := traits()[network].Len(p.Text); got != p.Length || got > p.Limit {
			t.Errorf("part %d: length %d, said to be %d of %d", i, got, p.Length, p.Limit)
		}
		if !utf8.ValidString(p.Text) || strings.ContainsAny(p.Text, "\x02\x03\x1e\r") {
			t.Errorf("part %d: not fit for a post: %q", i, p.Text)
		}
	}
	if !link {
		t.Error("the link is missing")
	}
}

func goldenPost(t *testing.T, name string, r publisher.Rendering) {
	t.Helper()
	var b strings.Builder
	for i, p := range r.Parts {
		fmt.Fprintf(&b, "-- %d: %d/%d %s %s --\n%s\n", i+1, p.Length, p.Limit, p.Language, p.Warning, p.Text)
		if p.Card != nil {
			fmt.Fprintf(&b, "-- card --\n%s\n%s\n%s\n", p.Card.URL, p.Card.Title, p.Card.Description)
		}
	}
	path := filepath.Join("testdata", name+".txt")
	if *updatePosts {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got; -update-post writes it anew):\n%s", path, diff)
	}
}

func BenchmarkPost(b *testing.B) {
	set := openSet(b, "")
	for network := range traits() {
		b.Run(network, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := set.Post(postInput(network, specimens()["fr-long"])); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
