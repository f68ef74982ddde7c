package feed_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/source/feed"
)

// What a feed's server may do to whoever asks it.
func TestHostileServers(t *testing.T) {
	forever := func(t *testing.T, each func(w http.ResponseWriter) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `<rss version="2.0"><channel>`)
			for r.Context().Err() == nil {
				if each(w) != nil {
					return
				}
			}
		}
	}
	chunk := strings.Repeat("<item><title>T</title><description>"+strings.Repeat("x", 1000)+"</description></item>", 64)
	sent := 0
	for name, c := range map[string]struct {
		h       http.HandlerFunc
		problem string
	}{
		"500 MB": {forever(t, func(w http.ResponseWriter) error {
			n, err := io.WriteString(w, chunk)
			if sent += n; sent > 500<<20 {
				return io.EOF
			}
			return err
		}), "it is larger than 10 MiB"},
		"said to be 500 MB": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(500<<20))
			_, _ = io.WriteString(w, "<rss>")
		}, "it is larger than 10 MiB"},
		"never ends": {forever(t, func(w http.ResponseWriter) error {
			time.Sleep(20 * time.Millisecond)
			_, err := io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			return err
		}), "no whole answer within"},
		"never begins": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no whole answer within"},
		"redirects in a circle": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}, "redirects in a circle"},
		"redirects to a file": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		}, "not http or https"},
		"unpacks to 500 MB": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			zipped(w, 500<<20)
		}, "it is larger than 10 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := config(t, c.h)
			conf.Source.Timeout = 10 * time.Second
			if strings.Contains(c.problem, "within") {
				conf.Source.Timeout = 300 * time.Millisecond
			}
			s := store(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := feed.Poll(t.Context(), s, conf)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Fatalf("got %v, want %q", err, c.problem)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 120<<20 {
				t.Errorf("%d MiB were allocated", grown>>20)
			}
			if f, err := s.Feed(t.Context(), "site"); err != nil || f.Problem == "" || !f.Next.After(noon) {
				t.Errorf("stored %+v, %v", f, err)
			}
		})
	}
	if sent > 100<<20 {
		t.Errorf("%d MiB were read", sent>>20)
	}
}

// A public address that redirects to a private one gets nothing.
func TestPrivateAddresses(t *testing.T) {
	asked := 0
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, rss(series(1, 1)...))
	}))
	t.Cleanup(private.Close)
	conf := config(t, text(""))
	conf.URL, conf.Source.Dialer, conf.Source.AllowPrivate, conf.Source.PrivateKey = private.URL, nil, false, "sources.site.allow_private"
	_, err := feed.Poll(t.Context(), store(t), conf)
	if publisher.KindOf(err) != publisher.Invalid || asked != 0 || !strings.Contains(publisher.HintOf(err), "sources.site.allow_private: true") {
		t.Errorf("%v (hint %q), asked %d", err, publisher.HintOf(err), asked)
	}

	// From outside: the first hop is let through as if it were public.
	outside := httptest.NewServer(http.RedirectHandler(private.URL, http.StatusMovedPermanently))
	t.Cleanup(outside.Close)
	conf.URL = "http://feeds.example/feed"
	conf.Source.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, strings.Replace(addr, "feeds.example:80", outside.Listener.Addr().String(), 1))
		if err == nil && strings.HasPrefix(addr, "feeds.example") {
			return publicly{conn}, nil
		}
		return conn, err
	}
	r, err := feed.Poll(t.Context(), store(t), conf)
	if publisher.KindOf(err) != publisher.Invalid || asked != 0 {
		t.Errorf("%v, asked %d", err, asked)
	}
	if r.Feed.URL != conf.URL {
		t.Errorf("remembered %s", r.Feed.URL)
	}
	conf.Source.AllowPrivate = true
	if _, err := feed.Poll(t.Context(), store(t), conf); err != nil || asked != 1 {
		t.Errorf("allowed: %v, asked %d", err, asked)
	}
}

// publicly is a connection that seems to lead to the public Internet.
type publicly struct{ net.Conn }

func (publicly) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(9, 9, 9, 9), Port: 80} }

