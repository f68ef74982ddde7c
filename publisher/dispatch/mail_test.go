package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

const (
	planned    = publisher.StatePlanned
	accepted   = publisher.StateAccepted
	deferred   = publisher.StateDeferred
	bounced    = publisher.StateBounced
	failed     = publisher.StateFailed
	unknown    = publisher.StateUnknown
	suppressed = publisher.StateSuppressed
)

func TestEveryReaderOnce(t *testing.T) {
	h := newHouse(t, 1200)
	m := newMailer(nil)
	h.config.Mailer, h.config.Lanes = m, 20
	h.plan("i", true, nil)
	r := h.run()
	h.want(map[publisher.State]int{accepted: 1200})
	if r.Count(accepted) != 1200 || len(h.seen) != 1200 || len(m.took) != 1200 || m.calls != 1200 {
		t.Errorf("report %d, observed %d, written to %d in %d calls; want 1200 of each", r.Count(accepted), len(h.seen), len(m.took), m.calls)
	}
	d := h.seen[0]
	if d.Receipt.ID != d.Key+"@gazette.example" || d.Receipt.Reply == "" || d.Receipt.At.IsZero() || d.Recipient.Email == "" {
		t.Errorf("the observer got %+v", d)
	}

	h.seen = nil
	if p := h.plan("i", true, nil); p.New() != 0 {
		t.Errorf("planned again: %d new", p.New())
	}
	r = h.run()
	if m.calls != 1200 || len(h.seen) != 0 || len(r.Tallies) != 0 {
		t.Errorf("the second run made %d calls and reported %+v", m.calls-1200, r)
	}
	r, err := dispatch.New(h.config).Run(t.Context(), publisher.Selection{IssueIDs: []string{"i"}}, nil)
	if err != nil || r.Count(accepted) != 1200 {
		t.Errorf("asked by name, a finished issue shows %d accepted, %v", r.Count(accepted), err)
	}
}

func TestReturnPaths(t *testing.T) {
	h := newHouse(t, 5)
	m := &enveloped{mailer: newMailer(nil), from: map[string]string{}}
	h.config.Mailer = m
	h.config.ReturnPath = func(lot, reader int64) string { return fmt.Sprintf("b+%d.%d@gazette.example", lot, reader) }
	h.plan("i", true, nil)
	h.run()
	want := map[string]string{}
	for _, d := range h.seen {
		want[d.Recipient.Email] = fmt.Sprintf("b+1.%d@gazette.example", d.Recipient.ID)
	}
	if len(want) != 5 || !maps.Equal(m.from, want) {
		t.Errorf("sent from %v, want %v", m.from, want)
	}
}

type enveloped struct {
	*mailer
	from map[string]string
}

func (e *enveloped) Send(ctx context.Context, mail publisher.Mail) (publisher.Receipt, error) {
	r, err := e.mailer.Send(ctx, mail)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.from[mail.To.Email] = mail.ReturnPath
	return r, err
}

