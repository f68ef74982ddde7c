package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A setup is what all rows have in common.
type setup struct {
	readers, connections, runs  int
	sink, dsn, article, postfix string
	profile                     string
	syncs                       bool
	record                      string // where the light sink writes whom it accepted a message for; "": nowhere
}

// A row is one way of sending.
type row struct {
	name    string // engine, naive, smtp-source, sign
	tls     bool
	dkim    string // no, rsa, both
	latency time.Duration
	work    time.Duration // of the light sink, for each message
}

// A result is one run of a row.
type result struct {
	row
	sent    sent
	sink    tally
	counted bool          // the sink is the light one, and each reader has an address
	took    time.Duration // from the sender's start to its end
	began   time.Time
	cpu     time.Duration // the sender's
	peak    float64       // MB
	state   int64         // octets that the send added to the store
	syncs   int           // flushes to disk; -1: not counted
}

// print prints a run as one line. messages/s is over the sender's whole life.
func (r result) print(s setup) {
	n := float64(s.readers)
	yes := map[bool]string{false: "no", true: "yes"}
	fmt.Printf("%s readers=%d sink=%s connections=%d tls=%s dkim=%s latency=%dms messages/s=%.0f cpu-s/1000=%.4f rss-mb=%.1f",
		r.name, s.readers, s.sink, s.connections, yes[r.tls], r.dkim, r.latency.Milliseconds(), n/r.took.Seconds(), r.cpu.Seconds()/n*1000, r.peak)
	if r.sink.Messages > 0 {
		fmt.Printf(" first-ms=%.0f bytes/message=%d sink-cpu-s/1000=%.4f", time.Unix(0, r.sink.First).Sub(r.began).Seconds()*1000,
			r.sink.Bytes/int64(r.sink.Messages), r.sink.Seconds/n*1000)
	}
	if r.name == "engine" {
		store := "sqlite"
		if s.dsn != "" {
			store = "postgres"
		} else {
			fmt.Printf(" state-bytes/reader=%.1f", float64(r.state)/n)
		}
		fmt.Printf(" store=%s", store)
	}
	if r.syncs >= 0 {
		fmt.Printf(" fsyncs=%d", r.syncs)
	}
	fmt.Println()
}

// measure runs the rows in turns, so that a machine that slows down slows all.
func (s setup) measure(ctx context.Context, rows []row) error {
	dir, err := os.MkdirTemp("", "crieur-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	stock := filepath.Join(dir, "stock")
	if err := s.self(ctx, nil, "readers", "-dir", stock, "-dsn", s.dsn, "-n", strconv.Itoa(s.readers)); err != nil {
		return fmt.Errorf("write the readers: %w", err)
	}
	for turn := range s.runs {
		for i, r := range rows {
			if r.name == "sign" {
				if err := bareSigning(s.readers); err != nil {
					return err
				}
				continue
			}
			home := filepath.Join(dir, fmt.Sprintf("run%d-%d", turn, i))
			got, err := s.once(ctx, r, stock, home, false)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			got.print(s)
			if err := os.RemoveAll(home); err != nil {
				return err
			}
		}
	}
	if !s.syncs {
		return nil
	}
	// Counting costs time, so that this run's other figures are worth nothing.
	got, err := s.once(ctx, row{name: "engine", dkim: "no"}, stock, filepath.Join(dir, "traced"), true)
	if err != nil {
		return err
	}
	fmt.Printf("engine-traced readers=%d fsyncs=%d messages/fsync=%.1f\n", s.readers, got.syncs, float64(s.readers)/float64(max(1, got.syncs)))
	return nil
}

// once runs a row once, in the folder home.
func (s setup) once(ctx context.Context, r row, stock, home string, traced bool) (result, error) {
	out := result{row: r, syncs: -1, counted: s.sink == "light" && r.name != "smtp-source"}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return out, err
	}
	if err := writeArticle(s.article, filepath.Join(home, "article.md"), "La halle se relève, "+filepath.Base(home)); err != nil {
		return out, err
	}
	k, err := s.startSink(ctx, r, home)
	if err != nil {
		return out, err
	}
	defer k.kill()
	host, port, err := net.SplitHostPort(k.addr)
	if err != nil {
		return out, err
	}
	store := filepath.Join(home, "state", "live")
	before := int64(0)
	if r.name == "engine" {
		if err := s.writeConfig(home, r, host, port); err != nil {
			return out, err
		}
		if s.dsn == "" {
			if err := duplicate(stock, store); err != nil {
				return out, err
			}
			if before, err = size(store); err != nil {
				return out, err
			}
		}
	}
	if err := s.send(ctx, &out, k.addr, home, traced); err != nil {
		return out, err
	}
	if r.name == "engine" && s.dsn == "" {
		after, err := size(store)
		if err != nil {
			return out, err
		}
		out.state = after - before
	}
	if out.sink, err = k.stop(); err != nil {
		return out, err
	}
	return out, out.check(s.readers)
}

