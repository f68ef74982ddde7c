package bounce

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"

	"golang.org/x/net/idna"

	"crieur/publisher"
)

// Paths makes and reads return addresses: the envelope sender of each mail names its
// delivery (VERP), so that a report is attributed without trusting a word of it. Safe
// for concurrent use.
type Paths struct {
	key    []byte
	before string // up to and with the delimiter
	domain string // with the @, as DNS has it
}

// NewPaths gives the return addresses below one mailbox: local part, delimiter,
// token, domain. The key is secret and never changes.
func NewPaths(key []byte, address, delimiter string) (*Paths, error) {
	local, domain, err := publisher.SplitEmail(address)
	if err != nil {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read return address", Err: err}
	}
	if domain, err = idna.Lookup.ToASCII(domain); err != nil {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read return address", Err: errors.New("not a possible domain name")}
	}
	p := &Paths{key: key, before: local + delimiter, domain: "@" + domain}
	if _, _, err := publisher.SplitEmail(p.Make(1<<40, 1<<40)); err != nil {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read return address", Err: err,
			Hint: "the token takes 38 of the 64 characters that may stand before the @"}
	}
	return p, nil
}

// Tokens are of letters and digits that survive servers which change case.
var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// macSize is how many octets of the signature a token carries: nobody can try 2^80
// reports. longestToken is that and two numbers, encoded.
const (
	macSize      = 10
	longestToken = 48
)

// Make gives the return address of one delivery.
func (p *Paths) Make(lot, reader int64) string {
	var raw [2*binary.MaxVarintLen64 + macSize]byte
	n := binary.PutUvarint(raw[:], uint64(lot))
	n += binary.PutUvarint(raw[n:], uint64(reader))
	sum := p.sum(raw[:n])
	n += copy(raw[n:], sum[:macSize])
	buf := make([]byte, 0, len(p.before)+longestToken+len(p.domain))
	buf = append(buf, p.before...)
	buf = tokenText.AppendEncode(buf, raw[:n])
	return string(append(buf, p.domain...))
}

// Signed is what a return address turned out to be.
type Signed uint8

const (
	Foreign Signed = iota // not one of ours
	Forged                // of our form, and not made by us
	Genuine
)

// Read reads a return address, whatever became of its case on the way.
func (p *Paths) Read(address string) (lot, reader int64, s Signed) {
	address = strings.Trim(strings.TrimSpace(address), "<>")
	if at := strings.LastIndexByte(address, '@'); at >= 0 && len(address) < 512 {
		// A server that knows SMTPUTF8 may show the domain in its own script.
		if domain, err := idna.Lookup.ToASCII(address[at+1:]); err == nil {
			address = address[:at+1] + domain
		}
	}
	if len(address) > len(p.before)+longestToken+len(p.domain) || len(address) <= len(p.before)+len(p.domain) ||
		!strings.EqualFold(address[:len(p.before)], p.before) || !strings.EqualFold(address[len(address)-len(p.domain):], p.domain) {
		return 0, 0, Foreign
	}
	raw, err := tokenText.DecodeString(strings.ToLower(address[len(p.before) : len(address)-len(p.domain)]))
	if err != nil || len(raw) < macSize+2 {
		return 0, 0, Forged
	}
	body, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	sum := p.sum(body)
	if !hmac.Equal(mac, sum[:macSize]) {
		return 0, 0, Forged
	}
	l, n := binary.Uvarint(body)
	if n <= 0 {
		return 0, 0, Forged
	}
	r, m := binary.Uvarint(body[n:])
	if m <= 0 || n+m != len(body) {
		return 0, 0, Forged
	}
	return int64(l), int64(r), Genuine
}

func (p *Paths) sum(body []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, p.key)
	h.Write([]byte("return address\x00"))
	h.Write(body)
	var out [sha256.Size]byte
	h.Sum(out[:0])
	return out
}
