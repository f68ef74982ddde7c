package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"crieur/publisher"
	"crieur/publisher/queue"
	"crieur/publisher/telemetry"
	"crieur/publisher/web"
)

// The roles that a process of the daemon can have.
const (
	RoleWeb       = "web"       // answers readers
	RoleScheduler = "scheduler" // looks what is due and sets the alarms
	RoleWorker    = "worker"    // answers the alarms
)

// Roles lists the roles.
func Roles() []string { return []string{RoleWeb, RoleScheduler, RoleWorker} }

const (
	sweepEvery   = 5 * time.Second
	sweepSoon    = 200 * time.Millisecond
	beatEvery    = publisher.WorkerSilence / 4
	beatAgain    = time.Second // after one that did not reach the store
	drainDefault = 30 * time.Second
)

// ServeOptions is how the daemon runs.
type ServeOptions struct {
	Listen string   // "" stands for server.listen
	Roles  []string // empty: all
	Drain  time.Duration
	Reload <-chan struct{} // asks for the configuration to be read anew; nil: only its files are watched
	// Ready is told once everything runs, with the address at which readers are
	// answered; "" where this process does not.
	Ready func(url string)
}

// A daemon is a running serve. Its app changes when the configuration does.
type daemon struct {
	o     ServeOptions
	first *App // owns the store
	app   atomic.Pointer[App]
	pages atomic.Pointer[http.Handler]
	queue *queue.Queue // nil: this process only answers readers
	self  publisher.Worker

	mu      sync.Mutex
	swept   error // how the last sweep ended
	at      time.Time
	problem string // why the configuration on disk is not the one in use

	others lookout
}

// Serve runs the daemon until ctx ends; then it begins nothing new, lets what is
// under way end within o.Drain, and returns. Nothing is lost by a harder end.
//
// Many may run on one PostgreSQL, in any roles, and need no leader: each sweep sets
// the same alarms, which the database keeps single, and whatever an alarm leads to is
// taken by compare-and-set in the ledger. On SQLite one process may schedule and
// work; others may answer readers.
func (a *App) Serve(ctx context.Context, o ServeOptions) (err error) {
	if len(o.Roles) == 0 {
		o.Roles = Roles()
	}
	for _, r := range o.Roles {
		if !slices.Contains(Roles(), r) {
			return &publisher.Error{Kind: publisher.Invalid, Where: "--role", Err: fmt.Errorf("there is no role %q", r),
				Hint: "there are: " + strings.Join(Roles(), ", ")}
		}
	}
	if o.Drain <= 0 {
		o.Drain = drainDefault
	}
	store, err := a.open(ctx)
	if err != nil {
		return err
	}
	d := &daemon{o: o, first: a}
	d.app.Store(a)
	host, _ := os.Hostname()
	d.self = publisher.Worker{ID: store.Session(), Host: host, PID: os.Getpid(), Roles: o.Roles,
		Version: firstOf(a.o.Version, "dev"), Started: a.o.Now()}
	if d.has(RoleScheduler) || d.has(RoleWorker) {
		release, err := store.Work()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	if err := d.beat(ctx); err != nil {
		return err
	}
	defer d.leave(ctx)
	if a.conf.Telemetry.Metrics != "" {
		a.courier.metrics = telemetry.New(d.self.Version, a.lotsWaiting)
	}
	if a.tracer = a.openTracer(); a.tracer != nil {
		defer a.tracer.Close()
	}
	if d.has(RoleScheduler) || d.has(RoleWorker) {
		if err := d.openQueue(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.stopQueue(ctx)) }()
	}
	if d.has(RoleScheduler) { // what was wrong may have been mended meanwhile
		if err := store.RetryTroubles(ctx, a.o.Now()); err != nil {
			return err
		}
	}
	return d.run(ctx)
}

func (d *daemon) has(role string) bool { return slices.Contains(d.o.Roles, role) }

