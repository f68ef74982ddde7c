package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What the lexicons of app.bsky.feed.post and its embeds, and a PDS, allow.
const (
	blueskyGraphemes = 300
	blueskyBytes     = 3000
	blueskyImages    = 4
	blueskyBlob      = 1_000_000 // bytes of a picture in a post
	blueskyUpload    = 5 << 20   // bytes of an upload; what is larger is 413
)

// bluesky answers as a personal data server (PDS) does, with one account on it:
// docs.bsky.app, lexicons com.atproto.server.*, com.atproto.repo.*, app.bsky.feed.post.
type bluesky struct {
	s        *Server
	mu       sync.Mutex // held while a record is checked and written
	lastTID  int64
	calls    window
	sessions window
	points   window // writes: a create costs 3, a delete 1
}

func newBluesky(s *Server) *bluesky {
	return &bluesky{s: s, calls: window{limit: 3000, span: 5 * time.Minute}, sessions: window{limit: 30, span: 5 * time.Minute},
		points: window{limit: 5000, span: time.Hour}}
}

func (b *bluesky) routes(mux *http.ServeMux) {
	at := func(method, name string, stage Stage, h http.HandlerFunc) {
		mux.HandleFunc(method+" /bluesky/xrpc/"+name, b.s.reachedBy(Bluesky, stage, b.refuse, b.limited(&b.calls, 1, h)))
		mux.HandleFunc("/bluesky/xrpc/"+name, func(w http.ResponseWriter, r *http.Request) {
			b.fail(w, http.StatusBadRequest, "InvalidRequest", "Incorrect HTTP method ("+r.Method+") expected "+method)
		})
	}
	at("POST", "com.atproto.server.createSession", StageLogin, b.limited(&b.sessions, 1, b.createSession))
	at("POST", "com.atproto.server.refreshSession", StageLogin, b.authorized(scopeRefresh, b.refreshSession))
	at("GET", "com.atproto.server.getSession", StageLogin, b.authorized(scopeAccess, b.getSession))
	at("POST", "com.atproto.repo.uploadBlob", StageMedia, b.authorized(scopeAccess, b.uploadBlob))
	at("POST", "com.atproto.repo.putRecord", StagePost, b.authorized(scopeAccess, b.limited(&b.points, 3, b.putRecord)))
	at("POST", "com.atproto.repo.createRecord", StagePost, b.authorized(scopeAccess, b.limited(&b.points, 3, b.createRecord)))
	at("POST", "com.atproto.repo.deleteRecord", StageRead, b.authorized(scopeAccess, b.limited(&b.points, 1, b.deleteRecord)))
	at("GET", "com.atproto.repo.getRecord", StageRead, b.getRecord)
	at("GET", "com.atproto.repo.listRecords", StageRead, b.listRecords)
	at("GET", "com.atproto.identity.resolveHandle", StageRead, b.resolveHandle)
	mux.HandleFunc("GET /bluesky/xrpc/_health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"version": "sandbox"})
	})
	mux.HandleFunc("/bluesky/xrpc/", func(w http.ResponseWriter, _ *http.Request) {
		b.fail(w, http.StatusNotImplemented, "MethodNotImplemented", "Method Not Implemented")
	})
}

func (b *bluesky) fail(w http.ResponseWriter, status int, name, message string) {
	writeJSON(w, status, map[string]string{"error": name, "message": message})
}

func (b *bluesky) invalid(w http.ResponseWriter, format string, args ...any) {
	b.fail(w, http.StatusBadRequest, "InvalidRequest", fmt.Sprintf(format, args...))
}

// refuse answers a fault.
func (b *bluesky) refuse(w http.ResponseWriter, code int) {
	name := strings.ReplaceAll(http.StatusText(code), " ", "")
	switch code {
	case http.StatusUnauthorized:
		name = "AuthenticationRequired"
	case http.StatusTooManyRequests:
		name = "RateLimitExceeded"
		b.rate(w, &b.calls, 0, b.s.cfg.Now().Add(time.Minute))
		w.Header().Set("Retry-After", "60")
	case http.StatusRequestEntityTooLarge:
		name = "PayloadTooLarge"
	case http.StatusInternalServerError:
		name = "InternalServerError"
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
	case http.StatusBadRequest:
		name = "InvalidRequest"
	}
	b.fail(w, code, name, statusText(code))
}

