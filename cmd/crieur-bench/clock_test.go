package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crieur/publisher/app"
	"crieur/publisher/ledger"
)

// setClock sets the clock of a daemon in the middle of a send.
func setClock(t *testing.T, name string, store ledger.Config, by time.Duration, readers, lanes int) {
	f := newFleet(t, store, readers, lanes)
	f.plan()
	f.release()
	var offset atomic.Int64
	log := new(syncBuffer)
	a, err := app.Open(app.Options{Config: filepath.Join(f.home, "config.yaml"), State: filepath.Join(f.home, f.states), Stdin: strings.NewReader(""),
		Log: slog.New(slog.NewTextHandler(log, nil)),
		Now: func() time.Time { return time.Now().Round(0).Add(time.Duration(offset.Load())) }})
	f.must(err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- a.Serve(ctx, app.ServeOptions{Roles: []string{app.RoleScheduler, app.RoleWorker}})
		close(ended)
	}()
	defer func() {
		stop()
		<-ended
		f.must(a.Close())
	}()
	f.until("a fifth", time.Minute, func() bool { return f.recorded() > readers/5 })
	offset.Store(int64(by))
	set, before := time.Now(), f.recorded()
	on := f.until("the send to go on", time.Minute, func() bool { return f.recorded() > before+3*lanes }).Sub(set)
	f.done(2 * time.Minute)
	took := time.Since(set)
	stop()
	f.must(<-ended)
	acc := f.account()
	acc.hold(t, 0)
	if t.Failed() {
		t.Log(log)
	}
	fmt.Printf("soak clock-set=%v store=%s readers=%d lanes=%d on-after-s=%.1f done-after-s=%.1f lost=%d twice=%d unknown=%d\n",
		by, name, readers, lanes, on.Seconds(), took.Seconds(), acc.lost, acc.twice, acc.unknown)
}
