package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
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

// TestFleet proves in small what the soaks prove at length. The proofs wait most of
// their time, so they run side by side.
func TestFleet(t *testing.T) {
	engines := ledgertest.Engines()
	var all sync.WaitGroup
	for name, proof := range map[string]func(*testing.T){
		"one of three killed, one frozen": func(t *testing.T) { losses(t, 900, 4) },
		"all stopped, ended, gone on":     func(t *testing.T) { stops(t, 900, 4) },
		"database away":                   func(t *testing.T) { outage(t, 600, 4, 5*time.Second) },
		"killed again and again":          func(t *testing.T) { killings(t, 800, 4, 6) },
		"state copied":                    func(t *testing.T) { copies(t, 300, 4) },
		"configuration broken":            func(t *testing.T) { breaks(t, 400, 4) },
		"clock set back on SQLite":        func(t *testing.T) { setClock(t, "sqlite", ledger.Config{}, -time.Hour, 400, 4) },
		"clock set back on PostgreSQL":    func(t *testing.T) { setClock(t, "postgres", engines[1].New(t), -time.Hour, 400, 4) },
	} {
		all.Go(func() { t.Run(name, proof) })
	}
	all.Wait()
}

// perMail is how long the sink of a fleet takes for a message, as one on the network does.
const perMail = 50 * time.Millisecond

// A fleet is one send by processes of the real program that do what is due.
type fleet struct {
	*soak
	members []*member
}

// A member is one process of a fleet.
type member struct {
	*exec.Cmd
	f     *fleet
	url   string
	log   *syncBuffer
	ended chan struct{}
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newFleet(t *testing.T, store ledger.Config, readers, lanes int) *fleet {
	t.Helper()
	return &fleet{soak: makeSoak(t, store, setup{readers: readers, connections: lanes, sink: "light"}, row{dkim: "no", work: perMail})}
}

// size is how many readers a fleet has: SIZE in a soak, where it is given.
func soakSize(otherwise int) int {
	if size, err := strconv.Atoi(os.Getenv("SIZE")); err == nil {
		return size
	}
	return otherwise
}

// plan plans the issue, to go out when it is released.
func (f *fleet) plan() {
	f.t.Helper()
	out, err := f.crieurs("send", f.article, "--yes", "-q", "--at", time.Now().Add(24*time.Hour).Format(time.RFC3339)).CombinedOutput()
	if err != nil {
		f.t.Fatalf("plan the issue: %v\n%s", err, out)
	}
}

// release lets it go at once, and gives the moment.
func (f *fleet) release() time.Time {
	f.t.Helper()
	l := f.open()
	defer func() { f.must(l.Close()) }()
	lots, err := l.Lots(f.t.Context(), publisher.Selection{Open: true})
	f.must(err)
	for _, lot := range lots {
		// Due for long: a clock that is set back an hour does not make it early again.
		f.must(l.Reschedule(f.t.Context(), lot.ID, time.Now().Add(-90*time.Minute)))
	}
	return time.Now()
}

// start starts a process and waits until it says that it works.
func (f *fleet) start(args ...string) *member {
	f.t.Helper()
	m := &member{Cmd: f.crieurs(args...), f: f, log: new(syncBuffer), ended: make(chan struct{})}
	out, err := m.StdoutPipe()
	f.must(err)
	m.Stderr = m.log
	f.must(m.Start())
	f.members = append(f.members, m)
	said := make(chan string, 1)
	go func() {
		buf := make([]byte, 256)
		n, _ := out.Read(buf)
		said <- string(buf[:n])
		_, _ = io.Copy(io.Discard, out)
		_ = m.Wait()
		close(m.ended)
	}()
	f.t.Cleanup(func() { m.signal(syscall.SIGKILL) })
	select {
	case line := <-said:
		if !strings.Contains(line, "working") && !strings.Contains(line, "serving on") {
			f.t.Fatalf("crieur %s says %q\n%s", strings.Join(args, " "), line, m.log)
		}
		for word := range strings.FieldsSeq(line) {
			if strings.HasPrefix(word, "http://") {
				m.url = word
			}
		}
	case <-time.After(30 * time.Second):
		f.t.Fatalf("crieur %s says nothing\n%s", strings.Join(args, " "), m.log)
	}
	return m
}

// signal sends a signal; after SIGKILL it waits for the end.
func (m *member) signal(s syscall.Signal) {
	_ = m.Process.Signal(s)
	if s == syscall.SIGKILL {
		<-m.ended
	}
}

// end waits for a process that was told to, and gives how long it took.
func (m *member) end(limit time.Duration) time.Duration {
	m.f.t.Helper()
	start := time.Now()
	select {
	case <-m.ended:
	case <-time.After(limit):
		m.f.t.Errorf("a process has not ended %v after SIGTERM\n%s", limit, m.log)
		m.signal(syscall.SIGKILL)
	}
	if code := m.ProcessState.ExitCode(); code != 0 {
		m.f.t.Errorf("a process ended with exit code %d\n%s", code, m.log)
	}
	return time.Since(start)
}

// disband ends all processes as they should, and tells what they logged if the test
// has failed.
func (f *fleet) disband() {
	f.t.Helper()
	for _, m := range f.members {
		select {
		case <-m.ended:
		default:
			m.signal(syscall.SIGTERM)
			m.end(40 * time.Second)
		}
	}
	if f.t.Failed() {
		for i, m := range f.members {
			f.t.Logf("process %d:\n%s", i, m.log)
		}
	}
}

// until waits for a condition.
func (f *fleet) until(what string, limit time.Duration, ok func() bool) time.Time {
	f.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			for i, m := range f.members {
				f.t.Logf("process %d:\n%s", i, m.log)
			}
			f.t.Fatalf("waited in vain for: %s; %d mails, ledger %v", what, f.recorded(), f.counts())
		}
	}
	return time.Now()
}

