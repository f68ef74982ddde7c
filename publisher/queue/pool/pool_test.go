package pool_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/queue/pool"
)

var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func entry(id string, hour int, source string, tags ...string) pool.Entry {
	return pool.Entry{ArticleID: id, Source: source, Tags: tags, Published: monday.Add(time.Duration(hour) * time.Hour), Arrived: monday.Add(100 * time.Hour)}
}

// written gives a choice on one line: "title: a b; c | stays: d | dropped: e".
func written(c pool.Choice) string {
	ids := func(entries []pool.Entry) string {
		var s []string
		for _, e := range entries {
			s = append(s, e.ArticleID)
		}
		return strings.Join(s, " ")
	}
	var groups []string
	for _, g := range c.Groups {
		s := ids(g.Entries)
		if g.Title != "" {
			s = g.Title + ": " + s
		}
		groups = append(groups, s)
	}
	return fmt.Sprintf("%s | %s | %s", strings.Join(groups, "; "), ids(c.Stay), ids(c.Dropped))
}

func TestChoose(t *testing.T) {
	undated := pool.Entry{ArticleID: "u", Source: "blog", Arrived: monday.Add(90 * time.Minute)}
	three := []pool.Entry{entry("b", 2, "site", "Sport", "Une"), entry("a", 1, "blog", "École"), entry("c", 3, "site", "École")}
	for name, c := range map[string]struct {
		entries []pool.Entry
		rule    pool.Rule
		want    string // issue | stays | dropped
	}{
		"nothing":                        {nil, pool.Rule{}, " |  | "},
		"nothing, and none are enough":   {nil, pool.Rule{Min: 0, IfFewer: pool.Skip}, " |  | "},
		"everything, newest first":       {three, pool.Rule{}, "c b a |  | "},
		"oldest first":                   {three, pool.Rule{Order: pool.Oldest}, "a b c |  | "},
		"by source's name":               {three, pool.Rule{Order: pool.BySource}, "a c b |  | "},
		"by source, in the owner's":      {three, pool.Rule{Order: pool.BySource, Sources: []string{"site"}}, "c b a |  | "},
		"without a date, its arrival":    {append([]pool.Entry{undated}, three...), pool.Rule{}, "c b u a |  | "},
		"same moment, by id":             {[]pool.Entry{entry("z", 1, "s"), entry("y", 1, "s")}, pool.Rule{}, "y z |  | "},
		"too many stay":                  {three, pool.Rule{Max: 2}, "c b | a | "},
		"too many stay, oldest first":    {three, pool.Rule{Max: 2, Order: pool.Oldest, Rest: pool.Next}, "a b | c | "},
		"too many are dropped":           {three, pool.Rule{Max: 1, Rest: pool.Drop}, "c |  | b a"},
		"just as many":                   {three, pool.Rule{Min: 3, Max: 3}, "c b a |  | "},
		"too few wait":                   {three, pool.Rule{Min: 4}, " | c b a | "},
		"too few, skipped":               {three, pool.Rule{Min: 4, IfFewer: pool.Skip}, " |  | c b a"},
		"by tag, first tag counts":       {three, pool.Rule{GroupBy: pool.OfTag}, "École: c a; Sport: b |  | "},
		"by tag, untagged last":          {append([]pool.Entry{entry("n", 9, "site")}, three...), pool.Rule{GroupBy: pool.OfTag}, "École: c a; Sport: b; n |  | "},
		"by tag, after the limit":        {three, pool.Rule{GroupBy: pool.OfTag, Max: 2}, "École: c; Sport: b | a | "},
		"by source":                      {three, pool.Rule{GroupBy: pool.OfSource}, "site: c b; blog: a |  | "},
		"by source, both in one's order": {three, pool.Rule{GroupBy: pool.OfSource, Order: pool.BySource, Sources: []string{"blog", "site"}}, "blog: a; site: c b |  | "},
	} {
		if diff := cmp.Diff(c.want, written(pool.Choose(c.entries, c.rule))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Whatever the rule, no article is lost or doubled, and the order in which the pool is
// read changes nothing. Issue after issue, all that stays comes out at last.
func TestChooseLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var entries []pool.Entry
		for i := range r.IntN(20) {
			entries = append(entries, entry(fmt.Sprint("a", i), r.IntN(5), fmt.Sprint("s", r.IntN(3)), []string{"x", "y", "z"}[:r.IntN(4)]...))
		}
		rule := pool.Rule{Min: r.IntN(4), Max: r.IntN(6),
			Order: []pool.Order{"", pool.Newest, pool.Oldest, pool.BySource}[r.IntN(4)], GroupBy: []pool.Grouping{"", pool.None, pool.OfTag, pool.OfSource}[r.IntN(4)],
			IfFewer: []pool.Lack{"", pool.Wait, pool.Skip}[r.IntN(3)], Rest: []pool.Surplus{"", pool.Next, pool.Drop}[r.IntN(3)]}
		if rule.Max > 0 {
			rule.Min = min(rule.Min, rule.Max) // the configuration sees to that
		}
		shuffled := slices.Clone(entries)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		c := pool.Choose(entries, rule)
		if diff := cmp.Diff(written(c), written(pool.Choose(shuffled, rule))); diff != "" {
			t.Fatalf("%+v: read in another order (-one +other):\n%s", rule, diff)
		}
		out, left := map[string]int{}, entries
		for range 1 + len(entries) {
			c := pool.Choose(left, rule)
			if n := c.Len(); rule.Max > 0 && n > rule.Max || n > 0 && n < rule.Min || n+len(c.Stay)+len(c.Dropped) != len(left) {
				t.Fatalf("%+v: of %d entries: %s", rule, len(left), written(c))
			}
			for _, g := range append(c.Groups, pool.Group{Entries: c.Dropped}) {
				for _, e := range g.Entries {
					out[e.ArticleID]++
				}
			}
			left = c.Stay
		}
		if len(left) > 0 && len(left) >= max(rule.Min, 1) {
			t.Fatalf("%+v: %d articles stay for ever", rule, len(left))
		}
		for _, e := range entries {
			if n := out[e.ArticleID]; n > 1 || n == 0 && !slices.ContainsFunc(left, func(l pool.Entry) bool { return l.ArticleID == e.ArticleID }) {
				t.Fatalf("%+v: article %s came out %d times", rule, e.ArticleID, n)
			}
		}
	}
}
