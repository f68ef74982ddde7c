package sandbox

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

// The page is a proof desk, not an archive: it shows what arrived last, and the JSON
// lists have the rest.
const (
	groupsShown  = 20
	mailsShown   = 3   // of a publication, at both widths
	mailsListed  = 100 // of a publication, by recipient
	sourceShown  = 200_000
	contentRules = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

// page makes the pages of what arrived. Its templates hold no script, its rules allow
// none, and a mail's HTML stands in a frame that has no rights at all.
type page struct {
	s     *Server
	tmpl  *template.Template
	style template.CSS
}

func newPage(s *Server) (*page, error) {
	if s.cfg.Templates == nil || s.cfg.T == nil {
		return nil, fmt.Errorf("the configuration lacks Templates or T")
	}
	style, err := fs.ReadFile(s.cfg.Templates, "web/sandbox.css")
	if err != nil {
		return nil, err
	}
	tmpl, err := template.ParseFS(s.cfg.Templates, "web/sandbox.html.tmpl")
	if err != nil {
		return nil, err
	}
	return &page{s: s, tmpl: tmpl, style: template.CSS(style)}, nil
}

func (p *page) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		p.answer(w, r, func(words words) sheet { return p.index(words) })
	})
	mux.HandleFunc("GET /mail/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		m, ok := p.s.arrivals.mail(id)
		if !ok {
			http.NotFound(w, r)
			return
		}
		p.answer(w, r, func(words words) sheet {
			g := groupView{words: words, Title: m.Subject, At: m.At, Proofs: []mailView{p.mailView(words, &m, true)}}
			return sheet{words: words, Single: true, Groups: []groupView{g}}
		})
	})
	post := func(network, part string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			post, ok := p.s.arrivals.post(network, r.PathValue(part))
			if !ok {
				http.NotFound(w, r)
				return
			}
			p.answer(w, r, func(words words) sheet {
				g := groupView{words: words, Title: headline(&post), At: post.At, Posts: []postView{p.postView(words, &post)}}
				return sheet{words: words, Single: true, Groups: []groupView{g}}
			})
		}
	}
	mux.HandleFunc("GET /mastodon/@crieur/{id}", post(Mastodon, "id"))
	mux.HandleFunc("GET /mastodon/users/crieur/statuses/{id}", post(Mastodon, "id"))
	mux.HandleFunc("GET /bluesky/profile/{handle}/post/{rkey}", post(Bluesky, "rkey"))
	mux.HandleFunc("GET /x/"+xScreenName+"/status/{id}", post(X, "id"))
	mux.HandleFunc("GET /x/i/web/status/{id}", post(X, "id"))
}

// words are the messages of one page: its language, and whether it stands alone.
type words struct {
	Lang   string
	Static bool
	page   *page
}

func (w words) T(key string, args ...any) string {
	return w.page.s.cfg.T(w.Lang, "sandbox."+key, args...)
}

func (w words) Day(t time.Time) string {
	return w.page.s.cfg.Date(w.Lang, t.In(w.page.s.cfg.Location))
}

func (w words) Clock(t time.Time) string { return t.In(w.page.s.cfg.Location).Format("15:04:05") }

// Number writes a count as its language groups digits.
func (w words) Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	mark := ","
	if w.Lang == "fr" {
		mark = "\u202f"
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + mark + s[i:]
	}
	return s
}

func (w words) Stamp(t time.Time) string { return t.Format(time.RFC3339) }

// sheet is a whole page.
type sheet struct {
	words
	Style  template.CSS
	Rules  string
	Now    time.Time
	Mails  int // accepted in all
	Posts  int
	Faults []faultState
	Groups []groupView
	Older  int // publications left out
	Single bool
}

// groupView is one publication: what went out together.
type groupView struct {
	words
	Title  string
	At     time.Time
	Posts  []postView
	Proofs []mailView // shown at both widths
	Rows   []mailRowView
	Mails  int // of this publication
	More   int // left out of Rows
}

type mailRowView struct {
	words
	ID        int64
	To        string
	MessageID string
	At        time.Time
	Size      int64
	Duplicate int64
}

func (p *page) answer(w http.ResponseWriter, r *http.Request, build func(words) sheet) {
	lang := preferred(r.Header.Get("Accept-Language"), p.s.cfg.Language)
	out, err := p.render(build(words{Lang: lang, page: p}))
	if err != nil {
		p.s.cfg.Log.Error("the sandbox page failed", "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentRules)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", lang)
	w.Write(out)
}

func (p *page) render(s sheet) ([]byte, error) {
	s.Style, s.Rules, s.Now = p.style, contentRules, p.s.cfg.Now()
	s.Faults = p.s.faults.state()
	s.Mails = len(p.s.arrivals.allMails())
	s.Posts = len(p.s.arrivals.allPosts(""))
	var b bytes.Buffer
	err := p.tmpl.ExecuteTemplate(&b, "sandbox.html.tmpl", s)
	return b.Bytes(), err
}

// WriteIndex writes the page of all that arrived into one file that needs no server,
// whole or not at all. Its error is Invalid: the path cannot be written.
func (s *Server) WriteIndex(path string) error {
	out, err := s.page.render(s.page.index(words{Lang: s.cfg.Language, Static: true, page: s.page}))
	if err != nil {
		return problem(publisher.Internal, "make the sandbox page", path, "", err)
	}
	tmp := path + ".new"
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
		if err = os.WriteFile(tmp, out, 0o600); err == nil {
			err = os.Rename(tmp, path)
		}
	}
	return problem(publisher.Invalid, "write the sandbox page", path, "see to it that the state folder can be written", err)
}

func (p *page) index(w words) sheet {
	s := sheet{words: w}
	groups := group(p.s.arrivals.allMails(), p.s.arrivals.allPosts(""), p.mailLinks)
	if len(groups) > groupsShown {
		s.Older = len(groups) - groupsShown
		groups = groups[:groupsShown]
	}
	for _, g := range groups {
		v := groupView{words: w, Title: g.title, At: g.at, Mails: len(g.mails)}
		for _, post := range g.posts {
			v.Posts = append(v.Posts, p.postView(w, post))
		}
		for i, m := range g.mails {
			if i < mailsShown {
				v.Proofs = append(v.Proofs, p.mailView(w, m, i == 0))
			}
			if i < mailsListed {
				v.Rows = append(v.Rows, mailRowView{w, m.ID, strings.Join(m.To, ", "), m.MessageID, m.At, m.Raw.Size, m.Duplicate})
			}
		}
		v.More = max(0, len(g.mails)-mailsListed)
		s.Groups = append(s.Groups, v)
	}
	return s
}

// preferred gives the page's language that an Accept-Language header weighs most.
func preferred(header, otherwise string) string {
	type choice struct {
		lang   string
		weight float64
	}
	var list []choice
	for item := range strings.SplitSeq(header, ",") {
		lang, q, weighted := strings.Cut(strings.TrimSpace(item), ";q=")
		weight := 1.0
		if weighted {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				weight = 0
			}
		}
		lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
		if len(lang) == 2 && weight > 0 {
			list = append(list, choice{lang, weight})
		}
	}
	slices.SortStableFunc(list, func(a, b choice) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	for _, c := range list {
		if c.lang == "fr" || c.lang == "en" {
			return c.lang
		}
	}
	return otherwise
}
