package dispatch_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// The kill test runs real processes against one ledger and kills them with SIGKILL
// at random moments. What their mailer and networks took in is kept in files, as a
// server would keep it, and added up against the ledger at the end.

const (
	victimEnv   = "CRIEUR_TEST_VICTIM"
	killReaders = 2000
	killLanes   = 8
	killParts   = 12
	killLease   = 500 * time.Millisecond
)

// orders is what a victim is told to do.
type orders struct {
	Config ledger.Config
	Sink   string
	Policy dispatch.Policy
}

func (o orders) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d|%s|%s|%s", o.Policy, o.Sink, o.Config.Dir, o.Config.DSN), nil
}

func (o *orders) UnmarshalText(text []byte) error {
	f := strings.SplitN(string(text), "|", 4)
	_, err := fmt.Sscan(f[0], &o.Policy)
	o.Sink, o.Config = f[1], ledger.Config{Dir: f[2], DSN: f[3]}
	return err
}

func (o orders) dispatcher(l *ledger.Ledger) *dispatch.Dispatcher {
	return dispatch.New(dispatch.Config{Ledger: l, Mailer: fileMailer(o.Sink), Letter: letter, Merge: merge, Lanes: killLanes, Lease: killLease,
		Unknown: func(string) dispatch.Policy { return o.Policy },
		Networks: map[string]publisher.Network{
			"keyed":   &fileNetwork{dir: o.Sink, name: "keyed", keyed: true},
			"finding": fileFinder{&fileNetwork{dir: o.Sink, name: "finding"}},
		}})
}

// victim is the process that gets killed.
func victim() {
	var o orders
	if err := o.UnmarshalText([]byte(os.Getenv(victimEnv))); err != nil {
		panic(err)
	}
	l, err := ledger.Open(context.Background(), o.Config)
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	if _, err := o.dispatcher(l).Run(context.Background(), publisher.Selection{}, nil); err != nil {
		panic(err)
	}
	fmt.Println("done")
}

// fileMailer is the SMTP server's end: a line for every mail it took.
type fileMailer string

func (dir fileMailer) Send(_ context.Context, m publisher.Mail) (publisher.Receipt, error) {
	time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
	if err := appendLine(filepath.Join(string(dir), "mail"), m.To.Email+" "+m.MessageID()); err != nil {
		return publisher.Receipt{}, err
	}
	time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
	return publisher.Receipt{ID: m.MessageID(), Reply: "250 OK"}, nil
}

func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(line + "\n")
	return err
}

func lines(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), err
}

// fileNetwork is a network's end: a line for every post that it shows.
type fileNetwork struct {
	dir, name string
	keyed     bool
}

func (n *fileNetwork) path() string { return filepath.Join(n.dir, n.name) }

func (n *fileNetwork) Traits() publisher.Traits {
	t := publisher.Traits{Network: n.name}
	if n.keyed {
		t.Keyed = time.Hour
	}
	return t
}

func (n *fileNetwork) Post(_ context.Context, p publisher.Post) (publisher.Receipt, error) {
	time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
	line := p.Text
	if p.Parent != nil {
		line += " answers " + p.Parent.ID
	}
	if err := n.show(p.Key, line); err != nil {
		return publisher.Receipt{}, err
	}
	time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
	return publisher.Receipt{ID: p.Key}, nil
}

