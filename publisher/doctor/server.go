package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// soon is how long before its end a certificate is worth a warning.
const soon = 14 * 24 * time.Hour

// server logs in, and looks at how private that was.
func (e *exam) server(ctx context.Context, s Server) []Finding {
	login := Finding{About: "smtp." + s.Name, Check: "login", Status: OK, What: "lets us in"}
	session, err := s.Login(ctx)
	if err != nil {
		return []Finding{failed(login, err)}
	}
	return []Finding{login, e.privacy(ctx, s, session)}
}

func (e *exam) privacy(ctx context.Context, s Server, session Session) Finding {
	f := Finding{About: "smtp." + s.Name, Check: "tls", Status: OK}
	end := session.Until.Format(time.DateOnly)
	switch {
	case session.TLS == "":
		return e.clear(ctx, f, s)
	case !session.Trusted:
		return f.warn(session.TLS+" with a certificate that nobody checked", "set smtp."+s.Name+".security to starttls")
	case session.Until.Sub(e.Now()) < soon:
		return f.warn(session.TLS+"; the certificate ends on "+end, "renew it, or tell whoever runs the server")
	}
	f.What = session.TLS + ", certificate until " + end
	return f
}

// clear judges a connection that anybody on its way can read.
func (e *exam) clear(ctx context.Context, f Finding, s Server) Finding {
	list, err := e.addresses(ctx, s.Host)
	is := func(near func(netip.Addr) bool) bool {
		return err == nil && len(list) > 0 && !slices.ContainsFunc(list, func(ip netip.Addr) bool { return !near(ip) })
	}
	encrypt := "set smtp." + s.Name + ".security to starttls or tls"
	switch {
	case is(netip.Addr.IsLoopback):
		f.What = "in the clear, and on this machine"
		return f
	case is(func(ip netip.Addr) bool { return ip.IsLoopback() || ip.IsPrivate() }):
		return f.warn("mails go to the server in the clear, on a private network", encrypt)
	}
	return f.bad("mails and readers' addresses go to the server in the clear", encrypt)
}

// pointers looks at the names of a server's addresses (PTR), where the server is the
// senders' own: a name that leads back to its address is what Gmail and others ask
// of who delivers to them.
func (e *exam) pointers(ctx context.Context, s Server) []Finding {
	f := Finding{About: "smtp." + s.Name, Check: "ptr", Status: OK}
	list, here, err := e.seen(ctx, s)
	switch {
	case len(e.Senders) == 0:
		return nil // nobody sends
	case err != nil:
		return []Finding{f.warn(unanswered(s.Host, err), "")}
	case !e.ours(s, here):
		return nil // the relay's own business
	case len(list) == 0 && here:
		return []Finding{f.warn("the relay on this machine is seen from outside under an address that cannot be told from here",
			"see that this address has a name (PTR) that leads back to it; whoever gave you the address sets it")}
	case len(list) == 0:
		return []Finding{f.warn(s.Host+" has no public address", "see smtp."+s.Name+".host")}
	}
	var found []Finding
	for _, ip := range list {
		found = append(found, e.pointer(ctx, f, s, ip))
	}
	return found
}

func (e *exam) pointer(ctx context.Context, f Finding, s Server, ip netip.Addr) Finding {
	names, err := e.DNS.LookupAddr(ctx, ip.String())
	if err != nil && !absent(err) {
		return f.warn(unanswered(ip.String(), err), "")
	}
	for _, name := range names {
		back, err := e.addresses(ctx, unrooted(name))
		if err != nil {
			return f.warn(unanswered(unrooted(name), err), "")
		}
		if slices.Contains(back, ip) {
			f.What = fmt.Sprintf("%s is %s, and back", ip, unrooted(name))
			return f
		}
	}
	what := fmt.Sprintf("%s has no name (PTR)", ip)
	if len(names) > 0 {
		what = fmt.Sprintf("%s has the name %s, which does not lead back to it", ip, unrooted(names[0]))
	}
	f = f.bad(what, "whoever gave you the address sets its name; Gmail turns mails from addresses without one down")
	if _, err := netip.ParseAddr(s.Host); err != nil && strings.Contains(s.Host, ".") {
		f.Records = []Record{{Name: reverse(ip), Type: "PTR", Value: rooted(s.Host)}}
	}
	return f
}

// reverse gives the name below which DNS has an address's PTR record.
func reverse(ip netip.Addr) string {
	if ip.Is4() {
		b := ip.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0])
	}
	var name strings.Builder
	b := ip.As16()
	for i := len(b) - 1; i >= 0; i-- {
		fmt.Fprintf(&name, "%x.%x.", b[i]&15, b[i]>>4)
	}
	return name.String() + "ip6.arpa"
}
