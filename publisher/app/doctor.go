package app

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/doctor"
	"crieur/publisher/mail"
)

// DoctorOptions is what doctor is told.
type DoctorOptions struct {
	DNS string // HOST or HOST:PORT of the DNS server to ask; "": the system's
}

// A DoctorReport is what all checks found.
type DoctorReport struct {
	Mode     string                `json:"mode"`
	Note     string                `json:"note,omitempty"` // what was not looked at, and why
	Findings []doctor.Finding      `json:"findings"`
	Counts   map[doctor.Status]int `json:"counts"`
}

// Denied reports whether a login was refused.
func (r DoctorReport) Denied() bool {
	return slices.ContainsFunc(r.Findings, func(f doctor.Finding) bool { return f.Denied })
}

// Healthy reports whether nothing has to change.
func (r DoctorReport) Healthy() bool { return r.Counts[doctor.Bad] == 0 }

// Doctor looks at everything outside the program that has to be right, without
// sending or posting. In mode sandbox only the sandbox's own servers are asked, so
// that nothing leaves the machine.
func (a *App) Doctor(ctx context.Context, o DoctorOptions) (DoctorReport, error) {
	r := DoctorReport{Mode: a.conf.Mode, Counts: map[doctor.Status]int{}}
	c := doctor.Config{Now: a.o.Now}
	if !a.Live() {
		r.Note = "mode is sandbox: only its own servers were asked, nothing left this machine"
	} else {
		if o.DNS != "" {
			a.resolver = doctor.Resolver(withPort(o.DNS, "53"))
		}
		c.DNS, c.Client, c.PublicURL, c.Local = a.resolver, a.client(), a.conf.Server.PublicURL, localAddresses()
		if err := a.senders(&c); err != nil {
			return r, err
		}
	}
	if err := a.servers(ctx, &c); err != nil {
		return r, err
	}
	for _, ch := range a.conf.Channels {
		c.Accounts = append(c.Accounts, a.account(ctx, ch))
	}
	r.Findings = doctor.Examine(ctx, c)
	for _, f := range r.Findings {
		r.Counts[f.Status]++
	}
	return r, ctx.Err()
}

// senders adds the domains that newsletters come from, and the keys that mails are
// signed with.
func (a *App) senders(c *doctor.Config) error {
	signing := a.signing()
	for _, n := range a.conf.Newsletters {
		domain, err := senderDomain(domainOf(n.From))
		if err != nil {
			return &publisher.Error{Kind: publisher.Invalid, Op: "examine", Where: "newsletters." + n.Name + ".from", Err: err,
				Hint: "a sender's domain is one that others know, such as gazette.example"}
		}
		s := doctor.Sender{Domain: domain, Signer: mail.SigningDomain(signing, domain)}
		if back := domainOf(a.conf.Returns.Address); back != "" {
			if back, err = senderDomain(back); err != nil {
				return &publisher.Error{Kind: publisher.Invalid, Op: "examine", Where: "returns.address", Err: err}
			}
			if back != domain {
				s.Return = back
			}
		}
		if !slices.Contains(c.Senders, s) {
			c.Senders = append(c.Senders, s)
		}
	}
	for _, d := range signing {
		for _, k := range d.Keys {
			value, err := k.Record()
			if err != nil {
				return err
			}
			c.Keys = append(c.Keys, doctor.Key{Domain: d.Domain, Selector: k.Selector,
				Record: doctor.Record{Name: k.RecordName(d.Domain), Type: "TXT", Value: value}})
		}
	}
	return nil
}

// servers adds the servers that mails are handed to.
func (a *App) servers(ctx context.Context, c *doctor.Config) error {
	if len(a.conf.SMTP) == 0 && a.Live() {
		return nil
	}
	mailer, err := a.mailer(ctx)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, mailer.Close)
	add := func(name, host string) {
		c.Servers = append(c.Servers, doctor.Server{Name: name, Host: host, Login: func(ctx context.Context) (doctor.Session, error) {
			l := mailer.Login(ctx, name)
			return doctor.Session{TLS: l.TLS, Trusted: l.Trusted, Until: l.Until}, l.Err
		}})
	}
	if a.Live() {
		for _, s := range a.conf.SMTP {
			add(s.Name, s.Host)
		}
		return nil
	}
	box, err := a.box(ctx)
	if err != nil {
		return err
	}
	server, err := sandboxServer(box.info)
	if err != nil {
		return err
	}
	add(server.Name, server.Host)
	return nil
}

// account gives a channel's account. One whose network cannot even be opened says
// why when it is asked.
func (a *App) account(ctx context.Context, ch config.Channel) doctor.Account {
	out := doctor.Account{Channel: ch.Name}
	network, err := a.network(ctx, ch)
	if err != nil {
		out.Verify = func(context.Context) (string, error) { return "", err }
	} else if v, ok := network.(publisher.Verifier); ok {
		out.Verify = v.Verify
	}
	return out
}

// localAddresses gives this machine's own addresses.
func localAddresses() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var all []netip.Addr
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				all = append(all, ip.Unmap())
			}
		}
	}
	return all
}

// withPort adds a port where an address has none.
func withPort(addr, port string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(addr, port)
}
