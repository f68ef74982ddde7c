package ledgertest

import (
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

// sent plans a lot for so many readers and has all of its mails accepted.
func sent(t *testing.T, l *ledger.Ledger, issue, readers int) publisher.Lot {
	t.Helper()
	if readers > 0 {
		addReaders(t, l, "readers", readers)
	}
	lot, _ := mailLot(t, l, issue)
	c := commit(t, l, nil, wants(lot, ids(t, l, lot)...), noon)
	var outcomes []publisher.Outcome
	for _, g := range c.Granted {
		outcomes = append(outcomes, accepted(g, "key", noon))
	}
	commit(t, l, outcomes, nil, noon)
	return lot
}

func failure(lot, reader int64, v publisher.Verdict) publisher.ReturnRecord {
	return publisher.ReturnRecord{Lot: lot, Reader: reader, Class: "address", Verdict: v, Return: publisher.Return{
		Kind: publisher.ReturnFailed, Source: "pipe", Code: 550, Status: "5.1.1", Words: "550 5.1.1 no such user", Raw: []byte("From: x\n\nreport\x00\xff")}}
}

func takeReturn(t *testing.T, l *ledger.Ledger, r publisher.ReturnRecord, at time.Time) publisher.ReturnEffect {
	t.Helper()
	e, err := l.TakeReturn(t.Context(), r, at)
	must(t, err)
	return e
}

func suppressed(t *testing.T, l *ledger.Ledger, email string) bool {
	t.Helper()
	yes, err := l.Suppressed(t.Context(), email)
	must(t, err)
	return yes
}

func returns(t *testing.T, l *ledger.Ledger) {
	lot := sent(t, l, 1, 3)
	who := ids(t, l, lot)
	later := noon.Add(time.Hour)
	same(t, "first report", takeReturn(t, l, failure(lot.ID, who[0], publisher.VerdictGone), later), publisher.ReturnEffect{Bounced: true, Suppressed: true})
	same(t, "states add up", states(t, l, lot), map[publisher.State]int{publisher.StateAccepted: 2, publisher.StateBounced: 1})
	same(t, "again", takeReturn(t, l, failure(lot.ID, who[0], publisher.VerdictGone), later.Add(time.Hour)), publisher.ReturnEffect{Repeated: true})
	d := deliveries(t, l, publisher.DeliveryFilter{IssueID: lot.IssueID, States: []publisher.State{publisher.StateBounced}})[0]
	same(t, "words", d.Problem, "550 5.1.1 no such user")
	same(t, "when", d.Updated, later)
	same(t, "the receipt stays", d.Receipt.Reply, "250 2.0.0 OK")
	tries, err := l.Attempts(t.Context(), d)
	must(t, err)
	same(t, "attempts", []any{len(tries), tries[0].Code, tries[0].State}, []any{1, 550, publisher.StateBounced})
	kept, err := l.Returned(t.Context(), lot.ID, who[0], publisher.ReturnFailed)
	must(t, err)
	same(t, "the report is kept", string(kept.Raw), "From: x\n\nreport\uFFFD")

	same(t, "policy", takeReturn(t, l, failure(lot.ID, who[1], publisher.VerdictNone), later), publisher.ReturnEffect{Bounced: true})
	same(t, "not the reader's fault", suppressed(t, l, "reader2@example.org"), false)
	same(t, "complaint", takeReturn(t, l, publisher.ReturnRecord{Lot: lot.ID, Reader: who[2], Return: publisher.Return{Kind: publisher.ReturnComplaint}}, later), publisher.ReturnEffect{Suppressed: true})
	_, subs := byEmail(t, l, "reader3@example.org")
	same(t, "has left", []any{subs[0].Status, subs[0].Consent}, []any{publisher.Unsubscribed, "complaint"})
	same(t, "a complaint is about a mail that arrived", states(t, l, lot), map[publisher.State]int{publisher.StateAccepted: 1, publisher.StateBounced: 2})

	next, _ := mailLot(t, l, 2)
	c := commit(t, l, nil, wants(next, who...), later)
	same(t, "the next issue goes to", []any{len(c.Granted), c.Granted[0].ID}, []any{1, who[1]})
	_, err = l.TakeReturn(t.Context(), failure(next.ID, who[1], publisher.VerdictGone), later)
	wantKind(t, err, publisher.Busy)
	_, err = l.TakeReturn(t.Context(), failure(99, who[1], publisher.VerdictGone), later)
	wantKind(t, err, publisher.NotFound)
	same(t, "who cannot be told apart is left alone", suppressed(t, l, "reader2@example.org"), false)

	var all []publisher.Suppression
	must(t, l.Suppressions(t.Context(), func(s publisher.Suppression) error { all = append(all, s); return nil }))
	same(t, "suppressions", len(all), 2)
	for _, s := range all {
		want := map[string]string{"reader1@example.org": "bounced: address", "reader3@example.org": "complaint"}[s.Email]
		same(t, "reason of "+s.Email, s.Reason, want)
	}
}

// Failures that may pass suppress an address when there are enough of them in a time.
func returnsCounted(t *testing.T, l *ledger.Ledger) {
	day := 24 * time.Hour
	lots := []publisher.Lot{sent(t, l, 1, 2)}
	for i := 2; i <= 6; i++ {
		lots = append(lots, sent(t, l, i, 0))
	}
	who := ids(t, l, lots[0])
	fail := func(i int, reader int64, at time.Duration) bool {
		t.Helper()
		r := failure(lots[i].ID, reader, publisher.VerdictCounted)
		r.Class = "full"
		takeReturn(t, l, r, noon.Add(at)) // a repetition does not count
		takeReturn(t, l, r, noon.Add(at))
		return suppressed(t, l, map[int64]string{who[0]: "reader1@example.org", who[1]: "reader2@example.org"}[reader])
	}
	same(t, "three in a row", []bool{fail(0, who[0], 0), fail(1, who[0], day), fail(2, who[0], 2*day)}, []bool{false, false, true})
	same(t, "one a season", []bool{fail(0, who[1], 0), fail(1, who[1], 90*day), fail(2, who[1], 180*day), fail(3, who[1], 270*day)}, []bool{false, false, false, false})
	lifted, err := l.Unsuppress(t.Context(), "reader1@example.org")
	must(t, err)
	same(t, "lifted", lifted, true)
	same(t, "counts anew", fail(3, who[0], 3*day), false)
}

// What is refused in the dialogue costs a reader the same as a report that comes later.
func refusals(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 3)
	for i := 1; i <= 3; i++ {
		lot, _ := mailLot(t, l, i)
		c := commit(t, l, nil, wants(lot, ids(t, l, lot)...), noon)
		var outcomes []publisher.Outcome
		for _, g := range c.Granted {
			p := publisher.VerdictNone
			if g.ID == c.Granted[0].ID {
				p = map[bool]publisher.Verdict{true: publisher.VerdictGone, false: publisher.VerdictCounted}[i == 1]
			}
			outcomes = append(outcomes, publisher.Outcome{Claim: g, State: publisher.StateBounced, Started: noon, Ended: noon, Kind: publisher.Invalid, Code: 550, Problem: "550 5.1.1 no", Verdict: p})
		}
		commit(t, l, outcomes, nil, noon)
		commit(t, l, outcomes, nil, noon) // late now
		same(t, "still written to", len(c.Granted), []int{3, 2, 2}[i-1])
	}
	same(t, "gone", suppressed(t, l, "reader1@example.org"), true)
	same(t, "twice full", suppressed(t, l, "reader2@example.org"), false)
	same(t, "policy", suppressed(t, l, "reader3@example.org"), false)
	lot, _ := mailLot(t, l, 4)
	who := ids(t, l, lot)
	c := commit(t, l, nil, wants(lot, who...), noon)
	commit(t, l, []publisher.Outcome{accepted(c.Granted[0], "key", noon)}, nil, noon)
	r := failure(lot.ID, c.Granted[0].ID, publisher.VerdictCounted)
	same(t, "the third time, by a report", takeReturn(t, l, r, noon), publisher.ReturnEffect{Bounced: true, Suppressed: true})
}

