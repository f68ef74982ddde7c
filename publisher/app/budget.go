package app

import (
	"context"
	"fmt"

	"crieur/publisher"
	"crieur/publisher/queue/budget"
)

// afford holds the new posts of a plan to their channels' budgets: what is not to be
// paid for is held, or taken out of the edition. What was planned before is not asked
// again, so that the owner's word for it stands. It gives the channels that are held.
func (a *App) afford(ctx context.Context, e *edition, p *Plan) (map[string]publisher.Hold, error) {
	held := map[string]publisher.Hold{}
	for _, effect := range p.Effects {
		limit := a.conf.BudgetOf(effect.Channel)
		if limit == (budget.Budget{}) || effect.New == 0 || effect.Cost == 0 {
			continue
		}
		spent, err := a.spent(ctx, effect.Channel, effect.Issue, e.networks[effect.Channel])
		if err != nil {
			return nil, err
		}
		price := budget.Money(effect.Cost*1e6 + 0.5)
		account := fmt.Sprintf("%s: this costs %s, and of this month's %s %s are spent or promised", effect.Channel, price, limit.Monthly, spent)
		switch limit.Decide(spent, price) {
		case budget.Warn:
			e.warn(account)
		case budget.Hold:
			held[effect.Channel] = publisher.HeldBudget
			e.warn(account + "; it is held: crieur resume " + effect.Issue + " lets it go")
		case budget.Skip:
			e.leave(effect.Channel)
			e.warn(account + "; it is left out")
		}
	}
	return held, nil
}

// leave takes a channel's post out of an edition.
func (e *edition) leave(channel string) {
	var kept []rendered
	for _, r := range e.posts {
		if r.rendering.Channel != channel {
			kept = append(kept, r)
		}
	}
	e.posts = kept
}

// spent gives what a channel's posts have cost this month, and what those of other
// issues will that wait to go out.
func (a *App) spent(ctx context.Context, channel, issueID string, n publisher.Network) (budget.Money, error) {
	from, to := budget.Month(a.o.Now(), a.location)
	micros, err := a.store.Spent(ctx, channel, from, to)
	if err != nil {
		return 0, err
	}
	lots, err := a.store.Lots(ctx, publisher.Selection{Channels: []string{channel}, Open: true})
	if err != nil {
		return 0, err
	}
	sum := budget.Money(micros)
	for _, lot := range lots {
		if lot.IssueID == issueID || lot.Held == publisher.HeldBudget || !lot.Release.Before(to) {
			continue
		}
		price, err := a.priceOf(ctx, lot, n)
		if err != nil {
			return 0, err
		}
		sum += price
	}
	return sum, nil
}

// priceOf gives what the parts of a lot that are still to be posted cost.
func (a *App) priceOf(ctx context.Context, lot publisher.Lot, n publisher.Network) (budget.Money, error) {
	renderings, err := a.store.Renderings(ctx, lot.IssueID)
	if err != nil {
		return 0, err
	}
	left := map[int]bool{}
	err = a.store.Deliveries(ctx, publisher.DeliveryFilter{IssueID: lot.IssueID, Channel: lot.Channel}, func(d publisher.Delivery) error {
		left[d.Part] = !d.State.Final()
		return nil
	})
	var price budget.Money
	for _, r := range renderings {
		if r.Channel != lot.Channel {
			continue
		}
		for i, part := range r.Parts {
			if left[i+1] {
				price += budget.Money(n.Traits().Price(publisher.Post{Text: part.Text}))
			}
		}
	}
	return price, err
}
