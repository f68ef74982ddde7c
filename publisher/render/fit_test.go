package render_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"crieur/publisher"
	"crieur/publisher/render"
	"crieur/publisher/social/measure"
)

// The marks that templates make.
func shrink(s string) string     { return "\x02s" + s + "\x03" }
func shrinkLast(s string) string { return "\x02l" + s + "\x03" }
func optional(s string) string   { return "\x02o" + s + "\x03" }
func hashtag(s string) string    { return "\x02h" + s + "\x03" }

func TestFit(t *testing.T) {
	const family = "👨‍👩‍👧‍👦"
	for name, c := range map[string]struct {
		marked string
		limit  int
		want   string
	}{
		"fits":                       {shrink("Un deux trois."), 14, "Un deux trois."},
		"no limit":                   {shrinkLast("Un deux trois."), 0, "Un deux trois."},
		"sentence":                   {shrink("La première phrase est là. La seconde est trop longue."), 40, "La première phrase est là."},
		"sentence with quotation":    {shrink("Il a dit : « Je viens. » Puis plus rien du tout."), 36, "Il a dit : « Je viens. »"},
		"no end inside quotation":    {shrink("Il a dit : « Je viens. Tu pars. » Puis plus rien."), 30, "Il a dit : « Je viens. Tu…"},
		"no end after M.":            {shrink("On a entendu hier soir M. Dupont parler longuement."), 30, "On a entendu hier soir M…"},
		"no end after initials":      {shrink("We have heard from J. K. Rowling about it."), 26, "We have heard from J. K…"},
		"no end before small letter": {shrink("Il pleut toujours ici... et il neige aussi là-bas."), 30, "Il pleut toujours ici... et…"},
		"too short a sentence":       {shrink("Non. Les élus n’ont pas voté le budget de la commune, hier."), 45, "Non. Les élus n’ont pas voté le budget de la…"},
		"word":                       {shrink("Un texte assez long sans aucun point du tout"), 27, "Un texte assez long sans…"},
		"elision stays":              {shrink("Le conseil a voté hier l’augmentation des tarifs"), 30, "Le conseil a voté hier…"},
		"comma goes":                 {shrink("Le conseil a voté hier, malgré tout"), 28, "Le conseil a voté hier…"},
		"no-break space":             {shrink("Est-ce vraiment la fin\u202f? demande-t-il encore"), 25, "Est-ce vraiment la fin\u202f?…"},
		"never before its mark":      {shrink("Est-ce vraiment la fin\u202f? demande-t-il encore"), 24, "Est-ce vraiment la…"},
		"mark after plain space":     {shrink("Est-ce vraiment la fin ? demande-t-il encore"), 23, "Est-ce vraiment la…"},
		"no opening mark at the end": {shrink("Le maire parle de la «\u00a0grande\u00a0» réforme"), 22, "Le maire parle de la…"},
		"nor a straight one":         {shrink("Le maire parle de la \" grande \" réforme"), 24, "Le maire parle de la…"},
		"nor a bracket":              {shrink("Le maire parle encore ( trop longtemps )"), 25, "Le maire parle encore…"},
		"a stump goes":               {shrinkLast("Le titre") + "\n\n" + shrink("Un chapeau beaucoup trop long pour la place"), 20, "Le titre"},
		"URL is whole":               {shrink("Lire la suite ici https://a.example/un/deux/trois quatre"), 40, "Lire la suite ici…"},
		"mention is whole":           {shrink("Un mot de la part de @quelqu.un@instance.example voilà"), 40, "Un mot de la part de…"},
		"hashtag is whole":           {shrink("Tout cela se passe à #東京都庁前広場にて明日の朝から"), 26, "Tout cela se passe à…"},
		"Japanese sentence":          {shrink("今日は晴れです。明日は雨が降ると思います。"), 12, "今日は晴れです。"},
		"Japanese word":              {shrinkLast("今日は晴れのち曇りでしょう"), 6, "今日は晴れ…"},
		"no small kana first":        {shrinkLast("ちょっとちょっと"), 5, "ちょっと…"},
		"Japanese URL is whole":      {shrinkLast("詳細はhttps://例え.jp/東京/大阪 です"), 12, "詳細は…"},
		"Arabic":                     {shrink("استعادت السوق هيكلها. من يدفع التكاليف؟ لا أحد يعرف"), 45, "استعادت السوق هيكلها. من يدفع التكاليف؟"},
		"families":                   {shrinkLast(strings.Repeat(family+" ", 9)), 8, strings.TrimSpace(strings.Repeat(family+" ", 3)) + " " + family + "…"},
		"a word without end":         {shrinkLast(strings.Repeat("a", 100)), 60, strings.Repeat("a", 59) + "…"},
		"optional first":             {shrinkLast("Titre") + "\n\n" + shrink("Un chapeau qui est assez long.") + "\n\n" + optional("Lettre : x"), 40, "Titre\n\nUn chapeau qui est assez long."},
		"hashtags before the title":  {shrinkLast("Un titre\u00a0: deux") + "\n\nlien\n\n" + hashtag("#un") + hashtag(" #deux"), 26, "Un titre\u00a0: deux\n\nlien\n\n#un"},
		"the room of a hashtag":      {shrinkLast("Titre") + "\n" + shrink("Un chapeau qui est long mais sans point ni rien") + "\n" + hashtag("#"+strings.Repeat("x", 30)), 36, "Titre\nUn chapeau qui est long mais…"},
		"the later text first":       {shrink("Un premier texte de taille moyenne.") + "\n" + shrink("Un second texte de taille moyenne."), 62, "Un premier texte de taille moyenne.\nUn second texte de taille…"},
		"the title last":             {shrinkLast("Un titre qui est bien trop long pour cela") + "\n\n" + shrink("Chapeau.") + "\n\nlien", 24, "Un titre qui est…\n\nlien"},
		"empty lines go":             {shrinkLast("A") + "\n\n" + shrink("") + "\n\n\n  \nlien\n\n\n", 0, "A\n\nlien"},
		"control characters go":      {"a\x00b\x1b[1mc\r\nd\u2028e\x7f", 0, "ab[1mc\nd\ne"},
		"not UTF-8":                  {"a\xffb", 0, "a\ufffdb"},
		"stray marks":                {"a\x03b\x02zc\x02", 0, "abzc"},
		"marks do not nest":          {shrink("un " + hashtag("#deux") + " trois"), 0, "un #deux trois"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := render.Fit(c.marked, render.Limits{Text: c.limit})
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestFitRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		marked string
		limits render.Limits
	}{
		"fixed text":         {"Un texte qui ne doit pas changer", render.Limits{Text: 10}},
		"fixed text, huge":   {strings.Repeat("mot ", 1<<20), render.Limits{Text: 10}},
		"bytes":              {"ééééé", render.Limits{Text: 10, Bytes: 9}},
		"no room for a word": {shrinkLast("Anticonstitutionnellement") + "\n\nhttps://a.example/", render.Limits{Text: 20}},
		"hashtags do not do": {"Un texte fixe " + hashtag("#un"), render.Limits{Text: 8}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := render.Fit(c.marked, c.limits)
			if err == nil {
				t.Fatalf("got %q, want an error", got)
			}
			if publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
				t.Errorf("want an error of kind Invalid with a hint, got %v: %v", publisher.KindOf(err), err)
			}
		})
	}
}

