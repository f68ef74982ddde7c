package x_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fake is X with one account, by both versions of its API. It checks signatures,
// refuses texts that stand, and shows links as t.co.
type fake struct {
	url   string
	mu    sync.Mutex
	posts []*fakePost
	media map[string]*fakeMedia
	last  int64
	v1    string // the path of version 1.1
}

type fakePost struct {
	id, text, replyTo string
	media             []string
	at                time.Time
}

type fakeMedia struct{ category, kind, alt string }

func newFake(t *testing.T) *fake {
	f := &fake{media: map[string]*fakeMedia{}, last: 1 << 60, v1: "/1.1"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.handler().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fake) texts() (texts []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.posts {
		texts = append(texts, p.text)
	}
	return texts
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuseV2(w http.ResponseWriter, status int, kind, detail string) {
	reply(w, status, map[string]any{"title": http.StatusText(status), "type": kind, "detail": detail, "status": status})
}

func refuseV1(w http.ResponseWriter, status, code int) {
	reply(w, status, map[string]any{"errors": []any{map[string]any{"code": code, "message": "no"}}})
}

func (f *fake) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2/users/me", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"data": map[string]string{"id": "7", "name": "La Gazette", "username": "gazette"}})
	})
	mux.HandleFunc("POST /2/tweets", f.createV2)
	mux.HandleFunc("GET /2/users/7/tweets", f.listV2)
	mux.HandleFunc("DELETE /2/tweets/{id}", f.remove)
	mux.HandleFunc("POST /2/media/upload", f.upload)
	mux.HandleFunc("POST "+f.v1+"/media/upload.json", f.upload)
	mux.HandleFunc("POST /2/media/metadata", f.describe)
	mux.HandleFunc("GET "+f.v1+"/account/verify_credentials.json", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"id": 7, "id_str": "7", "screen_name": "gazette"})
	})
	mux.HandleFunc("POST "+f.v1+"/statuses/update.json", f.createV1)
	mux.HandleFunc("GET "+f.v1+"/statuses/user_timeline.json", f.listV1)
	mux.HandleFunc("POST "+f.v1+"/statuses/destroy/{file}", f.remove)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !signed(r) {
			refuseV2(w, http.StatusUnauthorized, "about:blank", "Unauthorized")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (f *fake) stands(text string) bool {
	return slices.ContainsFunc(f.posts, func(p *fakePost) bool { return p.text == text })
}

func (f *fake) add(p fakePost) *fakePost {
	f.last++
	p.id, p.at = strconv.FormatInt(f.last, 10), time.Now()
	f.posts = append(f.posts, &p)
	return &p
}

func (f *fake) createV2(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Text  string `json:"text"`
		Reply struct {
			To string `json:"in_reply_to_tweet_id"`
		} `json:"reply"`
		Media struct {
			IDs []string `json:"media_ids"`
		} `json:"media"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || r.Header.Get("Content-Type") != "application/json" {
		refuseV2(w, http.StatusBadRequest, "https://api.x.com/2/problems/invalid-request", "not JSON as described")
		return
	}
	if f.stands(in.Text) {
		refuseV2(w, http.StatusForbidden, "about:blank", "You are not allowed to create a Tweet with duplicate content.")
		return
	}
	p := f.add(fakePost{text: in.Text, replyTo: in.Reply.To, media: in.Media.IDs})
	shown, _ := p.shown()
	reply(w, http.StatusCreated, map[string]any{"data": map[string]any{"id": p.id, "text": shown}})
}

var link = regexp.MustCompile(`https://\S+`)

// shown gives the text as timelines show it, and what its links stand for.
func (p *fakePost) shown() (string, []map[string]any) {
	urls := []map[string]any{}
	short := func(long string) string {
		tco := fmt.Sprintf("https://t.co/%s%d", p.id, len(urls))
		urls = append(urls, map[string]any{"url": tco, "expanded_url": long, "display_url": long[:20] + "…"})
		return tco
	}
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(p.text)
	text = link.ReplaceAllStringFunc(text, func(l string) string { return short(html.UnescapeString(l)) })
	if len(p.media) > 0 {
		text += " " + short("https://x.com/gazette/status/"+p.id+"/photo/1")
		urls[len(urls)-1]["media_key"] = "3_1"
	}
	return text, urls
}

func (f *fake) listV2(w http.ResponseWriter, r *http.Request) {
	since, err := time.Parse("2006-01-02T15:04:05Z", r.FormValue("start_time"))
	n, _ := strconv.Atoi(r.FormValue("max_results"))
	if err != nil || n < 5 || n > 100 || r.FormValue("tweet.fields") != "created_at,entities" {
		refuseV2(w, http.StatusBadRequest, "https://api.x.com/2/problems/invalid-request", r.URL.RawQuery)
		return
	}
	list := []any{}
	for _, p := range slices.Backward(f.posts) {
		if text, urls := p.shown(); !p.at.Before(since) {
			list = append(list, map[string]any{"id": p.id, "text": text, "created_at": p.at.UTC().Format("2006-01-02T15:04:05.000Z"),
				"entities": map[string]any{"urls": urls}})
		}
	}
	reply(w, 200, map[string]any{"data": list, "meta": map[string]any{"result_count": len(list)}})
}

func (f *fake) createV1(w http.ResponseWriter, r *http.Request) {
	text := r.FormValue("status")
	if f.stands(text) {
		refuseV1(w, http.StatusForbidden, 187)
		return
	}
	p := fakePost{text: text, replyTo: r.FormValue("in_reply_to_status_id")}
	if ids := r.FormValue("media_ids"); ids != "" {
		p.media = strings.Split(ids, ",")
	}
	reply(w, 200, f.add(p).v1())
}

func (p *fakePost) v1() map[string]any {
	text, urls := p.shown()
	entities := map[string]any{"urls": urls}
	if len(p.media) > 0 { // version 1.1 lists pictures apart
		entities = map[string]any{"urls": urls[:len(urls)-1], "media": urls[len(urls)-1:]}
	}
	id, _ := strconv.ParseInt(p.id, 10, 64)
	return map[string]any{"id": id, "id_str": p.id, "full_text": text, "created_at": p.at.UTC().Format(time.RubyDate),
		"entities": entities, "user": map[string]any{"id": 7, "screen_name": "gazette"}}
}

func (f *fake) listV1(w http.ResponseWriter, r *http.Request) {
	list := []any{}
	for _, p := range slices.Backward(f.posts) {
		list = append(list, p.v1())
	}
	reply(w, 200, list)
}

func (f *fake) remove(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id") + strings.TrimSuffix(r.PathValue("file"), ".json")
	i := slices.IndexFunc(f.posts, func(p *fakePost) bool { return p.id == id })
	switch {
	case i >= 0:
		p := f.posts[i]
		f.posts = slices.Delete(f.posts, i, i+1)
		if r.Method == http.MethodPost {
			reply(w, 200, p.v1())
			return
		}
		reply(w, 200, map[string]any{"data": map[string]bool{"deleted": true}})
	case r.Method == http.MethodPost:
		refuseV1(w, http.StatusNotFound, 144)
	default:
		refuseV2(w, http.StatusNotFound, "https://api.x.com/2/problems/resource-not-found", "gone")
	}
}

func (f *fake) upload(w http.ResponseWriter, r *http.Request) {
	_, header, err := r.FormFile("media")
	if err != nil {
		refuseV2(w, http.StatusBadRequest, "about:blank", err.Error())
		return
	}
	f.last++
	id := strconv.FormatInt(f.last, 10)
	f.media[id] = &fakeMedia{category: r.FormValue("media_category"), kind: header.Header.Get("Content-Type")}
	if strings.HasPrefix(r.URL.Path, "/2/") {
		reply(w, 200, map[string]any{"data": map[string]any{"id": id, "size": header.Size}})
		return
	}
	reply(w, 200, map[string]any{"media_id": f.last, "media_id_string": id})
}

func (f *fake) describe(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID       string `json:"id"`
		Metadata struct {
			Alt struct {
				Text string `json:"text"`
			} `json:"alt_text"`
		} `json:"metadata"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || f.media[in.ID] == nil {
		refuseV2(w, http.StatusBadRequest, "about:blank", "no such picture")
		return
	}
	f.media[in.ID].alt = in.Metadata.Alt.Text
	reply(w, 200, map[string]any{"data": map[string]string{"id": in.ID}})
}
