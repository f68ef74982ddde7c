package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"crieur/publisher"
)

// What a token may be good for.
const (
	MayRead    = "read"    // look at articles, issues, receipts and what waits
	MayPublish = "publish" // hand articles in, stop and resume
)

// Intake takes articles that come over the API. Safe for concurrent use.
type Intake interface {
	// Submit takes an article in; what was done before is not done again.
	Submit(ctx context.Context, s Submission) (Submitted, error)
	// Article gives what became of one. NotFound: there is none of that id.
	Article(ctx context.Context, id string) (ArticleState, error)
}

// Books tells what was published, and what is to be. Safe for concurrent use.
type Books interface {
	// Issues gives the newest first.
	Issues(ctx context.Context, limit int) ([]IssueState, error)
	// Issue gives one with a page of its deliveries. NotFound: there is none.
	Issue(ctx context.Context, id string, p DeliveryPage) (IssueState, error)
	Queue(ctx context.Context) (QueueState, error)
}

// Brake keeps deliveries from being begun, and lets them go on. Safe for concurrent
// use.
type Brake interface {
	// Stop stops all deliveries, those of an issue or a channel where one is named.
	Stop(ctx context.Context, issue, channel, who string) (StopState, error)
	// Resume lifts every stop, that of a channel where one is named, and gives how many.
	Resume(ctx context.Context, channel string) (int, error)
}

// A Token is who may use the API, and for what.
type Token struct {
	Name   string
	Secret publisher.Secret
	May    []string
}

// APIConfig is what the API needs.
type APIConfig struct {
	Intake Intake
	Books  Books
	Brake  Brake
	Tokens []Token
	// Burst requests may come at once on one token, and as many in Per; 0: no limit.
	Burst int
	Per   time.Duration
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger
}

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI gives the description of the API, in OpenAPI 3.1.
func OpenAPI() []byte { return slices.Clone(openAPI) }

// apiMost is how long the body of a request may be. An article of this length is a
// book.
const apiMost = 2 << 20

type api struct {
	APIConfig
	hashes [][sha256.Size]byte // of the tokens
	limits *limiter
}

// An apiRoute answers requests that one of the tokens' rights allows.
type apiRoute struct {
	pattern string
	may     string // "": anyone may ask
	answer  func(*api, http.ResponseWriter, *http.Request, Token) error
}

func apiRoutes() []apiRoute {
	return []apiRoute{
		{"GET /api/openapi.yaml", "", (*api).describe},
		{"POST /api/articles", MayPublish, (*api).submit},
		{"GET /api/articles/{id}", MayRead, (*api).article},
		{"GET /api/issues", MayRead, (*api).issues},
		{"GET /api/issues/{id}", MayRead, (*api).issue},
		{"GET /api/queue", MayRead, (*api).queue},
		{"POST /api/stop", MayPublish, (*api).stop},
		{"POST /api/resume", MayPublish, (*api).resume},
	}
}

// APIRoutes lists what the API answers: "GET /api/queue".
func APIRoutes() []string {
	var all []string
	for _, r := range apiRoutes() {
		all = append(all, r.pattern)
	}
	return all
}

// API gives the HTTP API. Without tokens it answers everything with 404. It is safe for
// concurrent use, sends no CORS header, so that no other site's page can read its
// answers, and never logs a token.
func API(c APIConfig) http.Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	a := &api{APIConfig: c, limits: newLimiter(c.Burst, c.Per)}
	for _, t := range c.Tokens {
		a.hashes = append(a.hashes, sha256.Sum256([]byte(t.Secret.Reveal())))
	}
	mux := http.NewServeMux()
	byPath := map[string][]string{}
	if len(c.Tokens) > 0 {
		for _, r := range apiRoutes() {
			method, path, _ := strings.Cut(r.pattern, " ")
			byPath[path] = append(byPath[path], method)
			mux.HandleFunc(r.pattern, a.serve(r))
		}
	}
	for path, methods := range byPath { // the mux would refuse another method in plain text
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			tell(w, problem{Status: http.StatusMethodNotAllowed, Detail: "this address takes " + strings.Join(methods, " and ") + " only"})
		})
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		p := problem{Status: http.StatusNotFound, Detail: "there is nothing at this address", Hint: "/api/openapi.yaml says what there is"}
		if len(c.Tokens) == 0 {
			p.Hint = "the API is off until config.yaml has a token below api: tokens:"
		}
		tell(w, p)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

