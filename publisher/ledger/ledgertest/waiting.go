package ledgertest

import (
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

// waitingLot plans two parts that wait.
func waitingLot(t testing.TB, l *ledger.Ledger, issue string, release time.Time, held publisher.Hold, needed int) publisher.Lot {
	t.Helper()
	_, _, err := l.SaveIssue(t.Context(), publisher.Issue{ID: issue, Title: "Title " + issue, Created: noon},
		[]publisher.Rendering{rendering("masto", "fr", issue)})
	must(t, err)
	lot, _, err := l.Materialise(t.Context(), publisher.Lot{IssueID: issue, Channel: "masto", Network: "mastodon", Parts: 2, Created: noon,
		Release: release, Held: held, Needed: needed})
	must(t, err)
	return lot
}

func lotNow(t testing.TB, l *ledger.Ledger, lot publisher.Lot) publisher.Lot {
	t.Helper()
	lots, err := l.Lots(t.Context(), publisher.Selection{IssueIDs: []string{lot.IssueID}, Channels: []string{lot.Channel}})
	must(t, err)
	return lots[0]
}

func claimed(t testing.TB, l *ledger.Ledger, lot publisher.Lot, now time.Time) int {
	t.Helper()
	return len(commit(t, l, nil, wants(lot, 1), now).Granted)
}

// What is not released is not selected, and not granted to who asks all the same.
func release(t *testing.T, l *ledger.Ledger) {
	evening := noon.Add(6 * time.Hour)
	lot := waitingLot(t, l, "a", evening, "", 0)
	same(t, "release", lot.Release, evening)
	due := func(now time.Time) int {
		t.Helper()
		lots, err := l.Lots(t.Context(), publisher.Selection{Open: true, Due: now})
		must(t, err)
		same(t, "Lot.Due", lotNow(t, l, lot).Due(now), len(lots) == 1)
		return len(lots)
	}
	same(t, "due too early", due(evening.Add(-time.Millisecond)), 0)
	same(t, "claimed too early", claimed(t, l, lot, evening.Add(-time.Millisecond)), 0)
	same(t, "due", due(evening), 1)

	again := waitingLot(t, l, "a", noon, publisher.HeldOwner, 0)
	same(t, "planned again", []any{again.Release, again.Held, again.Size}, []any{evening, publisher.Hold(""), 2})
	must(t, l.Reschedule(t.Context(), lot.ID, noon))
	same(t, "due earlier now", due(noon), 1)
	before := time.Now().Add(-time.Second)
	must(t, l.Reschedule(t.Context(), lot.ID, time.Time{}))
	same(t, "at once is the present moment", lotNow(t, l, lot).Release.After(before), true)
	must(t, l.Reschedule(t.Context(), lot.ID, noon))
	same(t, "claimed", claimed(t, l, lot, noon), 1)
	wantKind(t, l.Reschedule(t.Context(), lot.ID, evening), publisher.Invalid)
	wantKind(t, l.Reschedule(t.Context(), 1<<40, evening), publisher.NotFound)
}

func holds(t *testing.T, l *ledger.Ledger) {
	lot := waitingLot(t, l, "a", time.Time{}, publisher.HeldLate, 1)
	hold := func(why publisher.Hold, want bool, held publisher.Hold) {
		t.Helper()
		got, err := l.Hold(t.Context(), lot.ID, why)
		must(t, err)
		same(t, "newly held", got, want)
		same(t, "held", lotNow(t, l, lot).Held, held)
	}
	free := func(why publisher.Hold, want bool, held publisher.Hold) {
		t.Helper()
		got, err := l.Free(t.Context(), lot.ID, why)
		must(t, err)
		same(t, "freed", got, want)
		same(t, "held", lotNow(t, l, lot).Held, held)
	}
	same(t, "claimed while held", claimed(t, l, lot, noon), 0)
	hold(publisher.HeldBudget, false, publisher.HeldLate)
	hold(publisher.HeldOwner, true, publisher.HeldOwner)
	hold(publisher.HeldOwner, false, publisher.HeldOwner)
	free(publisher.HeldLate, false, publisher.HeldOwner)
	free(publisher.HeldOwner, false, publisher.HeldApproval)
	free(publisher.HeldApproval, false, publisher.HeldApproval)
	_, freed, err := l.Approve(t.Context(), lot.ID, "", "anne", noon)
	must(t, err)
	same(t, "freed by approval", freed, true)
	n, err := l.HoldAll(t.Context(), publisher.HeldCopied)
	must(t, err)
	same(t, "all held", n, 1)
	free(publisher.HeldCopied, true, "")
	same(t, "claimed", claimed(t, l, lot, time.Now().Add(time.Minute)), 1)
}

// Approvals are of a text: the nth frees the lot, and another text wants others.
func approvals(t *testing.T, l *ledger.Ledger) {
	lot := waitingLot(t, l, "a", time.Time{}, publisher.HeldApproval, 2)
	approve := func(hash, who string, missing int, want bool) publisher.Consent {
		t.Helper()
		c, freed, err := l.Approve(t.Context(), lot.ID, hash, who, noon)
		must(t, err)
		same(t, "missing", c.Missing(), missing)
		same(t, "freed", freed, want)
		return c
	}
	first := approve("", "anne", 1, false)
	approve(first.Hash, "anne", 1, false)
	approve(first.Hash, "bob", 0, true)
	approve(first.Hash, "chloe", 0, false)
	same(t, "held", lotNow(t, l, lot).Held, publisher.Hold(""))

	thawed, err := l.Thaw(t.Context(), lot.IssueID, lot.Channel, 2)
	must(t, err)
	same(t, "thawed", thawed, true)
	same(t, "held again", lotNow(t, l, lot).Held, publisher.HeldApproval)
	_, _, err = l.SaveIssue(t.Context(), publisher.Issue{ID: lot.IssueID, Created: noon}, []publisher.Rendering{rendering(lot.Channel, "fr", "autre")})
	must(t, err)
	c, err := l.Consent(t.Context(), lot)
	must(t, err)
	same(t, "given for the other text", len(c.Given), 0)
	_, _, err = l.Approve(t.Context(), lot.ID, first.Hash, "anne", noon)
	wantKind(t, err, publisher.Invalid)
	approve("", "anne", 1, false)
	approve("", "bob", 0, true)
}

// What was held past its moment is not late when it is freed.
func freedLate(t *testing.T, l *ledger.Ledger) {
	evening := noon.Add(6 * time.Hour)
	approved := waitingLot(t, l, "a", noon, publisher.HeldApproval, 1)
	_, freed, err := l.Approve(t.Context(), approved.ID, "", "anne", evening)
	must(t, err)
	same(t, "freed by approval", freed, true)
	same(t, "release", lotNow(t, l, approved).Release, evening)

	late := waitingLot(t, l, "b", noon, publisher.HeldLate, 0)
	before := time.Now().Add(-time.Second)
	_, err = l.Free(t.Context(), late.ID, publisher.HeldLate)
	must(t, err)
	same(t, "released now", lotNow(t, l, late).Release.After(before), true)

	tomorrow := time.Now().AddDate(0, 0, 1).Truncate(time.Millisecond).UTC()
	early := waitingLot(t, l, "c", tomorrow, publisher.HeldOwner, 0)
	_, err = l.Free(t.Context(), early.ID, publisher.HeldOwner)
	must(t, err)
	same(t, "still to come", lotNow(t, l, early).Release, tomorrow)
}

func cancel(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 3)
	lot, _ := mailLot(t, l, 1)
	all := ids(t, l, lot)
	c := commit(t, l, nil, wants(lot, all[0], all[1]), noon)
	commit(t, l, []publisher.Outcome{accepted(c.Granted[0], "k", noon)}, nil, noon)
	n, err := l.Cancel(t.Context(), lot.ID, noon)
	must(t, err)
	same(t, "cancelled", n, 1)
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StateAccepted: 1, publisher.StateLeased: 1, publisher.StateCancelled: 1})
	same(t, "open while one is on the wire", lotNow(t, l, lot).Open, true)
	commit(t, l, []publisher.Outcome{accepted(c.Granted[1], "k", noon)}, nil, noon)
	must(t, l.CloseLots(t.Context(), []int64{lot.ID}))
	same(t, "open", lotNow(t, l, lot).Open, false)
	take(t, l, "readers", reader(9))
	_, added := mailLot(t, l, 1)
	same(t, "planned for who came later", added, 0)
	f, err := l.Forecast(t.Context(), lot)
	must(t, err)
	same(t, "forecast", f, publisher.Forecast{Existing: 3})
	wantKind(t, l.Reschedule(t.Context(), lot.ID, noon), publisher.Invalid)
}

