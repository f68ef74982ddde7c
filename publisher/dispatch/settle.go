package dispatch

import (
	"context"
	"time"

	"crieur/publisher"
)

// settle finds out what became of a post in doubt. The network is asked where it
// can be, and its "no" believed only when enough time has passed; else the key
// makes a second try harmless for as long as the network keeps it; else it stays
// unknown, for the owner to decide.
func (t *thread) settle(p publisher.Post, d *publisher.Delivery) (again bool, err error) {
	attempts, err := t.c.Ledger.Attempts(t.ctx, *d)
	if err != nil || len(attempts) == 0 {
		return false, err
	}
	first, last := attempts[0], attempts[len(attempts)-1]
	traits := t.network.Traits()
	o := publisher.Outcome{Claim: publisher.Claim{Lot: t.lot.ID, ID: int64(d.Part), Attempt: d.Attempts}, Started: last.Started,
		State: publisher.StatePlanned, Kind: publisher.Unknown, Code: last.Code}
	finder, ok := t.network.(publisher.Finder)
	if !ok {
		o.Ended = t.c.Now()
		if !o.Ended.Before(first.Started.Add(traits.Keyed)) {
			return false, nil
		}
		o.Problem = last.Problem + "; tried again with the same key"
		return t.record(d, o)
	}
	asked, receipt, found, err := t.find(finder, p)
	switch trusted := last.Ended.Add(traits.Settle); {
	case err != nil:
		return false, nil
	case found:
		o.State, o.Receipt, o.Kind, o.Code = publisher.StateAccepted, receipt, 0, 0
	case asked.Before(trusted):
		return t.wait(trusted), nil
	default:
		o.Problem = last.Problem + "; the network does not have it"
	}
	o.Ended = t.c.Now()
	return t.record(d, o)
}

// find asks the network for a post, with some patience. asked is when the answer
// held.
func (t *thread) find(finder publisher.Finder, p publisher.Post) (asked time.Time, r publisher.Receipt, found bool, err error) {
	for try := 1; ; try++ {
		asked = t.c.Now()
		ctx, cancel := context.WithTimeout(t.wire, t.c.Timeout)
		r, found, err = finder.Find(ctx, p)
		cancel()
		if err == nil || t.halted(t.lot.Channel) {
			return asked, r, found, err
		}
		if publisher.KindOf(err) == publisher.Denied {
			t.pause(t.lot.Channel, err)
			return asked, r, false, err
		}
		at := publisher.AfterOf(err)
		if at.IsZero() {
			at = t.c.Now().Add(t.backoff(try))
		}
		if try == t.c.Retry.Tries || !t.wait(at) {
			return asked, r, false, err
		}
	}
}
