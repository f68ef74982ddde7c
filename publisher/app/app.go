// Package app puts the parts together: it reads the configuration, opens the
// store, the networks, the mailer and, in the sandbox, the servers that answer
// them, and offers one method per thing that a user asks for. It is the only
// package that knows all the others; it prints nothing and decides no exit code.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/ledger"
	"crieur/publisher/locale"
	"crieur/publisher/mail/bounce"
	"crieur/publisher/render"
	"crieur/publisher/social"
	"crieur/publisher/source"
	"crieur/publisher/telemetry"
	"crieur/templates"
)

// Options is what the command line knows before the configuration is read.
type Options struct {
	Config   string // path of config.yaml; "" stands for ./config.yaml
	State    string // state folder; "" leaves it to the configuration
	Timezone string // IANA name; "" leaves it to the configuration
	Stdin    io.Reader
	Env      func(string) (string, bool) // nil: os.LookupEnv
	Now      func() time.Time            // nil: time.Now
	Log      *slog.Logger                // nil: nothing is logged
	Version  string
	Jitter   func() float64 // spreads looks at feeds, from 0 up to 1; nil: by chance
}

// An App is one configuration, opened. It is not safe for concurrent use, save
// where a method says so. Close it.
type App struct {
	o         Options
	conf      *config.Config
	location  *time.Location
	catalogue *locale.Catalogue
	said      sync.Map // language → *phrases
	set       *render.Set
	folder    string // of config.yaml: what its paths are relative to

	store    *ledger.Ledger
	courier  *courier
	tracer   *telemetry.Tracer // nil: nobody is told
	boxing   sync.Mutex        // holds sandbox
	sandbox  *sandboxed
	announce bool          // whether other processes may find the sandbox that this one starts
	resolver *net.Resolver // nil: the system's
	closers  []func() error

	entries map[string]publisher.FeedEntry // what Expand named
}

// Open reads the configuration and the templates and checks both, without the
// network and without the store. Its error names everything that is wrong.
func Open(o Options) (*App, error) {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{o: o, courier: newCourier()}
	conf, err := a.load()
	if err != nil {
		return nil, err
	}
	a.conf = conf
	if a.location, err = time.LoadLocation(firstOf(o.Timezone, conf.Site.Timezone)); err != nil {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read time zone", Where: "--tz", Err: err,
			Hint: "give an IANA name such as Europe/Paris"}
	}
	if a.catalogue, a.set, err = openTemplates(a.templatesDir()); err != nil {
		return nil, err
	}
	return a, a.checkNames()
}

// checkNames holds the names that the configuration gives to other rooms' things
// against what these rooms have.
func (a *App) checkNames() error {
	var errs []error
	check := func(key, name string, known []string) {
		if name != "" && !slices.Contains(known, name) {
			errs = append(errs, &publisher.Error{Kind: publisher.Invalid, Where: a.conf.File + ": " + key, Err: fmt.Errorf("there is no %q", name),
				Hint: "there are: " + strings.Join(known, ", ")})
		}
	}
	for _, n := range a.conf.Newsletters {
		check("newsletters."+n.Name+".template", n.Template, a.set.Letters())
	}
	for _, n := range a.conf.Newsletters {
		if err := a.trySubject(n); err != nil {
			errs = append(errs, &publisher.Error{Kind: publisher.Invalid, Where: a.conf.File + ": newsletters." + n.Name + ".subject", Err: err, Hint: publisher.HintOf(err)})
		}
	}
	if a.conf.Returns.Address.Email != "" {
		if _, err := bounce.NewPaths(nil, a.conf.Returns.Address.Email, a.conf.Returns.Delimiter); err != nil {
			errs = append(errs, &publisher.Error{Kind: publisher.Invalid, Where: a.conf.File + ": returns.address", Err: err, Hint: publisher.HintOf(err)})
		}
	}
	if _, err := a.hooks(); err != nil {
		var e *publisher.Error
		if errors.As(err, &e) {
			named := *e
			named.Where = a.conf.File + ": " + e.Where
			err = &named
		}
		errs = append(errs, err)
	}
	for _, c := range a.conf.Channels {
		check("channels."+c.Name+".template", c.Template, a.set.PostTemplates())
	}
	var cleaners []string
	for _, c := range source.Cleaners() {
		cleaners = append(cleaners, c.Name)
	}
	for _, name := range a.conf.Article.Cleaners {
		check("article.cleaners", name, cleaners)
	}
	return errors.Join(errs...)
}

