package doctor_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/doctor"
	"crieur/publisher/doctor/dnstest"
)

func TestDMARC(t *testing.T) {
	const add = "\n+ _dmarc.gazette.example. IN TXT \"v=DMARC1; p=none\""
	deep := "a.b.c.d.e.f.g.h.gazette.example" // ten labels
	for name, test := range map[string]struct {
		sender, signer string
		zone           dnstest.Zone
		want           string
	}{
		"none":             {zone: dnstest.Zone{"_dmarc.gazette.example TXT": nil}, want: "bad: there is no DMARC record" + add},
		"another text":     {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC2; p=none", "hello"}}, want: "bad: there is no DMARC record" + add},
		"beside another":   {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"hello", "v=DMARC1; p=none"}}, want: "ok: policy none; signature and envelope are aligned"},
		"two":              {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC1; p=none", "v=DMARC1; p=reject"}}, want: "bad: more than one DMARC record stands at _dmarc.gazette.example, and receivers take none of them"},
		"spaces, capitals": {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {" v = DMARC1 ; P = Reject ;"}}, want: "ok: policy reject; signature and envelope are aligned"},
		"no policy":        {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC1"}}, want: "ok: policy none; signature and envelope are aligned"},
		"odd policy":       {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC1; p=refuse"}}, want: "bad: the record at _dmarc.gazette.example has no policy that receivers know"},
		"odd, with rua":    {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC1; p=refuse; rua=mailto:a@b.fr"}}, want: "ok: policy none; signature and envelope are aligned"},
		"on trial":         {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC1; p=reject; t=y"}}, want: "ok: policy reject, on trial (t=y); signature and envelope are aligned"},
		"old tags": {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC1; p=reject; pct=50; ri=3600"}},
			want: "warn: policy reject; the record has tags that RFC 9989 took away: pct, ri"},
		"DNS fails":       {zone: dnstest.Zone{"_dmarc.gazette.example FAIL": {}}, want: "warn: DNS does not answer for _dmarc.gazette.example: server misbehaving"},
		"unsigned":        {signer: "-", want: "warn: policy quarantine; it rests on SPF alone, which does not survive forwarding"},
		"sub-domain":      {sender: "lettre.gazette.example", want: "ok: policy quarantine (of gazette.example); signature and envelope are aligned"},
		"sub-domain, sp=": {sender: "lettre.gazette.example", zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC1; p=none; sp=reject"}}, want: "ok: policy reject (of gazette.example); signature and envelope are aligned"},
		"sub-domain, its own": {sender: "lettre.gazette.example", zone: dnstest.Zone{"_dmarc.lettre.gazette.example TXT": {"v=DMARC1; p=none; sp=reject"}},
			want: "ok: policy none; signature and envelope are aligned"},
		"strict": {sender: "lettre.gazette.example", zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC1; p=reject; adkim=s"}},
			want: "warn: policy reject (of gazette.example); the signature of gazette.example does not count for lettre.gazette.example, and SPF alone does not survive forwarding"},
		"strict, same": {zone: dnstest.Zone{"_dmarc.gazette.example TXT": {"v=DMARC1; p=reject; adkim=s"}}, want: "ok: policy reject; signature and envelope are aligned"},
		"another organisation above": {sender: "lettre.gazette.example", zone: dnstest.Zone{"_dmarc.lettre.gazette.example TXT": {"v=DMARC1; p=reject; psd=n"}},
			want: "warn: policy reject; the signature of gazette.example does not count for lettre.gazette.example, and SPF alone does not survive forwarding"},
		"below a public suffix": {sender: "gazette.paris.example", signer: "gazette.paris.example", zone: dnstest.Zone{"_dmarc.paris.example TXT": {"v=DMARC1; p=reject; psd=y"}},
			want: "ok: policy reject (of paris.example); signature and envelope are aligned"},
		"deep, record above": {sender: deep, want: "ok: policy quarantine (of gazette.example); signature and envelope are aligned"},
		"deep, step left out": {sender: deep, zone: dnstest.Zone{"_dmarc.b.c.d.e.f.g.h.gazette.example TXT": {"v=DMARC1; p=reject; psd=n"}},
			want: "ok: policy quarantine (of gazette.example); signature and envelope are aligned"},
		"deep, step taken": {sender: deep, signer: deep, zone: dnstest.Zone{"_dmarc.d.e.f.g.h.gazette.example TXT": {"v=DMARC1; p=reject; psd=n"}},
			want: "ok: policy reject (of d.e.f.g.h.gazette.example); signature and envelope are aligned"},
	} {
		t.Run(name, func(t *testing.T) {
			c := gazette()
			if test.sender != "" {
				c.Senders[0].Domain = test.sender
			}
			if test.signer != "" {
				c.Senders[0].Signer = strings.Trim(test.signer, "-")
			}
			found := examine(t, zone(test.zone), c)
			if diff := cmp.Diff(test.want, of(found, "dmarc")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if s := fmt.Sprint(found); strings.Contains(s, "pct=") {
				t.Errorf("a tag that is gone is shown as one to write: %s", s)
			}
		})
	}
}

func TestOneClick(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		plain   bool
		want    string
	}{
		"crieur":      {func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") }, false, "ok: crieur answers at URL"},
		"plain":       {func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") }, true, "bad: URL is not https, which one-click unsubscribing needs"},
		"other pages": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "<h1>ok") }, false, "bad: something else than crieur answers at URL (200 OK)"},
		"no page":     {http.NotFound, false, "bad: something else than crieur answers at URL (404 Not Found)"},
		"elsewhere":   {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, false, "bad: URL sends us elsewhere (302 Found), and one-click posts do not follow"},
		"nobody":      {nil, false, "bad: nobody answers at URL: "},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/lettre/healthz" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				test.handler(w, r)
			}))
			defer s.Close()
			link := s.URL + "/lettre"
			if test.plain {
				link = strings.Replace(link, "https", "http", 1)
			}
			if test.handler == nil {
				s.Close()
			}
			got := of(examine(t, nil, doctor.Config{PublicURL: link + "/", Client: s.Client()}), "one-click")
			if got = strings.ReplaceAll(got, link, "URL"); got != test.want && (name != "nobody" || !strings.HasPrefix(got, test.want)) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
