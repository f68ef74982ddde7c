package ledgertest

import (
	"testing"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

// A rendering is taken back only while surely nothing of it has gone out.
func thaw(t *testing.T, l *ledger.Ledger) {
	lot := postLot(t, l, 3)
	_, _, err := l.SaveIssue(t.Context(), publisher.Issue{ID: lot.IssueID, Created: noon}, []publisher.Rendering{
		rendering(lot.Channel, "fr", "ancien"), rendering("@page", "fr", "page")})
	must(t, err)
	try := func(what string, channel string, parts int, want bool) {
		t.Helper()
		got, err := l.Thaw(t.Context(), lot.IssueID, channel, parts)
		must(t, err)
		same(t, what, got, want)
	}
	c := commit(t, l, nil, wants(lot, 1), noon)
	try("while it is on the wire", lot.Channel, 2, false)
	try("the page while something is on the wire", "@page", 0, false)
	commit(t, l, []publisher.Outcome{{Claim: c.Granted[0], State: publisher.StateFailed, Ended: noon, Problem: "p", Kind: publisher.Invalid}}, nil, noon)
	try("once it has failed", lot.Channel, 2, true)
	try("again", lot.Channel, 2, false)
	try("the page", "@page", 0, true)
	same(t, "planned anew", states(t, l, lot), map[publisher.State]int{publisher.StatePlanned: 2})
	lots, err := l.Lots(t.Context(), publisher.Selection{Channels: []string{lot.Channel}})
	must(t, err)
	same(t, "size", [2]int{lots[0].Size, lots[0].Parts}, [2]int{2, 2})
	_, kept, err := l.SaveIssue(t.Context(), publisher.Issue{ID: lot.IssueID, Created: noon}, []publisher.Rendering{rendering(lot.Channel, "fr", "nouveau")})
	must(t, err)
	same(t, "frozen now", kept[0].Subject, rendering(lot.Channel, "fr", "nouveau").Subject)
	c = commit(t, l, nil, wants(lot, 1), noon)
	same(t, "second attempt", c.Granted[0].Attempt, 2)
	commit(t, l, []publisher.Outcome{{Claim: c.Granted[0], State: publisher.StateUnknown, Ended: noon, Problem: "p"}}, nil, noon)
	try("while it is in doubt", lot.Channel, 2, false)
	try("an issue that does not exist", "other", 0, false)
}
