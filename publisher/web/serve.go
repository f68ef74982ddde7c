package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// drain is how long requests under way may take once serving ends.
const drain = 5 * time.Second

// Serve answers on l until ctx ends, then lets requests under way finish, for a few
// seconds, and gives nil. Slow clients are cut off: a page is small, and so is all
// that a reader may send.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	var waiting silent
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ConnState: waiting.note,
	}
	s.RegisterOnShutdown(waiting.close)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	limit, stop := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer stop()
	err := s.Shutdown(limit)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// silent holds the connections on which nothing was asked yet. Browsers open some to
// have them ready, and Shutdown would wait five seconds for what they may say.
type silent struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
}

func (s *silent) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		delete(s.conns, c)
		return
	}
	if s.conns == nil {
		s.conns = map[net.Conn]bool{}
	}
	s.conns[c] = true
}

func (s *silent) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}
