package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
)

// Resolver asks the DNS server at addr (HOST:PORT) and no other.
func Resolver(addr string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
}

// absent reports whether DNS says that there is no such name or record, which is an
// answer; other errors are none.
func absent(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

// unanswered words a question that DNS did not answer, without the server's address.
func unanswered(name string, err error) string {
	reason := err.Error()
	var e *net.DNSError
	if errors.As(err, &e) {
		reason = e.Err
	}
	return "DNS does not answer for " + name + ": " + reason
}

// rooted ends a name with a dot, so that no search list of this machine applies.
func rooted(name string) string { return strings.TrimSuffix(name, ".") + "." }

// texts gives a name's TXT records; none is no error.
func (e *exam) texts(ctx context.Context, name string) ([]string, error) {
	list, err := e.DNS.LookupTXT(ctx, rooted(name))
	if absent(err) {
		return nil, nil
	}
	return list, err
}

// addresses gives a host's addresses; none is no error. A host may be an address.
func (e *exam) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	list, err := e.DNS.LookupNetIP(ctx, "ip", rooted(host))
	if absent(err) {
		return nil, nil
	}
	for i := range list {
		list[i] = list[i].Unmap()
	}
	return list, err
}

// seen gives the addresses under which a server's mails arrive elsewhere, as far as
// can be told: its own or, for a relay on this machine, the machine's. here is true
// for such a relay.
func (e *exam) seen(ctx context.Context, s Server) (list []netip.Addr, here bool, err error) {
	all, err := e.addresses(ctx, s.Host)
	for _, ip := range all {
		if ip.IsLoopback() {
			all, here = e.Local, true
			break
		}
	}
	for _, ip := range all {
		if ip.IsGlobalUnicast() && !ip.IsPrivate() && !carrier.Contains(ip) {
			list = append(list, ip)
		}
	}
	return list, here, err
}

// carrier is what a provider gives its customers behind its own NAT (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// ours reports whether a server is the senders' own: on this machine, or in one of
// their domains.
func (e *exam) ours(s Server, here bool) bool {
	host := strings.ToLower(strings.TrimSuffix(s.Host, "."))
	for _, sender := range e.Senders {
		if below(host, sender.Domain) {
			return true
		}
	}
	return here
}

// below reports whether a name is a domain or in it.
func below(name, domain string) bool { return name == domain || strings.HasSuffix(name, "."+domain) }

func unrooted(name string) string { return strings.TrimSuffix(name, ".") }
