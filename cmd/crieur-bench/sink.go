package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A tally is what a sink has seen.
type tally struct {
	Messages int     `json:"messages"`
	Readers  int     `json:"readers"`  // different ones
	Twice    int     `json:"twice"`    // messages to a reader who had one already
	Astray   int     `json:"astray"`   // messages whose To is not the envelope's
	Unstuck  int     `json:"unstuck"`  // lines with a dot that is not stuffed
	Bytes    int64   `json:"bytes"`    // of messages, without the final dot
	First    int64   `json:"first"`    // unix nanoseconds of the first message's acceptance
	Last     int64   `json:"last"`     // and of the last one's
	Seconds  float64 `json:"cpu"`      // of processor time
	Opened   int     `json:"opened"`   // connections
	Problems int     `json:"problems"` // commands that it did not understand
}

// A lightSink is an SMTP server that costs little: it reads blocks from the socket,
// looks for the end of the message in them, and keeps nothing but figures.
type lightSink struct {
	latency time.Duration
	work    time.Duration // for each message, before it is accepted
	tls     *tls.Config
	record  *os.File // nil: none is kept

	mu   sync.Mutex
	seen []uint64 // a bit for each reader
	tally
}

// sinkMain serves until its standard input ends, then prints its tally.
func sinkMain(ctx context.Context, args []string) error {
	s := &lightSink{}
	f := flag.NewFlagSet("sink", flag.ContinueOnError)
	f.DurationVar(&s.latency, "latency", 0, "")
	f.DurationVar(&s.work, "work", 0, "")
	certificate := f.String("certificate", "", "write a certificate here and offer STARTTLS with it")
	record := f.String("record", "", "write a line here for each message, before it is accepted")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *certificate != "" {
		var err error
		if s.tls, err = selfSigned(*certificate); err != nil {
			return err
		}
	}
	if *record != "" {
		var err error
		if s.record, err = os.OpenFile(*record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
			return err
		}
		defer s.record.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = l.Close()
	}()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			return err
		}
		go s.serve(c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Seconds = processorTime()
	return json.NewEncoder(os.Stdout).Encode(s.tally)
}

func processorTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// recordLine is what the record says of a message: whom it was for, and when, in unix
// nanoseconds.
const recordLine = "%s %d\n"

const headRoom = 4096 // octets of a message among which its To has to stand

// A visit is one connection.
type visit struct {
	sink *lightSink
	conn net.Conn
	buf  []byte // what has been read and not been looked at: buf[from:to]
	from int
	to   int
	out  []byte
	mail bool
	rcpt []byte
	head []byte
	one  tally // the message that is being read
}

func (s *lightSink) serve(c net.Conn) {
	v := &visit{sink: s, conn: c, buf: make([]byte, 256<<10), head: make([]byte, 0, headRoom)}
	defer func() { _ = v.conn.Close() }()
	s.mu.Lock()
	s.Opened++
	s.mu.Unlock()
	v.out = append(v.out, "220 light.example ESMTP\r\n"...)
	for {
		line, ok := v.line()
		if !ok || !v.command(line) {
			return
		}
	}
}

// fill reads more; what is answered so far is said before that.
func (v *visit) fill() bool {
	if len(v.out) > 0 {
		if v.sink.latency > 0 {
			time.Sleep(v.sink.latency)
		}
		_, err := v.conn.Write(v.out)
		v.out = v.out[:0]
		if err != nil {
			return false
		}
	}
	if v.from == v.to {
		v.from, v.to = 0, 0
	} else if v.from > 0 && len(v.buf)-v.to < len(v.buf)/4 {
		v.to = copy(v.buf, v.buf[v.from:v.to])
		v.from = 0
	}
	n, err := v.conn.Read(v.buf[v.to:])
	v.to += n
	return n > 0 || err == nil
}

func (v *visit) line() ([]byte, bool) {
	for {
		if i := bytes.IndexByte(v.buf[v.from:v.to], '\n'); i >= 0 {
			line := v.buf[v.from : v.from+i]
			v.from += i + 1
			return bytes.TrimSuffix(line, []byte("\r")), true
		}
		if v.to-v.from > 4096 || !v.fill() {
			return nil, false
		}
	}
}

func (v *visit) answer(reply string) bool {
	v.out = append(append(v.out, reply...), "\r\n"...)
	return true
}

