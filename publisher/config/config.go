// Package config reads config.yaml: it lays the file, the environment and the
// command line over the defaults, checks every key strictly, puts secrets in
// place and gives typed values. What is wrong is told all at once, each with its
// file, line, key and a hint. It also writes the JSON schema by which editors
// complete the file.
//
// It opens no connection, knows no network (their keys come to it as structs)
// and decides nothing about what is sent: whether a newsletter may go out is
// preflight's to say.
//
// A value is taken from the first of these that has it: the command line; the
// environment variable named after its key, CRIEUR_SMTP_MAIN_PASSWORD for
// smtp.main.password; that variable in the file .env beside config.yaml;
// config.yaml; the default. An empty variable counts as none. A text may hold
// ${env:NAME}, a variable of the environment or of .env, and ${file:PATH}, a
// file's content, with PATH relative to config.yaml's folder; $${ stands for
// the characters ${ themselves. In mode sandbox a variable or file that does not
// exist leaves its key at the default, so that the program can be tried without
// a single account; in mode live it is a problem.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"crieur/publisher"
)

// The modes.
const (
	ModeSandbox = "sandbox"
	ModeLive    = "live"
)

// Options says where a configuration comes from.
type Options struct {
	// Path of the file. "" stands for config.yaml in the working folder, or for
	// Default where there is none.
	Path    string
	Default []byte                           // the built-in config.yaml
	Env     func(name string) (string, bool) // nil: os.LookupEnv
	Set     map[string]string                // dotted key → value, from the command line
	Channel func(kind string) (any, bool)    // a new pointer to a network's keys, holding its defaults; false: no such network
	Kinds   []string                         // the networks, for hints
	Groups  []string                         // the providers whose domains are known
}

// A Config is a configuration that is in order.
type Config struct {
	File string `mapstructure:"-"` // path of the file; "" for the built-in one
	Dir  string `mapstructure:"-"` // folder that relative paths start from

	Mode        string       `mapstructure:"mode" default:"sandbox" enum:"sandbox,live" desc:"sandbox: every channel is answered inside the program and nothing leaves the machine. live: mails and posts go out."`
	Site        Site         `mapstructure:"site" desc:"The site that publishes."`
	Legal       Legal        `mapstructure:"legal" desc:"Who answers for the mails; stands at the foot of each."`
	State       State        `mapstructure:"state" desc:"Where readers, renderings, deliveries and receipts are kept."`
	Server      Server       `mapstructure:"server" desc:"The public pages: unsubscribing, preferences, the web copy of each issue, pictures."`
	API         API          `mapstructure:"api" desc:"The HTTP API of crieur serve."`
	Sandbox     Sandbox      `mapstructure:"sandbox" desc:"The servers that stand in for all others in mode sandbox."`
	Telemetry   Telemetry    `mapstructure:"telemetry" desc:"Figures about the daemon for those who watch it."`
	Article     Article      `mapstructure:"article" desc:"How articles are read."`
	Sources     []Source     `mapstructure:"sources" names:"source" desc:"Where articles come from, by name: feeds, of which feed:NAME stands for the new articles, and content systems that tell of theirs."`
	SMTP        []SMTP       `mapstructure:"smtp" names:"server" desc:"The servers that take the mails, by name. The first is used; the later ones take over while it cannot be reached."`
	Returns     Returns      `mapstructure:"returns" desc:"What comes back: bounces and complaints."`
	DKIM        []DKIM       `mapstructure:"dkim" names:"domain" desc:"The domains whose mails are signed, by name; one also signs for senders below it."`
	Pace        []Pace       `mapstructure:"pace" names:"group" desc:"How fast mail goes to a provider, by name: gmail, outlook, yahoo, icloud, orange, free, laposte, sfr, bouygues, gmx, proton and others that crieur knows, or a name of your own with its domains."`
	Warmup      []Warmup     `mapstructure:"warmup" names:"domain" desc:"Senders' domains that providers do not know yet, by name: each day a little more goes out, in the site's time zone."`
	Retry       Retry        `mapstructure:"retry" desc:"When mails that a server has told to wait are tried again, and for how long."`
	Lists       []List       `mapstructure:"lists" names:"list" desc:"The lists that readers are on, by name."`
	Newsletters []Newsletter `mapstructure:"newsletters" names:"newsletter" desc:"The newsletters, by name."`
	Channels    []Channel    `mapstructure:"channels" names:"channel" desc:"The accounts on social networks, by name."`
	Routes      []Route      `mapstructure:"routes" names:"route" desc:"Where articles go by themselves, by name. All routes that match add up; what reaches a newsletter or channel twice goes there once, by the first of them."`
	Slots       []Slot       `mapstructure:"slots" names:"slot" desc:"When channels post, by name, in the site's time zone."`
	Late        Late         `mapstructure:"late" desc:"What becomes of mails and posts whose moment is past, because crieur did not run or was stopped."`
	Budgets     []Budget     `mapstructure:"budgets" names:"channel" desc:"What channels may cost, by the channel's name."`
	Blocks      Blocks       `mapstructure:"blocks" desc:"What stands around an article in a mail."`
	Proof       Proof        `mapstructure:"proof" desc:"The mail with which people decide over what waits: the letter itself, with Hold and Send now."`
	Report      Report       `mapstructure:"report" desc:"What crieur tells the owner by mail."`
	Preflight   Preflight    `mapstructure:"preflight" desc:"What is looked at before anything goes out."`
}

