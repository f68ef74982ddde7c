package queue_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
	"crieur/publisher/queue"
)

const (
	soon      = 15 * time.Second // the longest that anything here may take on a busy machine
	asProcess = "CRIEUR_TEST_QUEUE"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		process(os.Getenv("CRIEUR_TEST_DIR"))
		return
	}
	os.Exit(ledgertest.Main(m))
}

// A place is an empty store, and the ways into it.
type place struct {
	t  *testing.T
	c  ledger.Config
	l  *ledger.Ledger
	db *sql.DB // for looking into River's tables
}

func each(t *testing.T, test func(t *testing.T, p *place)) {
	ledgertest.Each(t, func(t *testing.T, c ledger.Config) {
		p := &place{t: t, c: c, l: ledgertest.Open(t, c)}
		if p.db = p.l.Writer(); p.db == nil {
			var err error
			if p.db, err = sql.Open("pgx", c.DSN); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.db.Close() })
		}
		test(t, p)
	})
}

func (p *place) config(kinds map[string]queue.Kind) queue.Config {
	return queue.Config{SQLite: p.l.Writer(), DSN: p.c.DSN, Kinds: kinds}
}

// start gives a running queue.
func (p *place) start(c queue.Config) *queue.Queue {
	p.t.Helper()
	q, err := queue.Open(p.t.Context(), c)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := q.Start(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.stop(q) })
	return q
}

func (p *place) stop(q *queue.Queue) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), soon)
	defer cancel()
	if err := q.Stop(ctx); err != nil {
		p.t.Error(err)
	}
}

func (p *place) exec(statement string) {
	p.t.Helper()
	if _, err := p.db.ExecContext(p.t.Context(), statement); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) count(where string) (n int) {
	p.t.Helper()
	if err := p.db.QueryRowContext(p.t.Context(), `SELECT count(*) FROM river_job WHERE `+where).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func wake(t *testing.T, q *queue.Queue, kind, key string, at time.Time) {
	t.Helper()
	if err := q.Wake(t.Context(), kind, key, at); err != nil {
		t.Fatal(err)
	}
}

// bell counts its rings by key.
type bell struct {
	mu    sync.Mutex
	rings map[string]int
}

func (b *bell) do(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rings == nil {
		b.rings = map[string]int{}
	}
	b.rings[key]++
	return nil
}

func (b *bell) of(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rings[key]
}

func one(do queue.Work) map[string]queue.Kind {
	return map[string]queue.Kind{"test": {Do: do, AtOnce: 4}}
}

// The reset was written for this version of River's tables: at another one, read what
// changed before this test is.
func TestResetKnowsTheTables(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		q := p.start(p.config(nil))
		if p.l.Writer() != nil && q.Version() != 8 {
			t.Fatalf("River's tables are of version %d", q.Version())
		}
	})
}

func TestAlarmsRing(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		var b bell
		q := p.start(p.config(one(b.do)))
		now := time.Now()
		wake(t, q, "test", "past", now.Add(-time.Hour))
		wake(t, q, "test", "future", now.Add(time.Hour))
		wake(t, q, "test", "soon", now.Add(700*time.Millisecond))
		until(t, "the alarm of the past", func() bool { return b.of("past") == 1 })
		until(t, "the alarm of the next second", func() bool { return b.of("soon") == 1 })
		if b.of("future") != 0 {
			t.Error("an alarm rang an hour early")
		}
	})
}

func TestSameMomentRingsOnce(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		var b bell
		at := time.Now().Add(4 * time.Second) // all are set by then, on a busy machine as well
		q := p.start(p.config(one(b.do)))
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { wake(t, q, "test", "a", at) })
		}
		all.Wait()
		wake(t, q, "test", "a", at.Add(time.Millisecond)) // another moment is another alarm
		if n := p.count("state <> 'completed'"); n > 2 {
			t.Errorf("%d alarms are set, want 2", n)
		}
		until(t, "both alarms", func() bool { return b.of("a") == 2 })
	})
}

