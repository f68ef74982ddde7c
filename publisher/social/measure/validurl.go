package measure

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// ValidURL reports whether X accepts s, all of it, as the address of a link:
// http or https, or no protocol at all; a host that is an IP address or a domain
// whose top-level part begins with a letter; and in path, query and fragment
// nothing that RFC 3986 wants escaped, save for Cyrillic letters.
func ValidURL(s string) bool {
	if n := protocolLen(s); n > 0 {
		s = s[n:]
	} else if strings.Contains(s, "://") && strings.Index(s, "://") < strings.IndexAny(s+"/", "/?#") {
		return false
	}
	rest, fragment, _ := strings.Cut(s, "#")
	rest, query, _ := strings.Cut(rest, "?")
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	return validAuthority(host) && allURLChars(path, "/:|@") && allURLChars(query, "/?:|@") && allURLChars(fragment, "/?:|@")
}

func validAuthority(s string) bool {
	if user, host, ok := strings.Cut(s, "@"); ok {
		if !allURLChars(user, ":") {
			return false
		}
		s = host
	}
	host := s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host = s[:i]
		if port := s[i+1:]; len(port) > 5 || prefixLen(port, 5, isASCIIDigit) != len(port) {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && addr.Is6() && strings.HasSuffix(inner, "]")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Is4()
	}
	return validDomain(host)
}

func validDomain(host string) bool {
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return false
	}
	for i, label := range labels {
		first, _ := utf8.DecodeRuneInString(label)
		last, _ := utf8.DecodeLastRuneInString(label)
		top := i == len(labels)-1
		if label == "" || !isHostEdge(first) || !isHostEdge(last) || top && isASCIIDigit(first) {
			return false
		}
		for _, r := range label {
			if !isHostEdge(r) && r != '-' && (r != '_' || i >= len(labels)-2) {
				return false
			}
		}
	}
	return true
}

func isHostEdge(r rune) bool {
	return isASCIIAlnum(r) || r >= utf8.RuneSelf && r != utf8.RuneError && isDomainChar(r)
}

// allURLChars reports whether s has only unreserved characters, sub-delimiters,
// escapes, and what more names.
func allURLChars(s, more string) bool {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == '%' {
			if len(s)-i < 3 || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			size = 3
		} else if !isASCIIAlnum(r) && !isCyrillic(r) && !strings.ContainsRune("-._~!$&'()*+,;=", r) && !strings.ContainsRune(more, r) {
			return false
		}
		i += size
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
