package feed_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/source/feed"
)

// A server that knows what it served is asked for no more than what changed.
func TestConditional(t *testing.T) {
	tag, body, sent := `"1"`, rss(series(1, 2)...), 0
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Last-Modified", "Wed, 25 Nov 2026 10:00:00 GMT")
		if r.Header.Get("If-None-Match") == tag && r.Header.Get("If-Modified-Since") == "Wed, 25 Nov 2026 10:00:00 GMT" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		_, _ = w.Write([]byte(body))
	})
	s, c := store(t), config(t, h)
	poll(t, s, c)
	if r := poll(t, s, c); !r.Unchanged || sent != 1 {
		t.Errorf("unchanged %v, documents %d", r.Unchanged, sent)
	}
	tag, body = `"2"`, rss(series(1, 3)...)
	if r := poll(t, s, c); r.Unchanged || len(r.New) != 1 || sent != 2 {
		t.Errorf("unchanged %v, new %d, documents %d", r.Unchanged, len(r.New), sent)
	}
	tag = `"3"` // the same document once more: it is not read again
	if r := poll(t, s, c); !r.Unchanged || sent != 3 {
		t.Errorf("unchanged %v, documents %d", r.Unchanged, sent)
	}
	// Another address: nothing the old server said counts, and the entries stay known.
	c.URL = "http://feeds.example/moved"
	if r := poll(t, s, c); r.Unchanged || len(r.New) != 0 || r.Known != 3 || sent != 4 {
		t.Errorf("unchanged %v, new %d, known %d, documents %d", r.Unchanged, len(r.New), r.Known, sent)
	}
}

func TestIntervals(t *testing.T) {
	plain := rss(series(1, 1)...)
	with := func(extra string) string { return strings.Replace(plain, "<title>Site", extra+"<title>Site", 1) }
	const sy = `<s:updatePeriod xmlns:s="http://purl.org/rss/1.0/modules/syndication/">%s</s:updatePeriod><s:updateFrequency xmlns:s="http://purl.org/rss/1.0/modules/syndication/">%d</s:updateFrequency>`
	for name, c := range map[string]struct {
		body  string
		cache string
		every time.Duration
		want  time.Duration
	}{
		"usual":                      {plain, "", 0, 15 * time.Minute},
		"as configured":              {plain, "", time.Minute, time.Minute},
		"ttl":                        {with("<ttl>90</ttl>"), "", 0, 90 * time.Minute},
		"ttl beyond reason":          {with("<ttl>99999999</ttl>"), "", 0, 24 * time.Hour},
		"ttl that is none":           {with("<ttl>-5</ttl>"), "", 0, 15 * time.Minute},
		"hourly":                     {with(fmt.Sprintf(sy, "hourly", 1)), "", 0, time.Hour},
		"four times a day":           {with(fmt.Sprintf(sy, "daily", 4)), "", 0, 6 * time.Hour},
		"max-age":                    {plain, "public, max-age=1800", 0, 30 * time.Minute},
		"max-age of a static file":   {plain, "max-age=31536000", 0, time.Hour},
		"configured before its wish": {with("<ttl>90</ttl>"), "max-age=1800", 5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.cache != "" {
					w.Header().Set("Cache-Control", c.cache)
				}
				_, _ = w.Write([]byte(c.body))
			})
			conf := config(t, h)
			conf.Every = c.every
			if r := poll(t, store(t), conf); r.Feed.Next.Sub(noon) != c.want {
				t.Errorf("next after %v, want %v", r.Feed.Next.Sub(noon), c.want)
			}
		})
	}
}

