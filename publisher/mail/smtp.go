package mail

import (
	"context"
	"net"
	"sync"
	"time"

	"crieur/publisher"
)

var (
	_ publisher.Mailer = (*SMTP)(nil)
	_ publisher.Round  = (*errand)(nil)
)

// SMTP hands mails to the first of its servers that can be reached. Safe for
// concurrent use; as many mails are on their way at once as there are callers, up
// to the servers' Connections.
type SMTP struct {
	pools  []*pool
	now    func() time.Time
	sign   signers
	jobs   sync.Pool // *job
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
// on this recipient (see Classify); Invalid without a Code is about the mail.
func (s *SMTP) Send(ctx context.Context, m publisher.Mail) (publisher.Receipt, error) {
	r := errand{mail: m}
	s.Carry(ctx, &r)
	return r.receipt, r.err
}

// An errand is a round of one mail.
type errand struct {
	mail    publisher.Mail
	taken   bool
	receipt publisher.Receipt
	err     error
}

func (e *errand) Next(bool) (publisher.Mail, bool) {
	first := !e.taken
	e.taken = true
	return e.mail, first
}

func (e *errand) Begin(publisher.Mail) (time.Duration, error) { return 0, nil }

func (e *errand) Done(_ publisher.Mail, r publisher.Receipt, err error) { e.receipt, e.err = r, err }

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
