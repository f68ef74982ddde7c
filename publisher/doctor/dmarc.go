package doctor

import (
	"context"
	"slices"
	"strings"
)

// A policy is a DMARC record and where it stands.
type policy struct {
	domain string
	tags   map[string]string
}

// dmarc looks at the policy that receivers find for a sender (RFC 9989), and whether
// what authenticates its mails is aligned with it.
func (e *exam) dmarc(ctx context.Context, s Sender) Finding {
	f := Finding{About: s.Domain, Check: "dmarc", Status: OK}
	walk, twice, err := e.dmarcWalk(ctx, s.Domain)
	if err != nil {
		return f.warn(unanswered("_dmarc."+s.Domain, err), "")
	}
	p, asked := policyFor(s.Domain, walk)
	switch {
	case twice:
		return f.bad("more than one DMARC record stands at _dmarc."+s.Domain+", and receivers take none of them", "leave one")
	case p == nil:
		f.Records = []Record{{Name: "_dmarc." + s.Domain, Type: "TXT", Value: "v=DMARC1; p=none"}}
		return f.bad("there is no DMARC record", "add one; Gmail, Yahoo and Microsoft ask it of who writes to many")
	case asked == "":
		return f.bad("the record at _dmarc."+p.domain+" has no policy that receivers know", "give it p=none, p=quarantine or p=reject")
	}
	what := "policy " + asked
	if p.domain != s.Domain {
		what += " (of " + p.domain + ")"
	}
	if strings.EqualFold(p.tags["t"], "y") {
		what += ", on trial (t=y)"
	}
	var gone []string
	for _, tag := range []string{"pct", "rf", "ri"} {
		if _, there := p.tags[tag]; there {
			gone = append(gone, tag)
		}
	}
	switch {
	case s.Signer == "" && !e.aligned(ctx, s, p, walk):
		return f.bad(what+"; mails go unsigned, and that bounces come back to "+s.Return+" does not count for "+s.Domain,
			"crieur dkim new "+s.Domain+" makes keys, or let bounces come back to "+s.Domain)
	case s.Signer == "":
		return f.warn(what+"; it rests on SPF alone, which does not survive forwarding", "crieur dkim new "+s.Domain+" makes keys, unless your relay signs for you")
	case !e.aligned(ctx, s, p, walk):
		return f.warn(what+"; the signature of "+s.Signer+" does not count for "+s.Domain+", and SPF alone does not survive forwarding",
			"crieur dkim new "+s.Domain+" makes keys for it")
	case len(gone) > 0:
		return f.warn(what+"; the record has tags that RFC 9989 took away: "+strings.Join(gone, ", "), "take them out of the record at _dmarc."+p.domain)
	}
	f.What = what + "; signature and envelope are aligned"
	return f
}

// longestWalk is how many labels the walk's second and later steps have at most
// (RFC 9989 §4.10).
const longestWalk = 7

// dmarcWalk asks at a domain and, label by label, at those above it, and gives the
// records found on the way. twice is true where the domain itself has several.
func (e *exam) dmarcWalk(ctx context.Context, domain string) (walk []policy, twice bool, err error) {
	for at := domain; at != ""; at = above(at) {
		list, err := e.texts(ctx, "_dmarc."+at)
		if err != nil {
			return nil, false, err
		}
		var here []map[string]string
		for _, text := range list {
			version, _, _ := strings.Cut(text, ";")
			if tags, ok := readTags(text); ok && strings.Join(strings.Fields(version), "") == "v=DMARC1" {
				here = append(here, tags)
			}
		}
		twice = twice || at == domain && len(here) > 1
		if len(here) != 1 {
			continue
		}
		walk = append(walk, policy{at, here[0]})
		if psd := here[0]["psd"]; psd == "n" || psd == "y" {
			break
		}
	}
	return walk, twice, nil
}

// above gives the next domain of the walk; "" after the last.
func above(domain string) string {
	labels := strings.Split(domain, ".")
	if len(labels) > longestWalk {
		return strings.Join(labels[len(labels)-longestWalk:], ".")
	}
	return strings.Join(labels[1:], ".")
}

// organisation gives the organisational domain of the domain that a walk began at
// (RFC 9989 §4.10.2).
func organisation(domain string, walk []policy) string {
	for _, p := range walk {
		switch {
		case p.tags["psd"] == "n":
			return p.domain
		case p.tags["psd"] == "y" && p.domain != domain:
			labels := strings.Split(strings.TrimSuffix(domain, "."+p.domain), ".")
			return labels[len(labels)-1] + "." + p.domain
		}
	}
	if len(walk) == 0 {
		return domain
	}
	return walk[len(walk)-1].domain
}

// policyFor gives the record that applies to a domain, which exists, and what it
// asks; "" where that is nothing that receivers know.
func policyFor(domain string, walk []policy) (p *policy, asked string) {
	for _, at := range []string{domain, organisation(domain, walk)} {
		i := slices.IndexFunc(walk, func(p policy) bool { return p.domain == at })
		if i < 0 {
			continue
		}
		p = &walk[i]
		break
	}
	if p == nil && len(walk) > 0 {
		p = &walk[len(walk)-1] // a public suffix's
	}
	if p == nil {
		return nil, ""
	}
	asked = strings.ToLower(p.tags["p"])
	if sp := strings.ToLower(p.tags["sp"]); sp != "" && p.domain != domain {
		asked = sp
	}
	known := asked == "none" || asked == "quarantine" || asked == "reject"
	switch {
	case known:
		return p, asked
	case asked == "" || p.tags["rua"] != "": // RFC 9989 §4.7
		return p, "none"
	}
	return p, ""
}

// aligned reports whether the sender's signature counts for it, or, where there is
// none, the envelope sender.
func (e *exam) aligned(ctx context.Context, s Sender, p *policy, walk []policy) bool {
	domain, mode := s.Signer, "adkim"
	if domain == "" {
		domain, mode = s.Return, "aspf"
	}
	if domain == "" || domain == s.Domain {
		return true
	}
	if strings.EqualFold(p.tags[mode], "s") {
		return false
	}
	other, _, err := e.dmarcWalk(ctx, domain)
	return err != nil || organisation(domain, other) == organisation(s.Domain, walk)
}
