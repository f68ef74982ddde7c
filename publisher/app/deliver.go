package app

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/mail"
	"crieur/publisher/telemetry"
)

const (
	// deliverSlice is how long one run of dispatch lasts at most, so that what was
	// planned meanwhile joins the next one, and others who wait to send get their turn.
	deliverSlice = 20 * time.Second
	turn         = 150 * time.Millisecond
	deliverLimit = 3 * time.Minute
	// pausedFor is how long a channel that refuses us is left alone.
	pausedFor = 5 * time.Minute
	// recheck is how long a look at a lot of which nothing is due yet is believed.
	recheck = time.Minute
)

// A courier remembers between deliveries what need not be tried or looked at again
// soon. Losing it costs a try and a look.
type courier struct {
	mu     sync.Mutex
	busy   bool
	paused map[string]time.Time // by channel: not before
	looked map[int64]look       // by lot
	rung   map[string]time.Time // by kind of work that is done every so often: when it was last due

	counts map[publisher.State]int // what ended, and how, since the last account
	halted map[string]error        // by channel: why it was paused since then

	metrics *telemetry.Metrics // nil: nobody counts
	more    chan struct{}      // says that a duty made work for another one

	alive time.Time // the last sign of life that the store has; zero: this process gives none
	dead  []string  // the workers that were taken for dead at the last look

	paces   dispatch.Paces // of providers
	servers mail.Memory    // and of servers: a limit does not begin anew with each slice
}

type look struct {
	next  time.Time // when something of the lot is due; zero: nothing
	until time.Time // how long that is believed
}

func newCourier() *courier {
	c := &courier{more: make(chan struct{}, 1), paused: map[string]time.Time{}, looked: map[int64]look{}, rung: map[string]time.Time{}}
	c.account()
	return c
}

// tell has the daemon look soon what is due: a duty has made work for another one. It
// waits for nobody.
func (c *courier) tell() {
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// forgive has the paused channels tried again.
func (c *courier) forgive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.paused)
}

// account gives what was delivered and which channels were paused since it was
// called before.
func (c *courier) account() (counts map[publisher.State]int, halted map[string]error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts, halted = c.counts, c.halted
	c.counts, c.halted = map[publisher.State]int{}, map[string]error{}
	return counts, halted
}

var _ dispatch.Observer = (*courier)(nil)

// Delivered counts.
func (c *courier) Delivered(d publisher.Delivery) {
	if c.metrics != nil {
		c.metrics.Delivered(d.Channel, d.State)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[d.State]++
}

// begin reports whether deliveries may begin here: one run at a time does them all.
func (c *courier) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		return false
	}
	c.busy = true
	return true
}

func (c *courier) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	clear(c.looked)
}

// deliveriesDue gives a key for each hand that delivers, with the moment of what became
// due last: something new makes a new alarm, even while an older one is put off.
func (a *App) deliveriesDue(ctx context.Context) ([]dueKey, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	c, now := a.courier, a.o.Now()
	c.mu.Lock()
	busy := c.busy
	c.mu.Unlock()
	if busy && !store.Shared() { // what is under way looks for more by itself, and the next sweep comes soon
		return nil, nil
	}
	lots, err := store.Lots(ctx, publisher.Selection{Open: true})
	if err != nil {
		return nil, err
	}
	stops, err := store.Stops(ctx)
	if err != nil {
		return nil, err
	}
	var due, next time.Time
	for _, lot := range lots {
		stopped := func(s publisher.Stop) bool { return s.Covers(lot.IssueID, lot.Channel) }
		if lot.Held != "" || slices.ContainsFunc(stops, stopped) || !slices.Contains(a.channelNames(), lot.Channel) {
			continue
		}
		at := lot.Release
		if !at.After(now) { // thousands may wait for their slots, and are not worth a look each
			if at, err = a.nextOf(ctx, lot, now); err != nil {
				return nil, err
			}
		}
		switch {
		case at.IsZero():
		case !at.After(now):
			if at.After(due) {
				due = at
			}
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	if due.IsZero() && next.IsZero() {
		return nil, nil
	}
	hands, err := a.hands(ctx)
	if err != nil {
		return nil, err
	}
	var keys []dueKey
	for _, at := range []time.Time{due, next} {
		for hand := 1; hand <= hands && !at.IsZero(); hand++ {
			keys = append(keys, dueKey{key: strconv.Itoa(hand), at: at})
		}
	}
	return keys, nil
}

// forget has the lots looked at anew.
func (c *courier) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.looked)
}

// hands is how many processes deliver side by side: each answers one alarm at a time,
// and the ledger gives every delivery to one of them.
func (a *App) hands(ctx context.Context) (n int, err error) {
	if !a.store.Shared() {
		return 1, nil
	}
	workers, err := a.store.Workers(ctx)
	a.courier.mu.Lock()
	dead := a.courier.dead
	a.courier.mu.Unlock()
	for _, w := range workers {
		if !slices.Contains(dead, w.ID) && slices.Contains(w.Roles, RoleWorker) {
			n++
		}
	}
	return max(n, 1), err
}

