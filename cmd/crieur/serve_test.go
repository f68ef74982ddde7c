package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serving starts `crieur serve` and waits until it says that it runs.
func (h *household) serving(args ...string) *exec.Cmd {
	h.t.Helper()
	c := h.command(append([]string{"serve"}, args...)...)
	out, err := c.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	var errs strings.Builder
	c.Stderr = &errs
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = c.Wait()
		h.t.Fatalf("serve: %v\n%s", err, errs.String())
	}
	if !strings.Contains(line, "serving on") && !strings.Contains(line, "working") {
		h.t.Fatalf("serve says %q", line)
	}
	go io.Copy(io.Discard, out)
	return c
}

// end sends SIGTERM and wants a clean end within a limit.
func (h *household) end(c *exec.Cmd, limit time.Duration) {
	h.t.Helper()
	start := time.Now()
	_ = c.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(limit, func() { _ = c.Process.Kill() })
	err := c.Wait()
	if !late.Stop() || err != nil {
		h.t.Errorf("serve ended after %v with %v", time.Since(start).Round(time.Millisecond), err)
	}
}

func (h *household) article() string {
	h.t.Helper()
	article, err := filepath.Abs("../../docs/example/article.txt")
	if err != nil {
		h.t.Fatal(err)
	}
	return article
}

// status reads how the one published issue with mails, and the posts, stand.
func (h *household) status() (all statusView) {
	h.t.Helper()
	var list struct {
		Issues []struct {
			ID string `json:"id"`
		} `json:"issues"`
	}
	if err := json.Unmarshal(h.run([]int{exitDone}, "status", "-o", "json"), &list); err != nil {
		h.t.Fatal(err)
	}
	all.Counts = map[string]int{}
	for _, i := range list.Issues {
		var one statusView
		if err := json.Unmarshal(h.run([]int{exitDone}, "status", i.ID, "-o", "json"), &one); err != nil {
			h.t.Fatal(err)
		}
		all.Deliveries = append(all.Deliveries, one.Deliveries...)
		for state, n := range one.Counts {
			all.Counts[state] += n
		}
	}
	return all
}

// TestServeGoesOnAfterKills lets serve finish what a killed publish left, kills it too
// at random moments, and ends it with SIGTERM in the middle: nobody is lost, nobody
// gets anything twice.
func TestServeGoesOnAfterKills(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, "CRIEUR_NEWSLETTERS_QUOTIDIEN_UNKNOWN=leave", fmt.Sprintf("CRIEUR_SMTP_MAIN_CONNECTIONS=%d", killLanes))
	h.readers(killReaders)
	h.serveSandbox()
	if !h.kill(h.after(50), "publish", h.article(), "-q") {
		t.Fatal("publish was too quick to be killed")
	}
	kills := 1
	for range 6 {
		if h.kill(h.after(rand.IntN(200)), "serve", "--listen", "127.0.0.1:0", "-q") {
			kills++
		}
	}
	c := h.serving("--listen", "127.0.0.1:0")
	<-h.after(10)
	h.end(c, 30*time.Second)
	c = h.serving("--listen", "127.0.0.1:0")
	until(t, "everything to be delivered", time.Minute, func() bool {
		counts := h.status().Counts
		return counts["planned"]+counts["leased"]+counts["deferred"] == 0
	})
	h.end(c, 10*time.Second)
	var mails []arrivedMail
	h.arrived("mails", &mails)
	result := h.status()
	t.Logf("%d kills, %d mails arrived, ledger %v", kills, len(mails), result.Counts)
	h.account("leave", kills, result, mails)
	h.onePostEach(3)
}

// TestRunOnce finishes what a killed publish left, in one pass, and has nothing to do
// in a second one.
func TestRunOnce(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, "CRIEUR_NEWSLETTERS_QUOTIDIEN_UNKNOWN=resend", "CRIEUR_REPORT_TO=owner@example.org")
	h.readers(killReaders)
	h.serveSandbox()
	if !h.kill(h.after(50), "publish", h.article(), "-q") {
		t.Fatal("publish was too quick to be killed")
	}
	out := h.run([]int{exitDone}, "run", "--once")
	if !strings.Contains(string(out), "accepted") {
		t.Errorf("it says %q", out)
	}
	result := h.status()
	if n := result.Counts["accepted"]; n != killReaders+3 {
		t.Errorf("ledger %v, want %d accepted", result.Counts, killReaders+3)
	}
	if out := h.run([]int{exitDone}, "run", "--once"); !strings.Contains(string(out), "nothing is due") {
		t.Errorf("the second pass says %q", out)
	}
	h.onePostEach(3)
	var mails []arrivedMail
	h.arrived("mails", &mails)
	reports := 0
	for _, m := range mails {
		if m.To == "owner@example.org" {
			reports++
		}
	}
	if reports == 0 {
		t.Error("nobody told the owner how it ended")
	}
}

// A second daemon on the same folder is told so at once; pages alone may be served.
func TestServeIsAlone(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	c := h.serving("--role", "scheduler,worker")
	out := h.run([]int{exitFailed}, "serve", "-o", "json")
	if !strings.Contains(string(out), "another crieur") || !strings.Contains(string(out), "PostgreSQL") {
		t.Errorf("the second serve says %s", out)
	}
	h.run([]int{exitFailed}, "run", "--once")
	w := h.serving("--role", "web")
	h.end(w, 10*time.Second)
	h.end(c, 10*time.Second)
	h.run([]int{exitUsage}, "serve", "--role", "king")
	h.run([]int{exitUsage}, "serve", "--log", "xml")
	h.run([]int{exitUsage}, "run")
}

func TestReady(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	c := h.serving()
	defer h.end(c, 10*time.Second)
	url := ""
	for _, e := range h.env {
		if addr, ok := strings.CutPrefix(e, "CRIEUR_SERVER_LISTEN="); ok {
			url = "http://" + addr
		}
	}
	until(t, "readiness", 20*time.Second, func() bool {
		res, err := http.Get(url + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		var r struct {
			Ready        bool
			Store, Queue string
		}
		return json.NewDecoder(res.Body).Decode(&r) == nil && res.StatusCode == http.StatusOK && r.Ready && r.Store == "ok" && r.Queue == "ok"
	})
}

func until(t *testing.T, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
