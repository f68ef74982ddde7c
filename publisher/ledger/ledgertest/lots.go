package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

func planMails(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 5)
	take(t, l, "others", reader(6))
	u := reader(7)
	u.Status = publisher.Unconfirmed
	take(t, l, "readers", u)
	must(t, l.Suppress(t.Context(), reader(5).Email, "x", noon))

	lot := publisher.Lot{IssueID: "issue1", Channel: "daily", Network: "smtp", List: "readers"}
	f, err := l.Forecast(t.Context(), lot)
	must(t, err)
	same(t, "forecast", f, publisher.Forecast{New: 4})
	lot, added := mailLot(t, l, 1)
	same(t, "planned", added, 5)
	same(t, "lot", lot, publisher.Lot{ID: lot.ID, IssueID: "issue1", Channel: "daily", Network: "smtp", List: "readers",
		Domain: "gazette.example", Size: 5, Open: true, Created: noon.Add(time.Hour)})
	again, added := mailLot(t, l, 1)
	same(t, "planned again", added, 0)
	same(t, "the same lot", again, lot)
	take(t, l, "readers", reader(8))
	f, err = l.Forecast(t.Context(), lot)
	must(t, err)
	same(t, "forecast for one more", f, publisher.Forecast{New: 1, Existing: 5})
	_, added = mailLot(t, l, 1)
	same(t, "planned for one more", added, 1)
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StatePlanned: 6})
	lots, err := l.Lots(t.Context(), publisher.Selection{Channels: []string{"other"}})
	must(t, err)
	same(t, "lots of another channel", len(lots), 0)
}

// Who left is accounted for once, in the first issue that goes without them.
func planLeavers(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 3)
	mailLot(t, l, 1) // planned at noon + 1 h
	p, _ := byEmail(t, l, "reader2@example.org")
	_, err := l.SetStatus(t.Context(), p.ID, "readers", publisher.Unsubscribed, "one-click", noon.Add(90*time.Minute))
	must(t, err)
	lot, added := mailLot(t, l, 2)
	same(t, "second issue", added, 3)
	same(t, "its states", states(t, l, lot), map[publisher.State]int{publisher.StatePlanned: 2, publisher.StateSuppressed: 1})
	lot, added = mailLot(t, l, 3)
	same(t, "third issue", added, 2)
	same(t, "its states", states(t, l, lot), map[publisher.State]int{publisher.StatePlanned: 2})
}

func planPosts(t *testing.T, l *ledger.Ledger) {
	f, err := l.Forecast(t.Context(), publisher.Lot{IssueID: "posts", Channel: "masto", Network: "mastodon", Parts: 3})
	must(t, err)
	same(t, "forecast", f, publisher.Forecast{New: 3})
	lot := postLot(t, l, 3)
	same(t, "size", lot.Size, 3)
	lot = postLot(t, l, 3)
	same(t, "size, planned again", lot.Size, 3)
	parts, err := l.Parts(t.Context(), lot)
	must(t, err)
	for i, d := range parts {
		same(t, "part", d, publisher.Delivery{Key: publisher.DeliveryKey("posts", "masto", fmt.Sprint(i+1)), IssueID: "posts", Channel: "masto",
			Network: "mastodon", Part: i + 1, Created: noon, Updated: d.Updated})
	}
}

func planInChunks(t *testing.T, l *ledger.Ledger) {
	const n = 12_345
	for from := 0; from < n; from += 1000 {
		var batch []publisher.NewSubscriber
		for i := from; i < min(from+1000, n); i++ {
			batch = append(batch, reader(i))
		}
		take(t, l, "readers", batch...)
	}
	_, added := mailLot(t, l, 1)
	same(t, "planned", added, n)
	_, added = mailLot(t, l, 1)
	same(t, "planned again", added, 0)
}

