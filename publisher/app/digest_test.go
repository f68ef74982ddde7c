package app_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/app"
	"crieur/publisher/ledger"
)

// openApp opens the shipped configuration with a state and ports of its own, and a
// second view of its ledger.
func openApp(t *testing.T, now func() time.Time) (*app.App, *ledger.Ledger) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	ports := map[string]string{}
	for _, name := range []string{"CRIEUR_SANDBOX_LISTEN", "CRIEUR_SANDBOX_SMTP"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[name] = l.Addr().String()
		l.Close()
	}
	state := t.TempDir()
	a, err := app.Open(app.Options{Config: filepath.Join(root, "config.yaml"), State: state, Stdin: strings.NewReader(""), Now: now,
		Env: func(name string) (string, bool) {
			if v, ok := ports[name]; ok {
				return v, true
			}
			return os.LookupEnv(name)
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	l, err := ledger.Open(t.Context(), ledger.Config{Dir: filepath.Join(state, "sandbox"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return a, l
}

// A digest of a moment takes its articles from the pool, and goes out once.
func TestPooledDigest(t *testing.T) {
	now := time.Date(2026, 10, 25, 17, 0, 0, 0, time.UTC)
	a, l := openApp(t, func() time.Time { return now })
	var all []publisher.Article
	for _, title := range []string{"Un", "Deux", "Trois"} {
		all = append(all, publisher.Article{ID: publisher.ArticleID(title, "", "", time.Time{}), Title: title, Language: "fr", Dir: "ltr", Body: "<p>Texte.</p>", Hash: title})
	}
	wait := func(articles ...publisher.Article) {
		t.Helper()
		for _, article := range articles {
			if err := l.SaveArticle(t.Context(), article); err != nil {
				t.Fatal(err)
			}
			if _, err := l.AddToPool(t.Context(), "quotidien", article.ID, now); err != nil {
				t.Fatal(err)
			}
		}
	}
	pool := func() int {
		t.Helper()
		left, err := l.Pool(t.Context(), "quotidien", 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(left)
	}
	wait(all...)
	digest := app.Digest{Newsletter: "quotidien", Articles: all[:2], At: now, Pooled: true}
	if p, err := a.PlanDigest(t.Context(), digest); err != nil || p.New != 3 || pool() != 3 {
		t.Fatalf("planned %+v, %v; %d wait", p, err, pool())
	}
	for i := range 2 {
		r, err := a.PublishDigest(t.Context(), digest, app.PublishOptions{})
		if err != nil || r.Counts["accepted"] != 3 || r.NothingToDo != (i > 0) || r.Changed {
			t.Fatalf("time %d: %+v, %v", i+1, r, err)
		}
		if pool() != 1 {
			t.Fatalf("%d articles wait, want 1", pool())
		}
	}
	// Hours later it is still the digest of that moment, as it was.
	now = now.Add(26 * time.Hour)
	if r, err := a.PublishDigest(t.Context(), digest, app.PublishOptions{}); err != nil || !r.NothingToDo || r.Changed {
		t.Errorf("later: %+v, %v", r, err)
	}
	digest.At = digest.At.Add(24 * time.Hour)
	if _, err := a.PublishDigest(t.Context(), digest, app.PublishOptions{}); publisher.KindOf(err) != publisher.Busy {
		t.Errorf("articles that another digest took: %v", err)
	}
	digest.Articles = all[2:]
	if r, err := a.PublishDigest(t.Context(), digest, app.PublishOptions{}); err != nil || r.Counts["accepted"] != 3 || pool() != 0 {
		t.Errorf("the next day: %+v, %v; %d wait", r, err, pool())
	}
	issues, err := l.IssuesOf(t.Context(), all[0].ID)
	if err != nil || len(issues) != 1 {
		t.Fatalf("%v, %v", issues, err)
	}
	issue, err := l.Issue(t.Context(), issues[0].ID)
	if err != nil || strings.Join(issue.Articles, " ") != all[0].ID+" "+all[1].ID || issue.Title != "Un et 1 autre article" {
		t.Errorf("%+v, %v", issue, err)
	}
}

// Who was slow and makes the digest of a moment from what waits by now does not put its
// articles in the place of those that the first one took.
func TestDigestMadeMeanwhile(t *testing.T) {
	now := time.Date(2026, 10, 25, 17, 0, 0, 0, time.UTC)
	a, l := openApp(t, func() time.Time { return now })
	var all []publisher.Article
	for _, title := range []string{"Un", "Deux"} {
		article := publisher.Article{ID: publisher.ArticleID(title, "", "", time.Time{}), Title: title, Language: "fr", Dir: "ltr", Body: "<p>Texte.</p>", Hash: title}
		if err := l.SaveArticle(t.Context(), article); err != nil {
			t.Fatal(err)
		}
		if _, err := l.AddToPool(t.Context(), "quotidien", article.ID, now); err != nil {
			t.Fatal(err)
		}
		all = append(all, article)
	}
	digest := app.Digest{Newsletter: "quotidien", Articles: all[:1], At: now, Pooled: true}
	later := app.PublishOptions{At: &app.When{Release: now.Add(time.Hour)}}
	if r, err := a.PublishDigest(t.Context(), digest, later); err != nil || r.Waiting != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	digest.Articles = all[1:]
	if _, err := a.PublishDigest(t.Context(), digest, later); publisher.KindOf(err) != publisher.Busy {
		t.Errorf("the second: %v", err)
	}
	issues, err := l.IssuesOf(t.Context(), all[0].ID)
	if err != nil || len(issues) != 1 {
		t.Fatalf("%v, %v", issues, err)
	}
	kept, err := l.RenderingFor(t.Context(), issues[0].ID, "quotidien", "fr")
	if err != nil || kept.Subject != "Un" {
		t.Errorf("the letter is %q, %v", kept.Subject, err)
	}
	left, err := l.Pool(t.Context(), "quotidien", 0)
	if err != nil || len(left) != 1 || left[0].ArticleID != all[1].ID {
		t.Errorf("%+v wait, %v", left, err)
	}
}
