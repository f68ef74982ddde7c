package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A meter shows how far a run has come: a bar on a terminal, a line every few
// seconds elsewhere, nothing where the run is quiet or speaks JSON.
type meter struct {
	step func(done, total int, atLeast time.Duration)
	done func()
}

// every is how often a meter that is no terminal prints a line.
const every = 5 * time.Second

func (s *session) progress() meter {
	left := outlook{now: time.Now}
	switch {
	case s.quiet || s.json():
		return meter{step: func(int, int, time.Duration) {}, done: func() {}}
	case !terminal(s.err):
		var last time.Time
		return meter{done: func() {}, step: func(done, total int, atLeast time.Duration) {
			left.step(done, total, atLeast)
			now := time.Now()
			if last.IsZero() {
				last = now // a run shorter than that prints nothing
			}
			if now.Sub(last) >= every {
				last = now
				words := left.words()
				if words != "" {
					words = ", " + words
				}
				fmt.Fprintf(s.err, "crieur: %d of %d%s\n", done, total, words)
			}
		}}
	}
	var mu sync.Mutex
	p := mpb.New(mpb.WithOutput(s.err), mpb.WithWidth(40), mpb.WithRefreshRate(120*time.Millisecond))
	var bar *mpb.Bar
	return meter{
		step: func(done, total int, atLeast time.Duration) {
			mu.Lock()
			left.step(done, total, atLeast)
			mu.Unlock()
			if bar == nil {
				bar = p.New(int64(total), mpb.BarStyle().Lbound("").Filler("─").Tip("─").Padding(" ").Rbound(""),
					mpb.PrependDecorators(decor.CountersNoUnit("%d of %d ")),
					mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
						mu.Lock()
						defer mu.Unlock()
						return left.words()
					})),
					mpb.BarRemoveOnComplete())
			}
			bar.SetCurrent(int64(done))
		},
		done: func() {
			if bar != nil {
				bar.Abort(true)
			}
			p.Wait()
		},
	}
}