func closeAndOpen(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 2)
	lot, _ := mailLot(t, l, 1)
	post := postLot(t, l, 1)
	open := func(want ...int64) {
		t.Helper()
		must(t, l.CloseLots(t.Context(), []int64{lot.ID, post.ID}))
		lots, err := l.Lots(t.Context(), publisher.Selection{Open: true})
		must(t, err)
		var got []int64
		for _, l := range lots {
			got = append(got, l.ID)
		}
		same(t, "open", got, want)
	}
	end := func(lot publisher.Lot, id int64, state publisher.State) {
		t.Helper()
		c := commit(t, l, nil, wants(lot, id), noon)
		same(t, "granted", len(c.Granted), 1)
		commit(t, l, []publisher.Outcome{{Claim: c.Granted[0], State: state, Started: noon, Ended: noon, Problem: "p"}}, nil, noon)
	}
	open(post.ID, lot.ID) // by creation
	p1, _ := byEmail(t, l, "reader1@example.org")
	p2, _ := byEmail(t, l, "reader2@example.org")
	end(lot, p1.ID, publisher.StateAccepted)
	open(post.ID, lot.ID)
	end(lot, p2.ID, publisher.StateUnknown)
	open(post.ID) // a mail in doubt is left alone, a post in doubt is looked into
	back := publisher.Outcome{Claim: publisher.Claim{Lot: lot.ID, ID: p2.ID, Attempt: 1}, State: publisher.StatePlanned, Ended: noon}
	same(t, "late", len(commit(t, l, []publisher.Outcome{back}, nil, noon).Late), 0)
	open(post.ID, lot.ID) // and whoever knows that it was not begun has it tried again
	end(lot, p2.ID, publisher.StateUnknown)
	open(post.ID)
	end(post, 1, publisher.StateUnknown)
	open(post.ID)
	take(t, l, "readers", reader(3))
	mailLot(t, l, 1)
	open(post.ID, lot.ID)
}

func dueAndNextDue(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 5)
	lot, _ := mailLot(t, l, 1)
	due := func(after int64, limit int, now time.Time) []publisher.Delivery {
		t.Helper()
		d, err := l.Due(t.Context(), lot, after, now, limit)
		must(t, err)
		return d
	}
	all := due(0, 10, noon)
	same(t, "due", len(all), 5)
	same(t, "recipient", all[1].Recipient, publisher.Recipient{ID: all[1].Recipient.ID, Email: "reader2@example.org", Name: "Reader 2",
		Language: "fr", Since: noon.Add(-time.Hour), Token: "token2"})
	same(t, "key", all[1].Key, publisher.DeliveryKey("issue1", "daily", "reader2@example.org"))
	same(t, "a page", due(all[1].Recipient.ID, 2, noon), all[2:4])

	c := commit(t, l, nil, wants(lot, all[0].Recipient.ID, all[1].Recipient.ID), noon)
	var os []publisher.Outcome
	for i, k := range c.Granted {
		os = append(os, publisher.Outcome{Claim: k, State: publisher.StateDeferred, Ended: noon, After: noon.Add(time.Duration(i+1) * time.Minute), Problem: "busy"})
	}
	commit(t, l, os, nil, noon)
	same(t, "due now", len(due(0, 10, noon)), 3)
	same(t, "due later", len(due(0, 10, noon.Add(time.Minute))), 4)
	same(t, "claimed too early", len(commit(t, l, nil, wants(lot, c.Granted[0].ID), noon).Granted), 0)
	for horizon, want := range map[time.Duration]time.Time{time.Second: {}, time.Minute: noon.Add(time.Minute), time.Hour: noon.Add(2 * time.Minute)} {
		last, ready, err := l.NextDue(t.Context(), lot.ID, noon, noon.Add(horizon))
		must(t, err)
		same(t, "next due", last, want)
		same(t, "ready", ready, 3)
	}
	tallies, err := l.Counts(t.Context(), publisher.Selection{})
	must(t, err)
	same(t, "first due", tallies[0].Due, noon.Add(time.Minute))
}

func deliveriesAndPages(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 30)
	lot, _ := mailLot(t, l, 1)
	mailLot(t, l, 2)
	postLot(t, l, 2)
	same(t, "all", len(deliveries(t, l, publisher.DeliveryFilter{})), 62)
	same(t, "one issue", len(deliveries(t, l, publisher.DeliveryFilter{IssueID: "issue1"})), 30)
	same(t, "one channel", len(deliveries(t, l, publisher.DeliveryFilter{Channel: "daily"})), 60)
	same(t, "limited over lots", len(deliveries(t, l, publisher.DeliveryFilter{Channel: "daily", Limit: 45})), 45)
	first := deliveries(t, l, publisher.DeliveryFilter{IssueID: "issue1", Limit: 10})
	rest := deliveries(t, l, publisher.DeliveryFilter{IssueID: "issue1", After: first[9].Recipient.ID, Limit: 100})
	same(t, "second page", len(rest), 20)
	commit(t, l, nil, wants(lot, first[3].Recipient.ID), noon)
	leased := deliveries(t, l, publisher.DeliveryFilter{States: []publisher.State{publisher.StateLeased, publisher.StateUnknown, publisher.StateFailed}})
	same(t, "leased", len(leased), 1)
	same(t, "who", leased[0].Recipient.Email, first[3].Recipient.Email)
	same(t, "no token in a listing", leased[0].Recipient.Token, "")
	stop := fmt.Errorf("stop")
	if err := l.Deliveries(t.Context(), publisher.DeliveryFilter{}, func(publisher.Delivery) error { return stop }); err != stop {
		t.Fatalf("got %v, want yield's own error", err)
	}
}