func (a *api) serve(route apiRoute) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var token Token
		if route.may != "" {
			var ok bool
			if token, ok = a.holder(r); !ok {
				w.Header().Set("WWW-Authenticate", `Bearer realm="crieur"`)
				tell(w, problem{Status: http.StatusUnauthorized, Detail: "no token, or one that is not known", Where: "Authorization",
					Hint: "send the header Authorization: Bearer TOKEN, with a token that config.yaml has below api: tokens:"})
				return
			}
			if wait := a.limits.take(token.Name, a.Now()); wait > 0 {
				tell(w, problem{Status: http.StatusTooManyRequests, Detail: "too many requests on the token " + token.Name, After: wait,
					Hint: "wait, or raise api.rate"})
				return
			}
			if !slices.Contains(token.May, route.may) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="crieur", error="insufficient_scope"`)
				tell(w, problem{Status: http.StatusForbidden, Detail: "the token " + token.Name + " may not " + route.may, Where: "api.tokens." + token.Name + ".may",
					Hint: "add " + route.may + " there, or take another token"})
				return
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, apiMost)
		err := route.answer(a, w, r, token)
		if err == nil || r.Context().Err() != nil {
			return
		}
		p := problemOf(err, a.Now())
		if p.Status >= 500 {
			a.Log.Error("the API could not do what was asked", "route", route.pattern, "token", token.Name, "error", err)
		}
		tell(w, p)
	}
}

// holder finds whose token a request carries. How long that takes tells nothing of the
// tokens.
func (a *api) holder(r *http.Request) (found Token, ok bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	for i, t := range a.Tokens {
		if subtle.ConstantTimeCompare(given[:], a.hashes[i][:]) == 1 && t.Secret != "" {
			found, ok = t, true
		}
	}
	return found, ok && strings.EqualFold(scheme, "Bearer")
}

func (a *api) describe(w http.ResponseWriter, _ *http.Request, _ Token) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, err := w.Write(openAPI)
	return err
}

// answer writes a value.
func answer(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // who has gone does not read it
	return nil
}

// take reads the body of a request into a struct. A key that is not known is refused:
// a dry_run that is misspelt would be none.
func take(r *http.Request, into any) error {
	refuse := func(status int, detail, hint string) error {
		return &refusal{problem{Status: status, Detail: detail, Where: "body", Hint: hint}}
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if kind = strings.ToLower(strings.TrimSpace(kind)); kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "the body is not said to be JSON", "send the header Content-Type: application/json")
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		return refuse(http.StatusBadRequest, "there is something after the JSON object", "send one object")
	}
	var large *http.MaxBytesError
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return refuse(http.StatusRequestEntityTooLarge, "the body is longer than 2 MiB", "send the article without pictures in it: give their addresses")
	case errors.As(err, &wrong):
		return &refusal{problem{Status: http.StatusBadRequest, Detail: "a " + wrong.Value + " stands where " + jsonName(wrong.Type.String()) + " is wanted", Where: wrong.Field,
			Hint: "/api/openapi.yaml says what each key holds"}}
	}
	return refuse(http.StatusBadRequest, strings.TrimPrefix(err.Error(), "json: "), "/api/openapi.yaml says what the body holds")
}

func jsonName(goType string) string {
	switch {
	case goType == "string":
		return "a string"
	case goType == "bool":
		return "true or false"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case goType == "time.Time":
		return "a time"
	}
	return "something else"
}