func TestMailEnds(t *testing.T) {
	always := func(err error) func(string, int) error { return func(string, int) error { return err } }
	first := func(n int, err error) func(string, int) error {
		return func(_ string, try int) error {
			if try <= n {
				return err
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		script func(string, int) error
		policy dispatch.Policy
		want   publisher.State
		tries  int // per reader
		paused bool
	}{
		"accepted":                {nil, dispatch.Leave, accepted, 1, false},
		"busy once":               {first(1, fault(publisher.Busy, 451)), dispatch.Leave, accepted, 2, false},
		"busy twice":              {first(2, fault(publisher.Busy, 451)), dispatch.Leave, accepted, 3, false},
		"busy for long":           {always(fault(publisher.Busy, 451)), dispatch.Leave, deferred, 3, false},
		"refused":                 {always(fault(publisher.Invalid, 550)), dispatch.Leave, bounced, 1, false},
		"cannot be written":       {always(fault(publisher.Invalid, 0)), dispatch.Leave, failed, 1, false},
		"doubt, leave":            {always(fault(publisher.Unknown, 0)), dispatch.Leave, unknown, 1, false},
		"doubt once, resend":      {first(1, fault(publisher.Unknown, 0)), dispatch.Resend, accepted, 2, false},
		"doubt for long, resend":  {always(fault(publisher.Unknown, 0)), dispatch.Resend, planned, 3, false},
		"login refused":           {always(fault(publisher.Denied, 535)), dispatch.Leave, planned, 1, true},
		"a bug":                   {always(errors.New("index out of range")), dispatch.Leave, unknown, 1, true},
		"not before a far moment": {always(&publisher.Error{Kind: publisher.Busy, Code: 450, After: newClock().now.Add(time.Hour), Err: errors.New("later")}), dispatch.Leave, deferred, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 1)
			m := newMailer(c.script)
			h.config.Mailer, h.config.Unknown = m, func(string) dispatch.Policy { return c.policy }
			h.plan("i", true, nil)
			r := h.run()
			h.want(map[publisher.State]int{c.want: 1})
			if m.calls != c.tries {
				t.Errorf("tried %d times, want %d", m.calls, c.tries)
			}
			if (r.Paused["daily"] != nil) != c.paused {
				t.Errorf("paused: %v", r.Paused)
			}
			if c.want == deferred && !r.Next().After(h.clock.Now()) {
				t.Errorf("deferred until %v, now is %v", r.Next(), h.clock.Now())
			}
			for _, ids := range m.ids {
				if len(ids) != 1 {
					t.Errorf("one mail went out under %d Message-IDs", len(ids))
				}
			}
			if c.want.Final() != (len(h.seen) == 1) {
				t.Errorf("the observer saw %d final deliveries", len(h.seen))
			}
		})
	}
}

func TestDeferredIsTakenUpByALaterRun(t *testing.T) {
	h := newHouse(t, 3)
	m := newMailer(func(_ string, try int) error {
		if try <= 3 {
			return fault(publisher.Busy, 421)
		}
		return nil
	})
	h.config.Mailer = m
	h.plan("i", true, nil)
	r := h.run()
	h.want(map[publisher.State]int{deferred: 3})
	h.clock.now = r.Next().Add(time.Hour)
	h.run()
	h.want(map[publisher.State]int{accepted: 3})
}

func TestDeniedPausesOneChannelOnly(t *testing.T) {
	h := newHouse(t, 50)
	m := newMailer(func(string, int) error { return fault(publisher.Denied, 535) })
	n := &network{}
	h.config.Mailer, h.config.Networks["masto"] = m, n
	h.plan("i", true, map[string]int{"masto": 1})
	r := h.run()
	h.want(map[publisher.State]int{planned: 50, accepted: 1})
	if m.calls > h.config.Lanes+4 {
		t.Errorf("the mailer was called %d times after it had refused the login", m.calls)
	}
	if publisher.KindOf(r.Paused["daily"]) != publisher.Denied || len(r.Paused) != 1 {
		t.Errorf("paused: %v", r.Paused)
	}
}

// A server that cannot be reached is not asked for each of many readers.
func TestUnreachableServer(t *testing.T) {
	h := newHouse(t, 400)
	m := newMailer(func(string, int) error { return fault(publisher.Busy, 0) })
	h.config.Mailer = m
	h.plan("i", true, nil)
	r := h.run()
	if m.calls > 100 {
		t.Errorf("%d calls were made to a server that is not there", m.calls)
	}
	if publisher.KindOf(r.Paused["daily"]) != publisher.Busy {
		t.Errorf("paused: %v", r.Paused)
	}
	m.script = nil
	h.clock.now = h.clock.now.Add(2 * time.Hour)
	h.run()
	h.want(map[publisher.State]int{accepted: 400})
}

// Who leaves after the plan, even while the run is on, is left out at the claim.
func TestLeavingIsHeededAtTheClaim(t *testing.T) {
	h := newHouse(t, 40)
	var once sync.Once
	m := newMailer(func(address string, _ int) error {
		once.Do(func() {
			for i := 20; i < 40; i++ {
				p, _, err := h.SubscriberByEmail(t.Context(), fmt.Sprintf("reader%d@example.org", i))
				if err != nil {
					t.Error(err)
				}
				if _, err := h.SetStatus(t.Context(), p.ID, "readers", publisher.Unsubscribed, "one-click", h.clock.Now()); err != nil {
					t.Error(err)
				}
			}
		})
		return nil
	})
	h.config.Mailer, h.config.Lanes = m, 1
	h.plan("i", true, nil)
	h.run()
	h.want(map[publisher.State]int{accepted: 20, suppressed: 20})
	if len(h.seen) != 40 {
		t.Errorf("the observer saw %d deliveries, want 40", len(h.seen))
	}
}

