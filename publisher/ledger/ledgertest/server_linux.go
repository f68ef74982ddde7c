package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// A server is a PostgreSQL of our own, reachable through a socket in its folder only.
type server struct {
	dsn    string
	dir    string
	cmd    *exec.Cmd
	output bytes.Buffer

	program, data string
	as            *syscall.SysProcAttr
	durable       bool
}

// start makes a data folder and starts a server on it. The server ends with this
// process, even if that is killed. One that is not durable flushes nothing to disk.
func start(durable bool) (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	// Not t.TempDir: a socket's path must stay under 108 bytes.
	dir, err := os.MkdirTemp("/tmp", "crieur-pg-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, dsn: "host=" + dir + " port=5432 user=crieur dbname=postgres"}
	as, err := owner(dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "crieur", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.program, s.data, s.as, s.durable = filepath.Join(bin, "postgres"), data, as, durable
	if err := s.run(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// run starts the program and waits until it answers.
func (s *server) run() error {
	s.cmd = exec.Command(s.program, "-D", s.data, "-k", s.dir, "-c", "listen_addresses=",
		"-c", "max_connections=250")
	if !s.durable {
		s.cmd.Args = append(s.cmd.Args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	s.cmd.SysProcAttr, s.cmd.Dir = s.as, s.dir
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return fmt.Errorf("%w\n%s", err, s.output.Bytes())
	}
	return nil
}

// end stops the program as a system that goes down does, and keeps its data.
func (s *server) end() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	s.cmd.Wait()
	return nil
}

func (s *server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server at once; its data are of no further use.
func (s *server) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Signal(syscall.SIGQUIT)
		s.cmd.Wait()
	}
	os.RemoveAll(s.dir)
}

// binaries finds the folder of the server's programs, the newest where Debian has several.
func binaries() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.New("the programs initdb and postgres are not on this machine (Debian: apt install postgresql)")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// owner hands the folder to the user that the server runs as: PostgreSQL refuses root.
func owner(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, uid, gid)
}
