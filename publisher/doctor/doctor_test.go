package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/doctor"
	"crieur/publisher/doctor/dnstest"
)

var now = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// examine runs the checks of c against a zone.
func examine(t testing.TB, zone dnstest.Zone, c doctor.Config) []doctor.Finding {
	t.Helper()
	addr, stop, err := dnstest.Serve(zone)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	c.DNS, c.Now = doctor.Resolver(addr), func() time.Time { return now }
	return doctor.Examine(context.Background(), c)
}

// of gives the findings of one check, one a line: status, what, and what to add.
func of(found []doctor.Finding, check string) string {
	var lines []string
	for _, f := range found {
		if f.Check != check {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: %s", f.Status, f.What))
		for _, r := range f.Records {
			lines = append(lines, "+ "+r.Zone())
		}
	}
	return strings.Join(lines, "\n")
}

// zone gives a zone with more, or other, records.
func zone(more dnstest.Zone) dnstest.Zone {
	z := dnstest.Zone{
		"smtp.gazette.example A":                {"192.0.2.10"},
		"10.2.0.192.in-addr.arpa PTR":           {"smtp.gazette.example."},
		"gazette.example TXT":                   {"google-site-verification=x", "v=spf1 a:smtp.gazette.example -all"},
		"gazette.example MX":                    {"10 smtp.gazette.example"},
		"_dmarc.gazette.example TXT":            {"v=DMARC1; p=quarantine; rua=mailto:dmarc@gazette.example"},
		"lettre._domainkey.gazette.example TXT": {rsaRecord},
	}
	for k, v := range more {
		if z[k] = v; v == nil {
			delete(z, k)
		}
	}
	return z
}

// rsaRecord is longer than one string of a TXT record holds.
var rsaRecord = "v=DKIM1; k=rsa; p=" + strings.Repeat("QUJD", 98)

func letsIn(context.Context) (doctor.Session, error) {
	return doctor.Session{TLS: "TLS 1.3", Trusted: true, Until: now.AddDate(0, 2, 0)}, nil
}

// gazette is a paper with its own server and all in order.
func gazette() doctor.Config {
	return doctor.Config{
		Servers: []doctor.Server{{Name: "main", Host: "smtp.gazette.example", Login: letsIn}},
		Senders: []doctor.Sender{{Domain: "gazette.example", Signer: "gazette.example"}},
		Keys: []doctor.Key{{Domain: "gazette.example", Selector: "lettre",
			Record: doctor.Record{Name: "lettre._domainkey.gazette.example", Type: "TXT", Value: rsaRecord}}},
		Accounts: []doctor.Account{{Channel: "x", Verify: func(context.Context) (string, error) { return "@gazette", nil }}},
	}
}

func TestAllInOrder(t *testing.T) {
	got := examine(t, zone(nil), gazette())
	want := []doctor.Finding{
		{About: "smtp.main", Check: "login", Status: doctor.OK, What: "lets us in"},
		{About: "smtp.main", Check: "tls", Status: doctor.OK, What: "TLS 1.3, certificate until 2027-01-23"},
		{About: "smtp.main", Check: "ptr", Status: doctor.OK, What: "192.0.2.10 is smtp.gazette.example, and back"},
		{About: "gazette.example", Check: "spf", Status: doctor.OK, What: "lets smtp.main (192.0.2.10) send; 1 of 10 look-ups"},
		{About: "gazette.example", Check: "dmarc", Status: doctor.OK, What: "policy quarantine; signature and envelope are aligned"},
		{About: "gazette.example", Check: "mx", Status: doctor.OK, What: "answers go to smtp.gazette.example"},
		{About: "gazette.example", Check: "dkim", Status: doctor.OK, What: "lettre (rsa): DNS has the key in hand"},
		{About: "channels.x", Check: "account", Status: doctor.OK, What: "logged in as @gazette"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestServers(t *testing.T) {
	session := func(s doctor.Session) func(context.Context) (doctor.Session, error) {
		return func(context.Context) (doctor.Session, error) { return s, nil }
	}
	for name, test := range map[string]struct {
		server doctor.Server
		zone   dnstest.Zone
		local  []netip.Addr
		check  string
		want   string
	}{
		"in the clear":                 {doctor.Server{Host: "smtp.gazette.example", Login: session(doctor.Session{})}, nil, nil, "tls", "bad: mails and readers' addresses go to the server in the clear"},
		"in the clear, address":        {doctor.Server{Host: "192.0.2.10", Login: session(doctor.Session{})}, nil, nil, "tls", "bad: mails and readers' addresses go to the server in the clear"},
		"in the clear, here":           {doctor.Server{Host: "127.0.0.1", Login: session(doctor.Session{})}, nil, nil, "tls", "ok: in the clear, and on this machine"},
		"in the clear, near":           {doctor.Server{Host: "10.0.0.5", Login: session(doctor.Session{})}, nil, nil, "tls", "warn: mails go to the server in the clear, on a private network"},
		"in the clear, nowhere":        {doctor.Server{Host: "none.example", Login: session(doctor.Session{})}, nil, nil, "tls", "bad: mails and readers' addresses go to the server in the clear"},
		"certificate unchecked":        {doctor.Server{Host: "smtp.gazette.example", Login: session(doctor.Session{TLS: "TLS 1.2", Until: now.AddDate(1, 0, 0)})}, nil, nil, "tls", "warn: TLS 1.2 with a certificate that nobody checked"},
		"certificate ends":             {doctor.Server{Host: "smtp.gazette.example", Login: session(doctor.Session{TLS: "TLS 1.2", Trusted: true, Until: now.AddDate(0, 0, 10)})}, nil, nil, "tls", "warn: TLS 1.2; the certificate ends on 2026-12-03"},
		"no name":                      {doctor.Server{Host: "smtp.gazette.example", Login: letsIn}, dnstest.Zone{"10.2.0.192.in-addr.arpa PTR": nil}, nil, "ptr", "bad: 192.0.2.10 has no name (PTR)\n+ 10.2.0.192.in-addr.arpa. IN PTR smtp.gazette.example."},
		"name of another":              {doctor.Server{Host: "smtp.gazette.example", Login: letsIn}, dnstest.Zone{"10.2.0.192.in-addr.arpa PTR": {"host.provider.example"}, "host.provider.example A": {"192.0.2.99"}}, nil, "ptr", "bad: 192.0.2.10 has the name host.provider.example, which does not lead back to it\n+ 10.2.0.192.in-addr.arpa. IN PTR smtp.gazette.example."},
		"one of two names":             {doctor.Server{Host: "smtp.gazette.example", Login: letsIn}, dnstest.Zone{"10.2.0.192.in-addr.arpa PTR": {"gone.example", "smtp.gazette.example"}}, nil, "ptr", "ok: 192.0.2.10 is smtp.gazette.example, and back"},
		"IPv6":                         {doctor.Server{Host: "v6.gazette.example", Login: letsIn}, dnstest.Zone{"v6.gazette.example AAAA": {"2001:db8::25"}}, nil, "ptr", "bad: 2001:db8::25 has no name (PTR)\n+ 5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. IN PTR v6.gazette.example."},
		"a relay's":                    {doctor.Server{Host: "smtp.relay.example", Login: letsIn}, dnstest.Zone{"smtp.relay.example A": {"192.0.2.50"}}, nil, "ptr", ""},
		"relay here, address unknown":  {doctor.Server{Host: "127.0.0.1", Login: letsIn}, nil, []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("100.64.0.9")}, "ptr", "warn: the relay on this machine is seen from outside under an address that cannot be told from here"},
		"relay here, address known":    {doctor.Server{Host: "127.0.0.1", Login: letsIn}, nil, []netip.Addr{netip.MustParseAddr("192.0.2.10")}, "ptr", "ok: 192.0.2.10 is smtp.gazette.example, and back"},
		"DNS fails at the host":        {doctor.Server{Host: "smtp.gazette.example", Login: letsIn}, dnstest.Zone{"smtp.gazette.example FAIL": {}}, nil, "ptr", "warn: DNS does not answer for smtp.gazette.example: server misbehaving"},
		"DNS fails at the name":        {doctor.Server{Host: "smtp.gazette.example", Login: letsIn}, dnstest.Zone{"10.2.0.192.in-addr.arpa FAIL": {}}, nil, "ptr", "warn: DNS does not answer for 192.0.2.10: server misbehaving"},
		"DNS fails at the name's host": {doctor.Server{Host: "smtp.gazette.example", Login: letsIn}, dnstest.Zone{"10.2.0.192.in-addr.arpa PTR": {"x.example"}, "x.example FAIL": {}}, nil, "ptr", "warn: DNS does not answer for x.example: server misbehaving"},
		"no public address":            {doctor.Server{Host: "in.gazette.example", Login: letsIn}, dnstest.Zone{"in.gazette.example A": {"192.168.1.5"}}, nil, "ptr", "warn: in.gazette.example has no public address"},
	} {
		t.Run(name, func(t *testing.T) {
			c := gazette()
			test.server.Name = "main"
			c.Servers, c.Local = []doctor.Server{test.server}, test.local
			if diff := cmp.Diff(test.want, of(examine(t, zone(test.zone), c), test.check)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoginsThatFail(t *testing.T) {
	refused := &publisher.Error{Kind: publisher.Denied, Op: "log in", Where: "smtp.main", Err: errors.New("the server says: 535 no"), Hint: "check smtp.main.password"}
	down := &publisher.Error{Kind: publisher.Busy, Op: "connect", Err: errors.New("connection refused"), Hint: "is it running?"}
	c := gazette()
	c.Servers = append(c.Servers, doctor.Server{Name: "second", Host: "smtp.relay.example", Login: func(context.Context) (doctor.Session, error) { return doctor.Session{}, down }})
	c.Servers[0].Login = func(context.Context) (doctor.Session, error) { return doctor.Session{}, refused }
	c.Accounts = append(c.Accounts,
		doctor.Account{Channel: "mastodon", Verify: func(context.Context) (string, error) { return "", refused }},
		doctor.Account{Channel: "bluesky", Verify: func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }},
		doctor.Account{Channel: "other"})
	c.Timeout = 500 * time.Millisecond
	var got []doctor.Finding
	for _, f := range examine(t, zone(nil), c) {
		if f.Check == "login" || f.Check == "tls" || f.Check == "account" {
			got = append(got, f)
		}
	}
	want := []doctor.Finding{
		{About: "smtp.main", Check: "login", Status: doctor.Bad, What: "log in: the server says: 535 no", Todo: "check smtp.main.password", Denied: true},
		{About: "smtp.second", Check: "login", Status: doctor.Bad, What: "connect: connection refused", Todo: "is it running?"},
		{About: "channels.x", Check: "account", Status: doctor.OK, What: "logged in as @gazette"},
		{About: "channels.mastodon", Check: "account", Status: doctor.Bad, What: "smtp.main: log in: the server says: 535 no", Todo: "check smtp.main.password", Denied: true},
		{About: "channels.bluesky", Check: "account", Status: doctor.Bad, What: "context deadline exceeded"},
		{About: "channels.other", Check: "account", Status: doctor.Warn, What: "this network's account cannot be checked without posting"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// Where bounces come back to another domain, receivers ask that one.
func TestReturnDomain(t *testing.T) {
	z := zone(dnstest.Zone{"bounces.example TXT": {"v=spf1 -all"}, "bounces.example MX": {"10 mx.bounces.example"}, "mx.bounces.example A": {"192.0.2.11"}})
	servers := []doctor.Server{{Name: "main", Host: "smtp.gazette.example", Login: letsIn}}
	for name, c := range map[string]struct {
		sender     doctor.Sender
		spf, dmarc doctor.Status
		about      string
	}{
		"its own":           {doctor.Sender{Domain: "gazette.example", Signer: "gazette.example"}, doctor.OK, doctor.OK, "gazette.example"},
		"another, signed":   {doctor.Sender{Domain: "gazette.example", Signer: "gazette.example", Return: "bounces.example"}, doctor.Bad, doctor.OK, "bounces.example"},
		"another, unsigned": {doctor.Sender{Domain: "gazette.example", Return: "bounces.example"}, doctor.Bad, doctor.Bad, "bounces.example"},
	} {
		mx := 0
		for _, f := range examine(t, z, doctor.Config{Servers: servers, Senders: []doctor.Sender{c.sender}}) {
			switch {
			case f.Check == "spf" && (f.About != c.about || f.Status != c.spf && f.Status != doctor.Warn):
				t.Errorf("%s: %+v", name, f)
			case f.Check == "dmarc" && f.Status != c.dmarc:
				t.Errorf("%s: %+v", name, f)
			case f.Check == "mx":
				mx++
			}
		}
		if want := map[bool]int{true: 2, false: 1}[c.sender.Return != ""]; mx != want {
			t.Errorf("%s: %d domains were asked for MX, want %d", name, mx, want)
		}
	}
}

func TestMX(t *testing.T) {
	for name, test := range map[string]struct {
		zone dnstest.Zone
		want string
	}{
		"null":             {dnstest.Zone{"gazette.example MX": {"0 ."}}, "bad: the domain says that it takes no mail (null MX, RFC 7505)"},
		"none":             {dnstest.Zone{"gazette.example MX": nil}, "bad: nobody can answer: the domain has no MX record and no address"},
		"none but address": {dnstest.Zone{"gazette.example MX": nil, "gazette.example A": {"192.0.2.1"}}, "warn: there is no MX record; answers go to the domain's own address"},
		"leads nowhere":    {dnstest.Zone{"gazette.example MX": {"10 gone.example"}}, "bad: answers would go to gone.example, which has no address"},
		"the nearest":      {dnstest.Zone{"gazette.example MX": {"20 gone.example", "10 smtp.gazette.example"}}, "ok: answers go to smtp.gazette.example"},
		"DNS fails":        {dnstest.Zone{"gazette.example FAIL": {}}, "warn: DNS does not answer for gazette.example: server misbehaving"},
		"its host fails":   {dnstest.Zone{"gazette.example MX": {"10 x.example"}, "x.example FAIL": {}}, "warn: DNS does not answer for x.example: server misbehaving"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, of(examine(t, zone(test.zone), gazette()), "mx")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDKIM(t *testing.T) {
	const at = "lettre._domainkey.gazette.example TXT"
	add := "\n+ lettre._domainkey.gazette.example. IN TXT \"" + rsaRecord[:255] + "\" \"" + rsaRecord[255:] + "\""
	for name, test := range map[string]struct {
		records []string
		want    string
	}{
		"the key, spaced":  {[]string{strings.ReplaceAll(rsaRecord, "QUJDQUJD", "QUJD QUJD")}, "ok: lettre (rsa): DNS has the key in hand"},
		"no version":       {[]string{strings.TrimPrefix(rsaRecord, "v=DKIM1; ")}, "ok: lettre (rsa): DNS has the key in hand"},
		"no kind":          {[]string{strings.Replace(rsaRecord, "k=rsa; ", "", 1)}, "ok: lettre (rsa): DNS has the key in hand"},
		"for mail, SHA":    {[]string{rsaRecord + "; h=sha1:sha256; s=email; n=note;"}, "ok: lettre (rsa): DNS has the key in hand"},
		"none":             {nil, "bad: lettre (rsa): DNS has no key at lettre._domainkey.gazette.example" + add},
		"another":          {[]string{"v=DKIM1; k=rsa; p=QUJE"}, "bad: lettre (rsa): DNS has another key" + add},
		"cut off":          {[]string{rsaRecord[:len(rsaRecord)-3]}, "bad: lettre (rsa): the key in DNS is damaged; a part of it may be missing" + add},
		"first part alone": {[]string{rsaRecord[:258]}, "bad: lettre (rsa): DNS has another key" + add},
		"of another kind":  {[]string{strings.Replace(rsaRecord, "rsa", "ed25519", 1)}, "bad: lettre (rsa): DNS has a key of another kind" + add},
		"revoked":          {[]string{"v=DKIM1; k=rsa; p="}, "bad: lettre (rsa): the key in DNS is revoked (p= is empty)" + add},
		"SHA-1 alone":      {[]string{rsaRecord + "; h=sha1"}, "bad: lettre (rsa): the record does not allow SHA-256 (h=)" + add},
		"not for mail":     {[]string{rsaRecord + "; s=tlsrpt"}, "bad: lettre (rsa): the record is not for mail (s=)" + add},
		"something else":   {[]string{"hello"}, "bad: lettre (rsa): what DNS has is no DKIM record" + add},
		"of another year":  {[]string{strings.Replace(rsaRecord, "DKIM1", "DKIM2", 1)}, "bad: lettre (rsa): what DNS has is no DKIM record" + add},
		"two":              {[]string{rsaRecord, "v=DKIM1; p=QUJE"}, "bad: lettre (rsa): 2 TXT records stand at lettre._domainkey.gazette.example" + add},
		"on trial":         {[]string{rsaRecord + "; t=s:y"}, "warn: lettre (rsa): DNS has the key in hand, and says that it is being tested (t=y)" + add},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, of(examine(t, zone(dnstest.Zone{at: test.records}), gazette()), "dkim")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
	c := gazette()
	c.Senders[0].Signer, c.Keys = "", nil
	if got := of(examine(t, zone(nil), c), "dkim"); got != "warn: its mails leave crieur unsigned" {
		t.Errorf("without keys: %s", got)
	}
	if got := of(examine(t, zone(dnstest.Zone{"lettre._domainkey.gazette.example FAIL": {}}), gazette()), "dkim"); !strings.HasPrefix(got, "warn: lettre (rsa): DNS does not answer") {
		t.Errorf("DNS fails: %s", got)
	}
}
