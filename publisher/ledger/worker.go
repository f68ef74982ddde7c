package ledger

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"time"

	"crieur/publisher"
)

const workLock = "work.lock"

// Work makes this process the one that works on the store unattended, until release.
// On SQLite it is refused at once where another one does. On PostgreSQL many may.
func (l *Ledger) Work() (release func() error, err error) {
	if l.engine == postgres {
		return func() error { return nil }, nil
	}
	const op = "begin to work"
	f, err := os.OpenFile(filepath.Join(l.dir, workLock), os.O_RDWR|os.O_CREATE, stateFile)
	if err != nil {
		return nil, l.fail(op, err)
	}
	ok, err := tryLock(f)
	if err != nil || !ok {
		f.Close()
	}
	if err != nil {
		return nil, l.fail(op, err)
	}
	if !ok {
		return nil, &publisher.Error{Kind: publisher.Busy, Op: op, Where: l.where(), Err: errors.New("another crieur works on this state already"),
			Hint: "stop it first; several that work at the same time need PostgreSQL: state.dsn"}
	}
	return f.Close, nil
}

// Writer gives SQLite's one writing connection, which other rooms' tables share with
// the ledger's; nil on PostgreSQL. It stays the ledger's to close.
func (l *Ledger) Writer() *sql.DB {
	if l.engine == postgres {
		return nil
	}
	return l.write
}

// Shared reports whether several processes may work on the store at the same time.
func (l *Ledger) Shared() bool { return l.engine == postgres }

// Ping reports whether the store answers.
func (l *Ledger) Ping(ctx context.Context) error {
	var one int
	if err := l.read.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return l.fail("ask the ledger", err)
	}
	return nil
}

// NextWork gives the moment at which something of a lot can be done: in the past
// where it can now, zero where nothing is left that will be done by itself. What is
// leased can be done when its lease has run out; of a thread only the first part that
// does not stand yet.
func (l *Ledger) NextWork(ctx context.Context, lot publisher.Lot) (time.Time, error) {
	var due sql.NullInt64
	var err error
	if lot.Mail() {
		err = l.read.QueryRowContext(ctx, `SELECT min(due_at) FROM deliveries WHERE lot = $1 AND state IN ($2, $3, $4)`,
			lot.ID, publisher.StatePlanned, publisher.StateLeased, publisher.StateDeferred).Scan(&due)
	} else {
		var state publisher.State
		err = l.read.QueryRowContext(ctx, `SELECT state, due_at FROM deliveries WHERE lot = $1 AND state <> $2 ORDER BY id LIMIT 1`,
			lot.ID, publisher.StateAccepted).Scan(&state, &due)
		due.Valid = due.Valid && (state == publisher.StatePlanned || state == publisher.StateLeased || state == publisher.StateDeferred)
	}
	if errors.Is(err, sql.ErrNoRows) || err == nil && !due.Valid {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, l.fail("look for what is due", err)
	}
	return time.UnixMilli(max(due.Int64, millis(lot.Created))).UTC(), nil
}
