package sandbox_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"crieur/publisher"
	"crieur/publisher/sandbox"
)

// element is a start tag with its attributes.
type element struct {
	name string
	attr map[string]string
}

func elements(t testing.TB, page string) []element {
	t.Helper()
	var out []element
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			e := element{tok.Data, map[string]string{}}
			for _, a := range tok.Attr {
				e.attr[a.Key] = a.Val
			}
			out = append(out, e)
		}
	}
}

// harmless wants a page without anything that could run or that a rule would have to
// stop: no script, no handler, frames without rights, links to the web only.
func harmless(t testing.TB, page string) (frames int) {
	t.Helper()
	for _, e := range elements(t, page) {
		switch e.name {
		case "script", "object", "embed", "base", "svg", "math":
			t.Errorf("an element %s %v", e.name, e.attr)
		case "iframe":
			frames++
			if rights, ok := e.attr["sandbox"]; !ok || rights != "" || e.attr["src"] != "" {
				t.Errorf("a frame with rights %q, address %q", rights, e.attr["src"])
			}
			for _, inner := range elements(t, e.attr["srcdoc"]) {
				if src := inner.attr["src"]; inner.name == "img" && src != "" && !strings.HasPrefix(src, "data:") {
					t.Errorf("a mail's %s would fetch %q", inner.name, src)
				}
			}
		}
		for name, value := range e.attr {
			if strings.HasPrefix(name, "on") {
				t.Errorf("a handler %s=%q", name, value)
			}
			scheme, _, ok := strings.Cut(strings.ToLower(strings.TrimSpace(value)), ":")
			if (name == "href" || name == "src" || name == "action") && ok && !strings.ContainsAny(scheme, "/?#") &&
				scheme != "http" && scheme != "https" && scheme != "mailto" && scheme != "data" {
				t.Errorf("%s=%q", name, value)
			}
			if name == "href" && scheme == "data" && value != "data:," {
				t.Errorf("a link to %.60q", value)
			}
		}
	}
	return frames
}

const hostile = `<script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>"'</iframe></title></style>`

func TestPageIsHarmless(t *testing.T) {
	s := start(t, config(t))
	mail := "<html><body onload=\"alert(1)\">" + hostile + "<a href=\"javascript:alert(1)\">go</a><a href=\"https://gazette.example.org/ete\">ici</a>" +
		"<img src=\"https://tracker.example/p.gif\" alt=\"Rien\"><form action=\"https://evil.example\"><button>go</button></form></body></html>\r\n"
	d := dial(t, s).hello()
	d.deliver(250, "ana@example.org", letter("a", map[string]string{"Content-Type": "text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit", "body": mail,
		"Subject": hostile, "From": `"<script>alert(1)</script>" <lettre@gazette.example>`, "X-Note": hostile}))
	want(t, mastodonOf(t, s).call("POST", "/api/v1/statuses", "<script>", url.Values{"status": {hostile}, "spoiler_text": {hostile[:40]}}), 200)
	b := blueskyOf(t, s)
	want(t, b.put(tid1, record(map[string]any{"text": hostile, "facets": []any{facet(0, 9, link("javascript:alert(1)"))},
		"embed": m{"$type": "app.bsky.embed.external", "external": m{"uri": "javascript://x/%0aalert(1)", "title": hostile, "description": hostile}}}), nil), 200)
	want(t, xOf(t, s).json("/2/tweets", m{"text": hostile}), 201)
	s.SetFaults(faults(t, "smtp=550:<script>@example.org"))

	index := filepath.Join(t.TempDir(), "deep", "arrived.html")
	if err := s.WriteIndex(index); err != nil {
		t.Fatal(err)
	}
	static, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{"static": string(static)}
	posts := send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/posts.json"})
	paths := []string{"/", "/mail/1"}
	for i := range posts.json.([]any) {
		paths = append(paths, strings.TrimPrefix(posts.text(i, "url"), s.HTTPURL()))
	}
	for _, path := range paths {
		a := want(t, send(t, call{method: "GET", url: s.HTTPURL() + path}), 200)
		if rules := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(rules, "default-src 'none'") || strings.Contains(rules, "script") {
			t.Errorf("%s: rules %q", path, rules)
		}
		pages[path] = a.body
	}
	if len(pages) != 6 {
		t.Fatalf("%d pages: %v", len(pages), paths)
	}
	for path, page := range pages {
		t.Run(path, func(t *testing.T) {
			frames := harmless(t, page)
			if shows := path == "/" || path == "/mail/1" || path == "static"; shows != (frames == 2) {
				t.Errorf("%d frames", frames)
			}
			if strings.Contains(page, "alert(1)") == false {
				t.Error("the hostile text is not shown: the page shows nothing")
			}
		})
	}
	for path, kind := range map[string]string{"/sandbox/mails/1.eml": "text/plain"} {
		a := want(t, send(t, call{method: "GET", url: s.HTTPURL() + path}), 200)
		if !strings.HasPrefix(a.header.Get("Content-Type"), kind) || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, a.header)
		}
	}
}

