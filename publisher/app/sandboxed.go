package app

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"crieur/publisher/sandbox"
)

// A sandboxed is the sandbox that answers this app: a process of its own that was
// found running, or servers inside this one.
type sandboxed struct {
	info   *sandbox.Info
	server *sandbox.Server // nil: a process of its own
}

func (a *App) boxDir() string { return filepath.Join(a.stateDir(), "arrivals") }

// box gives the sandbox, found or started at its first use.
func (a *App) box(ctx context.Context) (*sandboxed, error) {
	a.boxing.Lock()
	defer a.boxing.Unlock()
	if a.sandbox != nil {
		return a.sandbox, nil
	}
	if info, ok := sandbox.Running(a.boxDir()); ok {
		a.sandbox = &sandboxed{info: info}
		return a.sandbox, nil
	}
	server, err := a.startBox(ctx, nil, a.announce)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, server.Close)
	info := server.Info()
	a.sandbox = &sandboxed{info: &info, server: server}
	return a.sandbox, nil
}

// unbox forgets a sandbox that is another process, which may have ended.
func (a *App) unbox() {
	a.boxing.Lock()
	defer a.boxing.Unlock()
	if a.sandbox != nil && a.sandbox.server == nil {
		a.sandbox = nil
	}
}

func (a *App) startBox(ctx context.Context, faults []sandbox.Fault, announce bool) (*sandbox.Server, error) {
	words := a.catalogue // a preview reads the owner's words anew while the sandbox's page is shown
	return sandbox.Start(ctx, sandbox.Config{
		Dir: a.boxDir(), HTTP: a.conf.Sandbox.Listen, SMTP: a.conf.Sandbox.SMTP, PublicURL: "http://" + a.conf.Sandbox.Listen,
		Faults: faults, Announce: announce, Templates: a.set.FS(), Language: a.conf.Site.Language, Location: a.location, Now: a.o.Now, Log: a.o.Log,
		T:       func(lang, key string, args ...any) string { return words.For(lang).T(key, args...) },
		Date:    func(lang string, t time.Time) string { return words.For(lang).Date(t) },
		Resolve: a.resolvePicture,
	})
}

// resolvePicture gives a picture that crieur serves below its public address.
func (a *App) resolvePicture(link string) ([]byte, string, bool) {
	rest, ok := strings.CutPrefix(link, a.publicURL("media")+"/")
	if !ok {
		return nil, "", false
	}
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	store, err := a.open(ctx)
	if err != nil {
		return nil, "", false
	}
	hash, _, _ := strings.Cut(rest, ".")
	data, mediaType, err := store.Media(ctx, hash)
	return data, mediaType, err == nil
}

// see gives the address of the page that shows what arrived: the running
// sandbox's, or a file that is written now and stays.
func (a *App) see() (string, error) {
	a.boxing.Lock()
	box := a.sandbox
	a.boxing.Unlock()
	if box == nil {
		return "", nil
	}
	if box.server == nil {
		return box.info.HTTPURL + "/", nil
	}
	path := filepath.Join(a.stateDir(), "arrived.html")
	if err := box.server.WriteIndex(path); err != nil {
		return "", err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String(), nil
}

// SandboxOptions is what the sandbox verb is told.
type SandboxOptions struct {
	Faults []string
	Clear  bool
	Ready  func(SandboxInfo)
}

// SandboxInfo says where a running sandbox answers.
type SandboxInfo struct {
	Page   string `json:"page"`
	SMTP   string `json:"smtp"`
	Public string `json:"public"` // readers' pages; "" where the address was taken
}

// Sandbox runs the sandbox's servers until ctx ends, with the readers' pages beside
// them, so that every link in a mail can be tried.
func (a *App) Sandbox(ctx context.Context, o SandboxOptions) error {
	var faults []sandbox.Fault
	for _, f := range o.Faults {
		fault, err := sandbox.ParseFault(f)
		if err != nil {
			return err
		}
		faults = append(faults, fault)
	}
	server, err := a.startBox(ctx, faults, true)
	if err != nil {
		return err
	}
	if o.Clear {
		if err := server.Clear(); err != nil {
			return errors.Join(err, server.Close())
		}
	}
	info := server.Info()
	ready := SandboxInfo{Page: info.HTTPURL + "/", SMTP: info.SMTPAddr}
	pages := make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if l, err := net.Listen("tcp", a.conf.Server.Listen); err == nil {
		ready.Public = "http://" + l.Addr().String()
		go func() { pages <- a.servePages(ctx, l) }()
	} else {
		// `crieur serve` answers there already, or something else does.
		a.o.Log.Warn("readers' pages are not served here", "listen", a.conf.Server.Listen, "error", err)
		pages <- nil
	}
	if o.Ready != nil {
		o.Ready(ready)
	}
	<-ctx.Done()
	err = errors.Join(<-pages, server.Close())
	if errors.Is(err, fs.ErrClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
