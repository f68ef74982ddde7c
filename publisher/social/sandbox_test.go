package social_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/sandbox"
	"crieur/publisher/social"
	"crieur/publisher/social/socialtest"
	"crieur/templates"
)

// The sandbox's servers are stricter than any fake of a network's own tests: they
// check lengths, signatures, facets, pictures and fields that do not exist.
func TestConformanceInTheSandbox(t *testing.T) {
	for _, kind := range social.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			socialtest.Run(t, func(t *testing.T) socialtest.Harness { return boxed(t, kind) })
		})
	}
	t.Run("x by v1", func(t *testing.T) {
		socialtest.Run(t, func(t *testing.T) socialtest.Harness {
			h := boxed(t, kindOf(t, "x"), "API", "v1")
			h.Refuse = refuseV1
			return h
		})
	})
}

func kindOf(t *testing.T, name string) social.Kind {
	t.Helper()
	for _, k := range social.Kinds() {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("no network %s", name)
	return social.Kind{}
}

// boxed opens a network to a sandbox of its own; set are names of settings and their
// values.
func boxed(t *testing.T, kind social.Kind, set ...string) socialtest.Harness {
	t.Helper()
	box, err := sandbox.Start(t.Context(), sandbox.Config{Dir: t.TempDir(), HTTP: "127.0.0.1:0", SMTP: "127.0.0.1:0",
		Templates: templates.FS, T: func(_, key string, _ ...any) string { return key }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	keys := box.Credentials().Keys(kind.Name)
	h := socialtest.Harness{
		Base: box.BaseURL(kind.Name),
		Open: func(env social.Env) (publisher.Network, error) {
			return social.Open(kind.Name, func(target any) error {
				v := reflect.ValueOf(target).Elem()
				for i := range v.NumField() {
					key := v.Type().Field(i).Tag.Get("mapstructure")
					if secret, ok := keys[key]; ok {
						v.Field(i).SetString(secret.Reveal())
					}
				}
				if kind.Name == "mastodon" {
					v.FieldByName("Server").SetString("https://social.invalid")
				}
				if kind.Name == "x" {
					v.FieldByName("Threads").SetBool(true)
				}
				for i := 0; i < len(set); i += 2 {
					v.FieldByName(set[i]).SetString(set[i+1])
				}
				return nil
			}, env)
		},
		Public: func() []string { return arrived(t, box.HTTPURL(), kind.Name) },
		Creates: func(r *http.Request) bool {
			return r.Method == "POST" && (strings.HasSuffix(r.URL.Path, "/api/v1/statuses") || strings.HasSuffix(r.URL.Path, ".putRecord") ||
				strings.HasSuffix(r.URL.Path, "/2/tweets") || strings.HasSuffix(r.URL.Path, "/statuses/update.json"))
		},
		Refuse: func(status int, reset time.Time) (http.Header, string) {
			return http.Header{"Retry-After": {fmt.Sprint(int(time.Until(reset).Seconds()) + 1)}},
				`{"error":"` + strings.ReplaceAll(http.StatusText(status), " ", "") + `","type":"https://api.x.com/2/problems/none"}`
		},
	}
	for key, secret := range keys {
		if key != "handle" {
			h.Secrets = append(h.Secrets, secret.Reveal())
		}
	}
	return h
}

func refuseV1(status int, reset time.Time) (http.Header, string) {
	return http.Header{"X-Rate-Limit-Reset": {fmt.Sprint(reset.Unix())}}, `{"errors":[{"code":0}]}`
}

func arrived(t *testing.T, url, network string) (texts []string) {
	t.Helper()
	resp, err := http.Get(url + "/sandbox/posts.json?network=" + network)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer resp.Body.Close()
	var posts []struct {
		Text string     `json:"text"`
		Gone *time.Time `json:"gone"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&posts); err != nil {
		t.Error(err)
	}
	for _, p := range posts {
		if p.Gone == nil || p.Gone.IsZero() {
			texts = append(texts, p.Text)
		}
	}
	return texts
}
