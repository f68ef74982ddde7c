package measure_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestConformance runs every case of the suites that X and Bluesky publish and
// prints how many there were.
func TestConformance(t *testing.T) {
	shared(t)
	suites := []struct {
		name string
		want int // as counted when the suites were taken: none may vanish unseen
		run  func(*testing.T) int
	}{
		{"twitter-text validate", 97, validateSuite},
		{"twitter-text extract", 238, extractSuite},
		{"twitter-text tlds", 1574, tldSuite},
		{"twitter-text configurations", 3, configSuite},
		{"atproto rich text", 97, richTextSuite},
	}
	for _, s := range suites {
		n := 0
		t.Run(s.name, func(t *testing.T) { n = s.run(t) })
		if n != s.want {
			t.Errorf("%s: ran %d cases, want %d", s.name, n, s.want)
		}
		// For whoever runs the tests with -v or from the Makefile; a failed case has said so itself.
		fmt.Printf("conformance: %s: %d of %d cases run\n", s.name, n, s.want)
	}
}

// shared gives the path of the conformance suites, which stand beside the
// repository, or of a file in them. Where they are not, the test is skipped; in
// CI it fails.
func shared(t *testing.T, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "..", "shared", "conformance"}, elem...)...)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing: CI needs the conformance suites beside the repository", path)
		}
		t.Skipf("%s is missing: this test needs the conformance suites beside the repository", path)
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, into any, unmarshal func([]byte, any) error, elem ...string) {
	t.Helper()
	data, err := os.ReadFile(shared(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	if err := unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func readYAML(t *testing.T, into any, elem ...string) {
	t.Helper()
	read(t, into, func(b []byte, v any) error { return yaml.Unmarshal(b, v) }, elem...)
}

func readJSON(t *testing.T, into any, elem ...string) {
	t.Helper()
	read(t, into, json.Unmarshal, elem...)
}
