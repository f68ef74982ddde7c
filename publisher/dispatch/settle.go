package dispatch

import (
	"context"
	"time"

	"crieur/publisher"
)

// What can be done for a post that may or may not stand on its network.
type verdict uint8

const (
	proceed  verdict = iota // it may be posted
	conclude                // it is known now how it ended
	stop                    // nothing, in this run
)

// settle finds out what became of a post in doubt. The network is asked where it
// can be, and its "no" believed only when enough time has passed; else the key
// makes a second try harmless for as long as the network keeps it; else it stays
// unknown, for the owner to decide. The outcome is what is to be recorded: with
// conclude by itself, with proceed together with the claim.
func (t *thread) settle(p publisher.Post, d publisher.Delivery) (verdict, *publisher.Outcome, error) {
	attempts, err := t.c.Ledger.Attempts(t.ctx, d)
	if err != nil {
		return stop, nil, err
	}
	first, last, ok := inDoubt(attempts)
	if !ok {
		return stop, nil, nil
	}
	o := &publisher.Outcome{Claim: publisher.Claim{Lot: t.lot.ID, ID: int64(d.Part), Attempt: d.Attempts}, Started: last.Started,
		State: publisher.StatePlanned, Kind: last.Kind, Code: last.Code}
	traits := t.network.Traits()
	finder, ok := t.network.(publisher.Finder)
	if !ok {
		o.Problem, o.Ended = last.Problem+"; tried again with the same key", t.c.Now()
		if !o.Ended.Before(first.Started.Add(traits.Keyed)) {
			return stop, nil, nil
		}
		return proceed, o, nil
	}
	for {
		asked, receipt, found, err := t.find(finder, p)
		o.Ended = t.c.Now()
		trusted := last.Ended.Add(traits.Settle)
		switch {
		case err != nil:
			return stop, nil, nil
		case found:
			o.State, o.Receipt, o.Kind, o.Code = publisher.StateAccepted, receipt, 0, 0
			if traits.Price != nil {
				o.Cost = traits.Price(p)
			}
			if o.Receipt.At.IsZero() {
				o.Receipt.At = o.Ended
			}
			return conclude, o, nil
		case !asked.Before(trusted):
			o.Problem = last.Problem + "; the network does not have it"
			return conclude, o, nil
		case !t.wait(trusted):
			return stop, nil, nil
		}
	}
}

// inDoubt gives the first and the last of the attempts that may have taken effect.
// A key protects from the first one on; a look is late enough after the last.
func inDoubt(attempts []publisher.Attempt) (first, last publisher.Attempt, ok bool) {
	for _, a := range attempts {
		if a.Problem == "" || a.Kind != publisher.Unknown && a.Kind != publisher.Internal {
			continue
		}
		if !ok {
			first, ok = a, true
		}
		last = a
	}
	return first, last, ok
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
