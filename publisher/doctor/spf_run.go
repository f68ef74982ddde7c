package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// An spfResult is what RFC 7208 §2.6 calls the results.
type spfResult string

const (
	spfNone      spfResult = "none"
	spfNeutral   spfResult = "neutral"
	spfPass      spfResult = "pass"
	spfFail      spfResult = "fail"
	spfSoftFail  spfResult = "softfail"
	spfTempError spfResult = "temperror"
	spfPermError spfResult = "permerror"
)

// The limits of RFC 7208 §4.6.4: a record that passes them is an error for receivers.
const (
	maxLookups = 10
	maxVoid    = 2
	maxNames   = 10 // of an mx or ptr term
)

// An spfRun is the evaluation of one sender's records for one address.
type spfRun struct {
	*exam
	ip           netip.Addr
	sender, helo string
	lookups      int
	void         int  // look-ups that found nothing
	all          bool // it passed by nothing but +all
}

// An spfStop ends an evaluation with an error of the record or of DNS.
type spfStop struct {
	result spfResult
	why    string
}

// check evaluates the record of a domain. why says what is wrong where the result is
// an error.
func (r *spfRun) check(ctx context.Context, domain string) (result spfResult, why string) {
	record, why, result := r.spfRecord(ctx, domain)
	if result != "" {
		return result, why
	}
	terms, err := readSPF(record)
	if err != nil {
		return spfPermError, domain + ": " + err.Error()
	}
	redirect := ""
	for _, t := range terms {
		if t.name == "redirect" {
			redirect = t.domain
		}
		if t.result == "" {
			continue
		}
		matches, stop := r.matches(ctx, t, domain)
		if stop != nil {
			return stop.result, stop.why
		}
		if matches {
			r.all = r.all || t.name == "all" && t.result == spfPass
			return t.result, ""
		}
	}
	if redirect == "" {
		return spfNeutral, ""
	}
	if stop := r.count(); stop != nil {
		return stop.result, stop.why
	}
	target := r.expand(redirect, domain)
	if result, why = r.check(ctx, target); result == spfNone {
		return spfPermError, domain + ": redirect= leads to " + target + ", which has no SPF record"
	}
	return result, why
}

// spfRecord gives the one SPF record of a domain; a result where there is not one.
func (e *exam) spfRecord(ctx context.Context, domain string) (record, why string, result spfResult) {
	list, err := e.texts(ctx, domain)
	if err != nil {
		return "", unanswered(domain, err), spfTempError
	}
	for _, text := range list {
		version, _, _ := strings.Cut(text, " ")
		if !strings.EqualFold(version, "v=spf1") {
			continue
		}
		if record != "" {
			return "", domain + " has more than one SPF record", spfPermError
		}
		record = text
	}
	if record == "" {
		return "", domain + " has no SPF record", spfNone
	}
	if _, err := readSPF(record); err != nil {
		return "", domain + ": " + err.Error(), spfPermError
	}
	return record, "", ""
}

func (r *spfRun) count() *spfStop {
	if r.lookups++; r.lookups > maxLookups {
		return &spfStop{spfPermError, fmt.Sprintf("the SPF record needs more than %d look-ups; receivers give up there", maxLookups)}
	}
	return nil
}

func (r *spfRun) found(n int) *spfStop {
	if n > 0 {
		return nil
	}
	if r.void++; r.void > maxVoid {
		return &spfStop{spfPermError, "the SPF record names more than two things that DNS does not have; receivers give up there"}
	}
	return nil
}

func (r *spfRun) matches(ctx context.Context, t term, domain string) (bool, *spfStop) {
	target := domain
	if t.domain != "" {
		target = r.expand(t.domain, domain)
	}
	switch t.name {
	case "all":
		return true, nil
	case "ip4", "ip6":
		return t.prefix.Contains(r.ip), nil
	}
	if stop := r.count(); stop != nil {
		return false, stop
	}
	switch t.name {
	case "include":
		return r.included(ctx, target, domain)
	case "a":
		return r.hostMatches(ctx, t, target, true)
	case "mx":
		return r.mxMatches(ctx, t, target)
	case "exists":
		list, err := r.DNS.LookupNetIP(ctx, "ip4", rooted(target))
		if err != nil && !absent(err) {
			return false, &spfStop{spfTempError, unanswered(target, err)}
		}
		return len(list) > 0, r.found(len(list))
	}
	return r.ptrMatches(ctx, target)
}

func (r *spfRun) included(ctx context.Context, target, domain string) (bool, *spfStop) {
	switch result, why := r.check(ctx, target); result {
	case spfPass:
		return true, nil
	case spfNone:
		return false, &spfStop{spfPermError, domain + ": include:" + short(target) + " has no SPF record"}
	case spfTempError, spfPermError:
		return false, &spfStop{result, why}
	}
	return false, nil
}

func (r *spfRun) hostMatches(ctx context.Context, t term, host string, counted bool) (bool, *spfStop) {
	list, err := r.addresses(ctx, host)
	if err != nil {
		return false, &spfStop{spfTempError, unanswered(host, err)}
	}
	if counted {
		if stop := r.found(len(list)); stop != nil {
			return false, stop
		}
	}
	for _, ip := range list {
		if t.covers(r.ip, ip) {
			return true, nil
		}
	}
	return false, nil
}

func (r *spfRun) mxMatches(ctx context.Context, t term, domain string) (bool, *spfStop) {
	list, err := r.DNS.LookupMX(ctx, rooted(domain))
	if err != nil && !absent(err) && len(list) == 0 {
		return false, &spfStop{spfTempError, unanswered(domain, err)}
	}
	if stop := r.found(len(list)); stop != nil {
		return false, stop
	}
	if len(list) > maxNames {
		return false, &spfStop{spfPermError, fmt.Sprintf("%s has more than %d MX records, which SPF does not take", domain, maxNames)}
	}
	for _, mx := range list {
		if matches, stop := r.hostMatches(ctx, t, unrooted(mx.Host), false); matches || stop != nil {
			return matches, stop
		}
	}
	return false, nil
}

// ptrMatches looks for a name of the address that leads back to it and is in the
// domain. Whatever goes wrong is no match (RFC 7208 §5.5).
func (r *spfRun) ptrMatches(ctx context.Context, domain string) (bool, *spfStop) {
	names, _ := r.DNS.LookupAddr(ctx, r.ip.String())
	if stop := r.found(len(names)); stop != nil {
		return false, stop
	}
	for _, name := range names[:min(len(names), maxNames)] {
		if name = strings.ToLower(unrooted(name)); !below(name, strings.ToLower(unrooted(domain))) {
			continue
		}
		back, _ := r.addresses(ctx, name)
		for _, ip := range back {
			if ip == r.ip {
				return true, nil
			}
		}
	}
	return false, nil
}
