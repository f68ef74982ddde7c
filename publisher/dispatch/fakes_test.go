package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		victim()
		return
	}
	os.Exit(ledgertest.Main(m))
}

var _ dispatch.Ledger = (*ledger.Ledger)(nil)

// A clock moves only when somebody sleeps.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(d, 0))
	return ctx.Err()
}

// A mailer remembers what it took and answers as its script says.
type mailer struct {
	mu     sync.Mutex
	calls  int
	tries  map[string]int // by address
	took   map[string]int // by address
	ids    map[string]map[string]bool
	script func(address string, try int) error // after Unknown the mail counts as taken
}

func newMailer(script func(address string, try int) error) *mailer {
	return &mailer{tries: map[string]int{}, took: map[string]int{}, ids: map[string]map[string]bool{}, script: script}
}

func (m *mailer) Send(ctx context.Context, mail publisher.Mail) (publisher.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	m.tries[mail.To.Email]++
	var err error
	if m.script != nil {
		err = m.script(mail.To.Email, m.tries[mail.To.Email])
	}
	if err == nil || publisher.KindOf(err) == publisher.Unknown {
		m.took[mail.To.Email]++
		if m.ids[mail.To.Email] == nil {
			m.ids[mail.To.Email] = map[string]bool{}
		}
		m.ids[mail.To.Email][mail.MessageID()] = true
	}
	if err != nil {
		return publisher.Receipt{}, err
	}
	return publisher.Receipt{ID: mail.MessageID(), Reply: "250 2.0.0 OK"}, nil
}

var _ publisher.Mailer = (*mailer)(nil)

func fault(kind publisher.Kind, code int) error {
	return &publisher.Error{Kind: kind, Op: "send", Code: code, Err: errors.New("scripted")}
}

// A network keeps what was posted, and may lose a call before or after it took effect.
type network struct {
	mu     sync.Mutex
	posts  []publisher.Post
	calls  int
	traits publisher.Traits
	script func(call int) (before, after error)
	keyed  bool // a second post with a key it knows posts nothing
}

func (n *network) Traits() publisher.Traits {
	t := n.traits
	t.Network = "fake"
	return t
}

func (n *network) Post(ctx context.Context, p publisher.Post) (publisher.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls++
	var before, after error
	if n.script != nil {
		before, after = n.script(n.calls)
	}
	if before != nil {
		return publisher.Receipt{}, before
	}
	at := n.index(p.Key)
	if at < 0 || !n.keyed {
		n.posts = append(n.posts, p)
		at = len(n.posts) - 1
	}
	if after != nil {
		return publisher.Receipt{}, after
	}
	return receipt(at), nil
}

func (n *network) index(key string) int {
	for i, p := range n.posts {
		if p.Key == key {
			return i
		}
	}
	return -1
}

func receipt(i int) publisher.Receipt {
	id := strconv.Itoa(i + 1)
	return publisher.Receipt{ID: id, URL: "https://fake.example/" + id, Ref: "ref" + id}
}

// A finding network can be asked. What it shows lags behind by its delay.
type finding struct {
	*network
	clock  *clock
	delay  time.Duration
	posted map[string]time.Time
	asked  int
	fail   func(asked int) error
}

func (f *finding) Post(ctx context.Context, p publisher.Post) (publisher.Receipt, error) {
	r, err := f.network.Post(ctx, p)
	if f.index(p.Key) >= 0 && f.posted[p.Key].IsZero() {
		f.posted[p.Key] = f.clock.Now()
	}
	return r, err
}

func (f *finding) Find(ctx context.Context, p publisher.Post) (publisher.Receipt, bool, error) {
	f.asked++
	if f.fail != nil {
		if err := f.fail(f.asked); err != nil {
			return publisher.Receipt{}, false, err
		}
	}
	at, ok := f.posted[p.Key]
	if !ok || f.clock.Now().Before(at.Add(f.delay)) {
		return publisher.Receipt{}, false, nil
	}
	return receipt(f.index(p.Key)), true, nil
}

