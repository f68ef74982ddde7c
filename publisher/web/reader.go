package web

import (
	"net/http"
	"slices"
)

// askLeave shows a page with a button. Scanners open it, so it changes nothing.
func (p *public) askLeave(w http.ResponseWriter, r *http.Request) {
	token, list := r.PathValue("token"), r.URL.Query().Get("l")
	person, err := p.Readers.Lookup(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	v := view{Page: "ask", Person: person, Title: titleOf(person, list), Token: token}
	switch {
	case !knows(person, list):
		v.Page = "preferences"
	case !on(person, list):
		v.Page, v.Back = "left", back(person, list)
	}
	p.show(w, r, http.StatusOK, v)
}

// leave takes the one-click POST of a mailbox provider (RFC 8058 §3.2) and the
// button of askLeave. It is idempotent, and an unknown or old token gets a 2xx too:
// there is nothing left to leave.
func (p *public) leave(w http.ResponseWriter, r *http.Request) {
	token, list := r.PathValue("token"), r.URL.Query().Get("l")
	if !parseForm(w, r) {
		return
	}
	before, err := p.Readers.Lookup(r.Context(), token)
	if notFound(err) {
		p.show(w, r, http.StatusOK, view{Page: "gone"})
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if r.PostFormValue("act") == "join" {
		p.rejoin(w, r, token, before)
		return
	}
	how := "page"
	if r.PostFormValue("List-Unsubscribe") == "One-Click" {
		how = "one-click"
	}
	if !knows(before, list) {
		if how == "page" {
			p.show(w, r, http.StatusOK, view{Page: "preferences", Person: before, Token: token})
			return
		}
		list = "" // nobody sees a page here, and the reader wants no more of this
	}
	if _, err := p.Readers.Leave(r.Context(), token, list, how); err != nil && !notFound(err) {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, view{Page: "left", Person: before, Title: titleOf(before, list), Back: back(before, list), Token: token})
}

// rejoin is the way back for who left by mistake: to the lists that the page of
// their leaving named.
func (p *public) rejoin(w http.ResponseWriter, r *http.Request, token string, person Person) {
	for _, name := range r.PostForm["list"] {
		if !slices.ContainsFunc(person.Lists, func(l List) bool { return l.Name == name }) {
			continue
		}
		if _, err := p.Readers.Join(r.Context(), token, name, "page"); err != nil {
			p.fail(w, r, err)
			return
		}
	}
	p.saved(w, r, token)
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

// choose saves the ticked lists, or ends all subscriptions. A form that no button of
// the page has sent changes nothing: an empty one would end them all.
func (p *public) choose(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	if !parseForm(w, r) {
		return
	}
	person, err := p.Readers.Lookup(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	var wanted []string
	switch r.PostFormValue("act") {
	case "save":
		wanted = r.PostForm["list"]
	case "leave":
	default:
		p.show(w, r, http.StatusOK, view{Page: "preferences", Person: person, Token: token})
		return
	}
	for _, l := range person.Lists {
		switch tick := slices.Contains(wanted, l.Name); {
		case tick && !l.On:
			_, err = p.Readers.Join(r.Context(), token, l.Name, "preferences")
		case !tick && l.On:
			_, err = p.Readers.Leave(r.Context(), token, l.Name, "preferences")
		}
		if err != nil {
			p.fail(w, r, err)
			return
		}
	}
	p.saved(w, r, token)
}

// saved shows what stands now.
func (p *public) saved(w http.ResponseWriter, r *http.Request, token string) {
	person, err := p.Readers.Lookup(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, view{Page: "preferences", Person: person, Token: token, Saved: true})
}

// knows reports whether list is one of the person's, whatever its state; "" stands
// for all. Of any other a page could say nothing that is true.
func knows(p Person, list string) bool {
	return list == "" || slices.ContainsFunc(p.Lists, func(l List) bool { return l.Name == list })
}

// on reports whether a person gets mail from list, from any where it is "".
func on(p Person, list string) bool {
	return slices.ContainsFunc(p.Lists, func(l List) bool { return l.On && (list == "" || l.Name == list) })
}

// titleOf gives the title of list, or of the only one that "" can stand for.
func titleOf(p Person, list string) string {
	for _, l := range p.Lists {
		if l.Name == list || list == "" && len(p.Lists) == 1 {
			return l.Title
		}
	}
	return ""
}

// back gives what one click brings back after leaving list: that one or, after
// leaving all, those that the person was on. Who was on none has to choose.
func back(p Person, list string) []string {
	var names []string
	for _, l := range p.Lists {
		if l.Name == list || list == "" && (l.On || len(p.Lists) == 1) {
			names = append(names, l.Name)
		}
	}
	return names
}
