package mail_test

import (
	"bytes"
	"flag"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	gomail "github.com/wneessen/go-mail"

	"crieur/publisher"
	"crieur/publisher/mail"
)

var update = flag.Bool("update", false, "write golden files")

const nonce = "5f1d"

func marker(f publisher.MergeField) string { return publisher.Marker(nonce, f) }

func letter() *publisher.Letter {
	return &publisher.Letter{
		Rendering: &publisher.Rendering{
			Language: "fr", Nonce: nonce,
			Subject: "Le bac rouvre\u00a0: trois traversées par jour, dès lundi, entre les deux rives",
			HTML: "<!doctype html>\n<html lang=\"fr\"><body>\n<p>" + marker(publisher.MergeGreeting) + "</p>\n" +
				"<p>Le bac « Marie-Jeanne » rouvre lundi, après six mois de travaux. Les trois traversées du matin sont gratuites pour les écoliers.</p>\n" +
				".une ligne qui commence par un point\n-- une autre\nFrom ici\n" +
				"<p><a href=\"" + marker(publisher.MergeUnsubscribe) + "\">Se désabonner</a> " + marker(publisher.MergeEmail) + "</p>\n</body></html>\n",
			Text: marker(publisher.MergeGreeting) + "\n\nLe bac « Marie-Jeanne » rouvre lundi.\n\n.point\n-- \nSe désabonner\u00a0: " + marker(publisher.MergeUnsubscribe) + "\n",
		},
		From:       publisher.Address{Name: "La Gazette du Marais", Email: "lettre@gazette.example"},
		ReplyTo:    publisher.Address{Name: "Rédaction, La Gazette", Email: "redaction@gazette.example"},
		ListID:     "quotidien.gazette.example",
		ListName:   "Le quotidien de la Gazette, édition du matin",
		FeedbackID: "i42:quotidien:newsletter:crieur",
		Domain:     "gazette.example",
		Date:       time.Date(2026, 11, 23, 7, 30, 0, 0, time.FixedZone("", 3600)),
	}
}

func mailTo(l *publisher.Letter, name, email string) publisher.Mail {
	return publisher.Mail{Letter: l, Key: "0123456789abcdef0123", To: publisher.Address{Name: name, Email: email},
		Merge: publisher.Merge{
			publisher.MergeName: name, publisher.MergeGreeting: "Bonjour " + name + ",", publisher.MergeEmail: email,
			publisher.MergeSince:       "1er février 2026",
			publisher.MergeUnsubscribe: "https://gazette.example/u/abcdefghijklmnopqrstuvwxyz?l=quotidien&x=1",
			publisher.MergePreferences: "https://gazette.example/p/abcdefghijklmnopqrstuvwxyz",
			publisher.MergeView:        "https://gazette.example/i/42",
		}}
}

func built(t testing.TB, m publisher.Mail) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := mail.Build(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBuildGolden(t *testing.T) {
	got := built(t, mailTo(letter(), "Zoé Œuvrard", "zoe@exämple.org"))
	path := filepath.Join("testdata", "letter.eml")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	wellFormed(t, got)
}

// read is a message as its reader's program understands it.
type read struct {
	Header map[string][]string
	Parts  []readPart
}

type readPart struct{ Type, Body string }

func parse(t testing.TB, raw []byte) read {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, raw)
	}
	out := read{Header: map[string][]string{}}
	for field, values := range msg.Header {
		for _, v := range values {
			switch field {
			case "From", "To", "Reply-To":
				list, err := netmail.ParseAddressList(v)
				if err != nil {
					t.Fatalf("%s: %v: %q", field, err, v)
				}
				v = ""
				for _, a := range list {
					v += fmt.Sprintf("%q %s;", a.Name, a.Address)
				}
			case "Content-Type":
				v, _, err = mime.ParseMediaType(v)
			default:
				v, err = new(mime.WordDecoder).DecodeHeader(v)
			}
			if err != nil {
				t.Fatalf("%s: %v", field, err)
			}
			out.Header[field] = append(out.Header[field], v)
		}
	}
	part := func(kind, encoding string, body io.Reader) {
		if encoding != "quoted-printable" {
			t.Fatalf("a part comes as %q", encoding)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		out.Parts = append(out.Parts, readPart{kind, strings.ReplaceAll(string(text), "\r\n", "\n")})
	}
	kind, params, _ := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if !strings.HasPrefix(kind, "multipart/") {
		part(kind, msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
		return out
	}
	for r := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p)
	}
}

