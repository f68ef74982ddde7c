package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"crieur/publisher/web"
)

// taken notes what arrives.
type taken struct{ all []web.Submission }

func (k *taken) Arrive(_ context.Context, s web.Submission) (web.Submitted, error) {
	k.all = append(k.all, s)
	return web.Submitted{Status: web.Arrived}, nil
}

// Whatever a content system sends, it is refused, left alone, or an article of that
// source with a title or an address.
func FuzzCMSHooks(f *testing.F) {
	for _, s := range []string{
		`{"title": "x", "url": "https://a.example/", "tags": ["a", 1], "image": {"url": "https://a.example/p.jpg", "alt": "b"}}`,
		`{"post": {"current": {"title": "x", "status": "published", "tags": [{"name": "a"}]}}}`, `{"title": {"rendered": "&lt;b&gt; <i>x</i>"}, "status": "publish"}`,
		`{"post": {"post_title": 3}}`, `{"a": {"b": "c"}}`, `[]`, `null`, `{"title": "\u0000\n"}`, `{"id": 1e400}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		k := &taken{}
		secret := "secret-secret-secret"
		h := web.CMSHooks(web.CMSConfig{Arrivals: k, Now: time.Now, Log: slog.New(slog.DiscardHandler), Systems: []web.CMS{
			{Name: "wp", Kind: web.CMSWordPress, Secret: "secret-secret-secret"},
			{Name: "own", Kind: web.CMSGeneric, Secret: "secret-secret-secret", Fields: web.CMSFields{Title: "a.b", Tags: "a"}},
		}})
		for _, name := range []string{"wp", "own"} {
			k.all = nil
			r := httptest.NewRequest(http.MethodPost, "/hooks/cms/"+name, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+secret)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			switch {
			case w.Code >= 500:
				t.Errorf("%s: %q gave %d", name, body, w.Code)
			case (w.Code == http.StatusAccepted) != (len(k.all) == 1):
				t.Errorf("%s: %q gave %d, and %d articles", name, body, w.Code, len(k.all))
			}
			for _, s := range k.all {
				if s.Source != "hook:"+name || s.Title == "" && s.URL == "" || len(s.To) > 0 {
					t.Errorf("%s: %q gave %+v", name, body, s)
				}
			}
		}
	})
}
