package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A postfix is a Postfix of our own that hands mail to a Dovecot of our own, both in
// one folder and on ports of their own. No mail leaves the machine: what is not for
// example.org is refused.
type postfix struct {
	t          *testing.T
	dir        string
	smtp, imap string
}

// installed wants programs of Debian's packages, which .ci/deps installs.
func installed(t *testing.T, paths ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("mail servers change their user, so this test wants root")
	}
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("%v: sh .ci/deps installs what is missing", err)
		}
	}
}

// do runs a program that has to end well. What it starts and leaves behind may keep
// its output open, so that is a file.
func do(t *testing.T, name string, args ...string) {
	t.Helper()
	said, err := os.CreateTemp(t.TempDir(), "said")
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = said, said
	if err := c.Run(); err != nil {
		out, _ := os.ReadFile(said.Name())
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

const mailPassword = "test"

// startPostfix starts both. Postfix answers the recipients in refused with an SMTP
// error, until forgive.
func startPostfix(t *testing.T, refused map[string]string) *postfix {
	t.Helper()
	installed(t, "/usr/sbin/postfix", "/usr/sbin/dovecot", "/usr/lib/dovecot/lmtp", "/usr/lib/dovecot/imap")
	// Not t.TempDir: a socket's path must stay under 108 bytes.
	dir, err := os.MkdirTemp("/tmp", "crieur-mx-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &postfix{t: t, dir: dir}
	for _, addr := range []*string{&p.smtp, &p.imap} {
		if *addr, err = freeAddr(); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"etc", "spool", "data", "mail", "dove"} {
		if err := os.Mkdir(p.path(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	do(t, "chown", "postfix", p.path("data"))
	do(t, "chown", "nobody", p.path("mail"))
	p.refuse(refused)
	p.write("etc/main.cf", p.mainCf())
	p.write("etc/master.cf", p.masterCf())
	p.write("dovecot.conf", p.dovecotConf())
	do(t, "dovecot", "-c", p.path("dovecot.conf"))
	t.Cleanup(func() { do(t, "doveadm", "-c", p.path("dovecot.conf"), "stop") })
	do(t, "postfix", "-c", p.path("etc"), "start")
	t.Cleanup(func() { do(t, "postfix", "-c", p.path("etc"), "stop") })
	p.wait("Postfix to answer", 20*time.Second, func() bool {
		c, err := net.Dial("tcp", p.smtp)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return p
}

func (p *postfix) path(name string) string { return filepath.Join(p.dir, name) }

func (p *postfix) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits until something holds.
func (p *postfix) wait(what string, most time.Duration, holds func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(most); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(p.path("postfix.log"))
			p.t.Fatalf("waited %v for %s\n%.5000s", most, what, log)
		}
	}
}

func (p *postfix) mainCf() string {
	return fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/spool
data_directory = %[1]s/data
maillog_file = %[1]s/postfix.log
maillog_file_prefixes = %[1]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.org
mydestination =
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
recipient_delimiter = +
in_flow_delay = 0
lmtp_destination_concurrency_limit = 10
smtpd_recipient_restrictions = check_recipient_access texthash:%[1]s/etc/refused, permit_mynetworks, reject
virtual_mailbox_domains = example.org
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:unix:%[1]s/dove/lmtp
default_transport = error:5.7.1 no outside mail in tests
`, p.dir)
}

// masterCf is the package's own table of services, on another port and unconfined.
func (p *postfix) masterCf() string {
	p.t.Helper()
	data, err := os.ReadFile("/etc/postfix/master.cf")
	if err != nil {
		p.t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) > 7 && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, " ") {
			f[4] = "n"
			if f[0] == "smtp" && f[1] == "inet" {
				f[0] = p.smtp
			}
			line = strings.Join(f, " ") + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

func (p *postfix) dovecotConf() string {
	host, port, err := net.SplitHostPort(p.imap)
	if err != nil {
		p.t.Fatal(err)
	}
	return fmt.Sprintf(`protocols = imap lmtp
listen = %[2]s
base_dir = %[1]s/dove
log_path = %[1]s/dovecot.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:%[1]s/mail/%%n
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
recipient_delimiter = +
lmtp_hdr_delivery_address = final
passdb {
  driver = static
  args = password=%[4]s
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%[1]s/mail/%%n allow_all_users=yes
}
service imap-login {
  inet_listener imap {
    port = %[3]s
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
`, p.dir, host, port, mailPassword)
}

func (p *postfix) refuse(replies map[string]string) {
	p.t.Helper()
	var b strings.Builder
	for who, reply := range replies {
		fmt.Fprintln(&b, who, reply)
	}
	p.write("etc/refused", b.String())
}

// forgive makes Postfix accept mail for everyone.
func (p *postfix) forgive() {
	p.t.Helper()
	p.refuse(nil)
	do(p.t, "postfix", "-c", p.path("etc"), "reload")
}

// delivered counts the mails in all boxes.
func (p *postfix) delivered() int {
	files, err := filepath.Glob(p.path("mail/*/new/*"))
	if err != nil {
		p.t.Fatal(err)
	}
	return len(files)
}

// idle reports whether nothing waits in the queue.
func (p *postfix) idle() bool {
	for _, queue := range []string{"maildrop", "incoming", "active", "deferred"} {
		files, _ := filepath.Glob(p.path("spool/" + queue + "/*"))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil && !info.IsDir() {
				return false
			}
		}
		if deep, _ := filepath.Glob(p.path("spool/" + queue + "/?/*")); len(deep) > 0 {
			return false
		}
	}
	return true
}
