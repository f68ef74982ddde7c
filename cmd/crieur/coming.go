package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"crieur/publisher/app"
)

func (s *session) planRoutes(ctx context.Context, a *app.App, args []string, article app.ArticleOptions, source string) error {
	for _, src := range args {
		p, err := a.PlanRoutes(ctx, src, article, source)
		if err != nil {
			return err
		}
		if s.json() {
			if err := s.emit(p); err != nil {
				return err
			}
			continue
		}
		if len(p.Targets) == 0 {
			s.tell("%s: no route matches", quoted(p.Article.Title))
			continue
		}
		rows := make([][]string, 0, len(p.Targets))
		for _, t := range p.Targets {
			when := "at once"
			if t.Release != nil {
				when = moment(*t.Release)
			}
			rows = append(rows, []string{t.Name, t.Route, when, placing(t)})
		}
		table(s.out, s.columns(), []string{"CHANNEL", "ROUTE", "WHEN", "WHY"}, rows)
		s.tell("%s: %d targets", quoted(p.Article.Title), len(p.Targets))
	}
	return nil
}

// placing says why an article has its moment.
func placing(t app.Placed) string {
	switch {
	case t.Planned:
		return "planned before"
	case t.Digest:
		return "issue of " + t.Schedule
	case t.Slot != "":
		return "slot " + t.Slot
	}
	return "–"
}

// span gives a time as one writes it: 24h, 1h30m.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (s *session) coming(ctx context.Context, a *app.App, next time.Duration) error {
	coming, err := a.Coming(ctx, next)
	if err != nil {
		return err
	}
	if s.json() {
		return s.emit(coming)
	}
	if len(coming) == 0 {
		s.tell("nothing goes out by itself in the next %s", span(next))
		return nil
	}
	rows := make([][]string, 0, len(coming))
	for _, c := range coming {
		why := "waits"
		switch {
		case c.Held != "":
			why = "held: " + string(c.Held)
		case c.Schedule != "":
			why = c.Schedule
		}
		rows = append(rows, []string{moment(c.At), c.Channel, why, contents(c)})
	}
	s.titles([]string{"WHEN", "CHANNEL", "WHY", "WHAT"}, rows)
	return nil
}

// contents says what would go out.
func contents(c app.Coming) string {
	switch {
	case c.Schedule != "" && len(c.Titles) == 0 && c.Waiting > 0:
		return fmt.Sprintf("no issue: %d waiting, too few", c.Waiting)
	case c.Schedule != "" && len(c.Titles) == 0:
		return "no issue, as nothing waits yet"
	case len(c.Titles) > 1:
		return fmt.Sprintf("%d articles: %s", len(c.Titles), strings.Join(c.Titles, " · "))
	}
	return strings.Join(c.Titles, "")
}

// moment writes a moment to come, in the site's time zone.
func moment(t time.Time) string { return t.Format("Mon 2006-01-02 15:04 MST") }
