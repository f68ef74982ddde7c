package measure_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"crieur/publisher/social/measure"
)

// richTextSuite runs the cases of Bluesky's own detection. In its cases of
// mentions and links a text stands in segments, each with the address that it
// leads to where it is marked; a handle's is "did:fake:" and the handle.
func richTextSuite(t *testing.T) int {
	type tagged struct {
		Text    string
		Values  []string
		Indices []struct{ ByteStart, ByteEnd int }
	}
	var suite struct {
		MentionsAndLinks []struct {
			Text     string
			Segments [][]string
		} `json:"mentions_and_links"`
		Tags, Cashtags []tagged
	}
	readJSON(t, &suite, "atproto", "rich-text", "rich-text-detection.json")
	n := 0
	for _, c := range suite.MentionsAndLinks {
		n++
		var want []measure.Facet
		at := 0
		for _, s := range c.Segments {
			f := measure.Facet{Start: at, End: at + len(s[0]), Kind: measure.FacetLink}
			at = f.End
			if len(s) == 1 {
				continue
			}
			f.Value = s[1]
			if handle, ok := strings.CutPrefix(f.Value, "did:fake:"); ok {
				f.Kind, f.Value = measure.FacetMention, handle
			}
			want = append(want, f)
		}
		// Some of these texts have a "#" or "$" too: the suite looks at links and mentions only.
		got := facets(c.Text, func(f measure.Facet) bool { return f.Kind != measure.FacetTag })
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.Text, diff)
		}
	}
	for sign, cases := range map[string][]tagged{"#": suite.Tags, "$": suite.Cashtags} {
		for _, c := range cases {
			n++
			var want []measure.Facet
			for i, v := range c.Values {
				want = append(want, measure.Facet{
					Start: c.Indices[i].ByteStart, End: c.Indices[i].ByteEnd, Kind: measure.FacetTag, Value: v,
				})
			}
			got := facets(c.Text, func(f measure.Facet) bool {
				return f.Kind == measure.FacetTag && strings.HasPrefix(f.Value, "$") == (sign == "$")
			})
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%q (-want +got):\n%s", c.Text, diff)
			}
		}
	}
	return n
}

func facets(text string, keep func(measure.Facet) bool) []measure.Facet {
	var kept []measure.Facet
	for _, f := range measure.Facets(text) {
		if keep(f) {
			kept = append(kept, f)
		}
	}
	return kept
}
