package render_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/render"
)

func TestWrapText(t *testing.T) {
	long := "https://example.org/" + strings.Repeat("a-b/", 12)
	tests := map[string]struct {
		in, first, rest string
		want            []string
	}{
		"empty":             {"", "", "", []string{""}},
		"short":             {"un deux", "", "", []string{"un deux"}},
		"at spaces":         {"un deux trois quatre cinq", "", "", []string{"un deux trois quatre", "cinq"}},
		"many spaces":       {"un   deux\t trois", "", "", []string{"un deux trois"}},
		"no-break spaces":   {"aaaa bbbb cccc dddd\u202f! e", "", "", []string{"aaaa bbbb cccc", "dddd\u202f! e"}},
		"long URL":          {"voir " + long + " ici", "", "", []string{"voir", long, "ici"}},
		"marker":            {"a crieurmerge0123456789abunsubscribeend b", "", "", []string{"a", "crieurmerge0123456789abunsubscribeend", "b"}},
		"line ends stay":    {"a\nb c", "", "", []string{"a", "b c"}},
		"quote":             {"un deux trois quatre cinq", "> ", "> ", []string{"> un deux trois", "> quatre cinq"}},
		"list":              {"un deux trois quatre cinq", "1. ", "   ", []string{"1. un deux trois", "   quatre cinq"}},
		"Chinese":           {"我们没有备用计划，港务长在星期日说道。", "", "", []string{"我们没有备用计划，港", "务长在星期日说道。"}},
		"emoji of a family": {"👨‍👩‍👧‍👦👨‍👩‍👧‍👦 et 👨‍👩‍👧‍👦 voisins dehors", "", "", []string{"👨‍👩‍👧‍👦👨‍👩‍👧‍👦 et 👨‍👩‍👧‍👦 voisins", "dehors"}},
		"combining accents": {strings.Repeat("e\u0301", 20) + " x", "", "", []string{strings.Repeat("e\u0301", 20), "x"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := strings.Split(render.WrapText(tt.in, 20, tt.first, tt.rest), "\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzWrapText holds that wrapping loses nothing but spaces, and that a line that is
// too long has no plain space at which it could have ended.
func FuzzWrapText(f *testing.F) {
	for _, s := range []string{"un deux trois", "a\u00a0b ? c", "https://example.org/a b", "我们没有备用计划", "\n\n x", "crieurmergeab0end"} {
		f.Add(s, 12)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		if !utf8.ValidString(s) || width < 1 || width > 200 {
			t.Skip()
		}
		got := render.WrapText(s, width, "", "")
		strip := strings.NewReplacer(" ", "", "\t", "", "\n", "")
		if a, b := strip.Replace(got), strip.Replace(s); a != b {
			t.Fatalf("text changed: %q, was %q", got, s)
		}
		for line := range strings.SplitSeq(got, "\n") {
			if render.TextWidth(line) > width && strings.Contains(strings.Trim(line, " "), " ") {
				t.Fatalf("%q is wider than %d and has a space to break at", line, width)
			}
		}
	})
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nBcc: b@c.example": "a Bcc: b@c.example",
		"  a \t b\x00c ":        "a b c",
		"a\u2028b\u2029c\u0085": "a b c",
		"« a\u00a0»\u202f!":     "« a\u00a0»\u202f!",
		"\xff":                  "\ufffd",
	} {
		if got := render.OneLine(in); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}
