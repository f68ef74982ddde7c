package ledger_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// A line between a client and a server that is cut right after a COMMIT has gone over
// it: the server commits, and the client never hears of it.
type line struct {
	server string
	cut    atomic.Bool
}

func (l *line) carry(client net.Conn) {
	server, err := net.Dial("unix", l.server)
	if err != nil {
		client.Close()
		return
	}
	go func() {
		_, _ = io.Copy(client, server)
		client.Close()
	}()
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if n > 0 {
			last := bytes.Contains(bytes.ToLower(buffer[:n]), []byte("commit\x00")) && l.cut.CompareAndSwap(true, false)
			if last {
				client.Close()
			}
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
			if last {
				time.Sleep(200 * time.Millisecond)
				return
			}
		}
		if err != nil {
			client.Close()
			return
		}
	}
}

// What a commit leased whose answer was lost is granted when it is wanted again: to
// whoever wanted it, once, and to nobody else.
func TestCommitWithoutAnswer(t *testing.T) {
	var direct ledger.Config
	for _, e := range ledgertest.Engines() {
		if e.Name == "postgres" {
			direct = e.New(t)
		}
	}
	config, err := pgx.ParseConfig(direct.DSN)
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(config.Host) {
		t.Fatal("the test cuts the line to a server that is reached through a socket; this one is not")
	}
	dir, err := os.MkdirTemp("/tmp", "crieur-line-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	wire := &line{server: filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port))}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go wire.carry(c)
		}
	}()
	l := ledgertest.Open(t, ledger.Config{DSN: fmt.Sprintf("host=%s port=5432 user=%s dbname=%s search_path=%s", dir, config.User, config.Database, config.RuntimeParams["search_path"])})
	other := ledgertest.Open(t, direct)
	if _, _, err := l.SaveIssue(t.Context(), publisher.Issue{ID: "i"}, nil); err != nil {
		t.Fatal(err)
	}
	lot, _, err := l.Materialise(t.Context(), publisher.Lot{IssueID: "i", Channel: "c", Network: "x", Parts: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	want := []publisher.Claim{{Lot: lot.ID, ID: 1}}
	wire.cut.Store(true)
	if _, err := l.Commit(t.Context(), nil, want, now, now.Add(time.Minute)); err == nil || publisher.KindOf(err) != publisher.Busy {
		t.Fatalf("got %v, want an error of kind busy", err)
	}
	granted := func(l *ledger.Ledger) int {
		t.Helper()
		c, err := l.Commit(t.Context(), nil, want, now, now.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range c.Granted {
			if g.Attempt != 1 {
				t.Errorf("attempt %d was granted", g.Attempt)
			}
		}
		return len(c.Granted)
	}
	if n := granted(other); n != 0 {
		t.Error("another process got a lease that was taken")
	}
	if n := granted(l); n != 1 {
		t.Error("who wanted it did not get it")
	}
	if n := granted(l); n != 0 {
		t.Error("it was granted twice")
	}
}
