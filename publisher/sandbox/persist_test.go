package sandbox_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/sandbox"
)

// helper, set in the environment, makes this test binary a sandbox process that
// serves the folder it names.
const helper = "CRIEUR_SANDBOX_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helper); dir != "" {
		serveFolder(dir)
	}
	os.Exit(m.Run())
}

func serveFolder(dir string) {
	templates := os.DirFS("../../templates")
	s, err := sandbox.Start(context.Background(), sandbox.Config{Dir: dir, HTTP: "127.0.0.1:0", SMTP: "127.0.0.1:0", Announce: true,
		Templates: templates, T: func(_, key string, _ ...any) string { return key }})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("ready", s.HTTPURL())
	select {}
}

// process starts a sandbox process on dir; kill ends it with SIGKILL.
func process(t *testing.T, dir string) (kill func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), helper+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	kill = func() {
		if !ended {
			ended = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready ") {
		t.Fatalf("the process says %q: %v", line, err)
	}
	return kill
}

// TestKill kills a sandbox process again and again while mails come in over several
// connections. What was acknowledged must be there, whole, and once.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	big := strings.Repeat("<p>Une ligne de la Gazette, qui en compte bien d’autres.</p>", 400)
	body := func(id string) string {
		return letter(id, map[string]string{"Date": time.Now().Format(time.RFC1123Z), "Content-Type": "text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit",
			"body": strings.ReplaceAll(big, "</p>", "</p>\r\n")})
	}
	for round := range 6 {
		kill := process(t, dir)
		info, ok := sandbox.Running(dir)
		if !ok {
			t.Fatal("not running")
		}
		acks := make(chan string, 10000)
		ended := make(chan bool)
		for worker := range 4 {
			go func() {
				defer func() { ended <- true }()
				pour(info.SMTPAddr, func(n int) (string, string) {
					id := fmt.Sprintf("m%d-%d-%d", round, worker, n)
					return id, body(id)
				}, acks)
			}()
		}
		time.Sleep(time.Duration(40+37*round) * time.Millisecond)
		kill()
		for range 4 {
			<-ended
		}
		close(acks)
		for id := range acks {
			acknowledged[id] = true
		}
		if _, ok := sandbox.Running(dir); ok {
			t.Error("running after its end")
		}
	}
	if len(acknowledged) < 20 {
		t.Fatalf("only %d mails came through: the test shows nothing", len(acknowledged))
	}
	c := config(t)
	c.Dir = dir
	s := start(t, c)
	a := want(t, send(t, call{method: "GET", url: s.HTTPURL() + "/sandbox/mails.json"}), 200)
	seen := map[string]int{}
	for i := range a.json.([]any) {
		id, _ := strings.CutSuffix(a.text(i, "message_id"), "@gazette.example")
		seen[id]++
		if seen[id] > 1 {
			t.Errorf("mail %s is there %d times", id, seen[id])
		}
	}
	for id := range acknowledged {
		if seen[id] == 0 {
			t.Errorf("mail %s was acknowledged and is lost", id)
		}
	}
	last := len(a.json.([]any)) - 1
	for _, i := range []int{0, last / 2, last} {
		raw := want(t, send(t, call{method: "GET", url: s.HTTPURL() + a.text(i, "raw")}), 200)
		if !strings.Contains(raw.body, "<"+a.text(i, "message_id")+">") || !strings.HasSuffix(raw.body, "autres.</p>\r\n") {
			t.Errorf("mail %d is not whole", i)
		}
	}
	t.Logf("%d acknowledged, %d kept", len(acknowledged), len(seen))
}

// pour sends mails over one connection until it breaks.
func pour(addr string, next func(int) (id, mail string), acks chan<- string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	r := textproto.NewReader(bufio.NewReader(conn))
	expect := func(code int) bool {
		got, _, err := r.ReadResponse(0)
		return got == code && (err == nil || got != 0)
	}
	if !expect(220) {
		return
	}
	fmt.Fprint(conn, "EHLO client.example\r\n")
	if !expect(250) {
		return
	}
	for n := 0; ; n++ {
		id, mail := next(n)
		fmt.Fprintf(conn, "MAIL FROM:<lettre@gazette.example> BODY=8BITMIME\r\nRCPT TO:<ana@example.org>\r\nDATA\r\n")
		for _, code := range []int{250, 250, 354} {
			if !expect(code) {
				return
			}
		}
		if _, err := conn.Write([]byte(mail + ".\r\n")); err != nil || !expect(250) {
			return
		}
		acks <- id
	}
}

