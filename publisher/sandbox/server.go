package sandbox

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"crieur/publisher"
)

// A Server is a running sandbox. Safe for concurrent use.
type Server struct {
	cfg      Config
	keys     keys
	info     Info
	arrivals *arrivals
	faults   faults
	page     *page

	lock *os.File
	post net.Listener
	// buffers are those in which mails come in: a new one for each would keep the
	// garbage collector busier than the mails.
	buffers sync.Pool
	smtp    *smtp.Server
	http    *http.Server

	stop    context.CancelFunc // ends what waits on purpose
	stopped context.Context
	serving sync.WaitGroup
	// life is held for reading while a mail is taken in, so that Close does not take
	// the journal away under it.
	life   sync.RWMutex
	closed bool
}

// Start opens the folder and both servers. Only one sandbox can have a folder: where
// another process has it for a moment, Start waits until ctx ends; where a process
// serves it for others (see Running), Start is Busy. ctx has no meaning after Start
// has returned; Close ends the sandbox.
func Start(ctx context.Context, c Config) (*Server, error) {
	c = c.withDefaults()
	s := &Server{cfg: c}
	s.stopped, s.stop = context.WithCancel(context.Background())
	s.faults.set(c.Faults)
	if err := s.start(ctx); err != nil {
		s.stop()
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	var err error
	if s.page, err = newPage(s); err != nil {
		return problem(publisher.Internal, "read the sandbox page's templates", "", "", err)
	}
	stateHint := "see to it that the state folder can be written, or name another with --state"
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return problem(publisher.Invalid, "make the sandbox folder", s.cfg.Dir, stateHint, err)
	}
	if s.lock, err = lockDir(ctx, s.cfg.Dir); err != nil {
		return err
	}
	if s.keys, err = loadKeys(s.cfg); err != nil {
		return problem(publisher.Invalid, "read the sandbox keys", s.cfg.Dir, stateHint, err)
	}
	if s.arrivals, err = openArrivals(s.cfg.Dir); err != nil {
		return problem(publisher.Invalid, "read what arrived before", s.cfg.Dir, "remove this folder to start the sandbox anew", err)
	}
	instance, err := s.randomName()
	if err != nil {
		return problem(publisher.Internal, "name the sandbox", "", "", err)
	}
	web, err := listen(s.cfg.HTTP, "sandbox.listen")
	if err != nil {
		return err
	}
	post, err := listen(s.cfg.SMTP, "sandbox.smtp")
	if err != nil {
		return errors.Join(err, web.Close())
	}
	s.info = Info{
		Instance: instance, PID: os.Getpid(), HTTPURL: "http://" + reachable(web), SMTPAddr: reachable(post),
		PublicURL: s.cfg.PublicURL, Credentials: s.keys.Credentials.open(),
	}
	if s.info.PublicURL == "" {
		s.info.PublicURL = s.info.HTTPURL
	}
	s.serve(web, post)
	if s.cfg.Announce {
		if err := announce(s.cfg.Dir, s.info, s.keys.Credentials); err != nil {
			return problem(publisher.Invalid, "announce the sandbox", s.cfg.Dir, stateHint, err)
		}
	}
	return nil
}

func (s *Server) serve(web, post net.Listener) {
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	s.smtp, s.post = newSMTP(s), post
	s.serving.Go(func() { s.report("http", s.http.Serve(web)) })
	s.serving.Go(func() { s.report("smtp", s.smtp.Serve(lineListener{post})) })
}

func (s *Server) report(what string, err error) {
	if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		s.cfg.Log.Warn("sandbox server ended", "server", what, "error", err)
	}
}

// Close ends both servers, after what they are just taking in, and gives the folder
// back. What arrived stays.
func (s *Server) Close() error {
	s.stop() // first: it frees the mails that wait on purpose, and their hold on life
	s.life.Lock()
	again := s.closed
	s.closed = true
	s.life.Unlock()
	if again {
		return nil
	}
	return s.release()
}

func (s *Server) release() error {
	var errs []error
	if s.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			errs = append(errs, s.http.Close())
		}
		errs = append(errs, s.smtp.Close())
		// go-smtp closes the listeners it knows, and it knows this one only once Serve
		// has begun.
		if err := s.post.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
		s.serving.Wait()
	}
	s.life.Lock()
	defer s.life.Unlock()
	if s.cfg.Announce && s.info.Instance != "" {
		errs = append(errs, os.Remove(filepath.Join(s.cfg.Dir, runningFile)))
	}
	if s.arrivals != nil && s.arrivals.journal != nil {
		errs = append(errs, s.arrivals.journal.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Info gives the addresses and credentials.
func (s *Server) Info() Info { return s.info }

// HTTPURL gives the address of the page and the APIs, without a final slash.
func (s *Server) HTTPURL() string { return s.info.HTTPURL }

// SMTPAddr gives host and port of the SMTP server. It speaks without TLS.
func (s *Server) SMTPAddr() string { return s.info.SMTPAddr }

// BaseURL gives what a network's API stands under: "" for an unknown network.
func (s *Server) BaseURL(network string) string { return s.info.BaseURL(network) }

// Credentials gives what the servers accept.
func (s *Server) Credentials() Credentials { return s.info.Credentials }

// Clear forgets all that arrived.
func (s *Server) Clear() error { return s.arrivals.empty() }

// SetFaults puts these faults in force instead of those before.
func (s *Server) SetFaults(list []Fault) { s.faults.set(list) }

// randomName gives 96 random bits as text.
func (s *Server) randomName() (string, error) {
	b := make([]byte, 12)
	_, err := io.ReadFull(s.cfg.Rand, b)
	return hex.EncodeToString(b), err
}

// lockDir takes the folder's lock, waiting for a process that has it for a moment.
func lockDir(ctx context.Context, dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, problem(publisher.Invalid, "open the sandbox lock", path, "see to it that the state folder can be written", err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := tryLock(f)
		if ok {
			return f, nil
		}
		if err == nil {
			if info, running := Running(dir); running {
				err = problem(publisher.Busy, "start the sandbox", dir, "use the one that runs, or end it first",
					fmt.Errorf("process %d serves this folder at %s", info.PID, info.HTTPURL))
			}
		} else {
			err = problem(publisher.Invalid, "lock the sandbox folder", path, "", err)
		}
		if err == nil {
			select {
			case <-tick.C:
				continue
			case <-ctx.Done():
				err = problem(publisher.Busy, "start the sandbox", dir, "another crieur process has this sandbox; wait for its end", context.Cause(ctx))
			}
		}
		return nil, errors.Join(err, f.Close())
	}
}

// listen opens an address or, where it is taken, a free port on loopback.
func listen(addr, key string) (net.Listener, error) {
	if _, err := net.ResolveTCPAddr("tcp", addr); err != nil {
		return nil, problem(publisher.Invalid, "read a listen address", key, "write HOST:PORT, for example 127.0.0.1:8025", err)
	}
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	l, second := net.Listen("tcp", "127.0.0.1:0")
	if second != nil {
		return nil, problem(publisher.Invalid, "listen for the sandbox", key, "give an address of this machine", err)
	}
	return l, nil
}

// reachable gives the address at which this machine reaches a listener.
func reachable(l net.Listener) string {
	addr, ok := l.Addr().(*net.TCPAddr)
	if ok && addr.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(addr.Port))
	}
	return l.Addr().String()
}
