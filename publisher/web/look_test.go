package web_test

import (
	"math"
	"regexp"
	"strconv"
	"testing"

	"crieur/publisher/web"
)

// contrast gives the contrast ratio of two colours "rrggbb" (WCAG 2.2, 1.4.3).
func contrast(t testing.TB, a, b string) float64 {
	t.Helper()
	luminance := func(hex string) float64 {
		n, err := strconv.ParseUint(hex, 16, 32)
		if err != nil || len(hex) != 6 {
			t.Fatalf("%q is no colour", hex)
		}
		linear := func(c uint64) float64 {
			if v := float64(c) / 255; v > 0.04045 {
				return math.Pow((v+0.055)/1.055, 2.4)
			} else {
				return v / 12.92
			}
		}
		return 0.2126*linear(n>>16) + 0.7152*linear(n>>8&255) + 0.0722*linear(n&255)
	}
	high, low := max(luminance(a), luminance(b)), min(luminance(a), luminance(b))
	return (high + 0.05) / (low + 0.05)
}

var (
	accentPair = regexp.MustCompile(`:root \{ --accent: #([0-9a-f]{6}); --accent-dark: #([0-9a-f]{6}); \}`)
	variable   = regexp.MustCompile(`--(paper|ink|muted): #([0-9a-f]{6});`)
)

func TestAccentCanBeRead(t *testing.T) {
	for name, test := range map[string]struct{ accent, light string }{
		"the demo’s":   {"#8a1c1c", "8a1c1c"},
		"of three":     {"#036", "003366"},
		"capitals":     {"#8A1C1C", "8a1c1c"},
		"white":        {"#ffffff", ""},
		"black":        {"#000000", "000000"},
		"yellow":       {"#ffe600", ""},
		"sky":          {"#6cb4ee", ""},
		"middle grey":  {"#808080", ""},
		"none":         {"", "9a1b1e"},
		"no colour":    {"rouge", "9a1b1e"},
		"signed":       {"#+12345", "9a1b1e"},
		"with opacity": {"#8a1c1c80", "9a1b1e"},
	} {
		t.Run(name, func(t *testing.T) {
			page := ask(publicPages(t, newPeople(), func(c *web.Config) { c.Accent = test.accent }), "GET", "/p/"+camille).Body.String()
			found := accentPair.FindStringSubmatch(page)
			if found == nil {
				t.Fatal("the page has no accent")
			}
			if test.light != "" && found[1] != test.light {
				t.Errorf("accent #%s, want #%s: it can be read as it is", found[1], test.light)
			}
			if got := contrast(t, found[1], "ffffff"); got < 4.5 {
				t.Errorf("#%s on light paper: %.2f", found[1], got)
			}
			if got := contrast(t, found[2], "161513"); got < 4.5 {
				t.Errorf("#%s on dark paper: %.2f", found[2], got)
			}
		})
	}
}

func TestPapersCanBeRead(t *testing.T) {
	page := ask(publicPages(t, newPeople(), nil), "GET", "/").Body.String()
	found := variable.FindAllStringSubmatch(page, -1)
	if len(found) < 6 { // what follows is for printing
		t.Fatalf("the style sheet has %d of the six colours of its two papers", len(found))
	}
	for i := 0; i < 6; i += 3 {
		for _, text := range found[i+1 : i+3] {
			if got := contrast(t, text[2], found[i][2]); found[i][1] != "paper" || got < 4.5 {
				t.Errorf("%s #%s on #%s: %.2f", text[1], text[2], found[i][2], got)
			}
		}
	}
	if found[0][2] != "ffffff" || found[3][2] != "161513" {
		t.Error("the accents are reckoned for other papers than", found[0][2], "and", found[3][2])
	}
}
