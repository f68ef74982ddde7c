package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/web"
)

const urlencoded = "application/x-www-form-urlencoded"

// post sends a body as a browser or provider does, over a real connection, and
// follows no redirect.
func post(t testing.TB, h http.Handler, target, mediaType string, body io.Reader) (*http.Response, string) {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := http.NewRequest("POST", s.URL+target, body)
	if err != nil {
		t.Fatal(err)
	}
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(page)
}

func form(pairs ...string) io.Reader {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return strings.NewReader(v.Encode())
}

func multipartForm(t testing.TB, pairs ...string) (mediaType string, body io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		if err := w.WriteField(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &b
}

func TestOneClick(t *testing.T) {
	for name, test := range map[string]struct {
		target    string
		multipart bool
		changes   []string
		still     []string
	}{
		"one list":          {target: "/u/" + camille + "?l=lecteurs", changes: []string{"leave lecteurs by one-click"}, still: []string{"dimanche"}},
		"all lists":         {target: "/u/" + camille, changes: []string{"leave by one-click"}},
		"multipart":         {target: "/u/" + camille + "?l=dimanche", multipart: true, changes: []string{"leave dimanche by one-click"}, still: []string{"lecteurs"}},
		"list already left": {target: "/u/" + camille + "?l=alertes", changes: []string{"leave alertes by one-click"}, still: []string{"lecteurs", "dimanche"}},
		"list of others":    {target: "/u/" + camille + "?l=autre", changes: []string{"leave by one-click"}}, // whoever clicks wants out

		"token of nobody":     {target: "/u/" + gone, still: []string{"lecteurs", "dimanche"}},
		"token of long ago":   {target: "/u/" + gone + "?l=lecteurs", multipart: true, still: []string{"lecteurs", "dimanche"}},
		"token of other make": {target: "/u/1%2F..%2F%00%3Cx%3E", still: []string{"lecteurs", "dimanche"}},
	} {
		t.Run(name, func(t *testing.T) {
			readers := newPeople()
			h := publicPages(t, readers, nil)
			var want []string
			for range 3 { // providers try again
				mediaType, body := urlencoded, io.Reader(strings.NewReader("List-Unsubscribe=One-Click"))
				if test.multipart {
					mediaType, body = multipartForm(t, "List-Unsubscribe", "One-Click")
				}
				res, page := post(t, h, test.target, mediaType, body)
				if res.StatusCode != http.StatusOK || page == "" {
					t.Fatalf("got %s", res.Status)
				}
				if res.Header.Get("Set-Cookie") != "" || res.Header.Get("Location") != "" {
					t.Error("the answer wants a cookie or another place:", res.Header)
				}
				want = append(want, test.changes...)
			}
			if diff := cmp.Diff(want, readers.changed()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.still, readers.on(camille)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// removed is an audience from which a reader vanishes between two questions.
type removed struct{ *people }

func (r removed) Leave(ctx context.Context, _, list, how string) (bool, error) {
	return r.people.Leave(ctx, gone, list, how)
}

func (r removed) Join(ctx context.Context, _, list, how string) (bool, error) {
	return r.people.Join(ctx, gone, list, how)
}

func TestReaderRemovedMeanwhile(t *testing.T) {
	h := publicPages(t, removed{newPeople()}, nil)
	for name, test := range map[string]struct {
		target, body string
		status       int
	}{
		"one-click": {"/u/" + camille, "List-Unsubscribe=One-Click", 200},
		"rejoining": {"/u/" + camille, "act=join&list=lecteurs", 404},
		"choosing":  {"/p/" + camille, "act=leave", 404},
	} {
		t.Run(name, func(t *testing.T) {
			if w := send(h, test.target, test.body); w.Code != test.status {
				t.Errorf("got %d: %s", w.Code, said(t, w.Body.String()))
			}
		})
	}
}

func TestLeavingIsNeverRefused(t *testing.T) {
	for name, test := range map[string]struct{ mediaType, body, how string }{
		"the page’s button": {urlencoded, "act=leave", "page"},
		"empty body":        {urlencoded, "", "page"},
		"no type":           {"", "List-Unsubscribe=One-Click", "page"},
		"plain text":        {"text/plain", "List-Unsubscribe=One-Click", "page"},
		"with charset":      {urlencoded + "; charset=utf-8", "List-Unsubscribe=One-Click", "one-click"},
		"one-click in URL":  {urlencoded, "x=1", "page"},
	} {
		t.Run(name, func(t *testing.T) {
			readers := newPeople()
			res, page := post(t, publicPages(t, readers, nil), "/u/"+camille+"?l=lecteurs&List-Unsubscribe=One-Click", test.mediaType, strings.NewReader(test.body))
			if res.StatusCode != http.StatusOK || !strings.Contains(said(t, page), "C’est fait") {
				t.Errorf("got %s: %s", res.Status, said(t, page))
			}
			if diff := cmp.Diff([]string{"leave lecteurs by " + test.how}, readers.changed()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormsThatAreRefused(t *testing.T) {
	long := strings.Repeat("x", 20<<10)
	boundary := "multipart/form-data; boundary=b"
	for name, test := range map[string]struct {
		mediaType, body string
		status          int
	}{
		"urlencoded, too long":         {urlencoded, "act=save&list=" + long, 413},
		"multipart, too long":          {boundary, "--b\r\nContent-Disposition: form-data; name=\"list\"\r\n\r\n" + long + "\r\n--b--\r\n", 413},
		"multipart, file too long":     {boundary, "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + long + "\r\n--b--\r\n", 413},
		"multipart, no boundary":       {"multipart/form-data", "--b\r\n", 400},
		"multipart, cut off":           {boundary, "--b\r\nContent-Disposition: form-data; name=\"list\"\r\n\r\nlecteurs", 400},
		"urlencoded, broken escape":    {urlencoded, "act=save&list=%zz", 400},
		"urlencoded, broken separator": {urlencoded, "act=save&a;b=c", 400},
	} {
		for _, target := range []string{"/u/" + camille, "/p/" + camille} {
			for length, body := range map[string]io.Reader{
				"stated": strings.NewReader(test.body), "not stated": io.MultiReader(strings.NewReader(test.body)),
			} {
				t.Run(fmt.Sprintf("%s, %s, length %s", name, target[:2], length), func(t *testing.T) {
					t.Parallel() // what was refused lingers half a second
					readers := newPeople()
					res, _ := post(t, publicPages(t, readers, nil), target, test.mediaType, body)
					if res.StatusCode != test.status {
						t.Errorf("got %s, want %d", res.Status, test.status)
					}
					if got := readers.changed(); len(got) > 0 {
						t.Error("it changed something:", got)
					}
				})
			}
		}
	}
}

// press finds the page's form that has a button with this text, and sends it as a
// browser does.
func press(t *testing.T, h http.Handler, target, page, button string) (*http.Response, string) {
	t.Helper()
	for _, f := range elements(t, page)["form"] {
		values, pressed := url.Values{}, false
		for n := range f.Descendants() {
			name, _ := attribute(n, "name")
			value, _ := attribute(n, "value")
			kind, _ := attribute(n, "type")
			_, checked := attribute(n, "checked")
			switch {
			case n.Data == "input" && (kind == "hidden" || checked):
				values.Add(name, value)
			case n.Data == "button" && textOf(n) == button:
				pressed = true
				if name != "" {
					values.Add(name, value)
				}
			}
		}
		if !pressed {
			continue
		}
		if action, ok := attribute(f, "action"); ok {
			target = action
		}
		return post(t, h, target, urlencoded, strings.NewReader(values.Encode()))
	}
	t.Fatalf("no button %q on the page: %s", button, said(t, page))
	return nil, ""
}

func TestLeaveAndComeBack(t *testing.T) {
	for name, test := range map[string]struct {
		token, query  string
		leave, back   string
		left, rejoint []string
		changes       []string
	}{
		"one of several": {token: camille, query: "?l=dimanche", leave: "Me désinscrire", back: "Me réinscrire",
			left: []string{"lecteurs"}, rejoint: []string{"lecteurs", "dimanche"},
			changes: []string{"leave dimanche by page", "join dimanche by page"}},
		// Coming back after leaving all brings no list that was left long before.
		"all": {token: camille, leave: "Me désinscrire", back: "Me réinscrire",
			rejoint: []string{"lecteurs", "dimanche"},
			changes: []string{"leave by page", "join lecteurs by page", "join dimanche by page"}},
		"the only one, in English": {token: jo, leave: "Unsubscribe me", back: "Subscribe me again",
			rejoint: []string{"lecteurs"}, changes: []string{"leave by page", "join lecteurs by page"}},
	} {
		t.Run(name, func(t *testing.T) {
			readers := newPeople()
			h := publicPages(t, readers, nil)
			target := "/u/" + test.token + test.query
			res, page := press(t, h, target, ask(h, "GET", target).Body.String(), test.leave)
			if diff := cmp.Diff(test.left, readers.on(test.token)); res.StatusCode != 200 || diff != "" {
				t.Fatalf("%s %s", res.Status, diff)
			}
			res, _ = press(t, h, target, page, test.back)
			if diff := cmp.Diff(test.rejoint, readers.on(test.token)); res.StatusCode != 200 || diff != "" {
				t.Fatalf("%s %s", res.Status, diff)
			}
			if diff := cmp.Diff(test.changes, readers.changed()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhoLeftAllLongAgoChooses(t *testing.T) {
	readers := newPeople()
	person := readers.persons[camille]
	for i := range person.Lists {
		person.Lists[i].On = false
	}
	h := publicPages(t, readers, nil)
	page := ask(h, "GET", "/u/"+camille).Body.String()
	if forms := elements(t, page)["form"]; len(forms) > 0 || !strings.Contains(page, `href="/p/`+camille+`"`) {
		t.Error("one click would bring back lists of which no one knows whether they are wanted: " + said(t, page))
	}
}

func TestRejoiningNamesOwnLists(t *testing.T) {
	readers := newPeople()
	h := publicPages(t, readers, nil)
	res, page := post(t, h, "/u/"+camille, urlencoded, form("act", "join", "list", "autre", "list", "", "list", "alertes"))
	if res.StatusCode != 200 || !strings.Contains(page, "Vos choix sont enregistrés") {
		t.Errorf("got %s: %s", res.Status, said(t, page))
	}
	if diff := cmp.Diff([]string{"join alertes by page"}, readers.changed()); diff != "" {
		t.Error(diff)
	}
	res, _ = post(t, h, "/u/"+gone, urlencoded, form("act", "join", "list", "alertes"))
	if res.StatusCode != 200 || len(readers.changed()) != 1 {
		t.Errorf("got %s and %v", res.Status, readers.changed())
	}
}

func TestChoosing(t *testing.T) {
	for name, test := range map[string]struct {
		fields  []string
		changes []string
		on      []string
	}{
		"nothing new":     {fields: []string{"act", "save", "list", "lecteurs", "list", "dimanche"}, on: []string{"lecteurs", "dimanche"}},
		"one more":        {fields: []string{"act", "save", "list", "lecteurs", "list", "dimanche", "list", "alertes"}, changes: []string{"join alertes by preferences"}, on: []string{"lecteurs", "dimanche", "alertes"}},
		"one for another": {fields: []string{"act", "save", "list", "lecteurs", "list", "alertes"}, changes: []string{"leave dimanche by preferences", "join alertes by preferences"}, on: []string{"lecteurs", "alertes"}},
		"none":            {fields: []string{"act", "save"}, changes: []string{"leave lecteurs by preferences", "leave dimanche by preferences"}},
		"the way out":     {fields: []string{"list", "lecteurs", "act", "leave"}, changes: []string{"leave lecteurs by preferences", "leave dimanche by preferences"}},
		"list of others":  {fields: []string{"act", "save", "list", "lecteurs", "list", "dimanche", "list", "autre"}, on: []string{"lecteurs", "dimanche"}},
	} {
		for _, multi := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, multipart %t", name, multi), func(t *testing.T) {
				readers := newPeople()
				mediaType, body := urlencoded, form(test.fields...)
				if multi {
					mediaType, body = multipartForm(t, test.fields...)
				}
				res, page := post(t, publicPages(t, readers, nil), "/p/"+camille, mediaType, body)
				if res.StatusCode != 200 || !strings.Contains(page, "Vos choix sont enregistrés") {
					t.Errorf("got %s: %s", res.Status, said(t, page))
				}
				if diff := cmp.Diff(test.changes, readers.changed()); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(test.on, readers.on(camille)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestChoosingNeedsAButton(t *testing.T) {
	for name, fields := range map[string][]string{
		"empty": nil, "one-click": {"List-Unsubscribe", "One-Click"}, "other act": {"act", "join", "list", "alertes"},
	} {
		t.Run(name, func(t *testing.T) {
			readers := newPeople()
			res, page := post(t, publicPages(t, readers, nil), "/p/"+camille, urlencoded, form(fields...))
			if got := readers.changed(); len(got) > 0 || res.StatusCode != 200 || strings.Contains(said(t, page), "enregistrés") {
				t.Errorf("got %s and %v: %s", res.Status, got, said(t, page))
			}
		})
	}
}

func TestChoosingByButton(t *testing.T) {
	readers := newPeople()
	h := publicPages(t, readers, nil)
	page := ask(h, "GET", "/p/"+camille).Body.String()
	_, page = press(t, h, "/p/"+camille, page, "Enregistrer")
	if got := readers.changed(); len(got) > 0 || !strings.Contains(said(t, page), "Vos choix sont enregistrés") {
		t.Fatalf("saving what stands there changed %v: %s", got, said(t, page))
	}
	_, page = press(t, h, "/p/"+camille, page, "Me désinscrire de tout")
	if got := readers.on(camille); len(got) > 0 {
		t.Fatal("still on", got)
	}
	if strings.Contains(page, "Me désinscrire de tout") {
		t.Error("who gets nothing is offered to leave")
	}
	if res, _ := post(t, h, "/p/"+gone, urlencoded, form("list", "lecteurs")); res.StatusCode != 404 {
		t.Error("choices of no one:", res.Status)
	}
}

func TestWhoIsOnNoList(t *testing.T) {
	readers := newPeople()
	readers.persons[gone] = web.Person{Email: "ines@example.net"}
	h := publicPages(t, readers, nil)
	for _, target := range []string{"/p/" + gone, "/u/" + gone} {
		w := ask(h, "GET", target)
		if w.Code != 200 || len(elements(t, w.Body.String())["form"]) > 0 || !strings.Contains(w.Body.String(), "ines@example.net") {
			t.Errorf("%s: got %d: %s", target, w.Code, said(t, w.Body.String()))
		}
	}
}