func TestPageShows(t *testing.T) {
	c := config(t)
	hosted := picture(t, 3, 3)
	c.Resolve = func(link string) ([]byte, string, bool) {
		return hosted, "image/png", link == "http://127.0.0.1:8080/media/a.png"
	}
	s := start(t, c)
	title := "Au bord de la Sorle, l’été s’attarde"
	mail := func(id, to string) string {
		return letter(id, map[string]string{"Subject": "=?utf-8?q?Au_bord_de_la_Sorle,_l=E2=80=99=C3=A9t=C3=A9_s=E2=80=99attarde?=", "To": to,
			"Content-Type": "text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit",
			"body":         "<img src=\"http://127.0.0.1:8080/media/a.png\" alt=\"Une place\"><a href=\"https://gazette.example.org/ete\">lire</a>\r\n"})
	}
	d := dial(t, s).hello()
	for i := range 5 {
		to := fmt.Sprintf("lecteur%d@example.org", i)
		d.deliver(250, to, mail(fmt.Sprint("m", i%4), to))
	}
	d.deliver(250, "ana@example.org", letter("other", nil))
	text := title + "\n\nhttps://gazette.example.org/ete?utm_source=mastodon"
	want(t, mastodonOf(t, s).call("POST", "/api/v1/statuses", "", url.Values{"status": {text}, "spoiler_text": {"Météo"}}), 200)
	x := xOf(t, s)
	first := want(t, x.json("/2/tweets", m{"text": "Autres mots : https://gazette.example.org/ete"}), 201)
	want(t, x.json("/2/tweets", m{"text": "Et la suite", "reply": m{"in_reply_to_tweet_id": first.text("data", "id")}}), 201)

	page := func(language string) string {
		return want(t, send(t, call{method: "GET", url: s.HTTPURL() + "/", header: map[string]string{"Accept-Language": language}}), 200).body
	}
	today := c.Date("fr", time.Now().UTC())
	french := page("fr-FR,fr;q=0.9,en;q=0.8")
	for _, part := range []string{`<html lang="fr">`, "Le bac à sable", "6 courriels", "3 publications", "Téléphone, 375 px", "Météo", "Même Message-ID que le courriel 1",
		fmt.Sprintf("%d / 500", len([]rune(title))+2+23+5), "data:image/png;base64,", ">gazette.example.org/ete</a>"} {
		if !strings.Contains(french, part) {
			t.Errorf("no %q", part)
		}
	}
	if tomorrow := c.Date("fr", time.Now().UTC()); !strings.Contains(french, today) && !strings.Contains(french, tomorrow) {
		t.Errorf("no %q", today)
	}
	// The post with the title, the one with the link and the answer to it stand with
	// their letter.
	if n := strings.Count(french, `<article class="publication">`); n != 2 {
		t.Errorf("%d publications, want 2", n)
	}
	if english := page("de, en;q=0.5, fr;q=0.4"); !strings.Contains(english, `<html lang="en">`) || !strings.Contains(english, "6 mails") {
		t.Error("not in English")
	}
	if strings.Contains(french, "sandbox.") && strings.Contains(french, ">sandbox.") {
		t.Error("a message is missing")
	}
	want(t, send(t, call{method: "GET", url: s.HTTPURL() + "/mail/99"}), 404)
	want(t, send(t, call{method: "GET", url: s.HTTPURL() + "/x/crieur/status/99"}), 404)

	index := filepath.Join(t.TempDir(), "arrived.html")
	if err := s.WriteIndex(index); err != nil {
		t.Fatal(err)
	}
	static, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range elements(t, string(static)) {
		for _, name := range []string{"href", "src", "action"} {
			if strings.HasPrefix(e.attr[name], "/") {
				t.Errorf("a file has no %s=%q", name, e.attr[name])
			}
		}
	}
	blocked := filepath.Join(index, "below", "a.html")
	if err := s.WriteIndex(blocked); publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("kind %v: %v", publisher.KindOf(err), err)
	}
}

