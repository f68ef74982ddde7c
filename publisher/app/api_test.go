package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"crieur/publisher/app"
	"crieur/publisher/web"
)

const apiConfig = `
mode: sandbox
site: {name: La Gazette, timezone: Europe/Paris, url: https://gazette.example}
sandbox: {listen: "127.0.0.1:0", smtp: "127.0.0.1:0", subscribers: [Ana <ana@example.org>, Bo <bo@example.org>, Cy <cy@example.org>]}
server: {listen: "127.0.0.1:0"}
lists: {lecteurs: {}}
newsletters:
  lettre: {list: lecteurs, from: La Gazette <redaction@gazette.example>}
channels:
  toots: {kind: mastodon, server: https://mastodon.example}
routes:
  urgent: {sources: [cms], tags: [urgent], channels: [toots]}
api:
  rate: 1000/m
  tokens:
    cms: {token: cms-token-cms-token-cms-token}
    eyes: {token: eyes-token-eyes-token-eyes, may: [read]}
`

// An openAPI is the API's description, which requests and answers are held against.
type openAPI struct {
	t   *testing.T
	doc map[string]any
	c   *jsonschema.Compiler
}

const describedAt = "https://crieur.example/openapi.json"

func describe(t *testing.T) *openAPI {
	t.Helper()
	var raw any
	if err := yaml.Unmarshal(web.OpenAPI(), &raw); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(describedAt, doc); err != nil {
		t.Fatal(err)
	}
	return &openAPI{t: t, doc: doc.(map[string]any), c: c}
}

// at gives what stands below a path of keys, following references, and its pointer.
func (o *openAPI) at(keys ...string) (any, string) {
	o.t.Helper()
	var v any = o.doc
	pointer := "#"
	for _, k := range keys {
		m, _ := v.(map[string]any)
		next, ok := m[k]
		if !ok {
			o.t.Fatalf("the description has no %s", strings.Join(keys, " → "))
		}
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(k)
		if m, _ := next.(map[string]any); m != nil {
			if ref, _ := m["$ref"].(string); ref != "" {
				parts := strings.Split(strings.TrimPrefix(ref, "#/"), "/")
				next, pointer = o.at(parts...)
			}
		}
		v = next
	}
	return v, pointer
}

func (o *openAPI) validate(pointer string, v any, what string) {
	o.t.Helper()
	s, err := o.c.Compile(describedAt + strings.ReplaceAll(strings.ReplaceAll(pointer, "{", "%7B"), "}", "%7D"))
	if err != nil {
		o.t.Fatalf("%s: %v", what, err)
	}
	if err := s.Validate(v); err != nil {
		o.t.Errorf("%s: %v", what, err)
	}
}

// routeOf gives the description's path that an address belongs to.
func (o *openAPI) routeOf(address string) string {
	paths, _ := o.at("paths")
	address, _, _ = strings.Cut(address, "?")
	for p := range paths.(map[string]any) {
		if regexp.MustCompile("^" + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(p), "[^/]+") + "$").MatchString(address) {
			return p
		}
	}
	o.t.Fatalf("the description has no %s", address)
	return ""
}

func TestAPIIsDescribed(t *testing.T) {
	o := describe(t)
	paths, _ := o.at("paths")
	var described []string
	for p, item := range paths.(map[string]any) {
		for method := range item.(map[string]any) {
			described = append(described, strings.ToUpper(method)+" "+p)
		}
	}
	answered := web.APIRoutes()
	slices.Sort(described)
	slices.Sort(answered)
	if d := cmp.Diff(answered, described); d != "" {
		t.Errorf("what is answered (-) and what is described (+):\n%s", d)
	}
}

func TestAPIExamplesAreValid(t *testing.T) {
	o := describe(t)
	checked := 0
	var walk func(v any, pointer string)
	walk = func(v any, pointer string) {
		switch v := v.(type) {
		case map[string]any:
			if _, ok := v["schema"]; ok {
				if example, ok := v["example"]; ok {
					o.validate(pointer+"/schema", example, pointer)
					checked++
				}
				more, _ := v["examples"].(map[string]any)
				for name, e := range more {
					o.validate(pointer+"/schema", e.(map[string]any)["value"], pointer+" "+name)
					checked++
				}
			}
			for k, below := range v {
				if k != "example" && k != "examples" {
					walk(below, pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(k))
				}
			}
		case []any:
			for i, below := range v {
				walk(below, fmt.Sprintf("%s/%d", pointer, i))
			}
		}
	}
	walk(o.doc, "#")
	if checked < 15 {
		t.Errorf("%d examples were found: there are more", checked)
	}
}

// A caller asks the API of a running daemon, and holds each answer against the
// description.
type caller struct {
	*openAPI
	url string
}

