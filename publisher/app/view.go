package app

import (
	"context"
	"errors"
	"time"

	"crieur/publisher"
)

// A Result is what publishing an article came to.
type Result struct {
	Mode        string         `json:"mode"`
	Article     *ArticleView   `json:"article,omitempty"`
	NothingToDo bool           `json:"nothing_to_do"` // everything was done before
	Changed     bool           `json:"changed"`       // the article's text is not the one that went out
	Deliveries  []DeliveryView `json:"deliveries"`
	Omitted     int            `json:"omitted,omitempty"` // accepted deliveries that are not listed
	Counts      map[string]int `json:"counts"`
	Next        *time.Time     `json:"next,omitempty"` // when the first of the deferred deliveries is due
	Unknown     int            `json:"-"`
	Denied      bool           `json:"-"` // a channel refused our login
	Cost        float64        `json:"cost_usd"`
	Warnings    []string       `json:"warnings"`
	See         string         `json:"see,omitempty"` // page that shows what arrived in the sandbox

	Waiting  int          `json:"waiting,omitempty"` // deliveries that are not to go out yet
	Release  *time.Time   `json:"release,omitempty"` // when the first of them is released
	Approval bool         `json:"-"`                 // some of them wait for people's approval
	Warmup   []WarmupView `json:"warmup,omitempty"`  // what keeps mails for another day
}

// A DeliveryView is a delivery as the command line shows it.
type DeliveryView struct {
	Key       string            `json:"key"`
	Issue     string            `json:"issue"`
	Channel   string            `json:"channel"`
	Network   string            `json:"network"`
	Recipient string            `json:"recipient"` // address; "" for posts
	Part      int               `json:"part,omitempty"`
	State     publisher.State   `json:"state"`
	Attempts  int               `json:"attempts"`
	Receipt   publisher.Receipt `json:"receipt"`
	After     *time.Time        `json:"after,omitempty"`   // deferred: not before
	Release   *time.Time        `json:"release,omitempty"` // of its lot, if that is still to come
	Held      publisher.Hold    `json:"held,omitempty"`    // why its lot waits for a person
	Problem   string            `json:"problem,omitempty"`
}

func viewDelivery(d publisher.Delivery) DeliveryView {
	v := DeliveryView{Key: d.Key, Issue: d.IssueID, Channel: d.Channel, Network: d.Network, Recipient: d.Recipient.Email,
		Part: d.Part, State: d.State, Attempts: d.Attempts, Receipt: d.Receipt, Problem: d.Problem}
	if !d.After.IsZero() {
		v.After = &d.After
	}
	return v
}

// To gives whom a delivery is for, in a word.
func (v DeliveryView) To() string {
	if v.Recipient != "" {
		return v.Recipient
	}
	return v.Network
}

// An IssueView is an issue with its deliveries by state.
type IssueView struct {
	ID         string         `json:"id"`
	Newsletter string         `json:"newsletter"` // "" for posts
	Title      string         `json:"title"`
	Article    string         `json:"article"`
	Articles   []string       `json:"articles,omitempty"` // of a digest, in order; with one issue only
	Created    time.Time      `json:"created"`
	Counts     map[string]int `json:"counts"`
	Deliveries []DeliveryView `json:"deliveries,omitempty"`
}

// A WorkerView is a process that works on the store by itself, or did until it died.
type WorkerView struct {
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Roles   []string  `json:"roles"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Alive   bool      `json:"alive"`
	Problem string    `json:"problem,omitempty"`
}

// Workers lists who works by itself, and who died within the last day.
func (a *App) Workers(ctx context.Context) ([]WorkerView, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	all, err := store.Workers(ctx)
	if err != nil {
		return nil, err
	}
	views := []WorkerView{}
	for _, w := range all {
		views = append(views, WorkerView{w.ID, w.Host, w.PID, w.Roles, w.Version, w.Started.In(a.location), w.Seen.In(a.location), w.Alive(a.o.Now()), w.Problem})
	}
	return views, nil
}

// Status lists the newest issues first.
func (a *App) Status(ctx context.Context) ([]IssueView, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	issues, err := store.Issues(ctx, 200)
	if err != nil {
		return nil, err
	}
	views := []IssueView{}
	for _, i := range issues {
		v, err := a.viewIssue(ctx, i)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return views, nil
}

func (a *App) viewIssue(ctx context.Context, i publisher.Issue) (IssueView, error) {
	v := IssueView{ID: i.ID, Newsletter: i.Newsletter, Title: i.Title, Article: i.ArticleID, Articles: i.Articles, Created: i.Created.In(a.location), Counts: map[string]int{}}
	tallies, err := a.store.Counts(ctx, publisher.Selection{IssueIDs: []string{i.ID}})
	if err != nil {
		return v, err
	}
	for _, t := range tallies {
		for st, n := range t.States {
			if n > 0 {
				v.Counts[st.String()] += n
			}
		}
	}
	return v, nil
}

func noIssue(id string, err error) error {
	if publisher.KindOf(err) != publisher.NotFound {
		return err
	}
	return &publisher.Error{Kind: publisher.NotFound, Op: "find issue " + id, Err: errors.New("there is none"), Hint: "crieur status lists them"}
}

// Issue gives one issue with its deliveries, of the given states only where some
// are given. NotFound: there is none.
func (a *App) Issue(ctx context.Context, id string, states []publisher.State) (IssueView, error) {
	store, err := a.open(ctx)
	if err != nil {
		return IssueView{}, err
	}
	issue, err := store.Issue(ctx, id)
	if err != nil {
		return IssueView{}, noIssue(id, err)
	}
	v, err := a.viewIssue(ctx, issue)
	if err != nil {
		return v, err
	}
	err = store.Deliveries(ctx, publisher.DeliveryFilter{IssueID: id, States: states}, func(d publisher.Delivery) error {
		v.Deliveries = append(v.Deliveries, viewDelivery(d))
		return nil
	})
	return v, err
}
