package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"crieur/publisher"
	"crieur/publisher/locale"
	"crieur/publisher/render"
)

// mostNamed bounds the deliveries that a report names one by one.
const mostNamed = 50

// holds tells of what waits for a person for another reason than their approval.
func (a *App) holds(ctx context.Context, w publisher.Waiting) (sent int, err error) {
	if w.Held == "" || w.Held == publisher.HeldApproval || w.Held == publisher.HeldOwner {
		return 0, nil // nobody has to be told what they decided
	}
	for _, to := range a.conf.Report.To {
		n, err := a.once(ctx, "held "+string(w.Held), w.IssueID+" "+w.Channel, to, func() (publisher.Rendering, error) {
			language := a.ownerLanguage()
			words := a.catalogue.For(language)
			in := render.NoticeInput{Site: a.site(language), Language: language, Date: a.o.Now().In(a.location),
				Title: words.T("report.held-title", "Title", w.Title), Lead: words.T("report.held." + string(w.Held)),
				Facts: []render.NoticeFact{{Label: words.T("report.channel"), Value: w.Channel}, {Label: words.T("report.left"), Value: words.Number(w.Left)}}}
			if !w.Release.IsZero() {
				at := w.Release.In(a.location)
				in.Facts = append(in.Facts, render.NoticeFact{Label: words.T("report.planned-for"), Value: words.ShortDate(at) + ", " + words.Time(at)})
			}
			in.Parts = []render.NoticePart{{Title: words.T("report.what-now"), Lines: []render.NoticeLine{
				{Text: "crieur resume " + w.IssueID, Note: words.T("report.resume")}, {Text: "crieur cancel " + w.IssueID, Note: words.T("report.cancel")}}}}
			return a.set.Notice(in)
		})
		if sent += n; err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// reports tells how issues ended, once nothing of them is left to do.
func (a *App) reports(ctx context.Context) (sent int, err error) {
	if len(a.conf.Report.To) == 0 || a.conf.Report.When == "never" {
		return 0, nil
	}
	issues, err := a.store.Issues(ctx, 200)
	if err != nil {
		return 0, err
	}
	for _, issue := range issues {
		if a.o.Now().Sub(issue.Created) > reportWithin {
			continue
		}
		tallies, err := a.store.Counts(ctx, publisher.Selection{IssueIDs: []string{issue.ID}})
		if err != nil {
			return sent, err
		}
		states := map[publisher.State]int{}
		over := len(tallies) > 0
		for _, t := range tallies {
			for st, n := range t.States {
				states[st] += n
				over = over && (st.Final() || n == 0)
			}
		}
		troubles := states[publisher.StateBounced] + states[publisher.StateFailed] + states[publisher.StateUnknown]
		if !over || a.conf.Report.When == "problems" && troubles == 0 {
			continue
		}
		for _, to := range a.conf.Report.To {
			n, err := a.once(ctx, "report", issue.ID, to, func() (publisher.Rendering, error) { return a.report(ctx, issue, tallies, troubles) })
			if sent += n; err != nil {
				return sent, err
			}
		}
	}
	return sent, nil
}

// report says how an issue ended: every state with its number, what went wrong by
// name, posts with their addresses, and what it cost.
func (a *App) report(ctx context.Context, issue publisher.Issue, tallies []publisher.Tally, troubles int) (publisher.Rendering, error) {
	language := a.ownerLanguage()
	words := a.catalogue.For(language)
	in := render.NoticeInput{Site: a.site(language), Language: language, Date: a.o.Now().In(a.location)}
	in.Title, in.Lead = words.T("report.title", "Title", issue.Title), words.T("report.well")
	gone := 0
	for _, t := range tallies {
		gone += t.States[publisher.StateAccepted] + t.States[publisher.StateRetracted]
	}
	switch {
	case troubles == 0 && gone == 0:
		in.Title, in.Lead = words.T("report.title-none", "Title", issue.Title), words.T("report.none")
	case troubles > 0:
		in.Title, in.Lead = words.T("report.title-trouble", "Title", issue.Title), words.T("report.trouble", "Count", troubles)
	}
	var posts, named render.NoticePart
	posts.Title, named.Title = words.T("report.posts"), words.T("report.named")
	for _, t := range tallies {
		in.Facts = append(in.Facts, render.NoticeFact{Label: t.Lot.Channel, Value: statesIn(words, t)})
		f := publisher.DeliveryFilter{IssueID: issue.ID, Channel: t.Lot.Channel, Limit: mostNamed + 1}
		if t.Lot.Mail() {
			f.States = []publisher.State{publisher.StateBounced, publisher.StateFailed, publisher.StateUnknown}
		}
		err := a.store.Deliveries(ctx, f, func(d publisher.Delivery) error {
			switch d.State {
			case publisher.StateAccepted, publisher.StateRetracted:
				posts.Lines = append(posts.Lines, render.NoticeLine{Text: firstOf(d.Receipt.URL, d.Receipt.ID), URL: d.Receipt.URL, Note: words.T("report.state."+d.State.String()) + " · " + d.Channel})
			case publisher.StateBounced, publisher.StateFailed, publisher.StateUnknown:
				named.Lines = append(named.Lines, render.NoticeLine{Text: firstOf(d.Recipient.Email, d.Channel+" "+strconv.Itoa(d.Part)),
					Note: words.T("report.state."+d.State.String()) + ". " + d.Problem})
			}
			return nil
		})
		if err != nil {
			return publisher.Rendering{}, err
		}
	}
	cost, err := a.store.IssueCost(ctx, issue.ID)
	if err != nil {
		return publisher.Rendering{}, err
	}
	if cost > 0 {
		amount := strings.Replace(fmt.Sprintf("%.3f", float64(cost)/1e6), ".", words.T("preview.decimal"), 1)
		in.Facts = append(in.Facts, render.NoticeFact{Label: words.T("report.cost"), Value: words.T("preview.cost", "Amount", amount)})
	}
	if more := troubles - mostNamed; len(named.Lines) > mostNamed {
		named.Lines = append(named.Lines[:mostNamed], render.NoticeLine{Text: words.T("report.more", "Count", more, "Issue", issue.ID)})
	}
	for _, p := range []render.NoticePart{named, posts} {
		if p.Lines != nil {
			in.Parts = append(in.Parts, p)
		}
	}
	if issue.Newsletter != "" {
		in.Links = []render.NoticeLink{{Text: words.T("mail.view"), URL: a.viewURL(issue)}}
	}
	return a.set.Notice(in)
}

// statesIn gives "1 204 accepted, 3 bounced".
func statesIn(words *locale.Localizer, t publisher.Tally) string {
	var parts []string
	for _, st := range publisher.States() {
		if n := t.States[st]; n > 0 {
			parts = append(parts, words.T("report.states."+st.String(), "Count", n))
		}
	}
	return strings.Join(parts, ", ")
}
