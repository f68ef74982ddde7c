package mailbox

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"

	"crieur/publisher"
)

// emptyPOP3 gives out every message (RFC 1939). The server removes what is marked only
// when it has answered QUIT: what is lost before that is given out again.
func (c Config) emptyPOP3(ctx context.Context, conn net.Conn, take Take) (r Round, err error) {
	p := &pop3{Config: c, conn: conn}
	p.reset()
	if err := p.login(ctx); err != nil {
		return r, err
	}
	numbers, err := p.list()
	if err != nil {
		return r, err
	}
	var unread error
	for _, n := range numbers {
		raw, err := p.retrieve(n)
		if no := (*refusal)(nil); errors.As(err, &no) {
			unread = err // one that is damaged keeps no other from being read
			continue
		}
		if err != nil {
			return r, err
		}
		r.Seen++
		fate, err := take(ctx, raw)
		if err != nil {
			// What was done with before it shall not be given out again.
			_, quit := p.command("QUIT")
			return r, errors.Join(err, quit)
		}
		switch fate {
		case Leave:
			r.Left++
		case Remove:
			if _, err := p.command("DELE " + n); err != nil {
				return r, err
			}
			r.Removed++
		}
	}
	if _, err = p.command("QUIT"); err == nil {
		err = unread
	}
	return r, err
}

// mostMessages is how many one round takes on; the next goes on from there.
const mostMessages = 10_000

type pop3 struct {
	Config
	conn net.Conn
	text *textproto.Reader
}

func (p *pop3) reset() { p.text = textproto.NewReader(bufio.NewReader(p.conn)) }

func (p *pop3) login(ctx context.Context) error {
	if _, err := p.answer(); err != nil {
		return err
	}
	if p.Security == "starttls" { // RFC 2595 §4
		if _, err := p.command("STLS"); err != nil {
			var no *refusal
			if errors.As(err, &no) {
				return p.untrusted(errNoTLS)
			}
			return err
		}
		secure := tls.Client(p.conn, p.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			return p.untrusted(err)
		}
		p.conn = secure
		p.reset() // nothing that came before counts
	}
	if strings.ContainsAny(p.User+p.Password.Reveal(), "\r\n") {
		return p.denied(errors.New("user or password of several lines"))
	}
	for _, line := range []string{"USER " + p.User, "PASS " + p.Password.Reveal()} {
		if _, err := p.command(line); err != nil {
			var no *refusal
			if errors.As(err, &no) {
				return p.denied(no)
			}
			return err
		}
	}
	return nil
}

// list gives the numbers of the messages.
func (p *pop3) list() ([]string, error) {
	if _, err := p.command("LIST"); err != nil {
		return nil, err
	}
	var numbers []string
	for {
		line, err := p.text.ReadLine()
		if err != nil {
			return nil, p.fail(publisher.Busy, err)
		}
		if line == "." {
			return numbers, nil
		}
		n, _, _ := strings.Cut(line, " ")
		if _, err := strconv.ParseUint(n, 10, 32); err != nil {
			return nil, p.fail(publisher.Busy, errors.New("a list that is none"))
		}
		if len(numbers) < mostMessages {
			numbers = append(numbers, n)
		}
	}
}

func (p *pop3) retrieve(n string) ([]byte, error) {
	if _, err := p.command("RETR " + n); err != nil {
		return nil, err
	}
	body := p.text.DotReader()
	raw, err := io.ReadAll(io.LimitReader(body, p.MaxSize))
	if err == nil {
		_, err = io.Copy(io.Discard, body)
	}
	if err != nil {
		return nil, p.fail(publisher.Busy, err)
	}
	return raw, nil
}

// A refusal is the server's no, in its words.
type refusal struct{ words string }

func (r *refusal) Error() string { return "the server says: " + r.words }

func (p *pop3) command(line string) (string, error) {
	if _, err := io.WriteString(p.conn, line+"\r\n"); err != nil {
		return "", p.fail(publisher.Busy, err)
	}
	return p.answer()
}

func (p *pop3) answer() (string, error) {
	line, err := p.text.ReadLine()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the server hung up")
		}
		return "", p.fail(publisher.Busy, err)
	}
	if words, ok := strings.CutPrefix(line, "+OK"); ok {
		return strings.TrimSpace(words), nil
	}
	words, ok := strings.CutPrefix(line, "-ERR")
	if !ok {
		return "", p.fail(publisher.Busy, errors.New("answer that is not POP3"))
	}
	return "", p.fail(publisher.Busy, fmt.Errorf("%w", &refusal{strings.TrimSpace(words)}))
}
