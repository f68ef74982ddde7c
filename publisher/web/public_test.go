package web_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/web"
	"crieur/templates"
)

func TestRoutes(t *testing.T) {
	for name, test := range map[string]struct {
		target      string
		status      int
		mediaType   string
		holds       string
		cacheable   bool
		forMachines bool
	}{
		"leave one list":        {target: "/u/" + camille + "?l=dimanche", status: 200, holds: "ne recevra plus « Le Marais du dimanche »"},
		"leave all":             {target: "/u/" + camille, status: 200, holds: "plus aucune de nos lettres"},
		"leave the only one":    {target: "/u/" + jo, status: 200, holds: "no longer receive “Les lecteurs”"},
		"left before":           {target: "/u/" + camille + "?l=alertes", status: 200, holds: "ne reçoit plus « Alertes »"},
		"a list of others":      {target: "/u/" + camille + "?l=autre", status: 200, holds: "Vos lettres"},
		"no such reader":        {target: "/u/" + gone, status: 404, holds: "Ce lien ne mène plus à rien"},
		"preferences":           {target: "/p/" + camille, status: 200, holds: "Le Marais du dimanche"},
		"no one’s preferences":  {target: "/p/" + gone, status: 404, holds: "Ce lien ne mène plus à rien"},
		"issue":                 {target: "/i/27a8bc7c", status: 200, holds: "La halle rouvre", cacheable: true},
		"article of an issue":   {target: "/i/27a8bc7c/a2", status: 200, holds: "Un article de la lettre", cacheable: true},
		"no such article":       {target: "/i/27a8bc7c/a3", status: 404},
		"no such issue":         {target: "/i/ffff", status: 404, holds: "Rien ici"},
		"picture":               {target: "/media/aa.jpeg", status: 200, mediaType: "image/jpeg", holds: "0123456789", cacheable: true, forMachines: true},
		"picture by hash alone": {target: "/media/bb", status: 200, mediaType: "image/png", holds: "0123456789", cacheable: true, forMachines: true},
		"picture with a script": {target: "/media/cc.svg", status: 200, mediaType: "application/octet-stream", holds: "0123456789", cacheable: true, forMachines: true},
		"page as a picture":     {target: "/media/dd.jpeg", status: 200, mediaType: "application/octet-stream", holds: "0123456789", cacheable: true, forMachines: true},
		"two types at once":     {target: "/media/ee.jpeg", status: 200, mediaType: "application/octet-stream", holds: "0123456789", cacheable: true, forMachines: true},
		"no such picture":       {target: "/media/ff.png", status: 404, holds: "Rien ici"},
		"health":                {target: "/healthz", status: 200, mediaType: "text/plain; charset=utf-8", holds: "ok", forMachines: true},
		"robots":                {target: "/robots.txt", status: 200, mediaType: "text/plain; charset=utf-8", holds: "Disallow: /u/ ", forMachines: true},
		"root":                  {target: "/", status: 404, holds: "Rien ici"},
		"elsewhere":             {target: "/wp-login.php", status: 404, holds: "Rien ici"},
		"below a token":         {target: "/u/" + camille + "/more", status: 404, holds: "Rien ici"},
	} {
		t.Run(name, func(t *testing.T) {
			readers := newPeople()
			h := publicPages(t, readers, nil)
			w := ask(h, "GET", test.target)
			if got := said(t, w.Body.String()); w.Code != test.status || !strings.Contains(got, test.holds) {
				t.Fatalf("got %d: %s", w.Code, got)
			}
			if test.mediaType == "" {
				test.mediaType = "text/html; charset=utf-8"
			}
			if got := w.Header().Get("Content-Type"); got != test.mediaType {
				t.Errorf("Content-Type: %s", got)
			}
			if got := strings.HasPrefix(w.Header().Get("Cache-Control"), "public"); got != test.cacheable {
				t.Errorf("Cache-Control: %s", w.Header().Get("Cache-Control"))
			}
			if !test.forMachines && !test.cacheable {
				if got := w.Header().Get("Cache-Control"); got != "no-store" {
					t.Errorf("Cache-Control: %s", got)
				}
				if got := w.Header().Get("X-Robots-Tag"); got != "noindex" {
					t.Errorf("X-Robots-Tag: %s", got)
				}
			}
			if !test.forMachines {
				if scripts := elements(t, w.Body.String())["script"]; len(scripts) > 0 {
					t.Error("the page holds a script")
				}
			}
			head := ask(h, "HEAD", test.target)
			if diff := cmp.Diff(w.Code, head.Code); diff != "" {
				t.Error("HEAD answers otherwise than GET:", diff)
			}
			if diff := cmp.Diff(w.Header(), head.Header()); diff != "" {
				t.Error("HEAD has other headers than GET:", diff)
			}
			if got := readers.changed(); len(got) > 0 {
				t.Error("looking changed something:", got)
			}
		})
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	h := publicPages(t, newPeople(), nil)
	for _, target := range []string{"/u/" + camille, "/p/" + camille, "/u/" + gone, "/i/27a8bc7c", "/media/aa.jpeg", "/healthz", "/favicon.ico", "/nothing"} {
		for _, method := range []string{"GET", "HEAD", "DELETE"} {
			w := ask(h, method, target)
			got := map[string]string{}
			for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Set-Cookie", "Location"} {
				got[name] = w.Header().Get(name)
			}
			want := map[string]string{
				"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: http:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
				"X-Content-Type-Options":  "nosniff",
				"Referrer-Policy":         "no-referrer",
				"Set-Cookie":              "", "Location": "",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s: %s", method, target, diff)
			}
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ method, target, allow string }{
		"PUT on a leaving":     {"PUT", "/u/" + camille, "GET, HEAD, POST"},
		"DELETE on a leaving":  {"DELETE", "/u/" + camille, "GET, HEAD, POST"},
		"PATCH on preferences": {"PATCH", "/p/" + camille, "GET, HEAD, POST"},
		"POST on an issue":     {"POST", "/i/27a8bc7c", "GET, HEAD"},
		"POST on a picture":    {"POST", "/media/aa.jpeg", "GET, HEAD"},
		"POST on nothing":      {"POST", "/", "GET, HEAD"},
		"OPTIONS":              {"OPTIONS", "/healthz", "GET, HEAD"},
	} {
		t.Run(name, func(t *testing.T) {
			readers := newPeople()
			w := ask(publicPages(t, readers, nil), test.method, test.target)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != test.allow {
				t.Errorf("got %d, Allow: %s", w.Code, w.Header().Get("Allow"))
			}
			if got := readers.changed(); len(got) > 0 {
				t.Error("it changed something:", got)
			}
		})
	}
}

func TestPictureIsAskedForOnce(t *testing.T) {
	h := publicPages(t, newPeople(), nil)
	first := ask(h, "GET", "/media/aa.jpeg")
	again := ask(h, "GET", "/media/aa.jpeg", func(r *http.Request) { r.Header.Set("If-None-Match", first.Header().Get("ETag")) })
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("got %d and %d bytes", again.Code, again.Body.Len())
	}
	part := ask(h, "GET", "/media/aa.jpeg", func(r *http.Request) { r.Header.Set("Range", "bytes=2-4") })
	if part.Code != http.StatusPartialContent || part.Body.String() != "234" {
		t.Errorf("got %d: %s", part.Code, part.Body)
	}
}

