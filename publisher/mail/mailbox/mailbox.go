// Package mailbox empties a mailbox of reports over IMAP or POP3. A message is taken
// away only after whoever it was given to has done with it. It knows nothing of what
// the messages say.
package mailbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

// Config says where the mailbox is. Host, User and Password are needed.
type Config struct {
	Protocol string // imap, pop3
	Host     string
	Port     int    // 0: the one usual for protocol and security
	Security string // tls, starttls, none
	User     string
	Password publisher.Secret
	Folder   string // imap: "": INBOX
	Keep     bool   // imap: what is done with stays, marked as read
	Timeout  time.Duration
	MaxSize  int64 // octets of a message that are read; the rest is left out

	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: a net.Dialer
	TLS  *tls.Config                                                          // nil: the system's roots
}

// A Fate is what becomes of a message that was given out.
type Fate uint8

const (
	Later  Fate = iota // stays, and is given out again
	Leave              // is not for us: stays; over IMAP it is marked as read and not given out again
	Remove             // done with
)

// A Take is called with each message. Its error ends the round; the message stays.
type Take func(ctx context.Context, raw []byte) (Fate, error)

// A Round is what was found.
type Round struct {
	Seen    int // messages given out
	Removed int
	Left    int
}

// Empty goes once through the mailbox, oldest message first. Errors: Denied, the
// login was refused; Busy, the server could not be reached or hung up; Invalid, the
// folder does not exist. A message that the server cannot give out keeps no other from
// being read; the round ends with an error, of kind Busy.
func Empty(ctx context.Context, c Config, take Take) (Round, error) {
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.MaxSize == 0 {
		c.MaxSize = 1 << 20
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	t := &tls.Config{}
	if c.TLS != nil {
		t = c.TLS.Clone()
	}
	if t.ServerName == "" {
		t.ServerName = c.Host
	}
	c.TLS = t
	var r Round
	var err error
	if c.Protocol == "pop3" {
		err = c.session(ctx, func(conn net.Conn) (err error) {
			r, err = c.emptyPOP3(ctx, conn, take)
			return err
		})
	} else {
		r, err = c.emptyIMAP(ctx, take)
	}
	if err != nil && ctx.Err() != nil {
		err = c.fail(publisher.Busy, context.Cause(ctx))
	}
	return r, err
}

// session does something over one connection, which ends with ctx at the latest.
func (c Config) session(ctx context.Context, do func(net.Conn) error) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	return do(conn)
}

func (c Config) connect(ctx context.Context) (net.Conn, error) {
	port := c.Port
	if port == 0 {
		port = map[string]int{"imap tls": 993, "imap": 143, "pop3 tls": 995, "pop3": 110}[strings.TrimSuffix(strings.TrimSuffix(c.Protocol+" "+c.Security, " none"), " starttls")]
	}
	address := net.JoinHostPort(c.Host, strconv.Itoa(port))
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	raw, err := c.Dial(ctx, "tcp", address)
	if err != nil {
		if own := (*publisher.Error)(nil); errors.As(err, &own) { // where there is something to be said against connecting at all
			e := c.fail(own.Kind, err)
			e.Hint = own.Hint
			return nil, e
		}
		e := c.fail(publisher.Busy, err)
		e.Hint = fmt.Sprintf("does a server for %s run at %s? see returns.mailbox.host and port", strings.ToUpper(c.Protocol), address)
		return nil, e
	}
	conn := net.Conn(&idle{raw, c.Timeout})
	if c.Security == "tls" {
		secure := tls.Client(conn, c.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, c.untrusted(err)
		}
		conn = secure
	}
	return conn, nil
}

func (c Config) fail(kind publisher.Kind, err error) *publisher.Error {
	return &publisher.Error{Kind: kind, Op: "read mailbox", Where: "returns.mailbox", Err: err}
}

func (c Config) untrusted(err error) *publisher.Error {
	e := c.fail(publisher.Busy, fmt.Errorf("TLS: %w", err))
	e.Hint = "see returns.mailbox.security and port: 993 and 995 want tls, 143 and 110 starttls"
	return e
}

func (c Config) denied(err error) *publisher.Error {
	e := c.fail(publisher.Denied, fmt.Errorf("the server refuses the login: %w", err))
	e.Hint = "correct returns.mailbox.user and password"
	return e
}

var errNoTLS = errors.New("the server offers no TLS")

// idle is a connection that ends when the other side is silent for too long.
type idle struct {
	net.Conn
	limit time.Duration
}

func (i *idle) Read(b []byte) (int, error) {
	_ = i.SetReadDeadline(time.Now().Add(i.limit))
	return i.Conn.Read(b)
}

func (i *idle) Write(b []byte) (int, error) {
	_ = i.SetWriteDeadline(time.Now().Add(i.limit))
	return i.Conn.Write(b)
}
