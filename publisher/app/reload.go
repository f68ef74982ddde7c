package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"crieur/publisher"
)

// watchConfig has the configuration read anew when one of its files changes, or when
// o.Reload asks for it.
func (d *daemon) watchConfig(ctx context.Context, all *sync.WaitGroup) (stop func(), err error) {
	seen := d.first.fingerprint()
	changed := make(chan struct{}, 1)
	stop, err = d.first.watch([]string{d.first.conf.File}, func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		stop = func() {}
	}
	all.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-d.o.Reload:
				seen = d.first.fingerprint()
				d.reload(ctx)
			case <-changed:
				if now := d.first.fingerprint(); now != seen {
					seen = now
					d.reload(ctx)
				}
			}
		}
	})
	return stop, err
}

// fingerprint changes when a file does that the configuration is made of.
func (a *App) fingerprint() string {
	h := sha256.New()
	for _, name := range []string{a.conf.File, filepath.Join(a.folder, ".env")} {
		data, err := os.ReadFile(name)
		if err == nil {
			h.Write(data)
		}
		h.Write([]byte{0})
	}
	_ = filepath.WalkDir(a.templatesDir(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err == nil {
			h.Write([]byte(path))
			h.Write(data)
		}
		return nil
	})
	return hex.EncodeToString(h.Sum(nil))
}

// reload takes over the configuration as it is on disk. Where that is wrong, the one
// in use stays, and log, /readyz and `crieur status` say what is wrong.
func (d *daemon) reload(ctx context.Context) {
	tell := notifier(d.first.o.Env)
	tell.say("RELOADING=1")
	defer tell.say("READY=1")
	log := d.first.o.Log
	next, err := d.renew(ctx)
	d.mu.Lock()
	if d.problem = ""; err != nil {
		d.problem = err.Error()
	}
	d.mu.Unlock()
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			log.Error("the new configuration is wrong; the old one stays in use", "error", line, "hint", publisher.HintOf(err))
		}
	} else {
		d.app.Store(next)
		next.courier.forgive()
		if err := next.store.RetryTroubles(ctx, next.o.Now()); err != nil {
			log.Warn("what went wrong is not tried again at once", "error", err)
		}
		log.Info("the new configuration is in use")
	}
	if err := d.beat(ctx); err != nil {
		log.Warn("cannot give a sign of life", "error", err)
	}
}

// renew gives an app of the configuration on disk, on the same store.
func (d *daemon) renew(ctx context.Context) (*App, error) {
	old := d.app.Load()
	next, err := Open(old.o)
	if err != nil {
		return nil, err
	}
	for key, same := range map[string]bool{
		"mode": next.conf.Mode == old.conf.Mode, "state.dir": next.stateDir() == old.stateDir(),
		"state.dsn":     next.conf.State.DSN.Reveal() == old.conf.State.DSN.Reveal(),
		"telemetry":     next.conf.Telemetry == old.conf.Telemetry,
		"server.listen": next.conf.Server.Listen == old.conf.Server.Listen,
		"sandbox":       next.conf.Sandbox.Listen == old.conf.Sandbox.Listen && next.conf.Sandbox.SMTP == old.conf.Sandbox.SMTP,
	} {
		if !same {
			return nil, &publisher.Error{Kind: publisher.Invalid, Where: next.conf.File, Op: key, Err: errors.New("cannot change while crieur runs"),
				Hint: "start crieur again to use it"}
		}
	}
	next.store, next.courier, next.announce, next.tracer = old.store, old.courier, old.announce, old.tracer
	if d.has(RoleWeb) {
		h, err := next.pages(ctx)
		if err != nil {
			return nil, err
		}
		d.pages.Store(&h)
	}
	return next, nil
}
