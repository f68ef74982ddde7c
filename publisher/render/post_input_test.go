package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"crieur/publisher"
	"crieur/publisher/render"
	"crieur/publisher/social/measure"
	"crieur/templates"
)

// An article may name people, but its post must not call them. What the networks
// would take for a mention is asked of their own rules.
func TestPostCallsNobody(t *testing.T) {
	set := openSet(t, "")
	for name, lead := range map[string]string{
		"X":         "Un mot de @jeanne, RT@paul et «\u00a0@luc\u00a0» (@marc).",
		"wide sign": "Un mot de ＠jeanne.",
		"Mastodon":  "Un mot de @jeanne@instance.example et d’@ici.",
		"Bluesky":   "(@jeanne.bsky.social) et @paul.bsky.social",
		"accent":    "é@jeanne",
	} {
		for network := range traits() {
			t.Run(name+" on "+network, func(t *testing.T) {
				in := postInput(network, publisher.Article{Language: "fr", Title: lead, Lead: lead, Body: "<p>" + lead + "</p>"})
				r, err := set.Post(in)
				if err != nil {
					t.Fatal(err)
				}
				text := r.Parts[0].Text
				if m := measure.Mentions(text); len(m) > 0 {
					t.Errorf("X would call %v: %q", m, text)
				}
				for _, f := range measure.Facets(text) {
					if f.Kind == measure.FacetMention {
						t.Errorf("Bluesky would call %s: %q", f.Value, text)
					}
				}
				if strings.ReplaceAll(text, "\u2060", "") == text {
					t.Errorf("nothing was made harmless: %q", text)
				}
			})
		}
	}
}

func TestPostKeepsAddresses(t *testing.T) {
	const lead = "Écrire à jeanne.lemoine+halle@gazette.fr, voir https://social.fr/@gazette ou {{.URL}} à 18:00\u00a0; @ seul, fin@"
	r, err := openSet(t, "").Post(postInput("mastodon", publisher.Article{Language: "fr", Title: "Titre", Lead: lead}))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Parts[0].Text, lead) {
		t.Errorf("the lead was changed: %q", r.Parts[0].Text)
	}
}

func TestPostHashtags(t *testing.T) {
	for name, c := range map[string]struct {
		tags []string
		want string
	}{
		"one word stays":      {[]string{"iPhone"}, "#iPhone"},
		"words get capitals":  {[]string{"intelligence artificielle"}, "#IntelligenceArtificielle"},
		"names keep theirs":   {[]string{"projet eIDAS de l’UE"}, "#ProjeteIDASDeLUE"},
		"accents stay":        {[]string{"économie sociale"}, "#ÉconomieSociale"},
		"punctuation goes":    {[]string{"Covid-19", "C++ & Rust"}, "#Covid19 #CRust"},
		"without capitals":    {[]string{"رئيس الوزراء"}, "#رئيس_الوزراء"},
		"no letter":           {[]string{"2026", "!", "👍🏽", ""}, ""},
		"a letter":            {[]string{"C++"}, ""},
		"too long":            {[]string{strings.Repeat("long ", 20)}, ""},
		"twice":               {[]string{"halle", "Halle", "#halle"}, "#halle"},
		"at most four":        {[]string{"un", "deux", "trois", "quatre", "cinq"}, "#un #deux #trois #quatre"},
		"markup and newlines": {[]string{"<b>gras\n#deux"}, "#BGrasDeux"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := openSet(t, "").Post(postInput("mastodon", publisher.Article{Language: "fr", Title: "Titre", Tags: c.tags}))
			if err != nil {
				t.Fatal(err)
			}
			want := "Titre\n\n" + articleURL + "\n\n"
			if c.want != "" {
				want += c.want + "\n\n"
			}
			want += "Recevoir la lettre\u00a0: " + letterURL
			if diff := cmp.Diff(want, r.Parts[0].Text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tags := measure.Hashtags(r.Parts[0].Text); c.want != "" && len(tags) != strings.Count(c.want, "#") {
				t.Errorf("X finds %d hashtags in %q", len(tags), c.want)
			}
		})
	}
}