// What takes a quadratic time, or counts megabytes over and over, would take hours here.
func TestFitHuge(t *testing.T) {
	const size = 10 << 20
	limits := render.Limits{Text: 280, Len: measure.X}
	for name, text := range map[string]string{
		"words":         strings.Repeat("mot ", size/4),
		"sentences":     strings.Repeat("Une phrase. ", size/12),
		"one word":      strings.Repeat("a", size),
		"slashes":       strings.Repeat("/", size),
		"domains":       strings.Repeat("a_b.com.", size/8),
		"Japanese":      strings.Repeat("日本語", size/9),
		"one grapheme":  "e" + strings.Repeat("\u0301", size/2),
		"opening marks": strings.Repeat("« ", size/3),
	} {
		t.Run(name, func(t *testing.T) {
			const link = "https://www.gazette.fr/a"
			got, err := render.Fit(shrinkLast("Titre")+"\n\n"+shrink(text)+"\n\n"+link, limits)
			if err != nil {
				t.Fatal(err)
			}
			if n := measure.X(got); n > 280 || !strings.HasSuffix(got, link) || !strings.HasPrefix(got, "Titre") {
				t.Errorf("%d characters: %q", n, got)
			}
		})
	}
}

func FuzzFit(f *testing.F) {
	f.Add("Un titre", "Un chapeau. Il dit «\u00a0tout\u00a0»\u202f!", "#un", uint16(60))
	f.Add("👨‍👩‍👧‍👦👨‍👩‍👧‍👦 👍🏽", "e\u0301\u0301 日本語。「はい」 https://x.example/é", "#東京", uint16(40))
	f.Add("@a@b.c", "السوق المغطاة؟ \u0600 1\u20e3 🇫🇷🇫🇷", "", uint16(30))
	f.Add(strings.Repeat("a", 90), "a\x02s\x03\x1e\r\n\tb\u2028c\u00a0\xff", "#a b", uint16(300))
	counts := map[string]func(string) int{"x": measure.X, "bluesky": measure.Graphemes, "mastodon": func(s string) int { return measure.Mastodon(s, 23) }}
	f.Fuzz(func(t *testing.T, title, lead, tag string, limit uint16) {
		const link = "https://www.gazette.fr/a/b"
		// As posts do: an article's texts hold no control characters.
		title, lead, tag = line(title), line(lead), line(tag)
		for network, count := range counts {
			limits := render.Limits{Text: int(limit) + 1, Len: count, Bytes: 4 * int(limit)}
			got, err := render.Fit(shrinkLast(title)+"\n\n"+shrink(lead)+"\n\n"+link+"\n\n"+hashtag(tag), limits)
			if err != nil {
				if publisher.KindOf(err) != publisher.Invalid {
					t.Fatal(err)
				}
				continue
			}
			if !utf8.ValidString(got) || count(got) > limits.Text || limits.Bytes > 0 && len(got) > limits.Bytes {
				t.Errorf("%s: %d of %d, %d bytes of %d: %q", network, count(got), limits.Text, len(got), limits.Bytes, got)
			}
			head, tail, ok := strings.Cut(got, link)
			if !ok {
				t.Fatalf("%s: the link is gone: %q", network, got)
			}
			if again, err := render.Fit(got, limits); err != nil || again != got {
				t.Errorf("%s: fitting again changes %q to %q, %v", network, got, again, err)
			}
			if tail = strings.TrimSpace(tail); tail != "" && tail != strings.TrimSpace(tag) {
				t.Errorf("%s: the hashtag %q became %q", network, tag, tail)
			}
			if short, err := render.Fit(shrink(lead), limits); err == nil {
				checkPrefix(t, strings.TrimSpace(lead), short)
			}
			if cutTitle, _, _ := strings.Cut(head, "\n\n"); !strings.Contains(title, "\n") && cutTitle != "" && strings.TrimSpace(title) != "" {
				checkPrefix(t, strings.TrimSpace(title), cutTitle)
			}
		}
	})
}

// checkPrefix checks that short is a beginning of s, perhaps with "…", that ends
// where a grapheme does.
func checkPrefix(t *testing.T, s, short string) {
	t.Helper()
	if short == s || short == "" {
		return
	}
	kept := strings.TrimRightFunc(strings.TrimSuffix(short, "…"), unicode.IsSpace)
	if !strings.HasPrefix(s, kept) {
		t.Errorf("%q is not a beginning of %q", short, s)
		return
	}
	at := 0
	for g := uniseg.NewGraphemes(s); at < len(kept) && g.Next(); {
		_, at = g.Positions()
	}
	if at != len(kept) {
		t.Errorf("%q ends within a grapheme of %q", short, s)
	}
	whole := append(measure.URLs(s), measure.Hashtags(s)...)
	for _, m := range measure.Mentions(s) {
		whole = append(whole, m.Span)
	}
	for _, w := range whole {
		if w.Start < len(kept) && len(kept) < w.End {
			t.Errorf("%q ends within %q", short, s[w.Start:w.End])
		}
	}
}

func line(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
