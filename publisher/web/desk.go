package web

import (
	"context"
	"net/http"
	"time"

	"crieur/publisher"
	"crieur/publisher/locale"
)

// A Desk is where those who may decide over what waits. Its acts may be repeated:
// what was done stays done. An unknown issue or channel gives a NotFound error.
type Desk interface {
	// Look gives what waits, as it is now.
	Look(ctx context.Context, t Ticket) (Waiting, error)
	// Send is the word of t.Who for the text that they were shown: what nothing else
	// holds goes out now. An Invalid error says that the text is another one by now.
	Send(ctx context.Context, t Ticket) error
	// Hold keeps back what has not gone out.
	Hold(ctx context.Context, t Ticket) error
}

// Waiting is what a person decides over.
type Waiting struct {
	Title, Channel string
	Language       string // the owner's, for the page
	Count          int    // readers or posts
	Left           int    // of them, not gone out
	Mail           bool
	HTML           string   // mail: as a made-up reader gets it
	Subject        string   // mail
	Posts          []string // the texts
	Hash           string
	Release        time.Time // in the owner's time zone; zero: at once
	Held           publisher.Hold
	Needed         int
	Approvals      []publisher.Approval
	Cancelled      bool
}

// Missing is how many people's word is still needed.
func (w Waiting) Missing() int { return max(0, w.Needed-len(w.Approvals)) }

// deskView is what the desk's part of public.html.tmpl draws.
type deskView struct {
	Waiting
	Done    string // what was just done: send, hold; "": nothing
	First   string // the act that the mail's link was for
	Other   bool   // the text is another one than the mail showed
	Token   string
	Who     string
	Names   []string
	ByWho   bool // who looks has approved already
	Decided bool // nothing is left to decide
}

// desk shows what waits. Scanners open it, so it changes nothing.
func (p *public) desk(w http.ResponseWriter, r *http.Request) { p.showDesk(w, r, "") }

func (p *public) showDesk(w http.ResponseWriter, r *http.Request, done string) {
	t, ok := openTicket(p.DeskKey, r.PathValue("ticket"), p.Now())
	if !ok {
		p.show(w, r, http.StatusNotFound, view{Page: "ticket"})
		return
	}
	now, err := p.Desk.Look(r.Context(), t)
	if err != nil {
		p.missing(w, r, err)
		return
	}
	d := &deskView{Waiting: now, Done: done, First: r.URL.Query().Get("do"), Other: now.Hash != t.Hash, Token: r.PathValue("ticket"), Who: t.Who,
		Decided: now.Left == 0 || now.Cancelled}
	if l := p.words(r, now.Language); l.Lang() == "fr" {
		d.Title = locale.French(d.Title)
	}
	for _, a := range now.Approvals {
		d.Names = append(d.Names, a.Who)
		d.ByWho = d.ByWho || a.Who == t.Who
	}
	w.Header().Set("Content-Security-Policy", policy+"; frame-src 'self'") // the letter
	p.show(w, r, http.StatusOK, view{Page: "desk", Desk: d, Person: Person{Language: now.Language}})
}

// decide takes a button of the desk's page.
func (p *public) decide(w http.ResponseWriter, r *http.Request) {
	if !parseForm(w, r) {
		return
	}
	t, ok := openTicket(p.DeskKey, r.PathValue("ticket"), p.Now())
	if !ok {
		p.show(w, r, http.StatusNotFound, view{Page: "ticket"})
		return
	}
	act := r.PostFormValue("act")
	var err error
	switch act {
	case "send":
		err = p.Desk.Send(r.Context(), t)
	case "hold":
		err = p.Desk.Hold(r.Context(), t)
	default:
		act = "" // no button of the page sends this
	}
	if publisher.KindOf(err) == publisher.Invalid && err != nil {
		act, err = "", nil // the page says how it stands
	}
	if err != nil {
		p.missing(w, r, err)
		return
	}
	p.showDesk(w, r, act)
}

// deskLetter shows the letter itself, within the desk's page. It is a document of its
// own, in which nothing runs and nothing is sent.
func (p *public) deskLetter(w http.ResponseWriter, r *http.Request) {
	t, ok := openTicket(p.DeskKey, r.PathValue("ticket"), p.Now())
	if !ok {
		p.show(w, r, http.StatusNotFound, view{Page: "ticket"})
		return
	}
	now, err := p.Desk.Look(r.Context(), t)
	if err != nil {
		p.missing(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: http: data:; sandbox; base-uri 'none'; frame-ancestors 'self'")
	head.Set("Content-Type", htmlType)
	head.Set("Cache-Control", "no-store")
	head.Set("X-Robots-Tag", "noindex")
	_, _ = w.Write([]byte(now.HTML))
}
