package ledgertest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

func ids(t testing.TB, l *ledger.Ledger, lot publisher.Lot) []int64 {
	t.Helper()
	var ids []int64
	for _, d := range deliveries(t, l, publisher.DeliveryFilter{IssueID: lot.IssueID, Channel: lot.Channel}) {
		ids = append(ids, max(d.Recipient.ID, int64(d.Part)))
	}
	return ids
}

func claimOnce(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 3)
	lot, _ := mailLot(t, l, 1)
	all := ids(t, l, lot)
	c := commit(t, l, nil, wants(lot, all...), noon)
	same(t, "granted", len(c.Granted), 3)
	same(t, "attempt", c.Granted[0].Attempt, 1)
	c = commit(t, l, nil, wants(lot, all...), noon.Add(time.Hour))
	same(t, "granted again", len(c.Granted)+len(c.Suppressed), 0)
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StateLeased: 3})
	c = commit(t, l, nil, wants(lot, 1<<40), noon)
	same(t, "granted what does not exist", len(c.Granted)+len(c.Suppressed), 0)
}

func claimEntitled(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 4)
	lot, _ := mailLot(t, l, 1)
	left, _ := byEmail(t, l, "reader1@example.org")
	_, err := l.SetStatus(t.Context(), left.ID, "readers", publisher.Unsubscribed, "one-click", noon)
	must(t, err)
	must(t, l.Suppress(t.Context(), "Reader2@example.org", "complaint", noon))
	erased, _ := byEmail(t, l, "reader3@example.org")
	must(t, l.RemoveSubscriber(t.Context(), erased.ID, noon))
	c := commit(t, l, nil, wants(lot, ids(t, l, lot)...), noon)
	same(t, "granted", len(c.Granted), 1)
	same(t, "suppressed", len(c.Suppressed), 3)
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StateLeased: 1, publisher.StateSuppressed: 3})
}

func claimParts(t *testing.T, l *ledger.Ledger) {
	lot := postLot(t, l, 3)
	c := commit(t, l, nil, wants(lot, 3, 2, 1), noon)
	same(t, "granted", c.Granted, []publisher.Claim{{Lot: lot.ID, ID: 1, Attempt: 1}})
	same(t, "part 2 while 1 is leased", len(commit(t, l, nil, wants(lot, 2), noon).Granted), 0)
	first := accepted(c.Granted[0], "k", noon)
	first.Receipt = publisher.Receipt{ID: "1", URL: "https://m.example/1", Ref: `{"cid":"x"}`, At: noon}
	c = commit(t, l, []publisher.Outcome{first}, wants(lot, 2), noon)
	same(t, "outcome and next claim together", c.Granted, []publisher.Claim{{Lot: lot.ID, ID: 2, Attempt: 1}})
	parts, err := l.Parts(t.Context(), lot)
	must(t, err)
	same(t, "receipt", parts[0].Receipt, first.Receipt)
}