func TestPersistence(t *testing.T) {
	c := config(t)
	s := start(t, c)
	m := mastodonOf(t, s)
	first := want(t, m.post("key", "Bonjour"), 200)
	b := blueskyOf(t, s)
	want(t, b.put(tid1, record(nil), nil), 200)
	x := xOf(t, s)
	want(t, x.json("/2/tweets", map[string]any{"text": "Bonjour"}), 201)
	token, credentials := b.access, s.Credentials()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = start(t, c)
	if s.Credentials() != credentials {
		t.Error("other credentials")
	}
	if again := want(t, mastodonOf(t, s).post("key", "Bonjour"), 200); again.text("id") != first.text("id") {
		t.Error("the key is forgotten")
	}
	b.base, b.access = s.BaseURL(sandbox.Bluesky)+"/xrpc/", token
	want(t, b.put(tid1, record(nil), nil), 400)
	want(t, xOf(t, s).json("/2/tweets", map[string]any{"text": "Bonjour"}), 403)
}

func TestStartWaitsAndGivesUp(t *testing.T) {
	c := config(t)
	s := start(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := sandbox.Start(ctx, c); publisher.KindOf(err) != publisher.Busy || publisher.HintOf(err) == "" {
		t.Errorf("kind %v: %v", publisher.KindOf(err), err)
	}
	go func() {
		time.Sleep(100 * time.Millisecond)
		s.Close()
	}()
	start(t, c)
}

func TestRunning(t *testing.T) {
	c := config(t)
	if _, ok := sandbox.Running(c.Dir); ok {
		t.Error("running in an empty folder")
	}
	c.Announce = true
	c.PublicURL = "http://127.0.0.1:8025/"
	s, err := sandbox.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	info, ok := sandbox.Running(c.Dir)
	if !ok || *info != s.Info() {
		t.Fatalf("found %v %+v, want %+v", ok, info, s.Info())
	}
	if info.BaseURL(sandbox.X) != s.HTTPURL()+"/x" || info.PublicURL != "http://127.0.0.1:8025" {
		t.Errorf("%+v", info)
	}
	path := filepath.Join(c.Dir, "running.json")
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && stat.Mode().Perm() != 0o600 {
		t.Errorf("the credentials' file is %v", stat.Mode())
	}
	stale, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Whoever wants the folder for itself is told at once who has it.
	if _, err := sandbox.Start(t.Context(), c); publisher.KindOf(err) != publisher.Busy || !strings.Contains(err.Error(), s.HTTPURL()) {
		t.Errorf("kind %v: %v", publisher.KindOf(err), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	// The file of a killed process, whose port another one has taken.
	if err := os.WriteFile(path, stale, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := sandbox.Running(c.Dir); ok {
		t.Error("running after its end")
	}
	c.Announce = false
	start(t, c)
}

func TestTakenPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := config(t)
	c.HTTP, c.SMTP, c.PublicURL = taken.Addr().String(), taken.Addr().String(), "http://"+taken.Addr().String()
	s := start(t, c)
	if s.HTTPURL() == c.PublicURL || s.SMTPAddr() == c.SMTP || s.Info().PublicURL != c.PublicURL {
		t.Errorf("%+v", s.Info())
	}
	a := want(t, mastodonOf(t, s).post("", "Bonjour"), 200)
	if !strings.HasPrefix(a.text("url"), c.PublicURL+"/mastodon/") {
		t.Errorf("url %q", a.text("url"))
	}
	c = config(t)
	c.HTTP = "here"
	if _, err := sandbox.Start(t.Context(), c); publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("kind %v: %v", publisher.KindOf(err), err)
	}
}
