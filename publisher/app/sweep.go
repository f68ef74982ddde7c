package app

import (
	"context"
	"errors"
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

// free sets the alarms of the dead again.
func (d *daemon) free(ctx context.Context) error {
	if !d.first.store.Shared() {
		return nil
	}
	workers, err := d.first.store.Workers(ctx)
	if err != nil {
		return err
	}
	var alive []string
	for _, w := range workers {
		if w.Alive(d.first.o.Now()) {
			alive = append(alive, w.ID)
		}
	}
	n, err := d.queue.Free(ctx, alive)
	if n > 0 {
		d.first.o.Log.Warn("a worker died; others do its work", "jobs", n)
	}
	return err
}

// live gives signs of life until ctx ends.
func (d *daemon) live(ctx context.Context) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := d.beat(ctx); err != nil && ctx.Err() == nil {
				d.first.o.Log.Warn("cannot give a sign of life", "error", err)
			}
		}
	}
}

func (d *daemon) beat(ctx context.Context) error {
	w := d.self
	w.Seen = d.first.o.Now()
	d.mu.Lock()
	w.Problem = d.problem
	d.mu.Unlock()
	return d.first.store.Beat(ctx, w)
}

// leave takes this process off the list. It may be called when the store is away.
func (d *daemon) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := d.first.store.Leave(ctx, d.self.ID); err != nil {
		d.first.o.Log.Warn("this process stays on the list of workers for a while", "error", err)
	}
}
