package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// patience is how often a lock that someone else has is asked for again.
const patience = 50 * time.Millisecond

// lockFile waits for the exclusive lock on a file, which is made if it does not
// exist. waiting, where not nil, is called once if someone else has it. The caller
// holds the lock until release.
func lockFile(ctx context.Context, path string, waiting func()) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, stateFile)
	if err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		ok, err := tryLock(f)
		if ok {
			return f.Close, nil
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		if first && waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(patience):
		}
	}
}

// Exclusive waits until this process alone may dispatch, and tells waiting, where
// not nil, if it must. On SQLite exclusive is true, and every lease found after it
// is a dead process's. On PostgreSQL many processes may dispatch: it returns at
// once with exclusive false, and leases end by time.
func (l *Ledger) Exclusive(ctx context.Context, waiting func()) (release func() error, exclusive bool, err error) {
	if l.engine == postgres {
		return func() error { return nil }, false, nil
	}
	unlock, err := lockFile(ctx, filepath.Join(l.dir, dispatchLock), waiting)
	if err != nil {
		return nil, false, l.fail("wait for another crieur that is sending", err)
	}
	return func() error { return errors.Join(l.closeLog(), unlock()) }, true, nil
}
