package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"crieur/publisher"
)

// A Home is where a store lives. A store that is found elsewhere may be a copy whose
// original goes on sending.
type Home struct {
	Host    string `json:"host,omitempty"`
	Machine string `json:"machine,omitempty"` // the system's own mark; "" where it has none, as in a container
	Place   string `json:"place"`             // the folder; of PostgreSQL, server, database and schema
	File    string `json:"file,omitempty"`    // what the system knows the file by, wherever it is moved on its disk
}

// String gives a home as an owner knows it.
func (h Home) String() string {
	if h.Host == "" {
		return h.Place
	}
	return h.Place + " on " + h.Host
}

// A Whereabouts is how a store's place compares with the one that it knows.
type Whereabouts uint8

const (
	AtHome    Whereabouts = iota
	Moved                 // on the same machine, and surely no copy: it was noted
	Elsewhere             // perhaps a copy
)

const homeName = "home"

// Whereabouts tells whether the store stands where it stood before, and where that
// was. A store that knows no home yet is at home. Without a mark of the machine, as in
// a container, whose name changes at each start, folder and file decide.
func (l *Ledger) Whereabouts(ctx context.Context) (w Whereabouts, before Home, err error) {
	const op = "look where the state stands"
	here, err := l.here(ctx)
	if err != nil {
		return Elsewhere, before, l.fail(op, err)
	}
	text, err := pack(here)
	if err != nil {
		return Elsewhere, before, l.fail(op, err)
	}
	var kept string
	err = l.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, homeName).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		err = l.update(ctx, op, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, homeName, text); err != nil {
				return err
			}
			return tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, homeName).Scan(&kept)
		})
	}
	if err != nil {
		return Elsewhere, before, l.fail(op, err)
	}
	if err := json.Unmarshal([]byte(kept), &before); err != nil {
		return Elsewhere, before, l.fail(op, err)
	}
	switch {
	case before == here:
		return AtHome, before, nil
	case here.Machine == "" && before.Machine == "" && here.Place == before.Place && here.File == before.File:
		return AtHome, before, nil
	case here.Machine != "" && here.Machine == before.Machine && here.Host == before.Host && here.File != "" && here.File == before.File &&
		gone(filepath.Join(before.Place, fileName)):
		return Moved, before, l.setHome(ctx, op, text)
	}
	return Elsewhere, before, nil
}

// Settle makes where the store stands its home, and frees what was held because it
// had been elsewhere. It gives how many lots may go out again.
func (l *Ledger) Settle(ctx context.Context) (freed int, err error) {
	const op = "make this the state's home"
	here, err := l.here(ctx)
	if err != nil {
		return 0, l.fail(op, err)
	}
	text, err := pack(here)
	if err != nil {
		return 0, l.fail(op, err)
	}
	if err := l.setHome(ctx, op, text); err != nil {
		return 0, err
	}
	lots, err := l.Lots(ctx, publisher.Selection{Open: true})
	if err != nil {
		return 0, err
	}
	for _, lot := range lots {
		if lot.Held != publisher.HeldCopied {
			continue
		}
		ok, err := l.Free(ctx, lot.ID, publisher.HeldCopied)
		if err != nil {
			return freed, err
		}
		if ok {
			freed++
		}
	}
	return freed, nil
}

func (l *Ledger) setHome(ctx context.Context, op, text string) error {
	return l.update(ctx, op, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, homeName, text)
		return err
	})
}

func pack(h Home) (string, error) {
	text, err := json.Marshal(h)
	return string(text), err
}

func gone(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// here gives where the store stands now.
func (l *Ledger) here(ctx context.Context) (h Home, err error) {
	if l.engine == postgres {
		// A dump that is restored has another server's number, or another name. Where
		// the server does not tell its number, the database's own has to do.
		const database = ` || '/' || current_database() || '/' || current_schema()`
		err = l.read.QueryRowContext(ctx, `SELECT (SELECT system_identifier FROM pg_control_system())::text`+database).Scan(&h.Place)
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code[:2] == "42" {
			err = l.read.QueryRowContext(ctx, `SELECT (SELECT oid FROM pg_database WHERE datname = current_database())::text`+database).Scan(&h.Place)
		}
		return h, err
	}
	if h.Place, err = filepath.Abs(l.dir); err != nil {
		return h, err
	}
	if h.Place, err = filepath.EvalSymlinks(h.Place); err != nil {
		return h, err
	}
	h.Host, _ = os.Hostname()
	h.Machine = machineID()
	h.File = fileID(l.file())
	return h, nil
}

// machineID is the mark that the system was given when it was installed.
func machineID() string {
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostid"} {
		if text, err := os.ReadFile(path); err == nil && len(strings.TrimSpace(string(text))) >= 8 {
			return strings.TrimSpace(string(text))
		}
	}
	return ""
}
