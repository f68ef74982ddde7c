package mail

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPacerSpacesEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacer{spacing: Rate{Count: 300, Per: time.Hour}.spacing()}
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

func TestNoRateIsNoWait(t *testing.T) {
	if got := (Rate{}).spacing(); got != 0 {
		t.Errorf("got %v", got)
	}
}
