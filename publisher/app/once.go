package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"crieur/publisher"
)

// mostRounds ends a pass whose work makes new work without an end.
const mostRounds = 1000

// A OnceReport says what one pass over all that is due did.
type OnceReport struct {
	Mode    string         `json:"mode"`
	Done    map[string]int `json:"done"`    // by kind of work: how many keys
	Counts  map[string]int `json:"counts"`  // the deliveries that ended, by state
	Failed  []string       `json:"failed"`  // what did not go well; it stays due
	Waiting bool           `json:"waiting"` // something is due later
	Next    *time.Time     `json:"next"`    // when the first of that is
	Denied  bool           `json:"-"`       // a channel refused our login
}

// Once does all that is due, and what becomes due by that, and returns: what serve
// does, for a timer. Beside a serve on SQLite it is refused with a Busy error, since
// that does the same. The error is of the store; how the work went is in the report.
func (a *App) Once(ctx context.Context) (r *OnceReport, err error) {
	store, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	release, err := store.Work()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	r = &OnceReport{Mode: a.conf.Mode, Done: map[string]int{}, Counts: map[string]int{}, Failed: []string{}}
	failed := map[string]bool{}
	for round := range mostRounds {
		did := false
		r.Waiting, r.Next = false, nil
		for _, d := range a.duties() {
			due, err := d.due(ctx)
			if err != nil {
				return nil, err
			}
			for _, k := range due {
				if k.at.After(a.o.Now()) && (round > 0 || !d.leftovers) {
					r.Waiting = true
					if at := k.at.In(a.location); r.Next == nil || at.Before(*r.Next) {
						r.Next = &at
					}
					continue
				}
				name := d.kind + " " + k.key
				if failed[name] {
					continue
				}
				did = true
				err := d.do(ctx, k.key)
				switch {
				case ctx.Err() != nil:
					return nil, ctx.Err()
				case errors.Is(err, errMore):
				case err != nil:
					failed[name] = true
					r.Failed = append(r.Failed, d.kind+": "+err.Error())
				default:
					r.Done[d.kind]++
				}
			}
		}
		if !did {
			r.account(a.courier)
			return r, nil
		}
	}
	return nil, &publisher.Error{Kind: publisher.Internal, Op: "do what is due", Err: fmt.Errorf("there was more after %d rounds", mostRounds)}
}

// account takes over what the deliveries came to.
func (r *OnceReport) account(c *courier) {
	counts, halted := c.account()
	for state, n := range counts {
		r.Counts[state.String()] = n
	}
	for _, channel := range sorted(halted) {
		why := halted[channel]
		r.Denied = r.Denied || publisher.KindOf(why) == publisher.Denied
		text := channel + " is paused: " + why.Error()
		if hint := publisher.HintOf(why); hint != "" {
			text += " (" + hint + ")"
		}
		r.Failed = append(r.Failed, text)
	}
}
