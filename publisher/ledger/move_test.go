package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// content gives every row of every table of the ledger's, as text.
func content(t *testing.T, db *sql.DB, tables []string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, table := range tables {
		rows, err := db.QueryContext(context.Background(), `SELECT * FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, places := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				places[i] = &values[i]
			}
			if err := rows.Scan(places...); err != nil {
				t.Fatal(err)
			}
			var cells []string
			for i, c := range columns {
				if b, ok := values[i].([]byte); ok {
					values[i] = string(b)
				}
				cells = append(cells, fmt.Sprintf("%s=%v", c, values[i]))
			}
			slices.Sort(cells)
			all[table] = append(all[table], strings.Join(cells, " "))
		}
		if err := first(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(all[table])
	}
	return all
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestMove runs the conformance suite on SQLite and moves what each part leaves behind.
func TestMove(t *testing.T) {
	var most int
	ledgertest.Run(t, func(t *testing.T) *ledger.Ledger {
		dir := t.TempDir()
		from := ledgertest.Open(t, ledger.Config{Dir: dir})
		target := ledger.Config{DSN: postgres(t)}
		t.Cleanup(func() {
			if t.Failed() {
				return
			}
			ctx := context.WithoutCancel(t.Context())
			to, err := ledger.Open(ctx, target)
			if err != nil {
				t.Fatal(err)
			}
			defer to.Close()
			moved, err := from.MoveTo(ctx, to)
			if err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("pgx", target.DSN)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var tables []string
			for _, m := range moved {
				tables = append(tables, m.Table)
			}
			most = max(most, len(tables))
			want, got := content(t, from.Writer(), tables), content(t, db, tables)
			want["meta"] = slices.DeleteFunc(want["meta"], func(row string) bool {
				return strings.HasPrefix(row, "name=moved") || strings.HasPrefix(row, "name=home")
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what arrived differs (-was +is):\n%s", diff)
			}
		})
		return from
	})
	if most < 14 {
		t.Errorf("only %d tables were moved: the test has lost its grip", most)
	}
}

// After the move the new store goes on where the old one was, and the old one is shut.
func TestMovedStoreIsShut(t *testing.T) {
	dir := t.TempDir()
	from := ledgertest.Open(t, ledger.Config{Dir: dir})
	add := func(l *ledger.Ledger, n int) []publisher.Subscriber {
		t.Helper()
		_, _, _, err := l.UpsertSubscribers(t.Context(), "list", []publisher.NewSubscriber{{Email: fmt.Sprintf("r%d@example.org", n),
			Token: fmt.Sprint("token", n), Since: time.Unix(1, 0), Status: publisher.Confirmed}}, "test", time.Unix(2, 0))
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := l.SubscriberByEmail(t.Context(), fmt.Sprintf("r%d@example.org", n))
		if err != nil {
			t.Fatal(err)
		}
		return []publisher.Subscriber{s}
	}
	add(from, 1)
	last := add(from, 2)[0]
	if err := from.RemoveSubscriber(t.Context(), last.ID, time.Unix(3, 0)); err != nil {
		t.Fatal(err)
	}
	target := ledger.Config{DSN: postgres(t)}
	to := ledgertest.Open(t, target)
	if _, err := from.MoveTo(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	again := ledgertest.Open(t, target)
	if again.InstanceID() != from.InstanceID() {
		t.Error("the new store has another identity")
	}
	if s, _, err := again.SubscriberByEmail(t.Context(), "R1@example.org"); err != nil || s.Email != "r1@example.org" {
		t.Errorf("the reader is not found by their address: %v, %v", s, err)
	}
	if next := add(again, 3)[0]; next.ID <= last.ID {
		t.Errorf("number %d was given to a new reader, after %d", next.ID, last.ID)
	}
	_, err := ledger.Open(t.Context(), ledger.Config{Dir: dir})
	if publisher.KindOf(err) != publisher.Invalid || !strings.Contains(publisher.HintOf(err), "state.dsn") {
		t.Errorf("the old store opens with %v", err)
	}
	// The target is not empty any more.
	other := ledgertest.Open(t, ledger.Config{Dir: t.TempDir()})
	if _, err := other.MoveTo(t.Context(), again); publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
		t.Errorf("a second move gives %v", err)
	}
}
