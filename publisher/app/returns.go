package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"crieur/publisher"
	"crieur/publisher/audience"
	"crieur/publisher/mail"
	"crieur/publisher/mail/bounce"
	"crieur/publisher/mail/mailbox"
)

// paths gives the return addresses of mails; nil where none is configured.
func (a *App) paths(ctx context.Context) (*bounce.Paths, error) {
	address := a.conf.Returns.Address.Email
	if address == "" {
		return nil, nil
	}
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	return bounce.NewPaths(store.ReturnKey(), address, a.conf.Returns.Delimiter)
}

// A ReturnView is what became of one report.
type ReturnView struct {
	Kind       publisher.ReturnKind `json:"kind"`
	Recipient  string               `json:"recipient,omitempty"`
	Class      string               `json:"class,omitempty"`
	Words      string               `json:"words,omitempty"`
	Taken      bool                 `json:"taken"` // the ledger knows of it now
	Bounced    bool                 `json:"bounced"`
	Suppressed bool                 `json:"suppressed"`
	What       string               `json:"what"` // became of it, in words
	Machine    bool                 `json:"-"`    // no report, and no person's letter either
}

// TakeReport reads one message that came back, and draws the consequences. Recipient
// is the address that it was delivered to, where the mail server tells. What is no
// report, or not on one of our mails, is no error: Taken is false and What says why.
// Busy: give the message again later.
func (a *App) TakeReport(ctx context.Context, source string, message io.Reader, recipient string) ([]ReturnView, error) {
	raw, err := io.ReadAll(io.LimitReader(message, bounce.MaxSize))
	if err == nil {
		_, err = io.Copy(io.Discard, message) // or who hands it over would see a broken pipe
	}
	if err != nil {
		return nil, &publisher.Error{Kind: publisher.Busy, Op: "read the report", Err: err}
	}
	r := bounce.Parse(raw, a.o.Now())
	if len(r.Returns) == 0 {
		return []ReturnView{{What: "ignored: " + r.Why, Machine: r.Machine}}, nil
	}
	var views []ReturnView
	for _, t := range r.Returns {
		t.Source = source
		if recipient != "" {
			t.Paths = append([]string{recipient}, t.Paths...)
		}
		v, err := a.takeReturn(ctx, t)
		if err != nil {
			return views, err
		}
		views = append(views, v)
	}
	return views, nil
}

// A FetchReport is what a mailbox held.
type FetchReport struct {
	Read    int          `json:"read"`
	Removed int          `json:"removed"`
	Left    int          `json:"left"` // no reports
	Returns []ReturnView `json:"returns"`
}

// mostFailed is how many reports may fail before a round is given up.
const mostFailed = 10

// FetchReports empties the configured mailbox of reports. Each is removed only after
// the ledger has taken it; what is no report stays, marked as read where that can be.
func (a *App) FetchReports(ctx context.Context) (FetchReport, error) {
	m := a.conf.Returns.Mailbox
	out := FetchReport{Returns: []ReturnView{}}
	if m.Host == "" {
		return out, &publisher.Error{Kind: publisher.Invalid, Op: "fetch bounces", Where: "returns.mailbox", Err: errors.New("no mailbox is configured"),
			Hint: "set host, user and password there"}
	}
	c := mailbox.Config{Protocol: m.Protocol, Host: m.Host, Port: m.Port, Security: m.Security, User: m.User, Password: m.Password,
		Folder: m.Folder, Keep: m.Keep, Timeout: m.Timeout, MaxSize: bounce.MaxSize}
	if !a.Live() {
		c.Dial = dialLoopback
	}
	// Or each message would be read, to learn that it cannot be kept.
	if _, err := a.open(ctx); err != nil {
		return out, err
	}
	var failed []error
	round, err := mailbox.Empty(ctx, c, func(ctx context.Context, raw []byte) (mailbox.Fate, error) {
		views, err := a.TakeReport(ctx, m.Protocol, bytes.NewReader(raw), "")
		if publisher.KindOf(err) == publisher.Busy && err != nil {
			a.o.Log.Warn("a report waits", "why", err)
			return mailbox.Later, ctx.Err()
		}
		if err != nil { // one report that cannot be taken keeps no other from being
			a.o.Log.Warn("a report could not be taken", "why", err)
			if failed = append(failed, err); len(failed) == mostFailed {
				return mailbox.Later, err
			}
			return mailbox.Later, ctx.Err()
		}
		out.Returns = append(out.Returns, views...)
		for _, v := range views {
			if v.Kind == publisher.ReturnNone && !v.Machine {
				return mailbox.Leave, nil
			}
		}
		return mailbox.Remove, nil
	})
	out.Read, out.Removed, out.Left = round.Seen, round.Removed, round.Left
	if err == nil && len(failed) > 0 {
		err = failed[0]
	}
	return out, err
}

