package sandbox_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crieur/publisher/sandbox"
)

func jsonText(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// bsky speaks to the sandbox's Bluesky with a session of its own.
type bsky struct {
	t                    testing.TB
	base                 string
	did, access, refresh string
}

func blueskyOf(t testing.TB, s *sandbox.Server) *bsky {
	t.Helper()
	b := &bsky{t: t, base: s.BaseURL(sandbox.Bluesky) + "/xrpc/"}
	a := want(t, b.login(s.Credentials().BlueskyHandle, s.Credentials().BlueskyPassword.Reveal()), 200)
	b.did, b.access, b.refresh = a.text("did"), a.text("accessJwt"), a.text("refreshJwt")
	return b
}

func (b *bsky) login(identifier, password string) answer {
	b.t.Helper()
	return send(b.t, call{"POST", b.base + "com.atproto.server.createSession", map[string]string{"Content-Type": "application/json"},
		jsonText(map[string]string{"identifier": identifier, "password": password})})
}

func (b *bsky) post(method, token string, body any) answer {
	b.t.Helper()
	return send(b.t, b.request(method, token, body))
}

func (b *bsky) request(method, token string, body any) call {
	h := map[string]string{"Authorization": "Bearer " + token}
	if body != nil {
		h["Content-Type"] = "application/json"
	}
	text := ""
	if body != nil {
		text = jsonText(body)
	}
	return call{"POST", b.base + method, h, text}
}

func (b *bsky) put(rkey string, record map[string]any, swap ...any) answer {
	b.t.Helper()
	return b.post("com.atproto.repo.putRecord", b.access, b.input(rkey, record, swap...))
}

func (b *bsky) input(rkey string, record map[string]any, swap ...any) map[string]any {
	in := map[string]any{"repo": b.did, "collection": "app.bsky.feed.post", "rkey": rkey, "record": record}
	if len(swap) > 0 {
		in["swapRecord"] = swap[0]
	}
	return in
}

func (b *bsky) get(rkey string) answer {
	b.t.Helper()
	q := url.Values{"repo": {b.did}, "collection": {"app.bsky.feed.post"}, "rkey": {rkey}}
	return send(b.t, call{method: "GET", url: b.base + "com.atproto.repo.getRecord?" + q.Encode()})
}

func (b *bsky) upload(kind string, data []byte) answer {
	b.t.Helper()
	return send(b.t, call{"POST", b.base + "com.atproto.repo.uploadBlob",
		map[string]string{"Authorization": "Bearer " + b.access, "Content-Type": kind}, string(data)})
}

// record is a post as it should be, with fields replaced; nil leaves one out.
func record(changes map[string]any) map[string]any {
	r := map[string]any{"$type": "app.bsky.feed.post", "text": "L’été est là", "createdAt": "2026-11-23T08:00:00.000Z", "langs": []string{"fr"}}
	for name, v := range changes {
		if r[name] = v; v == nil {
			delete(r, name)
		}
	}
	return r
}

const tid1, tid2 = "3lbkq2abcde2k", "3lbkq2abcde3k"

func TestBlueskySession(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	c := config(t)
	c.Now = func() time.Time { return now }
	s := start(t, c)
	b := blueskyOf(t, s)
	handle := s.Credentials().BlueskyHandle
	if a := want(t, b.login(handle, "wrong"), 401); a.text("error") != "AuthenticationRequired" {
		t.Error(a.body)
	}
	session := func(token string) answer {
		return send(t, call{method: "GET", url: b.base + "com.atproto.server.getSession", header: map[string]string{"Authorization": "Bearer " + token}})
	}
	if a := want(t, session(b.access), 200); a.text("handle") != handle {
		t.Error(a.body)
	}
	// A PDS says 400 of a bad token, not 401.
	for name, token := range map[string]string{"refresh as access": b.refresh, "changed": b.access[:len(b.access)-4] + "AAAA", "nonsense": "a.b.c"} {
		if a := want(t, session(token), 400); a.text("error") != "InvalidToken" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	now = now.Add(2*time.Hour + time.Second)
	if a := want(t, session(b.access), 400); a.text("error") != "ExpiredToken" {
		t.Error(a.body)
	}
	fresh := want(t, b.post("com.atproto.server.refreshSession", b.refresh, nil), 200)
	want(t, session(fresh.text("accessJwt")), 200)
	now = now.Add(91 * 24 * time.Hour)
	want(t, b.post("com.atproto.server.refreshSession", b.refresh, nil), 400)
	for range 30 {
		b.login(handle, "wrong")
	}
	a := want(t, b.login(handle, "wrong"), 429)
	if a.header.Get("RateLimit-Policy") != "30;w=300" || a.header.Get("Retry-After") == "" || a.header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("headers %v", a.header)
	}
}

func TestBlueskyPutRecord(t *testing.T) {
	s := start(t, config(t))
	b := blueskyOf(t, s)
	first := want(t, b.put(tid1, record(nil), nil), 200)
	if first.at("commit") == nil || first.text("uri") != "at://"+b.did+"/app.bsky.feed.post/"+tid1 {
		t.Error(first.body)
	}
	// The same again: refused by swapRecord null, whatever the record.
	for _, r := range []map[string]any{record(nil), record(map[string]any{"text": "autre"})} {
		a := want(t, b.put(tid1, r, nil), 400)
		if a.text("error") != "InvalidSwap" || !strings.Contains(a.text("message"), first.text("cid")) {
			t.Error(a.body)
		}
	}
	if a := want(t, b.put(tid1, record(nil)), 200); a.at("commit") != nil || a.text("cid") != first.text("cid") {
		t.Errorf("a change of nothing: %s", a.body)
	}
	changed := want(t, b.put(tid1, record(map[string]any{"text": "autre"}), first.text("cid")), 200)
	want(t, b.put(tid1, record(nil), first.text("cid")), 400)
	got := want(t, b.get(tid1), 200)
	if got.text("cid") != changed.text("cid") || got.text("value", "text") != "autre" {
		t.Error(got.body)
	}
	if a := want(t, b.get(tid2), 400); a.text("error") != "RecordNotFound" {
		t.Error(a.body)
	}
	created := want(t, b.post("com.atproto.repo.createRecord", b.access, b.input("", record(nil))), 200)
	want(t, b.post("com.atproto.repo.createRecord", b.access, b.input(tid1, record(nil))), 500)
	q := url.Values{"repo": {b.did}, "collection": {"app.bsky.feed.post"}, "limit": {"1"}, "reverse": {"true"}}
	list := want(t, send(t, call{method: "GET", url: b.base + "com.atproto.repo.listRecords?" + q.Encode()}), 200)
	q.Set("cursor", list.text("cursor"))
	next := want(t, send(t, call{method: "GET", url: b.base + "com.atproto.repo.listRecords?" + q.Encode()}), 200)
	if list.text("records", 0, "uri") != first.text("uri") || next.text("records", 0, "uri") != created.text("uri") {
		t.Errorf("lists %s %s", list.body, next.body)
	}
	for range 2 {
		want(t, b.post("com.atproto.repo.deleteRecord", b.access, map[string]string{"repo": b.did, "collection": "app.bsky.feed.post", "rkey": tid1}), 200)
	}
	want(t, b.get(tid1), 400)
	want(t, b.put(tid1, record(nil), nil), 200)
}

func facet(start, end int, features ...map[string]any) map[string]any {
	if features == nil {
		features = []map[string]any{}
	}
	return map[string]any{"index": map[string]int{"byteStart": start, "byteEnd": end}, "features": features}
}

func link(uri string) map[string]any {
	return map[string]any{"$type": "app.bsky.richtext.facet#link", "uri": uri}
}

func TestBlueskyValidates(t *testing.T) {
	s := start(t, config(t))
	b := blueskyOf(t, s)
	small := want(t, b.upload("image/png", picture(t, 8, 6)), 200).at("blob")
	large := want(t, b.upload("image/png", noise(t, 700, 500)), 200).at("blob")
	parent := want(t, b.put(tid1, record(nil), nil), 200)
	ref := map[string]string{"uri": parent.text("uri"), "cid": parent.text("cid")}
	other := map[string]string{"uri": parent.text("uri"), "cid": "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"}
	images := func(list ...map[string]any) map[string]any {
		if list == nil {
			list = []map[string]any{}
		}
		return map[string]any{"embed": map[string]any{"$type": "app.bsky.embed.images", "images": list}}
	}
	image := map[string]any{"alt": "Une place", "image": small, "aspectRatio": map[string]int{"width": 4, "height": 3}}
	external := func(card map[string]any) map[string]any {
		return map[string]any{"embed": map[string]any{"$type": "app.bsky.embed.external", "external": card}}
	}
	family := "👩‍👩‍👧‍👦"
	for name, c := range map[string]struct {
		changes map[string]any
		because string // "": taken
	}{
		"as it should be":       {nil, ""},
		"300 graphemes":         {map[string]any{"text": strings.Repeat("é", 300)}, ""},
		"301 graphemes":         {map[string]any{"text": strings.Repeat("é", 301)}, "grapheme too big (maximum 300, got 301)"},
		"3250 bytes":            {map[string]any{"text": strings.Repeat(family, 130)}, "string too big (maximum 3000"},
		"no text":               {map[string]any{"text": nil}, "text is required"},
		"nothing to show":       {map[string]any{"text": ""}, "empty"},
		"text a number":         {map[string]any{"text": 5}, "must be a string"},
		"no type":               {map[string]any{"$type": nil}, "$type"},
		"no createdAt":          {map[string]any{"createdAt": nil}, "createdAt is required"},
		"createdAt local":       {map[string]any{"createdAt": "2026-11-23T08:00:00"}, "datetime"},
		"createdAt impossible":  {map[string]any{"createdAt": "2026-02-30T08:00:00Z"}, "datetime"},
		"four languages":        {map[string]any{"langs": []string{"fr", "en", "de", "it"}}, "more than 3"},
		"bad language":          {map[string]any{"langs": []string{"français"}}, "BCP 47"},
		"unknown field":         {map[string]any{"txet": "a"}, "no field"},
		"a float":               {map[string]any{"langs": []any{1.5}}, "BCP 47"},
		"facet":                 {map[string]any{"facets": []any{facet(0, 9, link("https://gazette.example/"))}}, ""},
		"facet to the end":      {map[string]any{"facets": []any{facet(0, 17, link("https://gazette.example/"))}}, ""},
		"facet beyond":          {map[string]any{"facets": []any{facet(0, 18, link("https://gazette.example/"))}}, "end inside the text"},
		"facet in a letter":     {map[string]any{"facets": []any{facet(2, 9, link("https://gazette.example/"))}}, "cut a character"},
		"facet ends in letter":  {map[string]any{"facets": []any{facet(0, 3, link("https://gazette.example/"))}}, "cut a character"},
		"facet empty":           {map[string]any{"facets": []any{facet(4, 4, link("https://gazette.example/"))}}, "not empty"},
		"facet backwards":       {map[string]any{"facets": []any{facet(9, 4, link("https://gazette.example/"))}}, "not empty"},
		"facet without feature": {map[string]any{"facets": []any{facet(0, 9)}}, "must not be empty"},
		"facet without uri":     {map[string]any{"facets": []any{facet(0, 9, link("gazette"))}}, "must be a uri"},
		"facet of no kind":      {map[string]any{"facets": []any{facet(0, 9, map[string]any{"$type": "bold"})}}, "no feature"},
		"facets overlap": {map[string]any{"facets": []any{facet(0, 9, link("https://a.example/")), facet(7, 12, link("https://b.example/"))}},
			"overlap"},
		"tag":             {map[string]any{"facets": []any{facet(0, 9, map[string]any{"$type": "app.bsky.richtext.facet#tag", "tag": "été"})}}, ""},
		"reply":           {map[string]any{"reply": map[string]any{"root": ref, "parent": ref}}, ""},
		"reply, no root":  {map[string]any{"reply": map[string]any{"parent": ref}}, "root is required"},
		"reply, bad cid":  {map[string]any{"reply": map[string]any{"root": ref, "parent": other}}, "no post with that cid"},
		"picture":         {images(image), ""},
		"picture, no alt": {images(map[string]any{"image": small}), "alt is required"},
		"five pictures":   {images(image, image, image, image, image), "more than 4"},
		"no pictures":     {images(), "must not be empty"},
		"large picture":   {images(map[string]any{"alt": "", "image": large}), "blob too big (maximum 1000000"},
		"unknown blob": {images(map[string]any{"alt": "", "image": map[string]any{"$type": "blob", "mimeType": "image/png", "size": 5,
			"ref": map[string]string{"$link": "bafkreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"}}}), "Could not find blob"},
		"bare blob":          {images(map[string]any{"alt": "", "image": "cid"}), "must be an object"},
		"card":               {external(map[string]any{"uri": "https://gazette.example/", "title": "T", "description": "", "thumb": small}), ""},
		"card, no title":     {external(map[string]any{"uri": "https://gazette.example/", "description": ""}), "title is required"},
		"card, bad uri":      {external(map[string]any{"uri": "gazette", "title": "T", "description": ""}), "must be a uri"},
		"unknown embed":      {map[string]any{"embed": map[string]any{"$type": "app.bsky.embed.gallery"}}, "no embed"},
		"labels":             {map[string]any{"labels": map[string]any{"$type": "com.atproto.label.defs#selfLabels", "values": []any{map[string]string{"val": "graphic-media"}}}}, ""},
		"labels of no type":  {map[string]any{"labels": map[string]any{"values": []any{}}}, "selfLabels"},
		"card with a number": {external(map[string]any{"uri": "https://gazette.example/", "title": 1, "description": ""}), "must be a string"},
	} {
		t.Run(name, func(t *testing.T) {
			in := b.input("", record(c.changes))
			status := 200
			if c.because != "" {
				status = 400
			}
			a := want(t, b.post("com.atproto.repo.createRecord", b.access, in), status)
			if !strings.Contains(a.text("message"), c.because) {
				t.Errorf("message %q, want %q", a.text("message"), c.because)
			}
		})
	}
	if a := want(t, b.upload("image/png", make([]byte, 6<<20)), 413); a.text("error") != "PayloadTooLarge" {
		t.Error(a.body)
	}
	want(t, b.upload("image/jpeg", picture(t, 2, 2)), 400)
	want(t, b.upload("image/png", []byte("no picture")), 400)
}

// The AT Protocol's own lists of record keys that are TIDs, and of datetimes.
func TestBlueskyConformance(t *testing.T) {
	s := start(t, config(t))
	b := blueskyOf(t, s)
	dir := "../../../shared/conformance/atproto/interop-test-files/syntax"
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the conformance files are not there: %v", err)
		}
		t.Skipf("the conformance files are not there: %v", err)
	}
	cases := 0
	for _, file := range []struct {
		name   string
		status int
		put    func(line string) answer
	}{
		{"tid_syntax_valid.txt", 200, func(line string) answer { return b.put(line, record(nil)) }},
		{"tid_syntax_invalid.txt", 400, func(line string) answer { return b.put(line, record(nil)) }},
		{"datetime_syntax_valid.txt", 200, func(line string) answer { return b.put(tid1, record(map[string]any{"createdAt": line})) }},
		{"datetime_syntax_invalid.txt", 400, func(line string) answer { return b.put(tid1, record(map[string]any{"createdAt": line})) }},
		{"datetime_parse_invalid.txt", 400, func(line string) answer { return b.put(tid1, record(map[string]any{"createdAt": line})) }},
	} {
		data, err := os.ReadFile(filepath.Join(dir, file.name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSuffix(line, "\n")
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			cases++
			if a := file.put(line); a.status != file.status {
				t.Errorf("%s: %q: %d, want %d: %s", file.name, line, a.status, file.status, a.body)
			}
		}
	}
	t.Logf("%d conformance cases", cases)
	if cases < 50 {
		t.Errorf("%d cases are too few to be the files meant", cases)
	}
}

func TestBlueskyRefusesRequests(t *testing.T) {
	s := start(t, config(t))
	b := blueskyOf(t, s)
	in := b.input(tid2, record(nil))
	in["collection"] = "app.bsky.feed.like"
	want(t, b.post("com.atproto.repo.putRecord", b.access, in), 400)
	in = b.input(tid2, record(nil))
	in["repo"] = "did:plc:somebodyelse"
	want(t, b.post("com.atproto.repo.putRecord", b.access, in), 400)
	want(t, b.post("com.atproto.repo.putRecord", b.access, b.input("my-own-key", record(nil))), 400)
	want(t, b.post("com.atproto.repo.putRecord", b.access, map[string]any{"repo": b.did, "nonsense": true}), 400)
	want(t, b.post("app.bsky.feed.getPosts", b.access, map[string]any{}), 501)
	want(t, send(t, call{method: "GET", url: b.base + "com.atproto.repo.putRecord"}), 400)
	want(t, send(t, call{"POST", b.base + "com.atproto.repo.putRecord", map[string]string{"Content-Type": "application/json"}, "{}"}), 401)
}
