package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/http"

	"crieur/publisher"
	"crieur/publisher/locale"
)

// A view is what public.html.tmpl draws.
type view struct {
	L        *locale.Localizer
	CSS      template.CSS
	SiteName string
	SiteURL  string
	Logo     string
	Page     string // which part of the template: ask, left, preferences, desk, ticket, gone, nothing, failed
	Desk     *deskView
	Person   Person
	Title    string   // of the one list that the link was about; "": all of them
	Back     []string // names of the lists that one click joins again
	Token    string
	Saved    bool
}

// Any reports whether the reader gets mail from any list.
func (v view) Any() bool { return on(v.Person, "") }

func (p *public) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.L, v.CSS = p.words(r, v.Person.Language), p.css
	v.SiteName, v.SiteURL, v.Logo = p.SiteName, p.SiteURL, p.Logo
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

// fail answers an error by its kind.
func (p *public) fail(w http.ResponseWriter, r *http.Request, err error) {
	if notFound(err) {
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

func notFound(err error) bool { return err != nil && publisher.KindOf(err) == publisher.NotFound }
