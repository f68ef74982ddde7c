package app

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"crieur/publisher"
)

// dialLoopback connects to this machine only.
func dialLoopback(ctx context.Context, network, address string) (net.Conn, error) {
	if err := resolveNothing(address); err != nil {
		return nil, err
	}
	d := net.Dialer{ControlContext: onlyLoopback}
	return d.DialContext(ctx, network, address)
}

// onlyLoopback refuses a connection that would leave the machine, before its
// first packet.
func onlyLoopback(_ context.Context, _, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Unmap().IsLoopback() {
		return leavesMachine(host)
	}
	return nil
}

// resolveNothing refuses a host that would have to be looked up: a DNS query is a
// packet too.
func resolveNothing(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
		return leavesMachine(host)
	}
	return nil
}

// onThisMachine reports whether a host is one that dialLoopback connects to.
func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func leavesMachine(host string) error {
	return &publisher.Error{Kind: publisher.Invalid, Op: "connect to " + host,
		Err:  errors.New("mode: sandbox keeps everything on this machine"),
		Hint: "set mode: live in config.yaml, or give the article as a file"}
}
