package app

import (
	"context"
	"slices"

	"crieur/publisher"
)

// mostListed bounds the deliveries that a result lists; the ledger has them all.
const mostListed = 10_000

// listDeliveries fills in the deliveries of a selection, in the order of its
// channels. Beyond mostListed it leaves out accepted ones.
func (a *App) listDeliveries(ctx context.Context, s publisher.Selection, r *Result) error {
	all := 0
	for _, n := range r.Counts {
		all += n
	}
	var states []publisher.State
	if all > mostListed {
		for _, st := range publisher.States() {
			if st != publisher.StateAccepted {
				states = append(states, st)
			}
		}
	}
	lots, err := a.store.Lots(ctx, s)
	if err != nil {
		return err
	}
	order := a.order()
	slices.SortStableFunc(lots, func(x, y publisher.Lot) int { return order[x.Channel] - order[y.Channel] })
	for _, lot := range lots {
		f := publisher.DeliveryFilter{IssueID: lot.IssueID, Channel: lot.Channel, States: states, Limit: mostListed - len(r.Deliveries)}
		if f.Limit <= 0 {
			break
		}
		err := a.store.Deliveries(ctx, f, func(d publisher.Delivery) error {
			r.Deliveries = append(r.Deliveries, viewDelivery(d))
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.Omitted = all - len(r.Deliveries)
	return nil
}

// order gives each newsletter and channel its place in the configuration.
func (a *App) order() map[string]int {
	order := map[string]int{}
	for _, n := range a.conf.Newsletters {
		order[n.Name] = len(order)
	}
	for _, c := range a.conf.Channels {
		order[c.Name] = len(order)
	}
	return order
}
