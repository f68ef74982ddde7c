package doctor

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	macro = regexp.MustCompile(`%(?:\{([slodiphvSLODIPHV])([0-9]{0,3})(r?)([.\-+,/_=]*)\}|([%_-]))`)
	// Of exp= alone, which is looked at here and not followed.
	explaining = regexp.MustCompile(`%\{[crtCRT][0-9]{0,3}r?[.\-+,/_=]*\}`)
)

// macros reports whether a domain's macros are well-formed (RFC 7208 §7.1).
func macros(s string) bool {
	rest := explaining.ReplaceAllString(macro.ReplaceAllString(s, ""), "")
	return !strings.Contains(rest, "%") && !strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r > '~' })
}

// expand puts the values of a message in for the macros of a domain.
func (r *spfRun) expand(s, domain string) string {
	local, of, _ := strings.Cut(r.sender, "@")
	out := macro.ReplaceAllStringFunc(s, func(one string) string {
		m := macro.FindStringSubmatch(one)
		switch m[5] {
		case "%":
			return "%"
		case "_":
			return " "
		case "-":
			return "%20"
		}
		value := ""
		switch strings.ToLower(m[1]) {
		case "s":
			value = r.sender
		case "l":
			value = local
		case "o":
			value = of
		case "d":
			value = domain
		case "i":
			value = dottedAddress(r.ip)
		case "p":
			value = "unknown" // RFC 7208 §7.2 allows it, and says not to use this one
		case "h":
			value = r.helo
		case "v":
			value = "in-addr"
			if r.ip.Is6() {
				value = "ip6"
			}
		}
		return rearrange(value, m[2], m[3] != "", m[4])
	})
	// A name too long loses labels from its left (§7.3).
	for len(out) > 253 {
		_, rest, found := strings.Cut(out, ".")
		if !found {
			break
		}
		out = rest
	}
	return out
}

// rearrange splits a value at delimiters, turns it around, and keeps the last parts.
func rearrange(value, keep string, turn bool, delimiters string) string {
	if delimiters == "" {
		delimiters = "."
	}
	parts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(delimiters, r) })
	if turn {
		slices.Reverse(parts)
	}
	if n, err := strconv.Atoi(keep); err == nil && n > 0 && n < len(parts) {
		parts = parts[len(parts)-n:]
	}
	return strings.Join(parts, ".")
}

// dottedAddress writes an address with a dot after each byte, or each half byte of
// an IPv6 address.
func dottedAddress(ip netip.Addr) string {
	if ip.Is4() {
		return ip.String()
	}
	var parts []string
	for _, b := range ip.As16() {
		parts = append(parts, fmt.Sprintf("%x.%x", b>>4, b&15))
	}
	return strings.Join(parts, ".")
}
