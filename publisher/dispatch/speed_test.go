package dispatch

import (
	"testing"
	"time"
)

func TestSpeedIsHalvedAndWonBack(t *testing.T) {
	for name, configured := range map[string]float64{"configured": 20, "no limit": 0} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(0, 0)
			s := speed{now: configured, most: configured, since: now}
			send := func(n int) {
				for range n {
					rate := s.now
					if rate == 0 {
						rate = 20 // what the other side takes by itself
					}
					now = now.Add(time.Duration(float64(time.Second) / rate))
					s.well()
				}
			}
			send(200)
			s.slow(now, 1000)
			s.slow(now.Add(time.Second), 1000) // of the same burst
			if s.now < 9.5 || s.now > 10.5 {
				t.Fatalf("20 a second were slowed to %.1f", s.now)
			}
			began := now
			send(100)
			if grown := s.now - 10; grown < 1 || grown > 3 {
				t.Errorf("after %v it is %.1f", now.Sub(began), s.now)
			}
			send(10_000)
			if s.now != configured {
				t.Errorf("after a long time without complaint it is %.1f", s.now)
			}
			for range 50 {
				now = now.Add(slowEvery)
				s.slow(now, 20)
			}
			if s.now != slowest {
				t.Errorf("the slowest is %.2f", s.now)
			}
		})
	}
}
