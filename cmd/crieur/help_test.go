package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The help of each verb fits a terminal of 80 columns, and docs/cli.md names every
// verb and every flag, and none that there is not.
func TestHelpAndItsDocument(t *testing.T) {
	data, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	verbs := map[string]bool{}
	// The first column of the table: `publish`, `send`, `post` or `suppressions ls\|add\|rm`.
	row := regexp.MustCompile("(?m)^\\| (`[^|]*(?:\\\\\\|[^|]*)*`) \\|")
	for _, m := range row.FindAllStringSubmatch(doc, -1) {
		for _, use := range strings.Split(m[1], ", ") {
			words := strings.Fields(strings.ReplaceAll(strings.Trim(use, "`"), `\|`, "|"))
			verbs[words[0]] = true
			if len(words) > 1 && words[1] == strings.ToLower(words[1]) && !strings.HasPrefix(words[1], "-") && words[1] != "<" {
				for _, sub := range strings.Split(words[1], "|") {
					verbs[words[0]+" "+sub] = true
				}
			}
		}
	}
	flags := map[string]bool{}
	for _, f := range regexp.MustCompile("--[a-z][a-z-]*").FindAllString(doc, -1) {
		flags[f] = true
	}
	var have []string
	haveFlag := map[string]bool{"--help": true}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "crieur"), " ")
		var out bytes.Buffer
		c.SetOut(&out)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(path, "completion ") {
			for _, line := range strings.Split(out.String(), "\n") {
				if width(line) > 80 {
					t.Errorf("%s --help: %d columns: %s", path, width(line), line)
				}
			}
		}
		if c.Hidden || strings.HasPrefix(path, "completion ") {
			return
		}
		if path != "" {
			have = append(have, path)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			haveFlag["--"+f.Name] = true
			if !f.Hidden && f.Name != "help" && !flags["--"+f.Name] && !(f.Shorthand != "" && strings.Contains(doc, "`-"+f.Shorthand)) {
				t.Errorf("docs/cli.md does not name --%s of %q", f.Name, path)
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(&session{}))
	for _, verb := range have {
		if !verbs[verb] {
			t.Errorf("docs/cli.md has no row for %q", verb)
		}
		delete(verbs, verb)
	}
	for verb := range verbs {
		t.Errorf("docs/cli.md has a row for %q, which there is not", verb)
	}
	for f := range flags {
		if !haveFlag[f] {
			t.Errorf("docs/cli.md names %s, which no verb takes", f)
		}
	}
}

func TestFold(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		columns int
		want    string
	}{
		"no terminal": {"one two three", 0, "one two three"},
		"fits":        {"one two three", 13, "one two three"},
		"breaks":      {"ok  one two three", 11, "ok  one two\n  three"},
		"long word":   {"see https://gazette.example/x now", 12, "see\n  https://gazette.example/x\n  now"},
	} {
		if got := fold(c.text, c.columns, 2); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A title that has no room beside the other columns stands below them, and is cut
// to the whole width only.
func TestTableOfTitles(t *testing.T) {
	var out bytes.Buffer
	table(&out, 40, []string{"ISSUE", "TITLE"}, [][]string{{strings.Repeat("a", 20), "La lettre de juillet et 1 autre"}})
	want := "ISSUE                 TITLE\n" + strings.Repeat("a", 20) + "\n  La lettre de juillet et 1 autre\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
