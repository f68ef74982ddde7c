package mail

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"crieur/publisher"
)

// DKIM says how the mails of a domain are signed (RFC 6376), with every one of its
// keys: an RSA key for all, and an Ed25519 key (RFC 8463) for those who check it.
type DKIM struct {
	Domain string // the signature's d=; it also signs for senders below it
	Keys   []DKIMKey
}

// A DKIMKey is a private key and the selector below which DNS has its other half:
// an *rsa.PrivateKey of 2048 to 4096 bits (RFC 8301) or an ed25519.PrivateKey. Two
// keys never share a selector: a selector names one record.
type DKIMKey struct {
	Selector string
	Key      crypto.Signer
}

// Algorithm gives the signature's a=; "" for a key that cannot sign mail.
func (k DKIMKey) Algorithm() string {
	switch key := k.Key.(type) {
	case *rsa.PrivateKey:
		if key != nil && key.N.BitLen() >= minRSABits && key.N.BitLen() <= maxRSABits {
			return "rsa-sha256"
		}
	case ed25519.PrivateKey:
		if len(key) == ed25519.PrivateKeySize {
			return "ed25519-sha256"
		}
	}
	return ""
}

// Verifiers need not take more than 4096 bits, and 1024 are too few for anybody.
const (
	minRSABits = 2048
	maxRSABits = 4096
)

// signers finds the signer for a sender. It does not change; any number of
// goroutines may use it.
type signers map[string]*signer

func newSigners(all []DKIM) (signers, error) {
	s := signers{}
	for _, d := range all {
		bad := func(format string, args ...any) error {
			return &publisher.Error{Kind: publisher.Invalid, Op: "open mailer", Where: "dkim." + d.Domain, Err: fmt.Errorf(format, args...)}
		}
		if _, _, err := publisher.SplitEmail("x@" + d.Domain); err != nil || !ascii(d.Domain) {
			return nil, bad("not a domain in ASCII")
		}
		domain, selectors := strings.ToLower(d.Domain), map[string]bool{}
		switch {
		case s[domain] != nil:
			return nil, bad("the domain stands twice")
		case len(d.Keys) == 0:
			return nil, bad("no key")
		}
		for _, k := range d.Keys {
			if _, _, err := publisher.SplitEmail("x@" + k.Selector + "._domainkey." + d.Domain); err != nil || !ascii(k.Selector) {
				return nil, bad("impossible selector %q", cut(clean(k.Selector), 64))
			}
			if k.Algorithm() == "" {
				return nil, bad("selector %s has no RSA key of %d to %d bits and no Ed25519 key", k.Selector, minRSABits, maxRSABits)
			}
			if selectors[strings.ToLower(k.Selector)] {
				return nil, bad("two keys under the selector %s", k.Selector)
			}
			selectors[strings.ToLower(k.Selector)] = true
		}
		s[domain] = newSigner(domain, d.Keys)
	}
	return s, nil
}

// of gives the signer of the nearest domain at or above the sender's: what it signs
// is aligned with the sender under DMARC's relaxed rule (RFC 9989 §4.10.2). nil where
// there is none.
func (s signers) of(sender mailbox) *signer {
	_, domain, _ := strings.Cut(sender.addr, "@")
	return s[nearest(domain, func(d string) bool { return s[d] != nil })]
}

// SigningDomain gives the domain that signs for senders in domain, which is in ASCII;
// "" where none does.
func SigningDomain(all []DKIM, domain string) string {
	return nearest(domain, func(d string) bool {
		return slices.ContainsFunc(all, func(one DKIM) bool { return strings.EqualFold(one.Domain, d) })
	})
}

// nearest gives the first that there is of a domain and those above it.
func nearest(domain string, there func(string) bool) string {
	domain = strings.ToLower(domain)
	for domain != "" && !there(domain) {
		_, domain, _ = strings.Cut(domain, ".")
	}
	return domain
}

var errNoHeader = errors.New("a message without an empty line after its header")
