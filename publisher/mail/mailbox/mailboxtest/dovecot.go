// Package mailboxtest runs a real IMAP and POP3 server for tests.
package mailboxtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Server is a real Dovecot in a folder of its own, with one mailbox. Stop it.
type Server struct {
	Ports   map[string]int // of imap, imaps, pop3, pop3s on 127.0.0.1
	Roots   *x509.CertPool // that its certificate is trusted by
	dir     string
	process *exec.Cmd

	uid, gid int    // own the mailboxes
	rootless string // what Dovecot needs to be told where root does not start it
}

// nobody owns the mailboxes where root starts Dovecot, which does not serve root's.
const nobody = 65534

const (
	User     = "bounces"
	Password = `geheim "mot de passe"`
)

// Start starts Dovecot, which has to be installed, as any user.
func Start() (*Server, error) {
	program, err := exec.LookPath("dovecot")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/dovecot"); err != nil {
			return nil, errors.New("no Dovecot to test on: .ci/deps installs it")
		}
	}
	dir, err := os.MkdirTemp("", "dovecot")
	if err != nil {
		return nil, err
	}
	d := &Server{dir: dir, Ports: map[string]int{}}
	err = d.ownMail()
	if err == nil {
		err = d.start(program)
	}
	if err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	return d, nil
}

// ownMail says whose the mailboxes are. Who is not root can give them to nobody else,
// has Dovecot do without users of its own, and locks nothing into a folder
// (doc.dovecot.org/2.3/configuration_manual/howto/rootless).
func (d *Server) ownMail() error {
	if os.Geteuid() == 0 {
		d.uid, d.gid = nobody, nobody
		return nil
	}
	d.uid, d.gid = os.Geteuid(), os.Getegid()
	who, err := user.LookupId(strconv.Itoa(d.uid))
	if err != nil {
		return err
	}
	group, err := user.LookupGroupId(strconv.Itoa(d.gid))
	if err != nil {
		return err
	}
	d.rootless = fmt.Sprintf("default_internal_user = %[1]s\ndefault_login_user = %[1]s\ndefault_internal_group = %[2]s\n", who.Username, group.Name)
	for _, service := range []string{"anvil", "imap-login", "pop3-login"} {
		d.rootless += "service " + service + " {\n chroot =\n}\n"
	}
	return nil
}

// Stop ends the server and removes its folder.
func (d *Server) Stop() error {
	if d.process != nil {
		_ = d.process.Process.Signal(os.Interrupt)
		_ = d.process.Wait()
	}
	return os.RemoveAll(d.dir)
}

func (d *Server) start(program string) error {
	dir := d.dir
	if err := d.folders(); err != nil {
		return err
	}
	listener := func(p string) string {
		return fmt.Sprintf("service %[1]s-login {\n inet_listener %[1]s {\n port = %[2]d\n }\n inet_listener %[1]ss {\n port = %[3]d\n ssl = yes\n }\n}\n", p, d.Ports[p], d.Ports[p+"s"])
	}
	conf := fmt.Sprintf("protocols = imap pop3\nlisten = 127.0.0.1\nbase_dir = %[1]s/run\nstate_dir = %[1]s/run\nlog_path = %[1]s/dovecot.log\ndisable_plaintext_auth = no\n"+
		"ssl = yes\nssl_cert = <%[1]s/cert.pem\nssl_key = <%[1]s/key.pem\nmail_location = maildir:%[1]s/mail/%%n\nmail_uid = %[2]d\nmail_gid = %[3]d\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n"+
		"passdb {\n driver = passwd-file\n args = scheme=PLAIN %[1]s/users\n}\nuserdb {\n driver = static\n args = uid=%[2]d gid=%[3]d home=%[1]s/mail/%%n allow_all_users=yes\n}\n", dir, d.uid, d.gid) + listener("imap") + listener("pop3") + d.rootless
	if err := os.WriteFile(filepath.Join(dir, "dovecot.conf"), []byte(conf), 0o644); err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		return err
	}
	defer out.Close()
	server := exec.Command(program, "-F", "-c", filepath.Join(dir, "dovecot.conf"))
	server.Stdout, server.Stderr = out, out
	if err := server.Start(); err != nil {
		return err
	}
	d.process = server
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		answers := 0
		for _, port := range d.Ports {
			if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
				answers++
				_ = c.Close()
			}
		}
		if answers == len(d.Ports) {
			return nil
		}
		if time.Now().After(until) {
			said, _ := os.ReadFile(filepath.Join(dir, "out"))
			logged, _ := os.ReadFile(filepath.Join(dir, "dovecot.log"))
			return fmt.Errorf("no answer from Dovecot: %s%s", said, logged)
		}
	}
}

func (d *Server) folders() error {
	errs := []error{os.Chmod(d.dir, 0o755), d.certificate(),
		os.Mkdir(filepath.Join(d.dir, "mail"), 0o700), os.Chown(filepath.Join(d.dir, "mail"), d.uid, d.gid),
		os.WriteFile(filepath.Join(d.dir, "users"), []byte(User+":{PLAIN}"+Password+"\n"), 0o644)}
	for _, name := range []string{"imap", "imaps", "pop3", "pop3s"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		d.Ports[name] = l.Addr().(*net.TCPAddr).Port
	}
	return errors.Join(errs...)
}

func (d *Server) certificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	d.Roots = x509.NewCertPool()
	d.Roots.AddCert(cert)
	return errors.Join(
		os.WriteFile(filepath.Join(d.dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644),
		os.WriteFile(filepath.Join(d.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// Clear empties the mailbox.
func (d *Server) Clear() error {
	var errs []error
	for _, sub := range []string{"new", "cur"} {
		left, err := filepath.Glob(filepath.Join(d.dir, "mail", User, sub, "*"))
		errs = append(errs, err)
		for _, f := range left {
			errs = append(errs, os.Remove(f))
		}
	}
	return errors.Join(errs...)
}

// Deliver puts messages into the mailbox, as a mail server would.
func (d *Server) Deliver(messages ...string) error {
	var errs []error
	box := filepath.Join(d.dir, "mail", User)
	for _, sub := range []string{"", "new", "cur", "tmp"} {
		errs = append(errs, os.MkdirAll(filepath.Join(box, sub), 0o700), os.Chown(filepath.Join(box, sub), d.uid, d.gid))
	}
	for _, m := range messages {
		f, err := os.CreateTemp(filepath.Join(box, "new"), fmt.Sprintf("%d.", time.Now().UnixNano()))
		if err != nil {
			return err
		}
		_, err = f.WriteString(m)
		errs = append(errs, err, f.Chown(d.uid, d.gid), f.Close())
	}
	return errors.Join(errs...)
}

// Damage makes the messages that hold a text unreadable, even to the server.
func (d *Server) Damage(text string) error {
	found, err := filepath.Glob(filepath.Join(d.dir, "mail", User, "*", "*"))
	errs := []error{err}
	for _, f := range found {
		message, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(message), text) {
			err = os.Chmod(f, 0)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Count gives how many messages there are, those included that are marked as deleted.
func (d *Server) Count() (n int, err error) {
	for _, sub := range []string{"new", "cur"} {
		found, err := filepath.Glob(filepath.Join(d.dir, "mail", User, sub, "*"))
		if err != nil {
			return 0, err
		}
		n += len(found)
	}
	return n, nil
}
