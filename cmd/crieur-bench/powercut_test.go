package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// TestSoakPowerCut cuts the power at many moments of one send. Whatever of the
// unflushed writes is on the disk by then, the ledger is whole, and nobody to whom a
// mail was handed over is planned any more: after the machine's next start each is
// accepted or in doubt, and under the policy leave nobody is written to twice.
func TestSoakPowerCut(t *testing.T) {
	long(t)
	const readers, moments, sends = 3000, 150, 5
	s := newSoak(t, ledgertest.Engines()[0], readers)
	before := filepath.Join(s.home, "before")
	s.must(duplicate(s.store.Dir, before))
	acts := s.recordedSend()
	handed := s.handedOver()
	if len(handed) != readers {
		t.Fatalf("the sink has %d messages", len(handed))
	}
	syncs := 0
	for _, a := range acts {
		if a.what == "sync" {
			syncs++
		}
	}
	first, last := acts[0].from, acts[len(acts)-1].to
	cuts := s.moments(acts, handed, moments)
	tear := torn(maphash.MakeSeed(), 50*time.Millisecond)
	doubt, misled, played := 0, 0, 0
	for i, cut := range cuts {
		for name, lost := range map[string]loss{"all lost": allLost, "none lost": noneLost, "torn": tear} {
			to := filepath.Join(s.home, fmt.Sprint("cut", i, name))
			s.must(powerCut(before, acts, cut, lost, to))
			s.restart(to)
			unknown, problems := s.afterCut(to, cut, handed)
			if len(problems) > 0 {
				t.Errorf("cut %v after the start, %s: %v", cut-first, name, problems[:min(3, len(problems))])
			}
			doubt, played = max(doubt, unknown), played+1
			s.must(os.RemoveAll(to))
			if name != "torn" {
				continue
			}
			// The same without another start of the machine: what is left of the logbook
			// would be believed, and lie.
			s.must(powerCut(before, acts, cut, lost, to))
			if _, problems := s.afterCut(to, cut, handed); len(problems) > 0 {
				misled++
			}
			s.must(os.RemoveAll(to))
		}
		if i%(len(cuts)/sends) == 0 {
			s.sendAgain(before, acts, cut, tear, handed)
		}
	}
	if misled == 0 {
		t.Error("an old logbook never lied: the test has lost its grip")
	}
	fmt.Printf("soak power-cut store=sqlite readers=%d calls=%d flushes=%d seconds=%.1f cuts=%d disks=%d most-unknown=%d misled-if-the-logbook-were-believed=%d\n",
		readers, len(acts), syncs, (last - first).Seconds(), len(cuts), played, doubt, misled)
}

// recordedSend runs the program under strace to its end.
func (s *soak) recordedSend() []act {
	s.t.Helper()
	c, problems := s.command()
	prefix := filepath.Join(s.home, "trace")
	files := []string{s.store.Dir}
	for _, name := range []string{"crieur.db", "crieur.db-wal", "crieur.db-shm", "crieur.db-journal", "logbook", "dispatch.lock", "migrate.lock"} {
		files = append(files, filepath.Join(s.store.Dir, name))
	}
	args := straced(prefix, files, c.Args)
	traced := exec.Command(args[0], args[1:]...)
	traced.Dir, traced.Stderr = c.Dir, problems
	if err := traced.Run(); err != nil {
		s.t.Fatalf("%v: %s\nsh .ci/deps installs what is missing", err, problems)
	}
	acts, err := readActs(prefix, s.store.Dir)
	s.must(err)
	// The replay without a cut gives what stands there now, and knows how each file came
	// to be: nothing was missed.
	to := filepath.Join(s.home, "replayed")
	known := map[string]bool{"": true, "crieur.db": true}
	for _, a := range acts {
		if known[a.file] = known[a.file] || a.what == "make"; !known[a.file] {
			s.t.Fatalf("%s is changed, and was never made", a.file)
		}
	}
	s.must(powerCut(filepath.Join(s.home, "before"), acts, 1<<62, noneLost, to))
	entries, err := os.ReadDir(s.store.Dir)
	s.must(err)
	for _, e := range entries {
		want, err := os.ReadFile(filepath.Join(s.store.Dir, e.Name()))
		s.must(err)
		if got, err := os.ReadFile(filepath.Join(to, e.Name())); err != nil || !bytes.Equal(got, want) {
			s.t.Fatalf("%s is replayed as something else, %v", e.Name(), err)
		}
	}
	return acts
}

// handedOver gives when the sink accepted each reader's message.
func (s *soak) handedOver() map[string]time.Duration {
	s.t.Helper()
	data, err := os.ReadFile(s.record)
	s.must(err)
	handed := map[string]time.Duration{}
	for line := range strings.Lines(string(data)) {
		who, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(at, 10, 64)
		s.must(err)
		if _, twice := handed[who]; twice {
			s.t.Errorf("%s has two mails", who)
		}
		handed[who] = time.Duration(n)
	}
	return handed
}

