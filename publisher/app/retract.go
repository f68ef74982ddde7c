package app

import (
	"context"
	"fmt"
	"html"

	"crieur/publisher"
	"crieur/publisher/config"
)

// Retract takes an issue back as far as that can be done: its posts are deleted where
// their network can, what waits is cancelled, and a notice stands in the place of its
// web copy. Mails that arrived stay where they are. Doing it again does what is left.
func (a *App) Retract(ctx context.Context, issueID string, o AmendOptions) (*Amendment, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	issue, err := store.Issue(ctx, issueID)
	if err != nil {
		return nil, noIssue(issueID, err)
	}
	m := &Amendment{Mode: a.conf.Mode, Issue: issue.ID, Title: issue.Title, Steps: []*Step{}, Warnings: []string{}}
	tallies, err := store.Counts(ctx, publisher.Selection{IssueIDs: []string{issue.ID}})
	if err != nil {
		return nil, err
	}
	// What waits is called off first: nothing more may go out meanwhile.
	for _, tally := range tallies {
		a.cancelStep(m, tally)
	}
	networks := map[string]publisher.Network{}
	for _, tally := range tallies {
		if tally.Lot.Mail() {
			mailsStay(m, tally)
			continue
		}
		if err := a.deleteSteps(ctx, m, tally.Lot, networks); err != nil {
			return nil, err
		}
	}
	if err := a.noticeSteps(ctx, m, issue); err != nil {
		return nil, err
	}
	return m, a.carryOut(ctx, m, o)
}

func (a *App) cancelStep(m *Amendment, tally publisher.Tally) {
	left := 0
	for _, st := range []publisher.State{publisher.StatePlanned, publisher.StateHeld, publisher.StateDeferred, publisher.StateFailed} {
		left += tally.States[st]
	}
	lot := tally.Lot
	if left == 0 && (!lot.Mail() || !lot.Cancelled.IsZero()) {
		return
	}
	// Also where no mail waits: who joins later is not to get it.
	m.add(Step{Issue: lot.IssueID, Channel: lot.Channel, Network: lot.Network, Act: "cancel", Count: left}, func(ctx context.Context) error {
		_, err := a.store.Cancel(ctx, lot.ID, a.o.Now())
		return err
	})
}

func mailsStay(m *Amendment, tally publisher.Tally) {
	if n := tally.States[publisher.StateAccepted] + tally.States[publisher.StateUnknown]; n > 0 {
		m.cannot(Step{Issue: tally.Lot.IssueID, Channel: tally.Lot.Channel, Network: tally.Lot.Network, Count: n},
			fmt.Sprintf("%d mails have gone out and cannot be taken back", n))
	}
	if n := tally.States[publisher.StateLeased]; n > 0 {
		m.cannot(Step{Issue: tally.Lot.IssueID, Channel: tally.Lot.Channel, Network: tally.Lot.Network, Count: n},
			fmt.Sprintf("%d mails are on their way at this moment", n))
	}
}

// deleteSteps deletes a thread from its end, so that nothing answers a post that is
// gone.
func (a *App) deleteSteps(ctx context.Context, m *Amendment, lot publisher.Lot, networks map[string]publisher.Network) error {
	parts, err := a.store.Parts(ctx, lot)
	if err != nil {
		return err
	}
	for i := len(parts) - 1; i >= 0; i-- {
		d := parts[i]
		s := Step{Issue: lot.IssueID, Channel: lot.Channel, Network: lot.Network, Part: d.Part, Act: "delete", URL: d.Receipt.URL}
		switch d.State {
		case publisher.StateUnknown, publisher.StateLeased:
			m.cannot(s, "nobody knows whether it stands: crieur retry --unknown looks, then retract again")
			continue
		case publisher.StateAccepted:
		default:
			continue
		}
		if err := a.connect(ctx, lot, networks); publisher.KindOf(err) == publisher.NotFound && err != nil {
			m.cannot(s, explain(err))
			continue
		} else if err != nil {
			return err
		}
		remover, ok := networks[lot.Channel].(publisher.Remover)
		if !ok {
			m.cannot(s, lot.Network+" does not let posts be deleted by a program: delete it on its own pages")
			continue
		}
		m.add(s, func(ctx context.Context) error {
			if err := remover.Remove(ctx, d.Receipt); err != nil {
				return err
			}
			return a.store.Retracted(ctx, d)
		})
	}
	return nil
}

// noticeSteps puts a notice in the place of each copy on the web.
func (a *App) noticeSteps(ctx context.Context, m *Amendment, issue publisher.Issue) error {
	frozen, err := a.store.Renderings(ctx, issue.ID)
	if err != nil {
		return err
	}
	n, err := a.newsletter(issue.Newsletter)
	if err != nil {
		n = config.Newsletter{Name: issue.Newsletter}
	}
	for _, r := range frozen {
		if len(r.Channel) < len(pageChannel) || r.Channel[:len(pageChannel)] != pageChannel {
			continue
		}
		words := a.catalogue.For(r.Language)
		notice := publisher.Article{ID: issue.ArticleID, Title: words.T("page.withdrawn.title"), Language: words.Lang(),
			Body: "<p>" + html.EscapeString(words.T("page.withdrawn.text", "Title", r.Subject)) + "</p>"}
		in := a.mailInput(notice, n, issue, nil)
		in.Language, in.Blocks.Show = r.Language, nil
		page, err := a.set.Page(in)
		if err != nil {
			return err
		}
		if string(page) == r.HTML {
			continue
		}
		subject := r.Subject
		r.HTML = string(page)
		r.Subject = subject // by which the notice names it
		m.add(Step{Issue: issue.ID, Channel: "web", Network: "web", Act: "page", URL: a.pageURL(r)}, func(ctx context.Context) error { return a.store.Amend(ctx, r) })
	}
	return nil
}
