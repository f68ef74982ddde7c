package sandbox_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dghubble/oauth1"
	"golang.org/x/text/unicode/norm"

	"crieur/publisher/sandbox"
)

// xapi speaks to the sandbox's X, signed by a library that shares no line with the
// sandbox's check of it.
type xapi struct {
	t      testing.TB
	base   string
	client *http.Client
}

func xOf(t testing.TB, s *sandbox.Server) xapi {
	c := s.Credentials()
	config := oauth1.NewConfig(c.XConsumerKey.Reveal(), c.XConsumerSecret.Reveal())
	token := oauth1.NewToken(c.XAccessToken.Reveal(), c.XAccessSecret.Reveal())
	return xapi{t, s.BaseURL(sandbox.X), config.Client(context.Background(), token)}
}

func (x xapi) send(c call) answer {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), c.method, x.base+c.url, strings.NewReader(c.body))
	if err != nil {
		x.t.Fatal(err)
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	a, err := do(x.client, req)
	if err != nil {
		x.t.Fatal(err)
	}
	return a
}

func (x xapi) get(path string) answer { x.t.Helper(); return x.send(call{method: "GET", url: path}) }

func (x xapi) json(path string, v any) answer {
	x.t.Helper()
	return x.send(call{"POST", path, map[string]string{"Content-Type": "application/json"}, jsonText(v)})
}

func (x xapi) form(path string, values url.Values) answer {
	x.t.Helper()
	return x.send(call{"POST", path, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, values.Encode()})
}

func (x xapi) upload(data []byte, fields map[string]string) answer {
	x.t.Helper()
	body, kind := form(x.t, "media", data, fields)
	return x.send(call{"POST", "/2/media/upload", map[string]string{"Content-Type": kind}, body})
}

type m = map[string]any

func TestXPost(t *testing.T) {
	c := config(t)
	c.PublicURL = "http://127.0.0.1:8025"
	x := xOf(t, start(t, c))
	me := want(t, x.get("/2/users/me"), 200)
	if me.text("data", "username") == "" {
		t.Fatal(me.body)
	}
	timeline := "/2/users/" + me.text("data", "id") + "/tweets"
	if a := want(t, x.get(timeline), 200); a.at("data") != nil || jsonText(a.at("meta", "result_count")) != "0" {
		t.Errorf("nothing yet: %s", a.body)
	}
	up := want(t, x.upload(picture(t, 9, 5), map[string]string{"media_category": "tweet_image"}), 200)
	media := up.text("data", "id")
	want(t, x.json("/2/media/metadata", m{"id": media, "metadata": m{"alt_text": m{"text": "Une place"}}}), 200)
	text := "L’été & <l’hiver> https://gazette.example.org/2026/11/23/un-titre?a=1&b=2 gazette.fr"
	first := want(t, x.json("/2/tweets", m{"text": text, "media": m{"media_ids": []string{media}}}), 201)
	id := first.text("data", "id")
	reply := want(t, x.json("/2/tweets", m{"text": "Suite", "reply": m{"in_reply_to_tweet_id": id}}), 201)

	list := want(t, x.get(timeline+"?max_results=5&tweet.fields=created_at,entities,referenced_tweets"), 200)
	if list.text("data", 0, "id") != reply.text("data", "id") || list.text("data", 0, "referenced_tweets", 0, "id") != id {
		t.Errorf("reply: %s", list.body)
	}
	got := list.text("data", 1, "text")
	if !strings.HasPrefix(got, "L’été &amp; &lt;l’hiver&gt; https://t.co/") || strings.Contains(got, "gazette") {
		t.Errorf("text %q", got)
	}
	wanted := []string{"https://gazette.example.org/2026/11/23/un-titre?a=1&b=2", "http://gazette.fr", "https://x.com/crieur/status/" + id + "/photo/1"}
	for i, address := range wanted {
		u := answer{json: list.at("data", 1, "entities", "urls", i)}
		if u.text("expanded_url") != address {
			t.Errorf("url %d is %q, want %q", i, u.text("expanded_url"), address)
		}
		var from, to int
		from, _ = strconv.Atoi(jsonText(u.at("start")))
		to, _ = strconv.Atoi(jsonText(u.at("end")))
		if string([]rune(got)[from:to]) != u.text("url") {
			t.Errorf("range %d–%d of %q is not %q", from, to, got, u.text("url"))
		}
	}
	if plain := want(t, x.get(timeline), 200); plain.at("data", 1, "entities") != nil || plain.at("data", 1, "created_at") != nil {
		t.Errorf("fields nobody asked for: %s", plain.body)
	}
	if a := want(t, x.get(timeline+"?since_id="+id), 200); jsonText(a.at("meta", "result_count")) != "1" {
		t.Errorf("since: %s", a.body)
	}
	if a := want(t, x.get(timeline+"?exclude=replies"), 200); jsonText(a.at("meta", "result_count")) != "1" {
		t.Errorf("without replies: %s", a.body)
	}
	want(t, x.get(timeline+"?max_results=4"), 400)
	want(t, x.get(timeline+"?count=5"), 400)

	if a := want(t, x.json("/2/tweets", m{"text": " " + norm.NFD.String(text)}), 403); a.text("title") != "Forbidden" {
		t.Errorf("duplicate: %s", a.body)
	}
	if a := want(t, x.send(call{method: "DELETE", url: "/2/tweets/" + id}), 200); a.at("data", "deleted") != true {
		t.Error(a.body)
	}
	want(t, x.send(call{method: "DELETE", url: "/2/tweets/" + id}), 404)
	a := want(t, x.json("/2/tweets", m{"text": text}), 201)
	if a.header.Get("x-rate-limit-limit") != "100" || a.header.Get("x-rate-limit-remaining") == "" {
		t.Errorf("headers %v", a.header)
	}
}