// moments gives when to cut: right after mails were handed over, in the middle of
// flushes and right after them, and at any time.
func (s *soak) moments(acts []act, handed map[string]time.Duration, n int) []time.Duration {
	var cuts, syncs []time.Duration
	for _, at := range handed { // in no order
		if cuts = append(cuts, at); len(cuts) == n {
			break
		}
	}
	for _, a := range acts {
		if a.what == "sync" {
			syncs = append(syncs, a.from+(a.to-a.from)/2, a.to)
		}
	}
	rand.Shuffle(len(syncs), func(i, j int) { syncs[i], syncs[j] = syncs[j], syncs[i] })
	cuts = append(cuts, syncs[:min(n, len(syncs))]...)
	for range n / 2 {
		cuts = append(cuts, acts[0].from+rand.N(acts[len(acts)-1].to-acts[0].from))
	}
	return cuts
}

// restart makes a folder one that an earlier run of the machine wrote: as the machine
// cannot be started again for the test, the earlier one's name is changed.
func (s *soak) restart(dir string) {
	s.t.Helper()
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	s.must(err)
	path := filepath.Join(dir, "logbook")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	s.must(err)
	id = bytes.TrimSpace(id)
	s.must(os.WriteFile(path, bytes.Replace(data, id, []byte("00000000-0000-4000-8000-000000000000"), 1), 0o600))
}

// afterCut opens the ledger that a cut left, ends the leases of the dead as the next
// run does, and says what is wrong with it.
func (s *soak) afterCut(dir string, cut time.Duration, handed map[string]time.Duration) (unknown int, problems []string) {
	s.t.Helper()
	ctx := s.t.Context()
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	l, err := ledger.Open(ctx, ledger.Config{Dir: dir})
	if err != nil {
		return 0, []string{err.Error()}
	}
	defer func() { s.must(l.Close()) }()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "crieur.db"))
	s.must(err)
	var verdict string
	if err := errors.Join(db.QueryRow("PRAGMA integrity_check").Scan(&verdict), db.Close()); err != nil || verdict != "ok" {
		wrong("integrity_check: %s, %v", verdict, err)
	}
	release, _, err := l.Exclusive(ctx, nil)
	s.must(err)
	defer func() { s.must(release()) }()
	lots, err := l.Lots(ctx, publisher.Selection{})
	s.must(err)
	for _, lot := range lots {
		_, err := l.Reclaim(ctx, lot.ID, time.Time{}, publisher.StateUnknown, time.Now())
		s.must(err)
	}
	tallies, err := l.Counts(ctx, publisher.Selection{})
	s.must(err)
	for _, tally := range tallies {
		if tally.Total() != tally.Lot.Size {
			wrong("the states add up to %d, planned were %d", tally.Total(), tally.Lot.Size)
		}
		unknown += tally.States[publisher.StateUnknown]
	}
	state := map[string]publisher.State{}
	s.must(l.Deliveries(ctx, publisher.DeliveryFilter{}, func(d publisher.Delivery) error {
		state[d.Recipient.Email] = d.State
		return nil
	}))
	for who, at := range handed {
		now, planned := state[who]
		switch has := at <= cut; {
		case has && (!planned || now != publisher.StateAccepted && now != publisher.StateUnknown):
			wrong("%s has their mail and is %v", who, now)
		case !has && now == publisher.StateAccepted:
			wrong("%s is accepted and has no mail", who)
		}
	}
	return unknown, problems
}

// sendAgain runs the program itself on what a cut left, and wants that everybody is
// accounted for and nobody has two mails.
func (s *soak) sendAgain(before string, acts []act, cut time.Duration, lost loss, handed map[string]time.Duration) {
	s.t.Helper()
	s.must(os.RemoveAll(s.store.Dir))
	s.must(powerCut(before, acts, cut, lost, s.store.Dir))
	s.restart(s.store.Dir)
	// A cut leaves the file that it was. The replay's is another one, which would be held
	// for a copy.
	l := s.open()
	_, err := l.Settle(s.t.Context())
	s.must(err)
	s.must(l.Close())
	// The sink goes on recording where it did: what was handed over by the cut counts.
	var b strings.Builder
	for who, at := range handed {
		if at <= cut {
			fmt.Fprintf(&b, recordLine, who, at.Nanoseconds())
		}
	}
	s.must(os.WriteFile(s.record, []byte(b.String()), 0o600))
	s.finish()
	if a := s.account(); a.lost > 0 || a.twice > 0 {
		s.t.Errorf("after the next run: %+v", a)
	}
}
