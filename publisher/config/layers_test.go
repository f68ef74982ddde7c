package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/config"
)

// base has names of every shape that a variable has to find.
const base = `
smtp:
  main:
    host: smtp.gazette.example
    password: from-file
  Relais.Sud-2:
    host: relais.gazette.example
lists:
  lecteurs:
newsletters:
  quotidien:
    list: lecteurs
    from: redaction@gazette.example
channels:
  my-mastodon:
    kind: mastodon
    server: https://mastodon.example
  tw_1:
    kind: x
  sky:
    kind: ${env:SKY}
    app_password: s
blocks:
  share:
    networks: [email]
article:
  utm:
    source: gazette
`

// Viper does not carry variables to nested keys by itself: every shape of key is tried.
func TestEnvironmentReachesEveryKey(t *testing.T) {
	decode := func(t *testing.T, c *config.Config, i int, target any) {
		t.Helper()
		if err := c.Channels[i].Decode(target); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		variable, value string
		get             func(*testing.T, *config.Config) any
		want            any
	}{
		"top":              {"CRIEUR_MODE", "live", func(_ *testing.T, c *config.Config) any { return c.Mode }, "live"},
		"section absent":   {"CRIEUR_SITE_NAME", "Le Phare", func(_ *testing.T, c *config.Config) any { return c.Site.Name }, "Le Phare"},
		"secret in file":   {"CRIEUR_SMTP_MAIN_PASSWORD", "p=${x}#é", func(_ *testing.T, c *config.Config) any { return c.SMTP[0].Password.Reveal() }, "p=${x}#é"},
		"key absent":       {"CRIEUR_SMTP_MAIN_PORT", "465", func(_ *testing.T, c *config.Config) any { return c.SMTP[0].Port }, 465},
		"key with _":       {"CRIEUR_SMTP_MAIN_MESSAGES_PER_CONNECTION", "50", func(_ *testing.T, c *config.Config) any { return c.SMTP[0].MessagesPerConnection }, 50},
		"name with . - A":  {"CRIEUR_SMTP_RELAIS_SUD_2_PASSWORD", "s", func(_ *testing.T, c *config.Config) any { return c.SMTP[1].Password.Reveal() }, "s"},
		"duration":         {"CRIEUR_SMTP_MAIN_TIMEOUT", "1m30s", func(_ *testing.T, c *config.Config) any { return c.SMTP[0].Timeout }, 90 * time.Second},
		"days":             {"CRIEUR_RETRY_GIVE_UP", "2d12h", func(_ *testing.T, c *config.Config) any { return c.Retry.GiveUp }, 60 * time.Hour},
		"waits":            {"CRIEUR_RETRY_SCHEDULE", "1m, 4h, 1d", func(_ *testing.T, c *config.Config) any { return c.Retry.Waits() }, []time.Duration{time.Minute, 4 * time.Hour, 24 * time.Hour}},
		"rate":             {"CRIEUR_SMTP_MAIN_RATE", "300/h", func(_ *testing.T, c *config.Config) any { return c.SMTP[0].Rate }, config.Rate{Count: 300, Per: time.Hour}},
		"address":          {"CRIEUR_NEWSLETTERS_QUOTIDIEN_REPLY_TO", "Rédaction <r@gazette.example>", func(_ *testing.T, c *config.Config) any { return c.Newsletters[0].ReplyTo }, publisher.Address{Name: "Rédaction", Email: "r@gazette.example"}},
		"three deep":       {"CRIEUR_ARTICLE_UTM_ENABLED", "true", func(_ *testing.T, c *config.Config) any { return c.Article.UTM.Enabled }, true},
		"three deep, file": {"CRIEUR_ARTICLE_UTM_SOURCE", "lettre", func(_ *testing.T, c *config.Config) any { return c.Article.UTM.Source }, "lettre"},
		"list":             {"CRIEUR_BLOCKS_SHARE_NETWORKS", "mastodon, x", func(_ *testing.T, c *config.Config) any { return c.Blocks.Share.Networks }, []string{"mastodon", "x"}},
		"list of blocks":   {"CRIEUR_NEWSLETTERS_QUOTIDIEN_BLOCKS", "share", func(_ *testing.T, c *config.Config) any { return c.Newsletters[0].Blocks }, []publisher.Block{"share"}},
		"network's secret": {"CRIEUR_CHANNELS_MY_MASTODON_TOKEN", "t0ken", func(t *testing.T, c *config.Config) any {
			var m mastodon
			decode(t, c, 0, &m)
			return m.Token.Reveal()
		}, "t0ken"},
		"network's key in file": {"CRIEUR_CHANNELS_MY_MASTODON_SERVER", "https://piaille.example", func(t *testing.T, c *config.Config) any {
			var m mastodon
			decode(t, c, 0, &m)
			return m.Server
		}, "https://piaille.example"},
		"network's key with _": {"CRIEUR_CHANNELS_TW_1_ACCESS_TOKEN", "a", func(t *testing.T, c *config.Config) any {
			var m x
			decode(t, c, 1, &m)
			return m.AccessToken.Reveal()
		}, "a"},
		"common key of a channel": {"CRIEUR_CHANNELS_TW_1_IMAGES", "false", func(_ *testing.T, c *config.Config) any { return c.Channels[1].Images }, false},
		"channel's kind": {"CRIEUR_CHANNELS_TW_1_KIND", "bluesky", func(t *testing.T, c *config.Config) any {
			m := bluesky{Server: "https://bsky.social"}
			decode(t, c, 1, &m)
			return c.Channels[1].Kind + " " + m.Server
		}, "bluesky https://bsky.social"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(write(t, base))
			o.Env = env(c.variable, c.value, "SKY", "bluesky")
			if diff := cmp.Diff(c.want, c.get(t, load(t, o))); diff != "" {
				t.Errorf("%s=%s (-want +got):\n%s", c.variable, c.value, diff)
			}
		})
	}
}

