package sandbox

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const maxMail = 26214400 // bytes; what Gmail and Postfix's neighbours take

func newSMTP(s *Server) *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		if f, ok := s.faults.strike(SMTP, StageConnect, ""); ok {
			if err := s.suffer(f, c); err != nil {
				return nil, err
			}
		}
		return &session{s: s, conn: c}, nil
	}))
	srv.Domain = "sandbox.crieur.test"
	srv.MaxMessageBytes = maxMail
	srv.MaxRecipients = 100
	srv.MaxLineLength = 0        // lineConn holds lines, and faster than byte by byte
	srv.AllowInsecureAuth = true // on loopback there is nobody to hide it from
	srv.EnableSMTPUTF8 = true
	srv.ReadTimeout = 5 * time.Minute
	srv.WriteTimeout = time.Minute
	srv.ErrorLog = slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug)
	return srv
}

// session is one SMTP connection. go-smtp calls its methods one after the other.
type session struct {
	s    *Server
	conn *smtp.Conn
	from string
	to   []string
	opts smtp.MailOptions
}

var _ smtp.AuthSession = (*session)(nil)

func (x *session) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

func (x *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if f, ok := x.s.faults.strike(SMTP, StageLogin, ""); ok {
			return x.s.suffer(f, x.conn)
		}
		c := x.s.info.Credentials
		if !same(user, c.SMTPUser) || !same(password, c.SMTPPassword.Reveal()) {
			return refuse(535, 5, 7, 8, "authentication credentials invalid")
		}
		return nil
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(identity, user, password string) error {
			if identity != "" && identity != user {
				return refuse(535, 5, 7, 8, "no authorization as somebody else")
			}
			return check(user, password)
		}), nil
	case sasl.Login:
		return &loginServer{check: check}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (x *session) Mail(from string, opts *smtp.MailOptions) error {
	if !isASCII(from) && !opts.UTF8 {
		return refuse(553, 5, 6, 7, "the sender's address is not ASCII and SMTPUTF8 was not asked for")
	}
	x.from, x.opts = from, *opts
	return nil
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch {
	case !strings.Contains(to, "@"):
		return refuse(553, 5, 1, 3, "the recipient's address has no domain")
	case !isASCII(to) && !x.opts.UTF8:
		return refuse(553, 5, 6, 7, "the recipient's address is not ASCII and SMTPUTF8 was not asked for")
	}
	if f, ok := x.s.faults.strike(SMTP, StageRcpt, to); ok {
		if err := x.s.suffer(f, x.conn); err != nil {
			return err
		}
	}
	x.to = append(x.to, to)
	return nil
}

func (x *session) Data(r io.Reader) error {
	raw, _ := x.s.buffers.Get().(*bytes.Buffer)
	if raw == nil {
		raw = new(bytes.Buffer)
	}
	defer x.s.buffers.Put(raw)
	raw.Reset()
	if _, err := raw.ReadFrom(r); err != nil {
		return err
	}
	x.s.life.RLock()
	defer x.s.life.RUnlock()
	if x.s.closed {
		return refuse(421, 4, 3, 2, "the sandbox is closing")
	}
	if x.conn.Conn().(*lineConn).doubled.Swap(false) {
		return malformed("a carriage return without a line feed")
	}
	f, struck := x.struck()
	if struck && f.Effect != EffectHangupAfter && f.Effect != EffectTimeoutAfter {
		return x.s.suffer(f, x.conn)
	}
	m, err := examine(raw.Bytes(), x.opts, x.s.cfg.Now())
	if err != nil {
		return err
	}
	m.From, m.To, m.At = x.from, x.to, x.s.cfg.Now()
	if err := x.s.arrivals.addMail(m, raw.Bytes()); err != nil {
		x.s.cfg.Log.Error("a mail could not be kept", "error", err)
		return refuse(452, 4, 3, 1, "the sandbox cannot write to its folder")
	}
	if struck {
		return x.s.suffer(f, x.conn)
	}
	return nil
}

