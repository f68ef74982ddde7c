package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"crieur/publisher"
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
	Page(ctx context.Context, issueID string) (html string, err error)
	Media(ctx context.Context, hash string) (data []byte, mediaType string, err error)
}

// A Person is a reader as their own pages show them.
type Person struct {
	Email    string
	Language string
	Lists    []List
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
	Templates fs.FS // holds web/public.html.tmpl and web/page.css
	SiteName  string
	SiteURL   string
	Accent    string // "#rrggbb"; "": the built-in one
	Language  string // of the pages where neither reader nor browser says
	Log       *slog.Logger
}

type public struct {
	Config
	pages *template.Template
	css   template.CSS
}

// Public gives the readers' pages. The handler is safe for concurrent use.
func Public(c Config) (http.Handler, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	css, err := styles(c.Templates, c.Accent)
	if err != nil {
		return nil, err
	}
	pages, err := parse(c.Templates, "web/public.html.tmpl")
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
	mux.HandleFunc("GET /media/{file}", p.media)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("User-agent: *\nDisallow: /u/\nDisallow: /p/\n"))
	})
	mux.HandleFunc("GET /", p.nothing)
	return guard(mux), nil
}

// guard sets what every answer carries.
func guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: http:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		h.ServeHTTP(w, r)
	})
}

// A view is what public.html.tmpl draws.
type view struct {
	L        *locale.Localizer
	CSS      template.CSS
	SiteName string
	SiteURL  string
	Page     string // which part of the template: ask, left, preferences, gone, …
	Person   Person
	List     string // the one list that the link was about; "": all
	Title    string // of that list
	Token    string
	Saved    bool
}

func (p *public) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.L, v.CSS, v.SiteName, v.SiteURL = p.language(r, v.Person.Language), p.css, p.SiteName, p.SiteURL
	var out bytes.Buffer
	if err := p.pages.ExecuteTemplate(&out, "public.html.tmpl", v); err != nil {
		p.Log.Error("draw page", "page", v.Page, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Language", v.L.Lang())
	head.Set("X-Robots-Tag", "noindex")
	head.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// language is the reader's own, else the first that the browser asks for and the
// catalogue speaks, else the site's.
func (p *public) language(r *http.Request, own string) *locale.Localizer {
	if own != "" {
		return p.Catalogue.For(own)
	}
	for _, tag := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		base, _, _ := strings.Cut(tag, "-")
		if l := p.Catalogue.For(tag); base != "" && strings.EqualFold(l.Lang(), base) {
			return l
		}
	}
	return p.Catalogue.For(p.Language)
}

// fail answers an error by its kind. The path is not logged: it carries a token.
func (p *public) fail(w http.ResponseWriter, r *http.Request, err error) {
	if publisher.KindOf(err) == publisher.NotFound {
		p.show(w, r, http.StatusNotFound, view{Page: "gone"})
		return
	}
	if !errors.Is(err, context.Canceled) {
		p.Log.Error("answer reader", "pattern", r.Pattern, "error", err)
	}
	p.show(w, r, http.StatusInternalServerError, view{Page: "failed"})
}

func (p *public) nothing(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusNotFound, view{Page: "nothing"})
}
