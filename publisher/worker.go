package publisher

import "time"

// A Worker is a process that works on the store by itself, whatever its roles.
type Worker struct {
	ID      string
	Host    string
	PID     int
	Roles   []string
	Version string
	Problem string // what its owner should know; "": all is well
	Started time.Time
	Seen    time.Time // its last sign of life
}

// WorkerSilence is how long a worker may be silent before it counts as dead. They
// give a sign of life several times within it.
const WorkerSilence = 20 * time.Second

// Alive reports whether the worker gave a sign of life lately, or, by a clock that
// was set back, in the future.
func (w Worker) Alive(now time.Time) bool { return now.Sub(w.Seen) < WorkerSilence }
