package queue_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
	"crieur/publisher/queue"
)

// Books that are kept apart have all their tables in a schema of their own, the
// alarms' too, and an alarm set in one rings in that one only.
func TestBooksApart(t *testing.T) {
	c := postgres(t)
	db, err := sql.Open("pgx", c.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	count := func(query string) (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	c.Apart = "sandbox"
	for range 2 { // made, and found
		if got, want := ledgertest.Open(t, c).Schema(), schemaOf(t, db)+"_sandbox"; got != want {
			t.Fatalf("schema %q, want %q", got, want)
		}
	}
	sandbox := &place{t: t, c: c, l: ledgertest.Open(t, c)}
	rung := make(chan string, 10)
	kinds := func(name string) map[string]queue.Kind {
		return map[string]queue.Kind{"deliver": {Do: func(context.Context, string) error { rung <- name; return nil }}}
	}
	q := sandbox.start(queue.Config{DSN: c.DSN, Schema: sandbox.l.Schema(), Kinds: kinds("sandbox")})
	if n := count(`SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()`); n != 0 {
		t.Fatalf("%d tables beside the sandbox's own schema", n)
	}
	if n := count(`SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() || '_sandbox' AND tablename IN ('deliveries', 'meta', 'river_job', 'river_leader')`); n != 4 {
		t.Fatalf("%d of 4 tables in the sandbox's own schema", n)
	}
	c.Apart = ""
	live := &place{t: t, c: c, l: ledgertest.Open(t, c), db: db}
	if live.l.Schema() != "" || live.l.InstanceID() == sandbox.l.InstanceID() {
		t.Fatal("the live books are the sandbox's")
	}
	live.start(live.config(kinds("live")))
	if err := q.Wake(t.Context(), "deliver", "7", time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := <-rung; got != "sandbox" {
		t.Errorf("the sandbox's alarm rang in %s", got)
	}
	if n := live.count("true"); n != 0 {
		t.Errorf("%d alarms among the live ones", n)
	}
}

func schemaOf(t *testing.T, db *sql.DB) (name string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT current_schema()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

func postgres(t *testing.T) ledger.Config {
	t.Helper()
	for _, e := range ledgertest.Engines() {
		if e.Name == "postgres" {
			return e.New(t)
		}
	}
	panic("no such engine")
}
