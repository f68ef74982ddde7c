package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/sandbox/journal"
)

type note struct {
	N    int          `json:"n"`
	Blob journal.Span `json:"blob"`
}

func open(t testing.TB, dir string) (*journal.Journal, []note) {
	t.Helper()
	var notes []note
	j, err := journal.Open(dir, func(record []byte) error {
		var n note
		err := json.Unmarshal(record, &n)
		notes = append(notes, n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return j, notes
}

func add(t testing.TB, j *journal.Journal, n int, data string) note {
	t.Helper()
	at, err := j.Store([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	r := note{n, at}
	if err := j.Append(r); err != nil {
		t.Fatal(err)
	}
	return r
}

// A journal cut off at any byte, as a kill may leave it, opens with the records that
// were whole, and goes on from there.
func TestCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	var all []note
	var ends []int
	size := func() int {
		info, err := os.Stat(filepath.Join(dir, "journal"))
		if err != nil {
			t.Fatal(err)
		}
		return int(info.Size())
	}
	for n, data := range []string{"one", "", "three\nlines\r\n"} {
		all = append(all, add(t, j, n, data))
		ends = append(ends, size())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(filepath.Join(dir, "journal"), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, end := range ends {
			if end <= cut {
				want++
			}
		}
		j, got := open(t, dir)
		if diff := cmp.Diff(all[:want], append([]note{}, got...)); diff != "" {
			t.Fatalf("cut at %d: %s", cut, diff)
		}
		fresh := add(t, j, 99, "fresh")
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j, got = open(t, dir)
		if diff := cmp.Diff(append(append([]note{}, all[:want]...), fresh), got); diff != "" {
			t.Fatalf("cut at %d, then written: %s", cut, diff)
		}
		if data, err := j.Read(fresh.Blob); err != nil || string(data) != "fresh" {
			t.Fatalf("cut at %d: read %q, %v", cut, data, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReset(t *testing.T) {
	j, _ := open(t, t.TempDir())
	defer j.Close()
	old := add(t, j, 1, "a long one")
	if err := j.Reset(); err != nil {
		t.Fatal(err)
	}
	if data, err := j.Read(old.Blob); err == nil {
		t.Errorf("still there: %q", data)
	}
	fresh := add(t, j, 2, "two")
	if data, err := j.Read(fresh.Blob); err != nil || string(data) != "two" {
		t.Errorf("read %q, %v", data, err)
	}
	for _, s := range []journal.Span{{Offset: -1, Size: 1}, {Offset: 0, Size: -1}, {Offset: 1 << 62, Size: 1 << 62}, {Offset: 0, Size: 4}} {
		if _, err := j.Read(s); err == nil {
			t.Errorf("read %+v", s)
		}
	}
}

func TestReplayFails(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	add(t, j, 1, "")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	if _, err := journal.Open(dir, func([]byte) error { return no }); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
}

// Whatever stands in the file, opening it never fails by it and gives back JSON only
// as it was written.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	j, _ := open(f, dir)
	add(f, j, 1, "a")
	add(f, j, 2, "b")
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(bytes.ReplaceAll(whole, []byte("1"), []byte("2")))
	f.Add([]byte("00000000 \n"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "journal"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		j, err := journal.Open(dir, func([]byte) error { n++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Append(note{N: 7}); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		again := 0
		if j, err = journal.Open(dir, func([]byte) error { again++; return nil }); err != nil {
			t.Fatal(err)
		}
		if j.Close(); again != n+1 {
			t.Errorf("%d records, then %d", n, again)
		}
	})
}
