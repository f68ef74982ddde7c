package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

func TestSoakFleetOfOneKilled(t *testing.T) {
	long(t)
	killings(t, soakSize(20_000), 10, 20)
}

// killings kills one serve on SQLite again and again in the middle of a send; each time
// it is started again it goes on by itself.
func killings(t *testing.T, readers, lanes, times int) {
	f := newFleet(t, ledger.Config{}, readers, lanes)
	f.plan()
	f.release()
	var longest time.Duration
	for range times {
		before, started := f.recorded(), time.Now()
		m := f.start("serve", "--listen", "127.0.0.1:0")
		on := f.until("the send to go on", 30*time.Second, func() bool { return f.recorded() > before })
		longest = max(longest, on.Sub(started))
		goal := f.recorded() + rand.IntN(readers*3/4/times)
		f.until("so many mails", time.Minute, func() bool { return f.recorded() >= goal })
		m.signal(syscall.SIGKILL)
	}
	if n := f.counts(); n[publisher.StatePlanned] == 0 {
		t.Errorf("the test has lost its grip: at the last kill the ledger was %v", n)
	}
	f.start("serve", "--listen", "127.0.0.1:0")
	f.done(10 * time.Minute)
	a := f.account()
	f.disband()
	a.hold(t, times*lanes)
	fmt.Printf("soak serve store=sqlite killed=%d readers=%d lanes=%d on-after-s<=%.1f lost=%d twice=%d accepted=%d unknown=%d of-which-arrived=%d\n",
		times, readers, lanes, longest.Seconds(), a.lost, a.twice, a.accepted, a.unknown, a.arrived)
}

// copies copies the state of a send that waits, and starts both.
func copies(t *testing.T, readers, lanes int) {
	f := newFleet(t, ledger.Config{}, readers, lanes)
	f.plan()
	f.release()
	own := *f.soak
	own.states = "copy"
	twin := &fleet{soak: &own}
	f.must(os.CopyFS(filepath.Join(f.home, own.states), os.DirFS(filepath.Join(f.home, f.states))))
	second := twin.start("serve", "--listen", "127.0.0.1:0")
	f.start("serve", "--listen", "127.0.0.1:0")
	f.done(time.Minute)
	f.until("the copy to say why it does not send", 30*time.Second, func() bool { return strings.Contains(second.log.String(), "may be a copy") })
	out, err := twin.crieurs("queue").CombinedOutput()
	f.must(err)
	if !strings.Contains(string(out), "held: copied") {
		t.Errorf("the queue of the copy says %q", out)
	}
	a := f.account()
	twin.disband()
	f.disband()
	a.hold(t, 0)
	if n := f.recorded(); n != readers {
		t.Errorf("%d mails for %d readers", n, readers)
	}
	fmt.Printf("soak copies=2 store=sqlite readers=%d mails=%d twice=%d\n", readers, f.recorded(), a.twice)
}

// breaks breaks the configuration in the middle of a send, and mends it.
func breaks(t *testing.T, readers, lanes int) {
	f := newFleet(t, ledger.Config{}, readers, lanes)
	f.plan()
	m := f.start("serve", "--listen", "127.0.0.1:0")
	f.release()
	f.until("the first mails", time.Minute, func() bool { return f.recorded() > lanes })
	path := filepath.Join(f.home, "config.yaml")
	good, err := os.ReadFile(path)
	f.must(err)
	f.must(os.WriteFile(path, append(slices.Clone(good), "nonsense: true\n"...), 0o600))
	line := fmt.Sprintf("config.yaml:%d", strings.Count(string(good), "\n")+1)
	broken := time.Now()
	told := f.until("the wrong line in the log", 20*time.Second, func() bool {
		log := m.log.String()
		return strings.Contains(log, line) && strings.Contains(log, "nonsense") && strings.Contains(log, "the old one stays in use")
	}).Sub(broken)
	f.done(time.Minute)
	f.must(os.WriteFile(path, good, 0o600))
	f.until("the mended one to be used", 20*time.Second, func() bool { return strings.Contains(m.log.String(), "the new configuration is in use") })
	a := f.account()
	f.disband()
	a.hold(t, 0)
	fmt.Printf("soak config-broken store=sqlite readers=%d told-after-s=%.1f lost=%d twice=%d unknown=%d\n", readers, told.Seconds(), a.lost, a.twice, a.unknown)
}
