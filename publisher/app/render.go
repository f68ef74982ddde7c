package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"crieur/publisher"
)

// A RenderingView is one channel's rendering as `-o json` shows it.
type RenderingView struct {
	Channel   string           `json:"channel"`
	Network   string           `json:"network"`
	Language  string           `json:"language"`
	Subject   string           `json:"subject,omitempty"`
	Preheader string           `json:"preheader,omitempty"`
	HTML      string           `json:"html,omitempty"`
	Text      string           `json:"text,omitempty"`
	Size      int              `json:"size,omitempty"` // of HTML, in bytes
	Parts     []publisher.Part `json:"parts,omitempty"`
	Warnings  []string         `json:"warnings"`
}

// Render renders an article for one newsletter or channel, with a made-up reader's
// values in a mail. It stores nothing.
func (a *App) Render(ctx context.Context, src string, ao ArticleOptions, channel string) (*RenderingView, error) {
	if !slices.Contains(a.channelNames(), channel) {
		return nil, &publisher.Error{Kind: publisher.Invalid, Op: "choose channel", Where: "--channel", Err: fmt.Errorf("no %q in the configuration", channel),
			Hint: "there are: " + strings.Join(a.channelNames(), ", ")}
	}
	all, err := a.RenderAll(ctx, src, ao, Selection{Only: []string{channel}})
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// RenderAll renders an article for everything that is selected: newsletters first,
// then channels, each in the configuration's order.
func (a *App) RenderAll(ctx context.Context, src string, ao ArticleOptions, s Selection) ([]RenderingView, error) {
	e, err := a.edition(ctx, src, ao, s)
	if err != nil {
		return nil, err
	}
	return a.viewAll(e), nil
}

func (a *App) viewAll(e *edition) []RenderingView {
	var views []RenderingView
	for _, r := range e.all() {
		v := a.viewRendering(r)
		v.Warnings = append(v.Warnings, e.warnings...)
		views = append(views, v)
	}
	return views
}

// edition reads and renders an article, and goes no further.
func (a *App) edition(ctx context.Context, src string, ao ArticleOptions, s Selection) (*edition, error) {
	t, err := a.targets(s)
	if err != nil {
		return nil, err
	}
	article, err := a.Read(ctx, src, ao)
	if err != nil {
		return nil, err
	}
	if t, err = a.wanted(t, s, article); err != nil {
		return nil, err
	}
	if err := a.invent(ctx); err != nil {
		return nil, err
	}
	return a.build(ctx, article, t)
}

func (a *App) viewRendering(r rendered) RenderingView {
	v := RenderingView{Channel: r.rendering.Channel, Network: r.network, Language: r.rendering.Language, Parts: r.rendering.Parts, Warnings: []string{}}
	if r.network == "smtp" {
		mail := a.sample(r.rendering)
		v.Subject, v.Preheader, v.HTML, v.Text, v.Size = mail.Subject, mail.Preheader, mail.HTML, mail.Text, len(mail.HTML)
	}
	return v
}
