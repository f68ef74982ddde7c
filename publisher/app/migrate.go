package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/queue"
)

// A MigrateReport says what the state's tables are like now.
type MigrateReport struct {
	Store string      `json:"store"` // sqlite or postgres
	Where string      `json:"where"` // folder, or "state.dsn"
	Table int64       `json:"tables_version"`
	Queue int         `json:"queue_version"`
	Moved []MovedView `json:"moved"` // with a move: what went over
}

// MovedView is one table that went over.
type MovedView struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// Migrate brings the state's tables up to date, and the queue's beside them. On
// SQLite nobody may work on it meanwhile.
func (a *App) Migrate(ctx context.Context) (*MigrateReport, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	return a.migrateStore(ctx, store, a.conf.State.DSN.Reveal())
}

// Move takes the SQLite state of the present mode to an empty PostgreSQL database.
// Nobody may work or send meanwhile: it waits for a run that is sending, and is
// refused beside a daemon.
func (a *App) Move(ctx context.Context, dsn string, waiting func()) (r *MigrateReport, err error) {
	file := filepath.Join(a.stateDir(), "crieur.db")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "move the state", Where: a.stateDir(), Err: errors.New("there is no SQLite state"),
			Hint: "name its folder with --state DIR"}
	}
	from, err := ledger.Open(ctx, ledger.Config{Dir: a.stateDir(), Now: a.o.Now})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	release, err := from.Work()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	unlock, _, err := from.Exclusive(ctx, waiting)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	to, err := ledger.Open(ctx, ledger.Config{DSN: dsn, Apart: a.apart(), Now: a.o.Now})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	moved, err := from.MoveTo(ctx, to)
	if err != nil {
		return nil, err
	}
	if r, err = a.migrateStore(ctx, to, dsn); err != nil {
		return nil, err
	}
	for _, m := range moved {
		r.Moved = append(r.Moved, MovedView{m.Table, m.Rows})
	}
	return r, nil
}

func (a *App) migrateStore(ctx context.Context, store *ledger.Ledger, dsn string) (r *MigrateReport, err error) {
	release, err := store.Work()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	q, err := queue.Open(ctx, queue.Config{SQLite: store.Writer(), DSN: dsn, Schema: store.Schema(), Log: a.o.Log, Now: a.o.Now})
	if err != nil {
		return nil, err
	}
	r = &MigrateReport{Store: "sqlite", Where: a.stateDir(), Queue: q.Version(), Moved: []MovedView{}}
	if store.Shared() {
		r.Store, r.Where = "postgres", "state.dsn"
	}
	if err := q.Stop(ctx); err != nil {
		return nil, err
	}
	r.Table, err = store.Version(ctx)
	return r, err
}
