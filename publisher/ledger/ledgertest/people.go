package ledgertest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

func take(t testing.TB, l *ledger.Ledger, list string, batch ...publisher.NewSubscriber) [3]int {
	t.Helper()
	added, updated, kept, err := l.UpsertSubscribers(t.Context(), list, batch, "import", noon)
	must(t, err)
	return [3]int{added, updated, kept}
}

func byEmail(t testing.TB, l *ledger.Ledger, email string) (publisher.Subscriber, []publisher.Subscription) {
	t.Helper()
	p, s, err := l.SubscriberByEmail(t.Context(), email)
	must(t, err)
	return p, s
}

func upsert(t *testing.T, l *ledger.Ledger) {
	r := reader(1)
	same(t, "first time", take(t, l, "a", r), [3]int{1, 0, 0})
	same(t, "second time", take(t, l, "a", r), [3]int{0, 0, 0})
	p, s := byEmail(t, l, "READER1@Example.org ")
	same(t, "person", p, publisher.Subscriber{ID: p.ID, Email: r.Email, Name: r.Name, Language: "fr", Created: noon, Token: "token1"})
	same(t, "subscription", s, []publisher.Subscription{{List: "a", Status: publisher.Confirmed, Consent: "import", Since: r.Since, Changed: noon}})

	r.Email, r.Token = "Reader1@EXAMPLE.org", "another token"
	same(t, "other case", take(t, l, "a", r), [3]int{0, 0, 0})
	same(t, "other list", take(t, l, "b", r), [3]int{1, 0, 0})
	q, s := byEmail(t, l, r.Email)
	same(t, "ID, token and address stay", q, p)
	if len(s) != 2 || s[0].List != "a" || s[1].List != "b" {
		t.Fatalf("got subscriptions %+v, want a and b", s)
	}

	r.Name, r.Language = "", ""
	same(t, "empty values", take(t, l, "a", r), [3]int{0, 0, 0})
	r.Name, r.Language = "Other Name", "en"
	same(t, "other values", take(t, l, "a", r), [3]int{0, 1, 0})
	q, _ = byEmail(t, l, r.Email)
	same(t, "name and language", []string{q.Name, q.Language}, []string{"Other Name", "en"})

	u := reader(2)
	u.Status, u.Since = publisher.Unconfirmed, time.Time{}
	same(t, "unconfirmed", take(t, l, "a", u), [3]int{1, 0, 0})
	u.Status = publisher.Confirmed
	same(t, "confirmed", take(t, l, "a", u), [3]int{0, 1, 0})
	_, s = byEmail(t, l, u.Email)
	same(t, "since", s[0].Since, noon)
	u.Status = publisher.Unconfirmed
	same(t, "never back to unconfirmed", take(t, l, "a", u), [3]int{0, 0, 0})

	r3 := reader(3)
	r3.Token = ""
	if _, _, _, err := l.UpsertSubscribers(t.Context(), "a", []publisher.NewSubscriber{r3}, "", noon); err == nil {
		t.Fatal("a reader without a token was taken in")
	}
}

func upsertKeeps(t *testing.T, l *ledger.Ledger) {
	r := reader(1)
	take(t, l, "a", r)
	r.Status = publisher.Unsubscribed
	same(t, "a file that says they left", take(t, l, "a", r), [3]int{0, 1, 0})
	r.Status, r.Name = publisher.Confirmed, "Changed"
	same(t, "who left", take(t, l, "a", r), [3]int{0, 0, 1})
	p, s := byEmail(t, l, r.Email)
	same(t, "name", p.Name, "Reader 1")
	same(t, "status", s[0].Status, publisher.Unsubscribed)
	same(t, "since stays", s[0].Since, r.Since)

	must(t, l.Suppress(t.Context(), "READER2@example.org", "complaint", noon))
	same(t, "suppressed and new", take(t, l, "a", reader(2)), [3]int{0, 0, 1})
	_, _, err := l.SubscriberByEmail(t.Context(), "reader2@example.org")
	wantKind(t, err, publisher.NotFound)
}

