package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// openSMTPD is where .ci/deps unpacks OpenSMTPD: its package cannot be installed
// beside Postfix's.
const openSMTPD = "/usr/local/lib/crieur-tests/opensmtpd"

// startOpenSMTPD starts an OpenSMTPD of our own that keeps all mail for example.org in
// one maildir, and gives its address and that folder. It knows no PIPELINING. Its
// folders and users are compiled in, so it gets them in a mount namespace of its own.
func startOpenSMTPD(t *testing.T) (addr, box string) {
	t.Helper()
	installed(t, openSMTPD+"/usr/sbin/smtpd")
	dir, err := os.MkdirTemp("/tmp", "crieur-mx-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"run", "mail", "etc", "spool/smtpd", "lib/opensmtpd/empty"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	do(t, "chown", "nobody", dir+"/mail")
	do(t, "chmod", "711", dir+"/spool/smtpd", dir+"/lib/opensmtpd/empty")
	if addr, err = freeAddr(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"smtpd.conf": fmt.Sprintf(`listen on 127.0.0.1 port %s hostname mx.example.org
table vusers { "@" = "nobody" }
action "store" maildir "%s/mail/box" virtual <vusers>
match from any for domain "example.org" action "store"
`, port, dir)}
	for name, line := range map[string]string{
		"passwd": "opensmtpd:x:64001:64001::/var/lib/opensmtpd/empty:/bin/false\nopensmtpq:x:64002:64002::/var/lib/opensmtpd/empty:/bin/false\n",
		"group":  "opensmtpd:x:64001:\nopensmtpq:x:64002:\n",
	} {
		data, err := os.ReadFile("/etc/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files["etc/"+name] = string(data) + line
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	do(t, "chmod", "644", dir+"/etc/passwd", dir+"/etc/group")
	script := strings.NewReplacer("DIR", dir, "PACKAGE", openSMTPD).Replace(`set -e
mount --bind DIR/etc/passwd /etc/passwd
mount --bind DIR/etc/group /etc/group
mount --bind DIR/spool /var/spool
mount --bind DIR/lib /var/lib
mount --bind DIR/run /run
mount --bind PACKAGE/usr/libexec /usr/libexec
exec PACKAGE/usr/sbin/smtpd -d -f DIR/smtpd.conf`)
	c := exec.Command("unshare", "-m", "sh", "-c", script)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if probe, err := net.Dial("tcp", addr); err == nil {
			_ = probe.Close()
			return addr, filepath.Join(dir, "mail", "box", "new")
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("OpenSMTPD ended: %v\n%s", err, said.Bytes())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("OpenSMTPD does not answer")
		}
	}
}
