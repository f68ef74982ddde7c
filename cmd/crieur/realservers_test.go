package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"crieur/publisher/ledger"
)

// These tests publish an issue to a thousand readers the real way, signed, to mail
// servers as their packages ship them, and read it where it was delivered.

const (
	realReaders = 1000
	realBoxes   = 10
	debian      = "/usr/bin/python3" // Debian's own, for which its packages are
)

// reader gives an address; a hundred of them share each box.
func readerAddress(i int) string {
	return fmt.Sprintf("lecteur%d+%04d@example.org", i%realBoxes, i)
}

func readerName(i int) string {
	return []string{"Zoé Lefèvre", "Camille", "Noé d’Arcy & fils", "Lectrice", "Inès « la voix » O’Brien-Dubois, de la rue des Roseaux et du quai"}[i%5] + fmt.Sprint(" ", i)
}

// A letter is a delivered mail as testdata/letters.py reads it.
type deliveredLetter struct {
	DeliveredTo string `json:"delivered_to"`
	To          string
	Subject     string
	ID          string
	Unsubscribe string
	Parts       []string
	HTML, Text  string
	Defects     []string
	DKIM        []bool
	Raw         string
}

// editors makes a household in mode live that sends by a server at addr and signs
// with both kinds of key, with its readers and an article; txt is its DNS.
func editors(t *testing.T, addr string) (h *household, article string, txt map[string]string) {
	t.Helper()
	h = newHousehold(t)
	var printed struct {
		Records []struct{ Name, Value string }
	}
	decode(t, h.run([]int{exitDone}, "dkim", "new", "gazette.example", "--selector", "s1", "-o", "json"), &printed)
	txt = map[string]string{}
	for _, r := range printed.Records {
		txt[r.Name] = r.Value
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	h.write("config.yaml", fmt.Sprintf(`mode: live
site:
  name: La Gazette du Marais
  url: https://gazette.example
  language: fr
legal:
  sender: Association La Gazette du Marais
  address: 12 rue des Roseaux, 75004 Paris, France
server:
  public_url: https://lettre.gazette.example
smtp:
  main:
    host: %s
    port: %s
    security: none
dkim:
  gazette.example:
    selector: s1
    rsa_key: ${file:dkim/s1.gazette.example.pem}
    ed25519_key: ${file:dkim/s1-ed25519.gazette.example.pem}
lists:
  lecteurs:
    title: Les lecteurs de la Gazette
newsletters:
  quotidien:
    title: L’article du jour
    list: lecteurs
    from: La Gazette du Marais <redaction@gazette.example>
blocks:
  share:
    networks: [mastodon, bluesky, whatsapp, email]
  donate:
    url: https://gazette.example/don
    text: La Gazette vit de ses lecteurs.
`, host, port))
	var b strings.Builder
	b.WriteString("email,name\n")
	for i := range realReaders {
		fmt.Fprintf(&b, "%s,%q\n", readerAddress(i), readerName(i))
	}
	h.run([]int{exitDone}, "import", h.write("readers.csv", b.String()))
	if article, err = filepath.Abs("../../docs/example/article.txt"); err != nil {
		t.Fatal(err)
	}
	return h, article, txt
}

func decode(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%v in %.500s", err, data)
	}
}

// python runs one of the programs in another language that judge what was delivered.
func python(t *testing.T, task, answer any, command ...string) {
	t.Helper()
	in, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(command[0], command[1:]...)
	var out, problems bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &problems
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %v\n%s\nsh .ci/deps installs what is missing", command, err, problems.Bytes())
	}
	decode(t, out.Bytes(), answer)
}

