package dispatch_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

// A postbox takes mails as its script says and keeps when it took whose.
type postbox struct {
	mu     sync.Mutex
	taken  []taking
	now    map[string]int // on their way, by domain
	most   map[string]int
	takes  time.Duration
	script func(domain string, n int) error // n: so many tries were made to the domain
	tries  map[string]int
}

type taking struct {
	at     time.Time
	domain string
	who    string
}

func newPostbox(takes time.Duration) *postbox {
	return &postbox{now: map[string]int{}, most: map[string]int{}, tries: map[string]int{}, takes: takes}
}

func (p *postbox) Send(_ context.Context, m publisher.Mail) (publisher.Receipt, error) {
	_, domain, _ := strings.Cut(m.To.Email, "@")
	p.mu.Lock()
	p.now[domain]++
	p.most[domain] = max(p.most[domain], p.now[domain])
	p.tries[domain]++
	n := p.tries[domain]
	p.mu.Unlock()
	time.Sleep(p.takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now[domain]--
	if p.script != nil {
		if err := p.script(domain, n); err != nil {
			return publisher.Receipt{}, err
		}
	}
	p.taken = append(p.taken, taking{time.Now(), domain, m.To.Email})
	return publisher.Receipt{ID: m.MessageID(), Reply: "250 2.0.0 OK"}, nil
}

// of gives the moments at which mails to a domain were taken.
func (p *postbox) of(domain string) (all []time.Time) {
	for _, t := range p.taken {
		if t.domain == domain {
			all = append(all, t.at)
		}
	}
	return all
}

// newTown is a house whose readers live at domains, so many at each, side by side.
func newTown(t *testing.T, domains map[string]int) *house {
	h := newHouse(t, 0)
	h.config.Now, h.config.Sleep = nil, nil
	var batch []publisher.NewSubscriber
	for i, more := 0, true; more; i++ {
		more = false
		for domain, n := range domains {
			if i < n {
				more = true
				who := fmt.Sprintf("r%d@%s", i, domain)
				batch = append(batch, publisher.NewSubscriber{Email: who, Token: who, Status: publisher.Confirmed})
			}
		}
	}
	for from := 0; from < len(batch); from += 1000 {
		if _, _, _, err := h.UpsertSubscribers(t.Context(), "readers", batch[from:min(from+1000, len(batch))], "test", time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	h.plan("i", true, nil)
	return h
}

// A group that takes its time holds nobody else up, and none of its own is lost.
func TestSlowGroupHoldsNobodyUp(t *testing.T) {
	h := newTown(t, map[string]int{"gmail.com": 15, "googlemail.com": 10, "example.org": 600})
	m := newPostbox(0)
	h.config.Mailer, h.config.Lanes = m, 8
	h.config.Groups = []dispatch.Group{{Name: "gmail", Domains: []string{"gmail.com", "googlemail.com"}, Rate: 8}}
	began := time.Now()
	h.run()
	h.want(map[publisher.State]int{accepted: 625})
	slow := append(m.of("gmail.com"), m.of("googlemail.com")...)
	fast := m.of("example.org")
	if took := time.Since(began); took < 2500*time.Millisecond {
		t.Errorf("25 mails at 8 a second took %v", took)
	}
	waited := 0
	for _, at := range slow {
		if at.After(fast[len(fast)-1]) {
			waited++
		}
	}
	if waited < 3 {
		t.Errorf("only %d of the slow group's mails went after all others: the others were held up", waited)
	}
}

func TestConcurrentMailsOfAGroup(t *testing.T) {
	h := newTown(t, map[string]int{"gmail.com": 60, "example.org": 60})
	m := newPostbox(5 * time.Millisecond)
	h.config.Mailer, h.config.Lanes = m, 12
	h.config.Groups = []dispatch.Group{{Name: "gmail", Domains: []string{"gmail.com"}, Concurrent: 2}}
	h.run()
	h.want(map[publisher.State]int{accepted: 120})
	if m.most["gmail.com"] > 2 || m.most["example.org"] < 6 {
		t.Errorf("at once: %v", m.most)
	}
}

// More mails than wait at a gate are looked up again, each of them once.
func TestMoreThanWaitAtAGate(t *testing.T) {
	h := newTown(t, map[string]int{"gmail.com": 4500, "outlook.com": 10, "example.org": 50})
	m := newPostbox(0)
	h.config.Mailer, h.config.Lanes = m, 8
	h.config.Groups = []dispatch.Group{{Name: "gmail", Domains: []string{"gmail.com"}, Rate: 4000}, {Name: "outlook", Domains: []string{"outlook.*"}, Rate: 4000}}
	h.run()
	h.want(map[publisher.State]int{accepted: 4560})
	seen := map[string]bool{}
	for _, k := range m.taken {
		if seen[k.who] {
			t.Fatalf("%s got two", k.who)
		}
		seen[k.who] = true
	}
}

// A group that asks for less is slowed down, and gets all its mails.
func TestGroupAsksForLess(t *testing.T) {
	h := newTown(t, map[string]int{"gmail.com": 60, "example.org": 300})
	m := newPostbox(time.Millisecond)
	m.script = func(domain string, n int) error {
		if domain == "gmail.com" && n == 10 {
			return &publisher.Error{Kind: publisher.Busy, Code: 421, Slow: true, Err: fmt.Errorf("the server says: 421 4.7.28 unusual rate")}
		}
		return nil
	}
	h.config.Mailer, h.config.Lanes = m, 4
	h.config.Retry = dispatch.Retry{Schedule: []time.Duration{10 * time.Millisecond}}
	h.run()
	h.want(map[publisher.State]int{accepted: 360})
}

// What waits at a gate is given up at once when the run ends.
func TestInterruptedAtAGate(t *testing.T) {
	h := newTown(t, map[string]int{"gmail.com": 500})
	h.config.Mailer = newPostbox(0)
	h.config.Groups = []dispatch.Group{{Name: "gmail", Domains: []string{"gmail.com"}, Rate: 2}}
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	began := time.Now()
	r, err := dispatch.New(h.config).Run(ctx, publisher.Selection{}, nil)
	if err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if r.Count(accepted)+r.Count(planned) != 500 || r.Count(accepted) == 0 {
		t.Errorf("%v", r.Tallies)
	}
}

func TestGroupsKnowTheirDomains(t *testing.T) {
	owner := map[string]string{}
	for _, g := range dispatch.Groups() {
		for _, d := range g.Domains {
			if owner[d] != "" || d != strings.ToLower(d) {
				t.Errorf("%s belongs to %s and %s", d, owner[d], g.Name)
			}
			owner[d] = g.Name
		}
		if g.Rate != 0 || g.Concurrent != 0 {
			t.Errorf("%s is limited though nobody said so", g.Name)
		}
	}
	for d, want := range map[string]string{"gmail.com": "gmail", "googlemail.com": "gmail", "outlook.*": "outlook", "hotmail.*": "outlook",
		"live.*": "outlook", "msn.com": "outlook", "orange.fr": "orange", "wanadoo.fr": "orange", "free.fr": "free", "laposte.net": "laposte", "sfr.fr": "sfr", "icloud.com": "icloud"} {
		if owner[d] != want {
			t.Errorf("%s belongs to %q", d, owner[d])
		}
	}
}

// Groups that fill all places leave some to each other one.
func TestFullGroupsLeavePlaces(t *testing.T) {
	h := newTown(t, map[string]int{"slow.example": 4100, "slower.example": 4100})
	var late []publisher.NewSubscriber
	for i := range 700 {
		who := fmt.Sprintf("r%d@quick.example", i)
		late = append(late, publisher.NewSubscriber{Email: who, Token: who, Status: publisher.Confirmed})
	}
	if _, _, _, err := h.UpsertSubscribers(t.Context(), "readers", late, "test", time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	h.plan("i", true, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m := newPostbox(0)
	m.script = func(domain string, n int) error {
		if domain == "quick.example" && n == len(late) {
			cancel()
		}
		return nil
	}
	h.config.Mailer, h.config.Lanes = m, 8
	h.config.Groups = []dispatch.Group{{Name: "slow", Domains: []string{"slow.example"}, Rate: 0.2},
		{Name: "slower", Domains: []string{"slower.example"}, Rate: 0.2}, {Name: "quick", Domains: []string{"quick.example"}, Rate: 3000}}
	dispatch.New(h.config).Run(ctx, publisher.Selection{}, nil)
	if n := len(m.of("quick.example")); n != len(late) {
		t.Errorf("%d of %d mails of a group went out, while others that are slow filled all places", n, len(late))
	}
}

// Runs one after the other keep to a limit together.
func TestPaceOutlivesARun(t *testing.T) {
	h := newTown(t, map[string]int{"gmail.com": 20})
	m := newPostbox(0)
	h.config.Mailer, h.config.Paces = m, new(dispatch.Paces)
	h.config.Groups = []dispatch.Group{{Name: "gmail", Domains: []string{"gmail.com"}, Rate: 0.2}}
	began := time.Now()
	for range 6 {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		dispatch.New(h.config).Run(ctx, publisher.Selection{}, nil)
		cancel()
	}
	if n, most := len(m.taken), 1+int(0.2*time.Since(began).Seconds()); n > most || n == 0 {
		t.Errorf("%d mails went out in %v, more than %d", n, time.Since(began), most)
	}
}

// Who has asked for less is not written to as fast as before by the next run.
func TestSlowDownOutlivesARun(t *testing.T) {
	h := newTown(t, map[string]int{"small.example": 40})
	m := newPostbox(20 * time.Millisecond)
	asked := false
	m.script = func(string, int) error {
		if !asked {
			asked = true
			return &publisher.Error{Kind: publisher.Busy, Code: 421, Slow: true, Err: fmt.Errorf("421 4.7.28 unusual rate")}
		}
		return nil
	}
	h.config.Mailer, h.config.Lanes, h.config.Paces = m, 1, new(dispatch.Paces)
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		dispatch.New(h.config).Run(ctx, publisher.Selection{}, nil)
		cancel()
	}
	if n := len(m.taken); n == 0 || n > 20 {
		t.Errorf("%d mails went out in two runs; at the first speed that were 40", n)
	}
}
