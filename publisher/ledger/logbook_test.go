package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// interrupted leaves a store as a process does that dies with mails in every stage:
// reader 1's was granted, 2's begun, 3's accepted, 4's refused, 5's granted and not
// noted. The ledger of the dead stays open: nobody said goodbye.
func interrupted(t testing.TB, dir string) publisher.Lot {
	t.Helper()
	ctx := t.Context()
	l := ledgertest.Open(t, ledger.Config{Dir: dir})
	var batch []publisher.NewSubscriber
	for i := range 5 {
		batch = append(batch, publisher.NewSubscriber{Email: fmt.Sprintf("reader%d@example.org", i+1), Token: fmt.Sprint(i), Status: publisher.Confirmed})
	}
	_, _, _, err := l.UpsertSubscribers(ctx, "readers", batch, "", noon)
	check(t, err)
	_, _, err = l.SaveIssue(ctx, publisher.Issue{ID: "i", Created: noon}, nil)
	check(t, err)
	lot, _, err := l.Materialise(ctx, publisher.Lot{IssueID: "i", Channel: "daily", Network: "smtp", List: "readers", Domain: "gazette.example", Created: noon})
	check(t, err)
	if kept, err := l.KeepLog(10); err != nil || !kept {
		t.Skipf("no logbook on this system: %v, %v", kept, err)
	}
	var wants []publisher.Claim
	for id := range int64(5) {
		wants = append(wants, publisher.Claim{Lot: lot.ID, ID: id + 1, Attempt: 1})
	}
	wants[4].Attempt = 0
	c, err := l.Commit(ctx, nil, wants, noon, noon.Add(time.Hour))
	check(t, err)
	if len(c.Granted) != 5 {
		t.Fatalf("%d granted", len(c.Granted))
	}
	for _, g := range c.Granted {
		if g.ID >= 2 && g.ID <= 4 {
			check(t, l.LogBegin(g))
		}
		o := publisher.Outcome{Claim: g, Started: noon, Ended: noon.Add(time.Second)}
		switch g.ID {
		case 3:
			o.State, o.Receipt = publisher.StateAccepted, publisher.Receipt{ID: "x@gazette.example", Reply: "250 2.0.0 queued as 3"}
			check(t, l.LogEnd(o))
		case 4:
			o.State, o.Problem = publisher.StateDeferred, "450 later"
			check(t, l.LogEnd(o))
		}
	}
	return lot
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestLogbook takes up what a dead process left, with its logbook as it is or as it
// may not be believed.
func TestLogbook(t *testing.T) {
	const planned, unknown, accepted = publisher.StatePlanned, publisher.StateUnknown, publisher.StateAccepted
	doubt := []publisher.State{unknown, unknown, unknown, unknown, unknown}
	for name, c := range map[string]struct {
		change func(book []byte) []byte
		before time.Time
		want   []publisher.State
	}{
		"as it was left":     {want: []publisher.State{planned, unknown, accepted, planned, unknown}},
		"gone":               {change: func([]byte) []byte { return nil }, want: doubt},
		"of another boot":    {change: func(b []byte) []byte { return swap(b, "\n", -2) }, want: doubt},
		"of another store":   {change: func(b []byte) []byte { return swap(b, "\n", 1) }, want: doubt},
		"of another version": {change: func(b []byte) []byte { b[15]++; return b }, want: doubt},
		"cut short":          {change: func(b []byte) []byte { return b[:100] }, want: doubt},
		"of an earlier attempt": {change: func(b []byte) []byte {
			for at := 128; at < len(b); at += 128 {
				b[at+4]++
			}
			return b
		}, want: doubt},
		"leases that end by time": {before: noon.Add(2 * time.Hour), want: doubt},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			lot := interrupted(t, dir)
			path := filepath.Join(dir, "logbook")
			book, err := os.ReadFile(path)
			check(t, err)
			if c.change != nil {
				if book = c.change(book); book == nil {
					check(t, os.Remove(path))
				} else {
					check(t, os.WriteFile(path, book, 0o600))
				}
			}
			l := ledgertest.Open(t, ledger.Config{Dir: dir})
			if n, err := l.Reclaim(t.Context(), lot.ID, c.before, unknown, noon.Add(3*time.Hour)); err != nil || n != 5 {
				t.Fatalf("%d leases ended, %v", n, err)
			}
			var got []publisher.State
			check(t, l.Deliveries(t.Context(), publisher.DeliveryFilter{}, func(d publisher.Delivery) error {
				got = append(got, d.State)
				attempts, err := l.Attempts(t.Context(), d)
				if err != nil || (d.State == unknown) != (len(attempts) == 1) {
					t.Errorf("a mail that is %v has %d attempts, %v", d.State, len(attempts), err)
				}
				if d.State == accepted && (d.Receipt.Reply != "250 2.0.0 queued as 3" || d.Receipt.ID != d.Key+"@gazette.example" || !d.Receipt.At.Equal(noon.Add(time.Second))) {
					t.Errorf("the receipt is %+v", d.Receipt)
				}
				return nil
			}))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("states (-want +got):\n%s", d)
			}
		})
	}
}

