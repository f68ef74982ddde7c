package app

import (
	"context"
	"errors"
	"net/mail"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/render"
	"crieur/publisher/web"
)

// claimFor is how long a notice may take to be sent before its sender is taken to
// have died.
const claimFor = 10 * time.Minute

// reportWithin is how old an issue may be to be reported: who turns reports on is not
// told of all that ever was.
const reportWithin = 48 * time.Hour

// Notified says what Notify has sent.
type Notified struct {
	Proofs  int `json:"proofs"`
	Reports int `json:"reports"`
	Holds   int `json:"holds"`
	Logins  int `json:"logins"` // that a network refuses
}

// Total adds up.
func (n Notified) Total() int { return n.Proofs + n.Reports + n.Holds + n.Logins }

// Notify tells the owner by mail what is new: proofs of what waits for approval or for
// its moment, what is held for another reason, how issues ended, and which network
// refuses our login. Each is told
// once, whoever calls and how often. What could not be sent is tried again by the
// next call; the error says what that was.
func (a *App) Notify(ctx context.Context) (Notified, error) {
	var n Notified
	if len(a.conf.Proof.To)+len(a.conf.Report.To) == 0 {
		return n, nil
	}
	store, err := a.open(ctx)
	if err != nil {
		return n, err
	}
	waiting, err := store.Waiting(ctx, publisher.Selection{}, time.Time{}, 0)
	if err != nil {
		return n, err
	}
	var errs []error
	for _, w := range waiting {
		sent, err := a.proofs(ctx, w)
		n.Proofs += sent
		held, heldErr := a.holds(ctx, w)
		n.Holds += held
		errs = append(errs, err, heldErr)
	}
	n.Reports, err = a.reports(ctx)
	errs = append(errs, err)
	n.Logins, err = a.logins(ctx)
	return n, errors.Join(append(errs, err)...)
}

// once sends one letter to one person, if nobody has.
func (a *App) once(ctx context.Context, kind, about, to string, make func() (publisher.Rendering, error)) (int, error) {
	address, err := mail.ParseAddress(to)
	if err != nil {
		return 0, err // the configuration was checked
	}
	about += " " + publisher.EmailKey(address.Address)
	now := a.o.Now()
	claimed, err := a.store.ClaimNotice(ctx, kind, about, now, now.Add(-claimFor))
	if err != nil || !claimed {
		return 0, err
	}
	r, err := make()
	if err == nil {
		err = a.tell(ctx, r, *address, publisher.DeliveryKey(kind, about, ""))
	}
	// A lost answer is not asked again: the owner would be told twice.
	if err != nil && publisher.KindOf(err) != publisher.Unknown {
		return 0, errors.Join(err, a.store.NoticeSent(context.WithoutCancel(ctx), kind, about, time.Time{}))
	}
	return 1, a.store.NoticeSent(context.WithoutCancel(ctx), kind, about, now)
}

// tell sends a letter to the owner: outside of every list, marked as made by a program.
func (a *App) tell(ctx context.Context, r publisher.Rendering, to mail.Address, key string) error {
	from := a.conf.Report.From
	if from.Email == "" && len(a.conf.Newsletters) > 0 {
		from = a.conf.Newsletters[0].From
	}
	if from.Email == "" {
		return &publisher.Error{Kind: publisher.Invalid, Op: "write to the owner", Where: a.conf.File + ": report.from", Err: errors.New("nobody sends it"), Hint: "set report.from"}
	}
	mailer, err := a.mailer(ctx)
	if err != nil {
		return err
	}
	defer mailer.Close()
	l := &publisher.Letter{Rendering: &r, From: from, Domain: domainOf(from), Date: a.o.Now(), AutoSubmitted: "auto-generated"}
	reader := publisher.Recipient{Email: to.Address, Name: to.Name, Token: "preview", Since: a.o.Now()}
	_, err = mailer.Send(ctx, publisher.Mail{Letter: l, Key: key, To: publisher.Address{Name: to.Name, Email: to.Address}, Merge: a.merge(l, reader)})
	return err
}

