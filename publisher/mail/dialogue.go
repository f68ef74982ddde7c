package mail

import (
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
	dsn        bool // RFC 3461
	limited    bool // RFC 1870
	limit      int64
	out        []byte // a block of commands on its way
	sent       int    // messages that it was used for
	kept       bool   // it was used before, and may turn out dead
	idle       time.Time
	fouled     bool // a transaction was refused: the next MAIL would be "nested"
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

// fits finds what this server would refuse, without asking it.
func (k *conn) fits(e envelope, size int) error {
	if k.limited && k.limit > 0 && int64(size) > k.limit {
		return &misfit{what: fmt.Sprintf("mail of %d bytes; the server takes %d", size, k.limit), hint: "shorten the letter"}
	}
	if (e.utf8 || e.from.utf8) && !k.smtputf8 {
		return &misfit{sender: !e.to.utf8, what: "address with letters that the server cannot take (no SMTPUTF8)",
			hint: "use an address that is ASCII before the @"}
	}
	return nil
}

// appendCommand appends the command that a step of the dialogue begins with.
func (k *conn) appendCommand(dst []byte, at step, e envelope, size int) []byte {
	switch at {
	case stepMail:
		dst = append(append(append(dst, "MAIL FROM:<"...), e.from.addr...), '>')
		if k.limited {
			dst = strconv.AppendInt(append(dst, " SIZE="...), int64(size), 10)
		}
		if e.utf8 || e.from.utf8 {
			dst = append(dst, " SMTPUTF8"...)
		}
		if k.dsn {
			dst = append(dst, " RET=HDRS"...) // a bounce tells by the header whose it is: the letter need not come back (§4.3)
		}
	case stepRcpt:
		dst = append(append(append(dst, "RCPT TO:<"...), e.to.addr...), '>')
	case stepData:
		dst = append(dst, "DATA"...)
	}
	return append(dst, '\r', '\n')
}

// appendEnvelope appends a whole envelope, for a server that takes it at once.
func (k *conn) appendEnvelope(dst []byte, e envelope, size int) []byte {
	for at := stepMail; at <= stepData; at++ {
		dst = k.appendCommand(dst, at, e, size)
	}
	return dst
}

// offer sends a mail's envelope where the server takes it at once; else admitted
// does so, step by step.
func (k *conn) offer(e envelope, size int) error {
	if !k.pipelining {
		if k.reset(); k.dead {
			return &breakage{at: stepMail, err: errHungUp}
		}
		return nil
	}
	k.out = k.out[:0]
	if k.fouled {
		k.out = append(k.out, "RSET\r\n"...)
	}
	k.out = k.appendEnvelope(k.out, e, size)
	if err := k.write(k.out, k.timeout); err != nil {
		return k.broke(stepMail, err)
	}
	if k.fouled {
		k.fouled = false
		if r, err := k.hear(k.timeout); err != nil || r.code/100 != 2 {
			return k.broke(stepMail, or(err, errReply))
		}
	}
	return nil
}

// admitted hears the answers to an envelope. Without an error, the server now waits
// for the message.
func (k *conn) admitted(e envelope, size int) error {
	var no *refusal
	for at := stepMail; at <= stepData; at++ {
		if !k.pipelining {
			k.out = k.appendCommand(k.out[:0], at, e, size)
			if err := k.write(k.out, k.timeout); err != nil {
				return k.broke(at, err)
			}
		}
		r, err := k.hear(k.timeout)
		good := r.code/100 == 2
		if at == stepData {
			good = r.code == 354
		}
		if err == nil && !good && r.code < 400 {
			err = errReply // to another question: out of step
		}
		if err != nil {
			broke := k.broke(at, err)
			if no != nil {
				return no // it answered no, and then hung up: the answer counts
			}
			return broke
		}
		if good {
			if at == stepData && no != nil {
				k.endEmpty()
			}
			continue
		}
		if no == nil {
			no = &refusal{at, r}
		}
		if r.code == 421 {
			k.dead = true
			return no
		}
		if !k.pipelining {
			break
		}
	}
	if no != nil {
		k.fouled = true
		return no
	}
	return nil
}

// endEmpty answers a 354 that came though sender or recipient was refused: a
// pipelining client has to send the dot then (RFC 2920 §3.1). What the server makes
// of nothing for nobody is no delivery, but such a server is not asked again.
func (k *conn) endEmpty() {
	if k.say(".") == nil {
		_, _ = k.hear(k.timeout)
	}
	k.dead = true
}

// hand sends a block that begins with a message and its final dot. Before the last
// byte was handed over, a server cannot have accepted anything; after it, only its
// answer tells.
func (k *conn) hand(block []byte, within time.Duration) error {
	if err := k.write(block, within); err != nil {
		return k.broke(stepBody, err)
	}
	return nil
}

// verdict hears the answer to a message. The time for it began with hand.
func (k *conn) verdict() (reply, error) {
	r, err := readReply(k.client.Text.R, true)
	switch {
	case err != nil:
		broke := k.broke(stepBody, err)
		broke.perhaps = true
		return reply{}, broke
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

// say sends one command.
func (k *conn) say(command string) error {
	k.out = append(append(k.out[:0], command...), '\r', '\n')
	return k.write(k.out, k.timeout)
}

// write sends a block, in one piece where the network takes it. What comes until the
// next renewal has to come within the time given.
func (k *conn) write(block []byte, within time.Duration) error {
	k.renew(within)
	if _, err := k.client.Text.W.Write(block); err != nil {
		return err
	}
	return k.client.Text.W.Flush()
}

// hear reads an answer, in words only if it says no.
func (k *conn) hear(within time.Duration) (reply, error) {
	if k.client.Text.R.Buffered() == 0 {
		k.renew(within)
	}
	return readReply(k.client.Text.R, false)
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

// reset ends a transaction that was refused.
func (k *conn) reset() {
	if k.dead || !k.fouled {
		return
	}
	k.fouled = false
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

func or(err, fallback error) error {
	if err != nil {
		return err
	}
	return fallback
}
