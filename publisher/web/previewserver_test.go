package web_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"crieur/publisher"
	"crieur/publisher/web"
)

func TestPreviewServes(t *testing.T) {
	s, _ := shown(t, sample())
	hall := sample().Posts[0].Parts[0].Media[0]
	for name, test := range map[string]struct {
		method, target string
		status         int
		mediaType      string
	}{
		"page":              {"GET", "/", 200, "text/html; charset=utf-8"},
		"page by name":      {"GET", "/index.html", 200, "text/html; charset=utf-8"},
		"head of the page":  {"HEAD", "/", 200, "text/html; charset=utf-8"},
		"letter as text":    {"GET", "/mail-quotidien.txt", 200, "text/plain; charset=utf-8"},
		"post as text":      {"GET", "/post-fil.txt", 200, "text/plain; charset=utf-8"},
		"picture":           {"GET", "/media/" + hall.Hash + ".jpg", 200, "image/jpeg"},
		"picture not shown": {"GET", "/media/unused.gif", 404, ""},
		"no such file":      {"GET", "/mail-hebdo.html", 404, ""},
		"above":             {"GET", "/..%2f..%2fetc%2fpasswd", 404, ""},
		"icon":              {"GET", "/favicon.ico", 204, ""},
		"writing":           {"POST", "/", 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(s, test.method, test.target)
			if w.Code != test.status || test.mediaType != "" && w.Header().Get("Content-Type") != test.mediaType {
				t.Errorf("got %d, %s", w.Code, w.Header().Get("Content-Type"))
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" && test.status != 204 {
				t.Errorf("headers: %v", w.Header())
			}
		})
	}
}

func TestPreviewBeforeTheFirst(t *testing.T) {
	if w := ask(previewServer(t), "GET", "/"); w.Code != 404 {
		t.Errorf("got %d", w.Code)
	}
}

func TestPreviewThatCannotBeLaidOut(t *testing.T) {
	p := sample()
	clear(p.Pictures)
	_, page := shown(t, p)
	if got := said(t, page); !strings.Contains(got, "L’article ne peut pas être composé") || !strings.Contains(got, "mastodon") {
		t.Error(got)
	}
}

func TestPreviewTemplateThatFails(t *testing.T) {
	c := previewConfig(t)
	c.Templates = fstest.MapFS{"web/style.css": {}, "web/preview.css": {}, "web/preview.html.tmpl": {Data: []byte("{{.Nothing}}")}}
	s, err := web.NewPreview(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s.Show(sample())
	if w := ask(s, "GET", "/"); !strings.Contains(w.Body.String(), "web/preview.html.tmpl") || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("got %s", w.Body)
	}
	if err := web.WritePreview(t.TempDir(), sample(), c); publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("got %v", err)
	}
	c.Templates = fstest.MapFS{}
	if _, err := web.NewPreview(t.Context(), c); publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("got %v", err)
	}
}

// version gives what a page waits with.
func version(t testing.TB, s http.Handler) string {
	t.Helper()
	v, _ := attribute(elements(t, ask(s, "GET", "/").Body.String())["body"][0], "data-version")
	if v == "" {
		t.Fatal("the page has no version")
	}
	return v
}

func TestOpenPagesReload(t *testing.T) {
	words := previewConfig(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		s, err := web.NewPreview(ctx, words)
		if err != nil {
			t.Fatal(err)
		}
		first := sample()
		s.Show(first)
		_, client, end := serving(t, s)
		defer end()
		wait := func(seen string) <-chan string {
			said := make(chan string, 1)
			go func() {
				res, err := client.Get("http://localhost/changes?seen=" + url.QueryEscape(seen))
				if err != nil {
					said <- err.Error()
					return
				}
				defer res.Body.Close()
				var b strings.Builder
				buf := make([]byte, 64)
				for err == nil {
					var n int
					n, err = res.Body.Read(buf)
					b.Write(buf[:n])
				}
				said <- res.Header.Get("Content-Type") + " " + b.String()
			}()
			return said
		}
		const event = "text/event-stream data: changed\n\n"

		seen := version(t, s)
		waiting := wait(seen)
		time.Sleep(3 * time.Hour) // longer than any deadline of the server
		s.Show(first)
		synctest.Wait()
		select {
		case got := <-waiting:
			t.Fatalf("the same preview again, and the page heard %q", got)
		default:
		}
		second := sample()
		second.Title = "Orvallon attend"
		s.Show(second)
		if got := <-waiting; got != event {
			t.Errorf("the page heard %q", got)
		}
		if got := <-wait(seen); got != event {
			t.Errorf("a page that was away for the change heard %q", got)
		}
		if got := <-wait("of another day"); got != event {
			t.Errorf("a page of an earlier server heard %q", got)
		}

		waiting = wait(version(t, s))
		synctest.Wait()
		stop()
		if got := <-waiting; got != "text/event-stream " {
			t.Errorf("at the end the page heard %q", got)
		}
	})
}

// For the race detector: a preview is drawn anew while it is looked at.
func TestShowWhileServing(t *testing.T) {
	s, page := shown(t, sample())
	src, _ := attribute(elements(t, page)["img"][0], "src")
	var looking sync.WaitGroup
	for range 4 {
		looking.Go(func() {
			for range 20 {
				for _, target := range []string{"/", "/" + src, "/changes?seen=x", "/mail-quotidien.html"} {
					if w := ask(s, "GET", target); w.Code != 200 {
						t.Errorf("%s: %d", target, w.Code)
					}
				}
			}
		})
	}
	for i := range 20 {
		p := sample()
		p.Warnings = slices.Repeat([]string{"again"}, i+1)
		s.Show(p)
	}
	looking.Wait()
}
