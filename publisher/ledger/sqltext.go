package ledger

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

// querier is a transaction, or the pool of readers.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// bound is how many values a statement may carry: the SQLite driver slows down
// sharply with thousands of them.
const bound = 448

// placeholders gives "$from, $from+1, …", n of them.
func placeholders(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
	}
	return b.String()
}

// rows gives "($1, …, $width), ($width+1, …) …" for n rows.
func rows(n, width int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		b.WriteString(placeholders(i*width+1, width))
		b.WriteByte(')')
	}
	return b.String()
}

// padded appends values to args, the last one repeated up to a power of two, so
// that lists of any length make few different statements. It gives the length.
func padded[T any](args []any, values []T) ([]any, int) {
	n := 1
	for n < len(values) {
		n *= 2
	}
	for i := range n {
		args = append(args, values[min(i, len(values)-1)])
	}
	return args, n
}

// in gives "column IN ($n, …)" with values appended to args, or "true" where there
// are no values: an empty list restricts nothing.
func in[T any](column string, args []any, values []T) (string, []any) {
	if len(values) == 0 {
		return "1 = 1", args
	}
	from := len(args) + 1
	args, n := padded(args, values)
	return column + " IN (" + placeholders(from, n) + ")", args
}

// each calls scan for every row of a query.
func each(ctx context.Context, q querier, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
