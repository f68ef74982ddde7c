package sandbox_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"crieur/publisher/sandbox"
)

// masto speaks to the sandbox's Mastodon.
type masto struct {
	t     testing.TB
	base  string
	token string
}

func mastodonOf(t testing.TB, s *sandbox.Server) masto {
	return masto{t, s.BaseURL(sandbox.Mastodon), s.Credentials().MastodonToken.Reveal()}
}

func (m masto) get(path string) answer {
	m.t.Helper()
	return send(m.t, call{method: "GET", url: m.base + path, header: map[string]string{"Authorization": "Bearer " + m.token}})
}

func (m masto) call(method, path, key string, values url.Values) answer {
	m.t.Helper()
	return send(m.t, m.request(method, path, key, values))
}

func (m masto) request(method, path, key string, values url.Values) call {
	h := map[string]string{"Authorization": "Bearer " + m.token, "Content-Type": "application/x-www-form-urlencoded"}
	if key != "" {
		h["Idempotency-Key"] = key
	}
	return call{method, m.base + path, h, values.Encode()}
}

func (m masto) post(key, text string) answer {
	m.t.Helper()
	return m.call("POST", "/api/v1/statuses", key, url.Values{"status": {text}, "language": {"fr"}})
}

// ready uploads a picture and polls until it is processed.
func (m masto) ready(alt string) string {
	m.t.Helper()
	body, kind := form(m.t, "file", picture(m.t, 8, 6), map[string]string{"description": alt})
	up := want(m.t, send(m.t, call{"POST", m.base + "/api/v2/media", map[string]string{"Authorization": "Bearer " + m.token, "Content-Type": kind}, body}), 202)
	if up.at("url") != nil {
		m.t.Errorf("an unprocessed picture has the address %v", up.at("url"))
	}
	id := up.text("id")
	want(m.t, m.get("/api/v1/media/"+id), 206)
	if done := want(m.t, m.get("/api/v1/media/"+id), 200); done.text("description") != alt || done.text("url") == "" {
		m.t.Errorf("processed: %s", done.body)
	}
	return id
}

func TestMastodonInstance(t *testing.T) {
	m := mastodonOf(t, start(t, config(t)))
	m.token = ""
	for _, path := range []string{"/api/v1/instance", "/api/v2/instance"} {
		a := want(t, m.get(path), 200)
		for limit, value := range map[string]string{"max_characters": "500", "characters_reserved_per_url": "23", "max_media_attachments": "4"} {
			if got := a.at("configuration", "statuses", limit); jsonText(got) != value {
				t.Errorf("%s: %s is %v, want %s", path, limit, got, value)
			}
		}
		if got := a.at("configuration", "media_attachments", "description_limit"); jsonText(got) != "1500" {
			t.Errorf("%s: description_limit is %v", path, got)
		}
	}
}

func TestMastodonPost(t *testing.T) {
	c := config(t)
	c.PublicURL = "http://127.0.0.1:8025"
	s := start(t, c)
	m := mastodonOf(t, s)
	media := m.ready("Une place vide au matin")
	text := "L’été & <l’hiver>\n\nhttps://www.gazette.example.org/2026/11/un-titre-assez-long?a=1&b=2 gazette.example.org"
	a := want(t, m.call("POST", "/api/v1/statuses", "", url.Values{"status": {text}, "media_ids[]": {media}, "visibility": {"unlisted"},
		"spoiler_text": {"Météo"}, "sensitive": {"true"}, "language": {"fr"}}), 200)
	if got, want := a.text("url"), "http://127.0.0.1:8025/mastodon/@crieur/"+a.text("id"); got != want {
		t.Errorf("url %q, want %q", got, want)
	}
	content := a.text("content")
	for _, part := range []string{"<p>L’été &amp; &lt;l’hiver&gt;</p><p>", `href="https://www.gazette.example.org/2026/11/un-titre-assez-long?a=1&amp;b=2"`,
		`<span class="invisible">https://www.</span><span class="ellipsis">gazette.example.org/2026/11/un</span>`, "</a> gazette.example.org</p>"} {
		if !strings.Contains(content, part) {
			t.Errorf("no %s in %s", part, content)
		}
	}
	if a.text("visibility") != "unlisted" || a.text("spoiler_text") != "Météo" || a.text("language") != "fr" ||
		a.text("media_attachments", 0, "description") != "Une place vide au matin" {
		t.Errorf("entity: %s", a.body)
	}
	reply := want(t, m.call("POST", "/api/v1/statuses", "", url.Values{"status": {"Suite"}, "in_reply_to_id": {a.text("id")}}), 200)
	if reply.text("in_reply_to_id") != a.text("id") {
		t.Errorf("reply: %s", reply.body)
	}
	me := want(t, m.get("/api/v1/accounts/verify_credentials"), 200)
	list := want(t, m.get("/api/v1/accounts/"+me.text("id")+"/statuses?limit=2"), 200)
	if list.text(0, "id") != reply.text("id") || list.text(1, "id") != a.text("id") {
		t.Errorf("list: %s", list.body)
	}
	if got := want(t, m.get("/api/v1/accounts/"+me.text("id")+"/statuses?exclude_replies=true"), 200); len(got.json.([]any)) != 1 {
		t.Errorf("with replies: %s", got.body)
	}
	gone := want(t, m.call("DELETE", "/api/v1/statuses/"+a.text("id"), "", nil), 200)
	if gone.text("text") != text {
		t.Errorf("deleted: %s", gone.body)
	}
	want(t, m.call("DELETE", "/api/v1/statuses/"+a.text("id"), "", nil), 404)
	want(t, m.get("/api/v1/statuses/"+a.text("id")), 404)
}