func (d *daemon) stopQueue(ctx context.Context) error {
	limit, stop := context.WithTimeout(context.WithoutCancel(ctx), d.o.Drain)
	defer stop()
	return d.queue.Stop(limit)
}

// openQueue opens the alarms and, in a worker, what answers them.
func (d *daemon) openQueue(ctx context.Context) (err error) {
	a := d.first
	c := queue.Config{SQLite: a.store.Writer(), DSN: a.conf.State.DSN.Reveal(), Schema: a.store.Schema(), ID: d.self.ID, Log: a.o.Log, Now: a.o.Now}
	if m := a.courier.metrics; m != nil {
		c.Rang = m.Rang
	}
	if d.has(RoleWorker) {
		if !a.Live() {
			a.announce = true
			if _, err := a.box(ctx); err != nil {
				return err
			}
		}
		c.Kinds = map[string]queue.Kind{}
		for _, duty := range a.duties() {
			c.Kinds[duty.kind] = queue.Kind{AtOnce: duty.atOnce, Limit: duty.limit, Do: d.work(duty.kind)}
		}
	}
	d.queue, err = queue.Open(ctx, c)
	return err
}

// work does a duty as the present configuration has it.
func (d *daemon) work(kind string) queue.Work {
	return func(ctx context.Context, key string) error {
		for _, duty := range d.app.Load().duties() {
			if duty.kind != kind {
				continue
			}
			start := time.Now()
			ctx, end := d.first.tracer.Start(ctx, kind, map[string]string{"key": key})
			err := duty.do(ctx, key)
			more := errors.Is(err, errMore)
			if more {
				err = nil
			}
			end(err)
			if m := d.first.courier.metrics; m != nil {
				m.Worked(kind, time.Since(start), err)
			}
			switch {
			case more:
				return queue.ErrAgain
			case asNoted(err):
				return nil
			}
			return err
		}
		return nil
	}
}

// run does what the roles ask for, until ctx ends or one of them fails.
func (d *daemon) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	url, err := d.serveWeb(ctx, &all, stop)
	if err != nil {
		return err
	}
	if err := d.serveMetrics(ctx, &all, stop); err != nil {
		stop(err)
	}
	if d.has(RoleWorker) {
		if err := d.queue.Start(ctx); err != nil {
			stop(err)
		}
	}
	if d.has(RoleScheduler) {
		all.Go(func() { d.schedule(ctx) })
	}
	all.Go(func() { d.live(ctx) })
	unwatch, err := d.watchConfig(ctx, &all)
	if err != nil {
		d.first.o.Log.Warn("changes of the configuration are not seen; SIGHUP has it read anew", "error", err)
	}
	tell := notifier(d.first.o.Env)
	all.Go(func() { tell.dogged(ctx) })
	if d.o.Ready != nil && ctx.Err() == nil {
		d.o.Ready(url)
	}
	tell.say("READY=1")
	<-ctx.Done()
	tell.say("STOPPING=1")
	unwatch()
	all.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// serveWeb answers readers, if that is a role of this process.
func (d *daemon) serveWeb(ctx context.Context, all *sync.WaitGroup, stop context.CancelCauseFunc) (url string, err error) {
	if !d.has(RoleWeb) {
		return "", nil
	}
	address := firstOf(d.o.Listen, d.first.conf.Server.Listen)
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", &publisher.Error{Kind: publisher.Internal, Op: "listen on " + address, Where: "server.listen", Err: err,
			Hint: "choose another address with --listen, or stop what answers there"}
	}
	h, err := d.first.pages(ctx)
	if err != nil {
		return "", errors.Join(err, l.Close())
	}
	d.pages.Store(&h)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", d.readyz)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { (*d.pages.Load()).ServeHTTP(w, r) })
	all.Go(func() {
		if err := web.Serve(ctx, l, mux); err != nil {
			stop(err)
		}
	})
	return "http://" + l.Addr().String(), nil
}
