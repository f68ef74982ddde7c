package ledger

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"crieur/publisher"
)

// fail makes a database's error one of the program's.
func (l *Ledger) fail(op string, err error) error {
	var own *publisher.Error
	if errors.As(err, &own) {
		return err
	}
	e := &publisher.Error{Kind: publisher.Internal, Op: op, Where: l.where(), Err: err}
	var (
		lite *driver.Error
		pg   *pgconn.PgError
		conn *pgconn.ConnectError
		wire net.Error
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Kind = publisher.Busy
	case errors.As(err, &lite):
		explainSQLite(e, lite)
	case errors.As(err, &pg):
		explainPostgres(e, pg)
	case errors.As(err, &conn), errors.As(err, &wire), l.engine == postgres && cutOff(err):
		e.Kind, e.Err = publisher.Busy, plain("the database does not answer")
		e.Hint = "start PostgreSQL, or correct state.dsn"
	case errors.Is(err, fs.ErrPermission):
		return l.refuse(err)
	}
	return e
}

// cutOff reports that a connection ended in the middle of a call.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, sqldriver.ErrBadConn) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || pgconn.SafeToRetry(err)
}

// where names the store without its password.
func (l *Ledger) where() string {
	if l.engine == postgres {
		return "state.dsn"
	}
	return l.dir
}

// plain is an error that is its own text.
type plain string

func (p plain) Error() string { return string(p) }

// explained is a driver's error in words that an owner understands; the driver's
// stays reachable.
type explained struct {
	words string
	error
}

func (e explained) Error() string { return e.words }
func (e explained) Unwrap() error { return e.error }

func explainSQLite(e *publisher.Error, err *driver.Error) {
	say := func(kind publisher.Kind, words, hint string) {
		e.Kind, e.Err, e.Hint = kind, explained{words, err}, hint
	}
	switch err.Code() & 0xff {
	case code.SQLITE_FULL:
		say(publisher.Busy, "the disk is full", "free some space, then run crieur again: nothing is lost")
	case code.SQLITE_BUSY, code.SQLITE_LOCKED:
		say(publisher.Busy, "the store is locked by another program", "wait for it to end, then try again")
	case code.SQLITE_READONLY, code.SQLITE_CANTOPEN, code.SQLITE_PERM, code.SQLITE_AUTH:
		say(publisher.Invalid, "the store cannot be written", notWritable)
	case code.SQLITE_NOTADB:
		say(publisher.Invalid, fileName+" is not a crieur store", "move the file away, or choose another folder with state.dir or --state")
	case code.SQLITE_CORRUPT:
		say(publisher.Invalid, fileName+" is damaged", "restore it from a backup")
	case code.SQLITE_IOERR:
		say(publisher.Busy, "the disk gives errors", "look at the disk, then run crieur again")
	}
}

// The classes are those of https://www.postgresql.org/docs/current/errcodes-appendix.html
func explainPostgres(e *publisher.Error, err *pgconn.PgError) {
	say := func(kind publisher.Kind, words, hint string) {
		e.Kind, e.Err, e.Hint = kind, explained{words, err}, hint
	}
	switch class := err.Code[:2]; {
	case class == "28":
		say(publisher.Denied, "the database refuses this user or password", "correct state.dsn")
	case class == "3D":
		say(publisher.Invalid, "there is no such database", "make it with createdb, or correct state.dsn")
	case err.Code == "42501":
		say(publisher.Denied, "this user may not do that in the database", "let the user create and write tables: GRANT ALL ON SCHEMA public TO …")
	case err.Code == "53100":
		say(publisher.Busy, "the database's disk is full", "free some space, then run crieur again: nothing is lost")
	case class == "53", class == "57", class == "08", class == "55":
		say(publisher.Busy, "the database is busy", "try again in a moment")
	case clashCode(err.Code):
		say(publisher.Busy, "the database gave way to another program", "try again in a moment")
	}
}

// clash reports whether a transaction lost against another one and had no effect.
func clash(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && clashCode(pg.Code)
}

// clashCode knows serialization_failure and deadlock_detected.
func clashCode(code string) bool { return strings.HasPrefix(code, "40") }

// missing is the error for what does not exist.
func missing(op, what string) error {
	return &publisher.Error{Kind: publisher.NotFound, Op: op, Err: plain("no such " + what)}
}

// find turns a query's end into a NotFound error where there was no row.
func (l *Ledger) find(op, what string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return missing(op, what)
	}
	return l.fail(op, err)
}
