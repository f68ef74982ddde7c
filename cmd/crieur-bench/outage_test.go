package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"crieur/publisher/ledger/ledgertest"
)

func TestSoakFleetOutage(t *testing.T) {
	long(t)
	outage(t, soakSize(20_000), 10, 30*time.Second)
}

// outage stops PostgreSQL in the middle of a send by one serve.
func outage(t *testing.T, readers, lanes int, away time.Duration) {
	server := ledgertest.NewServer(t)
	f := newFleet(t, server.Config(), readers, lanes)
	f.plan()
	m := f.start("serve", "--listen", "127.0.0.1:0")
	f.release()
	f.until("a fifth", time.Minute, func() bool { return f.recorded() > readers/5 })
	if s := m.readyz(); !strings.HasPrefix(s, "200") {
		t.Errorf("before the outage /readyz says %s", s)
	}
	f.must(server.Stop())
	stopped := time.Now()
	f.until("/readyz to say that the store is away", 10*time.Second, func() bool { return strings.HasPrefix(m.readyz(), "503") })
	told, unready := time.Since(stopped), m.readyz()
	time.Sleep(time.Until(stopped.Add(away)))
	before := f.recorded()
	f.must(server.Start())
	back := time.Now()
	resumed := f.until("the send to go on", 4*time.Minute, func() bool { return f.recorded() > before+2*lanes })
	ready := f.until("/readyz to say that all is well", time.Minute, func() bool { return strings.HasPrefix(m.readyz(), "200") })
	f.done(10 * time.Minute)
	a := f.account()
	f.disband()
	a.hold(t, 0)
	if !strings.Contains(unready, `"store":"`) || strings.Contains(unready, `"store":"ok"`) {
		t.Errorf("meanwhile /readyz said %s", unready)
	}
	fmt.Printf("soak outage store=postgres readers=%d lanes=%d away-s=%.0f unready-after-s=%.1f on-after-s=%.1f ready-after-s=%.1f lost=%d twice=%d unknown=%d\n",
		readers, lanes, away.Seconds(), told.Seconds(), resumed.Sub(back).Seconds(), ready.Sub(back).Seconds(), a.lost, a.twice, a.unknown)
}
