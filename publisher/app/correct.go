package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"crieur/publisher"
	"crieur/publisher/config"
	"crieur/publisher/dispatch"
)

// Correct brings what has gone out of an article to the text that it has now: posts
// are edited where their network can, web copies are replaced, and what has not gone
// out yet goes out corrected. Mails cannot be changed: of those, it keeps an erratum
// for the newsletter's next letter. Doing it again does what is left.
func (a *App) Correct(ctx context.Context, src string, ao ArticleOptions, o AmendOptions) (*Amendment, error) {
	article, err := a.Read(ctx, src, ao)
	if err != nil {
		return nil, err
	}
	return a.correct(ctx, src, article, o)
}

// correct is Correct for an article that has been read.
func (a *App) correct(ctx context.Context, src string, article publisher.Article, o AmendOptions) (*Amendment, error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	issues, err := store.IssuesOf(ctx, article.ID)
	if err != nil {
		return nil, err
	}
	if len(issues) == 0 {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "correct article", Where: src, Err: errors.New("it has not been published"),
			Hint: "crieur status lists what was; an article is known by its id, else its address, else its title and date"}
	}
	view := viewArticle(article)
	m := &Amendment{Mode: a.conf.Mode, Article: &view, Title: article.Title, Steps: []*Step{}, Warnings: []string{}}
	c := &correction{a: a, m: m, article: article, note: o.Note}
	if c.before, err = store.Article(ctx, article.ID); err != nil && publisher.KindOf(err) != publisher.NotFound {
		return nil, err
	}
	for _, i := range issues {
		issue, err := store.Issue(ctx, i.ID)
		if err == nil {
			err = c.issue(ctx, issue)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := a.carryOut(ctx, m, o); err != nil {
		return m, err
	}
	if !o.DryRun && m.Failed() == 0 {
		return m, store.SaveArticle(ctx, article)
	}
	return m, nil
}

// A correction puts the steps of one article together.
type correction struct {
	a       *App
	m       *Amendment
	article publisher.Article
	before  publisher.Article // as it was
	note    string
}

func (c *correction) issue(ctx context.Context, issue publisher.Issue) error {
	tallies, err := c.a.store.Counts(ctx, publisher.Selection{IssueIDs: []string{issue.ID}})
	if err != nil {
		return err
	}
	frozen, err := c.a.store.Renderings(ctx, issue.ID)
	if err != nil {
		return err
	}
	if issue.Articles != nil {
		return c.digest(ctx, issue, tallies, frozen)
	}
	t, gone := c.targets(issue, tallies, frozen)
	e, err := c.a.build(ctx, c.article, t)
	if err != nil {
		return err
	}
	c.m.Warnings = append(c.m.Warnings, e.warnings...)
	waiting := targets{warnings: t.warnings}
	for _, tally := range tallies {
		lot := tally.Lot
		switch {
		case !gone[lot.Channel]:
			waiting = c.waits(waiting, e, lot, frozen)
		case lot.Mail():
			err = c.mails(ctx, issue, tally, issue.Hash != c.article.Hash)
		default:
			err = c.posts(ctx, e, lot, frozen)
		}
		if err != nil {
			return err
		}
	}
	if len(waiting.newsletters)+len(waiting.channels) > 0 {
		c.replace(issue, waiting)
	}
	if slices.Contains(values(gone), true) {
		c.pages(e, e.pages, frozen)
	}
	return nil
}

func values(m map[string]bool) []bool {
	var all []bool
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// targets gives what an issue is rendered for again, and of which channels something
// has gone out.
func (c *correction) targets(issue publisher.Issue, tallies []publisher.Tally, frozen []publisher.Rendering) (t targets, gone map[string]bool) {
	gone = map[string]bool{}
	t.warnings = map[string]string{}
	for _, f := range frozen {
		// A warning that is not the article's is a route's, and stays.
		if len(f.Parts) > 0 && c.before.Warning == "" {
			t.warnings[f.Channel] = f.Parts[0].Warning
		}
	}
	for _, tally := range tallies {
		gone[tally.Lot.Channel] = goneOut(tally)
		if tally.Lot.Mail() {
			continue
		}
		for _, ch := range c.a.conf.Channels {
			if ch.Name == tally.Lot.Channel {
				t.channels = append(t.channels, ch)
			}
		}
	}
	for _, n := range c.a.conf.Newsletters {
		if n.Name == issue.Newsletter {
			t.newsletters = []config.Newsletter{n}
		}
	}
	return t, gone
}

// waits adds what has not gone out of a lot, and is different now, to those that are
// planned anew.
func (c *correction) waits(t targets, e *edition, lot publisher.Lot, frozen []publisher.Rendering) targets {
	for i, r := range e.all() {
		if r.rendering.Channel != lot.Channel {
			continue
		}
		if slices.ContainsFunc(frozen, func(f publisher.Rendering) bool { return f.Channel == lot.Channel && f.Hash == r.rendering.Hash }) {
			return t
		}
		if i < len(e.mails) {
			t.newsletters = append(t.newsletters, e.targets.newsletters[i])
		} else {
			t.channels = append(t.channels, e.targets.channels[i-len(e.mails)])
		}
	}
	return t
}

// replace has the corrected text planned in the place of one of which nothing has
// gone out.
func (c *correction) replace(issue publisher.Issue, t targets) {
	for _, name := range names(t) {
		c.m.add(Step{Issue: issue.ID, Channel: name, Network: c.a.networkOf(name), Act: "replace", Detail: "nothing of it has gone out"}, func(ctx context.Context) error {
			one := targets{warnings: t.warnings}
			for _, n := range t.newsletters {
				if n.Name == name {
					one.newsletters = append(one.newsletters, n)
				}
			}
			for _, ch := range t.channels {
				if ch.Name == name {
					one.channels = append(one.channels, ch)
				}
			}
			e, err := c.a.build(ctx, c.article, one)
			if err != nil {
				return err
			}
			d := dispatch.New(dispatch.Config{Ledger: c.a.store, Networks: e.networks, Now: c.a.o.Now})
			changed, err := c.a.freeze(ctx, d, e, PublishOptions{}, c.a.timing(nil, nil))
			if err == nil && changed {
				err = &publisher.Error{Kind: publisher.Busy, Op: "replace the text", Where: name, Err: errors.New("it is being sent right now"), Hint: "look with crieur status, then correct again"}
			}
			return err
		})
	}
}

func names(t targets) []string {
	var all []string
	for _, n := range t.newsletters {
		all = append(all, n.Name)
	}
	for _, ch := range t.channels {
		all = append(all, ch.Name)
	}
	return all
}

// networkOf gives the kind of a newsletter or channel.
func (a *App) networkOf(name string) string {
	for _, ch := range a.conf.Channels {
		if ch.Name == name {
			return ch.Kind
		}
	}
	return "smtp"
}

// mails keeps an erratum for those who got the old text.
func (c *correction) mails(ctx context.Context, issue publisher.Issue, tally publisher.Tally, changed bool) error {
	known, err := c.a.store.HasErratum(ctx, issue.Newsletter, c.article.ID, c.article.Hash)
	if err != nil || known || !changed {
		return err
	}
	got := tally.States[publisher.StateAccepted] + tally.States[publisher.StateUnknown]
	s := Step{Issue: issue.ID, Channel: tally.Lot.Channel, Network: tally.Lot.Network, Act: "erratum", Count: got,
		Detail: fmt.Sprintf("%d readers have the old text; crieur status %s lists them", got, issue.ID)}
	if left := tally.States[publisher.StatePlanned] + tally.States[publisher.StateHeld] + tally.States[publisher.StateDeferred]; left > 0 {
		s.Detail += fmt.Sprintf("; %d more will get it as it was", left)
	}
	sent := issue.Created
	c.m.add(s, func(ctx context.Context) error {
		_, err := c.a.store.AddErratum(ctx, publisher.Erratum{Newsletter: issue.Newsletter, ArticleID: c.article.ID, Hash: c.article.Hash, Title: c.article.Title,
			URL: firstOf(c.article.CanonicalURL, c.copyOf(issue)), Sent: sent, Text: c.note, Created: c.a.o.Now()})
		return err
	})
	return nil
}

// copyOf is where crieur's own copy of the article stands.
func (c *correction) copyOf(issue publisher.Issue) string {
	if issue.Articles != nil {
		return c.a.copyURL(issue, c.article)
	}
	return c.a.viewURL(issue)
}

// posts edits the parts that stand and say something else now.
func (c *correction) posts(ctx context.Context, e *edition, lot publisher.Lot, frozen []publisher.Rendering) error {
	base := Step{Issue: lot.IssueID, Channel: lot.Channel, Network: lot.Network}
	i := slices.IndexFunc(e.posts, func(r rendered) bool { return r.rendering.Channel == lot.Channel })
	j := slices.IndexFunc(frozen, func(r publisher.Rendering) bool { return r.Channel == lot.Channel })
	if i < 0 || j < 0 {
		c.m.cannot(base, "the configuration has no such channel any more")
		return nil
	}
	old, now := frozen[j], e.posts[i].rendering
	if len(old.Parts) != len(now.Parts) {
		c.m.cannot(base, fmt.Sprintf("it stands as %d posts and would now be %d: correct it by hand, or crieur retract %s", len(old.Parts), len(now.Parts), lot.IssueID))
		return nil
	}
	amended := old
	amended.Parts = slices.Clone(old.Parts)
	for n := range amended.Parts {
		amended.Parts[n] = reworded(old.Parts[n], now.Parts[n])
	}
	if reflect.DeepEqual(amended.Parts, old.Parts) {
		return nil
	}
	amended.Hash = now.Hash
	parts, err := c.a.store.Parts(ctx, lot)
	if err != nil {
		return err
	}
	editor, can := e.networks[lot.Channel].(publisher.Editor)
	var edits []*Step
	for _, d := range parts {
		if d.Part > len(amended.Parts) || reflect.DeepEqual(amended.Parts[d.Part-1], old.Parts[d.Part-1]) {
			continue
		}
		s := base
		s.Part, s.Act, s.URL = d.Part, "edit", d.Receipt.URL
		switch {
		case d.State == publisher.StateUnknown:
			c.m.cannot(s, "nobody knows whether it stands: crieur retry --unknown looks")
		case d.State == publisher.StateAccepted && !can:
			c.m.cannot(s, lot.Network+" does not let posts be edited: crieur retract "+lot.IssueID+" deletes them")
		case d.State == publisher.StateAccepted:
			edits = append(edits, c.m.add(s, c.edit(editor, d, amended.Parts[d.Part-1])))
		}
	}
	if can {
		// What is posted later, or edited again, is the new text.
		c.m.add(Step{Issue: lot.IssueID, Channel: lot.Channel, Network: lot.Network, Act: "replace", Detail: "the text that is kept"}, func(ctx context.Context) error {
			if slices.ContainsFunc(edits, func(s *Step) bool { return s.State == StepFailed }) {
				return &publisher.Error{Kind: publisher.Busy, Op: "keep the new text", Where: lot.Channel, Err: errors.New("not every post could be edited"), Hint: "correct again"}
			}
			return c.a.store.Amend(ctx, amended)
		})
	}
	return nil
}

// reworded gives a part the words of another one and keeps its pictures.
func reworded(old, now publisher.Part) publisher.Part {
	now.Media = old.Media
	if now.Card != nil {
		card := *now.Card
		card.Thumb = nil
		if old.Card != nil {
			card.Thumb = old.Card.Thumb
		}
		now.Card = &card
	}
	return now
}

func (c *correction) edit(editor publisher.Editor, d publisher.Delivery, part publisher.Part) func(context.Context) error {
	return func(ctx context.Context) error {
		p := publisher.Post{Key: d.Key, Text: part.Text, Language: part.Language, Warning: part.Warning, Created: d.Created}
		if part.Card != nil {
			p.Card = &publisher.PostCard{URL: part.Card.URL, Title: part.Card.Title, Description: part.Card.Description}
		}
		r, err := editor.Edit(ctx, d.Receipt, p)
		if err != nil {
			return err
		}
		return c.a.store.Edited(ctx, d, r)
	}
}

// pages replaces the copies on the web that say something else now.
func (c *correction) pages(e *edition, pages, frozen []publisher.Rendering) {
	for _, page := range pages {
		i := slices.IndexFunc(frozen, func(f publisher.Rendering) bool {
			return f.IssueID == page.IssueID && f.Channel == page.Channel && f.HTML != page.HTML
		})
		if i < 0 {
			continue
		}
		page.Language = frozen[i].Language // by which it is known
		c.m.add(Step{Issue: page.IssueID, Channel: "web", Network: "web", Act: "page", URL: c.a.pageURL(page)}, func(ctx context.Context) error {
			for _, p := range e.pictures {
				if _, err := c.a.store.SaveMedia(ctx, p.Type, p.Data); err != nil {
					return err
				}
			}
			return c.a.store.Amend(ctx, page)
		})
	}
}

// pageURL is where a copy on the web stands.
func (a *App) pageURL(page publisher.Rendering) string {
	return a.publicURL("i", page.IssueID) + page.Channel[len(pageChannel):]
}

// digest corrects what a digest says of the article. Its letter is gone; the copy of
// the article stands anew, and the digest's own copy stays what readers got.
func (c *correction) digest(ctx context.Context, issue publisher.Issue, tallies []publisher.Tally, frozen []publisher.Rendering) error {
	for _, tally := range tallies {
		if !goneOut(tally) {
			if c.before.Hash != c.article.Hash {
				c.m.cannot(Step{Issue: issue.ID, Channel: tally.Lot.Channel, Network: tally.Lot.Network}, "a digest that waits keeps its text: cancel it, and make it anew")
			}
			continue
		}
		if err := c.mails(ctx, issue, tally, c.before.Hash != c.article.Hash); err != nil {
			return err
		}
	}
	n, err := c.a.newsletter(issue.Newsletter)
	if err != nil || c.article.CanonicalURL != "" {
		return nil // no copy of it, or no frame to put it into
	}
	e := &edition{article: c.article, articles: []publisher.Article{c.article}}
	hosted, err := c.a.host(ctx, e)
	if err != nil {
		return err
	}
	own := c.a.mailInput(c.article, n, issue, hosted)
	own.ViewURL = c.a.copyURL(issue, c.article)
	if err := c.a.page(e, own, issue, pageOf(c.article.ID)); err != nil {
		return err
	}
	c.pages(e, e.pages, frozen)
	return nil
}
