package web

import (
	"net/http"

	"crieur/publisher"
)

// maxForm bounds what a POST may carry: a few names of lists.
const maxForm = 16 << 10

// askLeave shows a page with a button. Scanners open it, so it changes nothing.
func (p *public) askLeave(w http.ResponseWriter, r *http.Request) {
	token, list := r.PathValue("token"), r.URL.Query().Get("l")
	person, err := p.Readers.Lookup(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	page := "ask"
	if !on(person, list) {
		page = "left"
	}
	p.show(w, r, http.StatusOK, view{Page: page, Person: person, List: list, Title: titleOf(person, list), Token: token})
}

// leave takes the one-click POST of a mailbox provider (RFC 8058 §3.2) and the
// button of askLeave. It is idempotent, and an unknown or old token gets a 2xx too:
// there is nothing left to leave.
func (p *public) leave(w http.ResponseWriter, r *http.Request) {
	token, list := r.PathValue("token"), r.URL.Query().Get("l")
	if !p.parseForm(w, r) {
		return
	}
	how := "page"
	if r.PostFormValue("List-Unsubscribe") == "One-Click" {
		how = "one-click"
	}
	if r.PostFormValue("act") == "join" {
		p.rejoin(w, r, token, list)
		return
	}
	_, err := p.Readers.Leave(r.Context(), token, list, how)
	if err != nil && publisher.KindOf(err) != publisher.NotFound {
		p.fail(w, r, err)
		return
	}
	person, err := p.Readers.Lookup(r.Context(), token)
	if publisher.KindOf(err) == publisher.NotFound && err != nil {
		p.show(w, r, http.StatusOK, view{Page: "gone"})
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, view{Page: "left", Person: person, List: list, Title: titleOf(person, list), Token: token, Saved: true})
}

// rejoin is the way back for who left by mistake.
func (p *public) rejoin(w http.ResponseWriter, r *http.Request, token, list string) {
	person, err := p.Readers.Lookup(r.Context(), token)
	if err == nil && list == "" && len(person.Lists) > 0 {
		list = person.Lists[0].Name
	}
	if err == nil {
		_, err = p.Readers.Join(r.Context(), token, list, "page")
	}
	if err == nil {
		person, err = p.Readers.Lookup(r.Context(), token)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, view{Page: "preferences", Person: person, Token: token, Saved: true})
}

func (p *public) preferences(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	person, err := p.Readers.Lookup(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, view{Page: "preferences", Person: person, Token: token})
}

// choose saves the ticked lists: who ticks none leaves all.
func (p *public) choose(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	if !p.parseForm(w, r) {
		return
	}
	person, err := p.Readers.Lookup(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	wanted := map[string]bool{}
	for _, name := range r.PostForm["list"] {
		wanted[name] = true
	}
	for _, l := range person.Lists {
		switch {
		case wanted[l.Name] && !l.On:
			_, err = p.Readers.Join(r.Context(), token, l.Name, "preferences")
		case !wanted[l.Name] && l.On:
			_, err = p.Readers.Leave(r.Context(), token, l.Name, "preferences")
		}
		if err != nil {
			p.fail(w, r, err)
			return
		}
	}
	if person, err = p.Readers.Lookup(r.Context(), token); err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, view{Page: "preferences", Person: person, Token: token, Saved: true})
}

// parseForm reads a form in either of the two encodings that providers use.
func (p *public) parseForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseMultipartForm(maxForm)
	if err == http.ErrNotMultipart {
		err = nil // ParseMultipartForm has read the urlencoded form by then
	}
	if err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return false
	}
	return true
}

// on reports whether a person gets mail from list, from any where it is "".
func on(p Person, list string) bool {
	for _, l := range p.Lists {
		if l.On && (list == "" || l.Name == list) {
			return true
		}
	}
	return false
}

func titleOf(p Person, list string) string {
	for _, l := range p.Lists {
		if l.Name == list || list == "" && len(p.Lists) == 1 {
			return l.Title
		}
	}
	return ""
}