func upsertMany(t *testing.T, l *ledger.Ledger) {
	batch := make([]publisher.NewSubscriber, 1000)
	for i := range batch {
		batch[i] = reader(i + 1)
	}
	same(t, "new", take(t, l, "a", batch...), [3]int{1000, 0, 0})
	for i := range batch {
		if i%2 == 0 {
			batch[i].Name = "New Name"
		}
	}
	must(t, l.Suppress(t.Context(), batch[999].Email, "x", noon))
	same(t, "again", take(t, l, "a", batch...), [3]int{0, 500, 1})
}

func status(t *testing.T, l *ledger.Ledger) {
	take(t, l, "a", reader(1))
	take(t, l, "b", reader(1))
	p, _ := byEmail(t, l, reader(1).Email)
	set := func(list string, s publisher.SubscriptionStatus, at time.Time, want bool) {
		t.Helper()
		changed, err := l.SetStatus(t.Context(), p.ID, list, s, "form", at)
		must(t, err)
		same(t, "changed", changed, want)
	}
	set("a", publisher.Confirmed, noon.Add(time.Hour), false)
	_, s := byEmail(t, l, p.Email)
	same(t, "untouched", s[0].Consent, "import")
	set("a", publisher.Unsubscribed, noon.Add(time.Hour), true)
	_, s = byEmail(t, l, p.Email)
	same(t, "left a", s[0], publisher.Subscription{List: "a", Status: publisher.Unsubscribed, Consent: "form", Since: noon.Add(-time.Hour), Changed: noon.Add(time.Hour)})
	same(t, "still on b", s[1].Status, publisher.Confirmed)
	set("", publisher.Unsubscribed, noon.Add(2*time.Hour), true)
	set("", publisher.Unsubscribed, noon.Add(3*time.Hour), false)
	_, s = byEmail(t, l, p.Email)
	same(t, "a unchanged", s[0].Changed, noon.Add(time.Hour))
	set("b", publisher.Confirmed, noon.Add(4*time.Hour), true)
	_, s = byEmail(t, l, p.Email)
	same(t, "since the return", s[1].Since, noon.Add(4*time.Hour))
	_, err := l.SetStatus(t.Context(), p.ID, "c", publisher.Confirmed, "form", noon)
	wantKind(t, err, publisher.NotFound)
	_, err = l.SetStatus(t.Context(), p.ID+100, "", publisher.Confirmed, "form", noon)
	wantKind(t, err, publisher.NotFound)
}

func findReaders(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "a", 3)
	p, s, err := l.SubscriberByToken(t.Context(), "token2")
	must(t, err)
	same(t, "found", p.Email, "reader2@example.org")
	same(t, "list", s[0].List, "a")
	for _, token := range []string{"", "token", "token22", "TOKEN2", "token2'--", "token2\x00", "\xff\xfe", "%", "é"} {
		_, _, err := l.SubscriberByToken(t.Context(), token)
		wantKind(t, err, publisher.NotFound)
	}
	_, _, err = l.SubscriberByEmail(t.Context(), "nobody@example.org")
	wantKind(t, err, publisher.NotFound)
}

func listReaders(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "a", 1203)
	take(t, l, "b", reader(7), reader(1203))
	count := func(list string) (n int) {
		t.Helper()
		last := int64(0)
		must(t, l.Subscribers(t.Context(), list, func(p publisher.Subscriber, s []publisher.Subscription) error {
			if p.ID <= last {
				t.Fatalf("reader %d after %d", p.ID, last)
			}
			if want := map[bool]int{true: 2, false: 1}[p.Email == "reader7@example.org" || p.Email == "reader1203@example.org"]; len(s) != want {
				t.Fatalf("%s is on %d lists, want %d", p.Email, len(s), want)
			}
			last = p.ID
			n++
			// The store can be read from inside.
			if n == 600 {
				byEmail(t, l, p.Email)
			}
			return nil
		}))
		return n
	}
	same(t, "on any list", count(""), 1203)
	same(t, "on a", count("a"), 1203)
	same(t, "on b", count("b"), 2)
	same(t, "on none", count("c"), 0)
	stop := errors.New("stop")
	if err := l.Subscribers(t.Context(), "a", func(publisher.Subscriber, []publisher.Subscription) error { return stop }); err != stop {
		t.Fatalf("got %v, want yield's own error", err)
	}
}