// struck asks for a fault at the handing over, for each recipient in turn.
func (x *session) struck() (Fault, bool) {
	for _, to := range x.to {
		if f, ok := x.s.faults.strike(SMTP, StagePost, to); ok {
			return f, true
		}
	}
	return Fault{}, false
}

func (x *session) Reset()        { x.from, x.to, x.opts = "", nil, smtp.MailOptions{} }
func (x *session) Logout() error { return nil }

// suffer carries a fault out on an SMTP connection.
func (s *Server) suffer(f Fault, c *smtp.Conn) error {
	switch f.Effect {
	case EffectTimeout, EffectTimeoutAfter:
		s.wait(c)
	case EffectStatus:
		class := f.Code / 100
		if f.Code == 421 {
			// RFC 5321 §3.8: whoever says 421 closes the connection after it.
			c.Conn().(*lineConn).last.Store(true)
		}
		return refuse(f.Code, class, 0, 0, "refused on demand: "+f.String())
	}
	// The answer that go-smtp writes after this goes nowhere.
	c.Conn().Close()
	return errors.New("connection dropped on demand")
}

// wait lets a client wait until it leaves or the sandbox closes.
func (s *Server) wait(c *smtp.Conn) {
	ctx, cancel := context.WithTimeout(s.stopped, 10*time.Minute)
	defer cancel()
	unblock := context.AfterFunc(ctx, func() { c.Conn().Close() })
	defer unblock()
	c.Conn().SetReadDeadline(time.Time{})
	io.Copy(io.Discard, c.Conn())
}

// lineConn is a connection that can be told to close after its next answer, and that
// takes a carriage return behind another one away: go-smtp does not see the end of a
// mail whose last line ends so, and would wait for ever. The mail is refused for it.
type lineConn struct {
	net.Conn
	last    atomic.Bool
	doubled atomic.Bool // a carriage return was taken away
	before  byte        // the last byte read; only Read uses it
	line    int         // bytes read since the last line feed; likewise
}

// longestLine keeps a client from filling the memory. Lines of a mail are held to
// 998 when it is whole, for the sake of a clear answer.
const longestLine = 1 << 16

func (c *lineConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if end := bytes.LastIndexByte(b[:n], '\n'); end < 0 {
			c.line += n
		} else {
			c.line = n - 1 - end
		}
		if c.line > longestLine {
			return 0, smtp.ErrTooLongLine
		}
		if kept := c.single(b[:n]); kept > 0 || err != nil || len(b) == 0 {
			return kept, err
		}
	}
}

// single takes doubled carriage returns out of b and gives its new length.
func (c *lineConn) single(b []byte) int {
	if len(b) == 0 || !bytes.Contains(b, []byte("\r\r")) && !(c.before == '\r' && b[0] == '\r') {
		if len(b) > 0 {
			c.before = b[len(b)-1]
		}
		return len(b)
	}
	kept := b[:0]
	for _, v := range b {
		if v == '\r' && c.before == '\r' {
			c.doubled.Store(true)
			continue
		}
		c.before = v
		kept = append(kept, v)
	}
	return len(kept)
}

func (c *lineConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if c.last.Load() {
		c.Conn.Close()
	}
	return n, err
}

type lineListener struct{ net.Listener }

func (l lineListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lineConn{Conn: c}, nil
}

func refuse(code, class, subject, detail int, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: text}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// loginServer is the server's side of AUTH LOGIN, which go-sasl leaves out because
// it was never a standard; old servers and clients speak it all the same.
type loginServer struct {
	check func(user, password string) error
	step  int
	user  string
}

var _ sasl.Server = (*loginServer)(nil)

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if l.step == 0 && response == nil {
		l.step = 1
		return []byte("Username:"), false, nil
	}
	if l.step <= 1 {
		l.user, l.step = string(response), 2
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}
