package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"sync"
)

// statements keeps texts of SQL compiled, of which there are some dozens. On SQLite,
// compiling takes more time than most of them; pgx does the same by itself. A nil one keeps nothing.
type statements struct {
	mu     sync.Mutex
	known  map[string]*sql.Stmt
	wanted map[string]bool
}

// in gives a transaction that uses what is compiled, and notes what is not: inside
// a transaction the one connection is taken, and nothing can be compiled to stay.
func (s *statements) in(tx *sql.Tx) querier {
	if s == nil {
		return tx
	}
	return compiled{tx, s}
}

// learn compiles what was noted. A failure costs nothing but time.
func (s *statements) learn(ctx context.Context, db *sql.DB) {
	if s == nil {
		return
	}
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = nil
	s.mu.Unlock()
	for text := range wanted {
		statement, err := db.PrepareContext(ctx, unnumbered(text))
		if err != nil {
			continue
		}
		s.mu.Lock()
		if s.known[text] == nil {
			s.known[text], statement = statement, nil
		}
		s.mu.Unlock()
		if statement != nil {
			statement.Close()
		}
	}
}

// unnumbered gives a text with "?" for its values where each is used once, in order:
// SQLite looks every numbered one up among all the others.
func unnumbered(text string) string {
	whole := text
	var b strings.Builder
	for next := 1; ; next++ {
		before, rest, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if n, err := strconv.Atoi(rest[:digits]); err != nil || n != next {
			return whole
		}
		b.WriteByte('?')
		text = rest[digits:]
	}
}

func (s *statements) close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, statement := range s.known {
		errs = append(errs, statement.Close())
	}
	clear(s.known)
	return errors.Join(errs...)
}

func (s *statements) find(text string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	statement := s.known[text]
	if statement == nil {
		if s.wanted == nil {
			s.wanted = map[string]bool{}
		}
		s.wanted[text] = true
	}
	return statement
}

type compiled struct {
	*sql.Tx
	statements *statements
}

func (c compiled) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if s := c.statements.find(text); s != nil {
		return c.Tx.StmtContext(ctx, s).ExecContext(ctx, args...)
	}
	return c.Tx.ExecContext(ctx, text, args...)
}

func (c compiled) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if s := c.statements.find(text); s != nil {
		return c.Tx.StmtContext(ctx, s).QueryContext(ctx, args...)
	}
	return c.Tx.QueryContext(ctx, text, args...)
}

func (c compiled) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if s := c.statements.find(text); s != nil {
		return c.Tx.StmtContext(ctx, s).QueryRowContext(ctx, args...)
	}
	return c.Tx.QueryRowContext(ctx, text, args...)
}

var _ querier = compiled{}
