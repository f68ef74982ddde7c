package sandbox_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"crieur/publisher/sandbox"
)

// dialogue is an SMTP client that says exactly what it is told.
type dialogue struct {
	t    testing.TB
	conn net.Conn
	text *textproto.Reader
}

func dial(t testing.TB, s *sandbox.Server) *dialogue {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.SMTPAddr(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	d := &dialogue{t, conn, textproto.NewReader(bufio.NewReader(conn))}
	d.expect(220)
	return d
}

// say writes a line and wants a code; it gives the answer's text.
func (d *dialogue) say(code int, format string, args ...any) string {
	d.t.Helper()
	d.write(fmt.Sprintf(format, args...) + "\r\n")
	return d.expect(code)
}

func (d *dialogue) write(s string) {
	d.t.Helper()
	if _, err := io.WriteString(d.conn, s); err != nil {
		d.t.Fatal(err)
	}
}

func (d *dialogue) expect(code int) string {
	d.t.Helper()
	got, text, err := d.text.ReadResponse(0)
	if err != nil && got == 0 {
		d.t.Fatalf("want %d: %v", code, err)
	}
	if got != code {
		d.t.Fatalf("got %d %s, want %d", got, text, code)
	}
	return text
}

func (d *dialogue) hello() *dialogue {
	d.t.Helper()
	d.say(250, "EHLO client.example")
	return d
}

// deliver hands a mail over and wants a code at its end.
func (d *dialogue) deliver(code int, to, mail string) string {
	d.t.Helper()
	d.say(250, "MAIL FROM:<lettre@gazette.example>")
	d.say(250, "RCPT TO:<%s>", to)
	d.say(354, "DATA")
	d.write(mail + ".\r\n")
	return d.expect(code)
}

// letter is a mail as it should be, with headers replaced: a value "-" leaves one out.
func letter(id string, changes map[string]string) string {
	headers := [][2]string{
		{"From", "La Gazette <lettre@gazette.example>"}, {"To", "ana@example.org"}, {"Subject", "=?utf-8?q?L=E2=80=99=C3=A9t=C3=A9?="},
		{"Date", "Mon, 6 Jan 2020 08:00:00 +0100"}, {"Message-ID", "<" + id + "@gazette.example>"},
		{"List-Id", "Quotidien <quotidien.gazette.example>"}, {"List-Unsubscribe", "<https://gazette.example/u/abc>"},
		{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}, {"MIME-Version", "1.0"},
		{"Content-Type", `multipart/alternative; boundary="frontier"`},
	}
	var b strings.Builder
	for _, h := range headers {
		value, changed := changes[h[0]]
		if !changed {
			value = h[1]
		}
		if value != "-" {
			fmt.Fprintf(&b, "%s: %s\r\n", h[0], value)
		}
	}
	b.WriteString("\r\n")
	if body, ok := changes["body"]; ok {
		return b.String() + body
	}
	return b.String() + "--frontier\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		"L=E2=80=99=C3=A9t=C3=A9 est l=C3=A0.\r\n" +
		"--frontier\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		"<p>L=E2=80=99=C3=A9t=C3=A9 est=\r\n <a href=3D\"https://gazette.example/ete\">l=C3=A0</a>.</p>\r\n" +
		"--frontier--\r\n"
}

func morning(c sandbox.Config) sandbox.Config {
	c.Now = func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }
	return c
}

func TestSMTPGreeting(t *testing.T) {
	s := start(t, config(t))
	d := dial(t, s)
	got := d.say(250, "EHLO client.example")
	for _, ability := range []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 26214400", "AUTH PLAIN LOGIN"} {
		if !strings.Contains(got, ability) {
			t.Errorf("no %s in %q", ability, got)
		}
	}
}