// wellFormed holds a message to what a strict server and a DKIM signature need.
func wellFormed(t testing.TB, raw []byte) {
	t.Helper()
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		t.Error("the message does not end with CR LF")
	}
	inHeader := true
	for line := range strings.SplitSeq(strings.TrimSuffix(string(raw), "\r\n"), "\r\n") {
		inHeader = inHeader && line != ""
		switch {
		case strings.ContainsAny(line, "\r\n"):
			t.Errorf("bare CR or LF in %q", line)
		case len(line) > 998 || !inHeader && len(line) > 76:
			t.Errorf("line of %d octets: %.80q…", len(line), line)
		case strings.HasPrefix(line, "."):
			t.Errorf("a line begins with a dot: %q", line)
		case !inHeader && strings.HasPrefix(line, "From "):
			t.Errorf("a line begins like an mbox separator: %q", line)
		case !inHeader && strings.HasSuffix(line, " "):
			t.Errorf("white space ends the line %q", line)
		}
		for _, c := range []byte(line) {
			if c >= 0x80 || c < ' ' && c != '\t' {
				t.Errorf("octet %#x in %q", c, line)
				break
			}
		}
	}
}

// onLine does independently what the package promises of a reader's values.
func onLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), func(r rune) bool {
		return r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	}), " ")
}

