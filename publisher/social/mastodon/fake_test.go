package mastodon_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const token = "t0ken-of-the-account"

// A fake is a Mastodon server with one account. It may be one that ignores keys.
type fake struct {
	url      string
	keyless  bool // accepts an Idempotency-Key and does not heed it
	mu       sync.Mutex
	statuses []*fakeStatus
	media    map[string]*fakeMedia
	last     int
}

type fakeStatus struct {
	key, text string
	entity    map[string]any
	asked     map[string]any
}

type fakeMedia struct {
	alt, kind string
	size      int
	polls     int
	used      bool
}

func newFake(t *testing.T) *fake {
	f := &fake{media: map[string]*fakeMedia{}}
	server := httptest.NewServer(f.handler())
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fake) texts() (texts []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.statuses {
		texts = append(texts, s.text)
	}
	return texts
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, words string) {
	reply(w, status, map[string]string{"error": words})
}

func (f *fake) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/instance", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"domain":"social.example","source_url":"https://github.com/mastodon/mastodon","configuration":{
			"statuses":{"max_characters":500,"max_media_attachments":4,"characters_reserved_per_url":23},
			"media_attachments":{"supported_mime_types":["image/jpeg","image/png","image/gif","video/mp4"],"description_limit":1500,"image_size_limit":16777216}}}`)
	})
	mux.HandleFunc("GET /api/v1/accounts/verify_credentials", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]string{"id": "7", "username": "gazette", "acct": "gazette"})
	})
	mux.HandleFunc("GET /api/v1/accounts/7/statuses", f.list)
	mux.HandleFunc("POST /api/v1/statuses", f.create)
	mux.HandleFunc("GET /api/v1/statuses/{id}", f.one)
	mux.HandleFunc("DELETE /api/v1/statuses/{id}", f.one)
	mux.HandleFunc("PUT /api/v1/statuses/{id}", f.edit)
	mux.HandleFunc("POST /api/v2/media", f.upload)
	mux.HandleFunc("GET /api/v1/media/{id}", f.poll)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/instance") && r.Header.Get("Authorization") != "Bearer "+token {
			refuse(w, http.StatusUnauthorized, "The access token is invalid")
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		mux.ServeHTTP(w, r)
	})
}

func (f *fake) id() string {
	f.last++
	return strconv.Itoa(f.last)
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Content-Type") != "application/json" {
		refuse(w, http.StatusBadRequest, "not JSON")
		return
	}
	key := r.Header.Get("Idempotency-Key")
	for _, s := range f.statuses {
		if !f.keyless && key != "" && s.key == key {
			reply(w, 200, s.entity)
			return
		}
	}
	text, _ := in["status"].(string)
	if text == "" {
		refuse(w, http.StatusUnprocessableEntity, "Validation failed: Text can't be blank")
		return
	}
	ids, _ := in["media_ids"].([]any)
	for _, id := range ids {
		m := f.media[fmt.Sprint(id)]
		if m == nil || m.used || m.polls < 2 {
			refuse(w, http.StatusUnprocessableEntity, "Cannot attach files that have not finished processing")
			return
		}
		m.used = true
	}
	id := f.id()
	media := []any{}
	for _, id := range ids {
		media = append(media, map[string]any{"id": id})
	}
	spoiler, _ := in["spoiler_text"].(string)
	f.statuses = append(f.statuses, &fakeStatus{key: key, text: text, asked: in, entity: map[string]any{
		"id": id, "uri": f.url + "/users/gazette/statuses/" + id, "url": f.url + "/@gazette/" + id,
		"created_at": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "content": shown(text),
		"spoiler_text": spoiler, "in_reply_to_id": in["in_reply_to_id"], "reblog": nil,
		"media_attachments": media,
	}})
	reply(w, 200, f.statuses[len(f.statuses)-1].entity)
}

// shown gives a text as Mastodon shows it: escaped, in paragraphs, its links cut.
func shown(text string) string {
	words := strings.Split(html.EscapeString(text), " ")
	for i, w := range words {
		before, link, ok := strings.Cut(w, "https://")
		if !ok {
			continue
		}
		before = strings.ReplaceAll(before, "\n\n", "</p><p>")
		cut := min(len(link), 20)
		words[i] = before + `<a href="https://` + link + `"><span class="invisible">https://</span><span class="ellipsis">` + link[:cut] +
			`</span><span class="invisible">` + link[cut:] + `</span></a>`
	}
	return "<p>" + strings.ReplaceAll(strings.Join(words, " "), "\n", "<br />") + "</p>"
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	list := []any{}
	for _, s := range slices.Backward(f.statuses) {
		list = append(list, s.entity)
	}
	reply(w, 200, list)
}

func (f *fake) one(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(f.statuses, func(s *fakeStatus) bool { return s.entity["id"] == r.PathValue("id") })
	if i < 0 {
		refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	s := f.statuses[i]
	if r.Method == http.MethodDelete {
		f.statuses = slices.Delete(f.statuses, i, i+1)
	}
	reply(w, 200, s.entity)
}

// edit keeps of the pictures those that it is given, as a Mastodon server does.
func (f *fake) edit(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(f.statuses, func(s *fakeStatus) bool { return s.entity["id"] == r.PathValue("id") })
	if i < 0 {
		refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, "not JSON")
		return
	}
	s := f.statuses[i]
	s.text, _ = in["status"].(string)
	media := []any{}
	ids, _ := in["media_ids"].([]any)
	for _, id := range ids {
		media = append(media, map[string]any{"id": id})
	}
	s.entity["content"], s.entity["spoiler_text"], s.entity["media_attachments"] = shown(s.text), in["spoiler_text"], media
	reply(w, 200, s.entity)
}

func (f *fake) upload(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("file")
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, "Validation failed: File can't be blank")
		return
	}
	data, _ := io.ReadAll(file)
	id := f.id()
	f.media[id] = &fakeMedia{alt: r.FormValue("description"), kind: header.Header.Get("Content-Type"), size: len(data)}
	reply(w, http.StatusAccepted, map[string]any{"id": id, "url": nil})
}

func (f *fake) poll(w http.ResponseWriter, r *http.Request) {
	m := f.media[r.PathValue("id")]
	if m == nil {
		refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	status := http.StatusPartialContent
	if m.polls++; m.polls > 1 {
		status = http.StatusOK
	}
	reply(w, status, map[string]any{"id": r.PathValue("id")})
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