// What a document may do to whoever reads it.
func TestHostileDocuments(t *testing.T) {
	laughs := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">`
	for i := range 10 {
		laughs += fmt.Sprintf("<!ENTITY l%d \"%s\">", i, strings.Repeat(fmt.Sprintf("&l%d;", i-1), 10))
	}
	laughs += `]><rss version="2.0"><channel><title>&l9;</title><item><title>Un titre</title><link>http://site.example/1</link><description>Du texte &l9; et la fin.</description></item></channel></rss>`
	nested := func(open, close string, n int) string { return strings.Repeat(open, n) + strings.Repeat(close, n) }
	in := func(inside string) string {
		return `<rss version="2.0" xmlns:m="http://search.yahoo.com/mrss/"><channel><title>T</title><item><title>Un titre</title><link>http://site.example/1</link>` + inside + `</item></channel></rss>`
	}
	for name, c := range map[string]struct {
		body    string
		problem string // "": an article comes out
	}{
		"billion laughs":          {laughs, ""},
		"external entity":         {`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + in("<description>Du texte &x; et la fin.</description>"), ""},
		"deep elements":           {in(nested("<a>", "</a>", 20_000)), "nested too deeply"},
		"deep extension":          {in(nested("<m:group>", "</m:group>", 20_000)), "nested too deeply"},
		"deep HTML":               {in("<description><![CDATA[" + nested("<div>", "</div>", 20_000) + "Du texte et la fin.]]></description>"), ""},
		"deep root":               {strings.Repeat("<rss>", 30_000), "nested too deeply"},
		"deep JSON":               {`{"version":"https://jsonfeed.org/version/1.1","items":` + nested("[", "]", 20_000) + `}`, "cannot be read"},
		"many entries":            {`<rss><channel>` + strings.Repeat("<item/>", 10_000) + `</channel></rss>`, "more than 2000 entries"},
		"many attributes":         {in(`<description a="` + strings.Repeat(`" a="`, 20_000) + `">Du texte et la fin.</description>`), ""},
		"a title of a megabyte":   {in("<description>Du texte et la fin.</description><title>" + strings.Repeat("long ", 200_000) + "</title>"), ""},
		"scripts":                 {in(`<description><![CDATA[<script>alert(1)</script><p onclick="x()">Du texte et la fin.</p><img src="javascript:x()"><a href="javascript:x()">ici</a>]]></description>`), ""},
		"a link that is none":     {strings.Replace(in("<description>Du texte et la fin.</description>"), "http://site.example/1", "javascript:alert(1)", 1), ""},
		"a link with a login":     {strings.Replace(in("<description>Du texte et la fin.</description>"), "http://site.example/1", "http://a:b@site.example/1", 1), ""},
		"ends in a CDATA":         {in("<description>Du texte et la fin.</description>")[:150] + "<![CDATA[", "cannot be read"},
		"ends in an entity":       {in("<description>Du texte et la fin.</description></item><item><title>&#x"), ""},
		"numbers for dates":       {in("<description>Du texte et la fin.</description><pubDate>99999999999999999999</pubDate>"), ""},
		"an endless comment":      {"<!--" + strings.Repeat("-", 1<<20), "no feed"},
		"changes its encoding":    {in("<description>Du texte é \xe9 et la fin.</description>"), ""},
		"ampersands":              {in("<description>Du texte et la fin." + strings.Repeat("&", 100_000) + "</description>"), ""},
		"right-to-left overrides": {in("<description>Du texte \u202Eet la fin.</description>"), ""},
		"a guid of a megabyte":    {in("<description>Du texte et la fin.</description><guid>" + strings.Repeat("g", 1<<20) + "</guid>"), ""},
		"a namespace of its own":  {`<x:rss xmlns:x="urn:x" version="2.0"><x:channel><x:item><x:title>Un titre</x:title><x:link>http://site.example/1</x:link><x:description>Du texte et la fin.</x:description></x:item></x:channel></x:rss>`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			conf := config(t, text(c.body))
			conf.Backfill = 10
			start := time.Now()
			r, err := feed.Poll(t.Context(), store(t), conf)
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Fatalf("got %v, want %q", err, c.problem)
				}
				return
			}
			if err != nil || len(r.New) != 1 {
				t.Fatalf("%v, new %d, %q", err, len(r.New), r.Warnings)
			}
			a := r.New[0].Article
			all := a.Title + a.Body + a.CanonicalURL
			if name == "deep HTML" { // no parser takes it: its link is left
				if !strings.Contains(a.Body, "site.example/1") {
					t.Errorf("body %.200q", a.Body)
				}
				return
			}
			if !strings.Contains(a.Body, "Du texte") || !strings.Contains(a.Body, "la fin.") {
				t.Errorf("body %.200q", a.Body)
			}
			for _, bad := range []string{"script", "onclick", "root:", "lollol", "\u202E", "a:b@"} {
				if strings.Contains(all, bad) {
					t.Errorf("%q in %.300q", bad, all)
				}
			}
		})
	}
}
