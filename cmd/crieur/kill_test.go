package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// asCrieur makes the test binary behave as crieur itself, so that a test can kill it.
const asCrieur = "CRIEUR_TEST_AS_CRIEUR"

// A household is a folder with a configuration, and the environment that gives it
// ports of its own.
type household struct {
	t       *testing.T
	dir     string
	env     []string
	sandbox string // base address of the sandbox's page
}

func newHousehold(t *testing.T, env ...string) *household {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	h := &household{t: t, dir: t.TempDir(), env: append(os.Environ(), asCrieur+"=1")}
	config, err := os.ReadFile(filepath.Join(root, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	h.write("config.yaml", string(config))
	for _, name := range []string{"CRIEUR_SANDBOX_LISTEN", "CRIEUR_SANDBOX_SMTP", "CRIEUR_SERVER_LISTEN"} {
		addr, err := freeAddr()
		if err != nil {
			t.Fatal(err)
		}
		h.env = append(h.env, name+"="+addr)
		if name == "CRIEUR_SANDBOX_LISTEN" {
			h.sandbox = "http://" + addr
		}
	}
	h.env = append(h.env, env...)
	return h
}

func (h *household) write(name, text string) string {
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func (h *household) command(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Dir, c.Env = h.dir, h.env
	return c
}

// run runs crieur to its end and gives what it printed, its exit code being one of
// those that are fine.
func (h *household) run(fine []int, args ...string) []byte {
	h.t.Helper()
	c := h.command(args...)
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatal(err)
	}
	if code := c.ProcessState.ExitCode(); !slices.Contains(fine, code) {
		h.t.Fatalf("crieur %s: exit code %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
	return []byte(out.String())
}

// kill starts crieur and kills it when the moment comes; it reports whether it was
// still running then.
func (h *household) kill(when <-chan time.Time, args ...string) bool {
	h.t.Helper()
	c := h.command(args...)
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-ended:
		return false
	case <-when:
	}
	_ = c.Process.Kill()
	<-ended
	return !c.ProcessState.Exited()
}

// serveSandbox runs `crieur sandbox` as a process of its own until the test ends.
func (h *household) serveSandbox(args ...string) {
	h.t.Helper()
	c := h.command(append([]string{"sandbox"}, args...)...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Process.Signal(os.Interrupt); _ = c.Wait() })
	deadline := time.Now().Add(20 * time.Second)
	for {
		res, err := http.Get(h.sandbox + "/sandbox/health")
		if err == nil {
			res.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("the sandbox does not answer: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (h *household) arrived(what string, v any) {
	h.t.Helper()
	res, err := http.Get(h.sandbox + "/sandbox/" + what + ".json")
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
}

// after gives a channel that tells when n more mails than now have arrived.
func (h *household) after(n int) <-chan time.Time {
	count := func() int {
		var mails []arrivedMail
		h.arrived("mails", &mails)
		return len(mails)
	}
	when, goal := make(chan time.Time, 1), count()+n
	go func() {
		for range 5000 {
			if count() > goal {
				break
			}
			time.Sleep(time.Millisecond)
		}
		when <- time.Now()
	}()
	return when
}

type arrivedMail struct {
	To        string `json:"to"`
	MessageID string `json:"message_id"`
}

type statusView struct {
	Counts     map[string]int `json:"counts"`
	Deliveries []struct {
		Channel   string `json:"channel"`
		Recipient string `json:"recipient"`
		State     string `json:"state"`
	} `json:"deliveries"`
}

const (
	killReaders = 2000
	killTimes   = 20
	killLanes   = 4
)

// TestKilledAtAnyMoment kills publish at random moments, runs it again each time,
// and adds up what arrived and what the ledger says: design.md, “After a crash”.
func TestKilledAtAnyMoment(t *testing.T) {
	for _, policy := range []string{"leave", "resend"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			h := newHousehold(t, "CRIEUR_NEWSLETTERS_QUOTIDIEN_UNKNOWN="+policy, fmt.Sprintf("CRIEUR_SMTP_MAIN_CONNECTIONS=%d", killLanes))
			h.readers(killReaders)
			h.serveSandbox()
			article := filepath.Join("..", "..", "docs", "example", "article.txt")
			if abs, err := filepath.Abs(article); err == nil {
				article = abs
			}
			kills := 0
			for range killTimes {
				// Sometimes at the start, mostly somewhere among the mails.
				when := h.after(rand.IntN(killReaders / killTimes))
				if rand.IntN(4) == 0 {
					when = time.After(time.Duration(20+rand.IntN(150)) * time.Millisecond)
				}
				if h.kill(when, "publish", article, "-q") {
					kills++
				}
			}
			out := h.run([]int{exitDone, exitUnknown}, "publish", article, "-o", "json")
			var result statusView
			if err := json.Unmarshal(out, &result); err != nil {
				t.Fatal(err)
			}
			var mails []arrivedMail
			h.arrived("mails", &mails)
			t.Logf("policy %s: %d kills in flight, %d mails arrived, ledger %v", policy, kills, len(mails), result.Counts)
			if kills < killTimes/2 {
				t.Errorf("only %d of %d kills hit: the test has lost its grip", kills, killTimes)
			}
			h.account(policy, kills, result, mails)
			h.onePostEach(3)
		})
	}
}

// readers imports n invented readers.
func (h *household) readers(n int) {
	var b strings.Builder
	b.WriteString("email,name\n")
	for i := range n {
		fmt.Fprintf(&b, "lecteur%05d@example.org,Lecteur %d\n", i, i)
	}
	h.run([]int{exitDone}, "import", h.write("readers.csv", b.String()))
}

// account holds what arrived against what the ledger says.
func (h *household) account(policy string, kills int, ledger statusView, mails []arrivedMail) {
	h.t.Helper()
	ids := map[string]map[string]int{}
	for _, m := range mails {
		if ids[m.To] == nil {
			ids[m.To] = map[string]int{}
		}
		ids[m.To][m.MessageID]++
	}
	named, unknown, seen := 0, 0, 0
	for _, d := range ledger.Deliveries {
		if d.Recipient == "" {
			if d.State != "accepted" {
				h.t.Errorf("the post to %s is %s", d.Channel, d.State)
			}
			continue
		}
		seen++
		copies := 0
		for _, n := range ids[d.Recipient] {
			copies += n
		}
		switch d.State {
		case "accepted":
			if copies == 0 {
				h.t.Errorf("%s has no mail, and the ledger says accepted", d.Recipient)
			}
		case "unknown":
			unknown++
			if copies == 0 {
				named++
			}
		default:
			h.t.Errorf("%s is %s", d.Recipient, d.State)
		}
		if len(ids[d.Recipient]) > 1 {
			h.t.Errorf("%s has mails with %d different Message-IDs", d.Recipient, len(ids[d.Recipient]))
		}
		if policy == "leave" && copies > 1 {
			h.t.Errorf("%s has %d mails under the policy leave", d.Recipient, copies)
		}
	}
	if seen != killReaders {
		h.t.Errorf("the ledger knows %d readers, want %d", seen, killReaders)
	}
	if policy == "resend" && unknown > 0 {
		h.t.Errorf("%d readers are unknown under the policy resend", unknown)
	}
	if most := kills * killLanes; unknown > most {
		h.t.Errorf("%d readers are unknown, more than the %d that were in flight at the kills", unknown, most)
	}
	h.t.Logf("%d unknown, of whom %d have no mail", unknown, named)
}

// onePostEach wants n posts in the sandbox, and none of them twice.
func (h *household) onePostEach(n int) {
	h.t.Helper()
	var posts []struct {
		Network string `json:"network"`
		Text    string `json:"text"`
	}
	h.arrived("posts", &posts)
	seen := map[string]int{}
	for _, p := range posts {
		seen[p.Network+": "+p.Text]++
	}
	for text, times := range seen {
		if times != 1 {
			h.t.Errorf("stands %d times: %.80s", times, text)
		}
	}
	if len(posts) != n {
		h.t.Errorf("%d posts stand on the networks, want %d", len(posts), n)
	}
}

// TestKilledWhilePosting kills where it hurts posts: in the first moments, many
// times, with many articles.
func TestKilledWhilePosting(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, "CRIEUR_CHANNELS_X_FIND_AFTER=300ms")
	h.serveSandbox()
	const articles = 10
	write := func(i int) string {
		return h.write(fmt.Sprintf("article%d.md", i), fmt.Sprintf("---\ntitle: Nouvelle numéro %d\nlang: fr\n---\n\nLe texte de la nouvelle numéro %d.\n", i, i))
	}
	// How long a whole run takes here says when to kill the others.
	start := time.Now()
	h.run([]int{exitDone}, "post", write(articles))
	whole := time.Since(start)
	kills := 0
	for i := range articles {
		src := write(i)
		for range 3 {
			if h.kill(time.After(whole/4+rand.N(whole*3/4)), "post", src, "-q") {
				kills++
			} else {
				whole = max(whole*3/4, 20*time.Millisecond) // it was measured while other tests ran beside it
			}
		}
		h.run([]int{exitDone}, "post", src)
	}
	t.Logf("%d kills hit", kills)
	if kills < articles/2 {
		t.Errorf("only %d kills hit: the test has lost its grip", kills)
	}
	h.onePostEach(3 * (articles + 1))
}