const (
	cms  = "cms-token-cms-token-cms-token"
	eyes = "eyes-token-eyes-token-eyes"
)

// serveAPI answers, and does no more: what is planned stays so.
func serveAPI(t *testing.T, config string) (*caller, *desk) {
	t.Helper()
	return serveAs(t, config, app.RoleWeb)
}

func serveAs(t *testing.T, config string, roles ...string) (*caller, *desk) {
	t.Helper()
	now := time.Now()
	if len(roles) > 1 { // what is due is so by a clock that goes on
		now = time.Time{}
	}
	d := open(t, config, now)
	ctx, stop := context.WithCancel(t.Context())
	url, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- d.Serve(ctx, app.ServeOptions{Roles: roles, Ready: func(u string) { url <- u }})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case u := <-url:
		return &caller{describe(t), u}, d
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return nil, nil
}

func (c *caller) ask(t *testing.T, method, path, token, body string, want int, heads ...string) map[string]any {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
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
	if answer.StatusCode != want {
		t.Fatalf("%s %s: %s, want %d: %s", method, path, answer.Status, want, data)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, data)
	}
	kind := "application/json"
	if want >= 400 {
		kind = "application/problem+json"
	}
	if got := answer.Header.Get("Content-Type"); got != kind {
		t.Errorf("%s %s: Content-Type %s, want %s", method, path, got, kind)
	}
	if answer.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%s %s: other sites may read it", method, path)
	}
	route := c.routeOf(path)
	_, pointer := c.at("paths", route, strings.ToLower(method), "responses", fmt.Sprint(want), "content", kind, "schema")
	c.validate(pointer, v, method+" "+path)
	return v.(map[string]any)
}

func article(more string) string {
	return `{"title": "Le pont ouvre lundi", "lead": "Après deux ans de travaux.", "markdown": "Le maire coupe le ruban à **neuf** heures. <script>alert(1)</script>\n\nL’ancien pont ferme.", "url": "https://gazette.example/pont", "language": "fr"` + more + `}`
}

func TestAPI(t *testing.T) {
	c, _ := serveAPI(t, apiConfig)

	dry := c.ask(t, "POST", "/api/articles", cms, article(`, "to": ["lettre", "toots"], "dry_run": true`), 200)
	if dry["status"] != "dry run" || len(dry["targets"].([]any)) != 2 {
		t.Errorf("dry run: %v", dry)
	}
	if all := c.ask(t, "GET", "/api/issues", eyes, "", 200); len(all["issues"].([]any)) != 0 {
		t.Errorf("a dry run left %v", all)
	}

	first := c.ask(t, "POST", "/api/articles", cms, article(`, "to": ["lettre", "toots"]`), 202)
	id := first["article"].(string)
	if first["status"] != "planned" || first["changed"] != false {
		t.Errorf("the first time: %v", first)
	}
	issues := map[string]string{}
	for _, x := range first["targets"].([]any) {
		target := x.(map[string]any)
		if target["lot"] == nil || target["issue"] == nil {
			t.Errorf("no lot or issue: %v", target)
		}
		issues[target["channel"].(string)] = target["issue"].(string)
	}
	if len(issues) != 2 {
		t.Fatalf("targets: %v", first["targets"])
	}
	again := c.ask(t, "POST", "/api/articles", cms, article(`, "to": ["lettre", "toots"]`), 200)
	if again["status"] != "nothing to do" || again["article"] != id {
		t.Errorf("the second time: %v", again)
	}

	seen := c.ask(t, "GET", "/api/articles/"+id, eyes, "", 200)
	if html := seen["html"].(string); !strings.Contains(html, "<strong>neuf</strong>") || strings.Contains(html, "script") {
		t.Errorf("the body is %s", html)
	}
	if seen["title"] != "Le pont ouvre lundi" || len(seen["issues"].([]any)) != 2 {
		t.Errorf("the article: %v", seen)
	}

	// Three readers and one post, page by page.
	mail := "/api/issues/" + issues["lettre"]
	var people []string
	next := ""
	for range 4 {
		page := c.ask(t, "GET", mail+"?limit=2&cursor="+next, eyes, "", 200)
		for _, x := range page["deliveries"].([]any) {
			people = append(people, x.(map[string]any)["recipient"].(string))
		}
		if next, _ = page["next"].(string); next == "" {
			break
		}
	}
	slices.Sort(people)
	if len(slices.Compact(people)) != 3 || next != "" {
		t.Errorf("pages gave %v, and more at %q", people, next)
	}
	if page := c.ask(t, "GET", mail+"?state=failed", eyes, "", 200); page["deliveries"] != nil {
		t.Errorf("failed: %v", page)
	}

	waiting := c.ask(t, "GET", "/api/queue", eyes, "", 200)
	if n := len(waiting["queue"].([]any)); n != 2 {
		t.Errorf("%d lots wait, want 2", n)
	}
	c.ask(t, "POST", "/api/stop", cms, `{"channel": "toots"}`, 200)
	c.ask(t, "POST", "/api/stop", cms, "", 200)
	stopped := c.ask(t, "GET", "/api/queue", eyes, "", 200)
	if n := len(stopped["stops"].([]any)); n != 2 {
		t.Errorf("%d stops, want 2: %v", n, stopped)
	}
	for _, w := range stopped["queue"].([]any) {
		if w.(map[string]any)["stopped"] != true {
			t.Errorf("not stopped: %v", w)
		}
	}
	if lifted := c.ask(t, "POST", "/api/resume", cms, "", 200); fmt.Sprint(lifted["lifted"]) != "2" {
		t.Errorf("lifted: %v", lifted)
	}

	if all := c.ask(t, "GET", "/api/issues?limit=1", eyes, "", 200); len(all["issues"].([]any)) != 1 {
		t.Errorf("limit=1 gave %v", all)
	}
}