func TestLayersInOrder(t *testing.T) {
	path := write(t, "site:\n  name: file\n")
	dotenv := filepath.Join(filepath.Dir(path), ".env")
	o := options(path)
	name := func() string { return load(t, o).Site.Name }
	if got := name(); got != "file" {
		t.Errorf("file: got %q", got)
	}
	if err := os.WriteFile(dotenv, []byte("CRIEUR_SITE_NAME=dotenv\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "dotenv" {
		t.Errorf(".env over file: got %q", got)
	}
	o.Env = env("CRIEUR_SITE_NAME", "environment")
	if got := name(); got != "environment" {
		t.Errorf("environment over .env: got %q", got)
	}
	o.Set = map[string]string{"site.name": "flag"}
	if got := name(); got != "flag" {
		t.Errorf("command line over environment: got %q", got)
	}
	if o.Set["site.name"] != "flag" {
		t.Error("Load changed the caller's map")
	}
	o.Set, o.Env = nil, env("CRIEUR_SITE_NAME", "")
	if got := name(); got != "dotenv" {
		t.Errorf("an empty variable counts as none: got %q", got)
	}
}

func TestNamesKeepOrderAndCase(t *testing.T) {
	c := load(t, options(write(t, `
smtp:
  Zulu: {host: z.example}
  alpha: {host: a.example}
  Mike: {host: m.example}
lists: {Zoe-1: {}, b: , a: {title: A}}
`)))
	var got []string
	for _, s := range c.SMTP {
		got = append(got, s.Name+" "+s.Host)
	}
	for _, s := range c.Lists {
		got = append(got, s.Name+s.Title)
	}
	want := []string{"Zulu z.example", "alpha a.example", "Mike m.example", "Zoe-1", "b", "aA"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestProblemsOutsideTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		env    []string
		dotenv string
		set    map[string]string
		want   []string // "file: key: message" with hint
	}{
		"variable of the wrong type": {env: []string{"CRIEUR_SMTP_MAIN_PORT", "hunter2"},
			want: []string{"environment variable CRIEUR_SMTP_MAIN_PORT: smtp.main.port: want a whole number from 1 to 65535"}},
		"variable for a list": {env: []string{"CRIEUR_BLOCKS_SHARE_NETWORKS", "x,hunter2"},
			want: []string{"environment variable CRIEUR_BLOCKS_SHARE_NETWORKS: blocks.share.networks: want mastodon, bluesky, x, facebook, linkedin, whatsapp, telegram or email"}},
		"dotenv of the wrong type": {dotenv: "# ports\n\nCRIEUR_SMTP_MAIN_PORT=hunter2\n",
			want: []string{".env:3: smtp.main.port: want a whole number from 1 to 65535"}},
		"dotenv that sets nothing": {dotenv: "CRIEUR_SMTP_MAIN_PASWORD=hunter2\nOTHER=1\n",
			want: []string{".env:1: CRIEUR_SMTP_MAIN_PASWORD sets no key of this configuration (did you mean CRIEUR_SMTP_MAIN_PASSWORD?)"}},
		"dotenv broken": {dotenv: "hunter2\nA B=1\nC=\"hunter2\nD='x",
			want: []string{".env:1: want NAME=VALUE", ".env:2: want NAME=VALUE", ".env:3: the value of C lacks its closing quote", ".env:4: the value of D lacks its closing quote"}},
		"flag of the wrong type": {set: map[string]string{"server.listen": "here"},
			want: []string{"command line: server.listen: want an address to listen on, got \"here\" (write host and port, as 127.0.0.1:8080; port 0 takes any that is free)"}},
		"flag for no key": {set: map[string]string{"server.lisen": ":80"},
			want: []string{"command line: server.lisen: is no key of this configuration (did you mean server.listen?)"}},
		"flag for no name": {set: map[string]string{"smtp.mian.port": "25"},
			want: []string{"command line: smtp.mian.port: is no key of this configuration (did you mean smtp.main.port?)"}},
		"secret from the file of the wrong type": {env: []string{"SKY", "hunter2"},
			want: []string{"config.yaml:21: channels.sky.kind: unknown network (known: bluesky, mastodon, x)"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, base)
			if c.dotenv != "" {
				if err := os.WriteFile(filepath.Join(filepath.Dir(path), ".env"), []byte(c.dotenv), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.env == nil {
				c.env = []string{"SKY", "bluesky"}
			} else if c.env[0] != "SKY" {
				c.env = append(c.env, "SKY", "bluesky")
			}
			o := options(path)
			o.Env, o.Set = env(c.env...), c.set
			var got []string
			for _, p := range problems(t, o) {
				s := strings.ReplaceAll(p.Error(), filepath.Dir(path)+"/", "")
				if p.Hint != "" {
					s += " (" + p.Hint + ")"
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// What cannot be read has no names, and nothing that needs them is wrong.
func TestSyntaxErrorStandsAlone(t *testing.T) {
	path := write(t, base+"\nsite: [\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), ".env"), []byte("CRIEUR_SMTP_MAIN_PASSWORD=s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(path)
	o.Set = map[string]string{"smtp.main.port": "25"}
	if list := problems(t, o); len(list) != 1 || list[0].File != path {
		t.Errorf("got %+v", list)
	}
}

func TestVariableOfTwoKeys(t *testing.T) {
	text := "channels:\n  x: {kind: x}\n  x-access: {kind: mastodon, server: https://m.example}\n"
	load(t, options(write(t, text))) // no such variable: no harm
	o := options(write(t, text))
	o.Env = env("CRIEUR_CHANNELS_X_ACCESS_TOKEN", "hunter2")
	list := problems(t, o)
	if len(list) != 1 || !strings.Contains(list[0].Message, "channels.x.access_token") || list[0].Key != "channels.x-access.token" {
		t.Errorf("got %+v", list)
	}
}

func TestReferences(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"token": "from file\n", "crlf": "s\r\n", "pem": "-----\nabc\n-----\n", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "big"), make([]byte, 65<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("LOCAL='q #$x'\nexport BOTH=dotenv\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mode, value, want, problem string
	}{
		"plain":                 {value: "secret", want: "secret"},
		"number":                {value: "0123", want: "0123"},
		"variable":              {value: "${env:A}", want: "a"},
		"of .env":               {value: "${env:LOCAL}", want: "q #$x"},
		"environment over .env": {value: "${env:BOTH}", want: "environment"},
		"file":                  {value: "${file:token}", want: "from file"},
		"file with CRLF":        {value: "${file:crlf}", want: "s"},
		"file of several lines": {value: "${file:pem}", want: "-----\nabc\n-----"},
		"absolute":              {value: "${file:" + filepath.Join(dir, "token") + "}", want: "from file"},
		"inside":                {value: "Bearer ${env:A}-${file:crlf}!", want: "Bearer a-s!"},
		"escaped":               {value: "$${env:A}", want: "${env:A}"},
		"dollars":               {value: "pa$$word$", want: "pa$$word$"},
		"not twice":             {value: "${env:NESTED}", want: "${env:A}"},
		"missing in sandbox":    {value: "${env:NONE}", want: ""},
		"missing inside":        {value: "a${env:NONE}b", want: "ab"},
		"no file in sandbox":    {value: "${file:none}", want: ""},
		"missing in live":       {mode: "live", value: "${env:NONE}", problem: "environment variable NONE is not set"},
		"empty in live":         {mode: "live", value: "${env:EMPTY}", problem: "environment variable EMPTY is not set"},
		"no file in live":       {mode: "live", value: "${file:none}", problem: "no such file none"},
		"live by a variable":    {mode: "${env:MODE}", value: "${env:NONE}", problem: "environment variable NONE is not set"},
		"large file":            {value: "${file:big}", problem: "file big is larger than 64 KiB"},
		"unknown kind":          {value: "${ENV:A}", problem: "holds a reference that is neither ${env:NAME} nor ${file:PATH}"},
		"no kind":               {value: "${A}", problem: "holds a reference that is neither ${env:NAME} nor ${file:PATH}"},
		"no name":               {value: "${env:}", problem: "holds a reference that is neither ${env:NAME} nor ${file:PATH}"},
		"no end":                {value: "${env:A", problem: "begins a reference with ${ and does not end it with }"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.mode == "" {
				c.mode = "sandbox"
			}
			path := filepath.Join(dir, "config.yaml")
			text := "mode: " + c.mode + "\nchannels:\n  m:\n    kind: mastodon\n    server: https://m.example\n    token: " + c.value + "\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			o := options(path)
			o.Env = env("A", "a", "BOTH", "environment", "NESTED", "${env:A}", "EMPTY", "", "MODE", "live")
			if c.problem != "" {
				list := problems(t, o)
				got := strings.ReplaceAll(list[0].Message, dir+"/", "")
				if len(list) != 1 || got != c.problem || list[0].Line != 6 || list[0].Key != "channels.m.token" {
					t.Errorf("got %+v, want line 6: %s", list, c.problem)
				}
				return
			}
			var m mastodon
			if err := load(t, o).Channels[0].Decode(&m); err != nil {
				t.Fatal(err)
			}
			if got := m.Token.Reveal(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A key that is no text falls back to its default where the sandbox lets its
// variable be missing.
func TestMissingReferenceLeavesDefault(t *testing.T) {
	c := load(t, options(write(t, "smtp:\n  main:\n    host: h.example\n    port: ${env:PORT}\n    security: ${env:SECURITY}\n")))
	if got := c.SMTP[0]; got.Port != 587 || got.Security != "starttls" {
		t.Errorf("got port %d, security %q", got.Port, got.Security)
	}
}

func TestFileIsMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct {
		path    string
		builtIn []byte
	}{
		"named":                  {"none.yaml", []byte("mode: sandbox\n")},
		"unnamed, none built in": {"", nil},
		"a folder":               {".", nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(c.path)
			o.Default = c.builtIn
			_, err := config.Load(o)
			var list *config.Problems
			if !errors.As(err, &list) || publisher.KindOf(err) != publisher.Invalid {
				t.Fatalf("got %v", err)
			}
			if c.path != "." && publisher.HintOf(err) == "" {
				t.Errorf("no hint: %v", err)
			}
		})
	}
}
