package doctor

import "context"

// mx looks at whether answers and bounces reach the sender's domain.
func (e *exam) mx(ctx context.Context, s Sender) Finding {
	f := Finding{About: s.Domain, Check: "mx", Status: OK}
	const publish = "publish the MX record of the mailbox's server: answers and bounces come back to the sender"
	list, err := e.DNS.LookupMX(ctx, rooted(s.Domain))
	if err != nil && !absent(err) && len(list) == 0 {
		return f.warn(unanswered(s.Domain, err), "")
	}
	if len(list) == 1 && unrooted(list[0].Host) == "" {
		return f.bad("the domain says that it takes no mail (null MX, RFC 7505)", publish)
	}
	host := s.Domain
	if len(list) > 0 {
		host = unrooted(list[0].Host)
	}
	ips, err := e.addresses(ctx, host)
	switch {
	case err != nil:
		return f.warn(unanswered(host, err), "")
	case len(ips) == 0 && len(list) > 0:
		return f.bad("answers would go to "+host+", which has no address", "mend the MX record, or that host's A record")
	case len(ips) == 0:
		return f.bad("nobody can answer: the domain has no MX record and no address", publish)
	case len(list) == 0:
		return f.warn("there is no MX record; answers go to the domain's own address", publish)
	}
	f.What = "answers go to " + host
	return f
}
