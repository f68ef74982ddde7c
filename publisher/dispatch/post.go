package dispatch

import (
	"context"
	"errors"
	"time"

	"crieur/publisher"
)

// publishPosts works through one channel's lots, oldest first.
func (r *run) publishPosts(channel string, lots []publisher.Lot) error {
	network := r.c.Networks[channel]
	if network == nil {
		r.pause(channel, noChannel("post", channel))
		return nil
	}
	for _, lot := range lots {
		if r.halted(channel) {
			return nil
		}
		t := &thread{run: r, lot: lot, network: network}
		err := t.keepPace()
		if err == nil && !r.halted(channel) {
			err = t.publish()
		}
		if err != nil {
			if r.ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	return nil
}

// keepPace leaves a network alone for as long as it has asked for, be it of a process
// that has ended since.
func (t *thread) keepPace() error {
	until, err := t.c.Ledger.Paced(t.ctx, t.lot.Channel)
	if err != nil || t.wait(until) {
		return err
	}
	if t.ctx.Err() == nil {
		t.pause(t.lot.Channel, &publisher.Error{Kind: publisher.Busy, Op: "post", Where: t.lot.Channel, After: until,
			Err:  errors.New("the network wants to be left alone until " + until.UTC().Format("2006-01-02 15:04:05 MST")),
			Hint: "crieur retry goes on after that"})
	}
	return nil
}

// A thread is one lot of posts within a run: one post, or several that answer each other.
type thread struct {
	*run
	lot     publisher.Lot
	network publisher.Network
	texts   publisher.Rendering
}

// publish posts part after part; none is begun before the one ahead of it has its receipt.
func (t *thread) publish() error {
	renderings, err := t.c.Ledger.Renderings(t.ctx, t.lot.IssueID)
	if err != nil {
		return err
	}
	t.texts, _ = renderingOf(renderings, t.lot.Channel)
	parts, err := t.c.Ledger.Parts(t.ctx, t.lot)
	if err != nil {
		return err
	}
	if len(t.texts.Parts) < len(parts) {
		t.pause(t.lot.Channel, &publisher.Error{Kind: publisher.Internal, Op: "post", Where: t.lot.Channel,
			Err: errors.New("fewer parts were rendered than planned")})
		return nil
	}
	for i := range parts {
		post, err := t.compose(parts, i)
		if err != nil {
			t.pause(t.lot.Channel, err)
			return nil
		}
		before := parts[i]
		if err := t.finish(post, &parts[i]); err != nil {
			return err
		}
		if parts[i] != before {
			t.tell(parts[i])
		}
		if parts[i].State != publisher.StateAccepted {
			return nil
		}
	}
	return nil
}

// compose gives a part as its network takes it.
func (t *thread) compose(parts []publisher.Delivery, i int) (publisher.Post, error) {
	text := t.texts.Parts[i]
	p := publisher.Post{Key: parts[i].Key, Text: text.Text, Language: or(text.Language, t.texts.Language), Warning: text.Warning, Created: t.lot.Created}
	if i > 0 {
		p.Parent, p.Root = &parts[i-1].Receipt, &parts[0].Receipt
	}
	for _, ref := range text.Media {
		m, err := t.picture(ref)
		if err != nil {
			return p, err
		}
		p.Media = append(p.Media, m)
	}
	if text.Card == nil {
		return p, nil
	}
	p.Card = &publisher.PostCard{URL: text.Card.URL, Title: text.Card.Title, Description: text.Card.Description}
	if text.Card.Thumb != nil {
		m, err := t.picture(*text.Card.Thumb)
		if err != nil {
			return p, err
		}
		p.Card.Thumb = &m
	}
	return p, nil
}

func (t *thread) picture(ref publisher.MediaRef) (publisher.Media, error) {
	data, mediaType, err := t.c.Ledger.Media(t.ctx, ref.Hash)
	return publisher.Media{Type: mediaType, Alt: ref.Alt, Data: data, Width: ref.Width, Height: ref.Height}, err
}

// finish brings one part as far as this run can.
func (t *thread) finish(p publisher.Post, d *publisher.Delivery) error {
	for tries := 0; !t.halted(t.lot.Channel); {
		verdict, doubt, err := proceed, (*publisher.Outcome)(nil), error(nil)
		if d.State == publisher.StateUnknown {
			verdict, doubt, err = t.settle(p, *d)
		}
		var again bool
		switch {
		case err != nil, verdict == stop:
			return err
		case verdict == conclude:
			again, err = t.record(d, *doubt)
		case tries == t.c.Retry.Tries:
			return nil
		default:
			tries++
			again, err = t.try(p, d, doubt)
		}
		if err != nil || !again {
			return err
		}
	}
	return nil
}

// try posts a part, once it is due. again is false where the run has no more to do
// for it.
//
// doubt is set where an earlier try may have taken effect and only the key makes
// this one harmless. Then the claim and the end of that doubt are one commit, and
// whatever but success comes of it leaves the part in doubt: a part that merely
// looked as if it had never been tried would be posted again after the key has run
// out.
func (t *thread) try(p publisher.Post, d *publisher.Delivery, doubt *publisher.Outcome) (again bool, err error) {
	if !t.wait(d.After) {
		return false, nil
	}
	a, err := t.writer.commit(doubt, &publisher.Claim{Lot: t.lot.ID, ID: int64(d.Part)})
	if err != nil || a.granted.Attempt == 0 {
		return false, err
	}
	started := t.c.Now()
	if !t.mayBegin(started, a.until) {
		return false, t.giveBack(a.granted)
	}
	ctx, cancel := context.WithTimeout(t.wire, t.c.Timeout)
	receipt, failed := t.network.Post(ctx, p)
	cancel()
	o := t.outcome(a.granted, started, receipt, failed)
	if price := t.network.Traits().Price; failed == nil && price != nil {
		o.Cost = price(p)
	}
	if until := publisher.AfterOf(failed); o.Kind == publisher.Busy && until.After(o.Ended) {
		if err := t.c.Ledger.Pace(context.WithoutCancel(t.ctx), t.lot.Channel, until); err != nil {
			t.fail(err) // and the outcome is recorded all the same
		}
	}
	if failed != nil && (o.Kind == publisher.Denied || o.Kind == publisher.Internal) {
		t.pause(t.lot.Channel, failed)
	}
	if doubt != nil && failed != nil {
		o.State = publisher.StateUnknown
	}
	return t.record(d, o)
}

// giveBack makes a part that was not begun what it was.
func (t *thread) giveBack(claim publisher.Claim) error {
	_, err := t.writer.commit(&publisher.Outcome{Claim: claim, State: publisher.StatePlanned, Ended: t.c.Now()}, nil)
	return err
}

// record writes an outcome down, and reports whether the part may go on in this run.
func (t *thread) record(d *publisher.Delivery, o publisher.Outcome) (again bool, err error) {
	a, err := t.writer.commit(&o, nil)
	if err != nil || a.late {
		return false, err
	}
	*d = applied(*d, o)
	return d.State != publisher.StateAccepted && d.State != publisher.StateFailed, nil
}

// wait sleeps until a moment, if that is within the run's patience.
func (t *thread) wait(until time.Time) bool {
	d := until.Sub(t.c.Now())
	if d <= 0 {
		return true
	}
	return d <= t.c.Retry.Patience && t.c.Sleep(t.ctx, d) == nil
}
