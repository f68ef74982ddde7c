package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"crieur/publisher"
)

// Config says where a sandbox listens, where it keeps what arrives, and what its
// page needs from the rest of the program. Only Dir, Templates and T are required.
type Config struct {
	Dir       string  // state folder for arrivals; made where it is missing
	HTTP      string  // listen address; default 127.0.0.1:8025; if taken, a free port
	SMTP      string  // listen address; default 127.0.0.1:1025; if taken, a free port
	PublicURL string  // what the URLs of posts begin with; default: the HTTP address
	Faults    []Fault // in force from the start
	Announce  bool    // this process serves others: let Running find it

	Templates fs.FS // holds web/sandbox.html.tmpl and web/sandbox.css
	// T gives a message of the page in a language: key, then pairs of name and value.
	T func(lang, key string, args ...any) string
	// Date writes a day; default: 2026-11-23.
	Date     func(lang string, t time.Time) string
	Language string         // of the page where the browser asks for none; default: en
	Location *time.Location // of the times shown; default: time.Local
	// Resolve gives a picture that crieur itself hosts, so that a mail can be shown
	// with it although its address is not reachable; default: none.
	Resolve func(url string) (data []byte, mediaType string, ok bool)

	Credentials Credentials // empty ones are made up once per Dir
	Now         func() time.Time
	Rand        io.Reader // safe for concurrent use
	Log         *slog.Logger
}

// Credentials are what the sandbox's servers accept, and nothing else.
type Credentials struct {
	SMTPUser     string
	SMTPPassword publisher.Secret

	MastodonToken publisher.Secret

	BlueskyHandle   string
	BlueskyPassword publisher.Secret // an app password

	XConsumerKey, XConsumerSecret publisher.Secret
	XAccessToken, XAccessSecret   publisher.Secret
}

// Keys gives the credentials of a network by the names that they have in
// config.yaml: for smtp user and password, for mastodon token, and so on.
func (c Credentials) Keys(network string) map[string]publisher.Secret {
	switch network {
	case SMTP:
		return map[string]publisher.Secret{"user": publisher.Secret(c.SMTPUser), "password": c.SMTPPassword}
	case Mastodon:
		return map[string]publisher.Secret{"token": c.MastodonToken}
	case Bluesky:
		return map[string]publisher.Secret{"handle": publisher.Secret(c.BlueskyHandle), "app_password": c.BlueskyPassword}
	case X:
		return map[string]publisher.Secret{"consumer_key": c.XConsumerKey, "consumer_secret": c.XConsumerSecret,
			"access_token": c.XAccessToken, "access_secret": c.XAccessSecret}
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.HTTP == "" {
		c.HTTP = "127.0.0.1:8025"
	}
	if c.SMTP == "" {
		c.SMTP = "127.0.0.1:1025"
	}
	if c.Language == "" {
		c.Language = "en"
	}
	if c.Location == nil {
		c.Location = time.Local
	}
	if c.Date == nil {
		c.Date = func(_ string, t time.Time) string { return t.Format(time.DateOnly) }
	}
	if c.Resolve == nil {
		c.Resolve = func(string) ([]byte, string, bool) { return nil, "", false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	return c
}

// keys is what a folder's sandbox needs to be the same one in every process: the
// made-up credentials, the key that signs Bluesky's tokens, and the account's DID.
type keys struct {
	Credentials credentialsFile `json:"credentials"`
	TokenKey    string          `json:"token_key"`
	DID         string          `json:"did"`
}

// credentialsFile is Credentials in the clear, for files that only the owner reads.
type credentialsFile struct {
	SMTPUser        string `json:"smtp_user"`
	SMTPPassword    string `json:"smtp_password"`
	MastodonToken   string `json:"mastodon_token"`
	BlueskyHandle   string `json:"bluesky_handle"`
	BlueskyPassword string `json:"bluesky_password"`
	XConsumerKey    string `json:"x_consumer_key"`
	XConsumerSecret string `json:"x_consumer_secret"`
	XAccessToken    string `json:"x_access_token"`
	XAccessSecret   string `json:"x_access_secret"`
}

func (f credentialsFile) open() Credentials {
	s := func(v string) publisher.Secret { return publisher.Secret(v) }
	return Credentials{f.SMTPUser, s(f.SMTPPassword), s(f.MastodonToken), f.BlueskyHandle, s(f.BlueskyPassword),
		s(f.XConsumerKey), s(f.XConsumerSecret), s(f.XAccessToken), s(f.XAccessSecret)}
}

func (c Credentials) file() credentialsFile {
	return credentialsFile{c.SMTPUser, c.SMTPPassword.Reveal(), c.MastodonToken.Reveal(), c.BlueskyHandle, c.BlueskyPassword.Reveal(),
		c.XConsumerKey.Reveal(), c.XConsumerSecret.Reveal(), c.XAccessToken.Reveal(), c.XAccessSecret.Reveal()}
}

// loadKeys reads the folder's keys, or makes them; credentials given in the
// configuration stand before the folder's.
func loadKeys(c Config) (keys, error) {
	path := filepath.Join(c.Dir, "keys.json")
	var k keys
	data, err := os.ReadFile(path)
	switch {
	case err == nil && json.Unmarshal(data, &k) == nil && k.TokenKey != "" && k.DID != "":
	case err == nil || errors.Is(err, fs.ErrNotExist):
		// A file that cannot be read as keys was torn by a kill while it was made.
		if k, err = makeKeys(c.Rand); err != nil {
			return keys{}, err
		}
		if err := writeFile(path, k); err != nil {
			return keys{}, err
		}
	default:
		return keys{}, err
	}
	given := c.Credentials.file()
	for _, pair := range [][2]*string{
		{&given.SMTPUser, &k.Credentials.SMTPUser}, {&given.SMTPPassword, &k.Credentials.SMTPPassword},
		{&given.MastodonToken, &k.Credentials.MastodonToken},
		{&given.BlueskyHandle, &k.Credentials.BlueskyHandle}, {&given.BlueskyPassword, &k.Credentials.BlueskyPassword},
		{&given.XConsumerKey, &k.Credentials.XConsumerKey}, {&given.XConsumerSecret, &k.Credentials.XConsumerSecret},
		{&given.XAccessToken, &k.Credentials.XAccessToken}, {&given.XAccessSecret, &k.Credentials.XAccessSecret},
	} {
		if *pair[0] != "" {
			*pair[1] = *pair[0]
		}
	}
	return k, nil
}

func makeKeys(random io.Reader) (keys, error) {
	var fail error
	word := func(n int) string {
		b := make([]byte, n)
		if _, err := io.ReadFull(random, b); err != nil {
			fail = err
		}
		return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
	}
	app := word(10)
	k := keys{
		Credentials: credentialsFile{
			SMTPUser: "crieur", SMTPPassword: word(15), MastodonToken: word(25),
			BlueskyHandle: "crieur.test", BlueskyPassword: app[:4] + "-" + app[4:8] + "-" + app[8:12] + "-" + app[12:16],
			XConsumerKey: word(15), XConsumerSecret: word(30), XAccessToken: "1000-" + word(20), XAccessSecret: word(25),
		},
		TokenKey: word(32),
		DID:      "did:plc:" + word(15),
	}
	return k, fail
}

// writeFile puts v as JSON into a file that only the owner reads, whole or not at all.
func writeFile(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// problem gives an error that crosses the package its kind and its place.
func problem(kind publisher.Kind, op, where, hint string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &publisher.Error{Kind: kind, Op: op, Where: where, Hint: hint, Err: err}
}
