package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/source"
	"crieur/publisher/web"
)

// These begin Article.Source for one that was handed in over the API, with the token's
// name behind it, and for one that a webhook brought, with the source's.
const (
	apiScheme  = "api:"
	hookScheme = "hook:"
)

// Submit takes an article in: with s.To it is planned at once, like publish plans it, and
// delivered when the daemon looks next; else it arrives, and the routes plan it.
func (in *intake) Submit(ctx context.Context, s web.Submission) (web.Submitted, error) {
	article, err := in.a.compose(ctx, s)
	if err != nil {
		return web.Submitted{}, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	out := web.Submitted{Article: article.ID, Targets: []web.Target{}, Warnings: []string{}}
	if len(s.To) == 0 {
		return in.a.arrive(ctx, article, s.DryRun, out)
	}
	return in.a.arrangeFor(ctx, article, s, out)
}

var _ web.Arrivals = (*intake)(nil)

// Arrive takes in what a content system published, for the routes. Where it sent no text,
// the page is read.
func (in *intake) Arrive(ctx context.Context, s web.Submission) (web.Submitted, error) {
	var article publisher.Article
	var err error
	from := in.a.conf.SourceNamed(sourceName(s.Source))
	s.Tags, s.Language = append(s.Tags, from.Tags...), firstOf(from.Language, s.Language)
	if s.HTML+s.Markdown+s.Text == "" && s.URL != "" {
		article, err = in.a.readPage(ctx, s)
	} else {
		article, err = in.a.compose(ctx, s)
	}
	if err != nil {
		return web.Submitted{}, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.a.arrive(ctx, article, false, web.Submitted{Article: article.ID, Targets: []web.Target{}, Warnings: []string{}})
}

// readPage reads the article at a submission's address, with the guards that hold for every
// address that is fetched.
func (a *App) readPage(ctx context.Context, s web.Submission) (publisher.Article, error) {
	if source.WithoutTracking(s.URL) == "" {
		return publisher.Article{}, &publisher.Error{Kind: publisher.Invalid, Op: "read article", Where: "url", Err: errors.New("it is no http or https address")}
	}
	c := a.sourceConfig(ArticleOptions{ID: s.ID, Language: s.Language})
	c.AllowPrivate = c.AllowPrivate || a.conf.SourceNamed(sourceName(s.Source)).AllowPrivate
	article, err := source.Read(ctx, s.URL, nil, c)
	article.Source = s.Source
	for _, t := range s.Tags { // routes may go by them
		if !slices.Contains(article.Tags, t) {
			article.Tags = append(article.Tags, t)
		}
	}
	return article, err
}

// compose makes the article of a submission.
func (a *App) compose(ctx context.Context, s web.Submission) (publisher.Article, error) {
	for _, u := range []struct{ key, address string }{{"url", s.URL}, {"original_url", s.OriginalURL}, {"image.url", pictureOf(s).URL}} {
		if u.address != "" && source.WithoutTracking(u.address) == "" {
			return publisher.Article{}, &publisher.Error{Kind: publisher.Invalid, Op: "read article", Where: u.key, Err: errors.New("it is no http or https address"),
				Hint: "write the whole address, such as https://example.org/article"}
		}
	}
	p := source.Piece{Source: s.Source, Where: "markdown", URL: s.URL, Title: s.Title, Lead: s.Lead, Authored: true,
		HTML: s.HTML, Markdown: s.Markdown, Text: s.Text, Author: s.Author, Tags: s.Tags}
	if s.Published != nil {
		p.Published = s.Published.UTC()
	}
	if s.Image != nil {
		picture := pictureOf(s)
		p.Image = &picture
	}
	return source.Compose(ctx, p, a.sourceConfig(ArticleOptions{ID: s.ID, URL: s.URL, Original: s.OriginalURL, Language: s.Language}))
}

func pictureOf(s web.Submission) publisher.Image {
	if s.Image == nil {
		return publisher.Image{}
	}
	return publisher.Image{URL: s.Image.URL, Alt: s.Image.Alt}
}

// arrive leaves an article to the routes.
func (a *App) arrive(ctx context.Context, article publisher.Article, dryRun bool, out web.Submitted) (web.Submitted, error) {
	placed, err := a.Route(ctx, article, article.Source)
	if err != nil {
		return out, err
	}
	if len(placed) == 0 {
		return out, &publisher.Error{Kind: publisher.Invalid, Op: "route the article", Where: "to", Err: errors.New("no route takes it, so it would go nowhere"),
			Hint: "name newsletters and channels in to, or add a route for sources: [" + sourceName(article.Source) + "] to config.yaml"}
	}
	planned := true
	for _, p := range placed {
		t := web.Target{Channel: p.Name, Route: p.Route, Slot: p.Slot, Digest: p.Digest, Release: p.Release}
		if !p.Digest {
			t.Issue = publisher.IssueID(letterName(p), article.ID)
		}
		planned = planned && p.Planned
		out.Targets = append(out.Targets, t)
	}
	if dryRun {
		out.Status = web.DryRun
		return out, nil
	}
	before, found, err := a.store.Arrive(ctx, article, publisher.Arrival{ArticleID: article.ID, Source: article.Source, Hash: article.Hash,
		Arrived: a.o.Now(), Published: article.Published})
	if err != nil {
		return out, err
	}
	out.Status = web.Arrived
	if planned || found && (before.Hash == article.Hash || !before.Routed.IsZero()) {
		out.Status = web.NothingToDo
	}
	if found && before.Hash != article.Hash && !before.Routed.IsZero() {
		out.Changed = true
		out.Warnings = append(out.Warnings, correctWarning)
	}
	return out, nil
}

const correctWarning = "the text is not the one that was planned, which stays: crieur correct brings what has gone out to it"

// letterName gives what stands for a target in the identity of its issue.
func letterName(p Placed) string {
	if p.Newsletter {
		return p.Name
	}
	return ""
}

// sourceName gives the name by which routes know a source.
func sourceName(s string) string {
	for _, scheme := range []string{sourceScheme, apiScheme, hookScheme} {
		if name, ok := strings.CutPrefix(s, scheme); ok {
			return name
		}
	}
	return s
}

// arrangeFor plans an article for the newsletters and channels that a submission names.
func (a *App) arrangeFor(ctx context.Context, article publisher.Article, s web.Submission, out web.Submitted) (web.Submitted, error) {
	t, err := a.targets(Selection{Only: s.To})
	if err != nil {
		return out, blame(err, "to")
	}
	o := PublishOptions{Slot: s.Slot}
	if s.At != "" {
		when, err := a.When(s.At)
		if err != nil {
			return out, blame(err, "at")
		}
		if o.At = &when; when.Note != "" {
			out.Warnings = append(out.Warnings, when.Note)
		}
	}
	if err := a.invent(ctx); err != nil {
		return out, err
	}
	if err := a.atHome(ctx); err != nil {
		return out, err
	}
	known, err := a.store.Article(ctx, article.ID)
	if err != nil && publisher.KindOf(err) != publisher.NotFound {
		return out, err
	}
	e, err := a.build(ctx, article, t)
	if err != nil {
		return out, err
	}
	if s.DryRun {
		plan, err := a.planOf(ctx, e)
		if err != nil {
			return out, err
		}
		for _, effect := range plan.Effects {
			out.Targets = append(out.Targets, web.Target{Channel: effect.Channel, Issue: effect.Issue, Deliveries: effect.New})
		}
		out.Status, out.Warnings = web.DryRun, append(out.Warnings, plan.Warnings...)
		return out, nil
	}
	if err := a.preflight(e); err != nil {
		return out, err
	}
	plan, changed, err := a.arrange(ctx, dispatch.New(dispatch.Config{Ledger: a.store, Networks: e.networks, Now: a.o.Now}), e, o)
	if err != nil {
		return out, blame(err, "slot")
	}
	out.Status, out.Changed, out.Warnings = web.Planned, changed, append(out.Warnings, e.warnings...)
	replaced := known.ID != "" && known.Hash != article.Hash && !changed && plan.Open > 0
	if plan.New == 0 && o.At == nil && !replaced {
		out.Status = web.NothingToDo
	}
	if changed {
		out.Warnings = append(out.Warnings, correctWarning)
	}
	out.Targets, err = a.plannedFor(ctx, e.selection())
	return out, err
}

// plannedFor gives the lots of a selection.
func (a *App) plannedFor(ctx context.Context, s publisher.Selection) ([]web.Target, error) {
	lots, err := a.store.Lots(ctx, s)
	targets := make([]web.Target, 0, len(lots))
	for _, lot := range lots {
		targets = append(targets, web.Target{Channel: lot.Channel, Issue: lot.IssueID, Lot: lot.ID, Deliveries: lot.Size, Release: a.releaseOf(lot), Held: lot.Held})
	}
	slices.SortStableFunc(targets, func(x, y web.Target) int { return strings.Compare(x.Channel, y.Channel) })
	return targets, err
}