// Path gives a path of the configuration as one that can be opened: relative
// ones start from the configuration's folder.
func (c *Config) Path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.Dir, p)
}

// Load reads and checks a configuration. The error holds a *Problems with
// everything that is wrong.
func Load(o Options) (*Config, error) {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	c := &Config{}
	name, data, err := content(&o, c)
	if err != nil {
		return nil, err
	}
	l := newLoader(o, name, c.Dir)
	root, problems := readTree(name, data)
	l.problems = append(l.problems, problems...)
	if root == nil {
		return nil, failure(l.problems, name)
	}
	fields := fieldsOf(reflect.ValueOf(c).Elem())
	l.layAll(fields, root)
	l.fill("", fields, reflect.ValueOf(c).Elem())
	l.tryChannels(c)
	l.check(c)
	if err := failure(l.problems, name); err != nil {
		return nil, err
	}
	return c, nil
}

// content reads the file and notes in c where it was; name is what the user
// calls it.
func content(o *Options, c *Config) (name string, data []byte, err error) {
	path := o.Path
	if path == "" {
		path = "config.yaml"
	}
	c.File, c.Dir = path, filepath.Dir(path)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && o.Path == "" && o.Default != nil {
		c.File = ""
		return "built-in config.yaml", o.Default, nil
	}
	if err == nil {
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	}
	if err != nil {
		p := Problem{File: path, Message: "cannot be read: " + reason(err)}
		if errors.Is(err, fs.ErrNotExist) {
			p.Message, p.Hint = "no such file", "crieur init writes one; --config PATH names another"
		}
		return "", nil, failure([]Problem{p}, path)
	}
	return path, data, nil
}

// reason gives an I/O error without the path, which the caller names already.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// A Channel is an account on a network. Decode gives the network's own keys.
type Channel struct {
	Name     string `mapstructure:"-"`
	Kind     string `mapstructure:"kind" required:"true" desc:"The network: mastodon, bluesky, x, …"`
	Template string `mapstructure:"template" format:"name" desc:"The template of its posts, a file in templates/social. Left out: the network's own."`
	Images   bool   `mapstructure:"images" default:"true" desc:"Whether the article's pictures are posted along."`
	Approval int    `mapstructure:"approval" default:"0" min:"0" max:"20" desc:"How many people have to approve, with crieur approve, before its posts go out; 0: none."`

	Slot  string        `mapstructure:"slot" desc:"Name of the slot in which it posts what routes bring it. Left out: at once."`
	Delay time.Duration `mapstructure:"delay" desc:"How long after publication on the site it posts what routes bring it."`

	loader *loader
	at     path
}

// Decode puts the network's own keys into target, a pointer to a struct, with
// secrets in place. Fields whose key is not set keep their value. A key that
// target does not have is an error with its line. Safe for concurrent use.
func (c Channel) Decode(target any) error {
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return &publisher.Error{Kind: publisher.Internal, Op: "decode channel " + c.Name,
			Err: fmt.Errorf("target is a %T, not a pointer to a struct", target)}
	}
	if c.loader == nil {
		return &publisher.Error{Kind: publisher.Internal, Op: "decode channel " + c.Name, Err: errors.New("not from a loaded configuration")}
	}
	own := c.loader.reader()
	fields := fieldsOf(v.Elem())
	own.refuseUnknown(c.at, append(fieldsOf(reflect.ValueOf(&c).Elem()), fields...), own.tables[c.at])
	own.fill(c.at, fields, v.Elem())
	return failure(own.problems, own.file)
}

// tryChannels decodes each channel once, so that what is wrong with a network's
// own keys is told with the rest.
func (l *loader) tryChannels(c *Config) {
	for _, ch := range c.Channels {
		target, ok := l.target(ch.Kind)
		if !ok {
			continue
		}
		v, before := reflect.ValueOf(target).Elem(), len(l.problems)
		l.fill(ch.at, fieldsOf(v), v)
		if check, ok := target.(validator); ok && len(l.problems) == before {
			l.relate(ch, check.Validate(ch.Name))
		}
	}
}

// A validator is a network's keys that know what is wrong with them: one
// *publisher.Error for each key, its Where being channels.NAME.KEY, joined.
type validator interface{ Validate(channel string) error }

// relate gives a network's own complaints their lines. In mode sandbox those about
// keys that are not set are left out: it needs no account.
func (l *loader) relate(ch Channel, err error) {
	if err == nil {
		return
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			l.relate(ch, one)
		}
		return
	}
	at, message := ch.at, err.Error()
	var e *publisher.Error
	if errors.As(err, &e) {
		if key, ok := strings.CutPrefix(e.Where, ch.at.String()+"."); ok {
			at = ch.at.key(key)
		}
		bare := *e
		bare.Where = ""
		message = bare.Error()
	}
	if l.live || l.given(at) {
		l.wrong(at, message, publisher.HintOf(err))
	}
}

// given reports whether any layer sets the key to something.
func (l *loader) given(at path) bool {
	n := l.value(at)
	if n == nil || n.kind == nothing {
		return false
	}
	if n.kind == scalar && n.layer == fromFile {
		t, err := l.follow(n.text, true)
		return err == nil && t.text != ""
	}
	return n.text != "" || n.kind != scalar
}