// Many want the same deliveries at once; each is given once.
func claimConcurrently(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 40)
	lot, _ := mailLot(t, l, 1)
	all := ids(t, l, lot)
	var mu sync.Mutex
	given := map[int64]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := 0; i < len(all); i += 5 {
				c, err := l.Commit(t.Context(), nil, wants(lot, all[i:i+5]...), noon, noon.Add(time.Minute))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, g := range c.Granted {
					given[g.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	same(t, "different ones given", len(given), 40)
	for id, n := range given {
		if n != 1 {
			t.Errorf("delivery %d was given %d times", id, n)
		}
	}
}

func outcomes(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 5)
	lot, _ := mailLot(t, l, 1)
	c := commit(t, l, nil, wants(lot, ids(t, l, lot)...), noon)
	later := noon.Add(time.Minute)
	var os []publisher.Outcome
	want := map[int64]publisher.Outcome{}
	for i, state := range []publisher.State{publisher.StateAccepted, publisher.StateBounced, publisher.StateDeferred, publisher.StateUnknown, publisher.StatePlanned} {
		o := publisher.Outcome{Claim: c.Granted[i], State: state, Started: noon, Ended: later}
		switch state {
		case publisher.StateAccepted:
			o.Receipt = publisher.Receipt{ID: "someone.else@example.org", Reply: "250 OK", At: later}
		case publisher.StateDeferred:
			o.After = later.Add(time.Hour)
			fallthrough
		default:
			o.Kind, o.Code, o.Problem = publisher.Busy, 450+i, "not now"
		}
		os, want[o.ID] = append(os, o), o
	}
	same(t, "late", len(commit(t, l, os, nil, later).Late), 0)
	for _, d := range deliveries(t, l, publisher.DeliveryFilter{IssueID: lot.IssueID}) {
		o := want[d.Recipient.ID]
		if d.State != o.State || d.Attempts != 1 || d.Updated != later || d.After != o.After || d.Problem != o.Problem {
			t.Errorf("got %+v, want %+v", d, o)
		}
		same(t, "receipt", d.Receipt, o.Receipt)
		tries, err := l.Attempts(t.Context(), d)
		must(t, err)
		if o.State == publisher.StateAccepted {
			same(t, "attempts at an accepted mail", len(tries), 0)
			continue
		}
		same(t, "attempts", tries, []publisher.Attempt{{N: 1, State: o.State, Started: noon, Ended: later, Kind: publisher.Busy, Code: o.Code, Problem: "not now"}})
	}
}

func outcomesFenced(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 1)
	lot, _ := mailLot(t, l, 1)
	id := ids(t, l, lot)[0]
	first := commit(t, l, nil, wants(lot, id), noon).Granted[0]
	n, err := l.Reclaim(t.Context(), lot.ID, time.Time{}, publisher.StatePlanned, noon)
	must(t, err)
	same(t, "reclaimed", n, 1)
	second := commit(t, l, nil, wants(lot, id), noon).Granted[0]
	same(t, "second attempt", second.Attempt, 2)
	late := commit(t, l, []publisher.Outcome{accepted(first, "k", noon)}, nil, noon).Late
	same(t, "the first attempt's late end", late, []publisher.Claim{first})
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StateLeased: 1})

	// What was given up as unknown may still turn out well, for the same attempt.
	_, err = l.Reclaim(t.Context(), lot.ID, time.Time{}, publisher.StateUnknown, noon)
	must(t, err)
	same(t, "late but welcome", len(commit(t, l, []publisher.Outcome{accepted(second, "k", noon)}, nil, noon).Late), 0)
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StateAccepted: 1})
	bad := accepted(second, "k", noon)
	bad.State, bad.Problem = publisher.StateFailed, "x"
	same(t, "a final end is final", len(commit(t, l, []publisher.Outcome{bad}, nil, noon).Late), 1)

	// Two ends of the same delivery in one commit: only the fenced one counts.
	same(t, "both", len(commit(t, l, []publisher.Outcome{accepted(first, "k", noon), accepted(second, "k", noon)}, nil, noon).Late), 2)
}

func outcomesInBulk(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 1000)
	lot, _ := mailLot(t, l, 1)
	c := commit(t, l, nil, wants(lot, ids(t, l, lot)...), noon)
	same(t, "granted", len(c.Granted), 1000)
	var os []publisher.Outcome
	for _, k := range c.Granted {
		os = append(os, accepted(k, "x", noon))
	}
	same(t, "late", len(commit(t, l, os[:333], nil, noon).Late), 0)
	same(t, "late", len(commit(t, l, os, nil, noon).Late), 333)
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StateAccepted: 1000})
}