// rate writes the headers of the IETF's draft as a PDS does: seconds since 1970.
func (b *bluesky) rate(w http.ResponseWriter, of *window, remaining int, reset time.Time) {
	h := w.Header()
	h.Set("RateLimit-Limit", strconv.Itoa(of.limit))
	h.Set("RateLimit-Remaining", strconv.Itoa(remaining))
	h.Set("RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	h.Set("RateLimit-Policy", fmt.Sprintf("%d;w=%d", of.limit, int(of.span.Seconds())))
}

func (b *bluesky) limited(of *window, cost int, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := b.s.cfg.Now()
		remaining, reset, ok := of.spend(cost, now)
		b.rate(w, of, remaining, reset)
		if !ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(reset.Sub(now).Seconds())+1))
			b.fail(w, http.StatusTooManyRequests, "RateLimitExceeded", "Rate Limit Exceeded")
			return
		}
		h(w, r)
	}
}

// authorized wants a token of a scope. A PDS answers a bad token with 400, not 401.
func (b *bluesky) authorized(scope string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			b.fail(w, http.StatusUnauthorized, "AuthMissing", "Authentication Required")
			return
		}
		c, ok := readToken(b.s.keys.TokenKey, token)
		switch {
		case !ok || c.Subject != b.s.keys.DID:
			b.fail(w, http.StatusBadRequest, "InvalidToken", "Token could not be verified")
		case c.Scope != scope:
			b.fail(w, http.StatusBadRequest, "InvalidToken", "Bad token scope")
		case b.s.cfg.Now().Unix() >= c.Expires:
			b.fail(w, http.StatusBadRequest, "ExpiredToken", "Token has expired")
		default:
			h(w, r)
		}
	}
}

func (b *bluesky) handle() string { return b.s.info.Credentials.BlueskyHandle }

func (b *bluesky) createSession(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Identifier      string `json:"identifier"`
		Password        string `json:"password"`
		AuthFactorToken string `json:"authFactorToken"`
		AllowTakendown  bool   `json:"allowTakendown"`
	}
	if err := readJSON(r, &in); err != nil {
		b.invalid(w, "%v", err)
		return
	}
	known := strings.EqualFold(in.Identifier, b.handle()) || in.Identifier == b.s.keys.DID
	if !known || !same(in.Password, b.s.info.Credentials.BlueskyPassword.Reveal()) {
		b.fail(w, http.StatusUnauthorized, "AuthenticationRequired", "Invalid identifier or password")
		return
	}
	b.giveSession(w)
}

func (b *bluesky) refreshSession(w http.ResponseWriter, _ *http.Request) { b.giveSession(w) }

func (b *bluesky) giveSession(w http.ResponseWriter) {
	now := b.s.cfg.Now()
	id, err := b.s.randomName()
	if err != nil {
		b.fail(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
		return
	}
	token := func(scope string, life time.Duration) string {
		return signToken(b.s.keys.TokenKey, claims{scope, b.s.keys.DID, now.Unix(), now.Add(life).Unix(), id})
	}
	writeJSON(w, http.StatusOK, map[string]any{"did": b.s.keys.DID, "handle": b.handle(), "active": true,
		"accessJwt": token(scopeAccess, accessLife), "refreshJwt": token(scopeRefresh, refreshLife)})
}

func (b *bluesky) getSession(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"did": b.s.keys.DID, "handle": b.handle(), "active": true})
}

func (b *bluesky) resolveHandle(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.URL.Query().Get("handle"), b.handle()) {
		b.invalid(w, "Unable to resolve handle")
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"did": b.s.keys.DID})
}

func (b *bluesky) uploadBlob(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	declared := r.Header.Get("Content-Type")
	switch {
	case err != nil:
		b.invalid(w, "%v", err)
		return
	case declared == "":
		b.invalid(w, "Request encoding (Content-Type) required but not provided")
		return
	case len(data) > blueskyUpload:
		b.fail(w, http.StatusRequestEntityTooLarge, "PayloadTooLarge", "request entity too large")
		return
	case len(data) == 0:
		b.invalid(w, "A request body is expected but none was provided")
		return
	}
	kind, width, height, err := sniff(data)
	if err != nil {
		b.invalid(w, "this sandbox takes pictures only: %v", err)
		return
	}
	if declared != kind && declared != "*/*" {
		b.invalid(w, "the blob is %s, not %s", kind, declared)
		return
	}
	m, err := b.s.arrivals.addMedia(Media{Network: Bluesky, ID: cidOf(codecRaw, data), Type: kind, Width: width, Height: height,
		At: b.s.cfg.Now()}, data)
	if err != nil {
		b.fail(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"blob": map[string]any{"$type": "blob", "ref": map[string]string{"$link": m.ID},
		"mimeType": m.Type, "size": m.Raw.Size}})
}
