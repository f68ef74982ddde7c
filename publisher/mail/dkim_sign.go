package mail

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

// A signer puts the signatures of one domain above finished messages. It does not
// change; any number of goroutines may use it.
//
// It signs with c=relaxed/simple. Header fields are folded anew and respelt by
// relays, so their form must not count. The body is another matter: what Append
// gives is 7-bit quoted-printable without white space at line ends or lines that
// begin with ".", and nothing that the relaxed form forgives can happen to it, save
// empty lines at its end, which the simple form forgives too. To hash 50 kB as they
// are takes 30 µs; with a pass before it that canonicalises them, 130 µs.
type signer struct {
	keys []signingKey
	room int // octets that the signatures take at most
}

type signingKey struct {
	key    crypto.Signer
	length int    // of a signature, in octets
	tags   string // those that are the same in every mail
	rsa    bool
}

func newSigner(domain string, keys []DKIMKey) *signer {
	s := &signer{}
	for _, k := range keys {
		one := signingKey{key: k.Key, length: 64}
		if key, ok := k.Key.(*rsa.PrivateKey); ok {
			one.length, one.rsa = key.Size(), true
		}
		one.tags = "v=1; a=" + k.Algorithm() + "; c=relaxed/simple; d=" + domain + "; s=" + strings.ToLower(k.Selector) + ";"
		s.keys = append(s.keys, one)
	}
	// RSA first: there are verifiers that stop at a signature that they do not know.
	slices.SortStableFunc(s.keys, func(a, b signingKey) int {
		if a.rsa == b.rsa {
			return 0
		}
		if a.rsa {
			return -1
		}
		return 1
	})
	// The longest that the fields can be: with every field in h=.
	var every []byte
	for _, f := range covered {
		every = append(append(every, f.name...), ": x\r\n"...)
	}
	h, _ := coverHeader(nil, nil, every)
	for _, k := range s.keys {
		field := k.appendTags(nil, h, base64.StdEncoding.EncodeToString(make([]byte, sha256.Size)), time.Unix(1<<40, 0))
		s.room += len(k.appendValue(field, make([]byte, k.length)))
	}
	return s
}

// reserve makes room for the signatures before a message that is appended to dst,
// which is empty. Both methods do nothing for a sender without a signer.
func (s *signer) reserve(dst []byte) []byte {
	if s == nil {
		return dst
	}
	return slices.Grow(dst, s.room)[:s.room]
}

// sign puts the signatures into the room before the message and gives both.
func (s *signer) sign(buf []byte, now time.Time) ([]byte, error) {
	if s == nil {
		return buf, nil
	}
	msg := buf[s.room:]
	end := bytes.Index(msg, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, &publisher.Error{Kind: publisher.Internal, Op: "sign mail", Err: errNoHeader}
	}
	body := sha256.Sum256(simpleBody(msg[end+4:]))
	bh := base64.StdEncoding.EncodeToString(body[:])
	h, fields := coverHeader(make([]byte, 0, 1024), make([]byte, 0, 4096), msg[:end+2])
	signed := make([]byte, 0, 2048)
	for _, k := range s.keys {
		from := len(signed)
		signed = k.appendTags(signed, h, bh, now)
		// RFC 6376 §3.7: after the fields, this one, its b= empty and without a line end.
		digest := sha256.Sum256(bytes.TrimSuffix(appendRelaxed(fields, signed[from:]), []byte("\r\n")))
		var how crypto.SignerOpts = crypto.SHA256
		if !k.rsa {
			how = crypto.Hash(0) // RFC 8463 §3: Ed25519 signs the hash as a text
		}
		value, err := k.key.Sign(rand.Reader, digest[:], how)
		if err != nil {
			return nil, &publisher.Error{Kind: publisher.Internal, Op: "sign mail", Err: err}
		}
		signed = k.appendValue(signed, value)
	}
	at := s.room - len(signed)
	copy(buf[at:], signed)
	return buf[at:], nil
}

// appendTags appends the signature's field up to "b=".
func (k signingKey) appendTags(dst []byte, h []byte, bh string, now time.Time) []byte {
	f := folded{dst: append(dst, "DKIM-Signature:"...), col: len("DKIM-Signature:")}
	for tag := range strings.SplitSeq(k.tags, " ") {
		f.put(" ", tag)
	}
	f.put(" ", "t="+strconv.FormatInt(now.Unix(), 10)+";")
	lead := " h="
	for name := range bytes.SplitSeq(h, []byte(":")) {
		f.put(lead, string(name)+":")
		lead = ""
	}
	f.dst[len(f.dst)-1] = ';'
	f.put(" ", "bh="+bh+";")
	f.put(" ", "b=")
	return f.dst
}

// appendValue appends the signature itself and the end of the field.
func (k signingKey) appendValue(dst, value []byte) []byte {
	f := folded{dst: dst, col: len(dst) - bytes.LastIndexByte(dst, '\n') - 1}
	text := base64.StdEncoding.EncodeToString(value)
	for text != "" {
		room := foldAt - f.col
		if room <= 0 {
			f.fold()
			continue
		}
		n := min(room, len(text))
		f.put("", text[:n])
		text = text[n:]
	}
	return append(f.dst, '\r', '\n')
}

// foldAt is the longest line of a signature's field; a single long word may pass it.
const foldAt = 76

// A folded field breaks its lines only where RFC 6376 §3.2 allows white space:
// between tags, after the colons of h=, and anywhere in base64. What it has written
// is what is hashed, so that nobody can fold otherwise than was signed.
type folded struct {
	dst []byte
	col int
}

// put appends a word, after lead or on the next line.
func (f *folded) put(lead, word string) {
	if f.col+len(lead)+len(word) > foldAt && f.col > 1 {
		f.fold()
		lead = strings.TrimPrefix(lead, " ")
	}
	f.dst = append(append(f.dst, lead...), word...)
	f.col += len(lead) + len(word)
}

func (f *folded) fold() {
	f.dst = append(f.dst, '\r', '\n', ' ')
	f.col = 1
}
