package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// A conn is one connection that is logged in. One goroutine uses it at a time.
type conn struct {
	net        net.Conn     // under TLS, where there is TLS: closing it never waits
	client     *smtp.Client // for Text, whose reader and writer go through TLS
	timeout    time.Duration
	pipelining bool // RFC 2920
	smtputf8   bool // RFC 6531
	limited    bool // RFC 1870
	limit      int64
	sent       int // messages
	idle       time.Time
	dead       bool // out of step or closed: not to be used again
}

// How delivering ended, where not well.
type (
	// A refusal is an answer that says no. The message surely was not accepted.
	refusal struct {
		at    step
		reply reply
	}
	// A breakage is a connection that ended, or an answer that is none.
	breakage struct {
		at      step
		perhaps bool // the final dot was on its way
		err     error
	}
	// A misfit is a mail that this server cannot take, found before asking it.
	misfit struct {
		sender bool // it is our own address that does not fit
		what   string
		hint   string
	}
)

func (e *refusal) Error() string {
	return fmt.Sprintf("the server says at %s: %s", e.at, e.reply)
}
func (e *breakage) Error() string { return fmt.Sprintf("connection broke at %s: %s", e.at, e.err) }
func (e *breakage) Unwrap() error { return e.err }
func (e *misfit) Error() string   { return e.what }

var errHungUp = errors.New("the server hung up")

// broken reports whether err is the network's.
func broken(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// deliver offers one finished message. When ctx ends, the connection is closed at
// once, wherever the dialogue stands.
func (k *conn) deliver(ctx context.Context, e envelope, msg []byte) (reply, error) {
	if err := k.fits(e, msg); err != nil {
		return reply{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = k.net.Close() })
	r, err := k.dialogue(e, msg)
	if !stop() {
		k.dead = true
		var b *breakage
		if errors.As(err, &b) {
			b.err = context.Cause(ctx)
		}
	}
	k.sent++
	return r, err
}

func (k *conn) fits(e envelope, msg []byte) error {
	if k.limited && k.limit > 0 && int64(len(msg)) > k.limit {
		return &misfit{what: fmt.Sprintf("mail of %d bytes; the server takes %d", len(msg), k.limit), hint: "shorten the letter"}
	}
	if (e.utf8 || e.from.utf8) && !k.smtputf8 {
		return &misfit{sender: !e.to.utf8, what: "address with letters that the server cannot take (no SMTPUTF8)",
			hint: "use an address that is ASCII before the @"}
	}
	return nil
}

func (k *conn) dialogue(e envelope, msg []byte) (reply, error) {
	commands := [...]string{
		stepMail: "MAIL FROM:<" + e.from.addr + ">",
		stepRcpt: "RCPT TO:<" + e.to.addr + ">",
		stepData: "DATA",
	}
	if k.limited {
		commands[stepMail] += " SIZE=" + strconv.Itoa(len(msg))
	}
	if e.utf8 || e.from.utf8 {
		commands[stepMail] += " SMTPUTF8"
	}
	if k.pipelining {
		if err := k.say(commands[:]...); err != nil {
			return reply{}, k.broke(stepMail, err)
		}
	}
	var no *refusal
	for at := stepMail; at <= stepData; at++ {
		if !k.pipelining {
			if err := k.say(commands[at]); err != nil {
				return reply{}, k.broke(at, err)
			}
		}
		r, err := k.hear(k.timeout)
		if err != nil {
			if no != nil {
				// It answered no, and then hung up: the answer counts.
				k.dead = true
				return reply{}, no
			}
			return reply{}, k.broke(at, err)
		}
		accepted := r.code/100 == 2
		if at == stepData {
			accepted = r.code == 354
		}
		if !accepted {
			if no == nil {
				no = &refusal{at, r}
			}
			if r.code == 421 {
				k.dead = true
				return reply{}, no
			}
			if !k.pipelining {
				break
			}
			continue
		}
		if at == stepData && no != nil {
			k.endEmpty()
		}
	}
	if no != nil {
		k.reset()
		return reply{}, no
	}
	return k.body(msg)
}

// endEmpty answers a 354 that came though sender or recipient was refused: a
// pipelining client has to send the dot then (RFC 2920 §3.1). What the server makes
// of nothing for nobody is no delivery, but such a server is not asked again.
func (k *conn) endEmpty() {
	if err := k.say("."); err == nil {
		_, _ = k.hear(k.timeout)
	}
	k.dead = true
}

// body sends the message and its final dot, and waits for the answer. Before the
// last byte was handed over, a server cannot have accepted anything; after it,
// only its answer tells.
func (k *conn) body(msg []byte) (reply, error) {
	// Appended messages have no such line; this keeps the wire right if that changes.
	if bytes.HasPrefix(msg, []byte(".")) || bytes.Contains(msg, []byte("\r\n.")) {
		msg = bytes.ReplaceAll(append([]byte("\r\n"), msg...), []byte("\r\n."), []byte("\r\n.."))[2:]
	}
	w := k.client.Text.W
	k.renew(10 * k.timeout)
	_, err := w.Write(msg)
	if err == nil {
		_, err = w.WriteString(".\r\n")
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return reply{}, k.broke(stepBody, err)
	}
	r, err := k.hear(10 * k.timeout)
	if err != nil {
		return reply{}, &breakage{at: stepBody, perhaps: true, err: k.broke(stepBody, err).err}
	}
	switch {
	case r.code == 421:
		k.dead = true
		return reply{}, &refusal{stepBody, r}
	case r.code >= 400:
		return reply{}, &refusal{stepBody, r}
	case r.code >= 300:
		k.dead = true
		return reply{}, &breakage{at: stepBody, perhaps: true, err: errReply}
	}
	return r, nil
}

// say writes commands in one block.
func (k *conn) say(commands ...string) error {
	k.renew(k.timeout)
	for _, c := range commands {
		if _, err := k.client.Text.W.WriteString(c + "\r\n"); err != nil {
			return err
		}
	}
	return k.client.Text.W.Flush()
}

func (k *conn) hear(within time.Duration) (reply, error) {
	k.renew(within)
	return readReply(k.client.Text.R)
}

// renew sets a deadline. The network's clock is the machine's, whatever clock the
// program was handed.
func (k *conn) renew(d time.Duration) { _ = k.net.SetDeadline(time.Now().Add(d)) }

func (k *conn) broke(at step, err error) *breakage {
	k.dead = true
	if errors.Is(err, io.EOF) {
		err = errHungUp
	}
	return &breakage{at: at, err: err}
}

// reset ends a transaction that was refused: the next MAIL would be "nested".
func (k *conn) reset() {
	if k.dead {
		return
	}
	if err := k.say("RSET"); err != nil {
		k.dead = true
		return
	}
	if r, err := k.hear(k.timeout); err != nil || r.code/100 != 2 {
		k.dead = true
	}
}

// alive asks a connection that has been idle.
func (k *conn) alive(ctx context.Context) bool {
	if k.dead {
		return false
	}
	stop := context.AfterFunc(ctx, func() { _ = k.net.Close() })
	defer stop()
	err := k.say("NOOP")
	if err != nil {
		return false
	}
	r, err := k.hear(k.timeout)
	return err == nil && r.code/100 == 2
}

// quit says goodbye and closes; it does not wait long for the answer.
func (k *conn) quit() {
	if !k.dead {
		if err := k.say("QUIT"); err == nil {
			_, _ = k.hear(min(k.timeout, time.Second))
		}
	}
	_ = k.net.Close()
}
