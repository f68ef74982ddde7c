package audience_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"crieur/publisher"
	"crieur/publisher/audience"
)

var _ audience.Store = (*memory)(nil)

// memory is a Store by the letter of its contract, for tests of what stands above it.
type memory struct {
	mu         sync.Mutex
	people     []*person
	suppressed map[string]string
	writes     int
	fail       error
}

type person struct {
	publisher.Subscriber
	on []publisher.Subscription
}

func newMemory() *memory { return &memory{suppressed: map[string]string{}} }

func (m *memory) find(match func(*person) bool) *person {
	if i := slices.IndexFunc(m.people, match); i >= 0 {
		return m.people[i]
	}
	return nil
}

func byEmail(email string) func(*person) bool {
	return func(p *person) bool { return publisher.EmailKey(p.Email) == publisher.EmailKey(email) }
}

func (p *person) subscription(list string) *publisher.Subscription {
	if i := slices.IndexFunc(p.on, func(s publisher.Subscription) bool { return s.List == list }); i >= 0 {
		return &p.on[i]
	}
	return nil
}

func (m *memory) UpsertSubscribers(_ context.Context, list string, batch []audience.NewSubscriber, consent string, now time.Time) (added, updated, kept int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return 0, 0, 0, m.fail
	}
	m.writes++
	seen := map[string]bool{}
	for _, n := range batch {
		if seen[publisher.EmailKey(n.Email)] {
			return 0, 0, 0, &publisher.Error{Kind: publisher.Internal, Err: errors.New("address twice in a batch")}
		}
		seen[publisher.EmailKey(n.Email)] = true
		if _, gone := m.suppressed[publisher.EmailKey(n.Email)]; gone {
			if n.Status != publisher.Unsubscribed {
				kept++
			}
			continue
		}
		p := m.find(byEmail(n.Email))
		if p == nil {
			p = &person{Subscriber: publisher.Subscriber{ID: int64(len(m.people) + 1), Email: n.Email, Name: n.Name,
				Language: n.Language, Created: now, Token: n.Token}}
			m.people = append(m.people, p)
		}
		since := n.Since
		if since.IsZero() {
			since = now
		}
		sub := p.subscription(list)
		switch {
		case sub == nil:
			p.on = append(p.on, publisher.Subscription{List: list, Status: n.Status, Consent: consent, Since: since, Changed: now})
			added++
		case sub.Status == publisher.Unsubscribed && n.Status != publisher.Unsubscribed:
			kept++
		default:
			changed := false
			if n.Name != "" && n.Name != p.Name {
				p.Name, changed = n.Name, true
			}
			if n.Language != "" && n.Language != p.Language {
				p.Language, changed = n.Language, true
			}
			if n.Status > sub.Status {
				sub.Status, sub.Consent, sub.Changed, changed = n.Status, consent, now, true
			}
			if changed {
				updated++
			}
		}
	}
	return added, updated, kept, nil
}

func (m *memory) Subscribers(_ context.Context, list string, yield func(publisher.Subscriber, []publisher.Subscription) error) error {
	for _, p := range m.people {
		if list == "" || p.subscription(list) != nil {
			if err := yield(p.Subscriber, p.on); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memory) SubscriberByToken(_ context.Context, token string) (publisher.Subscriber, []publisher.Subscription, error) {
	return m.one(func(p *person) bool { return p.Token == token })
}

func (m *memory) SubscriberByEmail(_ context.Context, email string) (publisher.Subscriber, []publisher.Subscription, error) {
	return m.one(byEmail(email))
}

func (m *memory) one(match func(*person) bool) (publisher.Subscriber, []publisher.Subscription, error) {
	if p := m.find(match); p != nil {
		return p.Subscriber, slices.Clone(p.on), nil
	}
	return publisher.Subscriber{}, nil, errAbsent
}

var errAbsent = &publisher.Error{Kind: publisher.NotFound, Op: "find reader", Err: errors.New("no such reader")}

func (m *memory) SetStatus(_ context.Context, id int64, list string, status publisher.SubscriptionStatus, consent string, now time.Time) (bool, error) {
	p := m.find(func(p *person) bool { return p.ID == id })
	if p == nil || list != "" && p.subscription(list) == nil {
		return false, errAbsent
	}
	changed := false
	for i := range p.on {
		if s := &p.on[i]; (list == "" || s.List == list) && s.Status != status {
			s.Status, s.Consent, s.Changed, changed = status, consent, now, true
			m.writes++
		}
	}
	return changed, nil
}

func (m *memory) RemoveSubscriber(_ context.Context, id int64, _ time.Time) error {
	i := slices.IndexFunc(m.people, func(p *person) bool { return p.ID == id })
	if i < 0 {
		return errAbsent
	}
	m.suppressed[publisher.EmailKey(m.people[i].Email)] = "removed"
	m.people = slices.Delete(m.people, i, i+1)
	return nil
}

func (m *memory) Suppressed(_ context.Context, email string) (bool, error) {
	_, found := m.suppressed[publisher.EmailKey(email)]
	return found, nil
}

func (m *memory) Suppress(_ context.Context, email, reason string, _ time.Time) error {
	if _, found := m.suppressed[publisher.EmailKey(email)]; !found {
		m.suppressed[publisher.EmailKey(email)] = reason
	}
	return nil
}
