package bluesky_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"crieur/publisher/social/bluesky/syntax"
)

const (
	handle   = "gazette.test"
	did      = "did:plc:7iza6de2dwap2sbkpav7c6c6"
	password = "abcd-efgh-ijkl-mnop"
)

// A fake is a PDS with one account. It answers as the servers do that were run for
// facts about them: bad tokens get 400, an occupied record key InvalidSwap.
type fake struct {
	url       string
	mu        sync.Mutex
	access    string // the token that is good now
	refresh   string
	sessions  int
	refreshes int
	refuses   string // the error of every login
	blobLimit int
	blobs     []string // media types
	records   map[string]map[string]any
	edits     map[string]int
}

func newFake(t *testing.T) *fake {
	f := &fake{records: map[string]map[string]any{}, edits: map[string]int{}, blobLimit: 1_000_000}
	server := httptest.NewServer(f.handler())
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fake) texts() (texts []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.records {
		texts = append(texts, r["text"].(string))
	}
	return texts
}

func (f *fake) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.access = "expired"
}

func reply(w http.ResponseWriter, v any) { json.NewEncoder(w).Encode(v) }

func refuse(w http.ResponseWriter, status int, name, message string) {
	w.WriteHeader(status)
	reply(w, map[string]string{"error": name, "message": message})
}

func (f *fake) handler() http.Handler {
	mux := http.NewServeMux()
	at := func(route string, token *string, h http.HandlerFunc) {
		method, name, _ := strings.Cut(route, " ")
		mux.HandleFunc(method+" /xrpc/"+name, func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if token != nil && r.Header.Get("Authorization") != "Bearer "+*token {
				refuse(w, 400, "ExpiredToken", "Token has expired")
				return
			}
			h(w, r)
		})
	}
	at("POST com.atproto.server.createSession", nil, f.login)
	at("POST com.atproto.server.refreshSession", &f.refresh, func(w http.ResponseWriter, r *http.Request) {
		f.refreshes++
		f.session(w)
	})
	at("GET com.atproto.server.getSession", &f.access, func(w http.ResponseWriter, r *http.Request) {
		reply(w, map[string]string{"did": did, "handle": handle})
	})
	at("GET com.atproto.identity.resolveHandle", nil, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("handle") != "ami.test" {
			refuse(w, 400, "InvalidRequest", "Unable to resolve handle")
			return
		}
		reply(w, map[string]string{"did": "did:web:ami.test"})
	})
	at("POST com.atproto.repo.uploadBlob", &f.access, f.upload)
	at("POST com.atproto.repo.putRecord", &f.access, f.put)
	at("POST com.atproto.repo.deleteRecord", &f.access, f.remove)
	at("GET com.atproto.repo.getRecord", &f.access, f.get)
	return mux
}

func (f *fake) login(w http.ResponseWriter, r *http.Request) {
	var in map[string]string
	json.NewDecoder(r.Body).Decode(&in)
	switch {
	case f.refuses != "":
		refuse(w, 401, f.refuses, "no")
	case in["identifier"] != handle || in["password"] != password:
		refuse(w, 401, "AuthenticationRequired", "Invalid identifier or password")
	default:
		f.sessions++
		f.session(w)
	}
}

func (f *fake) session(w http.ResponseWriter) {
	n := f.sessions + f.refreshes
	f.access, f.refresh = fmt.Sprintf("access-jwt-%d", n), fmt.Sprintf("refresh-jwt-%d", n)
	reply(w, map[string]string{"did": did, "handle": handle, "accessJwt": f.access, "refreshJwt": f.refresh})
}

func (f *fake) upload(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	if len(data) > f.blobLimit {
		refuse(w, 413, "PayloadTooLarge", "request entity too large")
		return
	}
	f.blobs = append(f.blobs, r.Header.Get("Content-Type"))
	reply(w, map[string]any{"blob": blob(len(f.blobs))})
}

func blob(n int) map[string]any {
	return map[string]any{"$type": "blob", "ref": map[string]any{"$link": fmt.Sprintf("bafkrei%d", n)}}
}

type key struct {
	Repo       string `json:"repo"`
	Collection string `json:"collection"`
	Rkey       string `json:"rkey"`
}

func (k key) ref() map[string]any {
	return map[string]any{"uri": "at://" + k.Repo + "/" + k.Collection + "/" + k.Rkey, "cid": "bafyrei" + k.Rkey}
}

// version is the ref of a record that was changed so many times.
func (k key) version(n int) map[string]any {
	out := k.ref()
	if n > 0 {
		out["cid"] = fmt.Sprintf("%sv%d", out["cid"], n)
	}
	return out
}

func (f *fake) put(w http.ResponseWriter, r *http.Request) {
	var in struct {
		key
		Record map[string]any   `json:"record"`
		Swap   *json.RawMessage `json:"swapRecord"`
	}
	raw, _ := io.ReadAll(r.Body)
	err := json.Unmarshal(raw, &in)
	switch {
	case err != nil || in.Repo != did || in.Collection != "app.bsky.feed.post" || in.Record["$type"] != in.Collection:
		refuse(w, 400, "InvalidRequest", "not a post")
	case !syntax.TID(in.Rkey):
		refuse(w, 400, "InvalidRequest", "Invalid TID string")
	case strings.Contains(string(raw), `"swapRecord":"`):
		var swap string
		_ = json.Unmarshal(*in.Swap, &swap)
		if f.records[in.Rkey] == nil || in.version(f.edits[in.Rkey])["cid"] != swap {
			refuse(w, 400, "InvalidSwap", "Record was at bafy")
			return
		}
		f.edits[in.Rkey]++
		f.records[in.Rkey] = in.Record
		reply(w, in.version(f.edits[in.Rkey]))
	case !strings.Contains(string(raw), `"swapRecord":null`):
		refuse(w, 400, "InvalidRequest", "this test wants a swap")
	case f.records[in.Rkey] != nil:
		refuse(w, 400, "InvalidSwap", "Record was at bafy")
	default:
		f.records[in.Rkey] = in.Record
		reply(w, in.ref())
	}
}

func (f *fake) get(w http.ResponseWriter, r *http.Request) {
	k := key{r.FormValue("repo"), r.FormValue("collection"), r.FormValue("rkey")}
	rec := f.records[k.Rkey]
	if rec == nil {
		refuse(w, 400, "RecordNotFound", "Could not locate record")
		return
	}
	out := k.version(f.edits[k.Rkey])
	out["value"] = rec
	reply(w, out)
}

func (f *fake) remove(w http.ResponseWriter, r *http.Request) {
	var k key
	json.NewDecoder(r.Body).Decode(&k)
	delete(f.records, k.Rkey)
	reply(w, map[string]any{})
}
