// Package ledger keeps what crieur must not forget: articles, frozen renderings,
// the readers and their consent, and for every reader and every post how its
// delivery stands. It is the truth; whatever else the program holds can be derived
// from it. It stores in SQLite, or in PostgreSQL, with one text of SQL.
//
// It decides nothing: what is planned, tried or retried is dispatch's to say. It
// touches no network except the database's own, and holds no transaction across a
// call of its user's, except while a listing yields rows, which is a read.
//
// All errors are *publisher.Error. Invalid: the folder, file or address of the
// store must change first, Hint says how. Busy: the store is locked, full or away;
// the call had no effect and may be repeated. NotFound: no such thing.
package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"crieur/publisher"
)

// Config says where the ledger is. One of Dir and DSN is needed; DSN wins.
type Config struct {
	Dir     string           // state folder of SQLite; made with mode 0700 if it does not exist
	DSN     string           // PostgreSQL: "postgres://user:password@host/database" or key=value pairs
	Apart   string           // PostgreSQL: keeps these books in a schema of their own, named after DSN's and this; made if it does not exist
	Now     func() time.Time // nil: time.Now
	Bounces Bounces
}

// A Ledger is an open store. It is safe for concurrent use, and by several
// processes at the same time.
type Ledger struct {
	write   *sql.DB // SQLite: one connection
	read    *sql.DB // SQLite: a pool that sees committed rows; PostgreSQL: the same as write
	engine  engine
	dir     string
	schema  string // PostgreSQL: "": as the address says
	now     func() time.Time
	salt    []byte
	returns []byte // what return addresses are signed with
	bounces Bounces
	id      string
	session string   // what this opening of the store calls itself
	lots    sync.Map // int64 → lotKey: what never changes about a lot
	log     atomic.Pointer[logbook]
	doubts  doubts // PostgreSQL only

	statements *statements // SQLite only
}

type engine uint8

const (
	sqlite engine = iota
	postgres
)

// Open opens the store, making it or bringing its tables up to date where needed.
// Several processes may do so at the same moment.
func Open(ctx context.Context, c Config) (*Ledger, error) {
	l := &Ledger{dir: c.Dir, now: c.Now, bounces: c.Bounces.withDefaults(), session: strings.ToLower(rand.Text()[:12])}
	if l.now == nil {
		l.now = time.Now
	}
	var err error
	switch {
	case c.DSN != "":
		err = l.openPostgres(ctx, c)
	case c.Dir != "":
		err = l.openSQLite(ctx)
	default:
		err = &publisher.Error{Kind: publisher.Invalid, Op: "open the ledger", Where: "state",
			Err: errors.New("neither a folder nor a database is given"), Hint: "set state.dir or state.dsn"}
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Close waits for running calls and closes the store.
func (l *Ledger) Close() error {
	errs := []error{l.statements.close()}
	if l.read != nil && l.read != l.write {
		errs = append(errs, l.read.Close())
	}
	if l.write != nil {
		errs = append(errs, l.write.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return l.fail("close the ledger", err)
	}
	return nil
}

// InstanceID names this store; it is made with it and never changes.
func (l *Ledger) InstanceID() string { return l.id }

// Session names this opening of the store: no other has the same. On PostgreSQL its
// leases carry it.
func (l *Ledger) Session() string { return l.session }

// rewrites is how often a transaction is tried that the engine gave up in favour
// of another one.
const rewrites = 5

// update runs f in one transaction on the writer. f may run more than once.
func (l *Ledger) update(ctx context.Context, op string, f func(*sql.Tx) error) error {
	var err error
	for range rewrites {
		if err = l.once(ctx, f); err == nil {
			return nil
		}
		if !clash(err) {
			break
		}
	}
	return l.fail(op, err)
}

func (l *Ledger) once(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// millis gives a moment as it is stored, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is millis read back, in UTC.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
