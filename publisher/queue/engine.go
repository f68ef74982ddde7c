package queue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"crieur/publisher"
)

const (
	// resettable is the version of River's tables that the reset was written for.
	resettable = 8
	// migrationKey is the advisory lock under which River's tables are changed.
	migrationKey = 0x63726965757201
	connections  = 8
)

// openSQLite works on the ledger's connection: River's statements are short, and the
// one writer keeps both from ever meeting a locked database.
func (q *Queue) openSQLite(ctx context.Context) error {
	driver := riversqlite.New(q.c.SQLite)
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: q.riverLog()})
	if err != nil {
		return err
	}
	if q.version, err = migrate(ctx, m); err != nil {
		return err
	}
	if q.version == resettable {
		if err := q.reset(ctx); err != nil {
			return err
		}
	} else {
		q.c.Log.Warn("River's tables are newer than crieur knows: a dead process's work waits for its time limit")
	}
	c := q.config()
	// One process works here, so nobody else's word has to be waited for. Polling once
	// a second costs a tenth of the listening that River does on SQLite.
	c.PollOnly = true
	q.river, err = river.NewClient(driver, c)
	return err
}

// reset puts back what a dead process was doing, and takes its word as the leader
// from it: it would hold for 15 seconds more. There is no other process that it could
// be, and no time limit has to be waited for.
func (q *Queue) reset(ctx context.Context) error {
	if _, err := q.c.SQLite.ExecContext(ctx, `UPDATE river_job SET state = 'available' WHERE state = 'running'`); err != nil {
		return err
	}
	_, err := q.c.SQLite.ExecContext(ctx, `DELETE FROM river_leader`)
	return err
}

func (q *Queue) openPostgres(ctx context.Context) error {
	config, err := pgxpool.ParseConfig(q.c.DSN)
	if err != nil {
		// The parser's own words may quote the address, and so its password.
		return &publisher.Error{Kind: publisher.Invalid, Op: "open the queue", Where: "state.dsn",
			Err: errors.New("the database's address cannot be read"), Hint: "write it as postgres://user:password@host/database"}
	}
	config.MaxConns = connections
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "crieur queue"
	}
	if q.c.Schema != "" {
		config.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{q.c.Schema}.Sanitize()
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return err
	}
	q.close = pool.Close
	driver := riverpgxv5.New(pool)
	if err := q.migratePostgres(ctx, pool, driver); err != nil {
		return err
	}
	q.free = func(ctx context.Context, alive []string) (int, error) {
		tag, err := pool.Exec(ctx, `UPDATE river_job SET state = 'available' WHERE state = 'running'
			AND NOT (attempted_by[array_upper(attempted_by, 1)] = ANY($1))`, alive)
		return int(tag.RowsAffected()), err
	}
	q.river, err = river.NewClient(driver, q.config())
	return err
}

// migratePostgres lets one process at a time change the tables.
func (q *Queue) migratePostgres(ctx context.Context, pool *pgxpool.Pool, driver *riverpgxv5.Driver) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationKey); err != nil {
		return err
	}
	defer conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, migrationKey)
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: q.riverLog()})
	if err != nil {
		return err
	}
	q.version, err = migrate(ctx, m)
	return err
}

func migrate[T any](ctx context.Context, m *rivermigrate.Migrator[T]) (version int, err error) {
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return 0, err
	}
	versions, err := m.ExistingVersions(ctx)
	for _, v := range versions {
		version = max(version, v.Version)
	}
	return version, err
}

func (q *Queue) config() *river.Config {
	longest := time.Duration(limit)
	c := &river.Config{
		ID: q.c.ID, Logger: q.riverLog(), Workers: river.NewWorkers(), MaxAttempts: attempts,
		FetchCooldown: fetchEvery, FetchPollInterval: pollEvery,
		CompletedJobRetentionPeriod: keepDone, CancelledJobRetentionPeriod: keepDone, DiscardedJobRetentionPeriod: keepFailed,
	}
	river.AddWorker(c.Workers, &worker{q: q})
	for name, k := range q.c.Kinds {
		if c.Queues == nil {
			c.Queues = map[string]river.QueueConfig{}
		}
		c.Queues[name] = river.QueueConfig{MaxWorkers: max(k.AtOnce, 1)}
		longest = max(longest, k.Limit)
	}
	c.JobTimeout = longest
	c.RescueStuckJobsAfter = longest + 30*time.Second
	return c
}

// riverLog keeps River's own talk out of the log, save what went wrong.
func (q *Queue) riverLog() *slog.Logger { return slog.New(quiet{q.c.Log.Handler()}) }

type quiet struct{ slog.Handler }

func (h quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}
func (h quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{h.Handler.WithAttrs(a)} }
func (h quiet) WithGroup(name string) slog.Handler   { return quiet{h.Handler.WithGroup(name)} }
