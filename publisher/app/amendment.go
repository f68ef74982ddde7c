package app

import (
	"context"
	"strings"

	"crieur/publisher"
)

// An Amendment is what correcting or retracting does to what has gone out.
type Amendment struct {
	Mode     string       `json:"mode"`
	DryRun   bool         `json:"dry_run"`
	Article  *ArticleView `json:"article,omitempty"` // correct
	Issue    string       `json:"issue,omitempty"`   // retract
	Title    string       `json:"title"`
	Steps    []*Step      `json:"steps"`
	Warnings []string     `json:"warnings"`
	See      string       `json:"see,omitempty"` // page that shows the sandbox
}

// A Step is one thing that an amendment does, or cannot do.
type Step struct {
	Issue   string    `json:"issue"`
	Channel string    `json:"channel"` // "web" for the copy on the web
	Network string    `json:"network"`
	Part    int       `json:"part,omitempty"`
	Act     string    `json:"act"` // edit, delete, cancel, replace, page, erratum, none
	State   StepState `json:"state"`
	Count   int       `json:"count,omitempty"` // mails and deliveries that it is about
	URL     string    `json:"url,omitempty"`
	Detail  string    `json:"detail,omitempty"`

	do   func(context.Context) error
	kind publisher.Kind // of what went wrong
}

// A StepState is how far a step has come.
type StepState string

const (
	StepPlanned    StepState = "planned"
	StepDone       StepState = "done"
	StepFailed     StepState = "failed"     // tried again by the same command
	StepImpossible StepState = "impossible" // for a person to do, or nobody
)

// To do counts the steps that are still to be taken.
func (m *Amendment) ToDo() int { return m.count(StepPlanned) }

func (m *Amendment) count(s StepState) int {
	n := 0
	for _, step := range m.Steps {
		if step.State == s {
			n++
		}
	}
	return n
}

// Failed and Impossible count steps; Denied reports whether a network refused our
// login.
func (m *Amendment) Failed() int     { return m.count(StepFailed) }
func (m *Amendment) Impossible() int { return m.count(StepImpossible) }
func (m *Amendment) Done() int       { return m.count(StepDone) }
func (m *Amendment) Denied() bool {
	for _, s := range m.Steps {
		if s.State == StepFailed && s.kind == publisher.Denied {
			return true
		}
	}
	return false
}

// AmendOptions is how an amendment is held back.
type AmendOptions struct {
	Note    string // correct: what was wrong, for the erratum; "": the erratum says only that it was corrected
	DryRun  bool
	Confirm func(*Amendment) error // asked before anything is changed; nil: not asked
}

func (m *Amendment) add(s Step, do func(context.Context) error) *Step {
	s.do = do
	if s.State == "" {
		s.State = StepPlanned
	}
	m.Steps = append(m.Steps, &s)
	return &s
}

// cannot adds a step that nobody but a person can take.
func (m *Amendment) cannot(s Step, why string) {
	s.Act, s.State, s.Detail = "none", StepImpossible, why
	m.Steps = append(m.Steps, &s)
}

// carryOut takes the steps in order. One that fails stops no other; what went wrong
// stands in it.
func (a *App) carryOut(ctx context.Context, m *Amendment, o AmendOptions) error {
	m.DryRun = o.DryRun
	if o.DryRun || m.ToDo() == 0 {
		return nil
	}
	if o.Confirm != nil {
		if err := o.Confirm(m); err != nil {
			return err
		}
	}
	for _, s := range m.Steps {
		if s.State != StepPlanned {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.do(ctx); err != nil {
			s.State, s.Detail, s.kind = StepFailed, explain(err), publisher.KindOf(err)
			continue
		}
		s.State = StepDone
	}
	var err error
	m.See, err = a.see()
	return err
}

// explain gives an error with its hint, on one line.
func explain(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if hint := publisher.HintOf(err); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}
