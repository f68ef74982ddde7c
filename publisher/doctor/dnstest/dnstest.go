// Package dnstest answers DNS questions on loopback from a table, for tests. It
// speaks UDP alone, follows no alias and keeps nothing between two questions.
package dnstest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// A Zone holds answers by "name TYPE": {"gazette.example TXT": {"v=spf1 -all"},
// "gazette.example MX": {"10 mx.gazette.example"}}. The types are TXT, MX, A, AAAA and
// PTR. The type FAIL makes a name a server's failure. Where a name has nothing of a
// type, the answer is empty; a name that has nothing at all does not exist.
type Zone map[string][]string

// Serve answers from zone until stop is called.
func Serve(zone Zone) (addr string, stop func(), err error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	table, names := map[string][]string{}, map[string]bool{}
	for key, values := range zone {
		name, kind, _ := strings.Cut(key, " ")
		table[strings.ToLower(name)+" "+kind] = values
		names[strings.ToLower(name)] = true
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply, err := answer(buf[:n], table, names); err == nil {
				_, _ = c.WriteTo(reply, from)
			}
		}
	}()
	return c.LocalAddr().String(), func() { _ = c.Close(); <-done }, nil
}

var errNoQuestion = errors.New("no question")

func answer(query []byte, table map[string][]string, names map[string]bool) ([]byte, error) {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil || h.Response {
		return nil, errNoQuestion
	}
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	reply := dnsmessage.Header{ID: h.ID, Response: true, Authoritative: true, RecursionDesired: h.RecursionDesired, RecursionAvailable: true}
	if _, fails := table[name+" FAIL"]; fails {
		reply.RCode = dnsmessage.RCodeServerFailure
	} else if !names[name] {
		reply.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, reply)
	b.EnableCompression()
	if err := errors.Join(b.StartQuestions(), b.Question(q), b.StartAnswers()); err != nil {
		return nil, err
	}
	for _, v := range table[name+" "+strings.TrimPrefix(q.Type.String(), "Type")] {
		if err := add(&b, dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}, q.Type, v); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

func add(b *dnsmessage.Builder, h dnsmessage.ResourceHeader, kind dnsmessage.Type, value string) error {
	switch kind {
	case dnsmessage.TypeTXT:
		var parts []string
		for len(value) > 255 {
			parts, value = append(parts, value[:255]), value[255:]
		}
		return b.TXTResource(h, dnsmessage.TXTResource{TXT: append(parts, value)})
	case dnsmessage.TypeMX:
		var r dnsmessage.MXResource
		var host string
		if _, err := fmt.Sscan(value, &r.Pref, &host); err != nil {
			return err
		}
		name, err := dnsmessage.NewName(dotted(host))
		r.MX = name
		return errors.Join(err, b.MXResource(h, r))
	case dnsmessage.TypePTR:
		name, err := dnsmessage.NewName(dotted(value))
		return errors.Join(err, b.PTRResource(h, dnsmessage.PTRResource{PTR: name}))
	}
	ip, err := netip.ParseAddr(value)
	switch {
	case err != nil:
		return err
	case kind == dnsmessage.TypeA && ip.Is4():
		return b.AResource(h, dnsmessage.AResource{A: ip.As4()})
	case kind == dnsmessage.TypeAAAA && ip.Is6():
		return b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: ip.As16()})
	}
	return fmt.Errorf("%s is no %s", value, kind)
}

// Reverse gives the name below which an address has its PTR record.
func Reverse(ip netip.Addr) string {
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

func dotted(name string) string { return strings.TrimSuffix(name, ".") + "." }
