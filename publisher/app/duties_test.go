package app_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher/app"
)

// add has the site publish an article now.
func (s *season) add(name string, tags ...string) {
	s.entries = append(s.entries, entry{name: name, at: time.UnixMilli(s.now.Load()).Add(-time.Second), tags: tags})
}

// to sets the clock, in Paris.
func (s *season) to(moment string) {
	s.t.Helper()
	s.now.Store(at(s.t, moment).UnixMilli())
}

// once does what is due now, and gives what failed.
func (s *season) once() []string {
	s.t.Helper()
	r, err := s.app.Once(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return r.Failed
}

// until does what comes due until a moment, and stays there.
func (s *season) until(moment string) {
	s.t.Helper()
	s.run(at(s.t, moment), false)
	s.to(moment)
	if failed := s.once(); len(failed) > 0 {
		s.t.Fatal(failed)
	}
}

// sent holds all that was sent up to now against a table.
func (s *season) sent(want ...string) {
	s.t.Helper()
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(s.table(s.sendings())), "\n") {
		if line != "" {
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// daily is a newsletter with a schedule, and nothing else.
func daily(options, more string) string {
	return fmt.Sprintf(`mode: sandbox
site: {name: La Gazette, url: "https://gazette.example", language: fr, timezone: Europe/Paris}
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:8080"}
sandbox: {listen: "127.0.0.1:0", smtp: "127.0.0.1:0", subscribers: ["Camille <camille@example.org>", "Noé <noe@example.com>"]}
sources:
  site: {feed: "FEED", every: 10m, allow_private: true, full_text: never, websub: false, max_new: 5, updates: correct}
lists:
  lecteurs:
newsletters:
  quotidien: {list: lecteurs, from: "La Gazette <redaction@gazette.example>", schedule: "daily 18:00"%s}
routes:
  site: {sources: [site], newsletters: [quotidien]}
%s`, options, more)
}

// posting is a channel without a slot beside a letter for each article.
const posting = `mode: sandbox
site: {name: La Gazette, url: "https://gazette.example", language: fr, timezone: Europe/Paris}
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:8080"}
sandbox: {listen: "127.0.0.1:0", smtp: "127.0.0.1:0", subscribers: ["Camille <camille@example.org>"]}
sources:
  site: {feed: "FEED", every: 10m, allow_private: true, full_text: never, websub: false, updates: correct}
lists:
  lecteurs:
newsletters:
  alertes: {list: lecteurs, from: "La Gazette <alertes@gazette.example>"}
channels:
  toots: {kind: mastodon, server: "https://mastodon.example"}
routes:
  site: {newsletters: [alertes], channels: [toots], warning: Alerte}
`

func TestLateDigest(t *testing.T) {
	for name, c := range map[string]struct {
		late, back string
		want       []string // sent when crieur is back
		next       []string // sent by the next evening
		held       int
	}{
		"within its policy": {"", "2026-11-23 19:30", []string{"Mon 2026-11-23 19:30:00 +01:00 quotidien N001 to 2"}, nil, 0},
		"held":              {"", "2026-11-23 21:00", nil, nil, 1},
		"sent all the same": {", late: {then: send}", "2026-11-23 21:00", []string{"Mon 2026-11-23 21:00:00 +01:00 quotidien N001 to 2"}, nil, 0},
		"left out":          {", late: {then: skip}", "2026-11-23 21:00", nil, []string{"Tue 2026-11-24 18:00:00 +01:00 quotidien N002 N001 to 2"}, 0},
		"some missed":       {", late: {after: 3h}", "2026-11-25 20:00", []string{"Wed 2026-11-25 20:00:00 +01:00 quotidien N001 to 2"}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stage(t, daily(c.late, ""), at(t, "2026-11-23 08:00"))
			s.once()
			s.to("2026-11-23 12:00")
			s.add("N001")
			s.once()
			s.to(c.back) // crieur did not run in between
			s.open()
			s.once()
			s.sent(c.want...)
			queue, err := s.app.Queue(t.Context(), 0)
			if err != nil || len(queue) != c.held {
				t.Fatalf("%+v, %v", queue, err)
			}
			if c.next != nil {
				s.add("N002")
				s.until("2026-11-24 18:10")
				s.sent(append(c.want, c.next...)...)
			}
			if c.held == 0 {
				return
			}
			if queue[0].Held != "late" {
				t.Errorf("held: %q", queue[0].Held)
			}
			if _, err := s.app.Resume(t.Context(), queue[0].Issue, ""); err != nil {
				t.Fatal(err)
			}
			s.to("2026-11-23 21:05")
			s.once()
			s.sent("Mon 2026-11-23 21:05:00 +01:00 quotidien N001 to 2")
		})
	}
}

// What is done by a clock that runs ahead is not done again when it is put right.
func TestClockSetBack(t *testing.T) {
	s := stage(t, daily("", ""), at(t, "2026-11-23 08:00"))
	s.once()
	s.add("N001")
	s.until("2026-11-23 18:05")
	s.to("2026-11-23 17:05")
	s.add("N002")
	s.open()
	s.until("2026-11-23 18:30")
	s.sent("Mon 2026-11-23 18:00:00 +01:00 quotidien N001 to 2")
	s.until("2026-11-24 18:30")
	s.sent("Mon 2026-11-23 18:00:00 +01:00 quotidien N001 to 2", "Tue 2026-11-24 18:00:00 +01:00 quotidien N002 to 2")
}

func TestDigestPool(t *testing.T) {
	for name, c := range map[string]struct {
		options string
		want    []string
	}{
		"too few wait":         {", digest: {min: 3}", []string{"Tue 2026-11-24 18:00:00 +01:00 quotidien N004 N003 N002 N001 to 2"}},
		"too few are left out": {", digest: {min: 3, if_fewer: skip}", nil},
		"too many wait": {", digest: {max: 1, order: oldest}", []string{
			"Mon 2026-11-23 18:00:00 +01:00 quotidien N001 to 2", "Tue 2026-11-24 18:00:00 +01:00 quotidien N002 to 2", "Wed 2026-11-25 18:00:00 +01:00 quotidien N003 to 2"}},
		"too many are left out": {", digest: {max: 1, rest: drop}", []string{
			"Mon 2026-11-23 18:00:00 +01:00 quotidien N002 to 2", "Tue 2026-11-24 18:00:00 +01:00 quotidien N004 to 2"}},
		"an undo": {", undo: 10m", []string{
			"Mon 2026-11-23 18:10:00 +01:00 quotidien N002 N001 to 2", "Tue 2026-11-24 18:10:00 +01:00 quotidien N004 N003 to 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stage(t, daily(c.options, ""), at(t, "2026-11-23 08:00"))
			s.once()
			s.add("N001")
			s.until("2026-11-23 12:00")
			s.add("N002")
			s.until("2026-11-24 12:00")
			s.add("N003")
			s.until("2026-11-24 13:00")
			s.add("N004")
			s.until("2026-11-25 19:00")
			s.sent(c.want...)
		})
	}
}

// Where a schedule changes or goes, so does what the ledger has of it.
func TestScheduleChanges(t *testing.T) {
	s := stage(t, daily("", ""), at(t, "2026-11-23 08:00"))
	s.once()
	s.add("N001")
	s.until("2026-11-23 12:00")
	s.write(strings.Replace(daily("", ""), "daily 18:00", "daily 16:00", 1))
	s.open()
	s.until("2026-11-23 19:00")
	s.sent("Mon 2026-11-23 16:00:00 +01:00 quotidien N001 to 2")
	s.add("N002")
	s.until("2026-11-23 20:00")
	s.write(strings.Replace(daily("", ""), `, schedule: "daily 18:00"`, "", 1))
	s.open()
	s.until("2026-11-25 08:00")
	ahead, err := s.app.Ahead(t.Context(), 0)
	if err != nil || len(ahead.Issues) != 0 || len(ahead.Stranded) != 1 || ahead.Stranded[0].Articles != 1 {
		t.Errorf("%+v, %v", ahead, err)
	}
	s.write(daily("", ""))
	s.open()
	s.until("2026-11-25 19:00")
	s.sent("Mon 2026-11-23 16:00:00 +01:00 quotidien N001 to 2", "Wed 2026-11-25 18:00:00 +01:00 quotidien N002 to 2")
}

// A letter that cannot be made stops no post, is told and tried again now and then,
// and goes out once what was wrong is mended.
func TestRouteTrouble(t *testing.T) {
	broken := posting + "preflight: {size_warn: 2000, size_fail: 3000}\n"
	s := stage(t, broken, at(t, "2026-11-23 08:00"))
	s.once()
	s.to("2026-11-23 09:00")
	s.add("N001")
	failed := s.once()
	if len(failed) != 1 || !strings.Contains(failed[0], "preflight.size_fail") {
		t.Fatal(failed)
	}
	post := "Mon 2026-11-23 09:00:00 +01:00 toots N001 (Alerte)"
	s.sent(post)
	if failed := s.once(); len(failed) != 0 {
		t.Errorf("tried again at once: %v", failed)
	}
	s.to("2026-11-23 09:05")
	if failed := s.once(); len(failed) != 1 {
		t.Errorf("after five minutes: %v", failed)
	}
	troubles, err := s.app.Troubles(t.Context())
	if err != nil || len(troubles) != 1 {
		t.Fatalf("%+v, %v", troubles, err)
	}
	if v := troubles[0]; v.Tries != 2 || v.Channel != "alertes" || v.Title != "Nouvelle N001" || !v.Next.Equal(at(t, "2026-11-23 09:15")) || !v.Since.Equal(at(t, "2026-11-23 09:00")) {
		t.Errorf("%+v", v)
	}
	s.write(posting)
	s.open()
	s.until("2026-11-23 09:20")
	s.sent(post, "Mon 2026-11-23 09:15:00 +01:00 alertes N001 to 1")
	if troubles, err := s.app.Troubles(t.Context()); err != nil || len(troubles) != 0 {
		t.Errorf("%+v, %v", troubles, err)
	}
}

// What changes in the feed before it goes out goes out as it is then; afterwards the
// posts are edited, and keep the warning that a route gave them.
func TestFeedUpdates(t *testing.T) {
	config := strings.Replace(posting, "alertes: {list", `alertes: {schedule: "daily 18:00", list`, 1)
	s := stage(t, config, at(t, "2026-11-23 08:00"))
	s.once()
	s.add("N001")
	s.until("2026-11-23 09:00")
	s.entries[0].title, s.entries[0].text = "Nouvelle N001, corrigée", "Le texte corrigé dit autre chose que celui du matin, et le dit en entier."
	s.until("2026-11-23 10:00")
	var posts []struct {
		Text, Warning string
		Edited        time.Time
	}
	s.get("/sandbox/posts.json", &posts)
	if len(posts) != 1 || !strings.Contains(posts[0].Text, "N001, corrigée") || posts[0].Warning != "Alerte" || posts[0].Edited.IsZero() {
		t.Errorf("%+v", posts)
	}
	s.until("2026-11-23 18:05")
	var mails []struct{ Raw string }
	s.get("/sandbox/mails.json", &mails)
	if len(mails) != 1 || !strings.Contains(string(s.get(mails[0].Raw, nil)), "texte corrig") {
		t.Errorf("%d mails, or the old text", len(mails))
	}
	entries, err := s.app.Sources(t.Context())
	if err != nil || entries[0].Updated != 0 {
		t.Errorf("%+v, %v", entries, err)
	}
}

// More at once than the source may bring waits for its owner, and the rest does not.
func TestFlood(t *testing.T) {
	s := stage(t, daily("", ""), at(t, "2026-11-23 08:00"))
	s.once()
	s.to("2026-11-23 09:00")
	for i := range 7 {
		s.now.Add(1000)
		s.add(fmt.Sprintf("N%03d", i+1))
	}
	s.until("2026-11-23 18:05")
	s.sent()
	ahead, err := s.app.Ahead(t.Context(), 0)
	if err != nil || len(ahead.Sources) != 1 || ahead.Sources[0].Held != 7 {
		t.Fatalf("%+v, %v", ahead, err)
	}
	if n, err := s.app.ReleaseSource(t.Context(), "site"); err != nil || n != 7 {
		t.Fatal(n, err)
	}
	s.until("2026-11-24 18:05")
	s.sent("Tue 2026-11-24 18:00:00 +01:00 quotidien N007 N006 N005 N004 N003 N002 N001 to 2")
}

// What a content system tells by itself is no feed that is to be looked at: there is
// nothing due of it.
func TestNoLookAtAContentSystem(t *testing.T) {
	cms := "sources:\n  cms: {webhook: ghost, secret: ghost-secret-ghost-secret}\n"
	s := stage(t, strings.Replace(daily("", ""), "sources:\n", cms, 1), at(t, "2026-11-23 08:00"))
	r, err := s.app.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Done["poll"] != 1 || len(r.Failed) != 0 {
		t.Errorf("looked at %d sources, want the feed alone: %v", r.Done["poll"], r.Failed)
	}
	if r, err = s.app.Once(t.Context()); err != nil || r.Done["poll"] != 0 {
		t.Errorf("again: %+v, %v", r, err)
	}
}

// What waits for a newsletter that nobody reads yet is not used up by an issue to
// nobody.
func TestDigestWithoutReaders(t *testing.T) {
	config := strings.Replace(daily("", ""), `, subscribers: ["Camille <camille@example.org>", "Noé <noe@example.com>"]`, "", 1)
	s := stage(t, config, at(t, "2026-11-23 08:00"))
	s.once()
	s.add("N001")
	s.until("2026-11-23 19:00")
	s.sent()
	if _, err := s.app.AddSubscriber(t.Context(), app.AddOptions{List: "lecteurs", Address: "anne@example.org"}); err != nil {
		t.Fatal(err)
	}
	s.until("2026-11-24 19:00")
	s.sent("Tue 2026-11-24 18:00:00 +01:00 quotidien N001 to 1")
}

// While everything is stopped no post is edited; afterwards it is.
func TestNoCorrectionWhileStopped(t *testing.T) {
	s := stage(t, posting, at(t, "2026-11-23 08:00"))
	s.once()
	s.add("N001")
	s.until("2026-11-23 09:00")
	edited := func() bool {
		t.Helper()
		var posts []struct{ Edited time.Time }
		s.get("/sandbox/posts.json", &posts)
		return len(posts) == 1 && !posts[0].Edited.IsZero()
	}
	if _, err := s.app.Stop(t.Context(), "", ""); err != nil {
		t.Fatal(err)
	}
	s.entries[0].title = "Nouvelle N001, corrigée"
	s.to("2026-11-23 09:30")
	if failed := s.once(); len(failed) != 1 || !strings.Contains(failed[0], "stopped") || edited() {
		t.Errorf("stopped: %v, edited: %v", failed, edited())
	}
	if _, err := s.app.Resume(t.Context(), "", ""); err != nil {
		t.Fatal(err)
	}
	s.until("2026-11-23 10:00")
	if !edited() {
		t.Error("resumed, and not edited")
	}
}

// Posts whose moments passed while crieur did not run keep their distance, and the
// slot's hours.
func TestPassedPostsAreSpread(t *testing.T) {
	config := strings.Replace(posting, "channels:", "slots:\n  jour: {between: 08:00-20:00, min_gap: 30m}\nchannels:", 1)
	config = strings.Replace(config, `mastodon.example"}`, `mastodon.example", slot: jour}`, 1)
	config = strings.Replace(config, "newsletters: [alertes], ", "", 1)
	config = strings.Replace(config, ", warning: Alerte", "", 1)
	s := stage(t, config, at(t, "2026-11-23 07:00"))
	s.once()
	for i := range 4 {
		s.now.Add(1000)
		s.add(fmt.Sprintf("N%03d", i+1))
	}
	s.until("2026-11-23 08:01")
	s.to("2026-11-23 09:15") // 08:30 and 09:00 passed, 09:30 is to come
	s.open()
	s.once()
	s.once()
	s.until("2026-11-23 12:00")
	s.sent("Mon 2026-11-23 08:00:00 +01:00 toots N001", "Mon 2026-11-23 10:00:00 +01:00 toots N002",
		"Mon 2026-11-23 10:30:00 +01:00 toots N003", "Mon 2026-11-23 09:30:00 +01:00 toots N004")
}

// One pass takes an article from the feed into a digest, a letter and a post. Wherever it
// is cut, the next one brings it to its end, and nothing is there twice.
func TestCutAtEachStep(t *testing.T) {
	config := strings.Replace(daily("", ""), "newsletters: [quotidien]", "newsletters: [quotidien, alertes], channels: [toots]", 1)
	config = strings.Replace(config, "newsletters:\n  quot", "newsletters:\n  alertes: {list: lecteurs, from: \"La Gazette <alertes@gazette.example>\"}\n  quot", 1) +
		"channels:\n  toots: {kind: mastodon, server: \"https://mastodon.example\", slot: jour}\nslots:\n  jour: {between: 08:00-20:00, min_gap: 10m}\n"
	day := at(t, "2026-10-01 08:00")
	s := stage(t, config, day)
	s.once()
	var want []string
	cuts := 0
	for i := int64(0); ; i++ {
		day = day.AddDate(0, 0, 1)
		s.now.Store(day.Add(10*time.Hour - time.Minute).UnixMilli())
		name := fmt.Sprintf("N%03d", i+1)
		s.add(name)
		s.now.Store(day.Add(10 * time.Hour).UnixMilli())
		evening := day.Add(10 * time.Hour).Format("Mon 2006-01-02 15:04:05 -07:00")
		want = append(want, evening+" quotidien "+name+" to 2", evening+" alertes "+name+" to 2", evening+" toots "+name)
		before := s.crashes
		s.cutAfter(i + 1)
		if failed := s.once(); len(failed) > 0 {
			t.Fatalf("cut at step %d: %v", i+1, failed)
		}
		if s.crashes == before {
			break // it came to its end before it was to be cut
		}
		if cuts++; raced && cuts > 20 {
			break
		}
	}
	if cuts < 20 {
		t.Errorf("only %d steps", cuts)
	}
	t.Logf("cut at each of %d looks at the clock", cuts)
	s.sent(want...)
}

// The daemon does the same by its alarms, several duties at a time.
func TestServeByItself(t *testing.T) {
	s := stage(t, strings.Replace(posting, "every: 10m", "every: 10m, backfill: 5", 1), time.Now())
	s.live = true
	for i := range 3 {
		s.entries = append(s.entries, entry{name: fmt.Sprintf("N%03d", i+1), at: time.Now().Add(-time.Hour)})
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.app.Serve(ctx, app.ServeOptions{Listen: "127.0.0.1:0"}) }()
	deadline := time.Now().Add(time.Minute)
	for len(s.arrived()) < 6 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want := []string{"alertes N001", "alertes N002", "alertes N003", "toots N001", "toots N002", "toots N003"}
	if diff := cmp.Diff(want, s.arrived()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// arrived names what has come to the letters' reader and to the channel, whenever.
func (s *season) arrived() (names []string) {
	s.t.Helper()
	for _, one := range s.sendings() {
		for _, name := range one.articles {
			names = append(names, one.channel+" "+name)
		}
	}
	slices.Sort(names)
	return names
}
