package feed_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"crieur/publisher/source/feed"
)

// A round is one look at 500 feeds of 30 entries each, with 300 words of text: the
// first one, one in which nothing has changed, one in which every tenth feed has a
// new article, and one in which every server sends its whole document anew.
func BenchmarkRound(b *testing.B) {
	const feeds = 500
	words := "<p>" + strings.Repeat("Le marché de jeudi est avancé à sept heures, dit le maire. ", 30) + "</p>"
	document := func(n, newest int) string {
		items := series(newest-29, newest)
		for i := range items {
			items[i].guid = fmt.Sprintf("%d-%s", n, items[i].guid)
			items[i].text = words
		}
		return rss(items...)
	}
	version := make([]int, feeds)
	honest := true
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &n)
		tag := fmt.Sprintf(`"%d"`, version[n])
		if honest {
			w.Header().Set("ETag", tag)
		}
		if honest && r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		body := document(n, 30+version[n])
		if !honest {
			body = strings.Replace(body, "<channel>", fmt.Sprintf("<channel><!-- %d -->", b.N+version[n]), 1)
		}
		_, _ = w.Write([]byte(body))
	})
	c, s := config(b, h), store(b)
	look := func(b *testing.B) {
		for n := range feeds {
			c.Name, c.URL = fmt.Sprintf("site%d", n), fmt.Sprintf("http://feeds.example/%d", n)
			if _, err := feed.Poll(b.Context(), s, c); err != nil {
				b.Fatal(err)
			}
		}
	}
	look(b) // the first round
	for name, before := range map[string]func(){
		"unchanged": func() { honest = true },
		"50 new": func() {
			honest = true
			for n := 0; n < feeds; n += 10 {
				version[n]++
			}
		},
		"no etag": func() {
			honest = false
			for n := range feeds {
				version[n]++
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			var peak uint64
			for b.Loop() {
				b.StopTimer()
				before()
				b.StartTimer()
				look(b)
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = m.Sys
			b.ReportMetric(float64(peak)/(1<<20), "MB-of-the-system")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/feeds, "µs/feed")
		})
	}
}
