package web

import (
	"context"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"crieur/publisher/locale"
)

// Readers is what the pages know of people and may do for them. A token that
// belongs to no one gives a NotFound error.
type Readers interface {
	Lookup(ctx context.Context, token string) (Person, error)
	// Leave ends a subscription, all of them where list is ""; it says whether
	// anything changed.
	Leave(ctx context.Context, token, list, how string) (changed bool, err error)
	Join(ctx context.Context, token, list, how string) (changed bool, err error)
}

// Archive gives what was frozen for the web. Unknown names give a NotFound error.
type Archive interface {
	// Page gives the copy of an issue or, where articleID is not "", that of one of its
	// articles.
	Page(ctx context.Context, issueID, articleID string) (html string, err error)
	Media(ctx context.Context, hash string) (data []byte, mediaType string, err error)
}

// A Person is a reader as their own pages show them.
type Person struct {
	Email    string
	Language string
	Lists    []List // all they are or were on
}

// A List is one list as a reader sees it.
type List struct {
	Name, Title, Description string
	On                       bool
}

// Config is what the public pages need.
type Config struct {
	Readers   Readers
	Archive   Archive
	Catalogue *locale.Catalogue
	Templates fs.FS // holds web/style.css, web/page.css and web/public.html.tmpl
	SiteName  string
	SiteURL   string
	Logo      string // absolute URL of the masthead's picture; "": the name stands there
	Accent    string // "#rrggbb"; "": the built-in one
	Language  string // of the pages where neither reader nor browser says
	Log       *slog.Logger
	Desk      Desk             // nil: nobody decides here
	DeskKey   []byte           // that tickets are sealed with
	Now       func() time.Time // by which tickets expire; nil: time.Now
}

type public struct {
	Config
	pages *template.Template
	css   template.CSS
}

// Public gives the readers' pages. The handler is safe for concurrent use. It logs no
// address: a path may carry a token.
func Public(c Config) (http.Handler, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	css, err := styles(c.Templates, c.Accent, "web/page.css")
	if err != nil {
		return nil, err
	}
	pages, err := parse(c.Templates, "web/public.html.tmpl", nil)
	if err != nil {
		return nil, err
	}
	p := &public{Config: c, pages: pages, css: css}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /u/{token}", p.askLeave)
	mux.HandleFunc("POST /u/{token}", p.leave)
	mux.HandleFunc("GET /p/{token}", p.preferences)
	mux.HandleFunc("POST /p/{token}", p.choose)
	mux.HandleFunc("GET /i/{issue}", p.issue)
	mux.HandleFunc("GET /i/{issue}/{article}", p.issue)
	mux.HandleFunc("GET /media/{file}", p.media)
	if c.Desk != nil {
		mux.HandleFunc("GET /desk/{ticket}", p.desk)
		mux.HandleFunc("POST /desk/{ticket}", p.decide)
		mux.HandleFunc("GET /desk/{ticket}/letter", p.deskLetter)
	}
	mux.HandleFunc("GET /healthz", plain("ok\n"))
	mux.HandleFunc("GET /robots.txt", plain("User-agent: *\nDisallow: /u/\nDisallow: /p/\nDisallow: /desk/\n"))
	mux.HandleFunc("GET /favicon.ico", noIcon)
	mux.HandleFunc("GET /", p.nothing)
	return guard(mux), nil
}

func plain(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}

// noIcon spares browsers, which ask for an icon unbidden, a page that says why not.
func noIcon(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	w.WriteHeader(http.StatusNoContent)
}

// policy is what a page may do: show pictures, and send its forms back here.
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: http:; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard sets what every answer carries.
func guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		h.ServeHTTP(w, r)
	})
}
