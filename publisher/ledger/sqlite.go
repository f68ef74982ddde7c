package ledger

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	driver "modernc.org/sqlite"

	"crieur/publisher"
)

const (
	fileName      = "crieur.db"
	migrateLock   = "migrate.lock"
	dispatchLock  = "dispatch.lock"
	readers       = 4
	notWritable   = "give crieur a folder that it can write to: state.dir in config.yaml, or --state DIR"
	opOpen        = "open the ledger"
	stateFolder   = 0o700
	stateFile     = 0o600
	commonPragmas = "_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"

	// Pages that each connection keeps, in KiB: a million readers must not take more
	// memory than a few thousand, and what is read again soon is with the system anyway.
	writeCache = "&_pragma=cache_size(-1000)"
	readCache  = "&_pragma=cache_size(-500)"
)

// openSQLite opens DIR/crieur.db. A store that is up to date costs one look at its
// version; only otherwise is the lock taken that makes migrations wait for each other.
func (l *Ledger) openSQLite(ctx context.Context) error {
	l.engine = sqlite
	if err := l.makeFolder(); err != nil {
		return err
	}
	if err := l.connectSQLite(); err != nil {
		return err
	}
	if current, err := l.current(ctx); err == nil && current {
		return nil
	}
	release, err := lockFile(ctx, filepath.Join(l.dir, migrateLock), nil)
	if err != nil {
		return l.fail(opOpen, err)
	}
	defer release()
	return l.migrate(ctx)
}

func (l *Ledger) makeFolder() error {
	if err := os.MkdirAll(l.dir, stateFolder); err != nil {
		return l.refuse(err)
	}
	// SQLite makes its file with the process's umask, and its journals with the
	// file's mode: so the file is made here, private from its first byte on.
	f, err := os.OpenFile(l.file(), os.O_RDWR|os.O_CREATE, stateFile)
	if err != nil {
		return l.refuse(err)
	}
	return f.Close()
}

func (l *Ledger) file() string { return filepath.Join(l.dir, fileName) }

// refuse explains why the state folder cannot be used.
func (l *Ledger) refuse(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: "use the state folder", Where: l.dir, Err: err, Hint: notWritable}
}

func (l *Ledger) connectSQLite() error {
	absolute, err := filepath.Abs(l.file())
	if err != nil {
		return l.refuse(err)
	}
	path := (&url.URL{Path: filepath.ToSlash(absolute)}).EscapedPath()
	// FULL: with less, a claim that was committed can vanish at a power loss, and
	// its mail would go out twice.
	writer, err := driver.NewConnector("file:" + path + "?_txlock=immediate&" + commonPragmas +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" + writeCache)
	if err != nil {
		return l.fail(opOpen, err)
	}
	reader, err := driver.NewConnector("file:" + path + "?" + commonPragmas + "&_pragma=query_only(1)" + readCache)
	if err != nil {
		return l.fail(opOpen, err)
	}
	l.write = sql.OpenDB(writer)
	l.write.SetMaxOpenConns(1)
	l.statements = &statements{known: map[string]*sql.Stmt{}}
	l.read = sql.OpenDB(reader)
	l.read.SetMaxOpenConns(readers)
	l.read.SetMaxIdleConns(readers)
	return nil
}
