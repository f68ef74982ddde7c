package publisher_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "crieur/"

// may lists, for each room, the other rooms that its files may import besides the
// root package; "*" stands for all. A room that is not listed may import none.
// It is the table in docs/design.md.
var may = map[string][]string{
	"cmd/crieur":                {"publisher/app"},
	"cmd/crieur-bench":          {"publisher/app", "publisher/ledger", "publisher/ledger/ledgertest"},
	"publisher/app":             {"*"},
	"publisher/render":          {"publisher/locale", "templates"},
	"publisher/web":             {"publisher/locale", "templates"},
	"publisher/source/feed":     {"publisher/source"},
	"publisher/social":          {"publisher/social/*"},
	"publisher/social/mastodon": {"publisher/social/wire", "publisher/social/measure"},
	"publisher/social/bluesky":  {"publisher/social/wire", "publisher/social/measure"},
	"publisher/social/x":        {"publisher/social/wire", "publisher/social/measure"},
	"publisher/sandbox":         {"publisher/social/measure"},
	"publisher/config":          {"publisher/queue/calendar", "publisher/queue/budget"},
}

// only lists the third-party modules that have one home, in one case two: no other
// room's files may import them.
var only = map[string]string{
	"github.com/spf13/viper":              "publisher/config",
	"github.com/spf13/cobra":              "cmd/crieur",
	"github.com/wneessen/go-mail":         "publisher/mail",
	"github.com/dghubble/go-twitter":      "publisher/social/x",
	"github.com/dghubble/oauth1":          "publisher/social/x",
	"modernc.org/sqlite":                  "publisher/ledger",
	"github.com/jackc/pgx":                "publisher/ledger publisher/queue", // River wants a pool of its own
	"github.com/riverqueue/river":         "publisher/queue",
	"github.com/prometheus/client_golang": "publisher/telemetry",
	"github.com/pressly/goose":            "publisher/ledger",
	"github.com/yuin/goldmark":            "publisher/source",
	"codeberg.org/readeck/go-readability": "publisher/source",
	"github.com/mmcdole/gofeed":           "publisher/source",
	"github.com/nicksnyder/go-i18n":       "publisher/locale",
	"github.com/aymerick/douceur":         "publisher/render",
	"github.com/emersion/go-imap":         "publisher/mail/mailbox",
	"github.com/robfig/cron":              "publisher/queue/calendar",
}

// yardstick is the room that measures crieur against these modules' usual use.
const yardstick = "cmd/crieur-bench"

// bare lists the rooms that import the standard library and the project alone.
var bare = []string{"publisher", "publisher/dispatch", "publisher/doctor", "publisher/social", "publisher/web"}

func TestImportsFollowTheTable(t *testing.T) {
	root := ".."
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		room := filepath.ToSlash(filepath.Dir(rel))
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if problem := judge(room, imported); problem != "" {
				t.Errorf("%s imports %s: %s", rel, imported, problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no Go file was read: the test looks in the wrong place")
	}
}

// The table must be able to say no.
func TestJudgeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ room, imported string }{
		"part imports part":       {"publisher/mail", "crieur/publisher/ledger"},
		"part imports app":        {"publisher/web", "crieur/publisher/app"},
		"root imports a part":     {"publisher", "crieur/publisher/locale"},
		"root imports a module":   {"publisher", "golang.org/x/text/language"},
		"network imports network": {"publisher/social/x", "crieur/publisher/social/mastodon"},
		"viper outside config":    {"publisher/app", "github.com/spf13/viper"},
		"doctor imports a part":   {"publisher/doctor", "crieur/publisher/mail"},
		"cron beside calendar":    {"publisher/queue/route", "github.com/robfig/cron/v3"},
		"pgx outside its homes":   {"publisher/web", "github.com/jackc/pgx/v5"},
		"river outside queue":     {"publisher/app", "github.com/riverqueue/river"},
		"dispatch with a module":  {"publisher/dispatch", "github.com/google/uuid"},
	} {
		if judge(c.room, c.imported) == "" {
			t.Errorf("%s: %s may import %s", name, c.room, c.imported)
		}
	}
}

// judge says why a room may not import a package; "" where it may.
func judge(room, imported string) string {
	if inside, ok := strings.CutPrefix(imported, module); ok {
		return judgeRoom(room, inside)
	}
	if !strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
		return "" // the standard library
	}
	for _, b := range bare {
		if room == b {
			return "this room uses the standard library only"
		}
	}
	for prefix, homes := range only {
		if room == yardstick || slices.ContainsFunc(strings.Fields(homes), func(home string) bool {
			return room == home || strings.HasPrefix(room, home+"/")
		}) {
			continue
		}
		if imported == prefix || strings.HasPrefix(imported, prefix+"/") {
			return "this module's home is " + homes
		}
	}
	return ""
}

func judgeRoom(room, imported string) string {
	if imported == "publisher" || strings.HasPrefix(imported, room+"/") && room != "publisher" {
		return ""
	}
	for _, m := range may[room] {
		if m == "*" && imported != "cmd/crieur" || m == imported ||
			strings.HasSuffix(m, "/*") && strings.HasPrefix(imported, strings.TrimSuffix(m, "*")) {
			return ""
		}
	}
	// The conformance suites run on their own room's implementations.
	for _, suite := range []string{"publisher/ledger/ledgertest", "publisher/social/socialtest"} {
		if room == suite {
			return ""
		}
	}
	return "not in the import table of docs/design.md"
}
