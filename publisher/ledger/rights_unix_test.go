//go:build unix

package ledger_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

// As root every folder can be written, so someone else looks.
func TestOpenWithoutRights(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if os.Getenv("CRIEUR_TEST_DIR") != "" {
		dir = os.Getenv("CRIEUR_TEST_DIR")
	} else {
		if err := os.Mkdir(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			asNobody(t, dir)
			return
		}
	}
	_, err := ledger.Open(t.Context(), ledger.Config{Dir: dir})
	if publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
		t.Fatalf("got %v of kind %v", err, publisher.KindOf(err))
	}
}

// asNobody runs the calling test again, in a process that is not root's.
func asNobody(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Fatal("root on this system: run the tests as somebody else")
	}
	// The test's binary lies in a folder that only root can enter.
	bin, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(os.TempDir(), fmt.Sprintf("crieur-nobody-%d.test", os.Getpid()))
	if err := os.WriteFile(copied, bin, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(copied)
	for parent := filepath.Dir(dir); parent != os.TempDir() && len(parent) > 1; parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(copied, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), "CRIEUR_TEST_DIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("as nobody: %v\n%s", err, out)
	}
}
