package doctor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"crieur/publisher"
)

// A Status says how a check ended.
type Status string

// The statuses.
const (
	OK   Status = "ok"
	Warn Status = "warn" // mails arrive, but something can be better, or cannot be told from here
	Bad  Status = "bad"  // mails or posts will be refused or lost
)

// A Finding is what one check found.
type Finding struct {
	About   string   `json:"about"` // what was looked at: "smtp.main", "gazette.example", "channels.x", "server.public_url"
	Check   string   `json:"check"` // "login", "tls", "ptr", "spf", "dkim", "dmarc", "mx", "one-click", "account"
	Status  Status   `json:"status"`
	What    string   `json:"what"`
	Todo    string   `json:"todo,omitempty"`
	Records []Record `json:"records,omitempty"` // to be added to DNS, or to replace what stands there
	Denied  bool     `json:"denied,omitempty"`  // a login was refused
}

// warn and bad give the finding as it is where a check did not end well.
func (f Finding) warn(what, todo string) Finding {
	f.Status, f.What, f.Todo = Warn, what, todo
	return f
}

func (f Finding) bad(what, todo string) Finding {
	f.Status, f.What, f.Todo = Bad, what, todo
	return f
}

// Config says what there is to look at.
type Config struct {
	DNS       *net.Resolver // nil: the system's
	Servers   []Server
	Senders   []Sender
	Keys      []Key
	Accounts  []Account
	PublicURL string       // "": not looked at
	Client    *http.Client // for PublicURL
	Local     []netip.Addr // this machine's own addresses, for a relay that runs on it
	Now       func() time.Time
	Timeout   time.Duration // of each check; 20s
}

// A Server is one that takes mails.
type Server struct {
	Name, Host string
	Login      func(ctx context.Context) (Session, error) // without sending
}

// A Session is how a server received us.
type Session struct {
	TLS     string // "TLS 1.3"; "" for a connection in the clear
	Trusted bool   // the certificate was checked
	Until   time.Time
}

// A Sender is the domain after the @ of what newsletters come from, in ASCII.
type Sender struct {
	Domain string
	Signer string // the domain that signs for it; "": its mails go unsigned
	Return string // the domain that its bounces come back to, where that is another one
}

// A Key is one that mails are signed with, by the record that DNS should have of it.
type Key struct {
	Domain, Selector string
	Record           Record
}

// An Account is one on a network.
type Account struct {
	Channel string
	Verify  func(ctx context.Context) (name string, err error) // nil: it cannot be asked without posting
}

// atOnce bounds how many checks run at a time.
const atOnce = 8

// Examine runs all checks and gives what they found, in the order of the Config. It
// ends early, with findings that say so, when ctx ends.
func Examine(ctx context.Context, c Config) []Finding {
	if c.DNS == nil {
		c.DNS = net.DefaultResolver
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	e := &exam{Config: c}
	checks := e.checks()
	found := make([][]Finding, len(checks))
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			ctx, stop := context.WithTimeout(ctx, c.Timeout)
			defer stop()
			found[i] = check(ctx)
		})
	}
	all.Wait()
	var list []Finding
	for _, f := range found {
		list = append(list, f...)
	}
	return list
}

// An exam is one run of all checks.
type exam struct{ Config }

func (e *exam) checks() []func(context.Context) []Finding {
	var list []func(context.Context) []Finding
	several := func(check func(context.Context) []Finding) { list = append(list, check) }
	one := func(check func(context.Context) Finding) {
		several(func(ctx context.Context) []Finding { return []Finding{check(ctx)} })
	}
	for _, s := range e.Servers {
		several(func(ctx context.Context) []Finding { return e.server(ctx, s) })
		several(func(ctx context.Context) []Finding { return e.pointers(ctx, s) })
	}
	for _, s := range e.Senders {
		envelope := s
		if s.Return != "" {
			envelope.Domain = s.Return
			one(func(ctx context.Context) Finding { return e.mx(ctx, envelope) })
		}
		several(func(ctx context.Context) []Finding { return e.spf(ctx, envelope) })
		if s.Signer == "" {
			one(func(context.Context) Finding { return unsigned(s) })
		}
		one(func(ctx context.Context) Finding { return e.dmarc(ctx, s) })
		one(func(ctx context.Context) Finding { return e.mx(ctx, s) })
	}
	for _, k := range e.Keys {
		one(func(ctx context.Context) Finding { return e.dkim(ctx, k) })
	}
	if e.PublicURL != "" {
		one(e.oneClick)
	}
	for _, a := range e.Accounts {
		one(func(ctx context.Context) Finding { return account(ctx, a) })
	}
	return list
}

func account(ctx context.Context, a Account) Finding {
	f := Finding{About: "channels." + a.Channel, Check: "account", Status: OK}
	if a.Verify == nil {
		return f.warn("this network's account cannot be checked without posting", "")
	}
	name, err := a.Verify(ctx)
	if err != nil {
		return failed(f, err)
	}
	f.What = "logged in as " + name
	return f
}

// failed makes a finding of an error. Where it happened is what the finding is about.
func failed(f Finding, err error) Finding {
	f.Denied = publisher.KindOf(err) == publisher.Denied
	todo := publisher.HintOf(err)
	var e *publisher.Error
	if errors.As(err, &e) && e.Where == f.About {
		bare := *e
		bare.Where, err = "", &bare
	}
	return f.bad(err.Error(), todo)
}