func erase(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 2)
	lot, _ := mailLot(t, l, 1)
	p, _ := byEmail(t, l, "reader1@example.org")
	c := commit(t, l, nil, wants(lot, p.ID), noon)
	o := accepted(c.Granted[0], "key", noon)
	o.State, o.Kind, o.Code, o.Problem = publisher.StateBounced, publisher.Invalid, 550, "550 no reader1@example.org here"
	commit(t, l, []publisher.Outcome{o}, nil, noon)

	must(t, l.RemoveSubscriber(t.Context(), p.ID, noon))
	_, _, err := l.SubscriberByToken(t.Context(), p.Token)
	wantKind(t, err, publisher.NotFound)
	yes, err := l.Suppressed(t.Context(), "Reader1@example.org")
	must(t, err)
	same(t, "suppressed", yes, true)
	wantKind(t, l.RemoveSubscriber(t.Context(), p.ID, noon), publisher.NotFound)
	for _, d := range deliveries(t, l, publisher.DeliveryFilter{IssueID: lot.IssueID}) {
		if d.Recipient.ID != p.ID {
			continue
		}
		same(t, "what is left of their delivery", d, publisher.Delivery{IssueID: lot.IssueID, Channel: lot.Channel, Network: "smtp",
			Recipient: publisher.Recipient{ID: p.ID}, State: publisher.StateBounced, Attempts: 1, Created: lot.Created, Updated: noon})
	}
	tries, err := l.Attempts(t.Context(), publisher.Delivery{IssueID: lot.IssueID, Channel: lot.Channel, Recipient: publisher.Recipient{ID: p.ID}})
	must(t, err)
	same(t, "attempts left", len(tries), 0)
}

// Someone who was erased and is taken in again must not get an issue twice.
func comeBack(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 2)
	lot, added := mailLot(t, l, 1)
	same(t, "planned", added, 2)
	p, _ := byEmail(t, l, "reader1@example.org")
	c := commit(t, l, nil, wants(lot, p.ID), noon)
	commit(t, l, []publisher.Outcome{accepted(c.Granted[0], "key", noon)}, nil, noon)
	must(t, l.RemoveSubscriber(t.Context(), p.ID, noon))
	same(t, "an import leaves them out", take(t, l, "readers", reader(1)), [3]int{0, 0, 1})
	lifted, err := l.Unsuppress(t.Context(), "READER1@example.org")
	must(t, err)
	same(t, "lifted", lifted, true)
	lifted, err = l.Unsuppress(t.Context(), "reader1@example.org")
	must(t, err)
	same(t, "lifted again", lifted, false)
	again := reader(1)
	again.Token = "new token"
	same(t, "back", take(t, l, "readers", again), [3]int{1, 0, 0})
	q, _ := byEmail(t, l, "reader1@example.org")
	same(t, "number", q.ID, p.ID)
	same(t, "token", q.Token, "new token")
	_, added = mailLot(t, l, 1)
	same(t, "planned again", added, 0)
}

func numbersNotReused(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 3)
	last, _ := byEmail(t, l, "reader3@example.org")
	must(t, l.RemoveSubscriber(t.Context(), last.ID, noon))
	take(t, l, "readers", reader(4))
	p, _ := byEmail(t, l, "reader4@example.org")
	if p.ID <= last.ID {
		t.Fatalf("a new reader got number %d, a removed one had %d", p.ID, last.ID)
	}
}

func suppress(t *testing.T, l *ledger.Ledger) {
	for i, email := range []string{"A@example.org", "a@EXAMPLE.org", " a@example.org "} {
		yes, err := l.Suppressed(t.Context(), email)
		must(t, err)
		same(t, fmt.Sprint("suppressed before ", i), yes, i > 0)
		must(t, l.Suppress(t.Context(), email, "reason", noon))
	}
	yes, err := l.Suppressed(t.Context(), "b@example.org")
	must(t, err)
	same(t, "someone else", yes, false)
}