func TestLanguages(t *testing.T) {
	h := newHouse(t, 0)
	batch := []publisher.NewSubscriber{}
	for _, language := range []string{"fr", "en", "en-GB", "de", ""} {
		batch = append(batch, publisher.NewSubscriber{Email: "x" + language + "@example.org", Language: language, Token: "t" + language, Status: publisher.Confirmed})
	}
	if _, _, _, err := h.UpsertSubscribers(t.Context(), "readers", batch, "", h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	got := map[string]string{}
	built := 0
	h.config.Letter = func(ctx context.Context, issueID, channel, language string) (*publisher.Letter, error) {
		built++
		return letter(ctx, issueID, channel, language)
	}
	h.config.Merge = func(l *publisher.Letter, r publisher.Recipient) publisher.Merge {
		mu.Lock()
		defer mu.Unlock()
		got[r.Language] = l.Rendering.Language
		return nil
	}
	h.config.Mailer = newMailer(nil)
	r := []publisher.Rendering{{Channel: "daily", Language: "fr"}, {Channel: "daily", Language: "en"}, {Channel: "@page", Language: "fr", HTML: "x"}}
	if _, err := dispatch.New(h.config).Plan(t.Context(), publisher.Issue{ID: "i"}, r, daily); err != nil {
		t.Fatal(err)
	}
	h.run()
	for language, want := range map[string]string{"fr": "fr", "en": "en", "en-GB": "en", "de": "fr", "": "fr"} {
		if got[language] != want {
			t.Errorf("a reader of %q got the letter in %q, want %q", language, got[language], want)
		}
	}
	if built != 2 {
		t.Errorf("%d letters were built, want 2", built)
	}
}

func TestLetterThatCannotBeBuiltStopsItsChannelBeforeTheFirstMail(t *testing.T) {
	h := newHouse(t, 5)
	m, n := newMailer(nil), &network{}
	h.config.Mailer, h.config.Networks["masto"] = m, n
	h.config.Letter = func(context.Context, string, string, string) (*publisher.Letter, error) {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "build the letter", Err: errors.New("no sender")}
	}
	h.plan("i", true, map[string]int{"masto": 1})
	r := h.run()
	h.want(map[publisher.State]int{planned: 5, accepted: 1})
	if m.calls != 0 || publisher.KindOf(r.Paused["daily"]) != publisher.Invalid {
		t.Errorf("%d calls, paused %v", m.calls, r.Paused)
	}
}

