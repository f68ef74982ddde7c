package web_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"crieur/publisher/web"
)

// harmless fails where a page could run something or lead somewhere that its
// template does not.
func harmless(t testing.TB, page string) {
	t.Helper()
	known := []string{"html", "head", "meta", "title", "style", "body", "header", "a", "span", "p", "main", "h1", "form", "input", "button",
		"fieldset", "label", "b", "footer"}
	attributes := []string{"lang", "dir", "charset", "name", "content", "class", "href", "method", "action", "type", "value", "checked", "role", "aria-label"}
	for name, nodes := range elements(t, page) {
		if !slices.Contains(known, name) {
			t.Errorf("the page has an element %q", name)
		}
		for _, n := range nodes {
			for _, a := range n.Attr {
				if !slices.Contains(attributes, a.Key) {
					t.Errorf("the page has an attribute %s=%q", a.Key, a.Val)
				}
				if a.Key != "href" && a.Key != "action" {
					continue
				}
				if u, err := url.Parse(a.Val); err != nil || u.Host != "" && a.Val != "https://gazette.example" || !strings.HasPrefix(a.Val, "/p/") && u.Host == "" {
					t.Errorf("the page leads to %q", a.Val)
				}
			}
		}
	}
}

func TestHostileWords(t *testing.T) {
	for name, word := range map[string]string{
		"script":          `<script>alert(1)</script>`,
		"attribute":       `" onfocus="alert(1)" autofocus x="`,
		"closed elements": `</title></style></button></label></main><img src=x onerror=alert(1)>`,
		"template":        `{{.Token}}<%= 1 %>`,
		"entities":        `&lt;script&gt;&#x3c;b&#x3e;`,
		"not UTF-8":       "\xff<\xc0script>\xe2\x80",
		"control":         "a\x00b\x1b[31m\u202e<b>",
		"long":            strings.Repeat("<", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			readers := newPeople()
			readers.persons[camille] = web.Person{Email: word, Lists: []web.List{
				{Name: word, Title: word, Description: word, On: true}, {Name: "b" + word, Title: word, Description: word},
			}}
			h := publicPages(t, readers, nil)
			query := url.Values{"l": {word}}.Encode()
			for _, target := range []string{"/u/" + camille, "/u/" + camille + "?" + query, "/u/" + camille + "?l=b" + query[2:], "/p/" + camille, "/p/" + url.PathEscape(word)} {
				harmless(t, ask(h, "GET", target).Body.String())
				harmless(t, send(h, target, "act=leave&"+query).Body.String())
				harmless(t, send(h, target, "act=join&list="+url.QueryEscape(word)).Body.String())
			}
		})
	}
}

func send(h http.Handler, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	r.Header.Set("Content-Type", urlencoded)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestSiteCannotBreakItsPages(t *testing.T) {
	for name, test := range map[string]struct{ url, logo, accent string }{
		"script as address": {url: "javascript:alert(1)"},
		"script as logo":    {logo: `https://x.example/" onerror="alert(1)`},
		"style as accent":   {accent: "#fff}</style><script>alert(1)</script>"},
		"accent and more":   {accent: "#8a1c1c;}*{display:none"},
	} {
		t.Run(name, func(t *testing.T) {
			h := publicPages(t, newPeople(), func(c *web.Config) { c.SiteURL, c.Logo, c.Accent = test.url, test.logo, test.accent })
			page := ask(h, "GET", "/p/"+camille).Body.String()
			found := elements(t, page)
			if len(found["script"]) > 0 || strings.Contains(page, "display:none") {
				t.Error(page)
			}
			for _, nodes := range found {
				for _, n := range nodes {
					if href, _ := attribute(n, "href"); strings.HasPrefix(href, "javascript:") {
						t.Error("the page leads to", href)
					}
					if _, ok := attribute(n, "onerror"); ok {
						t.Error("the logo runs a script")
					}
				}
			}
		})
	}
}

// Whatever is asked, by whatever method, nothing is said that the templates do not
// say, nothing is logged that carries a token, and looking changes nothing.
func FuzzPages(f *testing.F) {
	f.Add("GET", "/u/"+camille, "l=lecteurs", "", "fr")
	f.Add("POST", "/u/"+camille, "l=%3Cscript%3E", "List-Unsubscribe=One-Click", "en;q=0.5")
	f.Add("POST", "/p/"+camille, "", "act=save&list=lecteurs", "*")
	f.Add("HEAD", "/p/%00%ff", "", "", "de,\xff;q=1")
	f.Add("POST", "/u/../p/x", "l", "act=join&list=a&list=b;c", "")
	f.Add("GET", "/media/aa.jpeg", "", "", "")
	words := catalogue(f)
	f.Fuzz(func(t *testing.T, method, path, query, body, accept string) {
		target := (&url.URL{Path: path, RawQuery: query}).String()
		r, err := http.NewRequest(method, target, strings.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		r.Header.Set("Content-Type", urlencoded)
		r.Header.Set("Accept-Language", accept)
		var log bytes.Buffer
		readers := newPeople()
		h := publicPages(t, readers, func(c *web.Config) {
			c.Catalogue, c.Log = words, slog.New(slog.NewTextHandler(&log, nil))
		})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Header().Get("Content-Type") == "text/html; charset=utf-8" && w.Body.String() != issuePage && w.Header().Get("Location") == "" {
			harmless(t, w.Body.String())
		}
		if changed := readers.changed(); len(changed) > 0 && (r.Method != "POST" || w.Code >= 300) {
			t.Errorf("%s %q changed %v and got %d", method, target, changed, w.Code)
		}
		if log.Len() > 0 {
			t.Error("log:", log.String())
		}
	})
}
