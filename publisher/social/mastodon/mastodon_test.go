package mastodon_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/mastodon"
	"crieur/publisher/social/socialtest"
	"crieur/publisher/social/wire"
	"github.com/google/go-cmp/cmp"
)

func config(url string) mastodon.Config {
	c := mastodon.NewConfig()
	c.Server, c.Token = url, token
	return c
}

func open(t *testing.T, c mastodon.Config) *mastodon.Network {
	t.Helper()
	n, err := mastodon.New(c, wire.Env{Channel: "essai"})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func harness(f *fake) socialtest.Harness {
	return socialtest.Harness{
		Base: f.url,
		Open: func(env wire.Env) (publisher.Network, error) {
			return mastodon.New(config("https://social.invalid"), env)
		},
		Public:  f.texts,
		Creates: func(r *http.Request) bool { return r.Method == "POST" && r.URL.Path == "/api/v1/statuses" },
		Refuse: func(status int, reset time.Time) (http.Header, string) {
			h := http.Header{"Content-Type": {"application/json"}}
			if status == http.StatusTooManyRequests {
				h.Set("X-RateLimit-Limit", "300")
				h.Set("X-RateLimit-Remaining", "0")
				h.Set("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04:05.000000Z"))
			}
			return h, `{"error":"no"}`
		},
		Secrets: []string{token},
	}
}

func TestConformance(t *testing.T) {
	socialtest.Run(t, func(t *testing.T) socialtest.Harness { return harness(newFake(t)) })
}

func post() publisher.Post {
	return publisher.Post{Key: "key-1", Text: "Un & deux, @ami@ailleurs.example\n\nhttps://gazette.example/a?b=1&c=2 #marais", Language: "fr",
		Created: time.Now()}
}

func TestPostSaysAllItCan(t *testing.T) {
	f := newFake(t)
	c := config(f.url)
	c.Visibility, c.Language = "unlisted", "br"
	n := open(t, c)
	first, err := n.Post(t.Context(), post())
	if err != nil {
		t.Fatal(err)
	}
	p := post()
	p.Key, p.Language, p.Warning, p.Parent = "key-2", "", "guerre", &first
	p.Media = []publisher.Media{{Type: "image/png", Data: []byte("png"), Alt: "Un héron"}, {Type: "image/jpeg", Data: []byte("jpeg")}}
	if _, err := n.Post(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"status": p.Text, "visibility": "unlisted", "language": "fr"},
		{"status": p.Text, "visibility": "unlisted", "language": "br", "spoiler_text": "guerre", "sensitive": true,
			"in_reply_to_id": first.ID, "media_ids": []any{"2", "3"}},
	}
	if diff := cmp.Diff(want, []map[string]any{f.statuses[0].asked, f.statuses[1].asked}); diff != "" {
		t.Error(diff)
	}
	got := []fakeMedia{*f.media["2"], *f.media["3"]}
	pictures := []fakeMedia{{"Un héron", "image/png", 3, 2, true}, {"", "image/jpeg", 4, 2, true}}
	if diff := cmp.Diff(pictures, got, cmp.AllowUnexported(fakeMedia{})); diff != "" {
		t.Error(diff)
	}
}