func TestBackOff(t *testing.T) {
	code, after := http.StatusServiceUnavailable, ""
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if code == http.StatusOK {
			_, _ = w.Write([]byte(rss(series(1, 1)...)))
			return
		}
		w.Header().Set("Retry-After", after)
		w.WriteHeader(code)
	})
	s, c := store(t), config(t, h)
	look := func(want time.Duration, problem string) {
		t.Helper()
		r, err := feed.Poll(t.Context(), s, c)
		if (err != nil) != (problem != "") || !strings.Contains(r.Feed.Problem, problem) {
			t.Fatalf("error %v, problem %q", err, r.Feed.Problem)
		}
		if got := r.Feed.Next.Sub(noon); got != want {
			t.Errorf("next after %v, want %v", got, want)
		}
	}
	for _, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
		look(want, "503")
	}
	code = http.StatusOK
	look(15*time.Minute, "")
	code, after = http.StatusTooManyRequests, "7200"
	look(2*time.Hour, "429")
	after = noon.Add(3 * time.Hour).Format(http.TimeFormat)
	look(3*time.Hour, "429")
	code = http.StatusNotFound
	look(time.Hour, "404")
	c.Jitter = func() float64 { return 1 }
	look(2*time.Hour+30*time.Minute, "404")

	code = http.StatusGone
	r, err := feed.Poll(t.Context(), s, c)
	if err == nil || !r.Feed.Gone || feed.Due(r.Feed, c, noon.Add(1000*time.Hour)) || !strings.Contains(r.Feed.Problem, "gone for good") {
		t.Errorf("gone: %v %+v", err, r.Feed)
	}
	c.URL += "2"
	if !feed.Due(r.Feed, c, noon) {
		t.Error("a feed with another address is not looked at")
	}
	// One that is back after all is looked at again, once someone asked.
	code = http.StatusOK
	if r := poll(t, s, c); r.Feed.Gone || r.Feed.Problem != "" || r.Feed.Failures != 0 {
		t.Errorf("back: %+v", r.Feed)
	}
}

func TestMovedForGood(t *testing.T) {
	for name, c := range map[string]struct {
		codes []int // of the redirects, one after the other
		want  string
	}{
		"301":            {[]int{301}, "/1"},
		"308":            {[]int{308}, "/1"},
		"302":            {[]int{302}, "/0"},
		"307":            {[]int{307}, "/0"},
		"301, 301":       {[]int{301, 301}, "/2"},
		"301, then 302":  {[]int{301, 302}, "/1"},
		"302, then 301":  {[]int{302, 301}, "/0"},
		"not redirected": {nil, "/0"},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := 0
				_, _ = fmt.Sscanf(r.URL.Path, "/%d", &n)
				if n < len(c.codes) {
					http.Redirect(w, r, fmt.Sprintf("/%d", n+1), c.codes[n])
					return
				}
				_, _ = w.Write([]byte(rss(series(1, 1)...)))
			})
			conf := config(t, h)
			conf.URL = "http://feeds.example/0"
			if r := poll(t, store(t), conf); r.Feed.URL != "http://feeds.example"+c.want {
				t.Errorf("remembered %s, want %s", r.Feed.URL, c.want)
			}
		})
	}
}