// What servers say is kept as it can be, whatever it is.
func hostileReplies(t *testing.T, l *ledger.Ledger) {
	for i, reply := range []string{"{\"id\":\"forged\"}", "{", "a\x00b", "\xff\xfe", strings.Repeat("é", 5000), "'; DROP TABLE deliveries; --", ""} {
		addReaders(t, l, "readers", 2)
		lot, _ := mailLot(t, l, i)
		c := commit(t, l, nil, wants(lot, ids(t, l, lot)...), noon)
		d := deliveries(t, l, publisher.DeliveryFilter{IssueID: lot.IssueID})[0]
		ok := accepted(c.Granted[0], d.Key, noon)
		ok.ID = d.Recipient.ID
		ok.Receipt.Reply = reply
		bad := publisher.Outcome{Claim: c.Granted[1], State: publisher.StateFailed, Started: noon, Ended: noon, Kind: publisher.Invalid, Problem: reply + "x"}
		for _, g := range c.Granted {
			if g.ID != ok.ID {
				bad.Claim = g
			}
		}
		commit(t, l, []publisher.Outcome{ok, bad}, nil, noon)
		got := deliveries(t, l, publisher.DeliveryFilter{IssueID: lot.IssueID})
		if got[0].Receipt.ID != d.Key+"@gazette.example" || !got[0].Receipt.At.Equal(noon) {
			t.Errorf("reply %.20q: receipt %+v", reply, got[0].Receipt)
		}
		if len(got[0].Receipt.Reply) == 0 && reply != "" || len(got[1].Problem) == 0 {
			t.Errorf("reply %.20q was lost", reply)
		}
	}
}

func reclaim(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 3)
	lot, _ := mailLot(t, l, 1)
	all := ids(t, l, lot)
	commit(t, l, nil, wants(lot, all[0]), noon)                // until noon + 1 min
	commit(t, l, nil, wants(lot, all[1]), noon.Add(time.Hour)) // until noon + 61 min
	n, err := l.Reclaim(t.Context(), lot.ID, noon.Add(30*time.Minute), publisher.StateUnknown, noon.Add(30*time.Minute))
	must(t, err)
	same(t, "ran out", n, 1)
	n, err = l.Reclaim(t.Context(), lot.ID, time.Time{}, publisher.StatePlanned, noon.Add(time.Hour))
	must(t, err)
	same(t, "a dead process's", n, 1)
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StateUnknown: 1, publisher.StatePlanned: 2})
	tries, err := l.Attempts(t.Context(), publisher.Delivery{IssueID: lot.IssueID, Channel: lot.Channel, Recipient: publisher.Recipient{ID: all[0]}})
	must(t, err)
	if len(tries) != 1 || tries[0].State != publisher.StateUnknown || tries[0].Problem == "" || !tries[0].Started.Equal(noon) {
		t.Fatalf("got attempts %+v", tries)
	}
}

func replan(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 4)
	lot, _ := mailLot(t, l, 1)
	c := commit(t, l, nil, wants(lot, ids(t, l, lot)...), noon)
	var os []publisher.Outcome
	for i, s := range []publisher.State{publisher.StateAccepted, publisher.StateFailed, publisher.StateDeferred, publisher.StateUnknown} {
		os = append(os, publisher.Outcome{Claim: c.Granted[i], State: s, Ended: noon, After: noon.Add(time.Hour), Problem: "p"})
	}
	commit(t, l, os, nil, noon)
	again := func(sel publisher.Selection, want int, states ...publisher.State) {
		t.Helper()
		n, err := l.Replan(t.Context(), sel, states, noon)
		must(t, err)
		same(t, "planned again", n, want)
	}
	again(publisher.Selection{}, 0)
	again(publisher.Selection{Channels: []string{"other"}}, 0, publisher.StateFailed)
	again(publisher.Selection{IssueIDs: []string{lot.IssueID}}, 2, publisher.StateFailed, publisher.StateDeferred)
	again(publisher.Selection{}, 1, publisher.StateUnknown)
	c = commit(t, l, nil, wants(lot, ids(t, l, lot)...), noon)
	same(t, "granted at once", len(c.Granted), 3)
	same(t, "second attempt", c.Granted[0].Attempt, 2)
}
