package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"crieur/publisher/app"
)

const cmsConfig = `
mode: sandbox
site: {name: La Gazette, timezone: Europe/Paris, url: https://gazette.example}
sandbox: {listen: "127.0.0.1:0", smtp: "127.0.0.1:0"}
server: {listen: "127.0.0.1:0"}
channels:
  toots: {kind: mastodon, server: https://mastodon.example}
sources:
  ghost: {webhook: ghost, secret: ghost-secret-ghost-secret}
  wp: {webhook: wordpress, secret: wordpress-secret-wordpress}
  own: {webhook: generic, secret: generic-secret-generic, allow_private: true, tags: [local], language: fr, fields: {title: data.headline, html: data.body, url: data.link, tags: data.topics}}
  shy: {webhook: generic, secret: generic-secret-generic}
  silent: {webhook: generic, secret: "${env:NOT_SET}"}
routes:
  all: {sources: [ghost, wp, own, shy], channels: [toots]}
api:
  rate: 1000/m
  tokens:
    eyes: {token: eyes-token-eyes-token-eyes, may: [read]}
`

const ghostPost = `{"post": {"current": {"id": "67447438e61fb200012f48e0", "title": "The bridge <opens>", "html": "<p>The mayor cuts the ribbon.</p><script>alert(1)</script>",
	"status": "published", "visibility": "public", "url": "https://gazette.example/bridge/", "published_at": "2026-11-25T12:57:31.000Z",
	"custom_excerpt": "Cyclists come first.", "feature_image": "https://gazette.example/bridge.jpg", "feature_image_alt": "The bridge",
	"tags": [{"name": "Roads", "visibility": "public"}, {"name": "#no-banner", "visibility": "internal"}], "authors": [{"name": "Jo Martin"}]}, "previous": {}}}`

func macOf(secret, data string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(data))
	return hex.EncodeToString(m.Sum(nil))
}

func ghostHead(secret, body string, at time.Time) string {
	ms := fmt.Sprint(at.UnixMilli())
	return "X-Ghost-Signature: sha256=" + macOf(secret, body+ms) + ", t=" + ms
}