// One key is never worked on twice at a time, however many alarms there are.
func TestOneAtATimePerKey(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		var inside, most, done atomic.Int32
		q := p.start(p.config(one(func(context.Context, string) error {
			most.Store(max(most.Load(), inside.Add(1)))
			time.Sleep(100 * time.Millisecond)
			inside.Add(-1)
			done.Add(1)
			return nil
		})))
		for i := range 3 {
			wake(t, q, "test", "a", time.Now().Add(-time.Duration(i)*time.Minute))
		}
		until(t, "three alarms", func() bool { return done.Load() == 3 })
		if most.Load() != 1 {
			t.Errorf("%d at a time", most.Load())
		}
	})
}

func TestFailureIsTriedAgainNotBeforeItsTime(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		var mu sync.Mutex
		var at []time.Time
		const wait = 4 * time.Second
		q := p.start(p.config(one(func(context.Context, string) error {
			mu.Lock()
			defer mu.Unlock()
			if at = append(at, time.Now()); len(at) == 1 {
				return &publisher.Error{Kind: publisher.Busy, Op: "try", Err: errors.New("later"), After: at[0].Add(wait)}
			}
			return nil
		})))
		moment := time.Now()
		wake(t, q, "test", "a", moment)
		tries := func() int { mu.Lock(); defer mu.Unlock(); return len(at) }
		until(t, "the first try", func() bool { return tries() == 1 })
		for tries() == 1 { // sweeps set the same alarm again and again
			wake(t, q, "test", "a", moment)
			time.Sleep(100 * time.Millisecond)
		}
		if got := at[1].Sub(at[0]); got < wait-50*time.Millisecond {
			t.Errorf("tried again after %v, want %v", got, wait)
		}
	})
}

func TestPanicHarmsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		var b bell
		q := p.start(p.config(one(func(ctx context.Context, key string) error {
			if key == "bad" {
				panic("a bug")
			}
			return b.do(ctx, key)
		})))
		wake(t, q, "test", "bad", time.Now())
		wake(t, q, "test", "good", time.Now())
		until(t, "the good one", func() bool { return b.of("good") == 1 })
	})
}

// A lost alarm is set again by whoever looks into the ledger.
func TestLostAlarmRingsAfterTheNextSweep(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		setter, err := queue.Open(t.Context(), p.config(nil))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		wake(t, setter, "test", "a", at)
		p.exec(`DELETE FROM river_job`)
		p.stop(setter)
		var b bell
		q := p.start(p.config(one(b.do)))
		wake(t, q, "test", "a", at)
		until(t, "the alarm", func() bool { return b.of("a") == 1 })
	})
}

// An alarm that was put off by a clock running an hour ahead rings when it is due by
// the clock as it is now.
func TestClockSetBack(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		setter, err := queue.Open(t.Context(), p.config(nil))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		wake(t, setter, "test", "a", at)
		p.stop(setter)
		if p.l.Writer() != nil {
			p.exec(`UPDATE river_job SET state = 'scheduled', scheduled_at = strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 hour')`)
		} else {
			p.exec(`UPDATE river_job SET state = 'scheduled', scheduled_at = now() + interval '1 hour'`)
		}
		var b bell
		q := p.start(p.config(one(b.do)))
		time.Sleep(300 * time.Millisecond)
		if b.of("a") != 0 {
			t.Fatal("the test has lost its grip: the alarm was not put off")
		}
		wake(t, q, "test", "a", at)
		until(t, "the alarm", func() bool { return b.of("a") == 1 })
	})
}

func TestStopCutsShortAndTheNextStartGoesOn(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		began := make(chan bool, 1)
		q, err := queue.Open(t.Context(), p.config(one(func(ctx context.Context, _ string) error {
			began <- true
			<-ctx.Done()
			return ctx.Err()
		})))
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		wake(t, q, "test", "a", time.Now())
		<-began
		if !q.Busy("test", "a") {
			t.Error("it is not busy")
		}
		start := time.Now()
		p.stop(q)
		if took := time.Since(start); took > soon/2 {
			t.Errorf("stopping took %v", took)
		}
		var b bell
		p.start(p.config(one(b.do)))
		until(t, "the work that was cut short", func() bool { return b.of("a") == 1 })
	})
}

