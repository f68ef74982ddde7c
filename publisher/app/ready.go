package app

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Readiness is what /readyz answers: each part is "ok" or what is wrong with it.
type Readiness struct {
	Ready bool   `json:"ready"`
	Store string `json:"store"`
	Queue string `json:"queue,omitempty"` // left out where this process does not schedule
	// Config is "ok", or why the configuration on disk is not in use; the one before it
	// is, so the process is ready all the same.
	Config string `json:"config"`
}

// stale is how old the last sweep may be.
const stale = 6 * sweepEvery

func (d *daemon) readiness(ctx context.Context) Readiness {
	r := Readiness{Ready: true, Store: "ok"}
	d.mu.Lock()
	err, at, problem := d.swept, d.at, d.problem
	d.mu.Unlock()
	r.Config = firstOf(problem, "ok")
	if err := d.first.store.Ping(ctx); err != nil {
		r.Ready, r.Store = false, err.Error()
	}
	if !d.has(RoleScheduler) {
		return r
	}
	r.Queue = "ok"
	switch {
	case at.IsZero():
		r.Ready, r.Queue = false, "not looked yet for what is due"
	case err != nil:
		r.Ready, r.Queue = false, err.Error()
	case d.first.o.Now().Sub(at) > stale:
		r.Ready, r.Queue = false, "the last look for what is due is too long ago"
	}
	return r
}

func (d *daemon) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	state := d.readiness(ctx)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !state.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(state)
}