// show makes a post public, in one step that no kill can split. A server that knows
// keys keeps a file for each, and who comes second gets the first one's post.
func (n *fileNetwork) show(key, line string) error {
	if !n.keyed {
		return appendLine(n.path(), line)
	}
	draft := fmt.Sprintf("%s.%d.draft", n.path(), os.Getpid())
	os.Remove(draft) // of a victim that had the same number
	if err := os.WriteFile(draft, []byte(line+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Link(draft, n.path()+"-"+key); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Remove(draft) // the next one must not write into this one's file
}

// posts gives what the network shows, thread by thread in its order.
func (n *fileNetwork) posts() ([]string, error) {
	if !n.keyed {
		return lines(n.path())
	}
	var all []string
	for i := range killParts {
		found, err := lines(n.path() + "-" + publisher.DeliveryKey("i", n.name, fmt.Sprint(i+1)))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// fileFinder can be asked, and takes no notice of keys.
type fileFinder struct{ *fileNetwork }

func (n fileFinder) Find(_ context.Context, p publisher.Post) (publisher.Receipt, bool, error) {
	found, err := lines(n.path())
	if err != nil {
		return publisher.Receipt{}, false, err
	}
	for _, line := range found {
		if line == p.Text || strings.HasPrefix(line, p.Text+" answers ") {
			return publisher.Receipt{ID: p.Key}, true, nil
		}
	}
	return publisher.Receipt{}, false, nil
}

func TestKill(t *testing.T) {
	for _, e := range ledgertest.Engines() {
		for name, policy := range map[string]dispatch.Policy{"leave": dispatch.Leave, "resend": dispatch.Resend} {
			t.Run(e.Name+"/"+name, func(t *testing.T) {
				o := orders{Config: e.New(t), Sink: t.TempDir(), Policy: policy}
				l := ledgertest.Open(t, o.Config)
				subscribe(t, l, killReaders)
				if _, err := o.dispatcher(l).Plan(t.Context(), publisher.Issue{ID: "i", Created: time.Now()},
					texts(true, map[string]int{"keyed": killParts, "finding": killParts}), daily); err != nil {
					t.Fatal(err)
				}
				kills := 0
				for kills < 20 && o.kill(t) {
					kills++
				}
				o.finish(t, l)
				o.addUp(t, l, kills)
			})
		}
	}
}

// kill starts a victim and kills it, and reports whether it came to that.
func (o orders) kill(t *testing.T) bool {
	t.Helper()
	text, err := o.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+string(text))
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	if !said.Scan() {
		cmd.Wait()
		t.Fatalf("the victim did not start:\n%s", problems.Bytes())
	}
	time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	done := said.Scan()
	if err := cmd.Wait(); err != nil && problems.Len() > 0 {
		t.Fatalf("the victim died of something else:\n%s", problems.Bytes())
	}
	return !done
}

// finish runs until nothing is left to do.
func (o orders) finish(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	for range 10 {
		r, err := o.dispatcher(l).Run(t.Context(), publisher.Selection{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Count(planned)+r.Count(deferred)+r.Count(publisher.StateLeased) == 0 {
			return
		}
		time.Sleep(killLease) // leases of the dead, where time ends them
	}
	t.Fatal("it does not come to an end")
}

func (o orders) addUp(t *testing.T, l *ledger.Ledger, kills int) {
	t.Helper()
	took, err := lines(filepath.Join(o.Sink, "mail"))
	if err != nil {
		t.Fatal(err)
	}
	mails, ids := map[string]int{}, map[string]map[string]bool{}
	for _, line := range took {
		address, id, _ := strings.Cut(line, " ")
		mails[address]++
		if ids[address] == nil {
			ids[address] = map[string]bool{}
		}
		ids[address][id] = true
	}
	doubt, doubtful, twice := 0, 0, 0
	err = l.Deliveries(t.Context(), publisher.DeliveryFilter{Channel: "daily"}, func(d publisher.Delivery) error {
		n := mails[d.Recipient.Email]
		switch {
		case d.State == accepted && n == 0:
			t.Errorf("%s is accepted and has no mail", d.Recipient.Email)
		case d.State == accepted && n > 1 && o.Policy == dispatch.Leave:
			t.Errorf("%s has %d mails", d.Recipient.Email, n)
		case d.State == unknown && o.Policy == dispatch.Leave:
			doubt++
			doubtful += n
			if n > 1 {
				t.Errorf("%s has %d mails", d.Recipient.Email, n)
			}
		case d.State != accepted:
			t.Errorf("%s is %v", d.Recipient.Email, d.State)
		}
		if n > 1 {
			twice++
		}
		if len(ids[d.Recipient.Email]) > 1 {
			t.Errorf("%s has one mail under several Message-IDs", d.Recipient.Email)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if most := kills * killLanes; doubt > most || twice > most {
		t.Errorf("%d unknown and %d twice after %d kills with %d lanes", doubt, twice, kills, killLanes)
	}
	for name, keyed := range map[string]bool{"keyed": true, "finding": false} {
		posts, err := (&fileNetwork{dir: o.Sink, name: name, keyed: keyed}).posts()
		if err != nil {
			t.Fatal(err)
		}
		for i := range killParts {
			want := fmt.Sprintf("%s %d", name, i+1)
			if i > 0 {
				want += " answers " + publisher.DeliveryKey("i", name, fmt.Sprint(i))
			}
			if i >= len(posts) || posts[i] != want {
				t.Fatalf("on %s stand the posts %q, want %q next", name, posts, want)
			}
		}
		if len(posts) != killParts {
			t.Errorf("on %s stand %d posts, want %d", name, len(posts), killParts)
		}
	}
	t.Logf("%d kills: %d mails to %d readers, %d unknown (of which %d had gone out), %d twice", kills, len(took), killReaders, doubt, doubtful, twice)
}
