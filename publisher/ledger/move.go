package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"crieur/publisher"
)

const (
	opMove = "move the state"
	// movedTo is the row of meta that tells a store whose content is elsewhere.
	movedTo = "moved"
)

// A MovedTable says how many rows of a table went over.
type MovedTable struct {
	Table string
	Rows  int64
}

// MoveTo copies all that a SQLite ledger holds into an empty PostgreSQL one, checks
// the counts, and marks the old one as moved: it is not opened any more, so that it
// sends nothing. Nobody can write to the old one meanwhile. Everything or nothing
// arrives; tables that are not the ledger's (the queue's) are left, since all that
// they hold is derived. Invalid: the target is not empty.
func (l *Ledger) MoveTo(ctx context.Context, to *Ledger) (moved []MovedTable, err error) {
	if l.engine != sqlite || to.engine != postgres {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: opMove, Err: errors.New("a state moves from SQLite to PostgreSQL only")}
	}
	// The writer's transaction keeps out everybody else who would write.
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, l.fail(opMove, err)
	}
	defer tx.Rollback()
	tables, err := ownTables(ctx, tx)
	if err != nil {
		return nil, l.fail(opMove, err)
	}
	conn, err := to.write.Conn(ctx)
	if err != nil {
		return nil, to.fail(opMove, err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		pg, err := c.(*stdlib.Conn).Conn().Begin(ctx)
		if err != nil {
			return to.fail(opMove, err)
		}
		defer pg.Rollback(context.WithoutCancel(ctx))
		done, err := to.hasAllOf(ctx, pg, l, tx, tables)
		if err != nil {
			return err
		}
		for _, table := range tables {
			n, err := table.copy(ctx, tx, pg, !done)
			if err != nil {
				return to.fail(opMove+": "+table.name, err)
			}
			moved = append(moved, MovedTable{table.name, n})
		}
		if _, err := pg.Exec(ctx, `DELETE FROM meta WHERE name = $1`, homeName); err != nil { // it lives elsewhere now
			return to.fail(opMove, err)
		}
		if err := pg.Commit(ctx); err != nil {
			return to.fail(opMove, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, 'PostgreSQL')`, movedTo); err != nil {
		return nil, l.fail(opMove, err)
	}
	if err := tx.Commit(); err != nil {
		return nil, l.fail(opMove, err)
	}
	return moved, nil
}

// refuseMoved ends the use of a store whose content is elsewhere.
func (l *Ledger) refuseMoved(ctx context.Context) error {
	var where string
	err := l.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, movedTo).Scan(&where)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return &publisher.Error{Kind: publisher.Invalid, Op: opOpen, Where: l.where(), Err: errors.New("this state was moved to " + where),
		Hint: "set state.dsn to the database that it was moved to"}
}

// hasAllOf reports whether an earlier move brought everything over and was cut off
// before it could mark the old store. A target that holds anything else is refused.
func (l *Ledger) hasAllOf(ctx context.Context, pg pgx.Tx, from *Ledger, tx *sql.Tx, tables []movable) (bool, error) {
	same := l.id == from.id
	for _, t := range tables {
		if t.name == "meta" {
			continue
		}
		var have, want int64
		if err := pg.QueryRow(ctx, `SELECT count(*) FROM `+t.name).Scan(&have); err != nil {
			return false, l.fail(opMove, err)
		}
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM `+t.name).Scan(&want); err != nil {
			return false, from.fail(opMove, err)
		}
		if same && have == want || !same && have == 0 {
			continue
		}
		return false, &publisher.Error{Kind: publisher.Invalid, Op: opMove, Where: l.where(), Err: fmt.Errorf("the database is not empty: its table %s has %d rows", t.name, have),
			Hint: "name a database, or a schema, in which nothing was published yet"}
	}
	return same, nil
}

// A movable is one table of the ledger.
type movable struct {
	name    string
	columns []string
	counter string   // the column whose numbers the store gives; "": none
	needs   []string // the tables that its rows refer to
}

