package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"

	"crieur/publisher/sandbox"
)

// Each effect on each network: what the client sees, and whether the post stands.
func TestNetworkFaults(t *testing.T) {
	for name, network := range map[string]struct {
		post func(testing.TB, *sandbox.Server, int) func() (answer, error)
		rate func(*testing.T, answer)
	}{
		sandbox.Mastodon: {
			func(t testing.TB, s *sandbox.Server, n int) func() (answer, error) {
				m := mastodonOf(t, s)
				return func() (answer, error) {
					return try(t, m.request("POST", "/api/v1/statuses", "", url.Values{"status": {fmt.Sprint("post ", n)}}))
				}
			},
			func(t *testing.T, a answer) {
				if at, err := time.Parse(time.RFC3339, a.header.Get("X-RateLimit-Reset")); err != nil || time.Until(at) < 0 {
					t.Errorf("reset %v %v", at, err)
				}
			},
		},
		sandbox.Bluesky: {
			func(t testing.TB, s *sandbox.Server, n int) func() (answer, error) {
				b := blueskyOf(t, s)
				return func() (answer, error) {
					return try(t, b.request("com.atproto.repo.putRecord", b.access, b.input("3lbkq2abcde2"+string("abcdefghij"[n]), record(nil))))
				}
			},
			func(t *testing.T, a answer) {
				if a.header.Get("Retry-After") == "" || a.header.Get("RateLimit-Reset") == "" {
					t.Errorf("headers %v", a.header)
				}
			},
		},
		sandbox.X: {
			func(t testing.TB, s *sandbox.Server, n int) func() (answer, error) {
				x := xOf(t, s)
				return func() (answer, error) {
					c := call{"POST", x.base + "/2/tweets", map[string]string{"Content-Type": "application/json"}, jsonText(m{"text": fmt.Sprint("post ", n)})}
					return trySigned(x, c)
				}
			},
			func(t *testing.T, a answer) {
				if n, err := strconv.ParseInt(a.header.Get("x-rate-limit-reset"), 10, 64); err != nil || n < time.Now().Unix() {
					t.Errorf("reset %q", a.header.Get("x-rate-limit-reset"))
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, config(t))
			stand := func() int {
				var posts []json.RawMessage
				a := send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/posts.json?network=" + name})
				if err := json.Unmarshal([]byte(a.body), &posts); err != nil {
					t.Fatal(err)
				}
				return len(posts)
			}
			for i, c := range []struct {
				effect string
				status int // 0: no answer
				made   bool
			}{{"401", 401, false}, {"403", 403, false}, {"422", 422, false}, {"429", 429, false}, {"500", 500, false}, {"503", 503, false},
				{"hangup-before", 0, false}, {"hangup-after", 0, true}, {"garbage", 200, true}} {
				post := network.post(t, s, i)
				before := stand()
				s.SetFaults(faults(t, name+"="+c.effect+":1"))
				a, err := post()
				if a.status != c.status || (err != nil) != (c.status == 0) {
					t.Errorf("%s: status %d, error %v", c.effect, a.status, err)
				}
				if made := stand() > before; made != c.made {
					t.Errorf("%s: made %v, want %v", c.effect, made, c.made)
				}
				if c.effect == "429" {
					network.rate(t, a)
				}
				if (a.json == nil) != (c.effect == "garbage" || c.status == 0) {
					t.Errorf("%s: body %q", c.effect, a.body)
				}
				s.SetFaults(nil)
			}
		})
	}
}

func trySigned(x xapi, c call) (answer, error) {
	req, err := httpRequest(x.t, c)
	if err != nil {
		return answer{}, err
	}
	return do(x.client, req)
}

func TestTimeoutFaultEndsWithTheClient(t *testing.T) {
	s := start(t, config(t))
	m := mastodonOf(t, s)
	for effect, made := range map[string]int{"timeout": 0, "timeout-after": 1} {
		s.SetFaults(faults(t, "mastodon="+effect))
		req, err := httpRequest(t, m.request("POST", "/api/v1/statuses", "", url.Values{"status": {"a"}}))
		if err != nil {
			t.Fatal(err)
		}
		if a, err := do(impatient(), req); err == nil {
			t.Errorf("%s: answered %d", effect, a.status)
		}
		a := send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/posts.json"})
		if len(a.json.([]any)) < made {
			t.Errorf("%s: %s", effect, a.body)
		}
	}
	// A client that waits does not keep the sandbox from closing.
	s.SetFaults(faults(t, "mastodon=timeout"))
	go try(t, m.request("POST", "/api/v1/statuses", "", url.Values{"status": {"b"}}))
	time.Sleep(50 * time.Millisecond)
	begin := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("closed after %v", took)
	}
}

func TestFaultsAtRunTime(t *testing.T) {
	s := start(t, config(t))
	m := mastodonOf(t, s)
	url := s.HTTPURL() + "/sandbox/faults"
	set := func(body string) answer {
		return send(t, call{"POST", url, map[string]string{"Content-Type": "application/json"}, body})
	}
	want(t, set(`{"faults":["mastodon=503:1"]}`), 200)
	want(t, m.post("", "a"), 503)
	want(t, m.post("", "a"), 200)
	if a := send(t, call{method: "GET", url: url}); a.text(0, "fault") != "mastodon=503:1" || jsonText(a.at(0, "hits")) != "1" {
		t.Error(a.body)
	}
	want(t, set(`{"faults":["mastodon=banana"]}`), 400)
	want(t, set(`{"fault":["mastodon=503"]}`), 400)
	want(t, send(t, call{"POST", url, map[string]string{"Content-Type": "text/plain"}, `{"faults":["mastodon=503"]}`}), 400)
	want(t, m.post("", "a"), 200)
	want(t, set(`{"faults":[]}`), 200)
	// A page elsewhere must not steer the sandbox, nor read it under a name of its own.
	want(t, send(t, call{"POST", s.HTTPURL() + "/sandbox/empty", map[string]string{"Sec-Fetch-Site": "cross-site"}, ""}), 403)
	req, err := httpRequest(t, call{method: "GET", url: s.HTTPURL() + "/"})
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	if a, err := do(impatient(), req); err != nil || a.status != 421 {
		t.Errorf("status %d, %v", a.status, err)
	}
}
