package mail

import (
	"bufio"
	"time"

	"crieur/publisher"
)

// ReadReply shows the parser of replies to the tests.
func ReadReply(r *bufio.Reader) (code int, enhanced, text string, err error) {
	got, err := readReply(r, true)
	return got.code, got.enhanced, got.text, err
}

// Signed gives a mail as Send puts it on the wire.
func Signed(m publisher.Mail, now time.Time, all ...DKIM) ([]byte, error) {
	s, err := newSigners(all)
	if err != nil {
		return nil, err
	}
	c, err := Compile(m.Letter)
	if err != nil {
		return nil, err
	}
	one := s.of(c.sender)
	b, _, err := c.append(one.reserve(nil), m)
	if err != nil {
		return nil, err
	}
	return one.sign(b, now)
}

// A Signer signs finished messages, without building them.
type Signer struct{ s *signer }

func NewSigner(d DKIM) Signer { return Signer{newSigner(d.Domain, d.Keys)} }

// Sign signs msg as often as it is called; buf is reused.
func (s Signer) Sign(buf, msg []byte, now time.Time) ([]byte, error) {
	return s.s.sign(append(s.s.reserve(buf[:0]), msg...), now)
}
