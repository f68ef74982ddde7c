package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"crieur/publisher"
	"crieur/publisher/web"
)

// api gives the HTTP API. The store has to be open.
func (a *App) api(in *intake) http.Handler {
	c := web.APIConfig{Intake: in, Books: books{a}, Brake: brake{a}, Burst: a.conf.API.Rate.Count, Per: a.conf.API.Rate.Per, Now: a.o.Now, Log: a.o.Log}
	for _, t := range a.conf.API.Tokens {
		if t.Token != "" { // in mode sandbox its variable may be missing
			c.Tokens = append(c.Tokens, web.Token{Name: t.Name, Secret: t.Token, May: t.May})
		}
	}
	return web.API(c)
}

// systems answers the webhooks of content systems.
func (a *App) systems(in *intake) http.Handler {
	c := web.CMSConfig{Arrivals: in, Now: a.o.Now, Log: a.o.Log}
	for _, s := range a.conf.Sources {
		if s.Webhook != "" {
			c.Systems = append(c.Systems, web.CMS{Name: s.Name, Kind: s.Webhook, Secret: s.Secret, Fields: web.CMSFields(s.Fields)})
		}
	}
	return web.CMSHooks(c)
}

// books shows the ledger to the API.
type books struct{ a *App }

var _ web.Books = books{}

func (b books) Issues(ctx context.Context, limit int) ([]web.IssueState, error) {
	issues, err := b.a.store.Issues(ctx, limit)
	if err != nil {
		return nil, err
	}
	return b.states(ctx, issues)
}

func (b books) states(ctx context.Context, issues []publisher.Issue) ([]web.IssueState, error) {
	all := []web.IssueState{}
	for _, i := range issues {
		v, err := b.a.viewIssue(ctx, i)
		if err != nil {
			return nil, err
		}
		all = append(all, stateOf(v))
	}
	return all, nil
}

func stateOf(v IssueView) web.IssueState {
	return web.IssueState{ID: v.ID, Newsletter: v.Newsletter, Title: v.Title, Article: v.Article, Articles: v.Articles, Created: v.Created, Counts: v.Counts}
}

// Issue gives deliveries channel by channel: the cursor is CHANNEL/NUMBER of the last
// one that was given.
func (b books) Issue(ctx context.Context, id string, p web.DeliveryPage) (web.IssueState, error) {
	issue, err := b.a.store.Issue(ctx, id)
	if err != nil {
		return web.IssueState{}, noIssue(id, err)
	}
	v, err := b.a.viewIssue(ctx, issue)
	if err != nil {
		return web.IssueState{}, err
	}
	out := stateOf(v)
	lots, err := b.a.store.Lots(ctx, publisher.Selection{IssueIDs: []string{id}})
	if err != nil {
		return out, err
	}
	slices.SortFunc(lots, func(x, y publisher.Lot) int { return cmp.Compare(x.Channel, y.Channel) })
	from, after, err := cursorOf(p.Cursor)
	if err != nil {
		return out, err
	}
	for _, lot := range lots {
		if lot.Channel < from {
			continue
		}
		f := publisher.DeliveryFilter{IssueID: id, Channel: lot.Channel, States: p.States, Limit: p.Limit - len(out.Deliveries) + 1}
		if lot.Channel == from {
			f.After = after
		}
		err := b.a.store.Deliveries(ctx, f, func(d publisher.Delivery) error {
			if len(out.Deliveries) == p.Limit {
				out.Next = from + "/" + strconv.FormatInt(after, 10)
				return errSome
			}
			out.Deliveries = append(out.Deliveries, deliveryState(d))
			from, after = d.Channel, cmp.Or(d.Recipient.ID, int64(d.Part))
			return nil
		})
		if err != nil && !errors.Is(err, errSome) {
			return out, err
		}
		if out.Next != "" {
			break
		}
	}
	return out, nil
}