// What is not named goes where the routes say, under the source's name.
func TestAPIByRoutes(t *testing.T) {
	c, d := serveAPI(t, apiConfig)
	c.ask(t, "POST", "/api/articles", cms, article(""), 422) // no route takes it
	got := c.ask(t, "POST", "/api/articles", cms, article(`, "tags": ["urgent"]`), 202)
	if got["status"] != "arrived" || fmt.Sprint(got["targets"].([]any)[0].(map[string]any)["route"]) != "urgent" {
		t.Errorf("routed: %v", got)
	}
	if again := c.ask(t, "POST", "/api/articles", cms, article(`, "tags": ["urgent"]`), 200); again["status"] != "nothing to do" {
		t.Errorf("again: %v", again)
	}
	arrivals, err := d.store(t).Unrouted(t.Context(), 10)
	if err != nil || len(arrivals) != 1 || arrivals[0].Source != "api:cms" {
		t.Errorf("arrivals: %v, %v", arrivals, err)
	}
}

func TestAPIKnowsAnArticleByItsKey(t *testing.T) {
	c, _ := serveAPI(t, apiConfig)
	post := func(title, more string, want int, heads ...string) string {
		t.Helper()
		return c.ask(t, "POST", "/api/articles", cms, `{"title": "`+title+`", "text": "Un texte.", "to": ["toots"]`+more+`}`, want, heads...)["article"].(string)
	}
	a := post("Un titre", "", 202, "Idempotency-Key: 1234")
	if b := post("Un titre mieux écrit", "", 202, "Idempotency-Key: 1234"); b != a {
		t.Errorf("the same key, and another article: %s, %s", a, b)
	}
	if b := post("Un titre", "", 202, "Idempotency-Key: 5678"); b == a {
		t.Error("another key, and the same article")
	}
	x := post("Un autre", `, "id": "n7"`, 202, "Idempotency-Key: 1234")
	if y := post("Un autre", `, "id": "n7"`, 200); x != y || x == a {
		t.Errorf("known by its id, and %s, %s", x, y)
	}
}

func TestAPIAtItsMoment(t *testing.T) {
	c, _ := serveAPI(t, apiConfig)
	got := c.ask(t, "POST", "/api/articles", cms, article(`, "to": ["toots"], "at": "tomorrow 08:00"`), 202)
	release, err := time.Parse(time.RFC3339, got["targets"].([]any)[0].(map[string]any)["release"].(string))
	if err != nil || release.Format("15:04") != "08:00" || !release.After(time.Now()) {
		t.Errorf("release: %v, %v", release, err)
	}
	got = c.ask(t, "POST", "/api/articles", cms, article(`, "to": ["toots"], "at": "now"`), 202)
	if r := got["targets"].([]any)[0].(map[string]any)["release"]; r != nil {
		t.Errorf("now, and it waits until %v", r)
	}
}

