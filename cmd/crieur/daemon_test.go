package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// TestWorkersShareOneIssue lets several processes on PostgreSQL finish one issue, and
// kills one of them for good.
func TestWorkersShareOneIssue(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, "CRIEUR_NEWSLETTERS_QUOTIDIEN_UNKNOWN=leave", fmt.Sprintf("CRIEUR_SMTP_MAIN_CONNECTIONS=%d", killLanes))
	h.env = append(h.env, "CRIEUR_STATE_DSN="+postgresDSN(t))
	h.readers(killReaders)
	h.serveSandbox()
	if !h.kill(h.after(20), "publish", h.article(), "-q") {
		t.Fatal("publish was too quick to be killed")
	}
	scheduler := h.serving("--role", "scheduler")
	var workers []*exec.Cmd
	for range 3 {
		workers = append(workers, h.serving("--role", "worker"))
	}
	<-h.after(30)
	_ = workers[0].Process.Kill()
	_ = workers[0].Wait()
	until(t, "everything that nobody died over", 2*time.Minute, func() bool {
		counts := h.status().Counts
		return counts["planned"]+counts["deferred"] == 0
	})
	h.end(workers[1], 30*time.Second)
	h.end(workers[2], 30*time.Second)
	h.end(scheduler, 30*time.Second)
	var list struct {
		Workers []struct {
			Alive bool     `json:"alive"`
			Roles []string `json:"roles"`
		} `json:"workers"`
	}
	if err := json.Unmarshal(h.run([]int{exitDone}, "status", "-o", "json"), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Workers) != 1 || fmt.Sprint(list.Workers[0].Roles) != "[worker]" {
		t.Errorf("of those who were there status knows %v, want the killed one", list.Workers)
	}
	seen := map[string]int{}
	var mails []arrivedMail
	h.arrived("mails", &mails)
	for _, m := range mails {
		seen[m.To]++
	}
	for to, n := range seen {
		if n > 1 {
			t.Errorf("%s has %d mails", to, n)
		}
	}
	counts := h.status().Counts
	t.Logf("%d mails arrived, ledger %v", len(mails), counts)
	// Each of the two that were killed had a mail a lane under way, and the first may
	// have had a post on each network.
	if open, most := counts["leased"]+counts["unknown"], 2*killLanes+3; open > most || counts["accepted"]+open != killReaders+3 {
		t.Errorf("ledger %v: want no more than %d in doubt, and %d in all", counts, most, killReaders+3)
	}
}

// TestMetrics lets a daemon deliver and asks for its figures; no reader's address, no
// secret and no token is among them.
func TestMetrics(t *testing.T) {
	t.Parallel()
	addr, err := freeAddr()
	if err != nil {
		t.Fatal(err)
	}
	h := newHousehold(t, "CRIEUR_TELEMETRY_METRICS="+addr)
	h.readers(killReaders)
	h.serveSandbox()
	if !h.kill(h.after(20), "publish", h.article(), "-q") {
		t.Fatal("publish was too quick to be killed")
	}
	c := h.serving("--role", "scheduler,worker")
	defer h.end(c, 10*time.Second)
	figures := ""
	until(t, "the figures", time.Minute, func() bool {
		figures = answer(t, "http://"+addr+"/metrics")
		return strings.Contains(figures, `crieur_deliveries_total{channel="quotidien",state="accepted"} 19`) &&
			strings.Contains(figures, `crieur_work_seconds_count{end="done",kind="deliver"}`)
	})
	for _, want := range []string{`crieur_smtp_seconds_count{end="done"} 19`, `crieur_queue_lag_seconds_count{kind="deliver"}`, "crieur_info{", "process_resident_memory_bytes"} {
		if !strings.Contains(figures, want) {
			t.Errorf("%s is missing in\n%s", want, figures)
		}
	}
	if strings.Contains(figures, "example.org") || strings.Contains(figures, "@") {
		t.Error("an address stands in the figures")
	}
	if got := answer(t, "http://"+addr+"/healthz"); got != "ok\n" {
		t.Errorf("/healthz says %q", got)
	}
	if got := answer(t, "http://"+addr+"/readyz"); !strings.Contains(got, `"ready":true`) {
		t.Errorf("/readyz says %q", got)
	}
}

