package web

import (
	"net/http"
	"strings"
	"time"

	"crieur/publisher"
)

// A Submission is an article as the API takes it, and what is to become of it.
type Submission struct {
	ID          string        `json:"id"`
	Title       string        `json:"title"`
	Lead        string        `json:"lead"`
	Markdown    string        `json:"markdown"` // the body; one of these three
	HTML        string        `json:"html"`
	Text        string        `json:"text"`
	URL         string        `json:"url"`
	OriginalURL string        `json:"original_url"`
	Language    string        `json:"language"`
	Tags        []string      `json:"tags"`
	Author      string        `json:"author"`
	Published   *time.Time    `json:"published"`
	Image       *SubmittedPic `json:"image"`

	To     []string `json:"to"` // newsletters and channels; empty: the routes say
	At     string   `json:"at"`
	Slot   string   `json:"slot"`
	DryRun bool     `json:"dry_run"`

	Source string `json:"-"` // "api:" and the token's name, or "hook:" and the source's
}

// A SubmittedPic is the lead picture of a Submission.
type SubmittedPic struct {
	URL string `json:"url"`
	Alt string `json:"alt"`
}

// What became of a Submission.
const (
	Planned     = "planned"       // it has issues, whose deliveries are planned
	Arrived     = "arrived"       // the routes send it
	NothingToDo = "nothing to do" // that was done before
	DryRun      = "dry run"       // that would be done
)

// Submitted is what became of a Submission.
type Submitted struct {
	Article  string   `json:"article"` // its id
	Status   string   `json:"status"`
	Changed  bool     `json:"changed"` // it is known, and its text is not the one that was planned
	Targets  []Target `json:"targets"`
	Warnings []string `json:"warnings"`
}

// A Target is a newsletter or channel that an article goes to.
type Target struct {
	Channel    string         `json:"channel"`
	Issue      string         `json:"issue,omitempty"`      // "": it waits for a digest
	Lot        int64          `json:"lot,omitempty"`        // 0: not planned yet
	Route      string         `json:"route,omitempty"`      // the rule that sends it there
	Slot       string         `json:"slot,omitempty"`       // the slot that it is placed in
	Digest     bool           `json:"digest,omitempty"`     // it waits for the newsletter's next issue
	Deliveries int            `json:"deliveries,omitempty"` // planned, or that would be
	Release    *time.Time     `json:"release,omitempty"`    // not before; none: at once
	Held       publisher.Hold `json:"held,omitempty"`       // why it waits for a person
}

// An ArticleState is an article and what became of it.
type ArticleState struct {
	ID          string       `json:"id"`
	Title       string       `json:"title"`
	Lead        string       `json:"lead,omitempty"`
	Language    string       `json:"language"`
	URL         string       `json:"url,omitempty"`
	OriginalURL string       `json:"original_url,omitempty"`
	Author      string       `json:"author,omitempty"`
	Tags        []string     `json:"tags,omitempty"`
	Published   *time.Time   `json:"published,omitempty"`
	HTML        string       `json:"html"` // as it was cleaned and sanitised
	Hash        string       `json:"hash"`
	Issues      []IssueState `json:"issues"`
}

func (a *api) submit(w http.ResponseWriter, r *http.Request, t Token) error {
	var s Submission
	if err := take(r, &s); err != nil {
		return err
	}
	bodies := 0
	for _, b := range []string{s.Markdown, s.HTML, s.Text} {
		if strings.TrimSpace(b) != "" {
			bodies++
		}
	}
	wrong := func(where, detail, hint string) error {
		return &refusal{problem{Status: http.StatusUnprocessableEntity, Detail: detail, Where: where, Hint: hint}}
	}
	switch {
	case strings.TrimSpace(s.Title) == "":
		return wrong("title", "the article has no title", "add title")
	case bodies == 0:
		return wrong("markdown", "the article has no text", "add one of markdown, html and text")
	case bodies > 1:
		return wrong("markdown", "the article has several texts", "leave one of markdown, html and text")
	case len(s.To) == 0 && (s.At != "" || s.Slot != ""):
		return wrong("to", "where the routes send the article, they say when", "name newsletters and channels in to as well, or leave at and slot out")
	case s.At != "" && s.Slot != "":
		return wrong("slot", "at and slot both say when", "leave one of them out")
	}
	if key := strings.Trim(strings.TrimSpace(r.Header.Get("Idempotency-Key")), `"`); s.ID == "" && s.URL == "" {
		s.ID = key // an article with neither is known by its title, which may be mended between two tries
	}
	s.Source = "api:" + t.Name
	done, err := a.Intake.Submit(r.Context(), s)
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if done.Status == NothingToDo || done.Status == DryRun {
		status = http.StatusOK
	}
	w.Header().Set("Location", "/api/articles/"+done.Article)
	return answer(w, status, done)
}

func (a *api) article(w http.ResponseWriter, r *http.Request, _ Token) error {
	state, err := a.Intake.Article(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, state)
}
