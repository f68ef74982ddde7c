package render_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/render"
)

func TestInlineStyles(t *testing.T) {
	tests := map[string]struct{ css, body, want string }{
		"by element":       {"p{color:red}", "<p>a</p>", `<p style="color:red">a</p>`},
		"by class":         {".x{color:red}", `<p class="x">a</p>`, `<p style="color:red">a</p>`},
		"by ancestor":      {".b p{margin:0}", `<div class="b"><p>a</p></div>`, `<div><p style="margin:0">a</p></div>`},
		"specific wins":    {".x{color:red}p{color:blue}", `<p class="x">a</p>`, `<p style="color:red">a</p>`},
		"later wins":       {"p{color:red}p{color:blue}", "<p>a</p>", `<p style="color:blue">a</p>`},
		"own style wins":   {"p{color:red;margin:0}", `<p style="color:green">a</p>`, `<p style="margin:0;color:green">a</p>`},
		"important wins":   {"p{color:red !important}.x{color:blue}", `<p class="x" style="color:green">a</p>`, `<p style="color:red">a</p>`},
		"shorthands":       {"p{margin:0}p{margin-top:4px}", "<p>a</p>", `<p style="margin:0;margin-top:4px">a</p>`},
		"shorthand later":  {"p{margin-top:4px}p{margin:0}", "<p>a</p>", `<p style="margin-top:4px;margin:0">a</p>`},
		"quotes":           {`p{font-family:"A B"}`, "<p>a</p>", `<p style="font-family:&#39;A B&#39;">a</p>`},
		"comments":         {"p{color:red}", "<p>a</p><!--[if mso]><table><![endif]-->", `<p style="color:red">a</p><!--[if mso]><table><![endif]-->`},
		"preformatted":     {"p{color:red}", "<pre>a\n  b\n</pre>", "<pre>a\n  b\n</pre>"},
		"apart, not glued": {"p{color:red}", "<i>a</i> <i>b</i>\n   <i>c</i>", "<i>a</i> <i>b</i>\n<i>c</i>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := render.InlineStyles("<!doctype html><html><head><style>" + tt.css + "</style></head><body>" + tt.body + "</body></html>")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("<!DOCTYPE html><html><head></head><body>"+tt.want+"</body></html>", got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestKeptStyles(t *testing.T) {
	got, err := render.InlineStyles(`<html><head><style>a{color:red} a:hover{color:blue} @media print{p{color:black !important}}</style>` +
		`<style data-keep>[data-ogsc] .dark{color:white !important}</style></head><body><p class="dark lost">x</p></body></html>`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a:hover", "@media print", "color: black !important", "[data-ogsc] .dark{color:white !important}", `<p class="dark">x</p>`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
	if strings.Contains(got, "data-keep") || strings.Contains(got, "color:red") {
		t.Errorf("left in: %s", got)
	}
}

// contrast is WCAG 2.2's, written here anew so that the package's own is checked.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(hex string) float64 {
		n, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
		if err != nil || len(hex) != 7 {
			t.Fatalf("no colour: %q", hex)
		}
		linear := func(c uint64) float64 {
			v := float64(c&0xff) / 255
			if v <= 0.04045 {
				return v / 12.92
			}
			return math.Pow((v+0.055)/1.055, 2.4)
		}
		return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
	}
	la, lb := luminance(a), luminance(b)
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

const (
	lightPaper = "#ffffff"
	darkPaper  = "#161513"
)

func TestAccents(t *testing.T) {
	tests := map[string]string{"readable on paper": "#1d5c8a", "yellow": "#ffe600", "white": "#ffffff", "black": "#000000",
		"short": "#09f", "none": "", "no colour": "red;}</style><script>", "grey": "#777777"}
	for name, accent := range tests {
		light, dark := render.Accents(accent)
		if c := contrast(t, light, lightPaper); c < 4.5 {
			t.Errorf("%s: %s on paper: %.2f, want 4.5", name, light, c)
		}
		if c := contrast(t, dark, darkPaper); c < 4.5 {
			t.Errorf("%s: %s in the dark: %.2f, want 4.5", name, dark, c)
		}
	}
	if light, _ := render.Accents("#1d5c8a"); light != "#1d5c8a" {
		t.Errorf("a readable accent became %s", light)
	}
}

var (
	textColor = regexp.MustCompile(`[;"{ ]color: ?(#[0-9a-f]{6})`)
	ground    = regexp.MustCompile(`background-color: ?(#[0-9a-f]{6})`)
)

// TestContrast holds that every text colour of a letter is readable on the ground of
// its scheme, at WCAG AA.
func TestContrast(t *testing.T) {
	r, err := openSet(t, "").Mail(french())
	if err != nil {
		t.Fatal(err)
	}
	// The preheader is not to be seen.
	html := regexp.MustCompile(`<div aria-hidden="true"[^>]*>`).ReplaceAllString(r.HTML, "")
	head, body, _ := strings.Cut(html, "<body")
	_, dark, ok := strings.Cut(head, "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("no dark scheme")
	}
	for scheme, tt := range map[string]struct{ css, paper string }{"light": {body, lightPaper}, "dark": {dark, darkPaper}} {
		colors := textColor.FindAllStringSubmatch(tt.css, -1)
		if len(colors) < 3 {
			t.Errorf("%s: only %d colours found", scheme, len(colors))
		}
		for _, m := range colors {
			if c := contrast(t, m[1], tt.paper); c < 4.5 {
				t.Errorf("%s: %s on %s: %.2f, want 4.5", scheme, m[1], tt.paper, c)
			}
		}
		if g := ground.FindStringSubmatch(tt.css); g == nil || g[1] != tt.paper {
			t.Errorf("%s: ground %v, want %s", scheme, g, tt.paper)
		}
	}
}
