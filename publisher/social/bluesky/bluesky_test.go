package bluesky_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/bluesky"
	"crieur/publisher/social/bluesky/syntax"
	"crieur/publisher/social/socialtest"
	"crieur/publisher/social/wire"
	"github.com/google/go-cmp/cmp"
)

func config(url string) bluesky.Config {
	c := bluesky.NewConfig()
	c.Server, c.Handle, c.AppPassword = url, handle, password
	return c
}

func open(t *testing.T, c bluesky.Config, env wire.Env) *bluesky.Network {
	t.Helper()
	env.Channel = "essai"
	n, err := bluesky.New(c, env)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestConformance(t *testing.T) {
	socialtest.Run(t, func(t *testing.T) socialtest.Harness {
		f := newFake(t)
		return socialtest.Harness{
			Base: f.url,
			Open: func(env wire.Env) (publisher.Network, error) {
				return bluesky.New(config("https://pds.invalid"), env)
			},
			Public:  f.texts,
			Creates: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".putRecord") },
			Refuse: func(status int, reset time.Time) (http.Header, string) {
				h := http.Header{"Content-Type": {"application/json"}}
				name := strings.ReplaceAll(http.StatusText(status), " ", "")
				switch status {
				case http.StatusUnauthorized:
					name = "AuthenticationRequired"
				case http.StatusTooManyRequests:
					name = "RateLimitExceeded"
					h.Set("RateLimit-Policy", "3000;w=300")
					h.Set("RateLimit-Reset", fmt.Sprint(reset.Unix()))
				}
				return h, `{"error":"` + name + `","message":"no"}`
			},
			Secrets: []string{password},
		}
	})
}

var created = time.Date(2026, 11, 23, 12, 0, 0, 123_000_000, time.UTC)

func post(key string) publisher.Post {
	return publisher.Post{Key: key, Language: "fr", Created: created,
		Text: "« Été » @ami.test @personne.test https://gazette.fr/a #marais"}
}

