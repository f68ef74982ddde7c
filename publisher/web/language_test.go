package web_test

import (
	"net/http"
	"strings"
	"testing"

	"crieur/publisher/web"
)

func TestLanguage(t *testing.T) {
	for name, test := range map[string]struct{ own, accept, site, want string }{
		"the reader’s own":              {own: "en", accept: "fr", site: "fr", want: "en"},
		"the reader’s own, with region": {own: "en-CA", accept: "fr", site: "fr", want: "en"},
		"own is not spoken":             {own: "de", accept: "en", site: "fr", want: "en"},
		"the browser’s":                 {accept: "en-GB,en;q=0.9", site: "fr", want: "en"},
		"the browser’s first":           {accept: "fr,en", site: "en", want: "fr"},
		"by weight":                     {accept: "fr;q=0.3, en;q=0.8", site: "fr", want: "en"},
		"by weight, spaces and case":    {accept: " EN ; Q=0.8 , fr ; q=0.9 ", site: "en", want: "fr"},
		"first that is spoken":          {accept: "de-CH, br;q=0.9, en;q=0.5, fr;q=0.1", site: "fr", want: "en"},
		"refused":                       {accept: "en;q=0", site: "fr", want: "fr"},
		"refused, three digits":         {accept: "en;q=0.000, de", site: "fr", want: "fr"},
		"anything":                      {accept: "*", site: "fr", want: "fr"},
		"no weight at all":              {accept: "en;q=high", site: "fr", want: "fr"},
		"weight out of bounds":          {accept: "en;q=7, fr;q=-1", site: "fr", want: "fr"},
		"weight that is no number":      {accept: "en;q=NaN", site: "fr", want: "fr"},
		"rubbish":                       {accept: ";;,,=,-,\x00,;q=1", site: "fr", want: "fr"},
		"none":                          {site: "fr", want: "fr"},
		"site’s is not spoken":          {site: "de", want: "en"},
		"nothing said":                  {want: "en"},
	} {
		t.Run(name, func(t *testing.T) {
			readers := newPeople()
			person := readers.persons[camille]
			person.Language = test.own
			readers.persons[camille] = person
			h := publicPages(t, readers, func(c *web.Config) { c.Language = test.site })
			w := ask(h, "GET", "/p/"+camille, func(r *http.Request) {
				if test.accept != "" {
					r.Header.Set("Accept-Language", test.accept)
				}
			})
			if got := w.Header().Get("Content-Language"); got != test.want {
				t.Errorf("Content-Language: %s, want %s", got, test.want)
			}
			if lang, _ := attribute(elements(t, w.Body.String())["html"][0], "lang"); lang != test.want {
				t.Errorf("lang=%q, want %q", lang, test.want)
			}
		})
	}
}

// Every message that a page wants exists: what lacks is shown as its name.
func TestPagesAreTranslated(t *testing.T) {
	for _, lang := range []string{"fr", "en"} {
		readers := newPeople()
		readers.persons["none"] = web.Person{Email: "none@example.org"}
		h := publicPages(t, readers, func(c *web.Config) { c.Language = lang })
		pages := map[string]string{}
		for _, target := range []string{"/u/" + camille, "/u/" + camille + "?l=alertes", "/p/" + camille, "/p/none", "/u/" + gone, "/"} {
			pages[target] = ask(h, "GET", target).Body.String()
		}
		_, pages["saved"] = post(t, h, "/p/"+camille, urlencoded, form("act", "save"))
		readers.err = http.ErrServerClosed
		pages["failed"] = ask(h, "GET", "/u/"+camille).Body.String()
		for name, page := range pages {
			if got := said(t, page); strings.Contains(got, "web.") {
				t.Errorf("%s, %s: words are lacking: %s", lang, name, got)
			}
		}
	}
}
