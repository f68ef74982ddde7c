package mail_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/mail"
)

var (
	signedAt = time.Date(2026, 10, 25, 7, 31, 0, 0, time.UTC) // past: OpenDKIM takes no signature from the future
	testRSA  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	testEd   = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func keyRSA() mail.DKIMKey     { return mail.DKIMKey{Selector: "lettre", Key: testRSA()} }
func keyEd25519() mail.DKIMKey { return mail.DKIMKey{Selector: "lettre-ed25519", Key: testEd()} }

func gazette(keys ...mail.DKIMKey) mail.DKIM {
	if keys == nil {
		keys = []mail.DKIMKey{keyEd25519(), keyRSA()}
	}
	return mail.DKIM{Domain: "gazette.example", Keys: keys}
}

// zone gives what DNS would say of all test keys, written independently of the code
// that makes the records.
func zone() map[string]string {
	z := map[string]string{}
	for _, domain := range []string{"gazette.example", strings.Repeat("longue-", 8) + "gazette.example"} {
		z["lettre._domainkey."+domain] = "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(must(x509.MarshalPKIXPublicKey(testRSA().Public())))
		z["lettre-ed25519._domainkey."+domain] = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(testEd().Public().(ed25519.PublicKey))
	}
	return z
}

func signed(t testing.TB, m publisher.Mail, all ...mail.DKIM) []byte {
	t.Helper()
	raw, err := mail.Signed(m, signedAt, all...)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// verified counts a mail's valid signatures and complains of others.
func verified(t testing.TB, raw []byte) int {
	t.Helper()
	z := zone()
	all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if r, ok := z[name]; ok {
			return []string{r}, nil
		}
		return nil, &net.DNSError{Name: name, IsNotFound: true}
	}})
	if err != nil {
		t.Fatalf("%v in:\n%s", err, raw)
	}
	for _, v := range all {
		if v.Err != nil {
			t.Errorf("signature of %s: %v in:\n%.3000s", v.Domain, v.Err, raw)
		}
	}
	return len(all)
}

// awkward gives mails on which signers and relays have come to grief.
func awkward() map[string]publisher.Mail {
	with := func(change func(*publisher.Letter, *publisher.Mail)) publisher.Mail {
		l := letter()
		m := mailTo(l, "Zoé Œuvrard", "zoe@exämple.org")
		change(l, &m)
		return m
	}
	return map[string]publisher.Mail{
		"newsletter": with(func(*publisher.Letter, *publisher.Mail) {}),
		"long subject": with(func(l *publisher.Letter, _ *publisher.Mail) {
			l.Rendering.Subject = strings.Repeat("Un très long sujet d’été, encore ", 30)
		}),
		"plain long subject": with(func(l *publisher.Letter, _ *publisher.Mail) { l.Rendering.Subject = strings.Repeat("word ", 120) }),
		"empty subject":      with(func(l *publisher.Letter, _ *publisher.Mail) { l.Rendering.Subject = "" }),
		"spaces in subject":  with(func(l *publisher.Letter, _ *publisher.Mail) { l.Rendering.Subject = "a   b \t c\u00a0:  d" }),
		"no name": with(func(l *publisher.Letter, m *publisher.Mail) {
			l.From.Name, l.ReplyTo.Name, l.ListName, m.To.Name = "", "", "", ""
		}),
		"quoted name": with(func(l *publisher.Letter, m *publisher.Mail) {
			l.From.Name, m.To.Name = `La "Gazette",  SARL`, `Back\slash  <x@y>`
		}),
		"long names": with(func(l *publisher.Letter, m *publisher.Mail) {
			l.From.Name, m.To.Name, l.ListName = strings.Repeat("é", 200), strings.Repeat("abc ", 40), strings.Repeat("œ ", 90)
		}),
		"text only": with(func(l *publisher.Letter, _ *publisher.Mail) { l.Rendering.HTML = "" }),
		"HTML only": with(func(l *publisher.Letter, _ *publisher.Mail) { l.Rendering.Text = "" }),
		"no list": with(func(l *publisher.Letter, _ *publisher.Mail) {
			l.ListID, l.FeedbackID, l.ReplyTo, l.AutoSubmitted = "", "", publisher.Address{}, "auto-generated"
		}),
		"dots": with(func(l *publisher.Letter, _ *publisher.Mail) {
			dots := ".\n..\n.one\n" + strings.Repeat(".", 200) + "\n\n.\n"
			l.Rendering.HTML, l.Rendering.Text = dots+l.Rendering.HTML+dots, dots+l.Rendering.Text+dots
		}),
		"dots in values": with(func(_ *publisher.Letter, m *publisher.Mail) {
			m.Merge[publisher.MergeGreeting], m.Merge[publisher.MergeName] = ".", strings.Repeat(".", 150)
		}),
		"long values": with(func(_ *publisher.Letter, m *publisher.Mail) {
			m.Merge[publisher.MergeGreeting] = strings.Repeat("Bonjour ", 50)
			m.Merge[publisher.MergeUnsubscribe] = "https://gazette.example/u/" + strings.Repeat("x", 800)
		}),
		"empty lines at the end": with(func(l *publisher.Letter, _ *publisher.Mail) {
			l.Rendering.HTML, l.Rendering.Text = "", l.Rendering.Text+"\n\n\n\n"
		}),
		"only empty lines": with(func(l *publisher.Letter, _ *publisher.Mail) {
			l.Rendering.HTML, l.Rendering.Text, l.ListID = "", "\n\n\n", ""
		}),
		"long domain": with(func(l *publisher.Letter, _ *publisher.Mail) {
			l.From.Email = "lettre@" + strings.Repeat("longue-", 8) + "gazette.example"
		}),
		"sub-domain": with(func(l *publisher.Letter, _ *publisher.Mail) { l.From.Email = "lettre@News.Lettre.Gazette.Example" }),
	}
}

