package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"crieur/publisher"
)

// errPrivate marks a refusal of the guard.
var errPrivate = errors.New("the address is not a public one")

// never lists the clouds' metadata services, which give a machine's own credentials to
// whoever asks: no article and no feed stands there, on whatever network.
var never = prefixes(
	"169.254.169.254/32", "fd00:ec2::254/128", // AWS, Google, Azure and most others
	"168.63.129.16/32",   // Azure
	"100.100.100.200/32", // Alibaba
)

// notPublic lists what IANA's special-purpose registries keep from the public
// Internet.
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	// Of IPv6, only 2000::/3 is given out; these are parts of it that are not.
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

var givenOut = netip.MustParsePrefix("2000::/3")

// isPublic reports an address on the public Internet.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.Is6() && (!givenOut.Contains(ip) || ip.Zone() != "") {
		return false
	}
	return ip.IsValid() && !within(notPublic, ip)
}

func within(all []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// dialer opens connections to public addresses only, unless the configuration
// allows others. The address is judged after the name was looked up, so a name
// that changes its answer gains nothing.
func dialer(c Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if c.Dialer == nil {
		d := net.Dialer{ControlContext: func(_ context.Context, _, addr string, _ syscall.RawConn) error { return judgeAddress(addr, c) }}
		return d.DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := c.Dialer(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if err := judgeAddress(conn.RemoteAddr().String(), c); err != nil {
			conn.Close()
			return nil, err
		}
		return conn, nil
	}
}

func judgeAddress(addr string, c Config) error {
	host, _, _ := net.SplitHostPort(addr)
	ap, err := netip.ParseAddrPort(addr)
	switch {
	case err == nil && within(never, ap.Addr().Unmap().WithZone("")):
		return &publisher.Error{Kind: publisher.Invalid, Op: "connect to " + host, Err: fmt.Errorf("%w: it gives away this machine's credentials", errPrivate),
			Hint: "see who wrote that address"}
	case c.AllowPrivate || err == nil && isPublic(ap.Addr()):
		return nil
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: "connect to " + host, Err: fmt.Errorf("%w: it is private, local or reserved", errPrivate),
		Hint: "if the page is yours and not public, set " + first(c.PrivateKey, "article.allow_private") + ": true"}
}