func (v *visit) command(line []byte) bool {
	verb, rest, _ := bytes.Cut(line, []byte(" "))
	switch string(verb) {
	case "MAIL":
		if v.mail {
			return v.answer("503 5.5.1 nested MAIL")
		}
		v.mail, v.rcpt = true, v.rcpt[:0]
		return v.answer("250 2.1.0 ok")
	case "RCPT":
		_, after, _ := bytes.Cut(rest, []byte("<"))
		who, _, closed := bytes.Cut(after, []byte(">"))
		if !v.mail || !closed {
			return v.answer("503 5.5.1 MAIL first")
		}
		v.rcpt = append(v.rcpt[:0], who...)
		return v.answer("250 2.1.5 ok")
	case "DATA":
		if len(v.rcpt) == 0 {
			return v.answer("503 5.5.1 RCPT first")
		}
		v.answer("354 go on")
		return v.message()
	case "EHLO":
		v.out = append(v.out, "250-light.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n"...)
		if _, private := v.conn.(*tls.Conn); v.sink.tls != nil && !private {
			v.out = append(v.out, "250-STARTTLS\r\n"...)
		}
		return v.answer("250 SIZE 100000000")
	case "HELO", "NOOP", "RSET":
		v.mail, v.rcpt = false, v.rcpt[:0]
		return v.answer("250 2.0.0 ok")
	case "STARTTLS":
		_, err := v.conn.Write([]byte("220 go\r\n"))
		v.conn = tls.Server(v.conn, v.sink.tls)
		v.from, v.to = 0, 0
		return err == nil
	case "QUIT":
		_, _ = v.conn.Write([]byte("221 2.0.0 bye\r\n"))
		return false
	}
	v.one.Problems++
	return v.answer("500 5.5.2 what")
}

// message reads up to the final dot. A line break stays unread until what follows it
// is there.
func (v *visit) message() bool {
	v.head = v.head[:0]
	if !v.more(3) {
		return false
	}
	if v.buf[v.from] == '.' { // the first line has no line break before it
		if v.buf[v.from+1] == '\r' {
			v.from += 3
			return v.accept()
		}
		v.dot(v.buf[v.from+1])
		v.take(v.from + 1)
	}
	for {
		i := bytes.Index(v.buf[v.from:v.to], []byte("\r\n."))
		if i < 0 {
			v.take(max(v.from, v.to-2))
			if !v.fill() {
				return false
			}
			continue
		}
		v.take(v.from + i)
		if !v.more(5) {
			return false
		}
		if v.buf[v.from+3] == '\r' && v.buf[v.from+4] == '\n' {
			v.one.Bytes += 2
			v.from += 5
			return v.accept()
		}
		v.dot(v.buf[v.from+3])
		v.take(v.from + 3)
	}
}

// more reads until n octets lie unread.
func (v *visit) more(n int) bool {
	for v.to-v.from < n {
		if !v.fill() {
			return false
		}
	}
	return true
}

func (v *visit) dot(after byte) {
	if after != '.' {
		v.one.Unstuck++
	}
}

// take counts what lies unread before at.
func (v *visit) take(at int) {
	part := v.buf[v.from:at]
	v.one.Bytes += int64(len(part))
	if room := headRoom - len(v.head); room > 0 {
		v.head = append(v.head, part[:min(room, len(part))]...)
	}
	v.from = at
}

func (v *visit) accept() bool {
	if v.sink.work > 0 {
		time.Sleep(v.sink.work)
	}
	now := time.Now().UnixNano()
	if !bytes.Contains(v.head, v.rcpt) {
		v.one.Astray++
	}
	s := v.sink
	s.mu.Lock()
	if s.Messages++; s.First == 0 {
		s.First = now
	}
	s.Last = now
	s.Bytes += v.one.Bytes
	s.Astray += v.one.Astray
	s.Unstuck += v.one.Unstuck
	s.Problems += v.one.Problems
	if n, ok := readerNumber(v.rcpt); ok {
		for n/64 >= len(s.seen) {
			s.seen = append(s.seen, make([]uint64, 1<<14)...)
		}
		if s.seen[n/64]&(1<<(n%64)) != 0 {
			s.Twice++
		} else {
			s.seen[n/64] |= 1 << (n % 64)
			s.Readers++
		}
	}
	n := s.Messages
	var err error
	if s.record != nil {
		_, err = fmt.Fprintf(s.record, recordLine, v.rcpt, now)
	}
	s.mu.Unlock()
	if err != nil {
		return false
	}
	v.mail, v.rcpt, v.one = false, v.rcpt[:0], tally{}
	v.out = append(v.out, "250 2.0.0 queued as "...)
	v.out = strconv.AppendInt(v.out, int64(n), 36)
	v.out = append(v.out, "\r\n"...)
	return true
}
