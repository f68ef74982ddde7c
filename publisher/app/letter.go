package app

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"crieur/publisher"
	"crieur/publisher/config"
)

// newsletter gives a newsletter by name.
func (a *App) newsletter(name string) (config.Newsletter, error) {
	for _, n := range a.conf.Newsletters {
		if n.Name == name {
			return n, nil
		}
	}
	return config.Newsletter{}, &publisher.Error{Kind: publisher.Invalid, Op: "find newsletter " + name,
		Err: errors.New("the configuration has none of this name any more"), Hint: "add it again below newsletters:"}
}

// letter builds what all readers of an issue have in common from its frozen rendering.
func (a *App) letter(ctx context.Context, issueID, channel, language string) (*publisher.Letter, error) {
	n, err := a.newsletter(channel)
	if err != nil {
		return nil, err
	}
	r, err := a.store.RenderingFor(ctx, issueID, channel, language)
	if err != nil {
		return nil, err
	}
	lots, err := a.store.Lots(ctx, publisher.Selection{IssueIDs: []string{issueID}, Channels: []string{channel}})
	if err != nil {
		return nil, err
	}
	if len(lots) > 0 {
		n.List = lots[0].List // planned for these readers, whatever the configuration says today
	}
	return a.letterOf(n, r), nil
}

func (a *App) letterOf(n config.Newsletter, r publisher.Rendering) *publisher.Letter {
	domain := domainOf(n.From)
	return &publisher.Letter{
		Rendering: &r, List: n.List, From: n.From, ReplyTo: n.ReplyTo, EnvelopeFrom: a.conf.Returns.Address.Email, Domain: domain, Date: r.Created,
		ListID: label(n.List) + "." + domain, ListName: firstOf(n.Title, a.conf.Site.Name),
		FeedbackID: strings.Join([]string{r.IssueID, label(n.Name), "newsletter", label(domain)}, ":"),
	}
}

func domainOf(a publisher.Address) string {
	_, domain, _ := strings.Cut(a.Email, "@")
	return domain
}

// label gives a name as one label of an identifier: letters, digits and hyphens.
func label(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-")
}

// merge gives one reader's values for a letter. It is safe for concurrent use.
func (a *App) merge(l *publisher.Letter, r publisher.Recipient) publisher.Merge {
	words := a.phrases(l.Rendering.Language)
	leave := a.publicURL("u", r.Token)
	if l.List != "" && len(a.conf.Lists) > 1 {
		leave += "?l=" + url.QueryEscape(l.List)
	}
	since := ""
	if !r.Since.IsZero() {
		since = words.day(r.Since.In(a.location))
	}
	return publisher.Merge{
		publisher.MergeName: r.Name, publisher.MergeGreeting: words.greeting(r.Name), publisher.MergeEmail: r.Email, publisher.MergeSince: since,
		publisher.MergeUnsubscribe: leave, publisher.MergePreferences: a.publicURL("p", r.Token),
		publisher.MergeView: a.publicURL("i", l.Rendering.IssueID),
	}
}
