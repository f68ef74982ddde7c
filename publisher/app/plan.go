package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

// A Plan says what publishing would do.
type Plan struct {
	Mode     string       `json:"mode"`
	Article  *ArticleView `json:"article,omitempty"`
	Effects  []Effect     `json:"effects"`
	New      int          `json:"new"`  // deliveries that would be planned
	Open     int          `json:"open"` // planned before and not over yet
	Cost     float64      `json:"cost_usd"`
	Warnings []string     `json:"warnings"`

	mails, posts int
	empty        []string // newsletters whose list has no readers
}

// An Effect is what would happen on one channel.
type Effect struct {
	Channel string  `json:"channel"`
	Network string  `json:"network"`
	Issue   string  `json:"issue"`
	New     int     `json:"new"`
	Done    int     `json:"done"` // over already, whatever became of them
	Open    int     `json:"open"`
	Cost    float64 `json:"cost_usd"`
	Summary string  `json:"summary"`
}

// Price gives the cost in words, "" where there is none.
func (e Effect) Price() string {
	if e.Cost == 0 {
		return "–"
	}
	return fmt.Sprintf("$%.3f", e.Cost)
}

func (p *Plan) add(e Effect) {
	p.Effects = append(p.Effects, e)
	p.New += e.New
	p.Open += e.Open
	p.Cost += e.Cost
	if e.Network == "smtp" {
		p.mails += e.New + e.Open
	} else {
		p.posts += e.New + e.Open
	}
}

// total counts all deliveries that there are or would be.
func (p *Plan) total() int {
	n := 0
	for _, e := range p.Effects {
		n += e.New + e.Open + e.Done
	}
	return n
}

// Summary gives the plan in one line: "3 mails and 3 posts, $0.200".
func (p *Plan) Summary() string {
	var parts []string
	for _, c := range []struct {
		n         int
		one, many string
	}{{p.mails, "mail", "mails"}, {p.posts, "post", "posts"}} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.one)
		case c.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.many))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	s := strings.Join(parts, " and ")
	if p.Cost > 0 {
		s += fmt.Sprintf(", $%.3f", p.Cost)
	}
	return s
}

// Plan says what publishing an article would do. It sends nothing, and in the
// ledger it plans nothing.
func (a *App) Plan(ctx context.Context, src string, ao ArticleOptions, s Selection) (*Plan, error) {
	e, err := a.edition(ctx, src, ao, s)
	if err != nil {
		return nil, err
	}
	return a.planOf(ctx, e)
}

// planOf says what publishing an edition would do.
func (a *App) planOf(ctx context.Context, e *edition) (*Plan, error) {
	if err := a.preflight(e); err != nil {
		e.warn(err.Error())
	}
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	p, err := a.plan(ctx, dispatch.New(dispatch.Config{Ledger: store, Networks: e.networks, Now: a.o.Now}), e)
	if err != nil {
		return nil, err
	}
	if _, err := a.afford(ctx, e, p); err != nil {
		return nil, err
	}
	view := viewArticle(e.article)
	p.Article, p.Warnings = &view, append([]string{}, e.warnings...)
	return p, nil
}

func (a *App) plan(ctx context.Context, d *dispatch.Dispatcher, e *edition) (*Plan, error) {
	p := &Plan{Mode: a.conf.Mode, Effects: []Effect{}, Warnings: []string{}}
	if err := a.warnOfOldNames(ctx, e); err != nil {
		return nil, err
	}
	for _, g := range e.groups() {
		report, err := d.Preview(ctx, g.issue, g.renderings, g.audience)
		if err != nil {
			return nil, err
		}
		tallies, err := a.store.Counts(ctx, publisher.Selection{IssueIDs: []string{g.issue.ID}})
		if err != nil {
			return nil, err
		}
		for _, lot := range report.Lots {
			effect := Effect{Channel: lot.Lot.Channel, Network: lot.Lot.Network, Issue: g.issue.ID, New: lot.New, Done: lot.Existing}
			for _, tally := range tallies {
				if tally.Lot.Channel != lot.Lot.Channel {
					continue
				}
				for st, n := range tally.States {
					if !st.Final() {
						effect.Open += n
					}
				}
				if slices.Contains(report.Changed, lot.Lot.Channel) && !goneOut(tally) {
					effect.Open += tally.States[publisher.StateFailed] // tried again with the new text
				}
			}
			effect.Done -= effect.Open
			if lot.Lot.Mail() && lot.New+lot.Existing == 0 {
				p.empty = append(p.empty, "newsletter "+effect.Channel+": the list "+lot.Lot.List+" has no readers")
				e.warn(p.empty[len(p.empty)-1])
			}
			for _, r := range report.Renderings {
				if r.Channel == lot.Lot.Channel {
					effect.Summary = summaryOf(r)
					effect.Cost = a.cost(e.networks[r.Channel], r, effect)
				}
			}
			p.add(effect)
		}
	}
	return p, nil
}

// goneOut reports whether anything of a lot has, or may have, gone out.
func goneOut(t publisher.Tally) bool {
	for _, st := range []publisher.State{publisher.StateLeased, publisher.StateAccepted, publisher.StateBounced, publisher.StateUnknown, publisher.StateRetracted} {
		if t.States[st] > 0 {
			return true
		}
	}
	return false
}

func summaryOf(r publisher.Rendering) string {
	if len(r.Parts) == 0 {
		return r.Subject
	}
	first, _, _ := strings.Cut(r.Parts[0].Text, "\n")
	s := fmt.Sprintf("%d/%d %s", r.Parts[0].Length, r.Parts[0].Limit, first)
	if len(r.Parts) > 1 {
		s = fmt.Sprintf("%d posts: %s", len(r.Parts), first)
	}
	return s
}

// cost adds up, in US dollars, what the parts that are still to be posted cost.
func (a *App) cost(n publisher.Network, r publisher.Rendering, e Effect) float64 {
	if n == nil || n.Traits().Price == nil || e.New+e.Open == 0 {
		return 0
	}
	micro := int64(0)
	for _, part := range r.Parts[max(0, len(r.Parts)-e.New-e.Open):] {
		micro += n.Traits().Price(publisher.Post{Text: part.Text})
	}
	return float64(micro) / 1e6
}
