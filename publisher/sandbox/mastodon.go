package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"crieur/publisher/social/measure"
)

// What the instance states, as a Mastodon server does out of the box.
const (
	mastodonText    = 500
	mastodonURL     = 23
	mastodonMedia   = 4
	mastodonImage   = 16 << 20
	mastodonPixels  = 33177600
	mastodonAlt     = 1500
	mastodonAccount = "1"
	mastodonKeys    = time.Hour // docs.joinmastodon.org/methods/statuses: Idempotency-Key
)

// mastodon answers as a Mastodon 4.3 instance does, and refuses parameters that it
// would ignore: docs.joinmastodon.org/methods/{statuses,media,instance,accounts}.
type mastodon struct {
	s      *Server
	mu     sync.Mutex // held while a status is checked and made: nothing is made twice
	last   int64
	limits window
	polled map[string]int
}

func newMastodon(s *Server) *mastodon {
	m := &mastodon{s: s, limits: window{limit: 300, span: 5 * time.Minute}, polled: map[string]int{}}
	for _, p := range s.arrivals.allPosts(Mastodon) {
		id, _ := strconv.ParseInt(p.ID, 10, 64)
		m.last = max(m.last, id)
	}
	return m
}

func (m *mastodon) routes(mux *http.ServeMux) {
	at := func(pattern string, stage Stage, h http.HandlerFunc) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /mastodon"+path, m.s.reachedBy(Mastodon, stage, m.refuse, m.limited(h)))
	}
	at("GET /api/v1/instance", StageRead, m.instanceV1)
	at("GET /api/v2/instance", StageRead, m.instanceV2)
	at("GET /api/v1/accounts/verify_credentials", StageLogin, m.authorized(m.verify))
	at("GET /api/v1/accounts/{id}/statuses", StageRead, m.statuses)
	at("POST /api/v1/statuses", StagePost, m.authorized(m.create))
	at("GET /api/v1/statuses/{id}", StageRead, m.status)
	at("PUT /api/v1/statuses/{id}", StagePost, m.authorized(m.edit))
	at("DELETE /api/v1/statuses/{id}", StageRead, m.authorized(m.remove))
	at("POST /api/v2/media", StageMedia, m.authorized(m.upload))
	at("GET /api/v1/media/{id}", StageMedia, m.authorized(m.poll))
	at("PUT /api/v1/media/{id}", StageMedia, m.authorized(m.describe))
	mux.HandleFunc("/mastodon/api/", func(w http.ResponseWriter, _ *http.Request) { m.fail(w, http.StatusNotFound, "Record not found") })
}

func (m *mastodon) fail(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, map[string]string{"error": text})
}

// refuse answers a fault.
func (m *mastodon) refuse(w http.ResponseWriter, code int) {
	switch code {
	case http.StatusUnauthorized:
		m.fail(w, code, "The access token is invalid")
	case http.StatusForbidden:
		m.fail(w, code, "This action is outside the authorized scopes")
	case http.StatusTooManyRequests:
		m.rate(w, 0, m.s.cfg.Now().Add(time.Minute))
		m.fail(w, code, "Too many requests")
	case http.StatusUnprocessableEntity:
		m.fail(w, code, "Validation failed: refused on demand")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
		fallthrough
	default:
		m.fail(w, code, statusText(code))
	}
}