// swap changes the octet before the nth line end; from the end where n is negative.
func swap(b []byte, sep string, n int) []byte {
	head := b[:bytes.IndexByte(b, 0)]
	at := -1
	ends := bytes.Count(head, []byte(sep))
	if n < 0 {
		n += ends + 1
	}
	for range n + 1 {
		at += 1 + bytes.Index(head[at+1:], []byte(sep))
	}
	b[at-1] ^= 1
	return b
}

// A logbook is there while it is of use, and no longer.
func TestLogbookEndsWithTheRun(t *testing.T) {
	dir := t.TempDir()
	l := ledgertest.Open(t, ledger.Config{Dir: dir})
	release, _, err := l.Exclusive(t.Context(), nil)
	check(t, err)
	kept, err := l.KeepLog(10)
	check(t, err)
	if _, err := os.Stat(filepath.Join(dir, "logbook")); kept != (err == nil) {
		t.Errorf("kept %v, and the file: %v", kept, err)
	}
	check(t, release())
	if _, err := os.Stat(filepath.Join(dir, "logbook")); err == nil {
		t.Error("it was left behind")
	}
	check(t, l.LogBegin(publisher.Claim{Lot: 1, ID: 1, Attempt: 1})) // of no use any more, and harmless
}

func TestNoLogbookOnPostgreSQL(t *testing.T) {
	for _, e := range ledgertest.Engines() {
		if e.Name != "postgres" {
			continue
		}
		l := ledgertest.Open(t, e.New(t))
		if kept, err := l.KeepLog(10); kept || err != nil {
			t.Errorf("kept %v, %v", kept, err)
		}
	}
}

// Whatever stands in the file, a mail that was not granted stays as it is, and the one
// that was ends in one of the states that it may end in.
func FuzzLogbook(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add(bytes.Repeat([]byte{3}, 256), true)
	note := make([]byte, 128)
	note[0], note[4], note[8], note[16], note[32] = 3, 1, 1, 2, 255
	f.Add(note, true)
	f.Fuzz(func(t *testing.T, notes []byte, head bool) {
		dir := t.TempDir()
		lot := interrupted(t, dir)
		path := filepath.Join(dir, "logbook")
		book, err := os.ReadFile(path)
		check(t, err)
		book = book[:128]
		if !head {
			book = nil
		}
		check(t, os.WriteFile(path, append(book, notes...), 0o600))
		l := ledgertest.Open(t, ledger.Config{Dir: dir})
		_, err = l.Reclaim(context.WithoutCancel(t.Context()), lot.ID, time.Time{}, publisher.StateUnknown, noon)
		check(t, err)
		n := 0
		check(t, l.Deliveries(t.Context(), publisher.DeliveryFilter{}, func(d publisher.Delivery) error {
			if n++; d.State != publisher.StatePlanned && d.State != publisher.StateUnknown && d.State != publisher.StateAccepted {
				t.Errorf("a mail is %v", d.State)
			}
			return nil
		}))
		if n != 5 {
			t.Errorf("%d deliveries", n)
		}
	})
}
