package app

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/mail"
	"strings"
	"time"

	"crieur/publisher"
	"crieur/publisher/audience"
)

func (a *App) audience(ctx context.Context) (*audience.Service, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	return audience.New(store, rand.Reader, a.o.Now), nil
}

// list gives the list that a name stands for; "" for the only one there is.
func (a *App) list(name string) (string, error) {
	var names []string
	for _, l := range a.conf.Lists {
		if l.Name == name {
			return name, nil
		}
		names = append(names, l.Name)
	}
	if name == "" && len(names) == 1 {
		return names[0], nil
	}
	e := &publisher.Error{Kind: publisher.Invalid, Op: "choose list", Where: "--list", Hint: "the lists are: " + strings.Join(names, ", ")}
	switch {
	case len(names) == 0:
		e.Err, e.Hint = errors.New("the configuration has no list"), "add one below lists: in config.yaml"
	case name == "":
		e.Err = errors.New("there are several lists")
	default:
		e.Err = errors.New("there is no list " + name)
	}
	return "", e
}

// ImportOptions is what is told about a table of readers.
type ImportOptions struct {
	List, Consent string
	Name          string // of the file
	DryRun        bool
}

// ImportReport says what became of the rows, and in which list.
type ImportReport struct {
	List   string `json:"list"`
	DryRun bool   `json:"dry_run"`
	audience.ImportReport
}

// Import reads a CSV table of readers.
func (a *App) Import(ctx context.Context, r io.Reader, o ImportOptions) (ImportReport, error) {
	list, err := a.list(o.List)
	if err != nil {
		return ImportReport{}, err
	}
	s, err := a.audience(ctx)
	if err != nil {
		return ImportReport{}, err
	}
	report, err := s.Import(ctx, r, audience.ImportOptions{List: list, Source: o.Name, Consent: o.Consent, DryRun: o.DryRun})
	return ImportReport{list, o.DryRun, report}, err
}

// AddOptions is what is told about one reader.
type AddOptions struct {
	Address, Name, Language, List, Consent string
	Again                                  bool // also who had left or was erased: they asked for it
}

// Added says what became of one reader.
type Added struct {
	Email  string          `json:"email"`
	List   string          `json:"list"`
	Change audience.Change `json:"change"`
	What   string          `json:"-"`
}

// AddSubscriber puts one reader on a list.
func (a *App) AddSubscriber(ctx context.Context, o AddOptions) (Added, error) {
	list, err := a.list(o.List)
	if err != nil {
		return Added{}, err
	}
	s, err := a.audience(ctx)
	if err != nil {
		return Added{}, err
	}
	p := audience.Person{Email: o.Address, Name: o.Name, Language: o.Language}
	if mailbox, err := mail.ParseAddress(o.Address); err == nil {
		p.Email, p.Name = mailbox.Address, firstOf(o.Name, mailbox.Name)
	}
	lifted := false
	if o.Again {
		if lifted, err = a.store.Unsuppress(ctx, stored(p.Email)); err != nil {
			return Added{}, err
		}
	}
	change, err := s.Add(ctx, list, p, o.Consent)
	if err != nil {
		return Added{}, err
	}
	if o.Again && change == audience.Kept {
		if change, err = a.rejoin(ctx, list, stored(p.Email), o.Consent); err != nil {
			return Added{}, err
		}
	}
	what := map[audience.Change]string{audience.Added: "added to " + list, audience.Updated: "changed",
		audience.Kept: "left before, and is not subscribed again; --again does, if they asked for it", audience.Unchanged: "is on " + list + " already"}[change]
	switch never, err := a.store.Suppressed(ctx, stored(p.Email)); {
	case err != nil:
		return Added{}, err
	case never:
		what = "is never written to, and not subscribed again; --again does, if they asked for it"
	case lifted:
		what += "; written to again from now on"
	}
	return Added{p.Email, list, change, what}, nil
}

// rejoin subscribes someone who had left.
func (a *App) rejoin(ctx context.Context, list, email, consent string) (audience.Change, error) {
	p, _, err := a.store.SubscriberByEmail(ctx, email)
	if err != nil {
		return audience.Kept, err
	}
	changed, err := a.store.SetStatus(ctx, p.ID, list, publisher.Confirmed, consent, a.o.Now())
	if err != nil || !changed {
		return audience.Unchanged, err
	}
	return audience.Added, nil
}

// A SubscriberView is a reader as the command line shows them.
type SubscriberView struct {
	Email         string             `json:"email"`
	Name          string             `json:"name,omitempty"`
	Language      string             `json:"language,omitempty"`
	Since         time.Time          `json:"since"`
	Subscriptions []SubscriptionView `json:"subscriptions"`
}

// A SubscriptionView is the link of a reader to a list.
type SubscriptionView struct {
	List    string                       `json:"list"`
	Status  publisher.SubscriptionStatus `json:"status"`
	Consent string                       `json:"consent"`
	Changed time.Time                    `json:"changed"`
}

// Subscribers calls yield for each reader of a list; "" stands for all lists.
func (a *App) Subscribers(ctx context.Context, list string, yield func(SubscriberView) error) error {
	if list != "" {
		if _, err := a.list(list); err != nil {
			return err
		}
	}
	if err := a.invent(ctx); err != nil {
		return err
	}
	s, err := a.audience(ctx)
	if err != nil {
		return err
	}
	return s.List(ctx, list, func(p publisher.Subscriber, subs []publisher.Subscription) error {
		v := SubscriberView{Email: p.Email, Name: p.Name, Language: p.Language, Since: p.Created}
		for _, x := range subs {
			v.Subscriptions = append(v.Subscriptions, SubscriptionView{x.List, x.Status, x.Consent, x.Changed})
		}
		return yield(v)
	})
}

// RemoveSubscriber erases a reader. NotFound: there is none of this address.
func (a *App) RemoveSubscriber(ctx context.Context, address string) error {
	s, err := a.audience(ctx)
	if err != nil {
		return err
	}
	return s.Remove(ctx, address)
}

var errSome = errors.New("there is a reader")

// invent gives the sandbox the readers that its configuration names, while it has
// none of its own. In mode live it does nothing.
func (a *App) invent(ctx context.Context) error {
	if a.Live() || len(a.conf.Sandbox.Subscribers) == 0 || len(a.conf.Lists) == 0 {
		return nil
	}
	s, err := a.audience(ctx)
	if err != nil {
		return err
	}
	err = s.List(ctx, "", func(publisher.Subscriber, []publisher.Subscription) error { return errSome })
	if err != nil {
		if errors.Is(err, errSome) {
			return nil
		}
		return err
	}
	for _, l := range a.conf.Lists {
		for _, text := range a.conf.Sandbox.Subscribers {
			p, err := mail.ParseAddress(text)
			if err != nil {
				return &publisher.Error{Kind: publisher.Invalid, Op: "invent reader", Where: "sandbox.subscribers", Err: err}
			}
			if _, err := s.Add(ctx, l.Name, audience.Person{Email: p.Address, Name: p.Name}, "invented for the sandbox"); err != nil {
				return err
			}
		}
	}
	return nil
}
