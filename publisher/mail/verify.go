package mail

import (
	"context"
	"crypto/tls"
	"sync"
	"time"

	"crieur/publisher"
)

// A Login is how one server received us, without a mail being sent.
type Login struct {
	Server  string    // its name in config.yaml
	TLS     string    // "TLS 1.3"; "" for a connection in the clear
	Trusted bool      // the certificate was checked
	Until   time.Time // when the certificate ends
	Err     error     // of the kinds that Send has; nil: it let us in
}

// Login logs in to one server, by name, and leaves again without sending. The error
// of a name that there is none of is Invalid.
func (s *SMTP) Login(ctx context.Context, server string) Login {
	for _, p := range s.pools {
		if p.server.Name == server {
			return p.login(ctx)
		}
	}
	return Login{Server: server, Err: &publisher.Error{Kind: publisher.Invalid, Op: "log in", Where: "smtp." + server, Err: errNoServer}}
}

// Verify logs in to every server, all at once, and leaves again without sending.
func (s *SMTP) Verify(ctx context.Context) error {
	logins := make([]Login, len(s.pools))
	var all sync.WaitGroup
	for i, p := range s.pools {
		all.Go(func() { logins[i] = p.login(ctx) })
	}
	all.Wait()
	var errs []error
	for _, l := range logins {
		if l.Err != nil {
			errs = append(errs, l.Err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return together(errs)
}

func (p *pool) login(ctx context.Context) Login {
	l := Login{Server: p.server.Name}
	k, err := connect(ctx, p.server, p.config)
	if err != nil {
		l.Err = err
		return l
	}
	defer k.quit()
	if state, err := k.client.GetTLSConnectionState(); err == nil {
		l.TLS, l.Trusted = tls.VersionName(state.Version), len(state.VerifiedChains) > 0
		if len(state.PeerCertificates) > 0 {
			l.Until = state.PeerCertificates[0].NotAfter
		}
	}
	return l
}
