package x_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/social/socialtest"
	"crieur/publisher/social/wire"
	"crieur/publisher/social/x"
	"github.com/google/go-cmp/cmp"
)

func config(api string) x.Config {
	c := x.NewConfig()
	c.API, c.Threads = api, true
	c.ConsumerKey, c.ConsumerSecret, c.AccessToken, c.AccessSecret = consumerKey, consumerSecret, accessToken, accessSecret
	return c
}

func open(t *testing.T, c x.Config, base string) *x.Network {
	t.Helper()
	n, err := x.New(c, wire.Env{Channel: "essai", BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestConformance(t *testing.T) {
	for _, api := range []string{"v1", "v2"} {
		t.Run(api, func(t *testing.T) {
			socialtest.Run(t, func(t *testing.T) socialtest.Harness {
				f := newFake(t)
				return socialtest.Harness{
					Base:   f.url,
					Open:   func(env wire.Env) (publisher.Network, error) { return x.New(config(api), env) },
					Public: f.texts,
					Creates: func(r *http.Request) bool {
						return r.Method == "POST" && (r.URL.Path == "/2/tweets" || strings.HasSuffix(r.URL.Path, "/statuses/update.json"))
					},
					Refuse:  refusal(api),
					Secrets: []string{consumerKey, consumerSecret, accessToken, accessSecret},
				}
			})
		})
	}
}

func refusal(api string) func(int, time.Time) (http.Header, string) {
	return func(status int, reset time.Time) (http.Header, string) {
		h := http.Header{"Content-Type": {"application/json"}}
		if status == http.StatusTooManyRequests {
			h.Set("x-rate-limit-remaining", "0")
			h.Set("x-rate-limit-reset", fmt.Sprint(reset.Unix()))
		}
		switch {
		case api == "v1" && status == http.StatusForbidden:
			return h, `{"errors":[{"code":453,"message":"You currently have access to a subset of X API V2 endpoints"}]}`
		case api == "v1" && status == http.StatusTooManyRequests:
			return h, `` // go-twitter takes this for a success
		case api == "v1":
			return h, `{"errors":[{"code":131,"message":"no"}]}`
		}
		return h, fmt.Sprintf(`{"title":"no","type":"https://api.x.com/2/problems/client-forbidden","detail":"no","status":%d}`, status)
	}
}

func post(key string) publisher.Post {
	return publisher.Post{Key: key, Text: "Un & deux < trois " + key + "\n\nhttps://gazette.fr/a?b=1&c=2 #marais", Created: time.Now()}
}

func TestPostSaysAllItCan(t *testing.T) {
	for _, api := range []string{"v1", "v2"} {
		t.Run(api, func(t *testing.T) {
			f := newFake(t)
			n := open(t, config(api), f.url)
			first, err := n.Post(t.Context(), post("k1"))
			if err != nil {
				t.Fatal(err)
			}
			author := map[string]string{"v1": "gazette", "v2": "i/web"}[api]
			if first.URL != f.url+"/"+author+"/status/"+first.ID {
				t.Errorf("address %s", first.URL)
			}
			p := post("k2")
			p.Parent, p.Root = &first, &first
			p.Media = []publisher.Media{{Type: "image/png", Data: []byte("png"), Alt: "Un héron"}, {Type: "image/jpeg", Data: []byte("jpeg")}}
			if _, err := n.Post(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			got := f.posts[1]
			if got.text != p.Text || got.replyTo != first.ID || len(got.media) != 2 {
				t.Fatalf("got %+v", got)
			}
			pictures := []fakeMedia{*f.media[got.media[0]], *f.media[got.media[1]]}
			want := []fakeMedia{{"tweet_image", "image/png", "Un héron"}, {"tweet_image", "image/jpeg", ""}}
			if diff := cmp.Diff(want, pictures, cmp.AllowUnexported(fakeMedia{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A text that stands since before this post was planned is someone's old post, not
// this one.
func TestOldTextIsNotTakenForThisPost(t *testing.T) {
	for _, api := range []string{"v1", "v2"} {
		t.Run(api, func(t *testing.T) {
			f := newFake(t)
			n := open(t, config(api), f.url)
			p := post("k")
			if _, err := n.Post(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			f.posts[0].at = time.Now().Add(-24 * time.Hour)
			_, err := n.Post(t.Context(), p)
			if publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
				t.Errorf("got %v (%v)", err, publisher.KindOf(err))
			}
			if _, found, err := n.Find(t.Context(), p); found || err != nil {
				t.Errorf("found %v, %v", found, err)
			}
		})
	}
}

// A refusal that may mean that the post stands, and no way to look: perhaps done.
func TestRefusedAndNotToBeLookedUpIsUnknown(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			http.Error(w, "", http.StatusTooManyRequests)
			return
		}
		f.handler().ServeHTTP(w, r)
	}))
	defer server.Close()
	n := open(t, config("v2"), server.URL)
	if _, err := n.Post(t.Context(), post("k")); err != nil {
		t.Fatal(err)
	}
	_, err := n.Post(t.Context(), post("k"))
	if publisher.KindOf(err) != publisher.Unknown || len(f.posts) != 1 {
		t.Errorf("got %v, %d posts", err, len(f.posts))
	}
}

func TestRefusalsThatTheStatusHides(t *testing.T) {
	for name, c := range map[string]struct {
		api    string
		status int
		body   string
		want   publisher.Kind
	}{
		"not permitted":    {"v2", 403, `{"type":"about:blank","title":"Forbidden","detail":"You are not permitted to perform this action."}`, publisher.Invalid},
		"read-only keys":   {"v2", 403, `{"type":"https://api.twitter.com/2/problems/oauth1-permissions","title":"Forbidden"}`, publisher.Denied},
		"no type":          {"v2", 403, `<html>`, publisher.Denied},
		"plan used up":     {"v2", 429, `{"type":"https://api.twitter.com/2/problems/usage-capped","title":"UsageCapExceeded"}`, publisher.Denied},
		"no credits":       {"v2", 402, `{"type":"https://api.twitter.com/2/problems/credits","title":"CreditsDepleted"}`, publisher.Denied},
		"too long":         {"v1", 403, `{"errors":[{"code":186}]}`, publisher.Invalid},
		"daily limit":      {"v1", 403, `{"errors":[{"code":185}]}`, publisher.Busy},
		"reply to gone":    {"v1", 403, `{"errors":[{"code":385}]}`, publisher.Invalid},
		"suspended":        {"v1", 403, `{"errors":[{"code":64}]}`, publisher.Denied},
		"v2's words to v1": {"v1", 403, `{"type":"about:blank","title":"Forbidden"}`, publisher.Denied},
		"HTML 503":         {"v1", 503, `<html>`, publisher.Busy},
		"HTML 200":         {"v1", 200, `<html>`, publisher.Unknown},
		"empty 200":        {"v1", 200, ``, publisher.Unknown},
		"nothing made":     {"v2", 200, `{"errors":[{"title":"no"}]}`, publisher.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/2/users/me":
					io.WriteString(w, `{"data":{"id":"7"}}`)
				case "/2/users/7/tweets":
					io.WriteString(w, `{"meta":{"result_count":0}}`)
				default:
					w.WriteHeader(c.status)
					io.WriteString(w, c.body)
				}
			}))
			defer server.Close()
			_, err := open(t, config(c.api), server.URL).Post(t.Context(), post("k"))
			if got := publisher.KindOf(err); err == nil || got != c.want {
				t.Errorf("got %v (%v), want %v", err, got, c.want)
			}
		})
	}
}

func TestCompatibleServer(t *testing.T) {
	f := newFake(t)
	f.v1 = "/api"
	c := config("v1")
	c.BaseURL = f.url + "/api/"
	n := open(t, c, "")
	p := post("k")
	p.Media = []publisher.Media{{Type: "image/png", Data: []byte("png"), Alt: "Un héron"}}
	r, err := n.Post(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if r.URL != "" {
		t.Errorf("an address is made up: %s", r.URL)
	}
	if _, found, err := n.Find(t.Context(), p); !found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if n.Traits().Price != nil {
		t.Error("X's prices on another server")
	}
}

func TestPrice(t *testing.T) {
	price := open(t, config("v2"), "").Traits().Price
	for name, c := range map[string]struct {
		post publisher.Post
		want int64
	}{
		"plain":        {publisher.Post{Text: "Un mot."}, 15_000},
		"with a link":  {publisher.Post{Text: "Un mot https://gazette.fr/a"}, 200_000},
		"bare domain":  {publisher.Post{Text: "Un mot gazette.fr"}, 200_000},
		"alternatives": {publisher.Post{Text: "Un mot", Media: []publisher.Media{{Alt: "a"}, {}, {Alt: "b"}}}, 25_000},
	} {
		if got := price(c.post); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if open(t, config("v1"), "").Traits().Price != nil {
		t.Error("version 1.1 is not sold by the post")
	}
}

func TestThreadsAreAskedFor(t *testing.T) {
	c := config("v2")
	c.Threads = false
	if open(t, c, "").Traits().Thread || !open(t, config("v2"), "").Traits().Thread {
		t.Error("threads do not follow the setting")
	}
}

func TestConfigIsChecked(t *testing.T) {
	c := x.NewConfig()
	c.API, c.BaseURL, c.FindAfter = "v3", "x.example", -1
	want := []string{
		`channels.ix.api: "v3" is not known here`,
		"channels.ix.consumer_key: consumer_key is missing",
		"channels.ix.consumer_secret: consumer_secret is missing",
		"channels.ix.access_token: access_token is missing",
		"channels.ix.access_secret: access_secret is missing",
		"channels.ix.base_url: base_url is not an http or https address",
		"channels.ix.find_after: -1ns is less than nothing",
	}
	if diff := cmp.Diff(want, strings.Split(c.Validate("ix").Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}