// takeReturn records one return.
func (a *App) takeReturn(ctx context.Context, t publisher.Return) (ReturnView, error) {
	v := ReturnView{Kind: t.Kind, Recipient: t.Recipient, Words: t.Words}
	switch t.Kind {
	case publisher.ReturnDelayed:
		v.What = "nothing changes: the mail waits, and its server goes on trying"
		return v, nil
	case publisher.ReturnDelivered, publisher.ReturnNone:
		v.What = "nothing changes: the mail was delivered"
		return v, nil
	}
	r := publisher.ReturnRecord{Return: t, Class: t.Kind.String()}
	if t.Kind == publisher.ReturnFailed {
		r.Class, r.Verdict = mail.Classify(t.Code, t.Status).String(), mail.Judge(t.Code, t.Status)
	}
	v.Class = r.Class
	var why string
	var err error
	if r.Lot, r.Reader, why, err = a.returned(ctx, t); err != nil {
		return v, err
	}
	if why != "" {
		v.What = "ignored: " + why
		a.o.Log.Warn("a report was ignored", "source", t.Source, "kind", t.Kind, "why", why)
		return v, nil
	}
	effect, err := a.store.TakeReturn(ctx, r, a.o.Now())
	if publisher.KindOf(err) == publisher.NotFound && err != nil {
		v.What = "ignored: it is on a mail that this ledger does not know"
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.Taken, v.Bounced, v.Suppressed = !effect.Erased, effect.Bounced, effect.Suppressed
	v.What = became(r, effect)
	return v, nil
}

// became says in words what a report came to.
func became(r publisher.ReturnRecord, e publisher.ReturnEffect) string {
	switch {
	case e.Erased:
		return "nothing changes: its reader was erased"
	case e.Repeated:
		return "nothing changes: it is known already"
	case r.Kind == publisher.ReturnComplaint:
		return "complaint: the reader has left every list, and is never written to again"
	}
	s := "recorded"
	if e.Bounced {
		s = "bounced"
	}
	switch {
	case e.Suppressed:
		return fmt.Sprintf("%s (%s): the address is never written to again", s, r.Class)
	case r.Verdict == publisher.VerdictCounted:
		return fmt.Sprintf("%s (%s): counted", s, r.Class)
	}
	return fmt.Sprintf("%s (%s): not the reader's fault, who stays subscribed", s, r.Class)
}

// returned finds the mail that a report is on; why says why there is none. A stranger
// has to show the mail's own return address, or, where mails are sent without such,
// what only the mail itself carries: its Message-ID together with its reader's token.
// The Message-ID alone is made of things that other readers know.
func (a *App) returned(ctx context.Context, t publisher.Return) (lot, reader int64, why string, err error) {
	store, err := a.open(ctx)
	if err != nil {
		return 0, 0, "", err
	}
	paths, err := a.paths(ctx)
	if err != nil {
		return 0, 0, "", err
	}
	forged := false
	if paths != nil {
		for _, p := range t.Paths {
			lot, reader, signed := paths.Read(p)
			if signed == bounce.Genuine {
				return lot, reader, "", nil
			}
			forged = forged || signed == bounce.Forged
		}
	}
	why = "it does not say which mail it is on"
	if forged {
		why = "its return address is forged"
	}
	email := ""
	if t.Trusted {
		email = stored(t.Recipient)
	}
	if t.Link == "" && email == "" {
		return 0, 0, why, nil
	}
	lot, reader, err = store.FindReturned(ctx, t.Link, email, t.MessageID, t.Trusted)
	var e *publisher.Error
	if errors.As(err, &e) && e.Kind == publisher.NotFound {
		return 0, 0, "it is on no mail that this ledger knows", nil
	}
	return lot, reader, "", err
}

// stored gives an address as readers' are stored: relays tell the domain as DNS has it.
func stored(address string) string {
	if a, err := audience.Address(address); err == nil {
		return a
	}
	return address
}

// A SuppressionView is an address that is never written to.
type SuppressionView struct {
	Email  string `json:"email"` // "" where its owner was erased
	Hash   string `json:"hash"`
	Reason string `json:"reason"`
	Since  string `json:"since"` // RFC 3339
}

// Suppressions calls yield for each address that is never written to, oldest first.
func (a *App) Suppressions(ctx context.Context, yield func(SuppressionView) error) error {
	store, err := a.open(ctx)
	if err != nil {
		return err
	}
	return store.Suppressions(ctx, func(s publisher.Suppression) error {
		return yield(SuppressionView{s.Email, s.Hash, s.Reason, s.Created.In(a.location).Format("2006-01-02T15:04:05Z07:00")})
	})
}

// Suppress keeps an address from ever being written to. It says whether that is new.
func (a *App) Suppress(ctx context.Context, address, reason string) (changed bool, err error) {
	s, err := a.audience(ctx)
	if err != nil {
		return false, err
	}
	return s.Suppress(ctx, address, reason)
}

// Unsuppress lets an address be written to again, which subscribes nobody. It says
// whether that is new.
func (a *App) Unsuppress(ctx context.Context, address string) (changed bool, err error) {
	store, err := a.open(ctx)
	if err != nil {
		return false, err
	}
	return store.Unsuppress(ctx, stored(address))
}