func TestAPIRefuses(t *testing.T) {
	c, _ := serveAPI(t, apiConfig)
	for name, r := range map[string]struct {
		method, path, token, body string
		want                      int
		where                     string
		heads                     []string
	}{
		"no token":         {"GET", "/api/queue", "", "", 401, "Authorization", nil},
		"wrong token":      {"GET", "/api/queue", cms + "x", "", 401, "Authorization", nil},
		"part of a token":  {"GET", "/api/queue", cms[:10], "", 401, "Authorization", nil},
		"basic":            {"GET", "/api/queue", "", "", 401, "Authorization", []string{"Authorization: Basic " + cms}},
		"reader publishes": {"POST", "/api/articles", eyes, article(""), 403, "api.tokens.eyes.may", nil},
		"reader stops":     {"POST", "/api/stop", eyes, "", 403, "api.tokens.eyes.may", nil},
		"no JSON":          {"POST", "/api/articles", cms, "title: x", 400, "body", nil},
		"form":             {"POST", "/api/articles", cms, article(""), 415, "body", []string{"Content-Type: application/x-www-form-urlencoded"}},
		"unknown key":      {"POST", "/api/articles", cms, article(`, "dryrun": true`), 400, "body", nil},
		"wrong type":       {"POST", "/api/articles", cms, article(`, "tags": "urgent"`), 400, "tags", nil},
		"two objects":      {"POST", "/api/articles", cms, article("") + "{}", 400, "body", nil},
		"too long":         {"POST", "/api/articles", cms, article(`, "text": "` + strings.Repeat("a", 3<<20) + `"`), 413, "body", nil},
		"no title":         {"POST", "/api/articles", cms, `{"text": "x"}`, 422, "title", nil},
		"no text":          {"POST", "/api/articles", cms, `{"title": "x"}`, 422, "markdown", nil},
		"two texts":        {"POST", "/api/articles", cms, `{"title": "x", "text": "x", "html": "x"}`, 422, "markdown", nil},
		"only a script":    {"POST", "/api/articles", cms, `{"title": "x", "html": "<script>x</script>", "to": ["toots"]}`, 422, "markdown", nil},
		"unknown target":   {"POST", "/api/articles", cms, article(`, "to": ["lettres"]`), 422, "to", nil},
		"past":             {"POST", "/api/articles", cms, article(`, "to": ["toots"], "at": "2020-01-01 08:00"`), 422, "at", nil},
		"at by routes":     {"POST", "/api/articles", cms, article(`, "at": "tomorrow 08:00"`), 422, "to", nil},
		"unknown slot":     {"POST", "/api/articles", cms, article(`, "to": ["toots"], "slot": "nuit"`), 422, "slot", nil},
		"bad address":      {"POST", "/api/articles", cms, `{"title": "x", "text": "x", "url": "javascript:x"}`, 422, "url", nil},
		"bad original":     {"POST", "/api/articles", cms, article(`, "original_url": "x"`), 422, "original_url", nil},
		"bad picture":      {"POST", "/api/articles", cms, article(`, "image": {"url": "file:///etc/passwd"}`), 422, "image.url", nil},
		"bad language":     {"POST", "/api/articles", cms, strings.Replace(article(""), `"fr"`, `"klingonisch!"`, 1), 422, "language", nil},
		"no such article":  {"GET", "/api/articles/nothing", eyes, "", 404, "", nil},
		"no such issue":    {"GET", "/api/issues/nothing", eyes, "", 404, "", nil},
		"bad state":        {"GET", "/api/issues/nothing?state=gone", eyes, "", 400, "state", nil},
		"bad limit":        {"GET", "/api/issues?limit=0", eyes, "", 400, "limit", nil},
		"stop nothing":     {"POST", "/api/stop", cms, `{"channel": "tout"}`, 422, "channel", nil},
		"stop no issue":    {"POST", "/api/stop", cms, `{"issue": "tout"}`, 404, "", nil},
		"resume nothing":   {"POST", "/api/resume", cms, `{"channel": "tout"}`, 422, "channel", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.ask(t, r.method, r.path, r.token, r.body, r.want, r.heads...)
			if where, _ := p["where"].(string); where != r.where {
				t.Errorf("where is %q, want %q: %v", where, r.where, p)
			}
			if p["detail"] == "" || strings.Contains(fmt.Sprint(p), cms) {
				t.Errorf("the problem: %v", p)
			}
		})
	}
	all := c.ask(t, "GET", "/api/queue", eyes, "", 200)
	if len(all["queue"].([]any))+len(all["stops"].([]any)) != 0 {
		t.Errorf("what was refused left %v", all)
	}
}

func TestAPIIsLimited(t *testing.T) {
	c, _ := serveAPI(t, strings.Replace(apiConfig, "1000/m", "3/h", 1))
	for range 3 {
		c.ask(t, "GET", "/api/queue", eyes, "", 200)
	}
	c.ask(t, "GET", "/api/queue", eyes, "", 429)
	c.ask(t, "GET", "/api/queue", cms, "", 200) // the other's requests do not count
}

func TestAPIIsOff(t *testing.T) {
	c, _ := serveAPI(t, strings.Replace(apiConfig[:strings.Index(apiConfig, "api:")], "sources: [cms], ", "", 1))
	for _, path := range []string{"/api/queue", "/api/openapi.yaml", "/api/"} {
		answer, err := http.Get(c.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != 404 {
			t.Errorf("%s: %s without a token in the configuration", path, answer.Status)
		}
	}
}
