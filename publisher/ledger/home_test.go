package ledger_test

import (
	"os"
	"path/filepath"
	"testing"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

func whereabouts(t *testing.T, dir string) ledger.Whereabouts {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w, _, err := l.Whereabouts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A copy of the state folder asks, also on the same machine and also where the
// original is gone; the original goes on, and a folder that was only moved does too.
func TestCopiedFolder(t *testing.T) {
	root := t.TempDir()
	original, duplicate, moved := filepath.Join(root, "a"), filepath.Join(root, "b"), filepath.Join(root, "c")
	want := func(dir string, want ledger.Whereabouts) {
		t.Helper()
		if got := whereabouts(t, dir); got != want {
			t.Errorf("%s: got %v, want %v", filepath.Base(dir), got, want)
		}
	}
	want(original, ledger.AtHome)
	if err := os.CopyFS(duplicate, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	want(duplicate, ledger.Elsewhere)
	want(duplicate, ledger.Elsewhere)
	want(original, ledger.AtHome)
	if err := os.Rename(original, moved); err != nil {
		t.Fatal(err)
	}
	want(duplicate, ledger.Elsewhere)
	want(moved, ledger.Moved)
	want(moved, ledger.AtHome)

	// A folder restored into its old place is not the file that it was.
	restored := filepath.Join(root, "d")
	if err := os.CopyFS(restored, os.DirFS(moved)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(moved); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(moved, os.DirFS(restored)); err != nil {
		t.Fatal(err)
	}
	want(moved, ledger.Elsewhere)

	l := ledgertest.Open(t, ledger.Config{Dir: restored})
	if _, _, err := l.SaveIssue(t.Context(), publisher.Issue{ID: "i"}, nil); err != nil {
		t.Fatal(err)
	}
	lot, _, err := l.Materialise(t.Context(), publisher.Lot{IssueID: "i", Channel: "c", Network: "x", Parts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := l.HoldAll(t.Context(), publisher.HeldCopied); err != nil || n != 1 {
		t.Fatalf("%d held, %v", n, err)
	}
	if n, err := l.Settle(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d freed, %v", n, err)
	}
	want(restored, ledger.AtHome)
	if lots, err := l.Lots(t.Context(), publisher.Selection{}); err != nil || lots[0].ID != lot.ID || lots[0].Held != "" {
		t.Fatalf("%+v, %v", lots, err)
	}
}
