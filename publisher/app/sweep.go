package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"crieur/publisher"
)

// schedule sweeps at once and then every few seconds. A sweep that fails is told once,
// and the next one tries again: a database that is away comes back.
func (d *daemon) schedule(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	log := d.first.o.Log
	for start := true; ; {
		err := d.sweep(ctx, start)
		if ctx.Err() != nil {
			return
		}
		start = start && err != nil
		d.mu.Lock()
		before := d.swept
		d.swept, d.at = err, d.first.o.Now()
		d.mu.Unlock()
		switch {
		case err != nil && before == nil:
			log.Error("cannot look for what is due; trying on", "error", err, "hint", publisher.HintOf(err))
		case err == nil && before != nil:
			log.Info("looking for what is due again")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-d.first.courier.more:
			select { // a few at a time
			case <-ctx.Done():
				return
			case <-time.After(sweepSoon):
			}
		}
	}
}

// sweep frees what dead workers were doing, and sets the alarms that the ledger says
// there should be: those due, and those due before the sweep after next.
func (d *daemon) sweep(ctx context.Context, start bool) error {
	a := d.app.Load()
	errs := []error{d.free(ctx)}
	now := a.o.Now()
	for _, duty := range a.duties() {
		due, err := duty.due(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, k := range due {
			switch {
			case start && duty.leftovers:
				k.at = now
			case k.at.After(now.Add(2 * sweepEvery)):
				continue
			}
			if err := d.queue.Wake(ctx, duty.kind, k.key, k.at); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// free lets others do what the dead were doing: their leases end, and their alarms
// are set again.
func (d *daemon) free(ctx context.Context) error {
	store := d.first.store
	if !store.Shared() {
		return nil
	}
	workers, err := store.Workers(ctx)
	if err != nil {
		d.others = lookout{} // who could not be seen is not dead for that
		return err
	}
	dead, died := d.others.look(workers, d.self.ID, d.first.o.Now())
	d.app.Load().courier.bury(dead)
	for _, w := range died {
		n, err := store.EndLeases(ctx, w.ID, d.first.o.Now())
		if err != nil {
			return err
		}
		d.others.buried(w.ID)
		if n > 0 {
			d.app.Load().courier.forget()
		}
		d.first.o.Log.Warn("a worker gives no sign of life; others do its work", "id", w.ID, "host", w.Host, "pid", w.PID, "deliveries", n)
	}
	var alive []string
	for _, w := range workers {
		if !slices.Contains(dead, w.ID) {
			alive = append(alive, w.ID)
		}
	}
	n, err := d.queue.Free(ctx, alive)
	if n > 0 {
		d.first.o.Log.Info("alarms that nobody answers any more are set again", "jobs", n)
	}
	return err
}

// live gives signs of life until ctx ends.
func (d *daemon) live(ctx context.Context) {
	for wait := beatEvery; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		err := d.beat(ctx)
		if err != nil && ctx.Err() == nil && wait == beatEvery {
			d.first.o.Log.Warn("cannot give a sign of life", "error", err)
		}
		if wait = beatEvery; err != nil {
			wait = beatAgain
		}
	}
}

func (d *daemon) beat(ctx context.Context) error {
	w := d.self
	w.Seen = d.first.o.Now()
	d.mu.Lock()
	w.Problem = d.problem
	d.mu.Unlock()
	limit, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	if err := d.first.store.Beat(limit, w); err != nil {
		return err
	}
	d.first.courier.lives(w.Seen)
	return nil
}

// leave takes this process off the list. It may be called when the store is away.
func (d *daemon) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := d.first.store.Leave(ctx, d.self.ID); err != nil {
		d.first.o.Log.Warn("this process stays on the list of workers for a while", "error", err)
	}
}