// send runs the sender and takes its figures.
func (s setup) send(ctx context.Context, out *result, to, home string, traced bool) error {
	c, err := s.sender(ctx, out.row, to, home)
	if err != nil {
		return err
	}
	trace := filepath.Join(home, "trace")
	if traced {
		args := append([]string{"-f", "--seccomp-bpf", "-qq", "-e", "trace=fsync,fdatasync", "-o", trace, c.Path}, c.Args[1:]...)
		env := c.Env
		c = exec.CommandContext(ctx, "strace", args...)
		c.Env = env
	}
	var said, problems bytes.Buffer
	c.Stdout, c.Stderr = &said, &problems
	out.began = time.Now()
	err = c.Run()
	out.took = time.Since(out.began)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, problems.Bytes())
	}
	out.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		out.peak = float64(usage.Maxrss) / 1024
	}
	if out.name != "smtp-source" {
		if err := json.Unmarshal(said.Bytes(), &out.sent); err != nil {
			return fmt.Errorf("the sender said %q: %w", said.Bytes(), err)
		}
		out.peak = out.sent.Peak
	}
	if traced {
		text, err := os.ReadFile(trace)
		if err != nil {
			return err
		}
		out.syncs = bytes.Count(text, []byte("sync("))
	}
	return nil
}

// sourceSize is what smtp-source's messages are long: as the engine's, to a hundredth.
const sourceSize = "49600"

// sender gives the command that sends.
func (s setup) sender(ctx context.Context, r row, to, home string) (*exec.Cmd, error) {
	var args []string
	switch r.name {
	case "engine":
		args = []string{"send", "-dir", home, "-cpuprofile", s.profile}
	case "naive":
		args = []string{"naive", "-article", filepath.Join(home, "article.md"), "-to", to, "-n", strconv.Itoa(s.readers), "-connections", strconv.Itoa(s.connections)}
	case "smtp-source":
		return s.postfixTool(ctx, "smtp-source", "-s", strconv.Itoa(s.connections), "-m", strconv.Itoa(s.readers), "-l", sourceSize, "-d",
			"-f", "redaction@"+domain, "-t", address(0), to)
	default:
		return nil, fmt.Errorf("no row is called %q: engine, naive, smtp-source, sign", r.name)
	}
	c, err := s.command(ctx, args...)
	if err == nil && r.tls {
		c.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(home, "sink.pem"))
	}
	return c, err
}

// command is this program in another part.
func (s setup) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, self, args...), nil
}

func (s setup) self(ctx context.Context, out io.Writer, args ...string) error {
	c, err := s.command(ctx, args...)
	if err != nil {
		return err
	}
	c.Stdout, c.Stderr = out, os.Stderr
	return c.Run()
}

// postfixTool finds one of Postfix's programs.
func (s setup) postfixTool(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	path := filepath.Join(s.postfix, "usr", "sbin", name)
	if s.postfix == "" {
		path = filepath.Join("/usr/sbin", name)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: install postfix, or unpack its package and name the folder with -postfix", err)
	}
	c := exec.CommandContext(ctx, path, args...)
	if s.postfix != "" {
		c.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(s.postfix, "usr", "lib", "postfix"))
	}
	return c, nil
}

// A running sink.
type running struct {
	addr string
	cmd  *exec.Cmd
	in   io.Closer
	out  *bufio.Reader
}

func (s setup) startSink(ctx context.Context, r row, home string) (*running, error) {
	if s.sink == "smtp-sink" {
		return s.startPostfixSink(ctx)
	}
	args := []string{"sink", "-latency", r.latency.String(), "-work", r.work.String(), "-record", s.record}
	if r.tls {
		args = append(args, "-certificate", filepath.Join(home, "sink.pem"))
	}
	c, err := s.command(ctx, args...)
	if err != nil {
		return nil, err
	}
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	k := &running{cmd: c, in: in, out: bufio.NewReader(out)}
	addr, err := k.out.ReadString('\n')
	if err != nil {
		k.kill()
		return nil, fmt.Errorf("the sink did not start: %w", err)
	}
	k.addr = strings.TrimSpace(addr)
	return k, nil
}

// startPostfixSink starts smtp-sink, which cannot choose a port by itself.
func (s setup) startPostfixSink(ctx context.Context) (*running, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_ = l.Close()
	args := []string{addr, "1000"}
	if os.Getuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...) // it will not run as root
	}
	c, err := s.postfixTool(ctx, "smtp-sink", args...)
	if err != nil {
		return nil, err
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return nil, err
	}
	k := &running{addr: addr, cmd: c}
	for range 100 {
		if probe, err := net.Dial("tcp", addr); err == nil {
			return k, probe.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	k.kill()
	return nil, errors.New("smtp-sink did not start")
}

// stop ends the sink and gives its tally.
func (k *running) stop() (t tally, err error) {
	if k.in == nil {
		k.kill()
		return t, nil
	}
	_ = k.in.Close()
	if err := json.NewDecoder(k.out).Decode(&t); err != nil {
		return t, fmt.Errorf("the sink's tally: %w", err)
	}
	return t, k.cmd.Wait()
}

func (k *running) kill() {
	if k.cmd.ProcessState == nil {
		_ = k.cmd.Process.Kill()
		_ = k.cmd.Wait()
	}
}
