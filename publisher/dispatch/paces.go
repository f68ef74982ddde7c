package dispatch

import (
	"sync"
	"time"
)

// Paces remembers how fast mail goes to providers, from run to run: a limit holds for
// all runs together, and who has asked for less does not get more because another run
// has begun. Safe for concurrent use; the zero Paces is ready.
type Paces struct {
	mu    sync.Mutex
	known map[string]pace // by group, or by the domain that a gate was made for
}

type pace struct {
	speed
	tokens float64
	filled time.Time
}

// recall gives the gates of a run the paces of the last one. A group whose limit was
// changed begins anew.
func (p *Paces) recall(s *gates, now time.Time) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := map[string]bool{}
	for _, g := range s.all {
		mine[g.Name] = true
		if k, ok := p.known[g.Name]; ok && k.most == g.Rate {
			g.speed, g.tokens, g.filled = k.speed, k.tokens, k.filled
		}
	}
	for name, k := range p.known {
		if !mine[name] && k.most == 0 && s.exact[name] == nil {
			g := s.add(Group{Name: name}, now)
			g.speed, g.tokens, g.filled = k.speed, k.tokens, k.filled
			s.exact[name] = g
		}
	}
}

// remember keeps the paces of a run that has ended.
func (p *Paces) remember(s *gates) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = map[string]pace{}
	for _, g := range s.all {
		if g.now > 0 {
			p.known[g.Name] = pace{g.speed, g.tokens, g.filled}
		}
	}
}