// A report that comes after its reader has gone harms nobody and keeps nothing.
func returnsErased(t *testing.T, l *ledger.Ledger) {
	lot := sent(t, l, 1, 2)
	who := ids(t, l, lot)
	takeReturn(t, l, failure(lot.ID, who[0], publisher.VerdictCounted), noon)
	must(t, l.RemoveSubscriber(t.Context(), who[0], noon))
	kept, err := l.Returned(t.Context(), lot.ID, who[0], publisher.ReturnFailed)
	must(t, err)
	same(t, "what is kept of them", kept.Words+string(kept.Raw), "")
	must(t, l.RemoveSubscriber(t.Context(), who[1], noon))
	same(t, "late", takeReturn(t, l, failure(lot.ID, who[1], publisher.VerdictGone), noon), publisher.ReturnEffect{Erased: true})
	_, err = l.Returned(t.Context(), lot.ID, who[1], publisher.ReturnFailed)
	wantKind(t, err, publisher.NotFound)
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StateBounced: 1, publisher.StateAccepted: 1})
}

func returnsFound(t *testing.T, l *ledger.Ledger) {
	first, second := sent(t, l, 1, 2), sent(t, l, 2, 0)
	who := ids(t, l, first)
	key := publisher.DeliveryKey(first.IssueID, first.Channel, "reader2@example.org")
	for name, c := range map[string]struct {
		link, email, id string
		latest          bool
		lot, reader     int64
	}{
		"by the link":                    {"token2", "", key + "@gazette.example", false, first.ID, who[1]},
		"by the address":                 {"", "Reader2@example.org", key + "@gazette.example", false, first.ID, who[1]},
		"the latest":                     {"", "reader2@example.org", "relay@relay.example", true, second.ID, who[1]},
		"another's Message-ID":           {"token1", "", key + "@gazette.example", false, 0, 0},
		"another's address":              {"", "reader1@example.org", key + "@gazette.example", false, 0, 0},
		"no such link":                   {"token9", "reader1@example.org", key, false, 0, 0},
		"nothing":                        {"", "", key, false, 0, 0},
		"hostile":                        {"'; --\x00", "", key, true, 0, 0},
		"the link counts, not the words": {"token2", "reader1@example.org", key, false, first.ID, who[1]},
	} {
		lot, reader, err := l.FindReturned(t.Context(), c.link, c.email, c.id, c.latest)
		if c.reader == 0 {
			if publisher.KindOf(err) != publisher.NotFound || err == nil {
				t.Errorf("%s: got lot %d, reader %d, error %v", name, lot, reader, err)
			}
			continue
		}
		must(t, err)
		same(t, name, []int64{lot, reader}, []int64{c.lot, c.reader})
	}
	if key := l.ReturnKey(); len(key) != 32 || strings.Trim(string(key), "\x00") == "" {
		t.Errorf("a secret of %d octets", len(key))
	}
}
