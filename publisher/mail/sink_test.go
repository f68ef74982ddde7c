package mail_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a script answers instead of a reply.
const (
	hangUp  = "hang up"
	silence = "silence"
	goAway  = "hang up after 354" // to DATA: nothing of the message is read
)

// A script says how a sink differs from a good server.
type script struct {
	greeting   string
	extensions []string // nil: PIPELINING, SIZE
	tls        *tls.Config
	implicit   bool // TLS from the first byte
	babble     bool // the client may speak anything
	chop       bool // every octet of a reply in a packet of its own
	deaf       bool // what came in a packet with the final dot is thrown away
	// answer gives the reply to a command: "MAIL", "RCPT", "DATA", "." (the message has
	// been read), "AUTH"…; "" for a good server's. n counts that command in this sink,
	// from 1.
	answer func(verb string, n int, line string) string
}

// A sink is an SMTP server that does as a script says and keeps what it accepted.
type sink struct {
	t      testing.TB
	script script
	addr   string

	mu       sync.Mutex
	counts   map[string]int
	accepted []string // messages, undotted
	lines    []string // commands, with the connection's number before
	conns    int
	resumed  int // messages over TLS sessions that were taken up again
	open     int
	most     int
}

func startSink(t testing.TB, s script) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &sink{t: t, script: s, addr: l.Addr().String(), counts: map[string]int{}}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				k.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return k
}

func (k *sink) host() string { h, _, _ := net.SplitHostPort(k.addr); return h }

func (k *sink) port() int {
	a, err := net.ResolveTCPAddr("tcp", k.addr)
	if err != nil {
		k.t.Fatal(err)
	}
	return a.Port
}

// seen gives what the sink accepted, and the connections it had.
func (k *sink) seen() (mails []string, conns int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]string(nil), k.accepted...), k.conns
}

func (k *sink) count(verb string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.counts[verb]
}

type talk struct {
	k    *sink
	c    net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
	mail bool
	rcpt int
}

func (k *sink) serve(c net.Conn) {
	k.mu.Lock()
	k.conns++
	k.open++
	k.most = max(k.most, k.open)
	greeting := k.script.greeting
	if k.script.answer != nil {
		if g := k.script.answer("CONNECT", k.open, ""); g != "" {
			greeting = g
		}
	}
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		k.open--
		k.mu.Unlock()
	}()
	if k.script.implicit {
		c = tls.Server(c, k.script.tls)
	}
	t := &talk{k: k, c: c, r: bufio.NewReader(c), w: bufio.NewWriter(c)}
	if greeting == "" {
		greeting = "220 sink.example ready"
	}
	if !t.say(greeting) || !strings.HasPrefix(greeting, "220") {
		return
	}
	for {
		line, err := t.r.ReadString('\n')
		if err != nil {
			return
		}
		if !strings.HasSuffix(line, "\r\n") && !k.script.babble {
			k.t.Errorf("command without CR LF: %q", line)
		}
		if !t.command(strings.TrimSuffix(line, "\r\n")) {
			return
		}
	}
}

func (t *talk) command(line string) bool {
	verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
	k := t.k
	k.mu.Lock()
	k.counts[verb]++
	n := k.counts[verb]
	k.lines = append(k.lines, line)
	k.mu.Unlock()
	said := ""
	if k.script.answer != nil {
		said = k.script.answer(verb, n, line)
	}
	good := said == "" || said[0] == '2'
	reply := said
	switch verb {
	case "EHLO":
		ext := k.script.extensions
		if ext == nil {
			ext = []string{"PIPELINING", "SIZE 30000000"}
		}
		if _, over := t.c.(*tls.Conn); k.script.tls != nil && !over && !k.script.implicit {
			ext = append(ext, "STARTTLS")
		}
		if reply == "" {
			reply = "250-sink.example\r\n250-" + strings.Join(ext, "\r\n250-") + "\r\n250 HELP"
		}
	case "STARTTLS":
		if !t.say("220 go") {
			return false
		}
		t.c = tls.Server(t.c, k.script.tls)
		t.r, t.w = bufio.NewReader(t.c), bufio.NewWriter(t.c)
		return true
	case "AUTH":
		if reply == "" {
			reply = "235 2.7.0 welcome"
		}
	case "MAIL":
		if t.mail {
			k.t.Error("nested MAIL")
			return t.say("503 5.5.1 nested MAIL")
		}
		t.mail, t.rcpt = good, 0
		if reply == "" {
			reply = "250 2.1.0 ok"
		}
	case "RCPT":
		switch {
		case !t.mail:
			reply = "503 5.5.1 MAIL first"
		case good:
			t.rcpt++
			if reply == "" {
				reply = "250 2.1.5 ok"
			}
		}
	case "DATA":
		if reply == goAway {
			t.say("354 go on")
			return false
		}
		if !good {
			return t.say(reply)
		}
		if t.rcpt == 0 && !strings.HasPrefix(said, "2") {
			return t.say("503 5.5.1 RCPT first")
		}
		return t.message(n)
	case "RSET":
		t.mail, t.rcpt = false, 0
	case "QUIT":
		t.say("221 2.0.0 bye")
		return false
	}
	if reply == "" {
		reply = "250 2.0.0 ok"
	}
	return t.say(reply)
}

// message reads a message as RFC 5321 §4.5.2 says.
func (t *talk) message(n int) bool {
	if !t.say("354 go on") || t.w.Flush() != nil {
		return false
	}
	var b strings.Builder
	for {
		line, err := t.r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	if t.k.script.deaf {
		_, _ = t.r.Discard(t.r.Buffered())
	}
	if over, ok := t.c.(*tls.Conn); ok && over.ConnectionState().DidResume {
		t.k.mu.Lock()
		t.k.resumed++
		t.k.mu.Unlock()
	}
	rcpt := t.rcpt
	t.mail, t.rcpt = false, 0
	reply := ""
	if t.k.script.answer != nil {
		reply = t.k.script.answer(".", n, b.String())
	}
	if rcpt == 0 {
		reply = "554 5.5.1 no recipients"
	}
	if reply == "" || reply[0] == '2' {
		t.k.mu.Lock()
		t.k.accepted = append(t.k.accepted, b.String())
		t.k.mu.Unlock()
	}
	if reply == "" {
		reply = "250 2.0.0 queued as 42"
	}
	return t.say(reply)
}

// say answers. Replies to a block of commands leave together, as good servers do it.
func (t *talk) say(reply string) bool {
	switch reply {
	case hangUp:
		_ = t.w.Flush()
		return false
	case silence:
		_ = t.w.Flush()
		_, _ = io.Copy(io.Discard, t.r)
		return false
	}
	_, _ = t.w.WriteString(reply + "\r\n")
	if t.k.script.chop {
		for _, b := range []byte(reply + "\r\n") {
			if _, err := t.c.Write([]byte{b}); err != nil {
				return false
			}
			time.Sleep(50 * time.Microsecond)
		}
		t.w.Reset(t.c)
		return !strings.HasPrefix(reply, "421")
	}
	if t.r.Buffered() == 0 && t.w.Flush() != nil {
		return false
	}
	if strings.HasPrefix(reply, "421") {
		_ = t.w.Flush()
		return false
	}
	return true
}

// certificates gives a self-signed certificate for 127.0.0.1 and example.com, and the
// roots that trust it.
func certificates(t testing.TB) (server *tls.Config, roots *x509.CertPool) {
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, roots
}
