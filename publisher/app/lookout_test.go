package app

import (
	"fmt"
	"testing"
	"time"

	"crieur/publisher"
)

func TestLookout(t *testing.T) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	skewed := at.Add(-3 * time.Hour) // by the clock of its machine
	type look struct {
		after time.Duration // since the look before
		beats bool          // b gave a sign of life since
		want  string
	}
	for name, looks := range map[string][]look{
		"gives signs of life":  {{0, true, "[]"}, {5 * time.Second, true, "[]"}, {15 * time.Second, true, "[]"}, {15 * time.Second, true, "[]"}},
		"silent":               {{0, false, "[]"}, {10 * time.Second, false, "[]"}, {9 * time.Second, false, "[]"}, {time.Second, false, "[b]"}, {time.Second, false, "[b]"}},
		"comes back":           {{0, false, "[]"}, {10 * time.Second, false, "[]"}, {10 * time.Second, false, "[b]"}, {time.Second, true, "[]"}, {time.Second, false, "[]"}},
		"nobody looked":        {{0, false, "[]"}, {time.Minute, false, "[]"}, {10 * time.Second, false, "[]"}, {10 * time.Second, false, "[b]"}},
		"the clock is set":     {{0, false, "[]"}, {15 * time.Second, false, "[]"}, {-time.Hour, false, "[]"}, {15 * time.Second, false, "[]"}, {5 * time.Second, false, "[b]"}},
		"we are never dead":    {{0, true, "[]"}, {15 * time.Second, true, "[]"}, {15 * time.Second, true, "[]"}},
		"far away and forward": {{0, true, "[]"}, {time.Hour, true, "[]"}},
	} {
		t.Run(name, func(t *testing.T) {
			var l lookout
			now, beats := at, 0
			for i, step := range looks {
				now = now.Add(step.after)
				if step.beats {
					beats++
				}
				dead, died := l.look([]publisher.Worker{{ID: "a", Seen: at}, {ID: "b", Seen: skewed.Add(time.Duration(beats) * time.Second)}}, "a", now)
				if fmt.Sprint(dead) != step.want || len(died) != len(dead) {
					t.Errorf("look %d: %v are dead, %d to be buried; want %s", i, dead, len(died), step.want)
				}
			}
			l.buried("b")
			if _, died := l.look([]publisher.Worker{{ID: "b", Seen: skewed.Add(time.Duration(beats) * time.Second)}}, "a", now); len(died) != 0 {
				t.Error("the dead are buried twice")
			}
		})
	}
}

func TestOurs(t *testing.T) {
	now := time.Now()
	c := newCourier()
	ours := c.ours(func() time.Time { return now })
	if !ours() {
		t.Error("who gives no signs of life is taken for dead")
	}
	c.lives(now)
	if now = now.Add(publisher.WorkerSilence - time.Second); !ours() {
		t.Error("it is taken for dead too early")
	}
	if now = now.Add(time.Second); ours() {
		t.Error("it is not taken for dead")
	}
	// The clock was set back meanwhile: what has passed is what the monotonic one says.
	c.lives(time.Now().Add(-publisher.WorkerSilence))
	if now = time.Now(); ours() {
		t.Error("it is not taken for dead")
	}
}
