package publisher_test

import (
	"strings"
	"testing"

	"crieur/publisher"
)

func TestSplitEmail(t *testing.T) {
	for name, test := range map[string]struct {
		email         string
		local, domain string
		bad           bool
	}{
		"plain":                 {email: "marie.durand+lettre@example.org", local: "marie.durand+lettre", domain: "example.org"},
		"accents":               {email: "jérôme@exämple.org", local: "jérôme", domain: "exämple.org"},
		"one label":             {email: "a@localhost", local: "a", domain: "localhost"},
		"longest local part":    {email: strings.Repeat("a", 64) + "@b.fr", local: strings.Repeat("a", 64), domain: "b.fr"},
		"empty":                 {email: "", bad: true},
		"no @":                  {email: "marie", bad: true},
		"two @":                 {email: "a@b@c.fr", bad: true},
		"with name":             {email: "Marie <a@b.fr>", bad: true},
		"two addresses":         {email: "a@b.fr,c@d.fr", bad: true},
		"newline":               {email: "a@b.fr\nBcc: x@y.fr", bad: true},
		"carriage return":       {email: "a\r@b.fr", bad: true},
		"NUL":                   {email: "a\x00@b.fr", bad: true},
		"NEL":                   {email: "a\u0085@b.fr", bad: true},
		"no-break space":        {email: "a\u00a0@b.fr", bad: true},
		"line separator":        {email: "a\u2028@b.fr", bad: true},
		"not UTF-8":             {email: "a\xff@b.fr", bad: true},
		"quoted":                {email: `"a b"@c.fr`, bad: true},
		"address literal":       {email: "a@[127.0.0.1]", bad: true},
		"local part too long":   {email: strings.Repeat("a", 65) + "@b.fr", bad: true},
		"address too long":      {email: "a@" + strings.Repeat("bbbbbbbbb.", 26) + "fr", bad: true},
		"leading dot":           {email: ".a@b.fr", bad: true},
		"double dot":            {email: "a..b@c.fr", bad: true},
		"dot ends domain":       {email: "a@b.fr.", bad: true},
		"hyphen begins a label": {email: "a@-b.fr", bad: true},
		"angle bracket":         {email: "a@b.fr>", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			local, domain, err := publisher.SplitEmail(test.email)
			if (err != nil) != test.bad || local != test.local || domain != test.domain {
				t.Errorf("SplitEmail(%q) = %q, %q, %v", test.email, local, domain, err)
			}
		})
	}
}

func FuzzSplitEmail(f *testing.F) {
	f.Add("marie@example.org")
	f.Add("a@b\r\nBcc: c@d")
	f.Add("«@é.fr")
	f.Fuzz(func(t *testing.T, email string) {
		local, domain, err := publisher.SplitEmail(email)
		if err != nil {
			return
		}
		if local+"@"+domain != email {
			t.Errorf("%q came apart as %q and %q", email, local, domain)
		}
		if strings.ContainsAny(email, "\r\n\x00 <>,;:\"()[]\\") {
			t.Errorf("%q can leave its place in a header", email)
		}
	})
}
