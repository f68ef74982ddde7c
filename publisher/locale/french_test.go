package locale_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"crieur/publisher/locale"
)

const (
	nb = "\u00a0"
	nn = "\u202f"
)

func TestFrench(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"question":               {"Qui vient ?", "Qui vient" + nn + "?"},
		"exclamation":            {"Assez ! dit-elle", "Assez" + nn + "! dit-elle"},
		"semicolon":              {"l’un ; l’autre", "l’un" + nn + "; l’autre"},
		"colon":                  {"Le maire : « Non »", "Le maire" + nb + ": «" + nb + "Non" + nb + "»"},
		"missing spaces":         {"Qui? Moi! Ceci: cela; «ici»", "Qui" + nn + "? Moi" + nn + "! Ceci" + nb + ": cela" + nn + "; «" + nb + "ici" + nb + "»"},
		"kept":                   {"Oui" + nb + "! Non" + nn + ":", "Oui" + nb + "! Non" + nn + ":"},
		"run of signs":           {"Quoi ?!! Non...?", "Quoi" + nn + "?!! Non...?"},
		"url":                    {"voir https://a.example/x?y=1;z:2!", "voir https://a.example/x?y=1;z:2!"},
		"url ends in a sign":     {"voir https://a.example/x? oui", "voir https://a.example/x? oui"},
		"url, then a question":   {"sur https://a.example ?", "sur https://a.example" + nn + "?"},
		"www":                    {"www.a.example: ici", "www.a.example: ici"},
		"address":                {"a@b.example; c@d.example", "a@b.example; c@d.example"},
		"time":                   {"à 18:00, puis 9:30", "à 18:00, puis 9:30"},
		"code":                   {"a?b:c std::vec x!=y", "a?b:c std::vec x!=y"},
		"smiley":                 {"merci :) et ;-)", "merci :) et ;-)"},
		"figures":                {"10 % de 5 €, 3 $ US", "10" + nb + "% de 5" + nb + "€, 3" + nb + "$ US"},
		"currency before figure": {"en 2026 €300", "en 2026 €300"},
		"quote closes":           {"« Qui ? » dit-il", "«" + nb + "Qui" + nn + "?" + nb + "» dit-il"},
		"question in quotes":     {"« Qui ?»", "«" + nb + "Qui" + nn + "?" + nb + "»"},
		"straight quote":         {`un "mot" : oui`, `un "mot"` + nb + `: oui`},
		"bracket":                {"(vraiment ?)", "(vraiment" + nn + "?)"},
		"ellipsis":               {"Ah… ! bon", "Ah…" + nn + "! bon"},
		"spanish":                {"¿Qué?", "¿Qué" + nn + "?"},
		"sign alone":             {"?", "?"},
		"nothing to do":          {"Rien à faire.", "Rien à faire."},
		"empty":                  {"", ""},
		"emoji":                  {"Fête 🎉 !", "Fête 🎉" + nn + "!"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := locale.French(tt.in)
			if got != tt.want {
				t.Errorf("French(%q) = %q, want %q", tt.in, got, tt.want)
			}
			if again := locale.French(got); again != got {
				t.Errorf("applied twice: %q, want %q", again, got)
			}
		})
	}
}

func TestFrenchBetween(t *testing.T) {
	tests := map[string]struct {
		before rune
		in     string
		after  rune
		want   string
	}{
		"space ends the piece":       {0, "mot ", '?', "mot" + nn},
		"sign begins the piece":      {'t', "? Oui", 0, nn + "? Oui"},
		"sign after a space outside": {' ', "? Oui", 0, "? Oui"},
		"quote opens outside":        {'«', " mot", 0, nb + "mot"},
		"quote closes outside":       {0, "mot ", '»', "mot" + nb},
		"time across pieces":         {'8', ":00", 0, ":00"},
		"no sign near":               {'a', "b c", 'd', "b c"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := locale.FrenchBetween(tt.before, tt.in, tt.after); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzFrench holds that nothing but spaces is changed, that no line can end before a
// sign that a plain space stood before, and that a second pass changes nothing.
func FuzzFrench(f *testing.F) {
	for _, s := range []string{"Qui ? « Moi » : oui ; non !", "a:b 18:00 https://x.example/?a ;", "«»", "« »", "10 %"} {
		f.Add(s)
	}
	spaces := strings.NewReplacer(" ", "", nb, "", nn, "")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip()
		}
		got := locale.French(s)
		if a, b := spaces.Replace(got), spaces.Replace(s); a != b {
			t.Fatalf("changed more than spaces: %q, was %q", got, s)
		}
		if again := locale.French(got); again != got {
			t.Fatalf("second pass: %q, first %q", again, got)
		}
		for _, bad := range []string{" ? ", " ! ", " : ", " ; ", " »", "« "} {
			if strings.Contains(got, bad) {
				t.Fatalf("a line can break in %q of %q", bad, got)
			}
		}
	})
}
