package social_test

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"crieur/publisher"
	"crieur/publisher/social"
	"crieur/publisher/social/bluesky"
	"crieur/publisher/social/mastodon"
	"crieur/publisher/social/x"
)

func TestOpenFillsInSettingsOverDefaults(t *testing.T) {
	for kind, c := range map[string]struct {
		decode func(any) error
		hasTo  func(publisher.Traits) bool
	}{
		"mastodon": {func(target any) error {
			c := target.(*mastodon.Config)
			if c.Visibility != "public" {
				t.Errorf("defaults are not there: %+v", c)
			}
			c.Server, c.Token = "https://social.example", "t"
			return nil
		}, func(tr publisher.Traits) bool { return tr.Text == 500 }},
		"bluesky": {func(target any) error {
			c := target.(*bluesky.Config)
			c.Handle, c.AppPassword, c.Card = "gazette.test", "p", false
			return nil
		}, func(tr publisher.Traits) bool { return tr.Text == 300 && !tr.Card }},
		"x": {func(target any) error {
			c := target.(*x.Config)
			c.ConsumerKey, c.ConsumerSecret, c.AccessToken, c.AccessSecret = "a", "b", "c", "d"
			return nil
		}, func(tr publisher.Traits) bool { return tr.Text == 280 }},
	} {
		n, err := social.Open(kind, c.decode, social.Env{Channel: "essai"})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if tr := n.Traits(); tr.Network != kind || !c.hasTo(tr) {
			t.Errorf("%s: %+v", kind, tr)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	leave := func(any) error { return nil }
	n, err := social.Open("twiter", leave, social.Env{Channel: "essai"})
	if n != nil || publisher.KindOf(err) != publisher.Invalid || !strings.Contains(publisher.HintOf(err), "bluesky, mastodon, x") {
		t.Errorf("unknown kind: %v, %v", n, err)
	}
	want := errors.New("line 7")
	for _, k := range social.Kinds() {
		if n, err := social.Open(k.Name, leave, social.Env{Channel: "essai"}); n != nil || publisher.KindOf(err) != publisher.Invalid {
			t.Errorf("%s without settings: %v, %v", k.Name, n, err)
		}
		if n, err := social.Open(k.Name, func(any) error { return want }, social.Env{}); n != nil || !errors.Is(err, want) {
			t.Errorf("%s with bad settings: %v, %v", k.Name, n, err)
		}
	}
}

// Whoever writes config.yaml reads the settings' names and what they are for.
func TestSettingsAreDescribed(t *testing.T) {
	for _, k := range social.Kinds() {
		v := reflect.TypeOf(k.Config())
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			t.Fatalf("%s: settings are %v", k.Name, v)
		}
		for f := range v.Elem().Fields() {
			key := f.Tag.Get("mapstructure")
			if key == "" || f.Tag.Get("desc") == "" {
				t.Errorf("%s: %s has no key or description", k.Name, f.Name)
			}
			for _, word := range []string{"token", "secret", "password", "key"} {
				if strings.Contains(key, word) && f.Type != reflect.TypeFor[publisher.Secret]() {
					t.Errorf("%s: %s can be printed", k.Name, key)
				}
			}
		}
	}
}

// A folder with code in it that is no network's helper is a network, and must be in
// the list.
func TestEveryNetworkIsListed(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() && !slices.Contains([]string{"wire", "measure", "socialtest", "testdata"}, e.Name()) {
			folders = append(folders, e.Name())
		}
	}
	var kinds []string
	for _, k := range social.Kinds() {
		kinds = append(kinds, k.Name)
	}
	if !slices.Equal(folders, kinds) {
		t.Errorf("folders %v, kinds %v", folders, kinds)
	}
}