func TestPostPictures(t *testing.T) {
	jpeg := publisher.MediaRef{Hash: "aa", Type: "image/jpeg", Alt: "La halle : vue d’ensemble", Width: 4, Height: 3}
	tiff := publisher.MediaRef{Hash: "bb", Type: "image/tiff"}
	long := publisher.MediaRef{Hash: "cc", Type: "image/png", Alt: strings.Repeat("mot ", 600)}
	set := openSet(t, "")
	post := func(t *testing.T, network string, change func(*render.PostInput)) publisher.Part {
		t.Helper()
		in := postInput(network, specimens()["fr"])
		change(&in)
		r, err := set.Post(in)
		if err != nil {
			t.Fatal(err)
		}
		return r.Parts[0]
	}
	t.Run("types, number and alternative texts", func(t *testing.T) {
		p := post(t, "x", func(in *render.PostInput) { in.Media = []publisher.MediaRef{tiff, jpeg, long, jpeg, jpeg, jpeg} })
		if len(p.Media) != 4 || p.Media[0].Hash != "aa" || p.Media[1].Hash != "cc" {
			t.Fatalf("got %v", p.Media)
		}
		if want := "La halle\u00a0: vue d’ensemble"; p.Media[0].Alt != want {
			t.Errorf("alternative text: got %q, want %q", p.Media[0].Alt, want)
		}
		if n := len([]rune(p.Media[1].Alt)); n > 1000 || n < 900 || !strings.HasSuffix(p.Media[1].Alt, "mot…") {
			t.Errorf("%d characters of alternative text, ending in %q", n, p.Media[1].Alt[len(p.Media[1].Alt)-12:])
		}
	})
	t.Run("card", func(t *testing.T) {
		p := post(t, "bluesky", func(in *render.PostInput) { in.Thumb, in.Media = &jpeg, []publisher.MediaRef{long} })
		if p.Card == nil || p.Card.Thumb == nil || p.Card.Thumb.Hash != "aa" || p.Media != nil {
			t.Errorf("want a card with its picture and no other, got %+v, %v", p.Card, p.Media)
		}
		if p.Card != nil && (p.Card.URL != articleURL || p.Card.Title != "La halle rouvrira au printemps\u00a0: «\u00a0Nous y tenions\u00a0»\u202f!") {
			t.Errorf("card: %+v", p.Card)
		}
	})
	t.Run("card without a link", func(t *testing.T) {
		p := post(t, "bluesky", func(in *render.PostInput) { in.Thumb, in.URL = &jpeg, "" })
		if p.Card != nil || len(p.Media) != 1 {
			t.Errorf("want the picture and no card, got %+v, %v", p.Card, p.Media)
		}
	})
	t.Run("no card", func(t *testing.T) {
		p := post(t, "bluesky", func(in *render.PostInput) { in.Traits.Card = false })
		if p.Card != nil || !strings.Contains(p.Text, articleURL) {
			t.Errorf("want the link in the text, got %q", p.Text)
		}
	})
}

func TestPostRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*render.PostInput)
		where  string
		hint   string
	}{
		"unknown template": {func(in *render.PostInput) { in.Channel.Template = "none" }, "channels.my-x.template", "mastodon"},
		"thread":           {func(in *render.PostInput) { in.Channel.Template = "thread" }, "channels.my-x.template", "template"},
		"nothing to say":   {func(in *render.PostInput) { in.Article, in.URL = publisher.Article{}, "" }, "templates/social/x.txt.tmpl", "title"},
		"no room":          {func(in *render.PostInput) { in.Traits.Text = 50 }, "templates/social/x.txt.tmpl", "shrink"},
	} {
		t.Run(name, func(t *testing.T) {
			in := postInput("x", specimens()["fr-long"])
			c.change(&in)
			_, err := openSet(t, "").Post(in)
			checkInvalid(t, err, c.where, c.hint)
		})
	}
}

func TestOpenRefusesPostTemplates(t *testing.T) {
	for name, c := range map[string]struct{ template, where string }{
		"syntax":           {"{{.Article.Title}}\n{{if}}", "x.txt.tmpl:2"},
		"unknown function": {"{{shout .URL}}", "x.txt.tmpl:1"},
		"unknown field":    {"a\nb\n{{.Article.Titel}}", "x.txt.tmpl:3"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "social", "x.txt.tmpl"), c.template)
			_, err := render.Open(templates.FS, dir, words(t))
			checkInvalid(t, err, filepath.Join(dir, "social", c.where), "eject")
		})
	}
}

func TestOwnersPostTemplate(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "social", "short.txt.tmpl"), "{{.Site.Name}} ({{.Site.Host}}): {{shrinkLast .Article.Title}} {{.URL}}{{range .Article.Paragraphs}}{{part}}{{.}}{{end}}")
	in := postInput("mastodon", publisher.Article{Language: "en", Title: "Title",
		Body: "<p>One <b>bold</b><br>line.</p><figure><img src=\"a.jpg\"><figcaption>No</figcaption></figure><ul><li>Item</li></ul><script>no()</script>Loose"})
	in.Channel.Template = "short"
	r, err := openSet(t, dir).Post(in)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range r.Parts {
		got = append(got, p.Text)
	}
	want := []string{"La Gazette du Marais (gazette.example): Title " + articleURL, "One bold line.", "Item", "Loose"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A rendering depends on what goes in alone, and its hash on all of it.
func TestPostIsDeterministic(t *testing.T) {
	set := openSet(t, "")
	post := func(change func(*render.PostInput)) publisher.Rendering {
		in := postInput("mastodon", specimens()["fr-long"])
		change(&in)
		r, err := set.Post(in)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	plain := post(func(*render.PostInput) {})
	if diff := cmp.Diff(plain, post(func(*render.PostInput) {}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("rendered twice (-first +second):\n%s", diff)
	}
	for name, change := range map[string]func(*render.PostInput){
		"link":    func(in *render.PostInput) { in.URL = "https://b.example/" },
		"warning": func(in *render.PostInput) { in.Article.Warning = "Guerre" },
		"picture": func(in *render.PostInput) { in.Media = []publisher.MediaRef{{Hash: "aa", Type: "image/png"}} },
	} {
		if post(change).Hash == plain.Hash {
			t.Errorf("the hash does not tell another %s", name)
		}
	}
}

func checkInvalid(t *testing.T, err error, where, hint string) {
	t.Helper()
	if err == nil {
		t.Fatal("want an error")
	}
	if publisher.KindOf(err) != publisher.Invalid || !strings.HasPrefix(err.Error(), where+": ") || !strings.Contains(publisher.HintOf(err), hint) {
		t.Errorf("want an error of kind Invalid at %q with a hint about %q, got %v: %v (hint: %s)", where, hint, publisher.KindOf(err), err, publisher.HintOf(err))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
