// Package source reads an article from where it stands (a Markdown, HTML or text
// file, standard input, a web page) and gives a publisher.Article: cleaned of its
// title's repetition and its footer's boilerplate, sanitised, with a language and
// a hash. It renders nothing, keeps nothing and publishes nothing.
//
// Whatever is read was written by strangers. Article.Body holds only what the
// policy in sanitise.go lets through; the one-line fields hold no line break and
// no control character; no request goes to a private address unless allowed, and
// no file is read outside the article's own folder.
package source

import (
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"crieur/publisher"
)

// Config says how to read. Its zero value is ready to use. It is only read, so
// one Config serves many calls at once.
type Config struct {
	MaxBytes int64         // largest file or page; 0: DefaultMaxBytes
	Timeout  time.Duration // for a whole fetch; 0: DefaultTimeout

	// AllowPrivate lets requests go to loopback, private and link-local addresses.
	AllowPrivate bool
	PrivateKey   string // the configuration's key for it, for hints; "": article.allow_private
	// Dialer opens connections; nil stands for net.Dialer. What it connected to is
	// held against AllowPrivate before a byte is written.
	Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

	Cleaners []string  // names, see Cleaners; empty: DefaultCleaners
	Patterns []Pattern // the site's own boilerplate

	// SiteURL is the base for the relative links and pictures of files, and for
	// Hugo's slugs.
	SiteURL  string
	Language string         // used when the article neither declares one nor lets it be recognised
	Location *time.Location // of dates without a zone; nil: UTC
	Now      func() time.Time
	Format   string // "markdown", "html" or "text"; "": by the file's name, else by its look

	// What the caller knows better than the article itself; "" leaves it alone.
	ID, CanonicalURL, OriginalURL, DeclaredLanguage string
}

// Defaults of Config.
const (
	DefaultMaxBytes = 10 << 20
	DefaultTimeout  = 20 * time.Second
)

// A Pattern is a site's own piece of boilerplate. A paragraph in which Match finds
// something is cut, wherever it stands, and Block is noted as asked for; with
// Block "" it is only cut.
type Pattern struct {
	Name  string
	Block publisher.Block
	Match *regexp.Regexp
}

func (c Config) withDefaults() Config {
	if c.MaxBytes <= 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	if len(c.Cleaners) == 0 {
		c.Cleaners = DefaultCleaners()
	}
	return c
}

// Read reads the article at src: a file's path, "-" for stdin, or an http(s) URL.
//
// Errors are *publisher.Error. NotFound: there is no such file, host or page.
// Busy: the page's server did not answer, or asked to come back later. Invalid:
// everything that the article, the address or the configuration must change for.
// Where is file:line wherever a line is to blame.
func Read(ctx context.Context, src string, stdin io.Reader, c Config) (publisher.Article, error) {
	c = c.withDefaults()
	if err := checkConfig(c); err != nil {
		return publisher.Article{}, err
	}
	in, err := open(ctx, src, stdin, c)
	if err != nil {
		return publisher.Article{}, err
	}
	d, err := parse(in, c)
	if err != nil {
		return publisher.Article{}, err
	}
	return d.article(ctx, c)
}

// An input is what was read, before anything is made of it.
type input struct {
	src       string // as the caller named it
	where     string // for errors: the path, "standard input", or the URL without its query
	dir       string // the file's folder; "" where there is none
	url       string // the page's address after redirects; "" for files
	format    format
	mediaType string // the server's Content-Type, with its charset; "" for files
	data      []byte
}

func open(ctx context.Context, src string, stdin io.Reader, c Config) (input, error) {
	switch {
	case src == "-":
		return readStdin(stdin, c)
	case isWebAddress(src):
		return fetchPage(ctx, src, c)
	case strings.Contains(src, "://"):
		return input{}, &publisher.Error{Kind: publisher.Invalid, Op: "read article", Where: redact(src),
			Hint: "give an http or https address, or a file's path", Err: errors.New("this kind of address cannot be read")}
	default:
		return readFile(src, c)
	}
}

// parse takes the input apart. What it gives still holds title, lead and footer
// among its paragraphs.
func parse(in input, c Config) (*draft, error) {
	text, err := decode(in)
	if err != nil {
		return nil, err
	}
	front, text, err := splitFrontMatter(in, text)
	if err != nil {
		return nil, err
	}
	d := &draft{in: in, format: in.format, text: text, front: front, zone: c.Location}
	if d.format == formatUnknown {
		d.format = sniff(text, front)
	}
	if err := d.declared(c); err != nil {
		return nil, err
	}
	if front != nil && d.format != formatText {
		var dropped []string
		d.text, dropped = d.shortcodes(d.text)
		for _, name := range dropped {
			d.notes = append(d.notes, "the shortcode "+oneLine(name)+" is left out: what it shows is made by the site's templates")
		}
	}
	switch d.format {
	case formatMarkdown:
		err = d.readMarkdown(c)
	case formatHTML:
		err = d.readHTML()
	default:
		d.readText()
	}
	return d, err
}
