package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"crieur/publisher"
)

// errPrivate marks a refusal of the guard.
var errPrivate = errors.New("the address is not a public one")

// notPublic lists what IANA's special-purpose registries keep from the public
// Internet, and the clouds' metadata services that hide in public ranges.
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // Azure
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
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	return ip.IsValid()
}

// dialer opens connections to public addresses only, unless the configuration
// allows others. The address is judged after the name was looked up, so a name
// that changes its answer gains nothing.
func dialer(c Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if c.Dialer == nil {
		d := net.Dialer{}
		if !c.AllowPrivate {
			d.ControlContext = func(_ context.Context, _, addr string, _ syscall.RawConn) error { return judgeAddress(addr, c) }
		}
		return d.DialContext
	}
	if c.AllowPrivate {
		return c.Dialer
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
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || !isPublic(ap.Addr()) {
		host, _, _ := net.SplitHostPort(addr)
		return &publisher.Error{Kind: publisher.Invalid, Op: "connect to " + host, Err: fmt.Errorf("%w: it is private, local or reserved", errPrivate),
			Hint: "if the page is yours and not public, set " + first(c.PrivateKey, "article.allow_private") + ": true"}
	}
	return nil
}