func waiting(t *testing.T, l *ledger.Ledger) {
	later := waitingLot(t, l, "later", noon.Add(time.Hour), "", 0)
	held := waitingLot(t, l, "held", time.Time{}, publisher.HeldApproval, 2)
	soon := waitingLot(t, l, "soon", noon.Add(time.Minute), "", 0)
	gone := waitingLot(t, l, "gone", time.Time{}, "", 0)
	_, err := l.Cancel(t.Context(), gone.ID, noon)
	must(t, err)
	_, _, err = l.Approve(t.Context(), held.ID, "", "anne", noon)
	must(t, err)
	queue := func(s publisher.Selection, before time.Time, limit int, want ...publisher.Lot) []publisher.Waiting {
		t.Helper()
		ws, err := l.Waiting(t.Context(), s, before, limit)
		must(t, err)
		var got, wanted []string
		for _, w := range ws {
			got = append(got, w.IssueID)
		}
		for _, w := range want {
			wanted = append(wanted, w.IssueID)
		}
		same(t, "waiting", got, wanted)
		return ws
	}
	ws := queue(publisher.Selection{}, time.Time{}, 0, held, soon, later)
	same(t, "the held one", ws[0], publisher.Waiting{Lot: held, Title: "Title held", Left: 2, Approvals: 1})
	queue(publisher.Selection{}, noon.Add(time.Hour), 0, held, soon)
	queue(publisher.Selection{}, time.Time{}, 1, held)
	queue(publisher.Selection{IssueIDs: []string{"later"}}, time.Time{}, 0, later)
	commit(t, l, []publisher.Outcome{accepted(commit(t, l, nil, wants(soon, 1), noon.Add(time.Hour)).Granted[0], "k", noon)}, nil, noon)
	same(t, "left", queue(publisher.Selection{IssueIDs: []string{"soon"}}, time.Time{}, 0, soon)[0].Left, 1)
}