func allDomains(keys ...mail.DKIMKey) []mail.DKIM {
	long := gazette(keys...)
	long.Domain = strings.Repeat("longue-", 8) + "gazette.example"
	return []mail.DKIM{gazette(keys...), long}
}

func TestSignedMailVerifies(t *testing.T) {
	for name, m := range awkward() {
		t.Run(name, func(t *testing.T) {
			raw := signed(t, m, allDomains()...)
			if n := verified(t, raw); n != 2 {
				t.Errorf("%d signatures, want 2", n)
			}
			wellFormed(t, raw)
			// The message itself is what an unsigned one is.
			if want := built(t, m); !bytes.HasSuffix(raw, want) {
				t.Error("signing changed the message")
			} else if above := string(raw[:len(raw)-len(want)]); strings.Count(above, "DKIM-Signature:") != 2 {
				t.Errorf("above the message stands %q", above)
			}
			for line := range strings.SplitSeq(string(raw), "\r\n") {
				if strings.HasPrefix(line, "To: ") {
					break
				}
				if len(line) > 76 && !strings.Contains(line, "longue") {
					t.Errorf("line of %d octets: %q", len(line), line)
				}
			}
		})
	}
}

// tags reads a signature's field.
func tags(t *testing.T, raw []byte, n int) map[string]string {
	t.Helper()
	fields := regexp.MustCompile(`(?m)^DKIM-Signature:((?:.*\r\n)(?:[ \t].*\r\n)*)`).FindAllSubmatch(raw, -1)
	if len(fields) <= n {
		t.Fatalf("%d signatures", len(fields))
	}
	got := map[string]string{}
	for tag := range strings.SplitSeq(string(fields[n][1]), ";") {
		k, v, _ := strings.Cut(tag, "=")
		got[strings.TrimSpace(k)] = strings.Join(strings.Fields(v), "")
	}
	return got
}

func TestSignatureTags(t *testing.T) {
	raw := signed(t, mailTo(letter(), "Zoé", "zoe@example.org"), gazette())
	for n, want := range []map[string]string{
		{"a": "rsa-sha256", "s": "lettre"}, // RSA first, whatever the order of the keys
		{"a": "ed25519-sha256", "s": "lettre-ed25519"},
	} {
		got := tags(t, raw, n)
		want["v"], want["c"], want["d"], want["t"] = "1", "relaxed/simple", "gazette.example", fmt.Sprint(signedAt.Unix())
		want["h"] = "From:From:To:To:Cc:Subject:Subject:Date:Date:Reply-To:Reply-To:Message-ID:Message-ID:MIME-Version:MIME-Version:" +
			"Content-Type:Content-Type:Content-Language:Content-Language:List-Id:List-Id:List-Unsubscribe:List-Unsubscribe:" +
			"List-Unsubscribe-Post:List-Unsubscribe-Post:Feedback-ID:Feedback-ID"
		delete(got, "b")
		delete(got, "bh")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
	}
}