func TestEmptyPage(t *testing.T) {
	s := start(t, config(t))
	a := want(t, send(t, call{method: "GET", url: s.HTTPURL() + "/", header: map[string]string{"Accept-Language": "fr"}}), 200)
	if !strings.Contains(a.body, "Rien n’est encore arrivé") {
		t.Error(a.body)
	}
	harmless(t, a.body)
}

// Whatever a client writes after DATA, the server answers, lives on, and shows a page
// without harm.
func FuzzMail(f *testing.F) {
	s := start(f, config(f))
	f.Add(letter("a", nil))
	f.Add(letter("a", map[string]string{"Content-Type": "text/html\r\nContent-Transfer-Encoding: base64", "body": "PHNjcmlwdD4=\r\n"}))
	f.Add(letter("a", map[string]string{"Content-Type": `multipart/mixed; boundary="frontier"`, "body": "--frontier\r\n\r\n--frontier\r\n--frontier--\r\n"}))
	f.Add("From: a\r\n b\r\n\r\n")
	f.Add(strings.ReplaceAll(letter("a", map[string]string{"body": hostile + "\r\n"}), "multipart/alternative", "text/html"))
	f.Fuzz(func(t *testing.T, mail string) {
		conn := dial(t, s).hello()
		conn.conn.SetDeadline(time.Now().Add(5 * time.Second))
		conn.say(250, "MAIL FROM:<lettre@gazette.example> BODY=8BITMIME")
		conn.say(250, "RCPT TO:<ana@example.org>")
		conn.say(354, "DATA")
		conn.write(stuffed(mail))
		code, text, err := conn.text.ReadResponse(0)
		if code != 250 && code != 554 {
			t.Fatalf("answer %d %q, %v to %q", code, text, err, mail)
		}
		if code == 250 {
			a := send(t, call{method: "GET", url: s.HTTPURL() + "/"})
			want(t, a, 200)
			harmless(t, a.body)
			want(t, send(t, call{method: "DELETE", url: s.HTTPURL() + "/sandbox/arrivals"}), 204)
		}
		conn.say(221, "QUIT")
	})
}

// stuffed is a mail as it stands on the wire: RFC 5321 §4.5.2.
func stuffed(mail string) string {
	lines := strings.SplitAfter(mail, "\r\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = "." + l
		}
	}
	mail = strings.Join(lines, "")
	if !strings.HasSuffix(mail, "\r\n") {
		mail += "\r\n"
	}
	return mail + ".\r\n"
}

func FuzzParseFault(f *testing.F) {
	for _, s := range []string{"x=503", "smtp=451@0.1:3:a@b.example", "mastodon/any=timeout", "=", "smtp/=421"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := sandbox.ParseFault(text)
		if err != nil {
			return
		}
		again, err := sandbox.ParseFault(fault.String())
		if err != nil || again != fault {
			t.Errorf("%q is %+v, written %q, which is %+v, %v", text, fault, fault, again, err)
		}
	})
}
