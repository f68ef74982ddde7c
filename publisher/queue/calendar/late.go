package calendar

import "time"

// A Late is a policy for work whose moment is past by more than After, because the
// program did not run or the channel was down.
type Late struct {
	After time.Duration
	Then  Verdict // Hold, Send or Skip
}

// A Verdict says what to do about work at a moment.
type Verdict string

const (
	Wait Verdict = "wait" // its moment has not come
	Send Verdict = "send" // do it
	Hold Verdict = "hold" // keep it until its owner says so
	Skip Verdict = "skip" // leave it undone for good
)

// Decide says what to do now about work that is due at a moment. Due at the zero
// Time is due at once and never late. Where the clock was set back, the work waits
// until its moment comes again; whoever did it before has it in the ledger.
func (l Late) Decide(due, now time.Time) Verdict {
	switch {
	case due.IsZero():
		return Send
	case now.Before(due):
		return Wait
	case now.Sub(due) <= l.After:
		return Send
	case l.Then == "":
		return Hold
	}
	return l.Then
}
