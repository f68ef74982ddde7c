package ledger

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"crieur/publisher"
)

const (
	connections = 10
	// migrationKey is the advisory lock under which tables are made and changed.
	migrationKey = 0x63726965757200 // "crieur"
)

func (l *Ledger) openPostgres(ctx context.Context, dsn string) error {
	l.engine = postgres
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The parser's own words may quote the address, and so its password.
		return &publisher.Error{Kind: publisher.Invalid, Op: opOpen, Where: "state.dsn",
			Err: errors.New("the database's address cannot be read"), Hint: "write it as postgres://user:password@host/database"}
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "crieur"
	}
	l.write = sql.OpenDB(stdlib.GetConnector(*config))
	l.write.SetMaxOpenConns(connections)
	l.write.SetMaxIdleConns(connections)
	l.read = l.write
	current, err := l.current(ctx)
	if err == nil && current {
		return nil
	}
	if err := l.write.PingContext(ctx); err != nil {
		return l.fail(opOpen, err)
	}
	conn, err := l.write.Conn(ctx)
	if err != nil {
		return l.fail(opOpen, err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrationKey); err != nil {
		return l.fail(opOpen, err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, migrationKey)
	return l.migrate(ctx)
}