// nextOf is when a lot wants to be delivered again; zero: it does not.
func (a *App) nextOf(ctx context.Context, lot publisher.Lot, now time.Time) (time.Time, error) {
	c := a.courier
	c.mu.Lock()
	known, ok := c.looked[lot.ID]
	paused := c.paused[lot.Channel]
	c.mu.Unlock()
	if !ok || !now.Before(known.until) || now.Add(recheck).Before(known.until) { // the last: the clock was set back
		next, err := a.nextWork(ctx, lot, now)
		if err != nil {
			return time.Time{}, err
		}
		known = look{next: next, until: now.Add(recheck)}
		if next.After(now) && next.Before(known.until) {
			known.until = next
		}
		if next.After(now) || next.IsZero() { // what is due now is looked at again
			c.mu.Lock()
			c.looked[lot.ID] = known
			c.mu.Unlock()
		}
	}
	if known.next.IsZero() || !paused.After(now) {
		return known.next, nil
	}
	if paused.After(now.Add(pausedFor)) { // the clock was set back
		return known.next, nil
	}
	if paused.After(known.next) {
		return paused, nil
	}
	return known.next, nil
}

// DeliverDue delivers what is due on all channels: what was planned and not begun,
// what was deferred until now, and what a dead process left. A channel that refuses
// us stops no other, and is left alone for some minutes. The error is errMore where
// there is more to do after some minutes of it. It is safe for concurrent use: while
// one call is at it, another returns at once.
func (a *App) DeliverDue(ctx context.Context) error {
	if !a.courier.begin() {
		return nil
	}
	defer a.courier.end()
	store, err := a.open(ctx)
	if err != nil {
		return err
	}
	if err := a.atHome(ctx); err != nil {
		return err
	}
	a.unbox()
	end := a.o.Now().Add(deliverLimit - 3*deliverSlice)
	for {
		now := a.o.Now()
		lots, err := store.Lots(ctx, publisher.Selection{Open: true, Due: now})
		if err != nil {
			return err
		}
		stops, err := store.Stops(ctx)
		if err != nil {
			return err
		}
		lots = slices.DeleteFunc(lots, func(l publisher.Lot) bool {
			return slices.ContainsFunc(stops, func(s publisher.Stop) bool { return s.Covers("", l.Channel) })
		})
		if lots, err = a.onTime(ctx, lots, now); err != nil {
			return err
		}
		if lots, err = a.spread(ctx, lots, now); err != nil {
			return err
		}
		networks := map[string]publisher.Network{}
		channels := a.deliverable(ctx, lots, networks)
		if len(channels) == 0 {
			return nil
		}
		whole, err := a.deliverSlice(ctx, publisher.Selection{Channels: channels, Open: true, Due: now}, networks)
		if err != nil || whole {
			return err
		}
		if a.o.Now().After(end) {
			return errMore
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(turn): // who waits for the dispatch lock gets it
		}
	}
}

// deliverSlice dispatches for a while, and reports whether that was all.
func (a *App) deliverSlice(ctx context.Context, s publisher.Selection, networks map[string]publisher.Network) (whole bool, err error) {
	slice, cancel := context.WithTimeout(ctx, deliverSlice)
	defer cancel()
	d, done, err := a.dispatcher(slice, networks)
	if err != nil {
		return false, err
	}
	defer done()
	slice, end := a.tracer.Start(slice, "dispatch", map[string]string{"channels": strings.Join(s.Channels, ",")})
	report, err := d.Run(slice, s, a.courier)
	end(err)
	for channel, why := range report.Paused {
		a.pause(channel, why)
	}
	if err != nil && ctx.Err() == nil && slice.Err() != nil {
		return false, nil
	}
	return true, err
}

// deliverable opens the networks of the lots' channels, and leaves out the channels
// that cannot be delivered on now.
func (a *App) deliverable(ctx context.Context, lots []publisher.Lot, networks map[string]publisher.Network) (channels []string) {
	now := a.o.Now()
	for _, lot := range lots {
		if slices.Contains(channels, lot.Channel) {
			continue
		}
		a.courier.mu.Lock()
		until := a.courier.paused[lot.Channel]
		a.courier.mu.Unlock()
		if until.After(now) && !until.After(now.Add(pausedFor)) {
			continue
		}
		err := a.connect(ctx, lot, networks)
		if err == nil && lot.Mail() {
			err = a.mayMail(lot.Channel)
		}
		if err != nil {
			a.pause(lot.Channel, err)
			continue
		}
		channels = append(channels, lot.Channel)
	}
	return channels
}

// mayMail says why a newsletter may not go out.
func (a *App) mayMail(name string) error {
	n, err := a.newsletter(name)
	if err != nil || !a.Live() {
		return err
	}
	if reasons := a.liveReasons(n); len(reasons) > 0 {
		return &publisher.Error{Kind: publisher.Invalid, Op: "deliver", Where: name, Err: errors.New(strings.Join(reasons, "; "))}
	}
	return nil
}

func (a *App) pause(channel string, why error) {
	now := a.o.Now()
	until := now.Add(pausedFor)
	if after := publisher.AfterOf(why); after.After(now) && after.Before(until) {
		until = after
	}
	a.courier.mu.Lock()
	a.courier.paused[channel], a.courier.halted[channel] = until, why
	a.courier.mu.Unlock()
	a.o.Log.Warn("a channel is left alone for a while", "channel", channel, "until", until, "error", why, "hint", publisher.HintOf(why))
}