// proofs sends what waits for approval, or for its moment, to those who may decide.
func (a *App) proofs(ctx context.Context, w publisher.Waiting) (sent int, err error) {
	now := a.o.Now()
	if w.Held != publisher.HeldApproval && (w.Held != "" || !w.Release.After(now)) || len(a.conf.Proof.To) == 0 {
		return 0, nil
	}
	issue, err := a.store.Issue(ctx, w.IssueID)
	if err != nil {
		return 0, err
	}
	tallies, err := a.store.Counts(ctx, publisher.Selection{IssueIDs: []string{w.IssueID}, Channels: []string{w.Channel}})
	if err != nil || len(tallies) == 0 {
		return 0, err
	}
	look, err := a.waiting(ctx, issue, tallies[0])
	if err != nil {
		return 0, err
	}
	key, err := a.deskKey(ctx)
	if err != nil {
		return 0, err
	}
	for _, to := range a.conf.Proof.To {
		address, err := mail.ParseAddress(to)
		if err != nil {
			return sent, err
		}
		ticket := web.Ticket{Issue: w.IssueID, Channel: w.Channel, Hash: look.Hash, Who: address.Address, Expires: now.Add(a.conf.Proof.Valid).Unix()}
		n, err := a.once(ctx, "proof", w.IssueID+" "+w.Channel+" "+look.Hash, to, func() (publisher.Rendering, error) {
			return a.proof(ctx, w, look, a.publicURL("desk", ticket.Seal(key)), time.Unix(ticket.Expires, 0))
		})
		if sent += n; err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// proof renders the letter with a head that says what it waits for; of posts, a letter
// with their texts.
func (a *App) proof(ctx context.Context, w publisher.Waiting, look web.Waiting, page string, expires time.Time) (publisher.Rendering, error) {
	language := a.ownerLanguage()
	words := a.catalogue.For(language)
	in := render.ProofInput{Site: a.site(language), Language: language,
		Links: []render.NoticeLink{{Text: words.T("proof.send"), URL: page + "?do=send"}, {Text: words.T("proof.hold"), URL: page + "?do=hold"}}}
	when := ""
	if !look.Release.IsZero() {
		when = words.T("proof.at", "Date", words.Date(look.Release), "Time", words.Time(look.Release))
	}
	subject := "proof.subject"
	if w.Held == publisher.HeldApproval {
		in.Lead = words.T("proof.lead", "Title", look.Title)
	} else {
		subject, in.Lead = "proof.coming", words.T("proof.lead-coming", "Title", look.Title, "When", when)
	}
	kind := "proof.posts"
	if look.Mail {
		kind = "proof.readers"
	}
	in.Lines = append(in.Lines, words.T(kind, "Count", look.Count, "Newsletter", look.Channel))
	if w.Held == publisher.HeldApproval {
		if look.Missing() > 0 {
			in.Lines = append(in.Lines, words.T("proof.missing", "Count", look.Missing()))
		}
		if when == "" {
			in.Lines = append(in.Lines, words.T("proof.when-now"))
		} else {
			in.Lines = append(in.Lines, words.T("proof.when", "When", when))
		}
	}
	var names []string
	for _, g := range look.Approvals {
		names = append(names, g.Who)
	}
	if len(names) > 0 {
		in.Lines = append(in.Lines, words.T("proof.by", "Names", strings.Join(names, ", ")))
	}
	in.Lines = append(in.Lines, words.T("proof.expires", "Date", words.Date(expires.In(a.location))))
	if look.Mail {
		r, err := a.store.RenderingFor(ctx, w.IssueID, w.Channel, language)
		if err != nil {
			return r, err
		}
		in.Subject = words.T(subject, "Subject", r.Subject)
		return a.set.Proof(r, in)
	}
	notice := render.NoticeInput{Site: in.Site, Language: language, Date: a.o.Now().In(a.location), Title: words.T(subject, "Subject", look.Title),
		Lead: strings.Join(append([]string{in.Lead}, in.Lines...), " "), Links: in.Links}
	part := render.NoticePart{Title: w.Channel}
	for _, text := range look.Posts {
		for line := range strings.SplitSeq(text, "\n") { // as the network breaks them
			if line = strings.TrimSpace(line); line != "" {
				part.Lines = append(part.Lines, render.NoticeLine{Text: line})
			}
		}
	}
	notice.Parts = []render.NoticePart{part}
	return a.set.Notice(notice)
}
