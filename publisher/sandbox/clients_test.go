package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/sandbox"
	"crieur/publisher/social"
)

// crieur's own networks against the sandbox: post with a picture, lose the answer and
// find the post again, answer it, remove it.
func TestNetworksAgainstSandbox(t *testing.T) {
	for name, c := range map[string]struct {
		kind     string
		settings map[string]any
	}{
		"mastodon": {sandbox.Mastodon, nil},
		"bluesky":  {sandbox.Bluesky, nil},
		"x v2":     {sandbox.X, map[string]any{"api": "v2", "threads": true}},
		"x v1":     {sandbox.X, map[string]any{"api": "v1", "threads": true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, config(t))
			n := open(t, s, c.kind, c.settings)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if v, ok := n.(publisher.Verifier); !ok {
				t.Error("no Verifier")
			} else if who, err := v.Verify(ctx); err != nil || who == "" {
				t.Errorf("verify: %q, %v", who, err)
			}
			if p, ok := n.(publisher.Prober); ok {
				if err := p.Probe(ctx); err != nil {
					t.Errorf("probe: %v", err)
				}
			}
			post := publisher.Post{
				Key: "9f2c5a", Language: "fr", Created: time.Now(),
				Text:  "L’été & <l’hiver> : « déjà ! » #météo\n\nhttps://www.gazette.example.org/2026/11/un-titre-assez-long?a=1&b=2",
				Media: []publisher.Media{{Type: "image/png", Alt: "Une place & sa halle", Data: picture(t, 12, 9), Width: 12, Height: 9}},
			}
			finder, ok := n.(publisher.Finder)
			if !ok {
				t.Fatal("no Finder")
			}
			if _, found, err := finder.Find(ctx, post); err != nil || found {
				t.Fatalf("found before it was posted: %v, %v", found, err)
			}
			s.SetFaults(faults(t, c.kind+"=hangup-after:1"))
			if _, err := n.Post(ctx, post); publisher.KindOf(err) != publisher.Unknown {
				t.Fatalf("a lost answer is %v: %v", publisher.KindOf(err), err)
			}
			first, found, err := finder.Find(ctx, post)
			if err != nil || !found {
				t.Fatalf("not found: %v", err)
			}
			if !strings.HasPrefix(first.URL, s.HTTPURL()) {
				t.Errorf("its address is %q", first.URL)
			} else if a := want(t, send(t, call{method: "GET", url: first.URL}), 200); !strings.Contains(a.body, "L’été &amp; &lt;l’hiver&gt;") {
				t.Errorf("its page does not show it: %.300s", a.body)
			}
			answer := publisher.Post{Key: "9f2c5b", Text: "2/2 Et la suite.", Created: time.Now(), Parent: &first, Root: &first}
			second, err := n.Post(ctx, answer)
			if err != nil {
				t.Fatal(err)
			}
			a := send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/posts.json"})
			if a.text(1, "reply_to") != a.text(0, "id") || a.text(0, "media", 0, "alt") != "Une place & sa halle" || len(a.json.([]any)) != 2 {
				t.Errorf("kept: %s", a.body)
			}
			if editor, ok := n.(publisher.Editor); ok {
				changed := post
				changed.Text = "Corrigé : « enfin ! »"
				if _, err := editor.Edit(ctx, first, changed); err != nil {
					t.Fatalf("edit: %v", err)
				}
				a := send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/posts.json"})
				if a.text(0, "text") != changed.Text || a.text(0, "media", 0, "alt") != "Une place & sa halle" || a.text(0, "edited") == "" || len(a.json.([]any)) != 2 {
					t.Errorf("kept after the edit: %s", a.body)
				}
			}
			for range 2 { // deleting what is gone is no error
				if err := n.(publisher.Remover).Remove(ctx, second); err != nil {
					t.Fatal(err)
				}
			}
			s.SetFaults(faults(t, c.kind+"=401"))
			answer.Key, answer.Text = "9f2c5c", "encore"
			if _, err := n.Post(ctx, answer); publisher.KindOf(err) != publisher.Denied {
				t.Errorf("401 is %v: %v", publisher.KindOf(err), err)
			}
			s.SetFaults(faults(t, c.kind+"=429"))
			if _, err := n.Post(ctx, answer); publisher.KindOf(err) != publisher.Busy || publisher.AfterOf(err).Before(time.Now()) {
				t.Errorf("429 is %v, after %v: %v", publisher.KindOf(err), publisher.AfterOf(err), err)
			}
		})
	}
}

// open opens a network on the sandbox with the sandbox's credentials.
func open(t *testing.T, s *sandbox.Server, kind string, settings map[string]any) publisher.Network {
	t.Helper()
	decode := func(target any) error {
		v := reflect.ValueOf(target).Elem()
		set := func(key string, value any) error {
			for i := range v.NumField() {
				if v.Type().Field(i).Tag.Get("mapstructure") == key {
					v.Field(i).Set(reflect.ValueOf(value).Convert(v.Field(i).Type()))
					return nil
				}
			}
			return errors.New("no setting " + key)
		}
		for key, value := range settings {
			if err := set(key, value); err != nil {
				return err
			}
		}
		for key, value := range s.Credentials().Keys(kind) {
			if err := set(key, value); err != nil {
				return err
			}
		}
		if kind == sandbox.Mastodon {
			return set("server", s.BaseURL(kind))
		}
		return nil
	}
	n, err := social.Open(kind, decode, social.Env{Client: &http.Client{}, BaseURL: s.BaseURL(kind), Channel: kind, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
