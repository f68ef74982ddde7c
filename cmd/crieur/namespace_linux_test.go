package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// alone makes the test binary bring up the loopback interface before it behaves as
// crieur: in a network namespace that has nothing else.
const alone = "CRIEUR_TEST_ALONE"

// bringUpLoopback sets the interface lo up (netdevice(7): SIOCGIFFLAGS, SIOCSIFFLAGS).
func bringUpLoopback() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var req struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(req.name[:], "lo")
	req.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&req))); e != 0 {
		return e
	}
	return nil
}

// TestSandboxNeedsNoNetwork publishes where there is no network at all but loopback.
// Whatever tried to leave would fail, and a name could not be looked up.
func TestSandboxNeedsNoNetwork(t *testing.T) {
	h := newHousehold(t, alone+"=1")
	article, err := filepath.Abs("../../docs/example/marche.md")
	if err != nil {
		t.Fatal(err)
	}
	c := h.command("publish", article, "-o", "json")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatalf("a network namespace cannot be had here (%v): run the tests as root, or allow user namespaces", err)
	}
	if err != nil || !strings.Contains(out.String(), `"accepted": 6`) {
		t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
}
