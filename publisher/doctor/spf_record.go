package doctor

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// A term is a directive or modifier of an SPF record (RFC 7208 §4.6.1).
type term struct {
	result spfResult // of a directive that matches
	name   string    // in lower case
	domain string    // as written, with its macros; "" for the domain asked about
	prefix netip.Prefix
	bits4  int // of a and mx; 32 where none are given
	bits6  int
}

var (
	modifier = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9._-]*)=(.*)$`)
	lengths  = regexp.MustCompile(`^(.*?)(?:/([0-9]{1,2}))?(?://([0-9]{1,3}))?$`)
)

// readSPF reads a record. Its error says which part is wrong.
func readSPF(record string) ([]term, error) {
	var terms []term
	seen := map[string]bool{}
	for _, word := range strings.Fields(record)[1:] {
		t, err := readTerm(word)
		if err != nil {
			return nil, err
		}
		if t.name == "redirect" || t.name == "exp" {
			if seen[t.name] {
				return nil, fmt.Errorf("%s= stands twice in the SPF record", t.name)
			}
			seen[t.name] = true
		}
		terms = append(terms, t)
	}
	return terms, nil
}

func readTerm(word string) (term, error) {
	bad := fmt.Errorf("%q in the SPF record is not understood", short(word))
	if m := modifier.FindStringSubmatch(word); m != nil {
		t := term{name: strings.ToLower(m[1]), domain: m[2]}
		if (t.name == "redirect" || t.name == "exp") && !macros(t.domain) || t.name == "redirect" && t.domain == "" {
			return t, bad
		}
		return t, nil
	}
	t := term{result: spfPass, bits4: 32, bits6: 128}
	if i := strings.IndexByte("+-~?", word[0]); i >= 0 {
		t.result, word = []spfResult{spfPass, spfFail, spfSoftFail, spfNeutral}[i], word[1:]
	}
	name, arg, given := strings.Cut(word, ":")
	if !given { // a/24
		name, arg, _ = strings.Cut(word, "/")
		if arg != "" || strings.HasSuffix(word, "/") {
			arg = "/" + arg
		}
	}
	t.name = strings.ToLower(name)
	ok := true
	switch t.name {
	case "all":
		ok = !given && arg == ""
	case "include", "exists":
		t.domain, ok = arg, arg != ""
	case "ptr":
		t.domain, ok = arg, !given || arg != ""
	case "a", "mx":
		ok = t.readLengths(arg) && (!given || t.domain != "")
	case "ip4", "ip6":
		ok = t.readPrefix(arg)
	default:
		ok = false
	}
	if !ok || !macros(t.domain) {
		return t, bad
	}
	return t, nil
}

// readLengths reads "domain/24//64", each part of which may be missing.
func (t *term) readLengths(arg string) bool {
	m := lengths.FindStringSubmatch(arg)
	if m == nil {
		return false
	}
	t.domain = m[1]
	if m[2] != "" {
		t.bits4, _ = strconv.Atoi(m[2])
	}
	if m[3] != "" {
		t.bits6, _ = strconv.Atoi(m[3])
	}
	return t.bits4 <= 32 && t.bits6 <= 128 && !strings.HasSuffix(t.domain, "/")
}

func (t *term) readPrefix(arg string) bool {
	var err error
	if strings.Contains(arg, "/") {
		t.prefix, err = netip.ParsePrefix(arg)
	} else {
		var ip netip.Addr
		if ip, err = netip.ParseAddr(arg); err == nil {
			t.prefix, err = ip.WithZone("").Prefix(ip.BitLen())
		}
	}
	return err == nil && t.prefix.Addr().Is4() == (t.name == "ip4")
}

// covers reports whether an address is within the term's length of another.
func (t term) covers(ip, of netip.Addr) bool {
	bits := t.bits4
	if of.Is6() {
		bits = t.bits6
	}
	p, err := of.Prefix(bits)
	return err == nil && p.Contains(ip)
}

func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
