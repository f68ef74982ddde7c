package dispatch_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

// A courier carries side by side and takes mails ahead, as a real one does.
type courier struct {
	*mailer
	lanes int

	counting  sync.Mutex
	rounds    int
	forbidden int
	untold    map[string]bool      // whose end it keeps to itself
	before    func(publisher.Mail) // called between Next and Begin
}

func (c *courier) Lanes() int { return c.lanes }

func (c *courier) Carry(ctx context.Context, r publisher.Round) {
	c.counting.Lock()
	c.rounds++
	c.counting.Unlock()
	var taken []publisher.Mail
	for {
		for len(taken) < 3 {
			m, ok := r.Next(len(taken) == 0)
			if !ok {
				break
			}
			taken = append(taken, m)
		}
		if len(taken) == 0 {
			return
		}
		m := taken[0]
		taken = taken[1:]
		if c.before != nil {
			c.before(m)
		}
		if _, err := r.Begin(m); err != nil {
			c.counting.Lock()
			c.forbidden++
			c.counting.Unlock()
			continue
		}
		receipt, err := c.Send(ctx, m)
		if !c.untold[m.To.Email] {
			r.Done(m, receipt, err)
		}
	}
}

var _ publisher.Courier = (*courier)(nil)

func TestCourierCarriesToEveryReaderOnce(t *testing.T) {
	h := newHouse(t, 3000)
	c := &courier{mailer: newMailer(nil), lanes: 6}
	h.config.Mailer = c
	h.plan("i", true, nil)
	h.run()
	h.want(map[publisher.State]int{accepted: 3000})
	if c.calls != 3000 || len(c.took) != 3000 || len(h.seen) != 3000 || c.rounds != 6 {
		t.Errorf("%d mails to %d readers in %d rounds, %d observed", c.calls, len(c.took), c.rounds, len(h.seen))
	}
}

// What was taken ahead when a run ends is planned again, as if it had not been granted.
func TestWhatWasNotBegunIsGivenBack(t *testing.T) {
	h := newHouse(t, 2000)
	ctx, cancel := context.WithCancel(t.Context())
	m := newMailer(nil)
	m.script = func(string, int) error {
		if m.calls == 700 {
			cancel()
		}
		return nil
	}
	c := &courier{mailer: m, lanes: 5}
	h.config.Mailer = c
	h.config.Sleep = nil
	h.plan("i", true, nil)
	r, err := dispatch.New(h.config).Run(ctx, publisher.Selection{}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if got := r.Count(accepted); got < 700 || got > 705 || r.Count(planned) != 2000-got {
		t.Errorf("accepted %d, planned %d, of 2000", got, r.Count(planned))
	}
	var tried int
	err = h.Deliveries(t.Context(), publisher.DeliveryFilter{States: []publisher.State{planned}}, func(d publisher.Delivery) error {
		attempts, err := h.Attempts(t.Context(), d)
		tried += len(attempts)
		return err
	})
	if err != nil || tried > 0 {
		t.Errorf("%d attempts are kept of mails that were not begun, %v", tried, err)
	}
	h.config.Sleep = h.clock.Sleep
	h.run()
	h.want(map[publisher.State]int{accepted: 2000})
	if m.calls != 2000 {
		t.Errorf("%d calls for 2000 readers", m.calls)
	}
}

// A channel that is paused gives back what lay ready for it; another goes on.
func TestPausedChannelGivesBack(t *testing.T) {
	h := newHouse(t, 900)
	m := newMailer(nil)
	m.script = func(string, int) error {
		if m.calls == 300 {
			return fault(publisher.Denied, 535)
		}
		return nil
	}
	h.config.Mailer = &courier{mailer: m, lanes: 4}
	h.plan("i", true, nil)
	r := h.run()
	if got := r.Count(accepted); got < 299 || got > 303 || r.Count(planned) != 900-got {
		t.Errorf("accepted %d, planned %d, of 900", got, r.Count(planned))
	}
	if publisher.KindOf(r.Paused["daily"]) != publisher.Denied {
		t.Errorf("paused: %v", r.Paused)
	}
}

// A mailer that does not say how a mail ended leaves it in doubt, and nothing else.
func TestUntoldEndIsDoubt(t *testing.T) {
	h := newHouse(t, 40)
	h.config.Mailer = &courier{mailer: newMailer(nil), lanes: 2, untold: map[string]bool{address(7): true, address(39): true}}
	h.plan("i", true, nil)
	h.run()
	h.want(map[publisher.State]int{accepted: 38, unknown: 2})
}

// Where others may look, a mail is not begun whose lease would end before its call.
func TestLeaseThatIsNearlyOver(t *testing.T) {
	h := newHouse(t, 10)
	dawdled := map[string]bool{}
	c := &courier{mailer: newMailer(nil), lanes: 1, before: func(m publisher.Mail) {
		if !dawdled[m.To.Email] {
			dawdled[m.To.Email] = true
			h.clock.Sleep(context.Background(), 20*time.Second)
		}
	}}
	h.config.Ledger, h.config.Mailer = sharedLedger{h.Ledger}, c
	h.config.Lease, h.config.Timeout = time.Minute, 50*time.Second
	h.plan("i", true, nil)
	h.run()
	h.want(map[publisher.State]int{accepted: 10})
	if c.forbidden != 10 || c.calls != 10 {
		t.Errorf("%d mails were forbidden and %d sent, want each once", c.forbidden, c.calls)
	}
}

// sharedLedger lets others dispatch too.
type sharedLedger struct{ dispatch.Ledger }

func (l sharedLedger) Exclusive(context.Context, func()) (func() error, bool, error) {
	return func() error { return nil }, false, nil
}
