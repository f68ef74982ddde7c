// Package ledgertest holds the conformance suite of the ledger, and gives other
// packages' tests an empty ledger on each engine. PostgreSQL is started from the
// programs installed on the machine, in a folder of its own; where they are not,
// its tests fail and say so. It is for tests, and for crieur-bench, only.
package ledgertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"crieur/publisher/ledger"
)

// An Engine makes an empty store for one test.
type Engine struct {
	Name string
	New  func(t testing.TB) ledger.Config
}

// Engines lists what a ledger can stand on. A package that uses it calls Main from
// its TestMain.
func Engines() []Engine {
	return []Engine{
		{"sqlite", func(t testing.TB) ledger.Config { return ledger.Config{Dir: t.TempDir()} }},
		{"postgres", func(t testing.TB) ledger.Config { return ledger.Config{DSN: database(t)} }},
	}
}

// Each runs a test on every engine.
func Each(t *testing.T, test func(t *testing.T, c ledger.Config)) {
	t.Helper()
	for _, e := range Engines() {
		t.Run(e.Name, func(t *testing.T) { test(t, e.New(t)) })
	}
}

// Open opens a ledger for the length of a test.
func Open(t testing.TB, c ledger.Config) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// started is the process's one PostgreSQL server, started by the first test that
// wants it and stopped by Main.
var started struct {
	sync.Once
	server *server
	err    error
}

// A Server is a PostgreSQL of a test's own, which may go away and come back.
type Server struct{ own *server }

// NewServer starts one for the length of a test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	own, err := start(false)
	if err != nil {
		t.Fatalf("no PostgreSQL to test on: %v", err)
	}
	t.Cleanup(own.stop)
	return &Server{own}
}

// Config gives its address.
func (s *Server) Config() ledger.Config { return ledger.Config{DSN: s.own.dsn} }

// Stop ends the server in the middle of whatever it does; its data stay.
func (s *Server) Stop() error { return s.own.end() }

// Start starts it again.
func (s *Server) Start() error { return s.own.run() }

// Durable starts a PostgreSQL that flushes to disk as it does unless told otherwise,
// which tests do without. It gives the address of an empty database, and what ends it.
func Durable() (dsn string, stop func(), err error) {
	own, err := start(true)
	if err != nil {
		return "", nil, err
	}
	return own.dsn, own.stop, nil
}

// Main runs a package's tests and stops the database server that they started.
func Main(m *testing.M) int {
	code := m.Run()
	if started.server != nil {
		started.server.stop()
	}
	return code
}

// database makes an empty schema and gives its address. CRIEUR_TEST_POSTGRES
// names a server to use in place of an own one.
func database(t testing.TB) string {
	t.Helper()
	admin := os.Getenv("CRIEUR_TEST_POSTGRES")
	if admin == "" {
		started.Do(func() { started.server, started.err = start(false) })
		if started.err != nil {
			t.Fatalf("no PostgreSQL to test on: %v", started.err)
		}
		admin = started.server.dsn
	}
	// A schema is made ten times as fast as a database.
	name := fmt.Sprintf("crieur_%016x", rand.Uint64())
	run(t, admin, "CREATE SCHEMA "+name)
	t.Cleanup(func() {
		run(t, admin, "DROP SCHEMA "+name+" CASCADE")
		run(t, admin, "DROP SCHEMA IF EXISTS "+name+"_sandbox CASCADE")
	})
	config, err := pgx.ParseConfig(admin)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=%s search_path=%s",
		config.Host, config.Port, config.User, config.Password, config.Database, name)
}

func run(t testing.TB, dsn, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}
