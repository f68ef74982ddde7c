package app

import (
	"context"
	"fmt"

	"crieur/publisher"
)

// warnOfOldNames says where an article has gone out under names that the
// configuration no longer has. A name is part of a delivery's key: who renames a
// newsletter or channel makes another one, which has sent nothing yet.
func (a *App) warnOfOldNames(ctx context.Context, e *edition) error {
	issues, err := a.store.IssuesOf(ctx, e.article.ID)
	if err != nil || len(issues) == 0 {
		return err
	}
	var ids []string
	for _, i := range issues {
		ids = append(ids, i.ID)
	}
	tallies, err := a.store.Counts(ctx, publisher.Selection{IssueIDs: ids})
	if err != nil {
		return err
	}
	known := a.order()
	for _, t := range tallies {
		if _, ok := known[t.Lot.Channel]; ok || t.States[publisher.StateAccepted] == 0 {
			continue
		}
		e.warn(fmt.Sprintf("this article has gone out as %q, a name that the configuration no longer has: under a new name it goes out again", t.Lot.Channel))
	}
	return nil
}