// What relays do on the way must not break a signature; what an attacker does must.
func TestOnTheWay(t *testing.T) {
	raw := signed(t, mailTo(letter(), "Zoé", "zoe@example.org"), gazette())
	change := func(pattern, with string) func(string) string {
		return func(s string) string {
			out := regexp.MustCompile(pattern).ReplaceAllString(s, with)
			if out == s {
				t.Errorf("%s changes nothing", pattern)
			}
			return out
		}
	}
	for name, test := range map[string]struct {
		change func(string) string
		valid  bool
	}{
		"nothing":            {func(s string) string { return s }, true},
		"Received on top":    {func(s string) string { return "Received: from a by b;\r\n\tMon, 23 Nov 2026 08:00:00 +0100\r\n" + s }, true},
		"Return-Path on top": {func(s string) string { return "Return-Path: <bounce@gazette.example>\r\n" + s }, true},
		"Sender added":       {func(s string) string { return "Sender: relay@example.net\r\n" + s }, true},
		"a signature more": {func(s string) string {
			return "DKIM-Signature: v=1; a=rsa-sha256; d=relay.example; s=x; h=from; bh=; b=\r\n" + s
		}, true},
		"fields folded anew":       {change(`(?m)^(List-Unsubscribe-Post: )`, "$1\r\n\t"), true},
		"fields on one line":       {change(`\r\n =\?UTF-8`, " =?UTF-8"), true},
		"names respelt":            {change(`(?m)^MIME-Version:`, "Mime-Version:"), true},
		"spaces added":             {change(`(?m)^From: `, "From:  \t "), true},
		"signature on one line":    {change(`\r\n ([a-zA-Z0-9+/=:-]+)(;?)`, " $1$2"), true},
		"empty lines at the end":   {func(s string) string { return s + "\r\n\r\n" }, true},
		"a second From":            {func(s string) string { return "From: evil@example.net\r\n" + s }, false},
		"a second Subject":         {func(s string) string { return "Subject: evil\r\n" + s }, false},
		"a Cc":                     {func(s string) string { return "Cc: evil@example.net\r\n" + s }, false},
		"another To":               {change(`zoe@example\.org`, "ali@example.org"), false},
		"another unsubscribe":      {change(`List-Unsubscribe: <https://gazette`, "List-Unsubscribe: <https://evil"), false},
		"a second unsubscribe":     {func(s string) string { return "List-Unsubscribe: <https://evil.example>\r\n" + s }, false},
		"one-click taken away":     {change(`List-Unsubscribe-Post: .*\r\n`, ""), false},
		"another Message-ID":       {change(`Message-ID: <0`, "Message-ID: <1"), false},
		"another Feedback-ID":      {change(`Feedback-ID: i42`, "Feedback-ID: i43"), false},
		"another Content-Type":     {change(`Content-Type: multipart/alternative`, "Content-Type: multipart/mixed"), false},
		"a letter of the body":     {change(`rouvre lundi`, "rouvre mardi"), false},
		"a line after the message": {func(s string) string { return s + "evil\r\n" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			z := zone()
			all, err := dkim.VerifyWithOptions(strings.NewReader(test.change(string(raw))), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
				return []string{z[name]}, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			ours := 0
			for _, v := range all {
				if v.Domain != "gazette.example" {
					continue
				}
				if ours++; (v.Err == nil) != test.valid {
					t.Errorf("valid: %v, error %v", v.Err == nil, v.Err)
				}
			}
			if ours != 2 {
				t.Errorf("%d signatures were found", ours)
			}
		})
	}
}

func TestWhoSigns(t *testing.T) {
	upper := gazette(keyEd25519())
	lower := mail.DKIM{Domain: "Lettre.Gazette.example", Keys: []mail.DKIMKey{{Selector: "own", Key: testEd()}}}
	for from, want := range map[string]string{
		"a@gazette.example":          "gazette.example",
		"a@GAZETTE.example":          "gazette.example",
		"a@www.gazette.example":      "gazette.example",
		"a@lettre.gazette.example":   "lettre.gazette.example",
		"a@x.lettre.gazette.example": "lettre.gazette.example",
		"a@notgazette.example":       "",
		"a@example":                  "",
	} {
		l := letter()
		l.From.Email = from
		raw := signed(t, mailTo(l, "Zoé", "zoe@example.org"), upper, lower)
		got := ""
		if bytes.Contains(raw, []byte("DKIM-Signature")) {
			got = tags(t, raw, 0)["d"]
		}
		if got != want {
			t.Errorf("%s: signed by %q, want %q", from, got, want)
		}
		_, domain, _ := strings.Cut(from, "@")
		if got := mail.SigningDomain([]mail.DKIM{upper, lower}, domain); got != want {
			t.Errorf("%s: said to be signed by %q, want %q", from, got, want)
		}
	}
}

// What is published must be what the signatures are checked against.
func TestNewKeys(t *testing.T) {
	rsaKey, edKey := must(mail.NewDKIMKey("rsa-sha256", "One")), must(mail.NewDKIMKey("ed25519-sha256", "two"))
	if rsaKey.Algorithm() != "rsa-sha256" || edKey.Algorithm() != "ed25519-sha256" || rsaKey.RecordName("Gazette.example") != "one._domainkey.gazette.example" {
		t.Errorf("got %q, %q, %q", rsaKey.Algorithm(), edKey.Algorithm(), rsaKey.RecordName("Gazette.example"))
	}
	for _, k := range []mail.DKIMKey{keyRSA(), keyEd25519()} {
		if got, want := must(k.Record()), zone()[k.RecordName("gazette.example")]; got != want {
			t.Errorf("record %q, want %q", got, want)
		}
		block, rest := pem.Decode(must(k.PEM()))
		if block == nil || len(rest) > 0 {
			t.Fatal("no PEM")
		}
		if again := must(x509.ParsePKCS8PrivateKey(block.Bytes)); !again.(interface{ Equal(crypto.PrivateKey) bool }).Equal(k.Key) {
			t.Error("the key reads back as another")
		}
	}
	if _, err := mail.NewDKIMKey("rsa-sha1", "s"); err == nil {
		t.Error("rsa-sha1 is made")
	}
}

func TestOpenRefusesDKIM(t *testing.T) {
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	for name, d := range map[string][]mail.DKIM{
		"no domain":      {{Keys: []mail.DKIMKey{keyRSA()}}},
		"bad domain":     {{Domain: "a b", Keys: []mail.DKIMKey{keyRSA()}}},
		"domain in UTF8": {{Domain: "exämple.org", Keys: []mail.DKIMKey{keyRSA()}}},
		"no keys":        {{Domain: "gazette.example"}},
		"no selector":    {gazette(mail.DKIMKey{Key: testRSA()})},
		"bad selector":   {gazette(mail.DKIMKey{Selector: "a;b", Key: testRSA()})},
		"no key":         {gazette(mail.DKIMKey{Selector: "a"})},
		"nil key":        {gazette(mail.DKIMKey{Selector: "a", Key: (*rsa.PrivateKey)(nil)})},
		"short RSA":      {gazette(mail.DKIMKey{Selector: "a", Key: small})},
		"ECDSA":          {gazette(mail.DKIMKey{Selector: "a", Key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))})},
		"same selector":  {gazette(mail.DKIMKey{Selector: "A", Key: testRSA()}, mail.DKIMKey{Selector: "a", Key: testEd()})},
		"domain twice":   {gazette(), {Domain: "Gazette.Example", Keys: []mail.DKIMKey{keyRSA()}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := mail.Open(mail.Config{Servers: []mail.Server{{Name: "main", Host: "127.0.0.1"}}, DKIM: d})
			if err == nil || publisher.KindOf(err) != publisher.Invalid || !strings.HasPrefix(err.Error(), "dkim.") {
				t.Errorf("got %v", err)
			}
		})
	}
}
