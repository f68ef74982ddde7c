package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"crieur/publisher/ledger/ledgertest"
)

func TestMain(m *testing.M) {
	if os.Getenv(asCrieur) != "" {
		if os.Getenv(alone) != "" {
			if err := bringUpLoopback(); err != nil {
				panic(err)
			}
		}
		os.Exit(mainCode())
	}
	testscript.Main(tests{m}, map[string]func(){"crieur": func() { os.Exit(mainCode()) }})
}

// tests are the package's, with the database server that some of them start.
type tests struct{ m *testing.M }

func (t tests) Run() int { return ledgertest.Main(t.m) }

// sitePage is the front page that init looks at.
const sitePage = `<!doctype html><html lang="fr-FR"><head><title>Le Petit Écho – l’actualité du quartier</title>
<meta name="theme-color" content="#123456"><link rel="alternate" type="application/rss+xml" href="/feed">
</head><body><h1>Le Petit Écho</h1><a href="https://www.paypal.com/donate?id=1">Soutenir</a></body></html>`

// TestScripts runs the command line as its users do. Each script has its own
// folder, state and ports.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if file, ok := strings.CutPrefix(r.URL.Path, "/files/"); ok { // what a script wrote
			// Without Last-Modified, which knows no more than seconds.
			data, err := os.ReadFile(filepath.Join(r.URL.Query().Get("dir"), filepath.Base(file)))
			if err != nil {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = w.Write(data)
			return
		}
		_, _ = io.WriteString(w, sitePage)
	}))
	t.Cleanup(site.Close)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			config, err := os.ReadFile(filepath.Join(root, "config.yaml"))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(e.WorkDir, "config.yaml"), config, 0o644); err != nil {
				return err
			}
			e.Setenv("ROOT", root)
			e.Setenv("SITE", site.URL)
			e.Setenv("EXAMPLE", filepath.Join(root, "docs", "example"))
			e.Setenv("SHARED", filepath.Join(root, "..", "shared"))
			for _, name := range []string{"CRIEUR_SANDBOX_LISTEN", "CRIEUR_SANDBOX_SMTP", "CRIEUR_SERVER_LISTEN"} {
				addr, err := freeAddr()
				if err != nil {
					return err
				}
				e.Setenv(name, addr)
				if name == "CRIEUR_SERVER_LISTEN" {
					e.Setenv("CRIEUR_SERVER_PUBLIC_URL", "http://"+addr)
				}
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "shared" {
				return haveShared(root)
			}
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("no condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode": exitCode, "make": makeFile, "json": jsonPath, "oneclick": oneClick, "getall": getAll, "waitfor": waitFor, "replace": replace, "noheader": noHeader, "posts": postsWith,
			"mode": fileMode, "verifies": verifies, "dns": dns, "healthy": healthy, "linked": linked, "issueof": issueOf, "relay": relay,
			"bounced": bounced, "appendto": appendTo, "mails": mailsTo, "mailholds": mailHolds, "press": press,
			"mailbox": mailboxOf(), "hook": hook,
		},
	})
}

// haveShared reports whether the folder of others' test vectors stands beside the
// clone. In CI it has to.
func haveShared(root string) (bool, error) {
	_, err := os.Stat(filepath.Join(root, "..", "shared", "example"))
	if err != nil && os.Getenv("CI") == "true" {
		return false, fmt.Errorf("the shared folder is needed in CI: %w", err)
	}
	return err == nil, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// exitcode N ARG… runs crieur and wants exactly this exit code.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode N COMMAND ARG…")
	}
	want := args[0]
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != want {
		ts.Fatalf("exit code %s, want %s", got, want)
	}
}

// make KIND FILE [N] makes files that a script cannot hold.
func makeFile(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[1])
	var data []byte
	switch args[0] {
	case "empty":
	case "binary":
		data = bytes.Repeat([]byte{0x7f, 'E', 'L', 'F', 0, 1, 2, 0xff}, 512)
	case "huge":
		data = append([]byte("Un titre\n\n"), bytes.Repeat([]byte("Une phrase de plus, pour voir.\n\n"), 50<<20/32)...)
	case "longtitle":
		data = []byte("---\ntitle: " + strings.Repeat("T", 10_000) + "\nlang: fr\n---\n\nDu texte.\n")
	case "readers":
		var b bytes.Buffer
		b.WriteString("email,name\n")
		n := 0
		fmt.Sscan(args[2], &n)
		for i := range n {
			fmt.Fprintf(&b, "lecteur%04d@example.org,Lecteur %d\n", i, i)
		}
		data = b.Bytes()
	default:
		ts.Fatalf("make: no kind %q", args[0])
	}
	ts.Check(os.WriteFile(path, data, 0o644))
}

// replace FILE OLD NEW changes text in a file; it fails where there is none of it.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	old := strings.ReplaceAll(args[1], `\n`, "\n")
	if !strings.Contains(string(data), old) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, []byte(strings.Replace(string(data), old, strings.ReplaceAll(args[2], `\n`, "\n"), 1)), 0o644))
}
