package main

import (
	"testing"
	"time"
)

func TestOutlook(t *testing.T) {
	for name, c := range map[string]struct {
		rates   []int // deliveries in each second
		total   int
		atLeast time.Duration
		want    string
	}{
		"nothing yet":              {nil, 100, 0, ""},
		"too soon":                 {[]int{50, 50}, 1000, 0, ""},
		"steady":                   {[]int{10, 10, 10, 10, 10, 10}, 7260, 0, "about 12 min left"},
		"nearly done":              {[]int{10, 10, 10, 10, 10, 10}, 100, 0, "less than a minute left"},
		"fast once, slow lately":   {append(repeat(1000, 60), repeat(1, 40)...), 63_700, 0, "about 60 min left"},
		"stands still":             {repeat(0, 40), 100, 0, ""},
		"a limit takes longer":     {repeat(100, 40), 5000, 30 * time.Minute, "about 30 min left"},
		"a limit before any speed": {nil, 5000, 3 * time.Hour, "about 3 h left"},
		"a limit that ends sooner": {repeat(1, 40), 700, time.Minute, "about 11 min left"},
		"days":                     {repeat(1, 40), 10 * 86400, 0, "about 10 days left"},
	} {
		now := time.Unix(0, 0)
		o := outlook{now: func() time.Time { return now }}
		done := 0
		o.step(done, c.total, c.atLeast)
		for _, n := range c.rates {
			for range 10 { // a run tells more often than once a second
				now = now.Add(100 * time.Millisecond)
				o.step(done, c.total, c.atLeast)
			}
			done += n
			o.step(done, c.total, c.atLeast)
		}
		if got := o.words(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func repeat(n, times int) []int {
	all := make([]int, times)
	for i := range all {
		all[i] = n
	}
	return all
}