// Work that does not listen is left behind when the time is over.
func TestStopDoesNotWaitForever(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		began, end := make(chan bool, 1), make(chan bool)
		defer close(end)
		q, err := queue.Open(t.Context(), p.config(one(func(context.Context, string) error {
			began <- true
			<-end
			return nil
		})))
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		wake(t, q, "test", "a", time.Now())
		<-began
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := q.Stop(ctx); publisher.KindOf(err) != publisher.Busy || publisher.HintOf(err) == "" {
			t.Fatalf("got %v", err)
		}
	})
}

// TestKilled kills a process in the middle of its work; the next one does it again
// at once, though the dead one's word as the leader still holds.
func TestKilled(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		setter, err := queue.Open(t.Context(), p.config(nil))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			wake(t, setter, "test", fmt.Sprint(i), time.Now())
		}
		p.stop(setter)
		if p.l.Writer() != nil {
			if err := p.l.Close(); err != nil { // the process has the store to itself
				t.Fatal(err)
			}
		}
		mark := filepath.Join(t.TempDir(), "mark")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asProcess+"=1", "CRIEUR_TEST_DIR="+p.c.Dir, "CRIEUR_TEST_DSN="+p.c.DSN, "CRIEUR_TEST_MARK="+mark)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "the process to work", func() bool { _, err := os.Stat(mark); return err == nil })
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if p.c.Dir != "" {
			p.l = ledgertest.Open(t, p.c)
			p.db = p.l.Writer()
		}
		if n := p.count("state = 'running'"); n != 3 {
			t.Fatalf("%d alarms were being answered at the kill, want 3", n)
		}
		var b bell
		start := time.Now()
		c := p.config(one(b.do))
		c.ID = "living"
		q := p.start(c)
		if _, err := q.Free(t.Context(), []string{"living"}); err != nil {
			t.Fatal(err)
		}
		until(t, "the dead process's work", func() bool { return b.of("0")+b.of("1")+b.of("2") == 3 })
		t.Logf("done %v after the start", time.Since(start).Round(time.Millisecond))
	})
}

// Free leaves the work of the living alone.
func TestFreeSparesTheLiving(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		if p.l.Writer() != nil {
			t.Skip("one process works on SQLite")
		}
		var began atomic.Int32
		c := p.config(one(func(ctx context.Context, _ string) error {
			began.Add(1)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			return ctx.Err()
		}))
		c.ID = "living"
		q := p.start(c)
		wake(t, q, "test", "a", time.Now())
		until(t, "the work to begin", func() bool { return began.Load() == 1 })
		if n, err := q.Free(t.Context(), []string{"other", "living"}); err != nil || n != 0 {
			t.Fatalf("%d were freed, %v", n, err)
		}
		until(t, "the work to end", func() bool { return p.count("state = 'completed'") == 1 })
		if began.Load() != 1 {
			t.Errorf("it was done %d times", began.Load())
		}
	})
}

// process works until it is killed, and marks that it does.
func process(dir string) {
	ctx := context.Background()
	c := ledger.Config{Dir: dir, DSN: os.Getenv("CRIEUR_TEST_DSN")}
	l, err := ledger.Open(ctx, c)
	if err != nil {
		panic(err)
	}
	var n atomic.Int32
	q, err := queue.Open(ctx, queue.Config{SQLite: l.Writer(), DSN: c.DSN, ID: "doomed", Kinds: one(func(context.Context, string) error {
		if n.Add(1) == 3 {
			_ = os.WriteFile(os.Getenv("CRIEUR_TEST_MARK"), nil, 0o600)
		}
		select {}
	})})
	if err != nil {
		panic(err)
	}
	if err := q.Start(ctx); err != nil {
		panic(err)
	}
	select {}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]queue.Config{
		"nothing given":      {},
		"unreadable address": {DSN: "postgres://u:hunter2@[::1/db"},
	} {
		_, err := queue.Open(t.Context(), c)
		if err == nil {
			t.Errorf("%s: it was opened", name)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), "hunter2") {
				t.Errorf("%s: the password stands in %v", name, e)
			}
		}
	}
}
