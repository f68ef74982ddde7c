package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

func TestStateIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	l := ledgertest.Open(t, ledger.Config{Dir: dir})
	if err := l.SaveToken(t.Context(), "x", []byte("t")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, dir + "/crieur.db": 0o600, dir + "/crieur.db-wal": 0o600, dir + "/migrate.lock": 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
		}
	}
}

func TestStrangePathsWork(t *testing.T) {
	for _, name := range []string{"with space", "q?mode=memory", "h#ash", "per%20cent", "é", "a&b=c"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			l := ledgertest.Open(t, ledger.Config{Dir: dir})
			if err := l.SaveToken(t.Context(), "x", []byte("t")); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(filepath.Join(dir, "crieur.db-wal")); err != nil || info.Size() == 0 {
				t.Fatalf("the store is elsewhere: %v", err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	file := func(content string) func(t *testing.T) ledger.Config {
		return func(t *testing.T) ledger.Config {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "crieur.db"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			return ledger.Config{Dir: dir}
		}
	}
	for name, c := range map[string]struct {
		config func(t *testing.T) ledger.Config
		kind   publisher.Kind
	}{
		"nothing given": {func(*testing.T) ledger.Config { return ledger.Config{} }, publisher.Invalid},
		"a file where the folder should be": {func(t *testing.T) ledger.Config {
			path := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return ledger.Config{Dir: path}
		}, publisher.Invalid},
		"a folder where the file should be": {func(t *testing.T) ledger.Config {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "crieur.db"), 0o700); err != nil {
				t.Fatal(err)
			}
			return ledger.Config{Dir: dir}
		}, publisher.Invalid},
		"not a database":     {file(strings.Repeat("this is no database. ", 500)), publisher.Invalid},
		"unreadable address": {func(*testing.T) ledger.Config { return ledger.Config{DSN: "postgres://u:hunter2@[::1/db"} }, publisher.Invalid},
		"strange option": {func(*testing.T) ledger.Config {
			return ledger.Config{DSN: "postgres://u:hunter2@127.0.0.1:1/db?sslmode=perhaps"}
		}, publisher.Invalid},
		"no server there": {func(*testing.T) ledger.Config { return ledger.Config{DSN: "postgres://u:hunter2@127.0.0.1:1/db"} }, publisher.Busy},
		"no such socket": {func(*testing.T) ledger.Config {
			return ledger.Config{DSN: "host=/nowhere user=u password=hunter2 dbname=x"}
		}, publisher.Busy},
		"no such database": {func(t *testing.T) ledger.Config {
			return ledger.Config{DSN: postgres(t) + " dbname=nope password=hunter2"}
		}, publisher.Invalid},
		"no such user": {func(t *testing.T) ledger.Config {
			return ledger.Config{DSN: postgres(t) + " user=nope password=hunter2"}
		}, publisher.Denied},
		"written by a newer":    {newer("sqlite"), publisher.Invalid},
		"written by a newer pg": {newer("postgres"), publisher.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := ledger.Open(t.Context(), c.config(t))
			if err == nil {
				l.Close()
				t.Fatal("it was opened")
			}
			if got := publisher.KindOf(err); got != c.kind {
				t.Errorf("%v: kind %v, want %v", err, got, c.kind)
			}
			if publisher.HintOf(err) == "" {
				t.Errorf("%v: no hint", err)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(e.Error(), "hunter2") {
					t.Errorf("the password stands in %v", e)
				}
			}
		})
	}
}

func postgres(t *testing.T) string {
	t.Helper()
	for _, e := range ledgertest.Engines() {
		if e.Name == "postgres" {
			return e.New(t).DSN
		}
	}
	t.Fatal("no such engine")
	return ""
}

// newer gives a store that a later version of crieur has written.
func newer(engine string) func(t *testing.T) ledger.Config {
	return func(t *testing.T) ledger.Config {
		for _, e := range ledgertest.Engines() {
			if e.Name != engine {
				continue
			}
			c := e.New(t)
			l, err := ledger.Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if err := l.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, $1)`, true); err != nil {
				t.Fatal(err)
			}
			return c
		}
		t.Fatal("no such engine")
		return ledger.Config{}
	}
}

func TestDiskFull(t *testing.T) {
	l := ledgertest.Open(t, ledger.Config{Dir: t.TempDir()})
	if err := l.Exec(t.Context(), `PRAGMA max_page_count = 1`); err != nil { // SQLite takes the present size for the least
		t.Fatal(err)
	}
	err := l.SaveToken(t.Context(), "x", make([]byte, 1<<20))
	if publisher.KindOf(err) != publisher.Busy || publisher.HintOf(err) == "" || !strings.Contains(err.Error(), "full") {
		t.Fatalf("got %v of kind %v, hint %q", err, publisher.KindOf(err), publisher.HintOf(err))
	}
	if err := l.Exec(t.Context(), `PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	if err := l.SaveToken(t.Context(), "x", make([]byte, 1<<20)); err != nil {
		t.Fatalf("after space was freed: %v", err)
	}
}

// Many processes make and open the same new store at once.
func TestOpenTogether(t *testing.T) {
	if config := os.Getenv("CRIEUR_TEST_OPEN"); config != "" {
		engine, where, _ := strings.Cut(config, " ")
		c := ledger.Config{Dir: where}
		if engine == "postgres" {
			c = ledger.Config{DSN: where}
		}
		l, err := ledger.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := l.SaveToken(t.Context(), fmt.Sprint(os.Getpid()), []byte("here")); err != nil {
			t.Fatal(err)
		}
		fmt.Println("instance", l.InstanceID())
		return
	}
	for _, e := range ledgertest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			c := e.New(t)
			const n = 6
			instances := make([]string, n)
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() {
					cmd := exec.Command(os.Args[0], "-test.run=^TestOpenTogether$")
					cmd.Env = append(os.Environ(), "CRIEUR_TEST_OPEN="+e.Name+" "+c.Dir+c.DSN)
					out, err := cmd.CombinedOutput()
					if err != nil {
						t.Errorf("%v\n%s", err, out)
						return
					}
					_, rest, _ := strings.Cut(string(out), "instance ")
					instances[i], _, _ = strings.Cut(rest, "\n")
				})
			}
			wg.Wait()
			for _, id := range instances {
				if id == "" || id != instances[0] {
					t.Fatalf("the store has the identities %q", instances)
				}
			}
		})
	}
}

func TestExclusive(t *testing.T) {
	c := ledger.Config{Dir: t.TempDir()}
	a, b := ledgertest.Open(t, c), ledgertest.Open(t, c)
	release, exclusive, err := a.Exclusive(t.Context(), func() { t.Error("the first one waited") })
	if err != nil || !exclusive {
		t.Fatal(exclusive, err)
	}
	waited := make(chan bool, 1)
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := b.Exclusive(short, func() { waited <- true }); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the second one got %v", err)
	}
	select {
	case <-waited:
	default:
		t.Fatal("the second one was not told that it waits")
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	release, _, err = b.Exclusive(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, e := range ledgertest.Engines() {
		b.Run(e.Name, func(b *testing.B) {
			c := e.New(b)
			l, err := ledger.Open(b.Context(), c)
			if err != nil {
				b.Fatal(err)
			}
			l.Close()
			for b.Loop() {
				l, err := ledger.Open(b.Context(), c)
				if err != nil {
					b.Fatal(err)
				}
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
