package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger/ledgertest"
)

// several sends one issue with so many workers beside a scheduler, and gives the
// fleet at the moment of the release.
func several(t *testing.T, readers, lanes, workers int) (f *fleet, scheduler *member, hands []*member) {
	t.Helper()
	f = newFleet(t, ledgertest.Engines()[1].New(t), readers, lanes)
	f.plan()
	scheduler = f.start("serve", "--role", "scheduler,web", "--listen", "127.0.0.1:0")
	for range workers {
		hands = append(hands, f.start("worker"))
	}
	return f, scheduler, hands
}

func throughput(t *testing.T, readers, lanes, workers int) float64 {
	t.Helper()
	f, _, _ := several(t, readers, lanes, workers)
	released := f.release()
	f.until("the first mails", 30*time.Second, func() bool { return f.recorded() > 0 })
	first := time.Now()
	f.done(30 * time.Minute)
	took := f.last().Sub(first)
	a := f.account()
	f.disband()
	a.hold(t, 0)
	rate := float64(readers) / took.Seconds()
	fmt.Printf("soak workers=%d store=postgres readers=%d lanes=%d sink-ms=%d messages/s=%.0f seconds=%.1f first-after-s=%.1f lost=%d twice=%d unknown=%d\n",
		workers, readers, lanes, perMail.Milliseconds(), rate, took.Seconds(), first.Sub(released).Seconds(), a.lost, a.twice, a.unknown)
	return rate
}

func TestSoakFleetThroughput(t *testing.T) {
	long(t)
	var one float64
	for workers := 1; workers <= 3; workers++ {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			rate := throughput(t, soakSize(100_000), 20, workers)
			if workers == 1 {
				one = rate
			}
			if rate < 0.8*one*float64(workers) {
				t.Errorf("%d workers send %.0f mails a second, one sends %.0f", workers, rate, one)
			}
		})
	}
}

func TestSoakFleetLosses(t *testing.T) {
	long(t)
	losses(t, soakSize(100_000), 20)
}

// losses kills one of three workers and freezes another one until it is taken for dead
// and its work is done; then it goes on.
func losses(t *testing.T, readers, lanes int) {
	f, scheduler, workers := several(t, readers, lanes, 3)
	f.release()
	f.until("all three at work", time.Minute, func() bool { return f.counts()[publisher.StateLeased] > 2*lanes })
	f.until("a tenth", time.Minute, func() bool { return f.recorded() > readers/10 })
	workers[0].signal(syscall.SIGKILL)
	killed := time.Now()
	f.until("a fifth", time.Minute, func() bool { return f.recorded() > readers/5 })
	workers[1].signal(syscall.SIGSTOP)
	frozen := time.Now()
	told := func(m *member) func() bool {
		return func() bool { return strings.Contains(scheduler.log.String(), fmt.Sprintf("pid=%d", m.Process.Pid)) }
	}
	freed := f.until("the killed one's leases to end", time.Minute, told(workers[0])).Sub(killed)
	f.until("the frozen one's leases to end", time.Minute, told(workers[1]))
	f.done(20 * time.Minute)
	stood := time.Since(frozen)
	workers[1].signal(syscall.SIGCONT)
	time.Sleep(3 * time.Second)
	f.done(time.Minute) // what it had not begun yet
	a := f.account()
	f.disband()
	a.hold(t, 2*lanes)
	fmt.Printf("soak fleet=3 killed=1 frozen-s=%.0f readers=%d lanes=%d lost=%d twice=%d accepted=%d unknown=%d of-which-arrived=%d leases-freed-after-s=%.1f\n",
		stood.Seconds(), readers, lanes, a.lost, a.twice, a.accepted, a.unknown, a.arrived, freed.Seconds())
}

// stops stops three workers by one word, lets them go on, and ends them in the
// middle of the send; the next ones do the rest.
func stops(t *testing.T, readers, lanes int) {
	f, scheduler, workers := several(t, readers, lanes, 3)
	f.release()
	f.until("a tenth", time.Minute, func() bool { return f.recorded() > readers/10 })
	said := time.Now()
	f.must(f.crieurs("stop", "--all").Run())
	word := time.Since(said)
	time.Sleep(3500 * time.Millisecond)
	after := f.last().Sub(said)
	if n := f.between(said.Add(3*time.Second), time.Now()); n > 0 {
		t.Errorf("%d mails went out more than three seconds after the stop", n)
	}
	before := f.recorded()
	f.must(f.crieurs("resume").Run())
	resumed := time.Now()
	on := f.until("the send to go on", time.Minute, func() bool { return f.recorded() > before+readers/5 }).Sub(resumed)
	var longest time.Duration
	for _, m := range append(workers, scheduler) {
		m.signal(syscall.SIGTERM)
	}
	for _, m := range append(workers, scheduler) {
		longest = max(longest, m.end(15*time.Second))
	}
	n := f.counts()
	if n[publisher.StateLeased]+n[publisher.StateUnknown] > 0 || n[publisher.StatePlanned] == 0 {
		t.Errorf("after SIGTERM the ledger says %v", n)
	}
	f.start("serve", "--listen", "127.0.0.1:0")
	f.done(2 * time.Minute)
	a := f.account()
	f.disband()
	a.hold(t, 0)
	fmt.Printf("soak stop fleet=3 readers=%d lanes=%d stop-took-s=%.1f last-mail-after-s=%.1f on-again-after-s=%.1f drained-s=%.1f lost=%d twice=%d unknown=%d\n",
		readers, lanes, word.Seconds(), after.Seconds(), on.Seconds(), longest.Seconds(), a.lost, a.twice, a.unknown)
}