func (a *App) load() (*config.Config, error) {
	path := a.o.Config
	if path == "" {
		path = "config.yaml"
	}
	a.folder = filepath.Dir(path)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "read configuration", Where: path,
			Err: errors.New("no such file"), Hint: "crieur init writes one; --config PATH names another"}
	}
	return config.Load(config.Options{Path: path, Env: a.o.Env, Channel: channelConfig, Kinds: kindNames(), Groups: groupNames()})
}

// channelConfig gives a network's own keys with their defaults, for the strict check.
func channelConfig(kind string) (any, bool) {
	for _, k := range social.Kinds() {
		if k.Name == kind {
			return k.Config(), true
		}
	}
	return nil, false
}

func kindNames() []string {
	var names []string
	for _, k := range social.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

func openTemplates(ownerDir string) (*locale.Catalogue, *render.Set, error) {
	messages, err := fs.Sub(templates.FS, "locale")
	if err != nil {
		return nil, nil, err
	}
	var own fs.FS
	if dir := filepath.Join(ownerDir, "locale"); isDir(dir) {
		own = os.DirFS(dir)
	}
	catalogue, err := locale.New(messages, own)
	if err != nil {
		return nil, nil, err
	}
	set, err := render.Open(templates.FS, ownerDir, catalogue)
	return catalogue, set, err
}

// templatesDir is the owner's folder, whose files stand in for the embedded ones
// of the same name.
func (a *App) templatesDir() string { return filepath.Join(a.folder, "templates") }

// Live reports whether what is sent leaves the machine.
func (a *App) Live() bool { return a.conf.Mode == "live" }

// stateDir keeps the sandbox's readers and receipts apart from the live ones, so
// that trying something out never counts as having done it.
func (a *App) stateDir() string {
	dir := a.o.State
	if dir == "" {
		dir = a.conf.State.Dir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(a.folder, dir)
		}
	}
	return filepath.Join(dir, a.conf.Mode)
}

// apart does in a database what stateDir does on the disk: the live books are where
// the owner's address says, others beside them.
func (a *App) apart() string {
	if a.Live() {
		return ""
	}
	return a.conf.Mode
}

// open gives the store, opened at its first use.
func (a *App) open(ctx context.Context) (*ledger.Ledger, error) {
	if a.store != nil {
		return a.store, nil
	}
	l, err := ledger.Open(ctx, ledger.Config{Dir: a.stateDir(), DSN: a.conf.State.DSN.Reveal(), Apart: a.apart(), Now: a.o.Now,
		Bounces: ledger.Bounces{Limit: a.conf.Returns.Limit, HalfLife: a.conf.Returns.HalfLife}})
	if err != nil {
		return nil, err
	}
	a.store = l
	a.closers = append(a.closers, l.Close)
	return l, nil
}

// Close gives everything back that was opened.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i]())
	}
	a.closers, a.store, a.sandbox = nil, nil, nil
	return errors.Join(errs...)
}

// client is the HTTP client of everything that goes out. In the sandbox it
// refuses to leave loopback, whatever the configuration says.
func (a *App) client() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	switch {
	case !a.Live():
		transport.Proxy = nil
		transport.DialContext = dialLoopback
	case a.resolver != nil:
		transport.DialContext = (&net.Dialer{Resolver: a.resolver}).DialContext
	}
	return &http.Client{Transport: transport, Timeout: a.conf.Article.Timeout}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// sorted gives a map's keys in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