func TestPostfixToDovecot(t *testing.T) {
	t.Parallel()
	// Errors in the middle: five are refused for good, five for now, and at three the
	// server hangs up.
	refused, gone := map[string]string{}, map[string]bool{}
	for i := range 13 {
		who := readerAddress(300 + 7*i)
		switch {
		case i < 5:
			refused[who], gone[who] = "550 5.1.1 no such mailbox", true
		case i < 10:
			refused[who] = "450 4.2.0 greylisted"
		default:
			refused[who] = "421 4.3.2 going down"
		}
	}
	p := startPostfix(t, refused)
	h, article, txt := editors(t, p.smtp)
	start := time.Now()
	first := h.send(exitPartly, "send", article, "--yes", "-o", "json")
	sent := time.Since(start)
	p.forgive()
	want := map[string]int{"bounced": 5, "accepted": realReaders - 5}
	if first["bounced"] != 5 || first["accepted"] != realReaders-len(refused) || first["deferred"]+first["planned"] != len(refused)-5 {
		t.Fatalf("after the errors the ledger says %v", first)
	}
	if last := h.send(exitPartly, "retry", "--yes", "-o", "json"); last["bounced"] != want["bounced"] || last["accepted"] != want["accepted"] {
		t.Fatalf("in the end the ledger says %v, want %v", last, want)
	}
	p.wait("all mails to be delivered", time.Minute, func() bool { return p.delivered() >= want["accepted"] && p.idle() })
	delivered := time.Since(start)
	var boxes []string
	for i := range realBoxes {
		boxes = append(boxes, fmt.Sprint("lecteur", i))
	}
	host, port, _ := net.SplitHostPort(p.imap)
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	var letters []deliveredLetter
	python(t, map[string]any{"imap": []any{host, number}, "boxes": boxes, "password": mailPassword, "txt": txt}, &letters, debian, "testdata/letters.py")
	h.check(letters, gone)
	for _, l := range letters {
		if l.DeliveredTo != l.To {
			t.Errorf("the mail to %s was delivered to %s", l.To, l.DeliveredTo)
		}
	}
	judged := time.Since(start)
	byOpenDKIM(t, letters[:4], txt)
	bySpamAssassin(t, letters[0])
	t.Logf("%d mails: sent in %v, delivered by %v, read and judged by %v, all in %v", len(letters), sent, delivered, judged, time.Since(start))
}

func TestOpenSMTPD(t *testing.T) {
	t.Parallel()
	addr, box := startOpenSMTPD(t)
	h, article, txt := editors(t, addr)
	start := time.Now()
	if n := h.send(exitDone, "send", article, "--yes", "-o", "json"); n["accepted"] != realReaders {
		t.Fatalf("the ledger says %v", n)
	}
	sent := time.Since(start)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		files, err := os.ReadDir(box)
		if err == nil && len(files) >= realReaders {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %d mails were delivered, %v", len(files), err)
		}
	}
	var letters []deliveredLetter
	python(t, map[string]any{"folder": box, "txt": txt}, &letters, debian, "testdata/letters.py")
	h.check(letters, nil)
	t.Logf("%d mails: sent in %v, all in %v", len(letters), sent, time.Since(start))
}

// send runs a verb that delivers, and gives what the ledger counts after it.
func (h *household) send(code int, args ...string) map[string]int {
	h.t.Helper()
	var r statusView
	decode(h.t, h.run([]int{code}, args...), &r)
	return r.Counts
}

var tokenIn = regexp.MustCompile(`https://lettre\.gazette\.example/[a-z]+/([A-Za-z0-9_-]{16,})`)

