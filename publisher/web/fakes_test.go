package web_test

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"crieur/publisher"
	"crieur/publisher/locale"
	"crieur/publisher/web"
	"crieur/templates"
)

const (
	camille = "kx3vq7ab2mzt5wh4njc6pdrysa" // on lecteurs and dimanche, left alertes
	jo      = "pi7xt54d4qt7zinyditxmagqwq" // on lecteurs, and on no other list ever
	gone    = "zzzzzzzzzzzzzzzzzzzzzzzzzz"
)

// people is an audience in memory that remembers what was asked of it.
type people struct {
	mu      sync.Mutex
	persons map[string]web.Person
	changes []string // what Leave and Join were asked for
	err     error    // of every call from now on
}

var _ web.Readers = (*people)(nil)

func newPeople() *people {
	return &people{persons: map[string]web.Person{
		camille: {Email: "camille@example.org", Lists: []web.List{
			{Name: "lecteurs", Title: "Les lecteurs", Description: "L’article du jour.", On: true},
			{Name: "dimanche", Title: "Le Marais du dimanche", On: true},
			{Name: "alertes", Title: "Alertes"},
		}},
		jo: {Email: "jo@example.org", Language: "en", Lists: []web.List{{Name: "lecteurs", Title: "Les lecteurs", On: true}}},
	}}
}

func (p *people) Lookup(_ context.Context, token string) (web.Person, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	person, ok := p.persons[token]
	if p.err != nil || !ok {
		return web.Person{}, p.fault()
	}
	person.Lists = slices.Clone(person.Lists)
	return person, nil
}

func (p *people) Leave(_ context.Context, token, list, how string) (bool, error) {
	return p.set(token, list, "leave", how, false)
}

func (p *people) Join(_ context.Context, token, list, how string) (bool, error) {
	return p.set(token, list, "join", how, true)
}

func (p *people) set(token, list, what, how string, on bool) (changed bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes = append(p.changes, strings.TrimSpace(what+" "+list)+" by "+how)
	person, ok := p.persons[token]
	if p.err != nil || !ok {
		return false, p.fault()
	}
	for i, l := range person.Lists {
		if list == "" || l.Name == list {
			changed = changed || l.On != on
			person.Lists[i].On = on
		}
	}
	return changed, nil
}

func (p *people) fault() error {
	if p.err != nil {
		return p.err
	}
	return &publisher.Error{Kind: publisher.NotFound, Op: "find reader"}
}

// on lists what someone gets.
func (p *people) on(token string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, l := range p.persons[token].Lists {
		if l.On {
			names = append(names, l.Name)
		}
	}
	return names
}

func (p *people) changed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.changes)
}

// shelf is an archive with one issue and pictures of several types.
type shelf struct{ err error }

var _ web.Archive = shelf{}

const issuePage = "<!doctype html><title>Orvallon</title><p>La halle rouvre."

func (s shelf) Page(_ context.Context, issueID, articleID string) (string, error) {
	if s.err != nil {
		return "", s.err
	}
	switch {
	case issueID == "27a8bc7c" && articleID == "":
		return issuePage, nil
	case issueID == "27a8bc7c" && articleID == "a2":
		return strings.Replace(issuePage, "La halle rouvre", "Un article de la lettre", 1), nil
	}
	return "", &publisher.Error{Kind: publisher.NotFound, Op: "find issue"}
}

func (s shelf) Media(_ context.Context, hash string) ([]byte, string, error) {
	mediaType, ok := map[string]string{"aa": "image/jpeg", "bb": "image/png", "cc": "image/svg+xml", "dd": "text/html", "ee": "image/jpeg, text/html"}[hash]
	if s.err != nil {
		return nil, "", s.err
	}
	if !ok {
		return nil, "", &publisher.Error{Kind: publisher.NotFound, Op: "find picture"}
	}
	return []byte("0123456789"), mediaType, nil
}

func catalogue(t testing.TB) *locale.Catalogue {
	t.Helper()
	words, err := fs.Sub(templates.FS, "locale")
	if err != nil {
		t.Fatal(err)
	}
	c, err := locale.New(words, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func publicPages(t testing.TB, readers web.Readers, change func(*web.Config)) http.Handler {
	t.Helper()
	c := web.Config{Readers: readers, Archive: shelf{}, Catalogue: catalogue(t), Templates: templates.FS,
		SiteName: "La Gazette du Marais", SiteURL: "https://gazette.example", Language: "fr"}
	if change != nil {
		change(&c)
	}
	h, err := web.Public(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask sends one request to a handler.
func ask(h http.Handler, method, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "127.0.0.1" // pages of a preview answer for addresses only
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// elements lists the elements of a page by name.
func elements(t testing.TB, page string) map[string][]*html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]*html.Node{}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			found[n.Data] = append(found[n.Data], n)
		}
	}
	return found
}

// said gives what a page says to a reader, with plain spaces.
func said(t testing.TB, page string) string {
	t.Helper()
	return textOf(elements(t, page)["body"][0])
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "style" && d.Parent.Data != "script" {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}