// answer gives what an address answers, "" where nobody does.
func answer(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestReload changes config.yaml while serve runs: a wrong one is named and not used,
// a right one is used without a restart.
func TestReload(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	c := h.serving()
	defer h.end(c, 10*time.Second)
	path := filepath.Join(h.dir, "config.yaml")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := func(what, part string) {
		t.Helper()
		until(t, what, 20*time.Second, func() bool { return strings.Contains(h.ready(), part) })
	}
	want("a ready server", `"ready":true,"store":"ok","queue":"ok","config":"ok"`)
	h.write("config.yaml", string(good)+"\nnonsense: true\n")
	want("the wrong key with its line", fmt.Sprintf("config.yaml:%d", strings.Count(string(good), "\n")+2))
	if !strings.Contains(h.ready(), `"ready":true`) {
		t.Error("it is not ready any more")
	}
	if out := h.combined("status"); !strings.Contains(out, "nonsense") {
		t.Errorf("status says %q", out)
	}
	h.write("config.yaml", strings.Replace(string(good), "mode: sandbox", "mode: live", 1))
	want("that the mode cannot change", "config")
	h.write("config.yaml", string(good))
	want("the good one to be used again", `"config":"ok"`)
	h.write("config.yaml", string(good)+"\nnonsense: true\n")
	want("the wrong key again", "nonsense")
	h.write("config.yaml", string(good))
	_ = c.Process.Signal(syscall.SIGHUP)
	want("the good one after SIGHUP", `"config":"ok"`)
}

func (h *household) ready() string {
	for _, e := range h.env {
		if addr, ok := strings.CutPrefix(e, "CRIEUR_SERVER_LISTEN="); ok {
			return answer(h.t, "http://"+addr+"/readyz")
		}
	}
	return ""
}

// combined gives what a verb prints on both streams, however it ends.
func (h *household) combined(args ...string) string {
	out, _ := h.command(args...).CombinedOutput()
	return string(out)
}

// TestTellsSystemd listens where systemd would.
func TestTellsSystemd(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h.env = append(h.env, "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=600000")
	c := h.serving()
	hear := func(want string) {
		t.Helper()
		buf := make([]byte, 256)
		_ = l.SetReadDeadline(time.Now().Add(20 * time.Second))
		for {
			n, err := l.Read(buf)
			if err != nil {
				t.Fatalf("waited in vain for %s: %v", want, err)
			}
			if string(buf[:n]) == want {
				return
			}
		}
	}
	hear("READY=1")
	hear("WATCHDOG=1")
	_ = c.Process.Signal(syscall.SIGHUP)
	hear("RELOADING=1")
	hear("READY=1")
	h.end(c, 10*time.Second)
	hear("STOPPING=1")
}

// TestMoveToPostgres publishes on SQLite, moves, and finds everything done; the old
// state sends nothing more.
func TestMoveToPostgres(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	h.run([]int{exitDone}, "publish", h.article())
	if out := h.combined("migrate"); !strings.Contains(out, "sqlite") || !strings.Contains(out, "queue of version 8") {
		t.Errorf("migrate says %q", out)
	}
	dsn := postgresDSN(t)
	c := h.serving()
	h.run([]int{exitFailed}, "migrate", "--to", dsn) // not beside a daemon
	h.end(c, 10*time.Second)
	if out := h.run([]int{exitDone}, "migrate", "--to", dsn); !strings.Contains(string(out), "deliveries") {
		t.Errorf("migrate --to says %q", out)
	}
	for _, verb := range [][]string{{"status"}, {"run", "--once"}, {"publish", h.article()}, {"migrate", "--to", dsn}} {
		if out := h.combined(verb...); !strings.Contains(out, "was moved") {
			t.Errorf("%v on the old state says %q", verb, out)
		}
	}
	h.env = append(h.env, "CRIEUR_STATE_DSN="+dsn)
	if out := h.run([]int{exitDone}, "publish", h.article()); !strings.Contains(string(out), "nothing to do") {
		t.Errorf("publish on the new state says %q", out)
	}
	if out := h.combined("migrate", "--to", "postgres://u:hunter2@127.0.0.1:1/x"); strings.Contains(out, "hunter2") {
		t.Errorf("the password is told: %q", out)
	}
}

// TestSandboxBooksOnPostgres publishes in the sandbox and finds nothing of it among
// the live books of the same database.
func TestSandboxBooksOnPostgres(t *testing.T) {
	t.Parallel()
	dsn := postgresDSN(t)
	h := newHousehold(t, "CRIEUR_STATE_DSN="+dsn)
	h.run([]int{exitDone}, "publish", h.article())
	h.end(h.serving(), 10*time.Second)
	counted := func(c ledger.Config) int {
		t.Helper()
		lots, err := ledgertest.Open(t, c).Lots(t.Context(), publisher.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		return len(lots)
	}
	if n := counted(ledger.Config{DSN: dsn, Apart: "sandbox"}); n == 0 {
		t.Error("the sandbox knows nothing of what it published")
	}
	if n := counted(ledger.Config{DSN: dsn}); n != 0 {
		t.Errorf("%d lots of the sandbox are among the live ones", n)
	}
}

func postgresDSN(t *testing.T) string {
	t.Helper()
	for _, e := range ledgertest.Engines() {
		if e.Name == "postgres" {
			return e.New(t).DSN
		}
	}
	panic("no such engine")
}
