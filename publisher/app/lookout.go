package app

import (
	"time"

	"crieur/publisher"
)

// A lookout tells the dead from the living by what it has seen itself: who gave no
// sign of life for publisher.WorkerSilence while the lookout was looking. No machine's
// clock is held against another's, and nobody is dead because the store was away.
type lookout struct {
	last   time.Time
	sights map[string]sight // by worker
}

type sight struct {
	seen   time.Time // the worker's last sign of life, by its clock
	since  time.Time // when that was first seen, by ours
	buried bool
}

// look gives all that are dead, and of them those that nobody has buried yet. It has
// to be called every few seconds; after a longer while, or when the clock was set back,
// it begins anew.
func (l *lookout) look(workers []publisher.Worker, self string, now time.Time) (dead []string, died []publisher.Worker) {
	if pause := now.Sub(l.last); pause < 0 || pause > 3*sweepEvery {
		l.sights = nil
	}
	l.last = now
	next := map[string]sight{}
	for _, w := range workers {
		s, known := l.sights[w.ID]
		if !known || !s.seen.Equal(w.Seen) {
			s = sight{seen: w.Seen, since: now}
		}
		next[w.ID] = s
		if w.ID == self || now.Sub(s.since) < publisher.WorkerSilence {
			continue
		}
		dead = append(dead, w.ID)
		if !s.buried {
			died = append(died, w)
		}
	}
	l.sights = next
	return dead, died
}

// buried notes that a dead worker has nothing any more.
func (l *lookout) buried(id string) {
	s := l.sights[id]
	s.buried = true
	l.sights[id] = s
}

// lives notes that the store has a sign of life of this process, given at a moment.
func (c *courier) lives(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive = at
}

// bury notes who is dead.
func (c *courier) bury(dead []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = dead
}

// ours gives what tells whether nobody can have taken this process for dead. Where it
// gives no signs of life, nobody does.
func (c *courier) ours(now func() time.Time) func() bool {
	return func() bool {
		c.mu.Lock()
		alive := c.alive
		c.mu.Unlock()
		n := now()
		// The one stands still while the machine sleeps, the other may be set back.
		return alive.IsZero() || max(n.Sub(alive), n.Round(0).Sub(alive.Round(0))) < publisher.WorkerSilence
	}
}
