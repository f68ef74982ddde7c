package ledger

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
)

const (
	placingLock = "placing.lock"
	// placingKey is the advisory lock under which moments are given away.
	placingKey = 0x63726965757202
)

// Placing waits until this caller alone gives posts their moments: whoever reads which
// are taken and plans before release gets one that nobody else does. It holds against
// other processes, on other machines too, and ends with the process.
func (l *Ledger) Placing(ctx context.Context) (release func() error, err error) {
	const op = "wait for another crieur that gives moments away"
	if l.engine != postgres {
		release, err = lockFile(ctx, filepath.Join(l.dir, placingLock), nil)
		if err != nil {
			return nil, l.fail(op, err)
		}
		return release, nil
	}
	conn, err := l.write.Conn(ctx)
	if err != nil {
		return nil, l.fail(op, err)
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, placingKey); err != nil {
		return nil, errors.Join(l.fail(op, err), conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, placingKey)
		if err != nil { // the database ends the lock with the connection
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		return conn.Close()
	}, nil
}
