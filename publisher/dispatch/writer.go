package dispatch

import (
	"time"

	"crieur/publisher"
)

// most is how many operations one commit takes in.
const most = 256

// A writer commits for all posts: it gathers what their threads hand in while the
// last commit is on its way to the disk, so that many share one flush.
type writer struct {
	r     *run
	turns chan turn
	done  chan struct{}
}

// A turn is what a thread hands in: how its last post ended, which it wants next,
// or both.
type turn struct {
	outcome *publisher.Outcome
	want    *publisher.Claim
	reply   chan<- answer
}

// row names a delivery within the ledger.
type row struct{ lot, id int64 }

type answer struct {
	granted    publisher.Claim // Attempt 0: not granted
	until      time.Time       // of its lease
	suppressed bool
	late       bool
	err        error
}

func startWriter(r *run) *writer {
	w := &writer{r: r, turns: make(chan turn), done: make(chan struct{})}
	go w.loop()
	return w
}

// close waits for the last commit. Nothing may be handed in after it.
func (w *writer) close() {
	close(w.turns)
	<-w.done
}

// commit hands a turn in and waits until it is on disk.
func (w *writer) commit(outcome *publisher.Outcome, want *publisher.Claim) (answer, error) {
	reply := make(chan answer, 1)
	w.turns <- turn{outcome, want, reply}
	a := <-reply
	return a, a.err
}

func (w *writer) loop() {
	defer close(w.done)
	batch := make([]turn, 0, most)
	for first := range w.turns {
		batch = append(batch[:0], first)
		for open := true; open && len(batch) < most; {
			select {
			case t, ok := <-w.turns:
				if open = ok; ok {
					batch = append(batch, t)
				}
			default:
				open = false
			}
		}
		w.write(batch)
	}
}

func (w *writer) write(batch []turn) {
	var outcomes []publisher.Outcome
	var wants []publisher.Claim
	for _, t := range batch {
		if t.outcome != nil {
			outcomes = append(outcomes, *t.outcome)
		}
		if t.want != nil {
			wants = append(wants, *t.want)
		}
	}
	c, until, err := w.r.persist(outcomes, wants)
	granted := make(map[row]publisher.Claim, len(c.Granted))
	for _, g := range c.Granted {
		granted[row{g.Lot, g.ID}] = g
	}
	suppressed := make(map[row]bool, len(c.Suppressed))
	for _, s := range c.Suppressed {
		suppressed[row{s.Lot, s.ID}] = true
	}
	late := make(map[publisher.Claim]bool, len(c.Late))
	for _, l := range c.Late {
		late[l] = true
	}
	for _, t := range batch {
		a := answer{err: err, until: until}
		if t.outcome != nil {
			a.late = late[t.outcome.Claim]
		}
		if t.want != nil {
			k := row{t.want.Lot, t.want.ID}
			a.granted, a.suppressed = granted[k], suppressed[k]
			delete(granted, k) // whoever asked for the same one gets nothing
		}
		t.reply <- a
	}
}