// rate writes Mastodon's headers; its reset is an ISO time with microseconds.
func (m *mastodon) rate(w http.ResponseWriter, remaining int, reset time.Time) {
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(m.limits.limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
	w.Header().Set("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

func (m *mastodon) limited(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		remaining, reset, ok := m.limits.spend(1, m.s.cfg.Now())
		m.rate(w, remaining, reset)
		if !ok {
			m.fail(w, http.StatusTooManyRequests, "Too many requests")
			return
		}
		h(w, r)
	}
}

func (m *mastodon) authorized(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !same(token, m.s.info.Credentials.MastodonToken.Reveal()) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="Doorkeeper", error="invalid_token", error_description="The access token is invalid"`)
			m.fail(w, http.StatusUnauthorized, "The access token is invalid")
			return
		}
		h(w, r)
	}
}

func (m *mastodon) limitsOfPosts() map[string]any {
	return map[string]any{
		"statuses": map[string]any{"max_characters": mastodonText, "max_media_attachments": mastodonMedia, "characters_reserved_per_url": mastodonURL},
		"media_attachments": map[string]any{
			"supported_mime_types": []string{"image/jpeg", "image/png", "image/gif", "image/webp"},
			"description_limit":    mastodonAlt, "image_size_limit": mastodonImage, "image_matrix_limit": mastodonPixels,
		},
	}
}

func (m *mastodon) instanceV1(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"uri": "sandbox.crieur.test", "title": "crieur sandbox", "version": "4.3.0", "languages": []string{"fr", "en"},
		"configuration": m.limitsOfPosts(),
	})
}

func (m *mastodon) instanceV2(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"domain": "sandbox.crieur.test", "title": "crieur sandbox", "version": "4.3.0", "languages": []string{"fr", "en"},
		"configuration": m.limitsOfPosts(), "api_versions": map[string]int{"mastodon": 2},
	})
}

func (m *mastodon) account() map[string]any {
	return map[string]any{"id": mastodonAccount, "username": "crieur", "acct": "crieur", "display_name": "crieur", "bot": false,
		"url": m.s.info.PublicURL + "/mastodon/@crieur"}
}

func (m *mastodon) verify(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, m.account())
}

// statuses lists the account's own, newest first: methods/accounts#statuses.
func (m *mastodon) statuses(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("id") != mastodonAccount {
		m.fail(w, http.StatusNotFound, "Record not found")
		return
	}
	q := r.URL.Query()
	limit := 20
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			m.fail(w, http.StatusBadRequest, "limit is no number")
			return
		}
		limit = min(n, 40)
	}
	number := func(name string, otherwise int64) int64 {
		if n, err := strconv.ParseInt(q.Get(name), 10, 64); err == nil {
			return n
		}
		return otherwise
	}
	below, above := number("max_id", 1<<62), max(number("since_id", 0), number("min_id", 0))
	out := []any{}
	posts := m.s.arrivals.allPosts(Mastodon)
	for _, p := range slices.Backward(posts) {
		id, _ := strconv.ParseInt(p.ID, 10, 64)
		if !p.Gone.IsZero() || id >= below || id <= above || p.Visibility == "direct" ||
			q.Get("exclude_replies") == "true" && p.ReplyTo != "" {
			continue
		}
		if out = append(out, m.entity(p)); len(out) == limit {
			break
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func (m *mastodon) status(w http.ResponseWriter, r *http.Request) {
	p, ok := m.s.arrivals.post(Mastodon, r.PathValue("id"))
	if !ok || !p.Gone.IsZero() {
		m.fail(w, http.StatusNotFound, "Record not found")
		return
	}
	writeJSON(w, http.StatusOK, m.entity(&p))
}

func (m *mastodon) remove(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.s.arrivals.post(Mastodon, r.PathValue("id"))
	if !ok || !p.Gone.IsZero() {
		m.fail(w, http.StatusNotFound, "Record not found")
		return
	}
	p.Gone = m.s.cfg.Now()
	if _, err := m.s.arrivals.putPost(p); err != nil {
		m.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	e := m.entity(&p)
	e["text"] = p.Text // as the documents have it: so that it can be written anew
	writeJSON(w, http.StatusOK, e)
}

// entity is a Status: docs.joinmastodon.org/entities/Status.
func (m *mastodon) entity(p *Post) map[string]any {
	media := []any{}
	for i := range p.Media {
		media = append(media, m.attachment(&p.Media[i], true))
	}
	e := map[string]any{
		"id": p.ID, "uri": p.URI, "url": p.URL, "created_at": p.At.UTC().Format("2006-01-02T15:04:05.000Z"),
		"content": mastodonHTML(p.Text, p.Links), "visibility": p.Visibility, "language": nil,
		"sensitive": p.Warning != "", "spoiler_text": p.Warning, "in_reply_to_id": nil, "in_reply_to_account_id": nil,
		"media_attachments": media, "account": m.account(), "reblog": nil, "mentions": []any{}, "tags": []any{}, "emojis": []any{},
		"replies_count": 0, "reblogs_count": 0, "favourites_count": 0, "card": nil, "poll": nil,
	}
	if p.Language != "" {
		e["language"] = p.Language
	}
	if p.ReplyTo != "" {
		e["in_reply_to_id"], e["in_reply_to_account_id"] = p.ReplyTo, mastodonAccount
	}
	return e
}

var language = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// linksOf finds the URLs of a text that a network makes links of by itself: X also
// the bare ones, without a scheme.
func linksOf(text string, bare bool) []Link {
	var out []Link
	for _, u := range measure.URLs(text) {
		target := text[u.Start:u.End]
		if !strings.Contains(target, "://") {
			if !bare {
				continue
			}
			target = "http://" + target
		}
		out = append(out, Link{u.Start, u.End, target})
	}
	return out
}

// links are the URLs and hashtags of a status, in order.
func (m *mastodon) links(text string) []Link {
	out := linksOf(text, false)
	for _, tag := range measure.Hashtags(text) {
		if text[tag.Start] == '#' {
			out = append(out, Link{tag.Start, tag.End, m.s.info.PublicURL + "/mastodon/tags/" + url.PathEscape(strings.ToLower(text[tag.Start+1:tag.End]))})
		}
	}
	slices.SortFunc(out, func(a, b Link) int { return a.Start - b.Start })
	return out
}

func mastodonLength(text, warning string) int {
	return measure.Mastodon(warning, mastodonURL) + measure.Mastodon(text, mastodonURL)
}

func (m *mastodon) url(id string) string {
	return fmt.Sprintf("%s/mastodon/@crieur/%s", m.s.info.PublicURL, id)
}
