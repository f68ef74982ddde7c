package config_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/config"
)

var update = flag.Bool("update", false, "write golden files anew")

// problems loads a configuration that must not load, and gives what is wrong.
func problems(t *testing.T, o config.Options) []config.Problem {
	t.Helper()
	c, err := config.Load(o)
	if err == nil {
		t.Fatalf("Load took it: %+v", c)
	}
	var list *config.Problems
	if !errors.As(err, &list) {
		t.Fatalf("the error is %T (%v), and holds no *config.Problems", err, err)
	}
	if k := publisher.KindOf(err); k != publisher.Invalid {
		t.Errorf("kind is %v, want invalid", k)
	}
	return list.List
}

// Every file in testdata/bad is wrong in one way, and marks the lines on which
// that is to be told.
func TestBadConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			list := problems(t, options(file))
			var got strings.Builder
			var lines []int
			for _, p := range list {
				fmt.Fprintln(&got, p.Error())
				if p.Hint != "" {
					fmt.Fprintf(&got, "    hint: %s\n", p.Hint)
				}
				lines = append(lines, p.Line)
			}
			if strings.Contains(got.String(), "hunter2") {
				t.Error("a password is told")
			}
			slices.Sort(lines)
			if diff := cmp.Diff(marked(t, file), slices.Compact(lines)); diff != "" {
				t.Errorf("lines (-marked +told):\n%s", diff)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", []byte(got.String()))
		})
	}
}

// marked gives the lines of a file that say that they are wrong.
func marked(t *testing.T, file string) []int {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for i, line := range bytes.Split(data, []byte("\n")) {
		if _, comment, ok := bytes.Cut(line, []byte("#")); ok && bytes.Contains(comment, []byte("wrong")) {
			lines = append(lines, i+1)
		}
	}
	return lines
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