func TestSensitivePictures(t *testing.T) {
	f := newFake(t)
	c := config(f.url)
	c.Sensitive = true
	n := open(t, c)
	p := post()
	if _, err := n.Post(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	p.Key, p.Media = "key-2", []publisher.Media{{Type: "image/png", Data: []byte("png")}}
	if _, err := n.Post(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if f.statuses[0].asked["sensitive"] != nil || f.statuses[1].asked["sensitive"] != true {
		t.Errorf("text alone: %v, with a picture: %v", f.statuses[0].asked["sensitive"], f.statuses[1].asked["sensitive"])
	}
}

// Some servers take the key and make a second post all the same: only looking the
// post up keeps it from being doubled.
func TestFindWhereKeysAreIgnored(t *testing.T) {
	f := newFake(t)
	f.keyless = true
	n := open(t, config(f.url))
	r, err := n.Post(t.Context(), post())
	if err != nil {
		t.Fatal(err)
	}
	if found, ok, err := n.Find(t.Context(), post()); err != nil || !ok || found.ID != r.ID {
		t.Errorf("found %v %+v, %v", ok, found, err)
	}
}

func TestFindTellsPostsApart(t *testing.T) {
	made := post()
	for name, c := range map[string]struct {
		content string
		change  map[string]any
		want    bool
	}{
		"as Mastodon shows it": {content: `<p>Un &amp; deux, <span class="h-card"><a href="https://ailleurs.example/@ami">@<span>ami</span></a></span></p><p><a href="https://gazette.example/a?b=1&amp;c=2"><span class="invisible">https://</span><span class="">gazette.example/a?b=1&amp;c=2</span></a> <a href="/tags/marais">#<span>marais</span></a></p>`, want: true},
		"as others show it":    {content: "Un &amp; deux, @ami<br>https://gazette.example/a?b=1&amp;c=2 #marais", want: true},
		"another text":         {content: "Un &amp; trois"},
		"too old":              {change: map[string]any{"created_at": made.Created.Add(-time.Hour)}},
		"a clock behind":       {change: map[string]any{"created_at": made.Created.Add(-time.Minute)}, want: true},
		"an answer":            {change: map[string]any{"in_reply_to_id": "9"}},
		"someone else's":       {change: map[string]any{"reblog": map[string]any{"id": "9"}}},
		"with a warning":       {change: map[string]any{"spoiler_text": "guerre"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s := map[string]any{"id": "5", "url": "https://social.example/5", "content": shown("Un & deux, @ami@ailleurs.example\n\nhttps://gazette.example/a?b=1&c=2 #marais"),
				"created_at": made.Created, "in_reply_to_id": nil, "reblog": nil, "spoiler_text": ""}
			if c.content != "" {
				s["content"] = c.content
			}
			for k, v := range c.change {
				s[k] = v
			}
			f.statuses = []*fakeStatus{{entity: s}}
			r, found, err := open(t, config(f.url)).Find(t.Context(), made)
			if err != nil || found != c.want || found && r.ID != "5" {
				t.Errorf("got %v %+v, %v", found, r, err)
			}
		})
	}
}

func TestProbeLearnsTheServersLimits(t *testing.T) {
	for name, c := range map[string]struct {
		v1, v2            string
		text, perURL, alt int
		bytes             int64
		types             []string
	}{
		"version 2": {v2: `{"configuration":{"statuses":{"max_characters":5000,"characters_reserved_per_url":30},"media_attachments":{"supported_mime_types":["image/png","video/mp4"],"description_limit":10000,"image_size_limit":1000}}}`,
			text: 5000, perURL: 30, alt: 10000, bytes: 1000, types: []string{"image/png"}},
		"version 1": {v1: `{"configuration":{"statuses":{"max_characters":100000}}}`,
			text: 100000, perURL: 23, alt: 1500, bytes: 16 << 20, types: []string{"image/jpeg", "image/png", "image/gif", "image/webp"}},
		"old version 1": {v1: `{"max_toot_chars":1000}`,
			text: 1000, perURL: 23, alt: 1500, bytes: 16 << 20, types: []string{"image/jpeg", "image/png", "image/gif", "image/webp"}},
		"GoToSocial": {v2: `{"source_url":"https://codeberg.org/superseriousbusiness/gotosocial","configuration":{"statuses":{"max_characters":5000,"characters_reserved_per_url":25}}}`,
			text: 5000, perURL: 0, alt: 1500, bytes: 16 << 20, types: []string{"image/jpeg", "image/png", "image/gif", "image/webp"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := open(t, config(serve(t, func(w http.ResponseWriter, r *http.Request) {
				body := map[string]string{"/api/v1/instance": c.v1, "/api/v2/instance": c.v2}[r.URL.Path]
				if body == "" {
					http.NotFound(w, r)
				}
				w.Write([]byte(body))
			})))
			if err := n.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			tr := n.Traits()
			if tr.Text != c.text || tr.URL != c.perURL || tr.AltText != c.alt || tr.MediaBytes != c.bytes || !cmp.Equal(tr.MediaTypes, c.types) {
				t.Errorf("got %+v", tr)
			}
			link := "https://gazette.fr/" + strings.Repeat("a", 100)
			if want := c.perURL; want > 0 && tr.Len(link) != want || want == 0 && tr.Len(link) != len(link) {
				t.Errorf("a link counts %d", tr.Len(link))
			}
		})
	}
}

// A 404 may mean that the post is gone, or that the server knows no deletion.
func TestRemoveOnServersWithoutDeletion(t *testing.T) {
	n := open(t, config(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			http.NotFound(w, r)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"id": "5"})
	})))
	if err := n.Remove(t.Context(), publisher.Receipt{ID: "5"}); publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
		t.Errorf("got %v, hint %q", err, publisher.HintOf(err))
	}
}

func TestUploadFallsBackToTheFirstVersion(t *testing.T) {
	f := newFake(t)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/media", http.NotFound)
	mux.HandleFunc("POST /api/v1/media", func(w http.ResponseWriter, r *http.Request) {
		f.media["m"] = &fakeMedia{polls: 2}
		reply(w, 200, map[string]string{"id": "m"})
	})
	mux.Handle("/", f.handler())
	p := post()
	p.Media = []publisher.Media{{Type: "image/png", Data: []byte("png")}}
	if _, err := open(t, config(serve(t, mux.ServeHTTP))).Post(t.Context(), p); err != nil {
		t.Error(err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	c := mastodon.NewConfig()
	c.Visibility, c.FindAfter = "loud", -1
	err := c.Validate("masto")
	want := []string{
		"channels.masto.server: server is missing",
		"channels.masto.token: token is missing",
		`channels.masto.visibility: "loud" is not known here`,
		"channels.masto.find_after: -1ns is less than nothing",
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
	if n, err := mastodon.New(c, wire.Env{Channel: "masto"}); n != nil || publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("opened: %v, %v", n, err)
	}
}
