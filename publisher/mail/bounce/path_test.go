package bounce_test

import (
	"strings"
	"testing"

	"crieur/publisher"
	"crieur/publisher/mail/bounce"
)

func paths(t testing.TB, key, address, delimiter string) *bounce.Paths {
	t.Helper()
	p, err := bounce.NewPaths([]byte(key), address, delimiter)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPaths(t *testing.T) {
	p := paths(t, "secret", "Bounces@gazette.example", "+")
	for _, c := range [][2]int64{{1, 1}, {0, 0}, {7, 1_000_000}, {1 << 40, 1 << 40}} {
		a := p.Make(c[0], c[1])
		local, _, err := publisher.SplitEmail(a)
		if err != nil || len(local) > 64 {
			t.Fatalf("%s is no address: %v", a, err)
		}
		for _, seen := range []string{a, strings.ToUpper(a), strings.ToLower(a), " <" + a + "> "} {
			lot, reader, s := p.Read(seen)
			if s != bounce.Genuine || lot != c[0] || reader != c[1] {
				t.Errorf("%s: got lot %d, reader %d, %v", seen, lot, reader, s)
			}
		}
	}
	a := p.Make(7, 12345)
	at := strings.IndexByte(a, '@')
	token := a[strings.IndexByte(a, '+')+1 : at]
	forged := map[string]string{
		"another store's":   paths(t, "other", "bounces@gazette.example", "+").Make(7, 12345),
		"cut":               a[:at-1] + a[at:],
		"longer":            a[:at] + "a" + a[at:],
		"not base32":        a[:at-1] + "1" + a[at:],
		"no token to speak": "bounces+a@gazette.example",
	}
	for i := range token {
		for _, c := range "aq7" {
			if changed := token[:i] + string(c) + token[i+1:]; changed != token {
				forged["changed "+changed] = "bounces+" + changed + a[at:]
			}
		}
	}
	for name, f := range forged {
		// The last letter of a token has bits to spare, which decoding leaves out.
		if lot, reader, s := p.Read(f); s == bounce.Genuine && (lot != 7 || reader != 12345) || s == bounce.Foreign {
			t.Errorf("%s: %s is read as %v (lot %d, reader %d)", name, f, s, lot, reader)
		}
	}
	for name, foreign := range map[string]string{
		"empty": "", "the mailbox itself": "bounces@gazette.example", "nothing behind the delimiter": "bounces+@gazette.example",
		"another domain": "bounces+" + token + "@gazette.example.net", "another mailbox": "x" + a, "endless": "bounces+" + strings.Repeat("a", 100_000) + "@gazette.example",
	} {
		if _, _, s := p.Read(foreign); s != bounce.Foreign {
			t.Errorf("%s is read as %v", name, s)
		}
	}
	if _, err := bounce.NewPaths(nil, strings.Repeat("b", 40)+"@gazette.example", "+"); publisher.KindOf(err) != publisher.Invalid || err == nil {
		t.Errorf("a mailbox that leaves no room for the token: %v", err)
	}
}

// A domain has two spellings: mails leave with the one that DNS has, and what comes
// back may have either.
func TestPathsInAnotherScript(t *testing.T) {
	for _, address := range []string{"retours@gazette-été.example", "retours@xn--gazette-t-i4ab.example"} {
		p := paths(t, "secret", address, "+")
		a := p.Make(7, 12345)
		local, domain, _ := strings.Cut(a, "@")
		if domain != "xn--gazette-t-i4ab.example" {
			t.Errorf("%s: mails leave from %s", address, a)
		}
		for _, seen := range []string{a, local + "@gazette-été.example", strings.ToUpper(local) + "@Gazette-ÉTÉ.example"} {
			if lot, reader, s := p.Read(seen); s != bounce.Genuine || lot != 7 || reader != 12345 {
				t.Errorf("%s: %s is read as %v", address, seen, s)
			}
		}
	}
}

func FuzzPaths(f *testing.F) {
	p := paths(f, "secret", "bounces@gazette.example", "+")
	f.Add(p.Make(3, 44))
	f.Fuzz(func(t *testing.T, address string) {
		if lot, reader, s := p.Read(address); s == bounce.Genuine && !strings.EqualFold(strings.Trim(strings.TrimSpace(address), "<>"), p.Make(lot, reader)) {
			t.Skip("spare bits of the last letter")
		}
	})
}

func BenchmarkMake(b *testing.B) {
	p := paths(b, "secret", "bounces@gazette.example", "+")
	b.ReportAllocs()
	for i := range b.N {
		p.Make(12, int64(i))
	}
}