func TestXRefuses(t *testing.T) {
	x := xOf(t, start(t, config(t)))
	link := " https://gazette.example.org/" + strings.Repeat("a", 300)
	for name, c := range map[string]struct {
		body   any
		status int
	}{
		"280":                {m{"text": strings.Repeat("é", 280)}, 201},
		"281":                {m{"text": strings.Repeat("é", 281)}, 403},
		"emoji weighs 2":     {m{"text": strings.Repeat("🙂", 141)}, 403},
		"URL weighs 23":      {m{"text": strings.Repeat("a", 256) + link}, 201},
		"URL weighs 23, 24":  {m{"text": strings.Repeat("b", 257) + link}, 403},
		"empty":              {m{"text": " "}, 400},
		"nothing":            {m{}, 400},
		"unknown field":      {m{"text": "a", "status": "b"}, 400},
		"unknown field deep": {m{"text": "a", "media": m{"ids": []string{"1"}}}, 400},
		"text a number":      {m{"text": 5}, 400},
		"media a number":     {m{"text": "a", "media": m{"media_ids": []int{5}}}, 400},
		"media none":         {m{"text": "a", "media": m{"media_ids": []string{}}}, 400},
		"media unknown":      {m{"text": "a", "media": m{"media_ids": []string{"77"}}}, 400},
		"media no id":        {m{"text": "a", "media": m{"media_ids": []string{"x"}}}, 400},
		"reply to nothing":   {m{"text": "a", "reply": m{"in_reply_to_tweet_id": "77"}}, 403},
		"reply no id":        {m{"text": "a", "reply": m{"in_reply_to_tweet_id": "abc"}}, 400},
		"reply settings":     {m{"text": "a", "reply_settings": "nobody"}, 400},
		"two cashtags":       {m{"text": "$AAPL et $MSFT"}, 403},
	} {
		t.Run(name, func(t *testing.T) { want(t, x.json("/2/tweets", c.body), c.status) })
	}
	for name, c := range map[string]struct {
		data   []byte
		fields map[string]string
		status int
	}{
		"no category":    {picture(t, 2, 2), nil, 400},
		"other category": {picture(t, 2, 2), map[string]string{"media_category": "dm_image"}, 400},
		"no picture":     {[]byte("text"), map[string]string{"media_category": "tweet_image"}, 400},
		"no file":        {nil, map[string]string{"media_category": "tweet_image"}, 400},
		"too large":      {noise(t, 1400, 1300), map[string]string{"media_category": "tweet_image"}, 413},
		"unknown":        {picture(t, 2, 2), map[string]string{"media_category": "tweet_image", "alt": "a"}, 400},
	} {
		t.Run("upload "+name, func(t *testing.T) { want(t, x.upload(c.data, c.fields), c.status) })
	}
	id := want(t, x.upload(picture(t, 2, 2), map[string]string{"media_category": "tweet_image"}), 200).text("data", "id")
	for name, body := range map[string]any{
		"empty":   m{"id": id, "metadata": m{"alt_text": m{"text": ""}}},
		"long":    m{"id": id, "metadata": m{"alt_text": m{"text": strings.Repeat("é", 1001)}}},
		"none":    m{"id": id, "metadata": m{}},
		"unknown": m{"id": "77", "metadata": m{"alt_text": m{"text": "a"}}},
		"v1 name": m{"media_id": id, "alt_text": m{"text": "a"}},
	} {
		t.Run("metadata "+name, func(t *testing.T) { want(t, x.json("/2/media/metadata", body), 400) })
	}
}

