package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"crieur/publisher"
	"crieur/publisher/config"
)

// The networks of these tests, with the keys that the real ones have.
type mastodon struct {
	Server     string           `mapstructure:"server" required:"true" format:"url" desc:"The instance."`
	Token      publisher.Secret `mapstructure:"token"`
	Visibility string           `mapstructure:"visibility" enum:"public,unlisted,private,direct"`
	Sensitive  bool             `mapstructure:"sensitive"`
}

type bluesky struct {
	Server      string           `mapstructure:"server"`
	Handle      string           `mapstructure:"handle"`
	AppPassword publisher.Secret `mapstructure:"app_password"`
	Card        bool             `mapstructure:"card"`
}

type x struct {
	API            string           `mapstructure:"api" enum:"v1,v2"`
	ConsumerKey    publisher.Secret `mapstructure:"consumer_key"`
	ConsumerSecret publisher.Secret `mapstructure:"consumer_secret"`
	AccessToken    publisher.Secret `mapstructure:"access_token"`
	AccessSecret   publisher.Secret `mapstructure:"access_secret"`
	FindAfter      time.Duration    `mapstructure:"find_after"`
	Headers        map[string]string
	Retries        int
	Share          float64
	Tags           []string
}

// Validate complains as the real networks do: one error for each key, joined.
func (b *bluesky) Validate(channel string) error {
	refuse := func(key, hint, message string) error {
		return &publisher.Error{Kind: publisher.Invalid, Where: "channels." + channel + "." + key, Hint: hint, Err: errors.New(message)}
	}
	var errs []error
	if b.AppPassword == "" {
		errs = append(errs, refuse("app_password", "make one in the settings", "app_password is missing"))
	}
	if strings.HasPrefix(b.Handle, "@") {
		errs = append(errs, refuse("handle", "", "the handle begins with @"))
	}
	return errors.Join(errs...)
}

func network(kind string) (any, bool) {
	switch kind {
	case "mastodon":
		return &mastodon{Visibility: "public"}, true
	case "bluesky":
		return &bluesky{Server: "https://bsky.social", Card: true}, true
	case "x":
		return &x{API: "v2", FindAfter: 20 * time.Second, Retries: 2}, true
	}
	return nil, false
}

func env(pairs ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

// options gives what a test starts from: the networks above, an empty environment.
func options(path string) config.Options {
	return config.Options{Path: path, Env: env(), Channel: network, Kinds: []string{"bluesky", "mastodon", "x"}}
}

// write puts a configuration into a folder of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, o config.Options) *config.Config {
	t.Helper()
	c, err := config.Load(o)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

func TestLoadBuiltInConfiguration(t *testing.T) {
	data, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	o := options("")
	o.Default = data
	c := load(t, o)

	want := &config.Config{
		Dir: ".", Mode: config.ModeSandbox,
		Site: config.Site{Name: "La Gazette du Marais", URL: "https://gazette.example", Language: "fr",
			Timezone: "Europe/Paris", Accent: "#8a1c1c"},
		Legal: config.Legal{Sender: "Association La Gazette du Marais", Address: "12 rue des Roseaux, 75004 Paris, France",
			PrivacyURL: "https://gazette.example/confidentialite"},
		State:  config.State{Dir: ".crieur", Elsewhere: "ask"},
		Server: config.Server{Listen: "127.0.0.1:8080", PublicURL: "http://127.0.0.1:8080"},
		API:    config.API{Rate: config.Rate{Count: 60, Per: time.Minute}},
		Sandbox: config.Sandbox{Listen: "127.0.0.1:8025", SMTP: "127.0.0.1:1025", Subscribers: []string{
			"Camille Moreau <camille@example.org>", "Noé Lefèvre <noe@example.com>", "Inès Dubois <ines@example.net>"}},
		Article: config.Article{MaxBytes: 10 << 20, Timeout: 20 * time.Second},
		SMTP: []config.SMTP{{Name: "main", Host: "smtp.gazette.example", Port: 587, Security: "starttls",
			User: "redaction@gazette.example", Auth: "auto", Connections: 4, Timeout: 30 * time.Second, MessagesPerConnection: 100}},
		Returns: config.Returns{Delimiter: "+", Limit: 3, HalfLife: 30 * 24 * time.Hour,
			Mailbox: config.Mailbox{Protocol: "imap", Security: "tls", Folder: "INBOX", Timeout: 30 * time.Second}},
		Retry: config.Retry{Schedule: []string{"5s", "20s", "1m", "5m", "15m", "1h", "4h", "12h"}, GiveUp: 72 * time.Hour, Wait: 30 * time.Second},
		Lists: []config.List{{Name: "lecteurs", Title: "Les lecteurs de la Gazette",
			Description: "L’article du jour, chaque soir à 18 heures."}},
		Newsletters: []config.Newsletter{{Name: "quotidien", Title: "L’article du jour", List: "lecteurs",
			From:    publisher.Address{Name: "La Gazette du Marais", Email: "redaction@gazette.example"},
			Subject: "{{.Article.Title}}", Template: "article", Unknown: "leave",
			Digest: config.Digest{Min: 1, Max: 20, Order: "newest", GroupBy: "none", IfFewer: "wait", Rest: "next"}}},
		Channels: []config.Channel{{Name: "mastodon", Kind: "mastodon", Images: true},
			{Name: "bluesky", Kind: "bluesky", Images: true}, {Name: "x", Kind: "x", Images: true}},
		Blocks: config.Blocks{
			Share:     config.Share{Networks: []string{"mastodon", "bluesky", "whatsapp", "email"}},
			Forward:   config.Forward{Enabled: true},
			Subscribe: config.Subscribe{URL: "https://gazette.example/inscription", Text: "Recevez gratuitement l’article du jour."},
			Sponsors: config.Sponsors{PerIssue: 1, Items: []config.Sponsor{{Name: "Librairie des Roseaux",
				Text: "Rencontres et signatures, chaque jeudi à 19 heures.", URL: "https://librairie.example"}}},
			Donate: config.Donate{URL: "https://gazette.example/don",
				Text: "La Gazette vit de ses lecteurs. Un don de cinq euros paie une heure d’enquête."},
		},
		Proof:     config.Proof{Valid: 72 * time.Hour},
		Report:    config.Report{When: "done"},
		Late:      config.Late{After: 2 * time.Hour, Then: "hold"},
		Preflight: config.Preflight{SizeWarn: 90000, SizeFail: 102400, MissingAlt: "warn"},
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(config.Channel{})); diff != "" {
		t.Errorf("built-in configuration (-want +got):\n%s", diff)
	}
	var m mastodon
	if err := c.Channels[0].Decode(&m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mastodon{Server: "https://mastodon.example", Visibility: "public"}, m); diff != "" {
		t.Errorf("mastodon (-want +got):\n%s", diff)
	}
}