// ownTables lists the ledger's tables, those that others refer to first.
func ownTables(ctx context.Context, tx querier) ([]movable, error) {
	var all []movable
	err := each(ctx, tx, `SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name`, nil, func(r *sql.Rows) error {
		var name, text string
		if err := r.Scan(&name, &text); err != nil {
			return err
		}
		for _, foreign := range []string{"river_", "goose_", "sqlite_"} {
			if strings.HasPrefix(name, foreign) {
				return nil
			}
		}
		if name == "workers" { // they work on the old store
			return nil
		}
		all = append(all, movable{name: name})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		t := &all[i]
		var counted bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = $1 AND sql LIKE '%AUTOINCREMENT%')`, t.name).Scan(&counted); err != nil {
			return nil, err
		}
		if err := each(ctx, tx, `SELECT name, pk FROM pragma_table_info($1) ORDER BY cid`, []any{t.name}, func(r *sql.Rows) error {
			var column string
			var pk int
			err := r.Scan(&column, &pk)
			t.columns = append(t.columns, column)
			if counted && pk == 1 {
				t.counter = column
			}
			return err
		}); err != nil {
			return nil, err
		}
		if err := each(ctx, tx, `SELECT "table" FROM pragma_foreign_key_list($1)`, []any{t.name}, func(r *sql.Rows) error {
			var needed string
			err := r.Scan(&needed)
			t.needs = append(t.needs, needed)
			return err
		}); err != nil {
			return nil, err
		}
	}
	return needed(all), nil
}

// needed puts tables behind those that they refer to.
func needed(all []movable) (sorted []movable) {
	placed := map[string]bool{}
	for len(sorted) < len(all) {
		before := len(sorted)
		for _, t := range all {
			waits := slices.ContainsFunc(t.needs, func(n string) bool { return n != t.name && !placed[n] })
			if !placed[t.name] && !waits {
				placed[t.name] = true
				sorted = append(sorted, t)
			}
		}
		if len(sorted) == before { // a circle: PostgreSQL will say so
			return append(sorted, slices.DeleteFunc(slices.Clone(all), func(t movable) bool { return placed[t.name] })...)
		}
	}
	return sorted
}

// copy streams the rows over, or only checks how many there are, and has numbers go
// on where they were: none is ever given twice.
func (t movable) copy(ctx context.Context, from *sql.Tx, to pgx.Tx, rows bool) (n int64, err error) {
	if rows {
		if t.name == "meta" { // the new store takes over the old one's identity
			if _, err := to.Exec(ctx, `DELETE FROM meta`); err != nil {
				return 0, err
			}
		}
		if err := t.stream(ctx, from, to); err != nil {
			return 0, err
		}
	}
	var want int64
	if err := from.QueryRowContext(ctx, `SELECT count(*) FROM `+t.name).Scan(&want); err != nil {
		return 0, err
	}
	if err := to.QueryRow(ctx, `SELECT count(*) FROM `+t.name).Scan(&n); err != nil {
		return 0, err
	}
	if n != want && t.name != "meta" { // whose rows are the store's own: an earlier move took its home away
		return n, fmt.Errorf("%d rows arrived of %d", n, want)
	}
	if t.counter == "" {
		return n, nil
	}
	var last int64
	err = from.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = $1`, t.name).Scan(&last)
	if err != nil || last == 0 {
		return n, err
	}
	_, err = to.Exec(ctx, `SELECT setval(pg_get_serial_sequence($1, $2), $3)`, t.name, t.counter, last)
	return n, err
}

// stream keeps one row in memory at a time.
func (t movable) stream(ctx context.Context, from *sql.Tx, to pgx.Tx) error {
	quoted := make([]string, len(t.columns))
	for i, c := range t.columns {
		quoted[i] = `"` + c + `"`
	}
	rows, err := from.QueryContext(ctx, `SELECT `+strings.Join(quoted, ", ")+` FROM `+t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	values, places := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range values {
		places[i] = &values[i]
	}
	_, err = to.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromFunc(func() ([]any, error) {
		if !rows.Next() {
			return nil, rows.Err()
		}
		return values, rows.Scan(places...)
	}))
	return err
}