func TestSMTPKeepsMails(t *testing.T) {
	s := start(t, morning(config(t)))
	d := dial(t, s).hello()
	// The whole of two mails in one write each, as a pipelining client does it.
	for _, id := range []string{"one", "two"} {
		d.write("MAIL FROM:<lettre@gazette.example>\r\nRCPT TO:<ana@example.org>\r\nRCPT TO:<ben@example.org>\r\nDATA\r\n")
		d.expect(250)
		d.expect(250)
		d.expect(250)
		d.expect(354)
		d.write(letter(id, nil) + ".\r\n")
		d.expect(250)
	}
	d.deliver(250, "ana@example.org", letter("one", nil))
	a := want(t, send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/mails.json"}), 200)
	rows := a.json.([]any)
	if len(rows) != 5 {
		t.Fatalf("%d rows, want 5: %s", len(rows), a.body)
	}
	last := answer{json: rows[4]}
	if last.text("to") != "ana@example.org" || last.text("message_id") != "one@gazette.example" || last.at("duplicate") != true ||
		last.text("subject") != "L’été" {
		t.Errorf("last row: %v", rows[4])
	}
	raw := want(t, send(t, call{method: "GET", url: s.HTTPURL() + last.text("raw")}), 200)
	if raw.body != letter("one", nil) {
		t.Errorf("source changed:\n%s", raw.body)
	}
	want(t, send(t, call{method: "DELETE", url: s.HTTPURL() + "/sandbox/arrivals"}), 204)
	if a := send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/mails.json"}); len(a.json.([]any)) != 0 {
		t.Errorf("not empty: %s", a.body)
	}
	want(t, send(t, call{method: "GET", url: s.HTTPURL() + last.text("raw")}), 404)
}

func TestSMTPRefuses(t *testing.T) {
	s := start(t, morning(config(t)))
	changed := func(header, value string) string { return letter("a", map[string]string{header: value}) }
	encoded := func(encoding, body string) string {
		return letter("a", map[string]string{"Content-Type": "text/plain\r\nContent-Transfer-Encoding: " + encoding, "body": body})
	}
	for name, c := range map[string]struct{ mail, because string }{
		"no From":               {changed("From", "-"), "no From header"},
		"no To":                 {changed("To", "-"), "no To header"},
		"no Date":               {changed("Date", "-"), "no Date header"},
		"no Message-ID":         {changed("Message-ID", "-"), "no Message-Id header"},
		"bad Message-ID":        {changed("Message-ID", "abc"), "not <left@right>"},
		"two Message-IDs":       {changed("Message-ID", "<a@b.example>\r\nMessage-ID: <c@b.example>"), "2 Message-Id headers"},
		"two Subjects":          {changed("Subject", "one\r\nSubject: two"), "2 Subject headers"},
		"bad Date":              {changed("Date", "yesterday"), "no date"},
		"Date to come":          {changed("Date", "Mon, 23 Nov 2037 08:00:00 +0100"), "in the future"},
		"bad From":              {changed("From", "La Gazette"), "no list of addresses"},
		"no List-Unsubscribe":   {changed("List-Unsubscribe", "-"), "without a List-Unsubscribe address"},
		"only mailto":           {changed("List-Unsubscribe", "<mailto:a@b.example>"), "without a List-Unsubscribe address"},
		"no one-click":          {changed("List-Unsubscribe-Post", "-"), "without List-Unsubscribe-Post"},
		"no MIME-Version":       {changed("MIME-Version", "-"), "without MIME-Version"},
		"no boundary":           {changed("Content-Type", "multipart/alternative"), "without a boundary"},
		"open multipart":        {changed("body", "--frontier\r\nContent-Type: text/plain\r\n\r\nabc\r\n"), "does not end with its boundary"},
		"no part":               {changed("body", "nothing\r\n"), "multipart"},
		"no header":             {"\r\nbody\r\n", "no empty line after the header"},
		"empty header":          {"\r\n\r\nbody\r\n", "no header"},
		"no end of header":      {"From: a@b.example\r\n", "no empty line after the header"},
		"header without name":   {"From a\r\n" + letter("a", nil), "no field name"},
		"long line":             {changed("Subject", strings.Repeat("a", 999)), "more than 998"},
		"bare LF":               {strings.Replace(letter("a", nil), "\r\nSubject", "\nSubject", 1), "without a carriage return"},
		"bare CR":               {changed("Subject", "a\rBcc: b@c.example"), "control character"},
		"CR CR LF at the end":   {changed("body", "--frontier\r\n\r\n--frontier--\r\r\n"), "carriage return without"},
		"NUL":                   {changed("Subject", "a\x00b"), "control character"},
		"8-bit unannounced":     {changed("Subject", "été"), "8-bit"},
		"bad quoted-printable":  {encoded("quoted-printable", "a =zz\r\n"), "no escape"},
		"long quoted-printable": {encoded("quoted-printable", strings.Repeat("a", 77)+"\r\n"), "more than 76"},
		"blank at line's end":   {encoded("quoted-printable", "a \r\n"), "ends with a blank"},
		"bad base64":            {encoded("base64", "%%\r\n"), "not base64"},
		"unknown encoding":      {encoded("uu", "a\r\n"), "Content-Transfer-Encoding"},
		"bad charset":           {letter("a", map[string]string{"Content-Type": "text/plain; charset=latin1", "body": "a\r\n"}), "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			d := dial(t, s).hello()
			text := d.deliver(554, "ana@example.org", c.mail)
			if !strings.HasPrefix(text, "5.6.") || !strings.Contains(text, c.because) {
				t.Errorf("answer %q, want 5.6.x because of %q", text, c.because)
			}
			// The connection lives on, and the next mail is taken.
			d.deliver(250, "ana@example.org", letter("good", nil))
		})
	}
}

