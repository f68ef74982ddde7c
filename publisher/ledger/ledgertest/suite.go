package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

// Run holds a ledger to its promises. open gives an empty one for each part.
func Run(t *testing.T, open func(t *testing.T) *ledger.Ledger) {
	for name, part := range map[string]func(*testing.T, *ledger.Ledger){
		"articles":             articles,
		"feeds":                feeds,
		"feeds together":       feedsTogether,
		"feed subscriptions":   feedSubscriptions,
		"issues":               issues,
		"renderings frozen":    renderingsFrozen,
		"rendering for":        renderingFor,
		"media":                media,
		"tokens":               tokens,
		"upsert":               upsert,
		"upsert keeps":         upsertKeeps,
		"upsert many":          upsertMany,
		"status":               status,
		"find readers":         findReaders,
		"list readers":         listReaders,
		"erase":                erase,
		"come back":            comeBack,
		"numbers not reused":   numbersNotReused,
		"suppress":             suppress,
		"plan mails":           planMails,
		"plan leavers":         planLeavers,
		"plan posts":           planPosts,
		"plan in chunks":       planInChunks,
		"claim once":           claimOnce,
		"claim entitled":       claimEntitled,
		"claim parts in turn":  claimParts,
		"claim concurrently":   claimConcurrently,
		"outcomes":             outcomes,
		"outcomes fenced":      outcomesFenced,
		"outcomes in bulk":     outcomesInBulk,
		"hostile replies":      hostileReplies,
		"reclaim":              reclaim,
		"replan":               replan,
		"thaw":                 thaw,
		"close and open":       closeAndOpen,
		"due and next due":     dueAndNextDue,
		"deliveries and pages": deliveriesAndPages,
		"errata":               errata,
		"notices":              notices,
		"amend":                amend,
		"edit and retract":     editAndRetract,
		"release":              release,
		"holds":                holds,
		"rations":              rations,
		"rations together":     rationsTogether,
		"approvals":            approvals,
		"cancel":               cancel,
		"waiting":              waiting,
		"moments":              moments,
		"freed late":           freedLate,
		"stops":                stops,
		"spending":             spending,
		"schedules":            schedules,
		"arrivals":             arrivals,
		"pool":                 pool,
		"troubles":             troubles,
		"placing":              placing,
		"returns":              returns,
		"returns counted":      returnsCounted,
		"returns erased":       returnsErased,
		"refusals":             refusals,
		"returns found":        returnsFound,
		"home":                 home,
	} {
		t.Run(name, func(t *testing.T) { part(t, open(t)) })
	}
}

// noon is the moment at which the suite's stories begin; stored moments have
// milliseconds.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 7e6, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err error, kind publisher.Kind) {
	t.Helper()
	if err == nil || publisher.KindOf(err) != kind {
		t.Fatalf("got error %v, want one of kind %v", err, kind)
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func reader(n int) publisher.NewSubscriber {
	return publisher.NewSubscriber{Email: fmt.Sprintf("reader%d@example.org", n), Name: fmt.Sprintf("Reader %d", n),
		Language: "fr", Token: fmt.Sprintf("token%d", n), Since: noon.Add(-time.Hour), Status: publisher.Confirmed}
}

func addReaders(t testing.TB, l *ledger.Ledger, list string, n int) {
	t.Helper()
	batch := make([]publisher.NewSubscriber, n)
	for i := range batch {
		batch[i] = reader(i + 1)
	}
	_, _, _, err := l.UpsertSubscribers(t.Context(), list, batch, "test", noon)
	must(t, err)
}

// mailLot plans issue i of list "readers" on channel "daily".
func mailLot(t testing.TB, l *ledger.Ledger, i int) (publisher.Lot, int) {
	t.Helper()
	id := fmt.Sprintf("issue%d", i)
	_, _, err := l.SaveIssue(t.Context(), publisher.Issue{ID: id, Created: noon}, nil)
	must(t, err)
	lot, added, err := l.Materialise(t.Context(), publisher.Lot{IssueID: id, Channel: "daily", Network: "smtp", List: "readers",
		Domain: "gazette.example", Created: noon.Add(time.Duration(i) * time.Hour)})
	must(t, err)
	return lot, added
}

func postLot(t testing.TB, l *ledger.Ledger, parts int) publisher.Lot {
	t.Helper()
	_, _, err := l.SaveIssue(t.Context(), publisher.Issue{ID: "posts", Created: noon}, nil)
	must(t, err)
	lot, _, err := l.Materialise(t.Context(), publisher.Lot{IssueID: "posts", Channel: "masto", Network: "mastodon", Parts: parts, Created: noon})
	must(t, err)
	return lot
}

func wants(lot publisher.Lot, ids ...int64) []publisher.Claim {
	claims := make([]publisher.Claim, len(ids))
	for i, id := range ids {
		claims[i] = publisher.Claim{Lot: lot.ID, ID: id}
	}
	return claims
}

func commit(t testing.TB, l *ledger.Ledger, outcomes []publisher.Outcome, claims []publisher.Claim, now time.Time) publisher.Commit {
	t.Helper()
	c, err := l.Commit(t.Context(), outcomes, claims, now, now.Add(time.Minute))
	must(t, err)
	return c
}

func accepted(c publisher.Claim, key string, at time.Time) publisher.Outcome {
	return publisher.Outcome{Claim: c, State: publisher.StateAccepted, Started: at.Add(-time.Second), Ended: at,
		Receipt: publisher.Receipt{ID: key + "@gazette.example", Reply: "250 2.0.0 OK", At: at}}
}

func states(t testing.TB, l *ledger.Ledger, lot publisher.Lot) map[publisher.State]int {
	t.Helper()
	tallies, err := l.Counts(t.Context(), publisher.Selection{IssueIDs: []string{lot.IssueID}, Channels: []string{lot.Channel}})
	must(t, err)
	if len(tallies) != 1 {
		t.Fatalf("got %d tallies, want 1", len(tallies))
	}
	if got, want := tallies[0].Total(), tallies[0].Lot.Size; got != want {
		t.Fatalf("states add up to %d, planned were %d", got, want)
	}
	return tallies[0].States
}

func deliveries(t testing.TB, l *ledger.Ledger, f publisher.DeliveryFilter) []publisher.Delivery {
	t.Helper()
	var all []publisher.Delivery
	must(t, l.Deliveries(t.Context(), f, func(d publisher.Delivery) error {
		all = append(all, d)
		return nil
	}))
	return all
}
