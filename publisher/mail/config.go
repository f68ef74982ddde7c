package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"crieur/publisher"
)

// How a connection is made private.
const (
	StartTLS      = "starttls"      // upgraded after the greeting; refused where the server cannot (the default)
	ImplicitTLS   = "tls"           // TLS from the first byte, usually on port 465
	Opportunistic = "opportunistic" // upgraded where the server can; its certificate is checked only if there is a password to protect
	Plain         = "none"          // for a relay on the same machine
)

// A Server is one SMTP server that relays for us. Zero values stand for the
// defaults named here.
type Server struct {
	Name                  string // in config.yaml: errors say smtp.NAME
	Host                  string
	Port                  int    // 587; 465 where Security is "tls"
	Security              string // see StartTLS
	User                  string // "": no login
	Password              publisher.Secret
	Auth                  string        // "auto", "plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256", "xoauth2" (the password is the token), "none"
	Helo                  string        // what we call ourselves; "[127.0.0.1]", which tells nobody the machine's name
	Connections           int           // at most so many at a time; 4
	Timeout               time.Duration // to connect, and for each answer; 30s. The answer to a whole message may take ten times as long (RFC 5321 §4.5.3.2.6)
	MessagesPerConnection int           // after so many the connection is renewed; 100
	Rate                  Rate          // mails are spaced by it; zero: as fast as the server takes them
}

// Config says where mail goes.
type Config struct {
	Servers []Server                                                          // in order: the next one is tried where connecting or logging in to one fails
	TLS     *tls.Config                                                       // nil: the system's roots, TLS 1.2 or newer; ServerName is filled in
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error) // nil: a net.Dialer
	Now     func() time.Time                                                  // nil: time.Now
	Memory  *Memory                                                           // of the servers' paces, for mailers one after the other; nil: this one's own
	DKIM    []DKIM                                                            // the domains whose mails are signed; a sender without one goes unsigned
}

func (s Server) withDefaults() Server {
	if s.Security == "" {
		s.Security = StartTLS
	}
	if s.Port == 0 {
		s.Port = 587
		if s.Security == ImplicitTLS {
			s.Port = 465
		}
	}
	if s.Auth == "" {
		s.Auth = "auto"
	}
	if s.Helo == "" {
		s.Helo = "[127.0.0.1]"
	}
	if s.Connections == 0 {
		s.Connections = 4
	}
	if s.Timeout == 0 {
		s.Timeout = 30 * time.Second
	}
	if s.MessagesPerConnection == 0 {
		s.MessagesPerConnection = 100
	}
	return s
}

// where names a key of config.yaml: smtp.NAME or smtp.NAME.KEY.
func (s Server) where(key ...string) string {
	w := "smtp." + s.Name
	for _, k := range key {
		w += "." + k
	}
	return w
}

func (s Server) addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// check finds what no server could make good. It is the last line: config has
// checked the file with line numbers before.
func (s Server) check() error {
	bad := func(key, format string, args ...any) error {
		return &publisher.Error{Kind: publisher.Invalid, Op: "open mailer", Where: s.where(key), Err: fmt.Errorf(format, args...)}
	}
	if s.Host == "" {
		return bad("host", "no host")
	}
	if s.Port < 1 || s.Port > 65535 {
		return bad("port", "port %d", s.Port)
	}
	switch s.Security {
	case StartTLS, ImplicitTLS, Opportunistic, Plain:
	default:
		return bad("security", "unknown security %q: starttls, tls, opportunistic or none", s.Security)
	}
	if _, known := mechanisms[s.Auth]; !known && s.Auth != "auto" && s.Auth != "none" {
		return bad("auth", "unknown login %q", s.Auth)
	}
	if s.Connections < 0 || s.Timeout < 0 || s.MessagesPerConnection < 0 {
		return bad("connections", "negative limit")
	}
	if clean(s.Helo) != s.Helo || s.Helo == "" {
		return bad("helo", "not a host name")
	}
	return nil
}

var errNoServer = errors.New("no SMTP server is configured")