// check wants one whole, flawless, valid letter for each reader who is not gone, with
// their own links in it and nobody else's.
func (h *household) check(letters []deliveredLetter, gone map[string]bool) {
	t := h.t
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{Dir: filepath.Join(h.dir, ".crieur", "live")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	seen, ids, common := map[string]bool{}, map[string]bool{}, ""
	for _, m := range letters {
		name := strings.TrimSuffix(m.To, "@example.org")
		i, _ := strconv.Atoi(name[strings.IndexByte(name, '+')+1:])
		if m.To != readerAddress(i) || gone[m.To] || seen[m.To] || ids[m.ID] {
			t.Errorf("a mail to %q with the Message-ID %s is one too many", m.To, m.ID)
		}
		seen[m.To], ids[m.ID] = true, true
		if len(m.Defects) > 0 {
			t.Errorf("Python's parser finds in the mail to %s: %v", m.To, m.Defects)
		}
		if len(m.DKIM) != 2 || !m.DKIM[0] || !m.DKIM[1] {
			t.Errorf("dkimpy finds the signatures of the mail to %s valid: %v", m.To, m.DKIM)
		}
		if got := strings.Join(m.Parts, " "); got != "multipart/alternative text/plain text/html" {
			t.Errorf("the mail to %s consists of %s", m.To, got)
		}
		found := tokenIn.FindStringSubmatch(m.Unsubscribe)
		if found == nil {
			t.Fatalf("List-Unsubscribe of the mail to %s: %q", m.To, m.Unsubscribe)
		}
		token := found[1]
		whose, _, err := l.SubscriberByToken(t.Context(), token)
		if err != nil || whose.Email != m.To {
			t.Errorf("the link in the mail to %s is %s's, %v", m.To, whose.Email, err)
		}
		for _, text := range []string{m.HTML, m.Text} {
			if !strings.Contains(text, token) {
				t.Errorf("the mail to %s has a text without its reader's link", m.To)
			}
		}
		// The rest is what all of them have in common.
		rest := strings.NewReplacer(token, "TOKEN", m.To, "ADDRESS", escaped(readerName(i)), "NAME", readerName(i), "NAME").Replace(
			strings.ReplaceAll(m.Subject+m.HTML+m.Text, "\r\n", "\n"))
		if common == "" {
			common = rest
		}
		if rest != common {
			t.Errorf("the mail to %s differs from the others in more than its reader:\n%s", m.To, difference(common, rest))
		}
	}
	if want := realReaders - len(gone); len(seen) != want {
		t.Errorf("%d readers have a mail, want %d", len(seen), want)
	}
	for _, end := range []string{"</html>", "12 rue des Roseaux, 75004 Paris", "La Gazette vit de ses lecteurs."} {
		if !strings.Contains(common, end) {
			t.Errorf("the letter is not whole: it has no %q", end)
		}
	}
}

func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "'", "&#39;", `"`, "&#34;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// difference shows where two texts part.
func difference(a, b string) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	from := max(0, i-100)
	return fmt.Sprintf("%q\n%q", a[from:min(len(a), i+100)], b[from:min(len(b), i+100)])
}

// byOpenDKIM has opendkim-testmsg look at delivered mails, and at one that was changed.
func byOpenDKIM(t *testing.T, letters []deliveredLetter, txt map[string]string) {
	t.Helper()
	var mails [][]byte
	for _, l := range letters {
		raw, err := base64.StdEncoding.DecodeString(l.Raw)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, raw)
	}
	mails = append(mails, bytes.Replace(mails[0], []byte("\r\nSubject:"), []byte("\r\nSubject: x"), 1))
	var found [][]bool
	python(t, map[string]any{"txt": txt, "mails": mails}, &found, "unshare", "-mn", debian, "../../publisher/mail/testdata/verify.py", "opendkim")
	for i := range letters {
		if !found[i][0] {
			t.Errorf("opendkim-testmsg does not find the mail to %s valid", letters[i].To)
		}
	}
	if found[len(letters)][0] {
		t.Error("opendkim-testmsg finds a changed mail valid")
	}
}

var scored = regexp.MustCompile(`Content analysis details:\s+\((-?[0-9.]+) points`)

// bySpamAssassin wants a score of at most 0 by SpamAssassin's local rules.
func bySpamAssassin(t *testing.T, l deliveredLetter) {
	t.Helper()
	installed(t, "/usr/bin/spamassassin")
	raw, err := base64.StdEncoding.DecodeString(l.Raw)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("spamassassin", "-L", "-t", "--cf=use_bayes 0")
	c.Env = append(os.Environ(), "HOME="+t.TempDir())
	var problems bytes.Buffer
	c.Stdin, c.Stderr = bytes.NewReader(raw), &problems
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.Bytes())
	}
	_, report, _ := strings.Cut(string(out), "Content preview:")
	m := scored.FindStringSubmatch(report)
	if m == nil {
		t.Fatalf("no score in:\n%.3000s", out)
	}
	t.Logf("SpamAssassin's report:\n%s", report[strings.Index(report, "Content analysis"):])
	if score, err := strconv.ParseFloat(m[1], 64); err != nil || score > 0 {
		t.Errorf("SpamAssassin gives %s points", m[1])
	}
}