func TestXSignature(t *testing.T) {
	now := time.Now()
	c := config(t)
	c.Now = func() time.Time { return now }
	s := start(t, c)
	good := s.Credentials()
	client := func(change func(*oauth1.Config, *oauth1.Token)) xapi {
		conf := oauth1.NewConfig(good.XConsumerKey.Reveal(), good.XConsumerSecret.Reveal())
		token := oauth1.NewToken(good.XAccessToken.Reveal(), good.XAccessSecret.Reveal())
		change(conf, token)
		return xapi{t, s.BaseURL(sandbox.X), conf.Client(context.Background(), token)}
	}
	for name, change := range map[string]func(*oauth1.Config, *oauth1.Token){
		"consumer key":    func(c *oauth1.Config, _ *oauth1.Token) { c.ConsumerKey = "other" },
		"consumer secret": func(c *oauth1.Config, _ *oauth1.Token) { c.ConsumerSecret = "other" },
		"token":           func(_ *oauth1.Config, t *oauth1.Token) { t.Token = "other" },
		"token secret":    func(_ *oauth1.Config, t *oauth1.Token) { t.TokenSecret = "other" },
	} {
		t.Run(name, func(t *testing.T) { want(t, client(change).get("/2/users/me"), 401) })
	}
	x := client(func(*oauth1.Config, *oauth1.Token) {})
	// What is easily escaped wrongly: in the query, in a form, in a path.
	for _, hard := range []string{"a b+c", "é&=%", "🙂", "~*'()!", "100% sûr", "https://gazette.example.org/?q=a b&c=d#e"} {
		want(t, x.get("/1.1/statuses/user_timeline.json?count=5&screen_name=crieur&since_id="+url.QueryEscape(hard)), 200)
		want(t, x.form("/1.1/statuses/update.json", url.Values{"status": {hard}}), 200)
	}
	want(t, send(t, call{method: "GET", url: x.base + "/2/users/me"}), 401)

	var seen string
	x.client.Transport.(*oauth1.Transport).Base = roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = r.Header.Get("Authorization")
		return http.DefaultTransport.RoundTrip(r)
	})
	want(t, x.get("/2/users/me"), 200)
	replay := call{method: "GET", url: x.base + "/2/users/me", header: map[string]string{"Authorization": seen}}
	if a := want(t, send(t, replay), 401); !strings.Contains(a.header.Get("Sandbox-Reason"), "nonce") {
		t.Errorf("replayed: %v", a.header)
	}
	now = now.Add(6 * time.Minute)
	if a := want(t, x.get("/2/users/me"), 401); !strings.Contains(a.header.Get("Sandbox-Reason"), "timestamp") {
		t.Errorf("late: %v", a.header)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestXVersion1(t *testing.T) {
	x := xOf(t, start(t, config(t)))
	who := want(t, x.get("/1.1/account/verify_credentials.json"), 200)
	if who.text("screen_name") == "" || jsonText(who.at("id")) != who.text("id_str") {
		t.Error(who.body)
	}
	first := want(t, x.form("/1.1/statuses/update.json", url.Values{"status": {"L’été & https://gazette.example.org/ete"}}), 200)
	if first.text("entities", "urls", 0, "expanded_url") != "https://gazette.example.org/ete" || !strings.HasPrefix(first.text("text"), "L’été &amp; https://t.co/") {
		t.Error(first.body)
	}
	if _, err := time.Parse(time.RubyDate, first.text("created_at")); err != nil {
		t.Error(err)
	}
	reply := want(t, x.form("/1.1/statuses/update.json", url.Values{"status": {"Suite"}, "in_reply_to_status_id": {first.text("id_str")}}), 200)
	if reply.text("in_reply_to_status_id_str") != first.text("id_str") {
		t.Error(reply.body)
	}
	list := want(t, x.get("/1.1/statuses/user_timeline.json?tweet_mode=extended&exclude_replies=true"), 200)
	if len(list.json.([]any)) != 1 || list.text(0, "full_text") != first.text("text") {
		t.Error(list.body)
	}
	for name, c := range map[string]struct {
		values url.Values
		code   string
	}{
		"duplicate": {url.Values{"status": {"Suite"}}, "187"},
		"long":      {url.Values{"status": {strings.Repeat("a", 281)}}, "186"},
		"empty":     {url.Values{}, "170"},
	} {
		t.Run(name, func(t *testing.T) {
			a := want(t, x.form("/1.1/statuses/update.json", c.values), 403)
			if got := jsonText(a.at("errors", 0, "code")); got != c.code {
				t.Errorf("code %s, want %s", got, c.code)
			}
		})
	}
	want(t, x.form("/1.1/statuses/update.json", url.Values{"status": {"a"}, "stauts": {"b"}}), 400)
	destroy := "/1.1/statuses/destroy/" + first.text("id_str") + ".json"
	want(t, x.form(destroy, nil), 200)
	if a := want(t, x.form(destroy, nil), 404); jsonText(a.at("errors", 0, "code")) != "144" {
		t.Error(a.body)
	}
	if a := want(t, x.get("/1.1/search/tweets.json"), 403); jsonText(a.at("errors", 0, "code")) != "453" {
		t.Error(a.body)
	}
}
