package app_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/app"
)

const warming = `
mode: sandbox
site: {name: La Gazette, timezone: Europe/Paris}
sandbox: {listen: %q, smtp: %q}
server: {public_url: "https://lettre.gazette.example"}
lists: {lecteurs: {}}
newsletters:
  quotidien: {list: lecteurs, from: La Gazette <redaction@gazette.example>}
warmup:
  gazette.example: {first: 20, grow: 2, until: 70}
`

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The daemon sends a day's mails, leaves the rest alone until the next day of the
// site's own clock, and then goes on by itself.
func TestDaemonWarmsUp(t *testing.T) {
	d := open(t, fmt.Sprintf(warming, freePort(t), freePort(t)), at(t, "2026-11-26 22:00"))
	l := d.store(t)
	var batch []publisher.NewSubscriber
	for i := range 300 {
		batch = append(batch, publisher.NewSubscriber{Email: fmt.Sprintf("r%d@example.org", i), Token: fmt.Sprint("t", i), Status: publisher.Confirmed})
	}
	if _, _, _, err := l.UpsertSubscribers(t.Context(), "lecteurs", batch, "test", d.now); err != nil {
		t.Fatal(err)
	}
	article := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(article, []byte("# Titre\n\nTexte.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var last int
	r, err := d.Publish(t.Context(), article, app.ArticleOptions{Language: "fr"}, app.Selection{},
		app.PublishOptions{Progress: func(_, total int, _ time.Duration) { last = total }})
	if err != nil {
		t.Fatal(err)
	}
	if r.Counts["accepted"] != 20 || last != 20 || r.Waiting != 280 {
		t.Errorf("%d of the day's %d went out, %d wait: %v", r.Counts["accepted"], last, r.Waiting, r.Warnings)
	}
	want := []app.WarmupView{{Domain: "gazette.example", Sent: 20, Left: 280, Next: at(t, "2026-11-27 00:00"), Most: 40, Done: at(t, "2026-11-28 00:00")}}
	if diff := cmp.Diff(want, r.Warmup); diff != "" {
		t.Error(diff)
	}
	accepted := func() (n int) {
		t.Helper()
		tallies, err := l.Counts(t.Context(), publisher.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		return tallies[0].States[publisher.StateAccepted]
	}
	var days []int
	for range 2 {
		for _, moment := range []string{"23:00", "23:59"} {
			d.now = at(t, d.now.Format("2006-01-02")+" "+moment)
			before := accepted()
			if err := d.DeliverDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := accepted() - before; n > 0 {
				t.Errorf("%d more went out on a day that was used up", n)
			}
		}
		next, err := d.DeliverAt(t.Context())
		if midnight := at(t, d.now.AddDate(0, 0, 1).Format("2006-01-02")+" 00:00"); err != nil || !next.Equal(midnight) {
			t.Fatalf("the daemon delivers next at %v, %v", next, err)
		}
		d.now = next
		if next, err = d.DeliverAt(t.Context()); err != nil || next.After(d.now) {
			t.Fatalf("the day has come, and the daemon delivers at %v, %v", next, err)
		}
		before := accepted()
		if err := d.DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		days = append(days, accepted()-before)
	}
	if diff := cmp.Diff([]int{40, 240}, days); diff != "" {
		t.Error(diff)
	}
	if next, err := d.DeliverAt(t.Context()); err != nil || !next.IsZero() {
		t.Errorf("all is out, and the daemon delivers at %v, %v", next, err)
	}
}
