package syntax_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crieur/publisher/social/bluesky/syntax"
)

const shared = "../../../../../shared/conformance/atproto/interop-test-files/syntax"

// The protocol's own lists of good and bad names.
func TestConformance(t *testing.T) {
	if _, err := os.Stat(shared); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared conformance files are needed: %v", err)
		}
		t.Skip("needs the shared folder beside the repository, for the protocol's own lists")
	}
	total := 0
	for list, is := range map[string]func(string) bool{
		"tid":          syntax.TID,
		"recordkey":    syntax.RecordKey,
		"aturi":        func(s string) bool { _, ok := syntax.ParseURI(s); return ok },
		"handle":       syntax.Handle,
		"did":          syntax.DID,
		"nsid":         syntax.NSID,
		"atidentifier": syntax.Identifier,
	} {
		for kind, want := range map[string]bool{"valid": true, "invalid": false} {
			for _, name := range lines(t, filepath.Join(shared, list+"_syntax_"+kind+".txt")) {
				total++
				if is(name) != want {
					t.Errorf("%s %q: want valid=%v", list, name, want)
				}
			}
		}
	}
	t.Logf("conformance: %d names of the AT Protocol", total)
	if total < 250 {
		t.Errorf("only %d names were read", total)
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.SplitSeq(string(data), "\n") {
		if line != "" && !strings.HasPrefix(line, "# ") {
			names = append(names, line)
		}
	}
	return names
}

func TestNewTIDSortsByTime(t *testing.T) {
	for name, c := range map[string]struct {
		micros int64
		clock  uint
		want   string
	}{
		"zero":       {0, 0, "2222222222222"},
		"clock":      {0, 1023, "22222222222zz"},
		"2024":       {1732363200000000, 0, "3lbmgymkw2222"},
		"largest":    {1<<53 - 1, 1023, "bzzzzzzzzzzzz"},
		"too large":  {1 << 53, 1 << 10, "2222222222222"},
		"before all": {-1, 0, "bzzzzzzzzzz22"},
	} {
		got := syntax.NewTID(c.micros, c.clock)
		if !syntax.TID(got) || got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	for micros := int64(1); micros < 1<<53-1; micros *= 3 {
		if a, b := syntax.NewTID(micros, 1023), syntax.NewTID(micros+1, 0); a >= b {
			t.Errorf("%d: %s does not sort before %s", micros, a, b)
		}
	}
}

func FuzzURI(f *testing.F) {
	f.Add("at://did:plc:asdf123/app.bsky.feed.post/3jzfcijpj2z2a")
	f.Add("at://a.b")
	f.Fuzz(func(t *testing.T, s string) {
		if u, ok := syntax.ParseURI(s); ok && u.String() != s {
			t.Fatalf("%q reads as %q", s, u)
		}
	})
}