func TestFaultsAreLoggedWithoutTokens(t *testing.T) {
	for name, test := range map[string]struct{ method, target string }{
		"ask":         {"GET", "/u/" + camille},
		"leave":       {"POST", "/u/" + camille},
		"look":        {"GET", "/p/" + camille},
		"choose":      {"POST", "/p/" + camille},
		"issue":       {"GET", "/i/27a8bc7c"},
		"picture":     {"GET", "/media/aa.jpeg"},
		"with a list": {"POST", "/u/" + camille + "?l=lecteurs"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			readers := newPeople()
			readers.err = &publisher.Error{Kind: publisher.Internal, Op: "read subscribers", Err: errors.New("disk full")}
			h := publicPages(t, readers, func(c *web.Config) {
				c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				c.Archive = shelf{readers.err}
			})
			w := ask(h, test.method, test.target)
			if got := said(t, w.Body.String()); w.Code != http.StatusInternalServerError || !strings.Contains(got, "Cela n’a pas marché") {
				t.Errorf("got %d: %s", w.Code, got)
			}
			if strings.Contains(w.Body.String(), "disk") {
				t.Error("the page tells strangers what is wrong inside")
			}
			if !strings.Contains(log.String(), "disk full") || strings.Contains(log.String(), camille) {
				t.Error("log:", log.String())
			}
		})
	}
}

func TestWhoGoesAwayIsNoFault(t *testing.T) {
	var log bytes.Buffer
	readers := newPeople()
	readers.err = context.Canceled
	h := publicPages(t, readers, func(c *web.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	ask(h, "GET", "/u/"+camille)
	if log.Len() > 0 {
		t.Error("log:", log.String())
	}
}

func TestPublicNeedsItsTemplates(t *testing.T) {
	full := func() fstest.MapFS {
		all := fstest.MapFS{}
		for _, name := range []string{"web/style.css", "web/page.css", "web/public.html.tmpl"} {
			data, err := fs.ReadFile(templates.FS, name)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = &fstest.MapFile{Data: data}
		}
		return all
	}
	for name, test := range map[string]struct {
		change func(fstest.MapFS)
		where  string
	}{
		"no family style": {func(f fstest.MapFS) { delete(f, "web/style.css") }, "web/style.css"},
		"no page style":   {func(f fstest.MapFS) { delete(f, "web/page.css") }, "web/page.css"},
		"no template":     {func(f fstest.MapFS) { delete(f, "web/public.html.tmpl") }, "web/public.html.tmpl"},
		"broken template": {func(f fstest.MapFS) { f["web/public.html.tmpl"] = &fstest.MapFile{Data: []byte("{{if}}")} }, "web/public.html.tmpl"},
	} {
		t.Run(name, func(t *testing.T) {
			files := full()
			test.change(files)
			_, err := web.Public(web.Config{Readers: newPeople(), Archive: shelf{}, Catalogue: catalogue(t), Templates: files})
			e, ok := errors.AsType[*publisher.Error](err)
			if !ok || e.Kind != publisher.Invalid || e.Where != test.where {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTemplateThatFailsIsAFault(t *testing.T) {
	var log bytes.Buffer
	h := publicPages(t, newPeople(), func(c *web.Config) {
		c.Templates = fstest.MapFS{"web/style.css": {}, "web/page.css": {}, "web/public.html.tmpl": {Data: []byte("{{.Nothing}}")}}
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	if w := ask(h, "GET", "/u/"+camille); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "Nothing") {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "Nothing") || strings.Contains(log.String(), camille) {
		t.Error("log:", log.String())
	}
}
