package mail

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"crieur/publisher"
)

var _ publisher.Mailer = (*SMTP)(nil)

// SMTP hands mails to the first of its servers that can be reached. Safe for
// concurrent use; as many mails are on their way at once as there are callers, up
// to the servers' Connections.
type SMTP struct {
	pools  []*pool
	now    func() time.Time
	sign   signers
	bytes  sync.Pool // *[]byte
	mu     sync.Mutex
	built  map[*publisher.Letter]*Compiled
	recent []*publisher.Letter // in the order they were built
}

// letters is how many compiled letters are kept: an issue has one per language, and
// confirmations one each.
const letters = 16

// Open checks the configuration; it does not connect.
func Open(c Config) (*SMTP, error) {
	if len(c.Servers) == 0 {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "open mailer", Where: "smtp", Err: errNoServer,
			Hint: "name a server under smtp: in config.yaml"}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	sign, err := newSigners(c.DKIM)
	if err != nil {
		return nil, err
	}
	s := &SMTP{now: c.Now, sign: sign, built: make(map[*publisher.Letter]*Compiled)}
	for _, server := range c.Servers {
		server = server.withDefaults()
		if err := server.check(); err != nil {
			return nil, err
		}
		s.pools = append(s.pools, newPool(server, c))
	}
	return s, nil
}

// Send makes one attempt; see publisher.Mailer for what its errors mean. Beyond
// that: an error whose Code is a 5xx and whose kind is Invalid is the server's word
// on this recipient or this mail (see Classify); Invalid without a Code is ours.
func (s *SMTP) Send(ctx context.Context, m publisher.Mail) (publisher.Receipt, error) {
	compiled, err := s.compiled(m.Letter)
	if err != nil {
		return publisher.Receipt{}, err
	}
	buf, _ := s.bytes.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	defer s.bytes.Put(buf)
	// Signing takes a core for about a millisecond. It is done here, where no place in
	// a pool is held, so that it overlaps with what the other callers wait for.
	built, e, err := compiled.append(compiled.sign.reserve((*buf)[:0]), m)
	*buf = built[:0]
	if err != nil {
		return publisher.Receipt{}, err
	}
	msg, err := compiled.sign.sign(built, s.now())
	if err != nil {
		return publisher.Receipt{}, err
	}
	var errs []error
	for _, p := range s.pools {
		if err := p.pace.wait(ctx); err != nil {
			return publisher.Receipt{}, p.unpaced(err)
		}
		k, used, err := p.get(ctx, false)
		if err != nil {
			if ctx.Err() != nil {
				return publisher.Receipt{}, err
			}
			errs = append(errs, err)
			continue
		}
		r, err := k.deliver(ctx, e, msg)
		p.put(k)
		if used && unused(err) && ctx.Err() == nil {
			if k, _, err = p.get(ctx, true); err != nil {
				errs = append(errs, err)
				continue
			}
			r, err = k.deliver(ctx, e, msg)
			p.put(k)
		}
		if err != nil {
			return publisher.Receipt{}, outcome(p, err)
		}
		p.trust()
		return publisher.Receipt{ID: m.MessageID(), Reply: r.String(), At: s.now()}, nil
	}
	return publisher.Receipt{}, together(errs)
}

// unused reports whether a kept connection turned out dead, or was ended by the
// server, before any of the message was sent.
func unused(err error) bool {
	var b *breakage
	var no *refusal
	return errors.As(err, &b) && b.at < stepBody || errors.As(err, &no) && no.at == stepMail && no.reply.code == 421
}

// outcome gives what delivering ended with the kind that publisher.Mailer promises.
func outcome(p *pool, err error) error {
	e := &publisher.Error{Op: "send mail", Where: p.server.where(), Err: err}
	var no *refusal
	var b *breakage
	var m *misfit
	switch {
	case errors.As(err, &no):
		e.Kind = kindOf(no.at, no.reply, p.trusts())
		e.Code = codeOf(e.Kind, no.at, no.reply)
		if e.Kind == publisher.Denied {
			e.Hint = "the server refuses us, not the reader: see its words, its limits and the sender's address"
		}
	case errors.As(err, &b):
		e.Kind = publisher.Busy
		if b.perhaps {
			e.Kind = publisher.Unknown
		}
	case errors.As(err, &m):
		e.Kind, e.Hint = publisher.Invalid, m.hint
		if m.sender {
			e.Kind = publisher.Denied
		}
	}
	return e
}

// compiled gives the letter's finished pieces, building them the first time.
func (s *SMTP) compiled(l *publisher.Letter) (*Compiled, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.built[l]; c != nil {
		return c, nil
	}
	c, err := Compile(l)
	if err != nil {
		return nil, err
	}
	c.sign = s.sign.of(c.sender)
	if len(s.recent) == letters {
		delete(s.built, s.recent[0])
		s.recent = s.recent[1:]
	}
	s.built[l], s.recent = c, append(s.recent, l)
	return c, nil
}

// Close says goodbye to the servers. Calls to Send that are under way end as they
// would have; later ones fail.
func (s *SMTP) Close() error {
	for _, p := range s.pools {
		p.close()
	}
	return nil
}