var (
	_ publisher.Network = (*network)(nil)
	_ publisher.Finder  = (*finding)(nil)
)

// A house is a ledger with readers and the things around a dispatcher.
type house struct {
	*ledger.Ledger
	t      testing.TB
	clock  *clock
	config dispatch.Config
	seen   []publisher.Delivery
}

func newHouse(t testing.TB, readers int) *house {
	t.Helper()
	clock := newClock()
	l := ledgertest.Open(t, ledger.Config{Dir: t.TempDir(), Now: clock.Now})
	h := &house{Ledger: l, t: t, clock: clock, config: dispatch.Config{Ledger: l, Networks: map[string]publisher.Network{},
		Letter: letter, Merge: merge, Now: clock.Now, Sleep: clock.Sleep, Jitter: func() float64 { return 0.5 }}}
	subscribe(t, l, readers)
	return h
}

func letter(_ context.Context, issueID, channel, language string) (*publisher.Letter, error) {
	return &publisher.Letter{Rendering: &publisher.Rendering{IssueID: issueID, Channel: channel, Language: language}, Domain: "gazette.example"}, nil
}

func merge(_ *publisher.Letter, r publisher.Recipient) publisher.Merge {
	return publisher.Merge{publisher.MergeName: r.Name, publisher.MergeUnsubscribe: "https://gazette.example/u/" + r.Token}
}

func address(i int) string { return fmt.Sprintf("reader%d@example.org", i) }

func subscribe(t testing.TB, l *ledger.Ledger, n int) {
	t.Helper()
	for from := 0; from < n; from += 1000 {
		var batch []publisher.NewSubscriber
		for i := from; i < min(from+1000, n); i++ {
			batch = append(batch, publisher.NewSubscriber{Email: address(i), Token: fmt.Sprint("token", i), Status: publisher.Confirmed})
		}
		if _, _, _, err := l.UpsertSubscribers(t.Context(), "readers", batch, "test", time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *house) Delivered(d publisher.Delivery) { h.seen = append(h.seen, d) }

var daily = []dispatch.Audience{{Channel: "daily", List: "readers", Domain: "gazette.example"}}

// texts gives renderings for a mail channel and for posts with so many parts.
func texts(mail bool, posts map[string]int) []publisher.Rendering {
	var r []publisher.Rendering
	if mail {
		r = append(r, publisher.Rendering{Channel: "daily", Language: "fr", Subject: "S", HTML: "H", Text: "T", Hash: "h"})
	}
	for channel, n := range posts {
		p := publisher.Rendering{Channel: channel, Language: "fr", Hash: "h"}
		for i := range n {
			p.Parts = append(p.Parts, publisher.Part{Text: fmt.Sprintf("%s %d", channel, i+1)})
		}
		r = append(r, p)
	}
	return r
}

func (h *house) plan(issue string, mail bool, posts map[string]int) dispatch.PlanReport {
	h.t.Helper()
	var audience []dispatch.Audience
	if mail {
		audience = daily
	}
	r, err := dispatch.New(h.config).Plan(h.t.Context(), publisher.Issue{ID: issue, Created: h.clock.Now()}, texts(mail, posts), audience)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) run() dispatch.Report {
	h.t.Helper()
	r, err := dispatch.New(h.config).Run(h.t.Context(), publisher.Selection{}, h)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// want checks how many deliveries of the whole ledger are in each state.
func (h *house) want(states map[publisher.State]int) {
	h.t.Helper()
	wantStates(h.t, h.Ledger, states)
}

func wantStates(t testing.TB, l *ledger.Ledger, states map[publisher.State]int) {
	t.Helper()
	tallies, err := l.Counts(t.Context(), publisher.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range publisher.States() {
		n := 0
		for _, tally := range tallies {
			n += tally.States[s]
		}
		if n != states[s] {
			t.Errorf("%d deliveries are %v, want %d", n, s, states[s])
		}
	}
}
