package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"crieur/publisher"
)

const (
	connections = 10
	// migrationKey is the advisory lock under which tables are made and changed.
	migrationKey = 0x63726965757200 // "crieur"
	// idle is how long the server keeps a transaction open that nothing comes for. No
	// process takes so long, save one that is frozen, or on a machine that has vanished:
	// its locks would stop the others.
	idle = publisher.WorkerSilence
)

func (l *Ledger) openPostgres(ctx context.Context, c Config) error {
	l.engine = postgres
	config, err := pgx.ParseConfig(c.DSN)
	if err != nil {
		// The parser's own words may quote the address, and so its password.
		return &publisher.Error{Kind: publisher.Invalid, Op: opOpen, Where: "state.dsn",
			Err: errors.New("the database's address cannot be read"), Hint: "write it as postgres://user:password@host/database"}
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "crieur"
	}
	if c.Apart != "" {
		l.schema = beside(config.RuntimeParams["search_path"], c.Apart)
		config.RuntimeParams["search_path"] = pgx.Identifier{l.schema}.Sanitize()
	}
	var options []stdlib.OptionOpenDB
	if _, set := config.RuntimeParams["idle_in_transaction_session_timeout"]; !set {
		// Not among the parameters of the connection's start: poolers refuse those that they do not know.
		options = append(options, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
			_, err := c.Exec(ctx, fmt.Sprintf(`SET idle_in_transaction_session_timeout = %d`, idle.Milliseconds()))
			return err
		}))
	}
	l.write = sql.OpenDB(stdlib.GetConnector(*config, options...))
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
	if err := l.makeSchema(ctx, conn); err != nil {
		return err
	}
	return l.migrate(ctx)
}

// Schema names the schema of PostgreSQL that the store was told to keep to; "": none
// but its address's. Whoever else works in the same store has to keep to it too.
func (l *Ledger) Schema() string { return l.schema }

// beside names a schema after the first one of a search path.
func beside(searchPath, apart string) string {
	first, _, _ := strings.Cut(searchPath, ",")
	switch first = strings.Trim(first, ` "`); first {
	case "", "$user", "public":
		first = "crieur"
	}
	return first + "_" + apart
}

// makeSchema makes the store's own schema. One that is there already is not made even
// in words: that too would want the right to make one.
func (l *Ledger) makeSchema(ctx context.Context, conn *sql.Conn) error {
	if l.schema == "" {
		return nil
	}
	var there bool
	if err := conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`, l.schema).Scan(&there); err != nil {
		return l.fail(opOpen, err)
	}
	if there {
		return nil
	}
	_, err := conn.ExecContext(ctx, `CREATE SCHEMA `+pgx.Identifier{l.schema}.Sanitize())
	if err == nil {
		return nil
	}
	err = l.fail(opOpen, err)
	if e := (*publisher.Error)(nil); errors.As(err, &e) && e.Kind == publisher.Denied {
		e.Hint = "have its owner make the schema that the sandbox keeps its books in: CREATE SCHEMA " + l.schema + " AUTHORIZATION …"
	}
	return err
}
