package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"crieur/publisher"
)

// connect dials, says hello, makes the connection private and logs in, each within
// the server's timeout. The connection is closed as soon as ctx ends: a context is
// the only thing that go-mail does not watch after dialling.
func connect(ctx context.Context, s Server, c Config) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*s.Timeout)
	defer cancel()
	raw, err := dial(ctx, s, c)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	k, err := hello(ctx, raw, s, c.TLS)
	if !stop() && err == nil {
		err = &publisher.Error{Kind: publisher.Busy, Op: "connect", Where: s.where(), Err: context.Cause(ctx)}
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return k, nil
}

func dial(ctx context.Context, s Server, c Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	raw, err := c.Dial(ctx, "tcp", s.addr())
	if err != nil {
		return nil, &publisher.Error{Kind: publisher.Busy, Op: "connect", Where: s.where(), Err: err,
			Hint: fmt.Sprintf("is an SMTP server running at %s? see %s and %s", s.addr(), s.where("host"), s.where("port"))}
	}
	return raw, nil
}

// tlsConfig completes what is configured, once for all connections to a server: a
// session that one of them made is taken up by the next.
func tlsConfig(s Server, c Config) *tls.Config {
	t := &tls.Config{}
	if c.TLS != nil {
		t = c.TLS.Clone()
	}
	if t.ClientSessionCache == nil {
		t.ClientSessionCache = tls.NewLRUClientSessionCache(s.Connections)
	}
	// Small records show a page sooner; a mail is of use when it is whole.
	t.DynamicRecordSizingDisabled = true
	if t.ServerName == "" {
		t.ServerName = s.Host
	}
	if t.MinVersion == 0 {
		t.MinVersion = tls.VersionTLS12
	}
	// RFC 7435: better private from who only listens than not private at all. With a
	// password to lose, it is the certificate or nothing.
	if s.Security == Opportunistic && s.User == "" {
		t.InsecureSkipVerify = true
	}
	return t
}

// hello runs the dialogue from the greeting to the login.
func hello(ctx context.Context, raw net.Conn, s Server, t *tls.Config) (*conn, error) {
	renew := func() { _ = raw.SetDeadline(time.Now().Add(s.Timeout)) }
	renew()
	stream, private := raw, false
	if s.Security == ImplicitTLS {
		over := tls.Client(raw, t)
		if err := over.HandshakeContext(ctx); err != nil {
			return nil, tlsError(s, err)
		}
		stream, private = over, true
		renew()
	}
	client, err := smtp.NewClient(stream, s.Host)
	if err != nil {
		return nil, refused(s, "connect", err, fmt.Sprintf("%s does not let us in", s.addr()))
	}
	if err := client.Hello(s.Helo); err != nil {
		return nil, refused(s, "say hello", err, "see "+s.where("helo"))
	}
	if s.Security == StartTLS || s.Security == Opportunistic {
		offered, _ := client.Extension("STARTTLS")
		switch {
		case offered:
			renew()
			if err := client.StartTLS(t); err != nil {
				return nil, tlsError(s, err)
			}
			private = true
		case s.Security == StartTLS:
			return nil, &publisher.Error{Kind: publisher.Denied, Op: "connect", Where: s.where("security"),
				Err:  errors.New("the server offers no STARTTLS"),
				Hint: fmt.Sprintf("set %s to tls (port 465), or to none for a relay on this machine", s.where("security"))}
		}
	}
	if s.User != "" && s.Auth != "none" {
		renew()
		if err := login(client, s, private); err != nil {
			return nil, err
		}
	}
	k := &conn{net: raw, client: client, timeout: s.Timeout}
	k.pipelining, _ = client.Extension("PIPELINING")
	k.smtputf8, _ = client.Extension("SMTPUTF8")
	k.dsn, _ = client.Extension("DSN")
	if ok, limit := client.Extension("SIZE"); ok {
		k.limited = true
		k.limit, _ = strconv.ParseInt(strings.TrimSpace(limit), 10, 64)
	}
	return k, nil
}

// mechanisms makes each kind of login that can be configured; name is the SASL
// mechanism's.
var mechanisms = map[string]struct {
	name  string
	clear bool // shows the password to who listens
	make  func(s Server) smtp.Auth
}{
	"plain":         {"PLAIN", true, func(s Server) smtp.Auth { return smtp.PlainAuth("", s.User, s.Password.Reveal(), s.Host, false) }},
	"login":         {"LOGIN", true, func(s Server) smtp.Auth { return smtp.LoginAuth(s.User, s.Password.Reveal(), s.Host, false) }},
	"cram-md5":      {"CRAM-MD5", false, func(s Server) smtp.Auth { return smtp.CRAMMD5Auth(s.User, s.Password.Reveal()) }},
	"scram-sha-1":   {"SCRAM-SHA-1", false, func(s Server) smtp.Auth { return smtp.ScramSHA1Auth(s.User, s.Password.Reveal()) }},
	"scram-sha-256": {"SCRAM-SHA-256", false, func(s Server) smtp.Auth { return smtp.ScramSHA256Auth(s.User, s.Password.Reveal()) }},
	"xoauth2":       {"XOAUTH2", true, func(s Server) smtp.Auth { return smtp.XOAuth2Auth(s.User, s.Password.Reveal()) }},
}