// tellCMS sends a webhook, and gives the answer's status and JSON.
func tellCMS(t *testing.T, url, body string, heads ...string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range heads {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	_ = json.Unmarshal(data, &v)
	return answer.StatusCode, v
}

func TestCMSWebhooks(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><html lang="en"><head><title>A page</title></head><body><article><h1>A page of its own</h1>
			<p>It has a text that is long enough to be taken for the article of the page, with several sentences. Here is another one.</p>
			<p>And a second paragraph, since most articles have more than one of them, and this one does, too.</p></article></body></html>`)
	}))
	t.Cleanup(page.Close)
	c, d := serveAPI(t, cmsConfig)
	hook := c.url + "/hooks/cms/"
	bearer := func(secret string) string { return "Authorization: Bearer " + secret }
	rest := `{"id": 7, "link": "https://gazette.example/rest", "status": "publish", "type": "post", "date_gmt": "2026-11-25T12:57:31", "title": {"rendered": "Rest &amp; <em>more</em>"},
		"content": {"rendered": "<p>The text.</p>", "protected": false}, "excerpt": {"rendered": "<p>A lead.</p>"}, "tags": [3]}`
	plugin := `{"post_id": 8, "post": {"ID": 8, "post_title": "From a plugin", "post_content": "<p>The text.</p>", "post_status": "publish", "post_type": "post"}, "post_permalink": "https://gazette.example/plugin"}`
	for name, r := range map[string]struct {
		to, body string
		heads    []string
		want     int
		title    string
	}{
		"ghost":                     {"ghost", ghostPost, []string{ghostHead("ghost-secret-ghost-secret", ghostPost, d.now)}, 202, "The bridge <opens>"},
		"ghost, wrong secret":       {"ghost", ghostPost, []string{ghostHead("another", ghostPost, d.now)}, 401, ""},
		"ghost, other body":         {"ghost", ghostPost + " ", []string{ghostHead("ghost-secret-ghost-secret", ghostPost, d.now)}, 401, ""},
		"ghost, too old":            {"ghost", ghostPost, []string{ghostHead("ghost-secret-ghost-secret", ghostPost, d.now.Add(-time.Hour))}, 401, ""},
		"ghost, of the future":      {"ghost", ghostPost, []string{ghostHead("ghost-secret-ghost-secret", ghostPost, d.now.Add(time.Hour))}, 401, ""},
		"ghost, time not signed":    {"ghost", ghostPost, []string{"X-Ghost-Signature: sha256=" + macOf("ghost-secret-ghost-secret", ghostPost) + ", t=" + fmt.Sprint(d.now.UnixMilli())}, 401, ""},
		"ghost, no signature":       {"ghost", ghostPost, nil, 401, ""},
		"ghost, bearer":             {"ghost", ghostPost, []string{bearer("ghost-secret-ghost-secret")}, 401, ""},
		"wordpress, rest":           {"wp", rest, []string{bearer("wordpress-secret-wordpress")}, 202, "Rest & more"},
		"wordpress, plugin":         {"wp?token=wordpress-secret-wordpress", plugin, nil, 202, "From a plugin"},
		"wordpress, signed":         {"wp", strings.Replace(rest, "/rest", "/signed", 1), []string{"X-Webhook-Signature: sha256=" + macOf("wordpress-secret-wordpress", strings.Replace(rest, "/rest", "/signed", 1))}, 202, "Rest & more"},
		"wordpress, wrongly signed": {"wp", rest, []string{"X-Webhook-Signature: " + macOf("x", rest), bearer("wordpress-secret-wordpress")}, 401, ""},
		"wordpress, draft":          {"wp", strings.Replace(rest, `"publish"`, `"draft"`, 1), []string{bearer("wordpress-secret-wordpress")}, 200, ""},
		"wordpress, page":           {"wp", strings.Replace(rest, `"type": "post"`, `"type": "page"`, 1), []string{bearer("wordpress-secret-wordpress")}, 200, ""},
		"wordpress, password":       {"wp", strings.Replace(rest, `"protected": false`, `"protected": true`, 1), []string{bearer("wordpress-secret-wordpress")}, 200, ""},
		"wordpress, other's secret": {"wp", rest, []string{bearer("generic-secret-generic")}, 401, ""},
		"generic, mapped":           {"own", `{"data": {"headline": "Mapped", "body": "<p>The text.</p>", "link": "https://gazette.example/mapped", "topics": ["a"]}}`, []string{bearer("generic-secret-generic")}, 202, "Mapped"},
		"generic, as it is":         {"shy", `{"title": "Plain", "markdown": "The *text*.", "url": "https://gazette.example/plain"}`, []string{bearer("generic-secret-generic")}, 202, "Plain"},
		"generic, page":             {"own", `{"url": "` + page.URL + `/page"}`, []string{bearer("generic-secret-generic")}, 202, "A page of its own"},
		"generic, private page":     {"shy", `{"url": "` + page.URL + `/page"}`, []string{bearer("generic-secret-generic")}, 422, ""},
		"generic, file":             {"own", `{"url": "file:///etc/passwd"}`, []string{bearer("generic-secret-generic")}, 422, ""},
		"generic, nothing":          {"own", `{}`, []string{bearer("generic-secret-generic")}, 400, ""},
		"generic, no JSON":          {"own", `[1]`, []string{bearer("generic-secret-generic")}, 400, ""},
		"generic, empty secret":     {"own", `{}`, []string{bearer("")}, 401, ""},
		"generic, basic":            {"own", `{}`, []string{"Authorization: Basic x"}, 401, ""},
		"no secret set":             {"silent", `{}`, []string{bearer("")}, 404, ""},
		"unknown":                   {"nothing", `{}`, nil, 404, ""},
		"too long":                  {"own", `{"title": "` + strings.Repeat("x", 3<<20) + `"}`, []string{bearer("generic-secret-generic")}, 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, v := tellCMS(t, hook+r.to, r.body, r.heads...)
			if status != r.want {
				t.Fatalf("%d, want %d: %v", status, r.want, v)
			}
			if strings.Contains(fmt.Sprint(v), "-secret-") {
				t.Errorf("the answer tells the secret: %v", v)
			}
			if r.want != 202 {
				return
			}
			a := c.ask(t, "GET", "/api/articles/"+v["article"].(string), eyes, "", 200)
			if a["title"] != r.title || strings.Contains(a["html"].(string), "script") {
				t.Errorf("the article: %v", a)
			}
			if r.to == "own" && (!strings.Contains(fmt.Sprint(a["tags"]), "local") || a["language"] != "fr") {
				t.Errorf("the source's own tags and language: %v", a)
			}
			if status, v := tellCMS(t, hook+r.to, r.body, r.heads...); status != 200 || v["status"] != "nothing to do" {
				t.Errorf("told again: %d, %v", status, v)
			}
		})
	}
}

func TestGhostPost(t *testing.T) {
	c, d := serveAPI(t, cmsConfig)
	_, v := tellCMS(t, c.url+"/hooks/cms/ghost", ghostPost, ghostHead("ghost-secret-ghost-secret", ghostPost, d.now))
	a := c.ask(t, "GET", "/api/articles/"+v["article"].(string), eyes, "", 200)
	for k, want := range map[string]string{"lead": "Cyclists come first.", "author": "Jo Martin", "url": "https://gazette.example/bridge/", "tags": "[Roads]",
		"published": "2026-11-25T12:57:31Z", "html": "<p>The mayor cuts the ribbon.</p>"} {
		if got := fmt.Sprint(a[k]); got != want {
			t.Errorf("%s: %s, want %s", k, got, want)
		}
	}
	arrivals, err := d.store(t).Unrouted(t.Context(), 10)
	if err != nil || len(arrivals) != 1 || arrivals[0].Source != "hook:ghost" {
		t.Errorf("arrivals: %v, %v", arrivals, err)
	}
	members := strings.Replace(ghostPost, `"visibility": "public", "url"`, `"visibility": "paid", "url"`, 1)
	if status, v := tellCMS(t, c.url+"/hooks/cms/ghost", members, ghostHead("ghost-secret-ghost-secret", members, d.now)); status != 200 || v["ignored"] != "only for paid" {
		t.Errorf("for members: %d, %v", status, v)
	}
}

// From the webhook to the post, by the routes, in one process that does it all; the
// webhooks among the sources are not taken for feeds.
func TestWhatACMSTellsIsPosted(t *testing.T) {
	c, d := serveAs(t, cmsConfig, app.Roles()...)
	_, told := tellCMS(t, c.url+"/hooks/cms/ghost", ghostPost, ghostHead("ghost-secret-ghost-secret", ghostPost, time.Now()))
	id := told["article"].(string)
	end := time.Now().Add(30 * time.Second)
	for {
		issues := c.ask(t, "GET", "/api/articles/"+id, eyes, "", 200)["issues"].([]any)
		if len(issues) == 1 && fmt.Sprint(issues[0].(map[string]any)["counts"]) == "map[accepted:1]" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after half a minute: %v", issues)
		}
		time.Sleep(200 * time.Millisecond)
	}
	feeds, err := d.store(t).Feeds(t.Context())
	if err != nil || len(feeds) > 0 {
		t.Errorf("looked at as feeds: %v, %v", feeds, err)
	}
}
