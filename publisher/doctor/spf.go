package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// An origin is a server and the addresses under which its mails arrive elsewhere.
type origin struct {
	Server
	seen []netip.Addr
	ours bool
}

// spf looks at whether a domain's SPF record lets the servers send for it. It is the
// envelope sender's, which receivers ask: the From's own, unless bounces come back to
// another one.
func (e *exam) spf(ctx context.Context, s Sender) []Finding {
	f := Finding{About: s.Domain, Check: "spf", Status: OK}
	var origins []origin
	var found []Finding
	for _, server := range e.Servers {
		list, here, err := e.seen(ctx, server)
		if err != nil {
			found = append(found, f.warn(unanswered(server.Host, err), ""))
			continue
		}
		origins = append(origins, origin{server, list, e.ours(server, here)})
	}
	record, why, result := e.spfRecord(ctx, s.Domain)
	switch result {
	case "":
	case spfNone:
		return append(found, spfMissing(f, s, origins))
	case spfTempError:
		return append(found, f.warn(why, ""))
	default:
		return append(found, f.bad(why, "receivers take a wrong record for none: mend it"))
	}
	for _, o := range origins {
		if len(o.seen) == 0 {
			found = append(found, f.warn(fmt.Sprintf("there is a record; under which address smtp.%s is seen outside cannot be told from here", o.Name),
				"send a test to a large mailbox provider, and look for spf=pass in its header"))
		}
		for _, ip := range o.seen {
			found = append(found, e.spfAddress(ctx, f, s, record, o, ip))
		}
	}
	return found
}

func spfMissing(f Finding, s Sender, origins []origin) Finding {
	f = f.bad("there is no SPF record", "add one that names the servers that send for "+s.Domain)
	record := "v=spf1 ~all"
	for _, o := range origins {
		if !o.ours || len(o.seen) == 0 {
			f.Todo += "; your relay's help says what to include"
			return f
		}
		record = spfAdding(record, o, o.seen)
	}
	f.Records = []Record{{Name: s.Domain, Type: "TXT", Value: record}}
	return f
}

func (e *exam) spfAddress(ctx context.Context, f Finding, s Sender, record string, o origin, ip netip.Addr) Finding {
	run := &spfRun{exam: e, ip: ip, sender: "postmaster@" + s.Domain, helo: o.Host}
	result, why := run.check(ctx, s.Domain)
	from := fmt.Sprintf("smtp.%s (%s)", o.Name, ip)
	switch {
	case result == spfTempError:
		return f.warn(why, "")
	case result == spfPermError:
		return f.bad(why, "receivers take a wrong record for none: mend it")
	case result == spfPass && run.all:
		return f.warn("lets anybody send (+all)", "end the record with ~all or -all")
	case result == spfPass:
		f.What = fmt.Sprintf("lets %s send; %d of %d look-ups", from, run.lookups, maxLookups)
		return f
	case !o.ours:
		// The address where a relay takes mails is often not one that it sends from.
		return f.warn(fmt.Sprintf("does not name %s (%s)", from, result),
			"see that the record includes what your relay's help names; a test mail's header tells (spf=pass)")
	}
	f = f.bad(fmt.Sprintf("does not let %s send (%s)", from, result), "put this record in its place")
	f.Records = []Record{{Name: s.Domain, Type: "TXT", Value: spfAdding(record, o, []netip.Addr{ip})}}
	return f
}

// spfAdding gives a record with a server let in: by its name where it has one, else
// by its addresses. It goes first, since what follows "all" is not looked at.
func spfAdding(record string, o origin, list []netip.Addr) string {
	words := strings.Fields(record)
	terms := words[:1:1]
	if _, err := netip.ParseAddr(o.Host); err != nil && strings.Contains(o.Host, ".") {
		terms = append(terms, "a:"+o.Host)
	} else {
		for _, ip := range list {
			if ip.Is4() {
				terms = append(terms, "ip4:"+ip.String())
			} else {
				terms = append(terms, "ip6:"+ip.String())
			}
		}
	}
	return strings.Join(append(terms, words[1:]...), " ")
}
