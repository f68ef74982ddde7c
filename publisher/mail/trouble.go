package mail

import (
	"errors"
	"strings"

	"crieur/publisher"
)

const (
	// So many refusals in a row that are about us, and not about a reader, and the
	// server is left alone for a while.
	rowMost = 8
	// So many mails in a row that it told to wait, and another server has its turn,
	// if there is one. A server that greylists tells everyone once.
	laterMost = 20
)

// accepted notes that the server took a mail: it works.
func (p *pool) accepted() {
	p.pace.well()
	if p.trusted.Load() && !p.away.Load() && p.row.Load() == 0 && p.later.Load() == 0 {
		return
	}
	p.trusted.Store(true)
	p.away.Store(false)
	p.row.Store(0)
	p.later.Store(0)
	p.mu.Lock()
	p.failures = 0
	p.mu.Unlock()
}

// refused counts what a server says no to. Where it says so to everyone, it is left
// alone for a while, and the servers after it take over.
func (p *pool) refused(no *refusal, e *publisher.Error, others bool) {
	ours := e.Kind == publisher.Denied || Classify(no.reply.code, no.reply.enhanced) == ClassPolicy ||
		no.reply.code == 421 || no.at == stepMail && no.reply.code < 500
	if asksForLess(no.reply) {
		// Before a recipient was named it is about us, after that perhaps about their side.
		if e.Slow = no.at != stepMail; !e.Slow {
			p.pace.slow()
		}
	}
	if !ours {
		p.row.Store(0) // it knows one reader from the other
	}
	if no.reply.code >= 500 {
		p.later.Store(0)
	}
	switch {
	case ours && p.row.Add(1) >= rowMost:
	case no.reply.code < 500 && p.later.Add(1) >= laterMost && others:
	default:
		return
	}
	p.trusted.Store(false)
	if no.reply.code < 500 || others {
		p.leave(e)
	}
}

// leave leaves a server alone that can be reached and is of no use now.
func (p *pool) leave(e *publisher.Error) {
	p.row.Store(0)
	p.later.Store(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil && p.config.Now().Before(p.until) {
		return
	}
	p.rest(e)
}

// elsewhere reports whether a mail that this server surely did not accept is to be
// tried at once over another connection: because this one was dead or ended by the
// server, which happens to kept ones; because a login has run out; or because the
// server refuses us and there is another one. A mail goes elsewhere once, and until
// it was begun, from server to server.
func (l *lane) elsewhere(p *pool, k *conn, j *job, err error) bool {
	if l.ctx.Err() != nil {
		return false
	}
	var b *breakage
	var no *refusal
	switch {
	case errors.As(err, &b):
		// Who reads RCPT or more and hangs up on a new connection, means this mail.
		if b.perhaps || b.at == stepBody || !k.kept || j.again {
			return false
		}
	case !errors.As(err, &no):
		return false
	case no.reply.code == 421 || k.kept && Classify(no.reply.code, no.reply.enhanced) == ClassLogin:
		if j.again {
			return false
		}
	case kindOf(no.at, no.reply, p.trusted.Load()) != publisher.Denied || j.begun && j.again || !l.others(p):
		return false
	default:
		e := &publisher.Error{Kind: publisher.Denied, Op: "send mail", Where: p.server.where(), Code: no.reply.code, Err: err, Hint: refusesUs}
		p.leave(e)
	}
	j.again = true
	k.dead = true // what it answers to the mails behind this one is not heard any more
	return true
}

const refusesUs = "the server refuses us, not the reader: see its words, its limits and the sender's address"

// others reports whether a server other than p may be tried now.
func (l *lane) others(p *pool) bool {
	for _, o := range l.pools {
		if o != p && o.resting() == nil {
			return true
		}
	}
	return false
}

// asksForLess reports whether a reply that tells a mail to wait is about how many
// there are: it names policy or congestion (RFC 3463 §3.5, §3.8), or is 421 or 450
// without saying why. A mailbox that is full, or a disk, is neither.
func asksForLess(r reply) bool {
	_, detail, _ := strings.Cut(r.enhanced, ".")
	subject, _, _ := strings.Cut(detail, ".")
	switch {
	case r.code < 400 || r.code >= 500:
		return false
	case subject == "7", detail == "4.5", detail == "3.2", detail == "2.1":
		return true
	}
	return (r.code == 421 || r.code == 450) && (r.enhanced == "" || detail == "0.0")
}
