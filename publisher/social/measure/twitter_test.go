package measure_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"

	"crieur/publisher/social/measure"
)

// A twitterCase is a case of validate.yml, extract.yml or tlds.yml.
type twitterCase struct {
	Description string
	Text        string
	Expected    yaml.Node
}

type twitterSuite struct{ Tests map[string][]twitterCase }

func (c twitterCase) decode(t *testing.T, into any) {
	t.Helper()
	if err := c.Expected.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func validateSuite(t *testing.T) int {
	checks := map[string]func(string) bool{
		"tweets":                func(s string) bool { return measure.XConfigV1().Measure(s).Valid },
		"usernames":             func(s string) bool { return onlyMention(s, false) },
		"lists":                 func(s string) bool { return onlyMention(s, true) },
		"hashtags":              func(s string) bool { return cmp.Equal(measure.Hashtags(s), whole(s)) },
		"urls":                  measure.ValidURL,
		"urls_without_protocol": measure.ValidURL,
	}
	counters := map[string]measure.XConfig{
		"WeightedTweetsCounterTest":                    measure.XConfigV2(),
		"WeightedTweetsWithDiscountedEmojiCounterTest": measure.XConfigV3(),
		"UnicodeDirectionalMarkerCounterTest":          measure.XConfigV3(),
	}
	var suite twitterSuite
	readYAML(t, &suite, "twitter-text", "validate.yml")
	n := 0
	for group, cases := range suite.Tests {
		check, config := checks[group], counters[group]
		if check == nil && config.Max == 0 {
			t.Errorf("%s: nothing checks this group", group)
			continue
		}
		for _, c := range cases {
			n++
			if check != nil {
				var want bool
				c.decode(t, &want)
				if got := check(c.Text); got != want {
					t.Errorf("%s: %s: %q is valid: got %v, want %v", group, c.Description, c.Text, got, want)
				}
				continue
			}
			var want struct {
				WeightedLength    int  `yaml:"weightedLength"`
				Valid             bool `yaml:"valid"`
				Permillage        int  `yaml:"permillage"`
				DisplayRangeStart int  `yaml:"displayRangeStart"`
				DisplayRangeEnd   int  `yaml:"displayRangeEnd"`
				ValidRangeStart   int  `yaml:"validRangeStart"`
				ValidRangeEnd     int  `yaml:"validRangeEnd"`
			}
			c.decode(t, &want)
			wanted := measure.XMeasure{
				Weight: want.WeightedLength, Valid: want.Valid, Permillage: want.Permillage,
				DisplayStart: want.DisplayRangeStart, DisplayEnd: want.DisplayRangeEnd,
				ValidStart: want.ValidRangeStart, ValidEnd: want.ValidRangeEnd,
			}
			if diff := cmp.Diff(wanted, config.Measure(c.Text)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", group, c.Description, diff)
			}
		}
	}
	return n
}

func whole(s string) []measure.Span { return []measure.Span{{Start: 0, End: len(s)}} }

func onlyMention(s string, list bool) bool {
	m := measure.Mentions(s)
	return len(m) == 1 && m[0].Span == whole(s)[0] && (m[0].List != "") == list
}

// An entity is what extract.yml expects of one link; indices count UTF-16 units.
type entity struct {
	ScreenName string `yaml:"screen_name"`
	ListSlug   string `yaml:"list_slug"`
	URL        string `yaml:"url"`
	Hashtag    string `yaml:"hashtag"`
	Cashtag    string `yaml:"cashtag"`
	Indices    [2]int `yaml:"indices"`
}

func extractSuite(t *testing.T) int {
	var suite twitterSuite
	readYAML(t, &suite, "twitter-text", "extract.yml")
	n := 0
	for group, cases := range suite.Tests {
		extract, ok := extractors()[strings.TrimSuffix(group, "_with_indices")]
		if !ok {
			t.Errorf("%s: nothing checks this group", group)
			continue
		}
		for _, c := range cases {
			n++
			var want any
			var got any
			switch {
			case group == "replies":
				var name string
				c.decode(t, &name)
				want, got = name, measure.Reply(c.Text)
			case strings.HasSuffix(group, "_with_indices"), group == "urls_with_directional_markers":
				var entities []entity
				c.decode(t, &entities)
				want, got = entities, extract(c.Text)
			default:
				var texts []string
				c.decode(t, &texts)
				found := []string{}
				for _, e := range extract(c.Text) {
					found = append(found, e.ScreenName+e.URL+e.Hashtag+e.Cashtag)
				}
				want, got = texts, found
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %s: %q (-want +got):\n%s", group, c.Description, c.Text, diff)
			}
		}
	}
	return n
}

func extractors() map[string]func(string) []entity {
	mentions := func(s string) (found []entity) {
		for _, m := range measure.Mentions(s) {
			found = append(found, entity{ScreenName: m.User, ListSlug: m.List, Indices: units(s, m.Span)})
		}
		return found
	}
	urls := func(s string) (found []entity) {
		for _, u := range measure.URLs(s) {
			found = append(found, entity{URL: s[u.Start:u.End], Indices: units(s, u)})
		}
		return found
	}
	hashtags := func(s string) (found []entity) {
		for _, h := range measure.Hashtags(s) {
			tag := strings.TrimLeft(s[h.Start:h.End], "#＃")
			found = append(found, entity{Hashtag: tag, Indices: units(s, h)})
		}
		return found
	}
	cashtags := func(s string) (found []entity) {
		for _, c := range measure.Cashtags(s) {
			found = append(found, entity{Cashtag: s[c.Start+1 : c.End], Indices: units(s, c)})
		}
		return found
	}
	return map[string]func(string) []entity{
		"mentions": mentions, "mentions_or_lists": mentions, "replies": nil,
		"urls": urls, "urls_with_directional_markers": urls, "tco_urls_with_params": urls,
		"hashtags": hashtags, "hashtags_from_astral": hashtags, "cashtags": cashtags,
	}
}

func units(text string, s measure.Span) [2]int {
	length := func(s string) int { return len(utf16.Encode([]rune(s))) }
	return [2]int{length(text[:s.Start]), length(text[:s.End])}
}

func tldSuite(t *testing.T) int {
	var suite twitterSuite
	readYAML(t, &suite, "twitter-text", "tlds.yml")
	n := 0
	for _, cases := range suite.Tests {
		for _, c := range cases {
			n++
			var want []string
			c.decode(t, &want)
			got := []string{}
			for _, e := range extractors()["urls"](c.Text) {
				got = append(got, e.URL)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.Description, diff)
			}
		}
	}
	return n
}

func configSuite(t *testing.T) int {
	ours := map[string]measure.XConfig{
		"config-v1.json": measure.XConfigV1(), "config-v2.json": measure.XConfigV2(), "config-v3.json": measure.XConfigV3(),
	}
	for file, config := range ours {
		var theirs struct {
			Version                int
			MaxWeightedTweetLength int
			Scale                  int
			DefaultWeight          int
			EmojiParsingEnabled    bool
			TransformedURLLength   int
			Ranges                 []measure.XRange
		}
		readJSON(t, &theirs, "twitter-text", file)
		want := measure.XConfig{
			Version: theirs.Version, Max: theirs.MaxWeightedTweetLength, Scale: theirs.Scale, Default: theirs.DefaultWeight,
			URL: theirs.TransformedURLLength, Emoji: theirs.EmojiParsingEnabled, Ranges: theirs.Ranges,
		}
		if diff := cmp.Diff(want, config, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	return len(ours)
}
