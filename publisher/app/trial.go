package app

import (
	"context"
	"errors"
	"net/mail"
	"strconv"

	"crieur/publisher"
)

// A Trial is one mail that was sent to the owner for a look.
type Trial struct {
	Channel string            `json:"channel"`
	To      string            `json:"to"`
	Receipt publisher.Receipt `json:"receipt"`
}

// Trial sends the mails of an article to one address, with "[TEST]" before their
// subject. They are no deliveries: nothing is recorded, and it can be done again.
func (a *App) Trial(ctx context.Context, src string, ao ArticleOptions, s Selection, address string) ([]Trial, string, error) {
	s.Kind = Mails
	e, err := a.edition(ctx, src, ao, s)
	if err != nil {
		return nil, "", err
	}
	return a.trial(ctx, e, address)
}

func (a *App) trial(ctx context.Context, e *edition, address string) ([]Trial, string, error) {
	to, err := mail.ParseAddress(address)
	if err != nil {
		return nil, "", &publisher.Error{Kind: publisher.Invalid, Op: "send test", Where: "--test", Err: errors.New("this is no mail address"),
			Hint: "give one such as you@example.org"}
	}
	if err := a.preflight(e); err != nil {
		return nil, "", err
	}
	mailer, err := a.mailer(ctx)
	if err != nil {
		return nil, "", err
	}
	defer mailer.Close()
	var sent []Trial
	now := a.o.Now()
	for i, m := range e.mails {
		m.rendering.Subject = "[TEST] " + m.rendering.Subject
		l := a.letterOf(e.targets.newsletters[i], m.rendering)
		// A test's key has the moment in it: sent again, it is another mail.
		key := publisher.DeliveryKey(m.issue.ID, m.rendering.Channel, to.Address+" test "+strconv.FormatInt(now.UnixNano(), 36))
		reader := publisher.Recipient{Email: to.Address, Name: to.Name, Token: "preview", Since: now}
		r, err := mailer.Send(ctx, publisher.Mail{Letter: l, Key: key, To: publisher.Address{Name: to.Name, Email: to.Address}, Merge: a.merge(l, reader)})
		if err != nil {
			return sent, "", at(err, m.rendering.Channel)
		}
		sent = append(sent, Trial{m.rendering.Channel, to.Address, r})
	}
	see, err := a.see()
	return sent, see, err
}