func stops(t *testing.T, l *ledger.Ledger) {
	all := publisher.Stop{Who: "anne", Since: noon}
	one := publisher.Stop{IssueID: "a", Who: "bob", Since: noon.Add(time.Minute)}
	want := func(want ...publisher.Stop) {
		t.Helper()
		got, err := l.Stops(t.Context())
		must(t, err)
		same(t, "stops", got, want)
	}
	lift := func(issue string, want int) {
		t.Helper()
		n, err := l.Resume(t.Context(), issue, "")
		must(t, err)
		same(t, "lifted", n, want)
	}
	want()
	for _, s := range []publisher.Stop{all, one, {IssueID: "a", Who: "chloe", Since: noon.Add(time.Hour)}} {
		must(t, l.Stop(t.Context(), s))
	}
	want(all, one)
	lift("b", 0)
	lift("a", 1)
	want(all)
	must(t, l.Stop(t.Context(), one))
	lift("", 2)
	want()
}

func spending(t *testing.T, l *ledger.Ledger) {
	lot := waitingLot(t, l, "a", time.Time{}, "", 0)
	spent := func(from, to time.Time) int64 {
		t.Helper()
		n, err := l.Spent(t.Context(), "masto", from, to)
		must(t, err)
		return n
	}
	month := noon.AddDate(0, 1, 0)
	same(t, "spent", spent(noon, month), int64(0))
	c := commit(t, l, nil, wants(lot, 1), noon)
	o := accepted(c.Granted[0], "k", noon)
	o.Cost = 15_000
	failed := publisher.Outcome{Claim: c.Granted[0], State: publisher.StateUnknown, Ended: noon, Problem: "p", Cost: 99}
	commit(t, l, []publisher.Outcome{failed, o}, wants(lot, 2), noon)
	commit(t, l, []publisher.Outcome{o}, nil, noon) // late
	second := accepted(publisher.Claim{Lot: lot.ID, ID: 2, Attempt: 1}, "k", month)
	second.Cost = 200_000
	commit(t, l, []publisher.Outcome{second}, nil, noon)
	same(t, "this month", spent(noon, month), int64(15_000))
	same(t, "both months", spent(noon, month.Add(1)), int64(15_000))
	same(t, "both months", spent(noon, month.Add(time.Second)), int64(215_000))

	until, err := l.Paced(t.Context(), "masto")
	must(t, err)
	same(t, "no pace", until.IsZero(), true)
	must(t, l.Pace(t.Context(), "masto", noon.Add(time.Hour)))
	must(t, l.Pace(t.Context(), "masto", noon))
	until, err = l.Paced(t.Context(), "masto")
	must(t, err)
	same(t, "pace", until, noon.Add(time.Hour))
}

func moments(t *testing.T, l *ledger.Ledger) {
	want := func(channel string, since time.Time, want ...time.Time) {
		t.Helper()
		got, err := l.Moments(t.Context(), channel, since)
		must(t, err)
		same(t, "moments", got, want)
	}
	want("masto", time.Time{})
	waitingLot(t, l, "a", noon.Add(6*time.Hour), publisher.HeldOwner, 0)
	waitingLot(t, l, "b", time.Time{}, "", 0) // at once: when it was made, at noon
	waitingLot(t, l, "c", noon.Add(-time.Hour), "", 0)
	gone := waitingLot(t, l, "d", noon.Add(time.Hour), "", 0)
	want("masto", time.Time{}, noon.Add(-time.Hour), noon, noon.Add(time.Hour), noon.Add(6*time.Hour))
	_, err := l.Cancel(t.Context(), gone.ID, noon)
	must(t, err)
	want("masto", noon, noon, noon.Add(6*time.Hour))
	want("other", time.Time{})
}