func TestSMTPEightBit(t *testing.T) {
	s := start(t, morning(config(t)))
	mail := letter("a", map[string]string{"Content-Type": "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit", "body": "été\r\n"})
	d := dial(t, s).hello()
	d.deliver(554, "ana@example.org", mail)
	d.say(250, "MAIL FROM:<lettre@gazette.example> BODY=8BITMIME")
	d.say(250, "RCPT TO:<ana@example.org>")
	d.say(354, "DATA")
	d.write(mail + ".\r\n")
	d.expect(250)
	d.say(553, "MAIL FROM:<rédaction@gazette.example>")
	d.say(250, "MAIL FROM:<rédaction@gazette.example> SMTPUTF8")
	d.say(250, "RCPT TO:<jérôme@example.org>")
	d.say(250, "RSET")
	d.say(552, "MAIL FROM:<lettre@gazette.example> SIZE=26214401")
}

func TestSMTPEndlessLine(t *testing.T) {
	s := start(t, config(t))
	d := dial(t, s).hello()
	// The server answers 500 and closes; what it had not read may turn its answer into
	// a reset, and either may come before all is written.
	_, err := io.WriteString(d.conn, "NOOP "+strings.Repeat("a", 1<<17))
	for err == nil {
		_, err = d.text.ReadLine()
	}
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		t.Errorf("the connection lives: %v", err)
	}
}

func TestSMTPDotStuffing(t *testing.T) {
	s := start(t, morning(config(t)))
	changed := map[string]string{"Content-Type": "text/plain", "body": "..\r\n..a\r\nend\r\n"}
	dial(t, s).hello().deliver(250, "ana@example.org", letter("a", changed))
	a := send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/mails/1.eml"})
	if !strings.HasSuffix(a.body, "\r\n\r\n.\r\n.a\r\nend\r\n") {
		t.Errorf("got %q", a.body)
	}
}

