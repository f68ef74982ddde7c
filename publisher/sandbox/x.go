package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What X allows a self-serve account: facts of docs.x.com as of 2026-08.
const (
	xText       = 280 // weighted
	xMedia      = 4
	xImage      = 5 << 20 // bytes
	xGIF        = 15 << 20
	xAlt        = 1000 // characters
	xMediaLife  = 24 * time.Hour
	xUserID     = "1000"
	xScreenName = "crieur"
)

// x answers as X's API does: v2 (docs.x.com/x-api) and, of v1.1, what legacy access
// and Twitter-compatible servers still have.
type x struct {
	s     *Server
	oauth oauth
	mu    sync.Mutex // held while a post is checked and made: duplicates are seen
	last  int64
	posts window
	reads window
	drops window
	media map[string]string // categories of uploads by ID
}

func newX(s *Server) *x {
	c := s.info.Credentials
	a := &x{
		s: s,
		oauth: oauth{consumerKey: c.XConsumerKey.Reveal(), consumerSecret: c.XConsumerSecret.Reveal(),
			token: c.XAccessToken.Reveal(), tokenSecret: c.XAccessSecret.Reveal()},
		posts: window{limit: 100, span: 15 * time.Minute},
		reads: window{limit: 900, span: 15 * time.Minute},
		drops: window{limit: 50, span: 15 * time.Minute},
		media: map[string]string{},
	}
	for _, p := range s.arrivals.allPosts(X) {
		id, _ := strconv.ParseInt(p.ID, 10, 64)
		a.last = max(a.last, id)
	}
	return a
}

func (a *x) routes(mux *http.ServeMux) {
	at := func(pattern string, stage Stage, of *window, api problems, h http.HandlerFunc) {
		method, path, _ := strings.Cut(pattern, " ")
		refuse := func(w http.ResponseWriter, code int) { a.refuse(w, api, code) }
		mux.HandleFunc(method+" /x"+path, a.s.reachedBy(X, stage, refuse, a.signed(api, a.limited(of, api, h))))
	}
	at("POST /2/tweets", StagePost, &a.posts, problemsV2{}, a.create)
	at("GET /2/tweets/{id}", StageRead, &a.reads, problemsV2{}, a.get)
	at("DELETE /2/tweets/{id}", StageRead, &a.drops, problemsV2{}, a.remove)
	at("GET /2/users/me", StageLogin, &a.reads, problemsV2{}, a.me)
	at("GET /2/users/{id}/tweets", StageRead, &a.reads, problemsV2{}, a.timeline)
	at("POST /2/media/upload", StageMedia, &a.reads, problemsV2{}, a.upload)
	at("POST /2/media/metadata", StageMedia, &a.reads, problemsV2{}, a.metadata)

	at("POST /1.1/statuses/update.json", StagePost, &a.posts, problemsV1{}, a.updateV1)
	at("POST /1.1/statuses/destroy/{name}", StageRead, &a.drops, problemsV1{}, a.destroyV1)
	at("GET /1.1/statuses/user_timeline.json", StageRead, &a.reads, problemsV1{}, a.timelineV1)
	at("GET /1.1/account/verify_credentials.json", StageLogin, &a.reads, problemsV1{}, a.verifyV1)
	at("POST /1.1/media/upload.json", StageMedia, &a.reads, problemsV1{}, a.uploadV1)
	at("POST /1.1/media/metadata/create.json", StageMedia, &a.reads, problemsV1{}, a.metadataV1)

	mux.HandleFunc("/x/2/", func(w http.ResponseWriter, _ *http.Request) {
		problemsV2{}.fail(w, http.StatusNotFound, "Not Found", "Not Found")
	})
	mux.HandleFunc("/x/1.1/", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusForbidden, errorsV1(453, "You currently have access to a subset of X API V2 endpoints and limited v1.1 endpoints (e.g. media post, oauth) only."))
	})
}

// problems words refusals as a version of the API does.
type problems interface {
	fail(w http.ResponseWriter, status int, title, detail string)
}

type problemsV2 struct{}

func (problemsV2) fail(w http.ResponseWriter, status int, title, detail string) {
	writeJSON(w, status, map[string]any{"title": title, "detail": detail, "type": "about:blank", "status": status})
}

type problemsV1 struct{}

func (problemsV1) fail(w http.ResponseWriter, status int, _, detail string) {
	code := map[int]int{http.StatusUnauthorized: 32, http.StatusForbidden: 64, http.StatusNotFound: 144, http.StatusTooManyRequests: 88,
		http.StatusInternalServerError: 131, http.StatusServiceUnavailable: 130}[status]
	writeJSON(w, status, errorsV1(code, detail))
}

func errorsV1(code int, message string) map[string]any {
	return map[string]any{"errors": []any{map[string]any{"code": code, "message": message}}}
}

// refuse answers a fault.
func (a *x) refuse(w http.ResponseWriter, api problems, code int) {
	detail := statusText(code)
	if code == http.StatusTooManyRequests {
		a.rate(w, &a.posts, 0, a.s.cfg.Now().Add(time.Minute))
		detail = "Too Many Requests"
	}
	api.fail(w, code, statusText(code), detail)
}

func (a *x) rate(w http.ResponseWriter, of *window, remaining int, reset time.Time) {
	w.Header().Set("x-rate-limit-limit", strconv.Itoa(of.limit))
	w.Header().Set("x-rate-limit-remaining", strconv.Itoa(remaining))
	w.Header().Set("x-rate-limit-reset", strconv.FormatInt(reset.Unix(), 10))
}

func (a *x) limited(of *window, api problems, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		remaining, reset, ok := of.spend(1, a.s.cfg.Now())
		a.rate(w, of, remaining, reset)
		if !ok {
			api.fail(w, http.StatusTooManyRequests, "Too Many Requests", "Too Many Requests")
			return
		}
		h(w, r)
	}
}

func (a *x) signed(api problems, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := a.oauth.check(r, a.s.cfg.Now()); err != nil {
			// X says no more than this; the reason is for whoever debugs a client here.
			w.Header().Set("Sandbox-Reason", err.Error())
			api.fail(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
			return
		}
		h(w, r)
	}
}

func (a *x) me(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]string{"id": xUserID, "name": "crieur", "username": xScreenName}})
}

// newID gives the next post's or picture's number. The caller holds mu.
func (a *x) newID() string {
	a.last = nextID(a.last, a.s.cfg.Now())
	return strconv.FormatInt(a.last, 10)
}
