package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/config"
)

func TestRate(t *testing.T) {
	for text, want := range map[string]config.Rate{
		"":           {},
		"10/s":       {Count: 10, Per: time.Second},
		"100/m":      {Count: 100, Per: time.Minute},
		" 300 / h ":  {Count: 300, Per: time.Hour},
		"2000/d":     {Count: 2000, Per: 24 * time.Hour},
		"60/min":     {Count: 60, Per: time.Minute},
		"wrong 10":   {},
		"wrong /h":   {},
		"wrong 0/h":  {},
		"wrong -1/h": {},
		"wrong 5/w":  {},
		"wrong 5/":   {},
	} {
		t.Run(text, func(t *testing.T) {
			text, bad := strings.CutPrefix(text, "wrong ")
			var got config.Rate
			err := got.UnmarshalText([]byte(text))
			if got != want || (err != nil) != bad {
				t.Errorf("got %v, error %v", got, err)
			}
			if bad {
				return
			}
			var again config.Rate
			if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
				t.Errorf("%q does not read back: %v, %v", got.String(), again, err)
			}
		})
	}
}

func TestPattern(t *testing.T) {
	c := load(t, options(write(t, `
article:
  patterns:
    - {name: pub, match: "^Publicité"}
    - {name: don, block: donate, match: Paypal}
`)))
	got := c.Article.Patterns
	if len(got) != 2 || got[0].PublisherBlock() != "" || got[1].PublisherBlock() != publisher.BlockDonate {
		t.Fatalf("got %+v", got)
	}
	if !got[0].Regexp().MatchString("Publicité : …") || got[1].Regexp().MatchString("Publicité") {
		t.Error("the expressions match what they should not")
	}
}

func TestPathsStartFromTheFile(t *testing.T) {
	path := write(t, "site: {logo: img/logo.svg}\n")
	c := load(t, options(path))
	dir := filepath.Dir(path)
	for in, want := range map[string]string{"img/logo.svg": filepath.Join(dir, "img/logo.svg"), "/srv/logo.svg": "/srv/logo.svg", "": ""} {
		if got := c.Path(in); got != want {
			t.Errorf("Path(%q) = %q, want %q", in, got, want)
		}
	}
	if c.File != path || c.Dir != dir {
		t.Errorf("File %q, Dir %q", c.File, c.Dir)
	}
}

func TestDotenvForms(t *testing.T) {
	text := "\ufeff# comment\r\n" + `
PLAIN=a b
HASH=a#b
COMMENT=a #b
ONLY= # b
SINGLE='a #$b\n'
DOUBLE="a\n\"b\" \\ \x"   # c
export EXPORTED=e
 SPACED = s
EMPTY=
EQUALS=a=b=
DOLLAR=$PLAIN
`
	path := write(t, "mode: sandbox\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), ".env"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"PLAIN": "a b", "HASH": "a#b", "COMMENT": "a", "ONLY": "", "SINGLE": `a #$b\n`,
		"DOUBLE": "a\n\"b\" \\ \\x", "EXPORTED": "e", "SPACED": "s", "EMPTY": "", "EQUALS": "a=b=", "DOLLAR": "$PLAIN"} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, fmt.Appendf(nil, "legal:\n  address: ${env:%s}\n", name), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := load(t, options(path)).Legal.Address; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestAliasesAndMerges(t *testing.T) {
	c := load(t, options(write(t, `
smtp:
  main: &main
    host: a.example
    port: 25
    security: none
  second:
    <<: *main
    host: b.example
  third: *main
`)))
	var got []string
	for _, s := range c.SMTP {
		got = append(got, fmt.Sprintf("%s %s:%d %s", s.Name, s.Host, s.Port, s.Security))
	}
	if diff := cmp.Diff([]string{"main a.example:25 none", "second b.example:25 none", "third a.example:25 none"}, got); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

func TestEmptyFiles(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "comment": "# nothing yet\n", "marker": "---\n", "sections without keys": "site:\nsmtp:\nblocks:\n  share:\n", "BOM": "\ufeffmode: sandbox\n"} {
		t.Run(name, func(t *testing.T) {
			if c := load(t, options(write(t, text))); c.Mode != config.ModeSandbox || len(c.Blocks.Share.Networks) != 8 {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestExplicitlyEmptyList(t *testing.T) {
	if c := load(t, options(write(t, "blocks: {share: {networks: []}}\n"))); len(c.Blocks.Share.Networks) != 0 {
		t.Errorf("got %v, want none", c.Blocks.Share.Networks)
	}
}

func TestErrorText(t *testing.T) {
	one := &config.Problems{List: []config.Problem{{File: "config.yaml", Line: 12, Key: "channels.x.kind", Message: "unknown network", Hint: "did you mean x?"}}}
	if got, want := one.Error(), "config.yaml:12: channels.x.kind: unknown network"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err := config.Load(options("testdata/bad/no-list.yaml"))
	if publisher.HintOf(err) != "add it under lists:" {
		t.Errorf("a single problem's hint is not the error's: %q", publisher.HintOf(err))
	}
	_, err = config.Load(options("testdata/bad/half-blocks.yaml"))
	want := "testdata/bad/half-blocks.yaml:2: blocks.donate: has no url (add url: with the donation page)\n" +
		"testdata/bad/half-blocks.yaml:4: blocks.subscribe: has no url (add url: with the sign-up page)"
	if err == nil || err.Error() != want || publisher.HintOf(err) != "" {
		t.Errorf("got %q with hint %q, want %q", err, publisher.HintOf(err), want)
	}
}

// A yaml bomb must end before the machine does.
func TestBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1)
	}
	start := time.Now()
	problems(t, options(write(t, b.String())))
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}