func TestSMTPAuth(t *testing.T) {
	c := config(t)
	c.Credentials.SMTPUser, c.Credentials.SMTPPassword = "ada", "s3cret"
	s := start(t, c)
	for name, lines := range map[string][][2]string{
		"plain":          {{"235", "AUTH PLAIN AGFkYQBzM2NyZXQ="}},
		"plain in steps": {{"334", "AUTH PLAIN"}, {"235", "AGFkYQBzM2NyZXQ="}},
		"login":          {{"334", "AUTH LOGIN"}, {"334", "YWRh"}, {"235", "czNjcmV0"}},
		"login at once":  {{"334", "AUTH LOGIN YWRh"}, {"235", "czNjcmV0"}},
		"wrong plain":    {{"535", "AUTH PLAIN AGFkYQB3cm9uZw=="}},
		"wrong login":    {{"334", "AUTH LOGIN"}, {"334", "YWRh"}, {"535", "d3Jvbmc="}},
		"unknown":        {{"504", "AUTH CRAM-MD5"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := dial(t, s).hello()
			for _, l := range lines {
				var code int
				fmt.Sscan(l[0], &code)
				d.say(code, "%s", l[1])
			}
		})
	}
}

func TestSMTPFaults(t *testing.T) {
	s := start(t, morning(config(t)))
	count := func() int {
		return len(send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/mails.json"}).json.([]any))
	}
	dropped := func(d *dialogue) {
		t.Helper()
		if _, err := d.text.ReadLine(); !errors.Is(err, io.EOF) && !isReset(err) {
			t.Fatalf("the connection lives: %v", err)
		}
	}
	d := dial(t, s).hello()

	s.SetFaults(faults(t, "smtp=550:ben@example.org"))
	d.say(250, "MAIL FROM:<lettre@gazette.example>")
	d.say(550, "RCPT TO:<ben@example.org>")
	d.say(250, "RCPT TO:<ana@example.org>")
	d.say(250, "RSET")

	s.SetFaults(faults(t, "smtp=451@0.25"))
	refused := 0
	for range 20 {
		d.say(250, "MAIL FROM:<lettre@gazette.example>")
		d.write("RCPT TO:<ana@example.org>\r\n")
		if code, _, _ := d.text.ReadResponse(0); code == 451 {
			refused++
		}
		d.say(250, "RSET")
	}
	if refused != 5 {
		t.Errorf("%d of 20 refused, want 5", refused)
	}

	s.SetFaults(faults(t, "smtp/post=452:1"))
	d.deliver(452, "ana@example.org", letter("a", nil))
	d.deliver(250, "ana@example.org", letter("a", nil))

	s.SetFaults(faults(t, "smtp=hangup-before:1", "smtp=hangup-after:1"))
	for _, kept := range []int{1, 2} {
		d := dial(t, s).hello()
		d.say(250, "MAIL FROM:<lettre@gazette.example>")
		d.say(250, "RCPT TO:<ana@example.org>")
		d.say(354, "DATA")
		d.write(letter("b", nil) + ".\r\n")
		dropped(d)
		if got := count(); got != kept {
			t.Errorf("%d mails kept, want %d", got, kept)
		}
	}

	s.SetFaults(faults(t, "smtp=421:1"))
	d = dial(t, s)
	d.say(421, "EHLO client.example")
	dropped(d)

	s.SetFaults(faults(t, "smtp=535:1"))
	d = dial(t, s).hello()
	d.say(535, "AUTH PLAIN AGFkYQBzM2NyZXQ=")

	s.SetFaults(faults(t, "smtp=timeout"))
	d = dial(t, s).hello()
	d.say(250, "MAIL FROM:<lettre@gazette.example>")
	d.say(250, "RCPT TO:<ana@example.org>")
	d.say(354, "DATA")
	d.write(letter("c", nil) + ".\r\n")
	d.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	var timeout net.Error
	if _, err := d.text.ReadLine(); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("answered: %v", err)
	}
	if got := count(); got != 2 {
		t.Errorf("%d mails kept, want 2", got)
	}
}
