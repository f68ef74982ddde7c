package measure_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"crieur/publisher/social/measure"
)

func TestMastodon(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		perURL int
		want   int
	}{
		"graphemes":                {"e\u0301 👨‍👩‍👧‍👦 🇫🇷", 23, 5},
		"URL":                      {"Lire https://gazette.fr/2026/11/24/une-tres-longue-adresse ici", 23, 5 + 23 + 4},
		"short URL":                {"https://a.fr", 23, 23},
		"another weight":           {"https://gazette.fr/2026", 25, 25},
		"no weight":                {"https://gazette.fr/2026", 0, 23},
		"bare domain":              {"gazette.fr/une-tres-longue-adresse", 23, 34},
		"letters of other scripts": {"https://gazette.fr/été/日本?q=é", 23, 23},
		"stop behind":              {"https://gazette.fr/a.", 23, 24},
		"brackets":                 {"(https://fr.wikipedia.org/wiki/Halle_(architecture))", 23, 25},
		"unknown domain":           {"https://gazette.example/a", 23, 25},
		"mention":                  {"@jeanne@instance.example bonjour", 23, len("@jeanne bonjour")},
		"local mention":            {"@jeanne bonjour", 23, 15},
		"dotted mention":           {"@jeanne.l@instance.example", 23, len("@jeanne.l")},
		"mail address":             {"jeanne@instance.example", 23, 23},
		"mention behind URL":       {"https://a.fr/b @jeanne@instance.example !", 23, 23 + len(" @jeanne !")},
		"mention within URL":       {"https://a.fr/@jeanne@instance.example", 23, 23},
		"mention before URL":       {"@jeanne@instance.example https://a.fr/b", 23, len("@jeanne ") + 23},
		"two of each":              {"@a@b.fr https://a.fr/ @c@d.fr https://b.fr/", 23, 2 + 1 + 23 + 1 + 2 + 1 + 23},
		"no break between them":    {"@a@b.fr:https://a.fr/", 23, 2 + 1 + 23},
		"empty":                    {"", 23, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := measure.Mastodon(c.text, c.perURL); got != c.want {
				t.Errorf("%q counts %d, want %d", c.text, got, c.want)
			}
		})
	}
}

// What the conformance suite leaves open about emoji: X knows the recommended
// sequences, and never may a text count less here than there.
func TestXEmoji(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"heart on fire":                 {"❤️‍🔥", 2},
		"couple":                        {"👩🏽‍❤️‍💋‍👨🏿", 2},
		"people holding hands":          {"🧑🏻‍🤝‍🧑🏿", 2},
		"woman health worker":           {"👩🏾‍⚕️", 2},
		"man running":                   {"🏃🏿‍♂️", 2},
		"rainbow flag":                  {"🏳️‍🌈", 2},
		"Wales":                         {"🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", 2},
		"no subdivision's flag":         {"🏴\U000e0066\U000e0072\U000e007f", 2 + 3*2},
		"France":                        {"🇫🇷", 2},
		"Europe":                        {"🇪🇺", 2},
		"no flag":                       {"🇽🇽", 4},
		"half a flag":                   {"🇫a", 3},
		"keycap":                        {"#️⃣", 2},
		"copyright as text":             {"©", 1},
		"copyright as emoji":            {"©️", 2},
		"joined, but no emoji":          {"👨‍🚗", 5},
		"skin on what has none":         {"🚗🏽", 4},
		"text style":                    {"✌︎", 4},
		"a letter is not made an emoji": {"あ\ufe0f", 4},
		"joiner at the end":             {"👨\u200d", 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := measure.X(c.text); got != c.want {
				t.Errorf("%+q weighs %d, want %d", c.text, got, c.want)
			}
		})
	}
}

func TestXFrench(t *testing.T) {
	// Each no-break space and guillemet is one character of the lower ranges, but the
	// narrow one (U+202F) and the word joiner (U+2060) are in none.
	for text, want := range map[string]int{"«\u00a0Où\u00a0»": 6, "Où\u202f?": 5, "@\u2060luc": 6, "l’œuvre…": 9} {
		if got := measure.X(text); got != want {
			t.Errorf("%+q weighs %d, want %d", text, got, want)
		}
	}
}

// Texts that make a careless search quadratic: that would take minutes at this size,
// and a linear one takes less than a second.
func TestHostileTextTakesLinearTime(t *testing.T) {
	const size, limit = 1 << 18, 20 * time.Second
	for name, unit := range map[string]string{
		"labels": "a.", "labels that may stand nowhere": "a_b.com.", "dashes": "-", "hyphenated": "a-", "TLDs": "com.", "protocols": "http://",
		"open brackets": "http://a.fr/(", "nested brackets": "(a", "domains in Japanese": "日本.", "letters of no TLD": "あ.い",
		"at signs": "@a", "hosts": "@a@b.", "number signs": "#", "tags": "#a", "cash": "$a ", "joiners": "👨\u200d", "marks": "\u0301",
		"flags": "🇫", "tags of flags": "🏴\U000e0067", "trailing": "http://a.fr/!", "queries": "http://a.fr?",
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(unit, size/len(unit))
			start := time.Now()
			if measure.X(text) == 0 || measure.Mastodon(text, 23) == 0 {
				t.Error("counts nothing")
			}
			measure.Facets(text)
			measure.Mentions(text)
			measure.Hashtags(text)
			measure.Cashtags(text)
			measure.ValidURL(text)
			if took := time.Since(start); took > limit {
				t.Errorf("%d bytes took %v", size, took)
			}
		})
	}
}

func FuzzMeasure(f *testing.F) {
	for _, s := range []string{"http://a.fr/(b)?c#d", "日本.みんなです http://xn--はじ.com", "@a/b ＠c RT@d", "#é #1 ＃あ", "$A.B $C", "🏴‍☠️ 🇫🇷 1️⃣", "\xff.\xfe",
		"@a@b.c https://a.fr/@x", "a\u0301ש\ufb2c\u202a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		spans := map[string][]measure.Span{"URLs": measure.URLs(text), "Hashtags": measure.Hashtags(text), "Cashtags": measure.Cashtags(text)}
		for _, m := range measure.Mentions(text) {
			spans["Mentions"] = append(spans["Mentions"], m.Span)
		}
		for _, s := range measure.Facets(text) {
			spans["Facets"] = append(spans["Facets"], measure.Span{Start: s.Start, End: s.End})
			if s.Value == "" {
				t.Errorf("facet without a value in %q", text)
			}
		}
		for name, list := range spans {
			end := 0
			for _, s := range list {
				if s.Start < end || s.End <= s.Start || s.End > len(text) {
					t.Fatalf("%s of %q: %v is out of order or range", name, text, list)
				}
				end = s.End
				if utf8.ValidString(text) && !utf8.ValidString(text[s.Start:s.End]) {
					t.Fatalf("%s of %q: %v divides a character", name, text, s)
				}
			}
		}
		if m := measure.XConfigV3().Measure(text); m.Weight < 0 || m.ValidEnd > m.DisplayEnd && text != "" && utf8.ValidString(text) {
			t.Errorf("%q: %+v", text, m)
		}
		if n := measure.Mastodon(text, 0); n > measure.Graphemes(text) {
			t.Errorf("%q counts %d, more than its graphemes", text, n)
		}
		measure.ValidURL(text)
	})
}

func BenchmarkX(b *testing.B) {
	text := strings.Repeat("Une phrase d’article, avec « guillemets », et https://www.gazette.fr/2026/11/24/halle ! ", 4)
	b.ReportAllocs()
	for b.Loop() {
		measure.X(text)
	}
}