// automatic is the order in which "auto" chooses. XOAUTH2 wants a token and is
// never chosen by itself.
var automatic = []string{"scram-sha-256", "scram-sha-1", "plain", "login", "cram-md5"}

func login(client *smtp.Client, s Server, private bool) error {
	denied := func(hint string, err error) error {
		return &publisher.Error{Kind: publisher.Denied, Op: "log in", Where: s.where(), Err: err, Hint: hint}
	}
	_, list := client.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(list))
	private = private || local(s.Host)
	choice := s.Auth
	if choice == "auto" {
		choice = ""
		for _, name := range automatic {
			if m := mechanisms[name]; slices.Contains(offered, m.name) && (private || !m.clear) {
				choice = name
				break
			}
		}
	}
	m, known := mechanisms[choice]
	switch {
	case !known && len(offered) > 0 && !private:
		return denied(fmt.Sprintf("set %s to starttls or tls", s.where("security")), errors.New("the connection is not private enough for a password"))
	case !known:
		return denied(fmt.Sprintf("remove %s if the server wants no login, or see %s", s.where("user"), s.where("security")),
			fmt.Errorf("the server offers no login that we know: %q", cut(clean(list), 100)))
	case !slices.Contains(offered, m.name):
		return denied(fmt.Sprintf("set %s to auto", s.where("auth")), fmt.Errorf("the server does not offer %s", m.name))
	case m.clear && !private:
		return denied(fmt.Sprintf("set %s to starttls or tls", s.where("security")), errors.New("the connection is not private enough for a password"))
	}
	err := client.Auth(m.make(s))
	if err == nil {
		return nil
	}
	hint := fmt.Sprintf("check %s and %s", s.where("user"), s.where("password"))
	var answer *textproto.Error
	if errors.As(err, &answer) {
		e := refused(s, "log in", err, hint)
		// A server may say back what it was told.
		if leaks(answer.Msg, s.User, s.Password.Reveal()) {
			e.Err = fmt.Errorf("refused with code %d", answer.Code)
		}
		return e
	}
	if broken(err) {
		return &publisher.Error{Kind: publisher.Busy, Op: "log in", Where: s.where(), Err: errHungUp}
	}
	return denied(hint, errors.New("the server's side of the login is wrong"))
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// leaks reports whether a server's words hold a secret, as it is or as SASL sends it.
func leaks(said, user, password string) bool {
	if password == "" {
		return false
	}
	for _, s := range []string{password, b64(password), b64("\x00" + user + "\x00" + password)} {
		if strings.Contains(said, strings.TrimRight(s, "=")) {
			return true
		}
	}
	return false
}

// refused makes an error of a server's answer before any mail was offered: 4xx is
// Busy, 5xx is about us. What is no answer is a broken connection.
func refused(s Server, op string, err error, hint string) *publisher.Error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		var network *net.OpError
		switch {
		case errors.As(err, &network):
			err = network
		case broken(err):
			err = errHungUp
		}
		return &publisher.Error{Kind: publisher.Busy, Op: op, Where: s.where(), Err: err,
			Hint: fmt.Sprintf("is %s an SMTP server? port 465 wants %s: tls", s.addr(), s.where("security"))}
	}
	status, text := enhanced(answer.Code, answer.Msg)
	r := reply{answer.Code, status, cut(clean(text), maxReplyText)}
	kind := publisher.Denied
	if r.code < 500 {
		kind, hint = publisher.Busy, ""
	}
	return &publisher.Error{Kind: kind, Op: op, Where: s.where(), Code: r.code, Err: fmt.Errorf("the server says: %s", r), Hint: hint}
}

// tlsError tells a certificate that cannot be trusted from a connection that broke.
func tlsError(s Server, err error) error {
	var certificate *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	var host x509.HostnameError
	var answer *textproto.Error
	switch {
	case errors.As(err, &certificate), errors.As(err, &host):
		return &publisher.Error{Kind: publisher.Denied, Op: "make the connection private", Where: s.where(), Err: err,
			Hint: fmt.Sprintf("the certificate must be valid for %s; set %s to the name that stands in it", s.Host, s.where("host"))}
	case errors.As(err, &notTLS):
		return &publisher.Error{Kind: publisher.Denied, Op: "make the connection private", Where: s.where("security"),
			Err: errors.New("the server does not speak TLS at once"), Hint: fmt.Sprintf("set %s to starttls", s.where("security"))}
	case errors.As(err, &answer):
		return refused(s, "make the connection private", err, "")
	}
	return &publisher.Error{Kind: publisher.Busy, Op: "make the connection private", Where: s.where(), Err: err}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