// An interrupted run ends what is in flight, begins nothing more, and the next one goes on.
func TestInterruption(t *testing.T) {
	h := newHouse(t, 500)
	ctx, cancel := context.WithCancel(t.Context())
	m := newMailer(nil)
	m.script = func(string, int) error {
		if m.calls == 100 {
			cancel()
		}
		return nil
	}
	h.config.Mailer, h.config.Lanes = m, 8
	h.config.Sleep = nil // a real one: the calls in flight shall have their grace
	h.plan("i", true, nil)
	r, err := dispatch.New(h.config).Run(ctx, publisher.Selection{}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if got := r.Count(accepted); got < 100 || got > 120 || r.Count(planned) != 500-got {
		t.Errorf("accepted %d, planned %d, of 500", got, r.Count(planned))
	}
	h.config.Sleep = h.clock.Sleep
	h.run()
	h.want(map[publisher.State]int{accepted: 500})
	if m.calls != 500 {
		t.Errorf("%d calls for 500 readers", m.calls)
	}
}

// brokenLedger fails to commit from some call on.
type brokenLedger struct {
	dispatch.Ledger
	mu    sync.Mutex
	calls int
	from  int
	until int
	err   error
}

func (b *brokenLedger) Commit(ctx context.Context, o []publisher.Outcome, w []publisher.Claim, now, until time.Time, r ...publisher.Ration) (publisher.Commit, error) {
	b.mu.Lock()
	b.calls++
	broken := b.calls >= b.from && b.calls < b.until
	b.mu.Unlock()
	if broken {
		return publisher.Commit{}, b.err
	}
	return b.Ledger.Commit(ctx, o, w, now, until, r...)
}

func TestLedgerFails(t *testing.T) {
	for name, c := range map[string]struct {
		kind     publisher.Kind
		failures int
		ends     bool
	}{
		"for good":       {publisher.Invalid, 1 << 30, true},
		"busy for long":  {publisher.Busy, 1 << 30, true},
		"busy for a bit": {publisher.Busy, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 300)
			m, n := newMailer(nil), &network{}
			h.config.Mailer, h.config.Networks["masto"], h.config.Lanes = m, n, 10
			h.plan("i", true, map[string]int{"masto": 2})
			h.config.Ledger = &brokenLedger{Ledger: h.Ledger, from: 10, until: 10 + c.failures, err: fault(c.kind, 0)}
			_, err := dispatch.New(h.config).Run(t.Context(), publisher.Selection{}, h)
			if (err != nil) != c.ends {
				t.Fatalf("the run ended with %v", err)
			}
			h.config.Ledger = h.Ledger
			h.run()
			left := 0
			for _, d := range h.seen {
				if d.State == unknown {
					left++
				}
			}
			tallies, err := h.Counts(t.Context(), publisher.Selection{Channels: []string{"daily"}})
			if err != nil {
				t.Fatal(err)
			}
			doubt := tallies[0].States[unknown]
			if tallies[0].States[accepted]+doubt != 300 || doubt > 10 || !c.ends && doubt > 0 {
				t.Errorf("states %v", tallies[0].States)
			}
			for address, n := range m.took {
				if n > 1 {
					t.Errorf("%s has %d mails", address, n)
				}
			}
		})
	}
}

func TestRetry(t *testing.T) {
	h := newHouse(t, 6)
	m := newMailer(func(address string, try int) error {
		switch {
		case try > 1:
			return nil
		case strings.HasPrefix(address, "reader0"), strings.HasPrefix(address, "reader1"):
			return fault(publisher.Invalid, 0)
		case strings.HasPrefix(address, "reader2"):
			return fault(publisher.Unknown, 0)
		case strings.HasPrefix(address, "reader3"):
			return fault(publisher.Invalid, 550)
		case strings.HasPrefix(address, "reader4"):
			return &publisher.Error{Kind: publisher.Busy, Code: 450, After: newClock().now.Add(time.Hour), Err: errors.New("later")}
		}
		return nil
	})
	h.config.Mailer = m
	h.plan("i", true, nil)
	h.run()
	h.want(map[publisher.State]int{accepted: 1, failed: 2, unknown: 1, bounced: 1, deferred: 1})
	d := dispatch.New(h.config)
	for _, c := range []struct {
		selection publisher.Selection
		unknown   bool
		want      int
	}{{publisher.Selection{Channels: []string{"other"}}, true, 0}, {publisher.Selection{}, false, 3}, {publisher.Selection{IssueIDs: []string{"i"}}, true, 1}} {
		n, err := d.Retry(t.Context(), c.selection, c.unknown)
		if err != nil || n != c.want {
			t.Fatalf("retried %d, %v; want %d", n, err, c.want)
		}
		h.run()
	}
	h.want(map[publisher.State]int{accepted: 5, bounced: 1})
}

// doubling offers every delivery twice.
type doubling struct{ dispatch.Ledger }

func (l doubling) Due(ctx context.Context, lot publisher.Lot, after int64, now time.Time, limit int) ([]publisher.Delivery, error) {
	page, err := l.Ledger.Due(ctx, lot, after, now, limit)
	var twice []publisher.Delivery
	for _, d := range page {
		twice = append(twice, d, d)
	}
	return twice, err
}

// However often a delivery is offered, one lane gets it.
func TestOfferedTwice(t *testing.T) {
	h := newHouse(t, 300)
	m := newMailer(nil)
	h.config.Mailer, h.config.Lanes, h.config.Ledger = m, 40, doubling{h.Ledger}
	h.plan("i", true, nil)
	h.run()
	h.want(map[publisher.State]int{accepted: 300})
	if m.calls != 300 {
		t.Errorf("%d mails to 300 readers", m.calls)
	}
}