func TestRecordSaysAllItCan(t *testing.T) {
	f := newFake(t)
	n := open(t, config(f.url), wire.Env{BaseURL: f.url})
	first, err := n.Post(t.Context(), post("k1"))
	if err != nil {
		t.Fatal(err)
	}
	uri, ok := syntax.ParseURI(first.ID)
	if !ok || uri.Authority != did || first.URL != f.url+"/profile/"+handle+"/post/"+uri.RecordKey {
		t.Errorf("receipt %+v", first)
	}
	second := post("k2")
	second.Parent, second.Root, second.Warning = &first, &first, "guerre"
	second.Media = []publisher.Media{{Type: "image/png", Data: []byte("png"), Alt: "Un héron", Width: 16, Height: 9}, {Type: "image/jpeg", Data: []byte("jpeg")}}
	r2, err := n.Post(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	third := post("k3")
	third.Text, third.Parent, third.Root, third.Warning = "Fin.", &r2, &first, "Nudity"
	third.Card = &publisher.PostCard{URL: "https://gazette.fr/a", Title: "Titre", Description: "Lead", Thumb: &publisher.Media{Type: "image/jpeg", Data: []byte("t")}}
	third.Media = second.Media
	r3, err := n.Post(t.Context(), third)
	if err != nil {
		t.Fatal(err)
	}
	// Byte offsets: « and É take two bytes each.
	facets := []any{
		map[string]any{"index": map[string]any{"byteStart": 12.0, "byteEnd": 21.0}, "features": []any{
			map[string]any{"$type": "app.bsky.richtext.facet#mention", "did": "did:web:ami.test"}}},
		map[string]any{"index": map[string]any{"byteStart": 37.0, "byteEnd": 57.0}, "features": []any{
			map[string]any{"$type": "app.bsky.richtext.facet#link", "uri": "https://gazette.fr/a"}}},
		map[string]any{"index": map[string]any{"byteStart": 58.0, "byteEnd": 65.0}, "features": []any{
			map[string]any{"$type": "app.bsky.richtext.facet#tag", "tag": "marais"}}},
	}
	refOf := func(r publisher.Receipt) map[string]any {
		u, _ := syntax.ParseURI(r.ID)
		return key{did, "app.bsky.feed.post", u.RecordKey}.ref()
	}
	base := func(text string) map[string]any {
		return map[string]any{"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-23T12:00:00.123Z", "langs": []any{"fr"}}
	}
	labels := func(val string) map[string]any {
		return map[string]any{"$type": "com.atproto.label.defs#selfLabels", "values": []any{map[string]any{"val": val}}}
	}
	w1 := base(post("").Text)
	w1["facets"] = facets
	w2 := base(post("").Text)
	w2["facets"], w2["labels"] = facets, labels("graphic-media")
	w2["reply"] = map[string]any{"root": refOf(first), "parent": refOf(first)}
	w2["embed"] = map[string]any{"$type": "app.bsky.embed.images", "images": []any{
		map[string]any{"image": blob(1), "alt": "Un héron", "aspectRatio": map[string]any{"width": 16.0, "height": 9.0}},
		map[string]any{"image": blob(2), "alt": ""}}}
	w3 := base("Fin.")
	w3["labels"] = labels("nudity")
	w3["reply"] = map[string]any{"root": refOf(first), "parent": refOf(r2)}
	w3["embed"] = map[string]any{"$type": "app.bsky.embed.external", "external": map[string]any{
		"uri": "https://gazette.fr/a", "title": "Titre", "description": "Lead", "thumb": blob(3)}}
	for r, want := range map[publisher.Receipt]map[string]any{first: w1, r2: w2, r3: w3} {
		u, _ := syntax.ParseURI(r.ID)
		if diff := cmp.Diff(want, f.records[u.RecordKey]); diff != "" {
			t.Errorf("%s", diff)
		}
	}
	if diff := cmp.Diff([]string{"image/png", "image/jpeg", "image/jpeg"}, f.blobs); diff != "" {
		t.Error(diff)
	}
}

// Record keys depend on key and time alone, and keep apart what was planned at once.
func TestRecordKeys(t *testing.T) {
	f := newFake(t)
	n := open(t, config(f.url), wire.Env{})
	seen := map[string]bool{}
	for i := range 300 {
		p := post(fmt.Sprint("key", i))
		p.Text = fmt.Sprint(i)
		r, err := n.Post(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if seen[r.ID] {
			t.Fatalf("two posts under %s", r.ID)
		}
		seen[r.ID] = true
	}
	if len(f.records) != 300 {
		t.Errorf("%d records", len(f.records))
	}
}

func TestAnotherPostInItsPlace(t *testing.T) {
	f := newFake(t)
	n := open(t, config(f.url), wire.Env{})
	p := post("k")
	if _, err := n.Post(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	p.Text = "another"
	if _, err := n.Post(t.Context(), p); publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

// tokens is a store that remembers one channel and can fail.
type tokens struct {
	data []byte
	fail error
}

func (s *tokens) LoadToken(context.Context, string) ([]byte, error) { return s.data, s.fail }
func (s *tokens) SaveToken(_ context.Context, _ string, data []byte) error {
	if s.fail == nil {
		s.data = data
	}
	return s.fail
}

func TestSessions(t *testing.T) {
	f := newFake(t)
	store := &tokens{}
	publish := func(key string) error {
		p := post(key)
		_, err := open(t, config(f.url), wire.Env{Tokens: store}).Post(t.Context(), p)
		return err
	}
	count := func(sessions, refreshes int) {
		t.Helper()
		if f.sessions != sessions || f.refreshes != refreshes {
			t.Errorf("%d logins, %d renewals; want %d, %d", f.sessions, f.refreshes, sessions, refreshes)
		}
	}
	steps := []struct {
		name                string
		before              func()
		sessions, refreshes int
	}{
		{"first login", func() {}, 1, 0},
		{"kept", func() {}, 1, 0},
		{"access expired", f.expire, 1, 1},
		{"renewed one is kept", func() {}, 1, 1},
		{"both expired", func() { f.expire(); f.refresh = "expired" }, 2, 1},
		{"nonsense saved", func() { store.data = []byte("{") }, 3, 1},
		{"saved for another account", func() { store.data = []byte(strings.Replace(string(store.data), handle, "autre.test", 1)) }, 4, 1},
	}
	for i, s := range steps {
		s.before()
		if err := publish(fmt.Sprint(i)); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		count(s.sessions, s.refreshes)
	}
	store.fail = errors.New("disk full")
	if err := publish("x"); publisher.KindOf(err) != publisher.Busy || !errors.Is(err, store.fail) {
		t.Errorf("a store that fails: %v", err)
	}
	if len(f.records) != len(steps) {
		t.Errorf("%d posts", len(f.records))
	}
}

func TestRefusedAccounts(t *testing.T) {
	for _, name := range []string{"AuthenticationRequired", "AccountTakedown", "AuthFactorTokenRequired"} {
		f := newFake(t)
		f.refuses = name
		_, err := open(t, config(f.url), wire.Env{}).Post(t.Context(), post("k"))
		if publisher.KindOf(err) != publisher.Denied || publisher.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server that takes smaller pictures than most still gets the post.
func TestCardWithoutItsPicture(t *testing.T) {
	f := newFake(t)
	f.blobLimit = 10
	p := post("k")
	p.Card = &publisher.PostCard{URL: "https://gazette.fr/a", Thumb: &publisher.Media{Type: "image/png", Data: make([]byte, 11)}}
	n := open(t, config(f.url), wire.Env{})
	if _, err := n.Post(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	p = post("k2")
	p.Media = []publisher.Media{{Type: "image/png", Data: make([]byte, 11)}}
	if _, err := n.Post(t.Context(), p); publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("a picture that is the post's own: %v", err)
	}
	if len(f.records) != 1 {
		t.Errorf("%d posts", len(f.records))
	}
}

func TestReceiptsOfOthersAreRefused(t *testing.T) {
	n := open(t, config("http://127.0.0.1:1"), wire.Env{})
	for _, id := range []string{"", "17", "at://" + did, "https://bsky.app/profile/x/post/y"} {
		if err := n.Remove(t.Context(), publisher.Receipt{ID: id}); publisher.KindOf(err) != publisher.Internal {
			t.Errorf("remove %q: %v", id, err)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bluesky.Config)
		want   []string
	}{
		"good":     {func(c *bluesky.Config) { *c = config("https://pds.example") }, nil},
		"DID":      {func(c *bluesky.Config) { *c = config("https://pds.example"); c.Handle = did }, nil},
		"defaults": {func(c *bluesky.Config) {}, []string{"channels.bleu.handle: handle is missing", "channels.bleu.app_password: app_password is missing"}},
		"with @": {func(c *bluesky.Config) { *c = config("https://pds.example"); c.Handle = "@gazette.test" },
			[]string{`channels.bleu.handle: "@gazette.test" is neither a handle nor a DID`}},
		"no address": {func(c *bluesky.Config) { *c = config("pds.example"); c.FindAfter = -1 },
			[]string{"channels.bleu.server: server is not an http or https address", "channels.bleu.find_after: -1ns is less than nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			conf := bluesky.NewConfig()
			c.change(&conf)
			var got []string
			if err := conf.Validate("bleu"); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
