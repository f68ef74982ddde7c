package audience_test

import (
	"context"
	"strings"
	"testing"

	"crieur/publisher"
	"crieur/publisher/audience"
)

func TestLeaveAndJoin(t *testing.T) {
	ctx := context.Background()
	m := newMemory()
	s := service(m)
	for _, list := range []string{"lecteurs", "sport"} {
		if c, err := s.Add(ctx, list, audience.Person{Email: "marie@example.org", Name: "Marie\r\nBcc: x@y.fr"}, "cli"); err != nil || c != audience.Added {
			t.Fatal(c, err)
		}
	}
	if name := m.people[0].Name; name != "Marie Bcc: x@y.fr" {
		t.Errorf("name %q", name)
	}
	token := m.people[0].Token
	status := func(list string) publisher.SubscriptionStatus { return m.people[0].subscription(list).Status }

	step := func(name string, do func(context.Context, string, string, string) (bool, error), list string, want bool) {
		t.Helper()
		if changed, err := do(ctx, token, list, "page"); err != nil || changed != want {
			t.Errorf("%s: changed %v, error %v", name, changed, err)
		}
	}
	step("leave one list", s.Leave, "sport", true)
	if status("lecteurs") != publisher.Confirmed || status("sport") != publisher.Unsubscribed {
		t.Error("leaving one list left the wrong ones")
	}
	step("leave it again", s.Leave, "sport", false)
	step("leave a list never joined", s.Leave, "cinéma", false)
	step("leave all", s.Leave, "", true)
	step("leave all again", s.Leave, "", false)
	step("come back", s.Join, "sport", true)
	step("join a list never joined", s.Join, "cinéma", false)
	if status("lecteurs") != publisher.Unsubscribed || status("sport") != publisher.Confirmed {
		t.Error("coming back to one list joined the wrong ones")
	}
	if c, err := s.Add(ctx, "lecteurs", audience.Person{Email: "MARIE@example.org"}, "cli"); err != nil || c != audience.Kept {
		t.Errorf("the owner's add of someone who left: %v, %v", c, err)
	}
	p, err := s.Preferences(ctx, token)
	if err != nil || p.Subscriber.Email != "marie@example.org" || len(p.Subscriptions) != 2 {
		t.Errorf("preferences %+v, %v", p, err)
	}
}

func TestHostileTokens(t *testing.T) {
	ctx := context.Background()
	m := newMemory()
	s := service(m)
	if _, err := s.Add(ctx, "lecteurs", audience.Person{Email: "marie@example.org"}, "cli"); err != nil {
		t.Fatal(err)
	}
	writes := m.writes
	for _, token := range []string{"", "x", strings.Repeat("a", 26), strings.Repeat("a", 1<<20), "' OR 1=1 --aaaaaaaaaa",
		"../../etc/passwd", m.people[0].Token + "a", strings.ToUpper(m.people[0].Token), "aaaaaaaaaaaaaaaa\x00", "é" + strings.Repeat("a", 20)} {
		if _, err := s.Leave(ctx, token, "", "one-click"); err == nil || publisher.KindOf(err) != publisher.NotFound {
			t.Errorf("token %.40q: %v", token, err)
		}
	}
	if m.writes != writes {
		t.Error("a token that belongs to nobody changed something")
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		" marie@Example.ORG ":  "marie@example.org",
		"a@xn--exmple-cua.org": "a@exämple.org",
		"a@EXÄMPLE.org":        "a@exämple.org",
		"jérôme@example.org":   "jérôme@example.org",
		"a@localhost":          "",
		"a@exa_mple.org":       "",
		"a@b.fr, c@d.fr":       "",
		"<a@b.fr>":             "",
		"a@xn--zzzzzzzzz.org":  "",
	} {
		got, err := audience.Address(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Address(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestRemove(t *testing.T) {
	ctx := context.Background()
	m := newMemory()
	s := service(m)
	if err := s.Remove(ctx, "nobody@example.org"); err == nil || publisher.KindOf(err) != publisher.NotFound {
		t.Errorf("removing nobody: %v", err)
	}
	if _, err := s.Add(ctx, "lecteurs", audience.Person{Email: "marie@example.org"}, "cli"); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(ctx, "marie@example.org"); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Add(ctx, "lecteurs", audience.Person{Email: "marie@example.org"}, "cli"); err != nil || c != audience.Kept || len(m.people) != 0 {
		t.Errorf("adding who was removed: %v, %v, %d people", c, err, len(m.people))
	}
}
