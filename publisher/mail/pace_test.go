package mail

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestPacerSpacesEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(Rate{Count: 300, Per: time.Hour})
		start := time.Now()
		done := make(chan time.Duration, 5)
		for range 5 {
			go func() {
				if err := p.wait(t.Context()); err != nil {
					t.Error(err)
				}
				done <- time.Since(start)
			}()
		}
		for i := range 5 {
			if got, want := <-done, time.Duration(i)*12*time.Second; got != want {
				t.Errorf("mail %d after %v, want %v", i, got, want)
			}
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := p.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's end", err)
		}
	})
}

// Half as many when the server asks for less, as fast as before after a while.
func TestPacerSlowsDownAndRecovers(t *testing.T) {
	for name, r := range map[string]Rate{"configured": {Count: 20, Per: time.Second}, "as fast as it goes": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPacer(r)
				send := func(n int) float64 {
					start := time.Now()
					for range n {
						if err := p.wait(t.Context()); err != nil {
							t.Fatal(err)
						}
						if r.Count == 0 {
							time.Sleep(50 * time.Millisecond) // the server's own pace
						}
						p.well()
					}
					return float64(n) / time.Since(start).Seconds()
				}
				before := send(200)
				p.slow()
				p.slow() // of the same burst
				if after := send(20); after < 0.4*before || after > 0.65*before {
					t.Errorf("%.1f/s before, %.1f/s after the server asked for less", before, after)
				}
				time.Sleep(slowEvery)
				p.slow()
				if after := send(20); after > 0.45*before {
					t.Errorf("%.1f/s before, %.1f/s after it asked twice", before, after)
				}
				send(6000)
				if again := send(100); again < 0.9*before || time.Duration(p.spacing.Load()) != p.least {
					t.Errorf("%.1f/s before, %.1f/s when all was well again", before, again)
				}
				for range 100 {
					time.Sleep(slowEvery)
					p.slow()
				}
				if time.Duration(p.spacing.Load()) != slowest {
					t.Errorf("the slowest is %v", time.Duration(p.spacing.Load()))
				}
			})
		})
	}
}

func TestNoRateIsNoWait(t *testing.T) {
	if got := (Rate{}).spacing(); got != 0 {
		t.Errorf("got %v", got)
	}
}

// Mailers that are opened one after the other keep to a rate together, and get on
// though each of them is closed before the next place.
func TestPaceOutlivesAMailer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Memory
		var sent atomic.Int32
		began := time.Now()
		for time.Since(began) < time.Hour {
			p := m.of(Server{Name: "main", Host: "smtp.example.org", Rate: Rate{Count: 2000, Per: 24 * time.Hour}})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			var lanes sync.WaitGroup
			for range 4 {
				lanes.Go(func() {
					for p.wait(ctx) == nil {
						sent.Add(1)
					}
				})
			}
			lanes.Wait()
			cancel()
		}
		if n := sent.Load(); n < 82 || n > 85 { // one in 43.2 s
			t.Errorf("%d mails in an hour, want 83", n)
		}
	})
}