func cursorOf(text string) (channel string, after int64, err error) {
	if text == "" {
		return "", 0, nil
	}
	i := strings.LastIndexByte(text, '/')
	if i >= 0 {
		after, err = strconv.ParseInt(text[i+1:], 10, 64)
	}
	if i < 0 || err != nil {
		return "", 0, &publisher.Error{Kind: publisher.Invalid, Op: "read the cursor", Where: "cursor", Err: errors.New("it is none"),
			Hint: "take the value of next on the page before"}
	}
	return text[:i], after, nil
}

func deliveryState(d publisher.Delivery) web.DeliveryState {
	v := viewDelivery(d)
	s := web.DeliveryState{Key: v.Key, Channel: v.Channel, Network: v.Network, Recipient: v.Recipient, Part: v.Part, State: v.State.String(),
		Attempts: v.Attempts, After: v.After, Problem: v.Problem}
	if v.Receipt != (publisher.Receipt{}) {
		s.Receipt = &v.Receipt
	}
	return s
}

func (b books) Queue(ctx context.Context) (web.QueueState, error) {
	out := web.QueueState{Queue: []web.WaitingState{}, Stops: []web.StopState{}}
	views, err := b.a.Queue(ctx, 0)
	if err != nil {
		return out, err
	}
	for _, v := range views {
		out.Queue = append(out.Queue, web.WaitingState{Issue: v.Issue, Title: v.Title, Newsletter: v.Newsletter, Channel: v.Channel, Network: v.Network,
			Left: v.Left, Release: v.Release, Held: v.Held, Approvals: v.Approvals, Needed: v.Needed, Stopped: v.Stopped != ""})
	}
	stops, err := b.a.store.Stops(ctx)
	for _, s := range stops {
		out.Stops = append(out.Stops, b.a.stopState(s))
	}
	return out, err
}

func (a *App) stopState(s publisher.Stop) web.StopState {
	return web.StopState{Issue: s.IssueID, Channel: s.Channel, Who: s.Who, Since: s.Since.In(a.location)}
}

// brake stops and resumes on the API's behalf.
type brake struct{ a *App }

var _ web.Brake = brake{}

func (b brake) Stop(ctx context.Context, issue, channel, who string) (web.StopState, error) {
	if err := b.a.knowTarget(ctx, issue, channel); err != nil {
		return web.StopState{}, blame(err, "channel")
	}
	s := publisher.Stop{IssueID: issue, Channel: channel, Who: who, Since: b.a.o.Now()}
	return b.a.stopState(s), b.a.store.Stop(ctx, s)
}

func (b brake) Resume(ctx context.Context, channel string) (int, error) {
	r, err := b.a.Resume(ctx, "", channel)
	return r.Stops, blame(err, "channel")
}

// blame gives an error that names a flag of the command line the key that stands in its
// place.
func blame(err error, key string) error {
	var e *publisher.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Where, "--") {
		return err
	}
	named := *e
	named.Where = key
	return &named
}

// intake takes in what comes over the API, one after the other: the second of two posts
// gets the slot's next moment.
type intake struct {
	a  *App
	mu sync.Mutex
}

var _ web.Intake = (*intake)(nil)

func (in *intake) Article(ctx context.Context, id string) (web.ArticleState, error) {
	article, err := in.a.store.Article(ctx, id)
	if err != nil {
		if publisher.KindOf(err) == publisher.NotFound {
			err = &publisher.Error{Kind: publisher.NotFound, Op: "find article " + id, Err: errors.New("there is none"), Hint: "the id is what POST /api/articles gave as article"}
		}
		return web.ArticleState{}, err
	}
	s := web.ArticleState{ID: article.ID, Title: article.Title, Lead: article.Lead, Language: article.Language, URL: article.CanonicalURL,
		OriginalURL: article.OriginalURL, Author: article.Author, Tags: article.Tags, HTML: article.Body, Hash: article.Hash}
	if !article.Published.IsZero() {
		s.Published = &article.Published
	}
	issues, err := in.a.store.IssuesOf(ctx, id)
	if err != nil {
		return s, err
	}
	s.Issues, err = books{in.a}.states(ctx, issues)
	return s, err
}
