package ledgertest

import (
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

func errata(t *testing.T, l *ledger.Ledger) {
	e := publisher.Erratum{Newsletter: "daily", ArticleID: "a1", Hash: "h2", Title: "L’été", URL: "https://x.example/", Sent: noon, Text: "« 5 », non 4", Created: noon.Add(time.Hour)}
	wait := func(want ...publisher.Erratum) {
		t.Helper()
		got, err := l.Errata(t.Context(), "daily", "")
		must(t, err)
		same(t, "waiting", got, want)
	}
	add := func(e publisher.Erratum, want bool) {
		t.Helper()
		added, err := l.AddErratum(t.Context(), e)
		must(t, err)
		same(t, "added", added, want)
	}
	add(e, true)
	other := e
	other.Newsletter = "weekly"
	add(other, true)
	wait(e)
	second := e
	second.ArticleID, second.Created = "a2", noon.Add(2*time.Hour)
	add(second, true)
	newer := e
	newer.Hash, newer.Text = "h3", ""
	add(newer, true) // takes the place of the one that waits
	wait(newer, second)
	must(t, l.TakeErrata(t.Context(), "i1", []publisher.Erratum{newer}))
	wait(second)
	must(t, l.TakeErrata(t.Context(), "i2", []publisher.Erratum{newer, second})) // i1 has it
	wait()
	newer.IssueID, second.IssueID = "i1", "i2"
	for issue, want := range map[string][]publisher.Erratum{"i1": {newer}, "i2": {second}, "i3": nil} {
		got, err := l.Errata(t.Context(), "daily", issue)
		must(t, err)
		same(t, "in "+issue, got, want)
	}
	newer.IssueID = ""
	add(newer, false) // was told
	wait()
	for hash, want := range map[string]bool{"h2": false, "h3": true, "h4": false} {
		got, err := l.HasErratum(t.Context(), "daily", "a1", hash)
		must(t, err)
		same(t, "has "+hash, got, want)
	}
	newer.Hash = "h4"
	add(newer, true)
	wait(newer)
}

// Of what has gone out, web copies and posts are amended, mails never.
func amend(t *testing.T, l *ledger.Ledger) {
	addReaders(t, l, "readers", 1)
	lot, _ := mailLot(t, l, 1)
	letter := rendering(lot.Channel, "fr", "old")
	letter.IssueID = lot.IssueID
	page := rendering("@page", "fr", "old page")
	page.IssueID = lot.IssueID
	issue, err := l.Issue(t.Context(), lot.IssueID)
	must(t, err)
	_, _, err = l.SaveIssue(t.Context(), issue, []publisher.Rendering{letter, page})
	must(t, err)
	changed := page
	changed.HTML, changed.Hash = "<p>new", "new hash"
	must(t, l.Amend(t.Context(), changed))
	got, err := l.RenderingFor(t.Context(), lot.IssueID, "@page", "fr")
	must(t, err)
	same(t, "amended page", got, changed)
	before, err := l.RenderingFor(t.Context(), lot.IssueID, lot.Channel, "fr")
	must(t, err)
	letter.HTML = "<p>other"
	wantKind(t, l.Amend(t.Context(), letter), publisher.NotFound)
	after, err := l.RenderingFor(t.Context(), lot.IssueID, lot.Channel, "fr")
	must(t, err)
	same(t, "letter", after, before)
	changed.Channel = "nope"
	wantKind(t, l.Amend(t.Context(), changed), publisher.NotFound)
}

func editAndRetract(t *testing.T, l *ledger.Ledger) {
	lot := postLot(t, l, 2)
	c := commit(t, l, nil, wants(lot, 1), noon)
	same(t, "granted", len(c.Granted), 1)
	receipt := publisher.Receipt{ID: "at://x/1", URL: "https://x.example/1", Ref: `{"cid":"a"}`, At: noon}
	commit(t, l, []publisher.Outcome{{Claim: c.Granted[0], State: publisher.StateAccepted, Started: noon, Ended: noon, Receipt: receipt}}, nil, noon)
	parts, err := l.Parts(t.Context(), lot)
	must(t, err)
	edited := receipt
	edited.Ref = `{"cid":"b"}`
	must(t, l.Edited(t.Context(), parts[0], edited))
	must(t, l.Edited(t.Context(), parts[1], edited)) // is planned, and stays so
	parts, err = l.Parts(t.Context(), lot)
	must(t, err)
	same(t, "receipt", parts[0].Receipt, edited)
	same(t, "states", []publisher.State{parts[0].State, parts[1].State}, []publisher.State{publisher.StateAccepted, publisher.StatePlanned})
	must(t, l.Retracted(t.Context(), parts[0]))
	must(t, l.Retracted(t.Context(), parts[0]))
	must(t, l.Edited(t.Context(), parts[0], receipt)) // comes too late
	parts, err = l.Parts(t.Context(), lot)
	must(t, err)
	same(t, "retracted", parts[0].State, publisher.StateRetracted)
	same(t, "its receipt", parts[0].Receipt, edited)
	same(t, "states", states(t, l, lot), map[publisher.State]int{publisher.StateRetracted: 1, publisher.StatePlanned: 1})
}
