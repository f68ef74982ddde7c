package app

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"

	"crieur/publisher"
	"crieur/publisher/ledger"
)

// MayDeliver reports why nothing of a selection may be sent now: the state may be a
// copy, or the owner has stopped it all. It is asked before anything is planned or
// dispatched. What holds for a part of it is left to dispatch.
func (a *App) MayDeliver(ctx context.Context, s publisher.Selection) error {
	if err := a.atHome(ctx); err != nil {
		return err
	}
	stops, err := a.store.Stops(ctx)
	if err != nil {
		return err
	}
	var reasons []string
	for _, stop := range stops {
		if covers(stop, s) {
			reasons = append(reasons, a.stopText(stop))
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return &publisher.Error{Kind: publisher.Invalid, Err: &PreflightError{reasons}, Hint: resumeHint(stops)}
}

// covers reports whether a stop is for every lot of a selection.
func covers(stop publisher.Stop, s publisher.Selection) bool {
	all := func(names []string, name string) bool {
		return name == "" || len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return n != name })
	}
	return all(s.IssueIDs, stop.IssueID) && all(s.Channels, stop.Channel)
}

func (a *App) stopText(s publisher.Stop) string {
	text := "deliveries"
	switch {
	case s.IssueID != "" && s.Channel != "":
		text = "issue " + s.IssueID + " on " + s.Channel
	case s.IssueID != "":
		text = "issue " + s.IssueID
	case s.Channel != "":
		text = s.Channel
	}
	text += " stopped " + a.clock(s.Since)
	if s.Who != "" {
		text += " by " + s.Who
	}
	return text
}

func resumeHint(stops []publisher.Stop) string {
	if slices.ContainsFunc(stops, publisher.Stop.All) || len(stops) == 0 {
		return "crieur resume lets them go on"
	}
	s := stops[0]
	return strings.TrimSpace("crieur resume "+s.IssueID) + channelFlag(s.Channel) + " lets it go on"
}

func channelFlag(channel string) string {
	if channel == "" {
		return ""
	}
	return " --only " + channel
}

// atHome refuses a state that stands where it did not stand before: whoever restored
// or copied it may have the other one sending. Trying out, in the sandbox, is free.
func (a *App) atHome(ctx context.Context) error {
	store, err := a.open(ctx)
	if err != nil || !a.Live() || a.conf.State.Elsewhere == "go" {
		return err
	}
	where, before, err := store.Whereabouts(ctx)
	switch {
	case err != nil:
		return err
	case where == ledger.Moved:
		a.o.Log.Warn("the state was moved", "from", before.String())
		return nil
	case where == ledger.AtHome:
		return nil
	}
	held, err := store.HoldAll(ctx, publisher.HeldCopied)
	if err != nil {
		return err
	}
	why := "this state was last used in " + before.String() + ", and may be a copy: if both were sending, readers would get everything twice"
	if held > 0 {
		why += fmt.Sprintf("; what waited is held (%d)", held)
	}
	return &publisher.Error{Kind: publisher.Invalid, Err: &PreflightError{[]string{why}},
		Hint: "make sure that the other one sends no more, then: crieur resume --here"}
}

// who names the person at the command line.
func who() string {
	name := "somebody"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		name += "@" + host
	}
	return name
}