func TestMastodonIdempotencyKey(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	c := config(t)
	c.Now = func() time.Time { return now }
	s := start(t, c)
	m := mastodonOf(t, s)
	first := want(t, m.post("key", "Bonjour"), 200)
	// Mastodon looks at the key alone, not at the text.
	if again := want(t, m.post("key", "Bonsoir"), 200); again.text("id") != first.text("id") {
		t.Errorf("a second status %s", again.text("id"))
	}
	if other := want(t, m.post("other", "Bonjour"), 200); other.text("id") == first.text("id") {
		t.Error("another key gave the same status")
	}
	now = now.Add(59 * time.Minute)
	if again := want(t, m.post("key", "Bonjour"), 200); again.text("id") != first.text("id") {
		t.Error("forgotten within the hour")
	}
	now = now.Add(2 * time.Minute)
	if again := want(t, m.post("key", "Bonjour"), 200); again.text("id") == first.text("id") {
		t.Error("remembered after the hour")
	}
}

func TestMastodonRefuses(t *testing.T) {
	s := start(t, config(t))
	m := mastodonOf(t, s)
	used := m.ready("")
	want(t, m.call("POST", "/api/v1/statuses", "", url.Values{"media_ids[]": {used}}), 200)
	body, kind := form(t, "file", picture(t, 4, 4), nil)
	raw := send(t, call{"POST", m.base + "/api/v2/media", map[string]string{"Authorization": "Bearer " + m.token, "Content-Type": kind}, body}).text("id")
	five := []string{m.ready(""), m.ready(""), m.ready(""), m.ready(""), m.ready("")}
	link := " https://gazette.example.org/" + strings.Repeat("a", 400)
	for name, c := range map[string]struct {
		values  url.Values
		status  int
		because string
	}{
		"empty":             {url.Values{"status": {" \n"}}, 422, "Text can't be blank"},
		"501 characters":    {url.Values{"status": {strings.Repeat("é", 501)}}, 422, "character limit of 500"},
		"501 with warning":  {url.Values{"status": {strings.Repeat("é", 496)}, "spoiler_text": {"Météo"}}, 422, "character limit of 500"},
		"500 characters":    {url.Values{"status": {strings.Repeat("é", 500)}}, 200, ""},
		"URL weighs 23":     {url.Values{"status": {strings.Repeat("é", 476) + link}}, 200, ""},
		"URL weighs 23, 24": {url.Values{"status": {strings.Repeat("é", 477) + link}}, 422, "character limit of 500"},
		"unknown parameter": {url.Values{"status": {"a"}, "stauts": {"b"}}, 422, "unknown parameter"},
		"visibility":        {url.Values{"status": {"a"}, "visibility": {"friends"}}, 422, "visibility"},
		"language":          {url.Values{"status": {"a"}, "language": {"français"}}, 422, "language"},
		"five pictures":     {url.Values{"status": {"a"}, "media_ids[]": five}, 422, "more than 4"},
		"unknown picture":   {url.Values{"status": {"a"}, "media_ids[]": {"77"}}, 422, "not found"},
		"attached picture":  {url.Values{"status": {"a"}, "media_ids[]": {used}}, 422, "already attached"},
		"raw picture":       {url.Values{"status": {"a"}, "media_ids[]": {raw}}, 422, "not finished processing"},
		"reply to nothing":  {url.Values{"status": {"a"}, "in_reply_to_id": {"77"}}, 404, "reply"},
	} {
		t.Run(name, func(t *testing.T) {
			a := want(t, m.call("POST", "/api/v1/statuses", "", c.values), c.status)
			if !strings.Contains(a.text("error"), c.because) {
				t.Errorf("error %q, want %q", a.text("error"), c.because)
			}
		})
	}
	for name, data := range map[string]struct {
		file []byte
		alt  string
	}{
		"no picture": {[]byte("GIF or not"), ""}, "no file": {nil, ""}, "long description": {picture(t, 2, 2), strings.Repeat("é", 1501)},
	} {
		t.Run(name, func(t *testing.T) {
			body, kind := form(t, "file", data.file, map[string]string{"description": data.alt})
			want(t, send(t, call{"POST", m.base + "/api/v2/media", map[string]string{"Authorization": "Bearer " + m.token, "Content-Type": kind}, body}), 422)
		})
	}
	m.token = "stolen"
	if a := want(t, m.post("", "a"), 401); a.text("error") == "" {
		t.Errorf("401 without words: %s", a.body)
	}
}

func TestMastodonRateLimit(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	c := config(t)
	c.Now = func() time.Time { return now }
	m := mastodonOf(t, start(t, c))
	var a answer
	for range 300 {
		a = want(t, m.get("/api/v2/instance"), 200)
	}
	if got := a.header.Get("X-RateLimit-Remaining"); got != "0" {
		t.Errorf("%s left", got)
	}
	a = want(t, m.get("/api/v2/instance"), 429)
	reset, err := time.Parse(time.RFC3339, a.header.Get("X-RateLimit-Reset"))
	if err != nil || !reset.Equal(now.Add(5*time.Minute)) {
		t.Errorf("reset %v %v", reset, err)
	}
	now = reset
	want(t, m.get("/api/v2/instance"), 200)
}
