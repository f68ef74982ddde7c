package app

import (
	"context"
	"errors"
	"slices"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

// freeze freezes what an edition consists of and plans its deliveries. It
// reports whether an earlier, different text stays in force.
func (a *App) freeze(ctx context.Context, d *dispatch.Dispatcher, e *edition, o PublishOptions, when dispatch.Timing) (changed bool, err error) {
	for _, article := range e.content() {
		if err := a.store.SaveArticle(ctx, article); err != nil {
			return false, err
		}
	}
	for _, p := range e.pictures {
		if _, err := a.store.SaveMedia(ctx, p.Type, p.Data); err != nil {
			return false, err
		}
	}
	// What a digest holds is settled before its text may be replaced: the pool knows.
	if err := a.drawn(ctx, e); err != nil {
		return false, err
	}
	if err := a.thaw(ctx, d, e, o.Waiting); err != nil {
		return false, err
	}
	for _, g := range e.groups() {
		if err := a.store.TakeErrata(ctx, g.issue.ID, e.errata[g.issue.ID]); err != nil {
			return false, err
		}
		report, err := d.PlanAt(ctx, g.issue, g.renderings, g.audience, when)
		if err != nil {
			return false, err
		}
		changed = changed || len(report.Changed) > 0
	}
	return changed, nil
}

// drawn takes the articles of a pooled digest from the pool. Busy: another process has
// made the digest of this moment from others meanwhile.
func (a *App) drawn(ctx context.Context, e *edition) error {
	if !e.pooled {
		return nil
	}
	for _, g := range e.groups() {
		kept, _, err := a.store.SaveDigest(ctx, g.issue, g.renderings, g.issue.Articles, e.upTo)
		if err != nil {
			return err
		}
		if !slices.Equal(kept.Articles, g.issue.Articles) {
			return &publisher.Error{Kind: publisher.Busy, Op: "make digest", Where: g.issue.Newsletter, Err: errors.New("another process has made it from other articles")}
		}
	}
	return nil
}

// thaw takes back the frozen texts that the edition changes and of which surely
// nothing has gone out: a post that its network refused is corrected and published
// again by the same command.
func (a *App) thaw(ctx context.Context, d *dispatch.Dispatcher, e *edition, waiting func()) (err error) {
	type stale struct {
		issue, channel string
		parts          int
	}
	var all []stale
	for _, g := range e.groups() {
		report, err := d.Preview(ctx, g.issue, g.renderings, g.audience)
		if err != nil {
			return err
		}
		for _, r := range g.renderings {
			if slices.Contains(report.Changed, r.Channel) {
				all = append(all, stale{g.issue.ID, r.Channel, len(r.Parts)})
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	release, exclusive, err := a.store.Exclusive(ctx, func() {
		if waiting != nil {
			waiting()
		}
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if !exclusive {
		return nil // another machine may be about to send the old text
	}
	for _, s := range all {
		if _, err := a.store.Thaw(ctx, s.issue, s.channel, s.parts); err != nil {
			return err
		}
	}
	return nil
}

// A group is one issue with all that is rendered for it.
type group struct {
	issue      publisher.Issue
	renderings []publisher.Rendering
	audience   []dispatch.Audience
}

// groups sorts an edition by issue: one per newsletter, and one for the posts.
func (e *edition) groups() []group {
	var groups []group
	for _, r := range e.all() {
		i := slices.IndexFunc(groups, func(g group) bool { return g.issue.ID == r.issue.ID })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{issue: r.issue})
		}
		groups[i].renderings = append(groups[i].renderings, r.rendering)
		if r.network == "smtp" {
			groups[i].audience = append(groups[i].audience, dispatch.Audience{Channel: r.rendering.Channel, List: r.list, Domain: r.domain})
		}
	}
	for i := range groups {
		for _, p := range e.pages {
			if p.IssueID == groups[i].issue.ID {
				groups[i].renderings = append(groups[i].renderings, p)
			}
		}
	}
	return groups
}

func (e *edition) selection() publisher.Selection {
	var s publisher.Selection
	for _, r := range e.all() {
		if !slices.Contains(s.IssueIDs, r.issue.ID) {
			s.IssueIDs = append(s.IssueIDs, r.issue.ID)
		}
		s.Channels = append(s.Channels, r.rendering.Channel)
	}
	return s
}