// plain builds the same mail the plain way: go-mail, once per reader.
func plain(t testing.TB, m publisher.Mail, asciiTo string) []byte {
	t.Helper()
	l := m.Letter
	fill := func(body string, escape func(string) string) string {
		body = strings.ToValidUTF8(body, "\ufffd")
		body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
		for _, f := range publisher.MergeFields() {
			body = strings.ReplaceAll(body, marker(f), escape(onLine(m.Merge[f])))
		}
		return body
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	name := func(s string) string {
		r := []rune(onLine(s))
		return string(r[:min(len(r), 128)])
	}
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderFrom, &netmail.Address{Name: name(l.From.Name), Address: l.From.Email})
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderTo, &netmail.Address{Name: name(m.To.Name), Address: asciiTo})
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderReplyTo, &netmail.Address{Name: name(l.ReplyTo.Name), Address: l.ReplyTo.Email})
	msg.Subject(onLine(l.Rendering.Subject))
	msg.SetDateWithValue(l.Date)
	msg.SetMessageIDWithValue(m.MessageID())
	msg.SetGenHeader("Content-Language", l.Rendering.Language)
	msg.SetGenHeader("Feedback-ID", l.FeedbackID)
	if err := msg.SetListUnsubscribeOneClick(m.Merge[publisher.MergeUnsubscribe]); err != nil {
		t.Fatal(err)
	}
	msg.SetGenHeaderPreformatted("List-Id", mime.QEncoding.Encode("utf-8", l.ListName)+" <"+l.ListID+">")
	msg.SetBodyString(gomail.TypeTextPlain, fill(l.Rendering.Text, func(s string) string { return s }))
	msg.AddAlternativeString(gomail.TypeTextHTML, fill(l.Rendering.HTML, html.EscapeString))
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzSpliceEqualsPlain(f *testing.F) {
	for _, name := range hostileNames {
		f.Add(name, "Sujet", "<p>é</p>\n", "texte")
	}
	f.Add("Zoé", "Un sujet\r\nBcc: x@y.fr", strings.Repeat("x", 5000), "\r\n.\r\nQUIT\r\n")
	f.Add(strings.Repeat("é", 300), "", strings.Repeat("🗞️ ", 300), "\r\r\n \n\t\n=\n= \n")
	f.Add("", "\u00a0!", "\xff\xfe", "a\x00b")
	f.Fuzz(func(t *testing.T, name, subject, before, after string) {
		l := letter()
		l.Rendering.Subject = subject
		l.Rendering.HTML = before + marker(publisher.MergeGreeting) + marker(publisher.MergeName) + after + "\n" + marker(publisher.MergeUnsubscribe)
		l.Rendering.Text = after + "\n" + marker(publisher.MergeName) + before + marker(publisher.MergeEmail)
		m := mailTo(l, name, "zoe@example.org")
		for _, field := range publisher.MergeFields() {
			if strings.Contains(before+after+subject+name, "crieurmerge"+nonce) {
				t.Skip("the text forges a marker", field)
			}
		}
		var b bytes.Buffer
		if err := mail.Build(&b, m); err != nil {
			if publisher.KindOf(err) == publisher.Invalid && longWord(subject) {
				return
			}
			t.Fatal(err)
		}
		wellFormed(t, b.Bytes())
		parse(t, b.Bytes())
		if strings.Contains(onLine(subject+name), "=?") {
			return // an encoded word that the reader wrote is decoded like ours
		}
		if strings.Contains(name, `\`) {
			name = strings.ReplaceAll(name, `\`, "/") // see phrase: the plain way is broken here
			m.To.Name, m.Merge[publisher.MergeName], m.Merge[publisher.MergeGreeting] = name, name, name
			b.Reset()
			if err := mail.Build(&b, m); err != nil {
				t.Fatal(err)
			}
		}
		got, want := parse(t, b.Bytes()), parse(t, plain(t, m, "zoe@example.org"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("spliced differs from plain (-plain +spliced):\n%s", diff)
		}
	})
}

func longWord(s string) bool {
	for w := range strings.FieldsSeq(s) {
		if len(w) > 900 {
			return true
		}
	}
	return false
}

var hostileNames = []string{
	"Zoé\r\nBcc: victim@example.org", "a\nb", "a\rb", "a\x00b", "a\u2028b", "a\u0085b", `"><script>alert(1)</script>`, "';--",
	"Durand, Marie (SARL) <x@y.fr>", `back\slash "quoted"`, "=?utf-8?q?fake?=", strings.Repeat("a", 2000), strings.Repeat("é ", 2000),
	".", "..", "--", "From me", " \t ", "\xff\xfe", "🗞️👩‍👩‍👧", "محمد", "{{.Name}}", "crieurmerge", "=", "=3D=\r\n", "a b",
	`\é`, "\"é\"", "é, (è) <a@b.fr>",
}

func TestNothingInjectsAHeader(t *testing.T) {
	fields := func(m publisher.Mail) map[string]int {
		got := map[string]int{}
		for field, values := range parse(t, built(t, m)).Header {
			got[field] = len(values)
		}
		return got
	}
	want := fields(mailTo(letter(), "Zoé", "zoe@example.org"))
	for _, field := range []string{"From", "To", "Reply-To", "Subject", "Date", "Message-Id", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
		"Feedback-Id", "Mime-Version", "Content-Language", "Content-Type"} {
		if want[field] != 1 {
			t.Errorf("%d × %s", want[field], field)
		}
	}
	for _, field := range []string{"User-Agent", "X-Mailer", "Bcc", "Precedence", "Auto-Submitted", "Return-Path"} {
		if want[field] != 0 {
			t.Errorf("there is a field %s", field)
		}
	}
	for i, evil := range hostileNames {
		l := letter()
		l.From.Name, l.ReplyTo.Name, l.ListName, l.FeedbackID = evil, evil, evil, "x"+evil
		if len(evil) < 500 {
			l.Rendering.Subject = evil
		} else {
			l.FeedbackID = "x"
		}
		m := mailTo(l, evil, "zoe@example.org")
		raw := built(t, m)
		wellFormed(t, raw)
		if diff := cmp.Diff(want, fields(m)); diff != "" {
			t.Errorf("name %d %.40q (-want +got):\n%s", i, evil, diff)
		}
		if strings.Contains(parse(t, raw).Parts[1].Body, "<script>") {
			t.Errorf("name %.40q stands unescaped in the HTML", evil)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*publisher.Letter, *publisher.Mail)
		kind   publisher.Kind
	}{
		"recipient with a newline":    {func(_ *publisher.Letter, m *publisher.Mail) { m.To.Email = "a@b.fr\r\nDATA" }, publisher.Invalid},
		"recipient with brackets":     {func(_ *publisher.Letter, m *publisher.Mail) { m.To.Email = "a@b.fr> SIZE=1" }, publisher.Invalid},
		"two recipients":              {func(_ *publisher.Letter, m *publisher.Mail) { m.To.Email = "a@b.fr,c@d.fr" }, publisher.Invalid},
		"impossible domain":           {func(_ *publisher.Letter, m *publisher.Mail) { m.To.Email = "a@\u0301é.fr" }, publisher.Invalid},
		"no sender":                   {func(l *publisher.Letter, _ *publisher.Mail) { l.From.Email = "" }, publisher.Invalid},
		"bad reply-to":                {func(l *publisher.Letter, _ *publisher.Mail) { l.ReplyTo.Email = "x y@z" }, publisher.Invalid},
		"bad envelope":                {func(l *publisher.Letter, _ *publisher.Mail) { l.EnvelopeFrom = "<>" }, publisher.Invalid},
		"bad return address":          {func(_ *publisher.Letter, m *publisher.Mail) { m.ReturnPath = "a@b.fr>\r\nDATA" }, publisher.Internal},
		"no date":                     {func(l *publisher.Letter, _ *publisher.Mail) { l.Date = time.Time{} }, publisher.Invalid},
		"no body":                     {func(l *publisher.Letter, _ *publisher.Mail) { l.Rendering.HTML, l.Rendering.Text = "", "" }, publisher.Invalid},
		"no domain":                   {func(l *publisher.Letter, _ *publisher.Mail) { l.Domain = "" }, publisher.Invalid},
		"domain in letters":           {func(l *publisher.Letter, _ *publisher.Mail) { l.Domain = "exämple.org" }, publisher.Invalid},
		"list id with a newline":      {func(l *publisher.Letter, _ *publisher.Mail) { l.ListID = "a.b\r\nX: y" }, publisher.Invalid},
		"Auto-Submitted with newline": {func(l *publisher.Letter, _ *publisher.Mail) { l.AutoSubmitted = "auto\r\nX: y" }, publisher.Invalid},
		"subject without a space":     {func(l *publisher.Letter, _ *publisher.Mail) { l.Rendering.Subject = strings.Repeat("x", 1200) }, publisher.Invalid},
		"unknown merge field":         {func(l *publisher.Letter, _ *publisher.Mail) { l.Rendering.HTML += marker("phone") }, publisher.Invalid},
		"no rendering":                {func(l *publisher.Letter, _ *publisher.Mail) { l.Rendering = nil }, publisher.Internal},
		"no unsubscribe address":      {func(_ *publisher.Letter, m *publisher.Mail) { delete(m.Merge, publisher.MergeUnsubscribe) }, publisher.Internal},
		"unsubscribe breaks out": {func(_ *publisher.Letter, m *publisher.Mail) {
			m.Merge[publisher.MergeUnsubscribe] = "https://x.fr/>\r\nBcc: y"
		}, publisher.Internal},
		"unsubscribe is a script": {func(_ *publisher.Letter, m *publisher.Mail) {
			m.Merge[publisher.MergeUnsubscribe] = "javascript:alert(1)"
		}, publisher.Internal},
		"key with a newline": {func(_ *publisher.Letter, m *publisher.Mail) { m.Key = "a\r\nX: y" }, publisher.Internal},
		"no key":             {func(_ *publisher.Letter, m *publisher.Mail) { m.Key = "" }, publisher.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			l := letter()
			m := mailTo(l, "Zoé", "zoe@example.org")
			test.change(l, &m)
			var b bytes.Buffer
			err := mail.Build(&b, m)
			if err == nil || publisher.KindOf(err) != test.kind {
				t.Errorf("error %v of kind %v, want %v", err, publisher.KindOf(err), test.kind)
			}
			if b.Len() > 0 {
				t.Errorf("%d bytes were written all the same", b.Len())
			}
		})
	}
}

func TestParts(t *testing.T) {
	l := letter()
	l.Rendering.HTML, l.ListID, l.AutoSubmitted = "", "", "auto-generated"
	l.Rendering.Text = "Confirmez : " + marker(publisher.MergeUnsubscribe)
	m := mailTo(l, "", "zoe@example.org")
	raw := built(t, m)
	wellFormed(t, raw)
	got := parse(t, raw)
	if got.Header["Content-Type"][0] != "text/plain" || got.Header["Auto-Submitted"][0] != "auto-generated" {
		t.Errorf("header %v", got.Header)
	}
	for _, field := range []string{"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"} {
		if len(got.Header[field]) > 0 {
			t.Errorf("a confirmation has %s", field)
		}
	}
	if body := strings.TrimSuffix(got.Parts[0].Body, "\n"); body != "Confirmez : "+m.Merge[publisher.MergeUnsubscribe] {
		t.Errorf("body %q", body)
	}
}

func TestAddressesInOtherScripts(t *testing.T) {
	l := letter()
	raw := string(built(t, mailTo(l, "Jérôme", "jerome@exämple.org")))
	if !strings.Contains(raw, "<jerome@xn--exmple-cua.org>") || !utf8.ValidString(raw) || strings.Contains(raw, "ä") {
		t.Errorf("the domain is not in ASCII:\n%.300s", raw)
	}
	raw = string(built(t, mailTo(l, "Jérôme", "jérôme@exämple.org")))
	if !strings.Contains(raw, "<jérôme@xn--exmple-cua.org>") {
		t.Errorf("a local part in UTF-8 changed:\n%.300s", raw)
	}
}

func TestCompiledIsForItsLetter(t *testing.T) {
	c, err := mail.Compile(letter())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Append(nil, mailTo(letter(), "Zoé", "zoe@example.org")); err == nil {
		t.Error("a mail of another letter was filled in")
	}
}

func bigLetter() *publisher.Letter {
	l := letter()
	paragraph := "<p>" + strings.Repeat("Le bac « Marie-Jeanne » rouvre lundi, après six mois de travaux. ", 12) + "</p>\n"
	l.Rendering.HTML = strings.Replace(l.Rendering.HTML, "</body>", strings.Repeat(paragraph, 45)+"</body>", 1)
	l.Rendering.Text += strings.Repeat("Le bac rouvre lundi, après six mois de travaux.\n", 80)
	return l
}

func BenchmarkCompile(b *testing.B) {
	l := bigLetter()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mail.Compile(l); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSplice(b *testing.B) {
	l := bigLetter()
	c, err := mail.Compile(l)
	if err != nil {
		b.Fatal(err)
	}
	m := mailTo(l, "Zoé Œuvrard", "zoe@example.org")
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = c.Append(buf[:0], m); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkPlain(b *testing.B) {
	m := mailTo(bigLetter(), "Zoé Œuvrard", "zoe@example.org")
	b.ReportAllocs()
	for b.Loop() {
		plain(b, m, "zoe@example.org")
	}
}