// Two processes that read the same document find each entry once between them.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	h := &changing{rss(series(1, 3)...)}
	c := config(t, h)
	open := func() *ledger.Ledger {
		l, err := ledger.Open(t.Context(), ledger.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	first := open()
	poll(t, first, c)
	h.body = rss(series(1, 9)...)
	found := map[string]int{}
	var lock sync.Mutex
	var wg sync.WaitGroup
	for range 6 {
		l := open()
		wg.Go(func() {
			r, err := feed.Poll(t.Context(), l, c)
			if err != nil {
				t.Error(err)
			}
			lock.Lock()
			defer lock.Unlock()
			for _, e := range r.New {
				found[e.Title]++
			}
		})
	}
	wg.Wait()
	if len(found) != 6 {
		t.Errorf("found %v", found)
	}
	for title, n := range found {
		if n != 1 {
			t.Errorf("%s was found %d times", title, n)
		}
	}
	waiting, err := first.FeedEntries(t.Context(), "site", publisher.EntryNew)
	if err != nil || len(waiting) != 6 {
		t.Errorf("%d wait, %v", len(waiting), err)
	}
}

// Looking keeps nothing in mind.
func TestLook(t *testing.T) {
	h := &changing{rss(series(1, 3)...)}
	s, c := store(t), config(t, h)
	for range 2 {
		r, err := feed.Look(t.Context(), s, c)
		if err != nil || len(r.New) != 0 || r.Passed != 3 || r.Newest == nil || r.Newest.Article.Title != "Article 3" {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if f, err := s.Feed(t.Context(), "site"); err != nil || f.Version != 0 {
		t.Errorf("stored %+v, %v", f, err)
	}
}

func TestFullText(t *testing.T) {
	whole := strings.Repeat("Cette phrase ne se trouve que sur la page, et elle est assez longue pour compter. ", 20)
	page := `<!doctype html><html lang="fr"><head><title>T</title></head><body><nav>Menu</nav><article><h1>Article 1</h1><p>` + whole + `</p><p>` + whole + `</p></article></body></html>`
	long := "<p>" + strings.Repeat("Le texte entier est dans le flux, et la page n’apprend rien de plus. ", 20) + "</p>"
	for name, c := range map[string]struct {
		mode, text string
		code       int
		page       bool
		why        string
	}{
		"excerpt":              {feed.FullTextAuto, "Une phrase.", 200, true, ""},
		"excerpt that ends so": {feed.FullTextAuto, long + "<p>Lire la suite…</p>", 200, true, ""},
		"whole text":           {feed.FullTextAuto, long, 200, false, ""},
		"always":               {feed.FullTextAlways, long, 200, true, ""},
		"never":                {feed.FullTextNever, "Une phrase.", 200, false, ""},
		"page gone":            {feed.FullTextAuto, "Une phrase.", 404, false, "only its excerpt: "},
		"page busy":            {feed.FullTextAuto, "Une phrase.", 503, false, "only its excerpt: "},
		"by default auto":      {"", "Une phrase.", 200, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			one := series(1, 1)[0]
			one.text = c.text
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/feed" {
					_, _ = w.Write([]byte(rss(one)))
					return
				}
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.WriteHeader(c.code)
				_, _ = w.Write([]byte(page))
			})
			conf := config(t, h)
			conf.Backfill, conf.FullText = 1, c.mode
			conf.URL = "http://site.example/feed"
			one.link = "http://site.example/1"
			r := poll(t, store(t), conf)
			if len(r.New) != 1 {
				t.Fatalf("%+v", r)
			}
			a := r.New[0].Article
			if got := strings.Contains(a.Body, "que sur la page"); got != c.page {
				t.Errorf("from the page: %v\n%s", got, a.Body)
			}
			if a.Title != "Article 1" || a.CanonicalURL != "http://site.example/1" || strings.Contains(a.Body, "Menu") {
				t.Errorf("%+v", a)
			}
			if !strings.Contains(strings.Join(r.Warnings, "\n"), c.why) || c.why == "" && len(r.Warnings) > 0 {
				t.Errorf("warnings %q, want %q", r.Warnings, c.why)
			}
		})
	}
}

// An entry without a text whose page does not answer is not lost.
func TestLeftForTheNextLook(t *testing.T) {
	code := http.StatusServiceUnavailable
	one := item{"g", "http://site.example/1", "Un titre", noon.Add(-time.Hour).Format(time.RFC1123Z), ""}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/feed" {
			w.Header().Set("ETag", `"same"`)
			if r.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write([]byte(rss(one)))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("<!doctype html><article><h1>Un titre</h1><p>" + long + "</p></article>"))
	})
	s, c := store(t), config(t, h)
	c.Backfill, c.FullText = 1, feed.FullTextAuto
	r := poll(t, s, c)
	if len(r.New) != 0 || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "left for the next look") {
		t.Fatalf("%+v", r)
	}
	code = http.StatusOK
	r = poll(t, s, c)
	if len(r.New) != 1 || !strings.Contains(r.New[0].Article.Body, "régate") {
		t.Fatalf("%+v", r)
	}
	if r := poll(t, s, c); !r.Unchanged {
		t.Errorf("%+v", r)
	}
}

func TestErrorsKeepKinds(t *testing.T) {
	for code, kind := range map[int]publisher.Kind{404: publisher.NotFound, 401: publisher.Invalid, 500: publisher.Busy} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		_, err := feed.Poll(t.Context(), store(t), config(t, h))
		var e *publisher.Error
		if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
			t.Errorf("%d: %v", code, err)
		}
	}
}
