package doctor_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/doctor"
	"crieur/publisher/doctor/dnstest"
)

func TestSPF(t *testing.T) {
	const (
		yes  = "ok: lets smtp.main (192.0.2.10) send; %d of 10 look-ups"
		no   = "bad: does not let smtp.main (192.0.2.10) send (%s)"
		odd  = `bad: gazette.example: %q in the SPF record is not understood`
		many = "bad: the SPF record needs more than 10 look-ups; receivers give up there"
	)
	// A record, what else DNS has, and the finding, with the record that would mend it
	// where "+" begins its second line.
	for record, test := range map[string]struct {
		more dnstest.Zone
		want string
	}{
		"v=spf1 a:smtp.gazette.example ~all":      {nil, fmt.Sprintf(yes, 1)},
		"V=SPF1 A:SMTP.gazette.example ~ALL":      {nil, fmt.Sprintf(yes, 1)},
		"v=spf1 mx -all":                          {nil, fmt.Sprintf(yes, 1)},
		"v=spf1 mx:other.example -all":            {dnstest.Zone{"other.example MX": {"5 gone.example", "10 smtp.gazette.example"}}, fmt.Sprintf(yes, 1)},
		"v=spf1 a/24 -all":                        {dnstest.Zone{"gazette.example A": {"192.0.2.200"}}, fmt.Sprintf(yes, 1)},
		"v=spf1 a:x.example/24//64 -all":          {dnstest.Zone{"x.example A": {"192.0.2.200"}}, fmt.Sprintf(yes, 1)},
		"v=spf1 a//64 -all":                       {dnstest.Zone{"gazette.example A": {"192.0.2.200"}}, "bad: does not let smtp.main (192.0.2.10) send (fail)\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example a//64 -all\""},
		"v=spf1 ip4:192.0.2.10 -all":              {nil, fmt.Sprintf(yes, 0)},
		"v=spf1 ip4:192.0.2.0/28 -all":            {nil, fmt.Sprintf(yes, 0)},
		"v=spf1 ip4:192.0.2.16/28 -all":           {nil, fmt.Sprintf(no, "fail") + "\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example ip4:192.0.2.16/28 -all\""},
		"v=spf1 ip6:2001:db8::/32 ~all":           {nil, fmt.Sprintf(no, "softfail") + "\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example ip6:2001:db8::/32 ~all\""},
		"v=spf1":                                  {nil, fmt.Sprintf(no, "neutral") + "\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example\""},
		"v=spf1 ?all":                             {nil, fmt.Sprintf(no, "neutral") + "\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example ?all\""},
		"v=spf1 -ip4:192.0.2.10 +all":             {nil, fmt.Sprintf(no, "fail") + "\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example -ip4:192.0.2.10 +all\""},
		"v=spf1 all":                              {nil, "warn: lets anybody send (+all)"},
		"v=spf1 include:open.example -all":        {dnstest.Zone{"open.example TXT": {"v=spf1 +all"}}, "warn: lets anybody send (+all)"},
		"v=spf1 include:in.example -all":          {dnstest.Zone{"in.example TXT": {"v=spf1 ip4:192.0.2.10 -all"}}, fmt.Sprintf(yes, 1)},
		"v=spf1 include:in.example mx -all":       {dnstest.Zone{"in.example TXT": {"v=spf1 ip4:192.0.2.99 -all"}}, fmt.Sprintf(yes, 2)},
		"v=spf1 include:no.example -all":          {nil, "bad: gazette.example: include:no.example has no SPF record"},
		"v=spf1 include:bad.example -all":         {dnstest.Zone{"bad.example TXT": {"v=spf1 foo:bar"}}, `bad: bad.example: "foo:bar" in the SPF record is not understood`},
		"v=spf1 include:down.example -all":        {dnstest.Zone{"down.example FAIL": {}}, "warn: DNS does not answer for down.example: server misbehaving"},
		"v=spf1 include:gazette.example -all":     {nil, many},
		"v=spf1 redirect=in.example":              {dnstest.Zone{"in.example TXT": {"v=spf1 ip4:192.0.2.10 -all"}}, fmt.Sprintf(yes, 1)},
		"v=spf1 redirect=no.example":              {nil, "bad: gazette.example: redirect= leads to no.example, which has no SPF record"},
		"v=spf1 -all redirect=in.example":         {nil, fmt.Sprintf(no, "fail") + "\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example -all redirect=in.example\""},
		"v=spf1 exists:%{i}._spf.%{d} -all":       {dnstest.Zone{"192.0.2.10._spf.gazette.example A": {"127.0.0.2"}}, fmt.Sprintf(yes, 1)},
		"v=spf1 exists:%{ir}.%{v}.x.example":      {dnstest.Zone{"10.2.0.192.in-addr.x.example A": {"127.0.0.2"}}, fmt.Sprintf(yes, 1)},
		"v=spf1 exists:%{l1r-}.%{o}.%{d2}.y":      {dnstest.Zone{"postmaster.gazette.example.gazette.example.y A": {"127.0.0.2"}}, fmt.Sprintf(yes, 1)},
		"v=spf1 exists:%{h}.%%%_%-.x.example a":   {dnstest.Zone{"gazette.example A": {"192.0.2.10"}}, fmt.Sprintf(yes, 2)},
		"v=spf1 ptr -all":                         {nil, fmt.Sprintf(yes, 1)},
		"v=spf1 ptr:other.example -all":           {nil, fmt.Sprintf(no, "fail") + "\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example ptr:other.example -all\""},
		"v=spf1 exp=why.example unknown=x a -all": {dnstest.Zone{"gazette.example A": {"192.0.2.10"}}, fmt.Sprintf(yes, 1)},
		"v=spf1 exp=%{c}.why.example mx":          {nil, fmt.Sprintf(yes, 1)},

		"v=spf1 a:g1.example a:g2.example a:g3.example mx":        {nil, "bad: the SPF record names more than two things that DNS does not have; receivers give up there"},
		"v=spf1 " + strings.Repeat("ip4:192.0.2.99 ", 30) + "mx":  {nil, fmt.Sprintf(yes, 1)},
		"v=spf1 " + strings.Repeat("a:other.example ", 9) + "mx":  {dnstest.Zone{"other.example A": {"192.0.2.99"}}, fmt.Sprintf(yes, 10)},
		"v=spf1 " + strings.Repeat("a:other.example ", 10) + "mx": {dnstest.Zone{"other.example A": {"192.0.2.99"}}, many},
		"v=spf1 mx:big.example":                                   {dnstest.Zone{"big.example MX": strings.Split(strings.TrimSpace(strings.Repeat("1 m.example,", 11)), ",")[:11]}, "bad: big.example has more than 10 MX records, which SPF does not take"},
		"v=spf1 mx:down.example":                                  {dnstest.Zone{"down.example FAIL": {}}, "warn: DNS does not answer for down.example: server misbehaving"},
		"v=spf1 exists:down.example":                              {dnstest.Zone{"down.example FAIL": {}}, "warn: DNS does not answer for down.example: server misbehaving"},
		"v=spf1 a:down.example":                                   {dnstest.Zone{"down.example FAIL": {}}, "warn: DNS does not answer for down.example: server misbehaving"},

		"v=spf1 ip4:192.0.2":               {nil, fmt.Sprintf(odd, "ip4:192.0.2")},
		"v=spf1 ip4:2001:db8::1":           {nil, fmt.Sprintf(odd, "ip4:2001:db8::1")},
		"v=spf1 ip6:192.0.2.1":             {nil, fmt.Sprintf(odd, "ip6:192.0.2.1")},
		"v=spf1 ip4:192.0.2.1/33":          {nil, fmt.Sprintf(odd, "ip4:192.0.2.1/33")},
		"v=spf1 ip4":                       {nil, fmt.Sprintf(odd, "ip4")},
		"v=spf1 a: -all":                   {nil, fmt.Sprintf(odd, "a:")},
		"v=spf1 a/33":                      {nil, fmt.Sprintf(odd, "a/33")},
		"v=spf1 a/":                        {nil, fmt.Sprintf(odd, "a/")},
		"v=spf1 mx//129":                   {nil, fmt.Sprintf(odd, "mx//129")},
		"v=spf1 include -all":              {nil, fmt.Sprintf(odd, "include")},
		"v=spf1 include: -all":             {nil, fmt.Sprintf(odd, "include:")},
		"v=spf1 all:x":                     {nil, fmt.Sprintf(odd, "all:x")},
		"v=spf1 exists":                    {nil, fmt.Sprintf(odd, "exists")},
		"v=spf1 include:%{x}.y":            {nil, fmt.Sprintf(odd, "include:%{x}.y")},
		"v=spf1 include:%y":                {nil, fmt.Sprintf(odd, "include:%y")},
		"v=spf1 redirect=":                 {nil, fmt.Sprintf(odd, "redirect=")},
		"v=spf1 - mx":                      {nil, fmt.Sprintf(odd, "-")},
		"v=spf1 redirect=a.b redirect=c.d": {nil, "bad: gazette.example: redirect= stands twice in the SPF record"},
		"v=spf10 mx":                       {nil, "bad: there is no SPF record\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example ~all\""},
		"":                                 {nil, "bad: there is no SPF record\n+ gazette.example. IN TXT \"v=spf1 a:smtp.gazette.example ~all\""},
	} {
		t.Run(record[:min(len(record), 50)], func(t *testing.T) {
			z := zone(test.more)
			z["gazette.example TXT"] = []string{"other", record}
			if diff := cmp.Diff(test.want, of(examine(t, z, gazette()), "spf")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSPFOfServers(t *testing.T) {
	for name, test := range map[string]struct {
		hosts []string
		local string
		spf   []string
		more  dnstest.Zone
		want  string
	}{
		"two records":        {[]string{"smtp.gazette.example"}, "", []string{"v=spf1 mx", "v=spf1 -all"}, nil, "bad: gazette.example has more than one SPF record"},
		"DNS fails":          {[]string{"smtp.gazette.example"}, "", nil, dnstest.Zone{"gazette.example FAIL": {}}, "warn: DNS does not answer for gazette.example: server misbehaving"},
		"a relay's, in":      {[]string{"smtp.relay.example"}, "", []string{"v=spf1 include:relay.example -all"}, nil, "ok: lets smtp.s0 (192.0.2.50) send; 1 of 10 look-ups"},
		"a relay's, out":     {[]string{"smtp.relay.example"}, "", []string{"v=spf1 mx -all"}, nil, "warn: does not name smtp.s0 (192.0.2.50) (fail)"},
		"a relay, no record": {[]string{"smtp.gazette.example", "smtp.relay.example"}, "", nil, nil, "bad: there is no SPF record"},
		"two servers": {[]string{"smtp.gazette.example", "smtp.relay.example"}, "", []string{"v=spf1 mx include:relay.example -all"}, nil,
			"ok: lets smtp.s0 (192.0.2.10) send; 1 of 10 look-ups\nok: lets smtp.s1 (192.0.2.50) send; 2 of 10 look-ups"},
		"two own, no record": {[]string{"smtp.gazette.example", "b.gazette.example"}, "", nil, dnstest.Zone{"b.gazette.example A": {"192.0.2.11"}},
			"bad: there is no SPF record\n+ gazette.example. IN TXT \"v=spf1 a:b.gazette.example a:smtp.gazette.example ~all\""},
		"here, unknown": {[]string{"localhost"}, "10.0.0.1", []string{"v=spf1 mx -all"}, nil, "warn: there is a record; under which address smtp.s0 is seen outside cannot be told from here"},
		"here, known":   {[]string{"127.0.0.1"}, "192.0.2.10", []string{"v=spf1 mx -all"}, nil, "ok: lets smtp.s0 (192.0.2.10) send; 1 of 10 look-ups"},
		"here, not let": {[]string{"127.0.0.1"}, "192.0.2.77", []string{"v=spf1 mx -all"}, nil,
			"bad: does not let smtp.s0 (192.0.2.77) send (fail)\n+ gazette.example. IN TXT \"v=spf1 ip4:192.0.2.77 mx -all\""},
		"IPv6": {[]string{"six.gazette.example"}, "", []string{"v=spf1 a:six.gazette.example/32//64 exists:%{i4r}.%{v} -all"}, dnstest.Zone{"six.gazette.example AAAA": {"2001:db8::25"}},
			"ok: lets smtp.s0 (2001:db8::25) send; 1 of 10 look-ups"},
		"IPv6 by macro": {[]string{"six.gazette.example"}, "", []string{"v=spf1 exists:%{i32r}.%{v}.x.example -all"},
			dnstest.Zone{"six.gazette.example AAAA": {"2001:db8::25"}, "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.x.example A": {"127.0.0.2"}},
			"ok: lets smtp.s0 (2001:db8::25) send; 1 of 10 look-ups"},
		"host fails": {[]string{"down.gazette.example"}, "", []string{"v=spf1 mx -all"}, dnstest.Zone{"down.gazette.example FAIL": {}}, "warn: DNS does not answer for down.gazette.example: server misbehaving"},
	} {
		t.Run(name, func(t *testing.T) {
			c := gazette()
			c.Servers = nil
			for i, h := range test.hosts {
				c.Servers = append(c.Servers, doctor.Server{Name: fmt.Sprintf("s%d", i), Host: h, Login: letsIn})
			}
			if test.local != "" {
				c.Local = []netip.Addr{netip.MustParseAddr(test.local)}
			}
			z := zone(dnstest.Zone{"smtp.relay.example A": {"192.0.2.50"}, "relay.example TXT": {"v=spf1 ip4:192.0.2.48/29 ~all"}})
			z["gazette.example TXT"] = test.spf
			for k, v := range test.more {
				z[k] = v
			}
			if diff := cmp.Diff(test.want, of(examine(t, z, c), "spf")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// What strangers write in DNS must never bring the doctor down, nor keep him.
func FuzzRecords(f *testing.F) {
	f.Add("v=spf1 include:gazette.example a:%{d2r.-}/24//64 exists:%{i}.x redirect=gazette.example", "v=DMARC1; p=reject; psd=y", "v=DKIM1; p=QUJD; t=y:s")
	f.Add("v=spf1 ip4:1.2.3.4/0 ip6:::/0 ptr mx/ a: -", "v=DMARC1;;=;p", "p=;p=")
	f.Add("v=spf1 \x00 %{%{", "v=DMARC1; p=none; pct=\xff", "===")
	f.Fuzz(func(t *testing.T, spf, dmarc, dkim string) {
		if len(spf)+len(dmarc)+len(dkim) > 900 {
			t.Skip("more than an answer holds here")
		}
		found := examine(t, zone(dnstest.Zone{"gazette.example TXT": {spf}, "_dmarc.gazette.example TXT": {dmarc}, "lettre._domainkey.gazette.example TXT": {dkim}}), gazette())
		if len(found) < 8 {
			t.Errorf("only %d findings: %+v", len(found), found)
		}
	})
}