// done waits until nothing waits any more, and gives when the last mail was accepted.
func (f *fleet) done(limit time.Duration) {
	f.t.Helper()
	look := time.Now()
	f.until("the end of the send", limit, func() bool {
		if time.Since(look) < 500*time.Millisecond {
			return false
		}
		look = time.Now()
		n := f.counts()
		return n[publisher.StatePlanned]+n[publisher.StateLeased]+n[publisher.StateDeferred] == 0
	})
}

// last is when the sink accepted its last message.
func (f *fleet) last() (last time.Time) {
	f.t.Helper()
	data, err := os.ReadFile(f.record)
	f.must(err)
	for line := range strings.Lines(string(data)) {
		_, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(at, 10, 64)
		f.must(err)
		if t := time.Unix(0, n); t.After(last) {
			last = t
		}
	}
	return last
}

// between gives how many messages the sink accepted from one moment to another.
func (f *fleet) between(from, to time.Time) (n int) {
	f.t.Helper()
	data, err := os.ReadFile(f.record)
	f.must(err)
	for line := range strings.Lines(string(data)) {
		_, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		ns, err := strconv.ParseInt(at, 10, 64)
		f.must(err)
		if t := time.Unix(0, ns); !t.Before(from) && t.Before(to) {
			n++
		}
	}
	return n
}

// readyz gives what a member says of itself.
func (m *member) readyz() string {
	c := http.Client{Timeout: 5 * time.Second}
	res, err := c.Get(m.url + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return fmt.Sprintf("%d %s", res.StatusCode, body)
}

// hold wants an account without loss, and no more in doubt than may be.
func (a account) hold(t *testing.T, doubt int) {
	t.Helper()
	if a.lost > 0 || a.twice > 0 {
		t.Errorf("%d lost, %d twice", a.lost, a.twice)
	}
	if a.unknown > doubt {
		t.Errorf("%d unknown, and no more than %d could be on the wire", a.unknown, doubt)
	}
}
