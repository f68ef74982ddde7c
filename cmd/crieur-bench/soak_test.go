package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// soaking turns the long proofs on; `make soak` sets it.
const soaking = "CRIEUR_SOAK"

func TestMain(m *testing.M) {
	// The processes that a run consists of are this program in another part.
	if len(os.Args) > 1 && slices.Contains([]string{"sink", "readers", "send"}, os.Args[1]) {
		main()
		return
	}
	code := ledgertest.Main(m)
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the program that all proofs run.
var built struct {
	sync.Once
	dir string
	err error
}

func program(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "crieur-proofs-"); built.err == nil {
			built.err = exec.Command("go", "build", "-o", filepath.Join(built.dir, "crieur"), "../crieur").Run()
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "crieur")
}

// long leaves a proof out of an ordinary run of the tests.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv(soaking) == "" {
		t.Skip("takes minutes: make soak runs it")
	}
}

// A soak is one send, of the real program to a sink in a process of its own.
type soak struct {
	setup
	t       *testing.T
	store   ledger.Config
	home    string
	crieur  string // the program
	article string
	states  string // the folder of the states, below home
}

const soakLanes = 10

// newSoak makes a state with n readers, a letter for them, and a sink that records
// everyone whom it accepts a message for before it says so.
func newSoak(t *testing.T, engine ledgertest.Engine, n int) *soak {
	t.Helper()
	return makeSoak(t, engine.New(t), setup{readers: n, connections: soakLanes, sink: "light"}, row{dkim: "no"})
}

func makeSoak(t *testing.T, store ledger.Config, what setup, r row) *soak {
	t.Helper()
	s := &soak{t: t, home: t.TempDir(), setup: what, states: "state"}
	s.record = filepath.Join(s.home, "record")
	s.article = filepath.Join(s.home, "article.md")
	s.crieur = program(t)
	s.must(writeArticle("../../docs/example/article.txt", s.article, "La halle se relève"))
	s.store = store
	if s.dsn = s.store.DSN; s.dsn == "" {
		s.store.Dir = filepath.Join(s.home, "state", "live")
	}
	s.must(readersMain(t.Context(), []string{"-dir", s.store.Dir, "-dsn", s.store.DSN, "-n", strconv.Itoa(s.readers)}))
	to, err := s.startSink(t.Context(), r, s.home)
	s.must(err)
	t.Cleanup(to.kill)
	host, port, err := net.SplitHostPort(to.addr)
	s.must(err)
	s.must(s.writeConfig(s.home, r, host, port))
	return s
}

func (s *soak) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// command is a run of the program.
func (s *soak) command() (c *exec.Cmd, problems *bytes.Buffer) {
	problems = new(bytes.Buffer)
	c = s.crieurs("send", s.article, "--yes")
	c.Stderr = problems
	return c, problems
}

// crieurs is the program with any verb, on the soak's configuration.
func (s *soak) crieurs(args ...string) *exec.Cmd {
	c := exec.Command(s.crieur, append(args, "--config", filepath.Join(s.home, "config.yaml"), "--state", filepath.Join(s.home, s.states))...)
	c.Dir = s.home
	return c
}

// recorded gives how many messages the sink has accepted.
func (s *soak) recorded() int {
	info, err := os.Stat(s.record)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	s.must(err)
	return int(info.Size()) / len(fmt.Sprintf(recordLine, address(0), time.Now().UnixNano()))
}

// interrupt starts the program and sends it a signal when the sink has accepted so
// many more messages, or after a time. It reports whether the program was at work then.
func (s *soak) interrupt(signal os.Signal, more int, after time.Duration) bool {
	s.t.Helper()
	goal := s.recorded() + more
	c, problems := s.command()
	s.must(c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	deadline := time.After(after)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case <-ended:
			// 3: on PostgreSQL, what the dead had leased waits for its time.
			if code := c.ProcessState.ExitCode(); code != 0 && code != 7 && code != 3 {
				s.t.Fatalf("exit code %d before any signal:\n%s", code, problems)
			}
			return false
		case <-deadline:
			waiting = false
		case <-tick.C:
			waiting = s.recorded() < goal
		}
	}
	_ = c.Process.Signal(signal)
	<-ended
	if signal == syscall.SIGTERM && c.ProcessState.ExitCode() != 130 && c.ProcessState.ExitCode() != 0 && c.ProcessState.Exited() {
		s.t.Fatalf("exit code %d after SIGTERM:\n%s", c.ProcessState.ExitCode(), problems)
	}
	return true
}

// finish runs the program until nothing waits any more, for as long as the leases of
// the dead may hold where time ends them.
func (s *soak) finish() {
	s.t.Helper()
	for deadline := time.Now().Add(7 * time.Minute); ; {
		c, problems := s.command()
		err := c.Run()
		if code := c.ProcessState.ExitCode(); code != 0 && code != 7 && code != 3 {
			s.t.Fatalf("%v:\n%s", err, problems)
		}
		n := s.counts()
		if n[publisher.StatePlanned]+n[publisher.StateLeased]+n[publisher.StateDeferred] == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("it does not come to an end: %v", n)
		}
		time.Sleep(5 * time.Second)
	}
}

// open opens the ledger while the program does not run.
func (s *soak) open() *ledger.Ledger {
	s.t.Helper()
	l, err := ledger.Open(s.t.Context(), s.store)
	s.must(err)
	return l
}

func (s *soak) counts() map[publisher.State]int {
	s.t.Helper()
	l := s.open()
	defer func() { s.must(l.Close()) }()
	tallies, err := l.Counts(s.t.Context(), publisher.Selection{})
	s.must(err)
	n := map[publisher.State]int{}
	for _, tally := range tallies {
		if tally.Total() != tally.Lot.Size {
			s.t.Errorf("the states add up to %d, planned were %d", tally.Total(), tally.Lot.Size)
		}
		for state, count := range tally.States {
			n[state] += count
		}
	}
	return n
}

// account holds the ledger against the sink's record.
type account struct {
	accepted, unknown int
	arrived           int // of the unknown: have their mail all the same
	lost              int // no mail, and the ledger does not say so
	twice             int
}

func (s *soak) account() (a account) {
	s.t.Helper()
	data, err := os.ReadFile(s.record)
	s.must(err)
	mails := map[string]int{}
	for line := range strings.Lines(string(data)) {
		who, _, _ := strings.Cut(line, " ")
		mails[who]++
	}
	l := s.open()
	defer func() { s.must(l.Close()) }()
	seen := 0
	s.must(l.Deliveries(s.t.Context(), publisher.DeliveryFilter{}, func(d publisher.Delivery) error {
		seen++
		n := mails[d.Recipient.Email]
		switch {
		case d.State == publisher.StateAccepted:
			a.accepted++
		case d.State == publisher.StateUnknown:
			a.unknown++
			a.arrived += min(n, 1)
		default:
			s.t.Errorf("%s is %v", d.Recipient.Email, d.State)
		}
		if n == 0 && d.State != publisher.StateUnknown {
			a.lost++
		}
		if n > 1 {
			a.twice++
		}
		return nil
	}))
	a.lost += s.readers - seen
	return a
}

// TestSoakInterrupted interrupts one send to 100,000 readers fifty times, at random
// moments: by SIGKILL, after which nobody may be lost or written to twice and no more
// may be in doubt than were on the wire, and by SIGTERM, after which nobody is in doubt.
func TestSoakInterrupted(t *testing.T) {
	long(t)
	const times = 50
	n := 100_000
	if size, err := strconv.Atoi(os.Getenv("SIZE")); err == nil {
		n = size
	}
	for _, engine := range ledgertest.Engines() {
		for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
			t.Run(engine.Name+"/"+signal.String(), func(t *testing.T) {
				s := newSoak(t, engine, n)
				start, hit, most, doubt := time.Now(), 0, 0, 0
				for range times {
					// Mostly somewhere among the mails, sometimes before the first one.
					more, after := rand.IntN(n*18/10/times), time.Minute
					if rand.IntN(5) == 0 {
						more, after = n, time.Duration(rand.IntN(300))*time.Millisecond
					}
					if !s.interrupt(signal, more, after) {
						break
					}
					hit++
					// Whom the dead left leased is in doubt where no logbook tells more; with one, the
					// next run says whom it leaves in doubt.
					c := s.counts()
					now := c[publisher.StateUnknown]
					if engine.Name != "sqlite" || signal == syscall.SIGTERM {
						now += c[publisher.StateLeased]
					}
					most, doubt = max(most, now-doubt), now
				}
				s.finish()
				a := s.account()
				most = max(most, a.unknown-doubt)
				fmt.Printf("soak signal=%v store=%s readers=%d interrupted=%d lost=%d twice=%d accepted=%d unknown=%d of-which-arrived=%d most-unknown-at-once=%d lanes=%d seconds=%.0f\n",
					signal, engine.Name, n, hit, a.lost, a.twice, a.accepted, a.unknown, a.arrived, most, soakLanes, time.Since(start).Seconds())
				switch {
				case hit < times*3/5:
					t.Errorf("only %d of %d signals came while it worked: the test has lost its grip", hit, times)
				case a.lost > 0 || a.twice > 0:
					t.Errorf("%d lost, %d twice", a.lost, a.twice)
				case most > soakLanes || a.unknown > hit*soakLanes:
					t.Errorf("%d unknown, up to %d by one signal, with %d lanes", a.unknown, most, soakLanes)
				case signal == syscall.SIGTERM && a.unknown > 0:
					t.Errorf("%d unknown after nothing but SIGTERM", a.unknown)
				}
			})
		}
	}
}
