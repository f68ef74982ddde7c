package dispatch

import (
	"slices"
	"strings"
	"time"
)

// A Group is recipient domains whose mail one provider takes in: what it grants, it
// grants to all of them together.
type Group struct {
	Name       string
	Domains    []string // "gmail.com"; "outlook.*" stands for every one that begins so
	Rate       float64  // mails per second; 0: as many as go
	Concurrent int      // mails on their way at the same time; 0: as many as go
}

// Groups gives the providers that crieur knows, without limits.
func Groups() []Group {
	known := map[string]string{
		"gmail":    "gmail.com googlemail.com",
		"outlook":  "outlook.* hotmail.* live.* msn.com windowslive.com",
		"yahoo":    "yahoo.* ymail.com rocketmail.com aol.* myyahoo.com",
		"icloud":   "icloud.com me.com mac.com",
		"orange":   "orange.fr wanadoo.fr",
		"free":     "free.fr aliceadsl.fr libertysurf.fr",
		"laposte":  "laposte.net",
		"sfr":      "sfr.fr neuf.fr cegetel.net club-internet.fr numericable.fr noos.fr",
		"bouygues": "bbox.fr",
		"gmx":      "gmx.* web.de mail.com",
		"proton":   "proton.me protonmail.com pm.me protonmail.ch",
		"telekom":  "t-online.de magenta.de",
		"libero":   "libero.it virgilio.it iol.it",
		"bluewin":  "bluewin.ch",
		"skynet":   "skynet.be proximus.be belgacom.net",
	}
	var groups []Group
	for _, name := range []string{"gmail", "outlook", "yahoo", "icloud", "orange", "free", "laposte", "sfr", "bouygues", "gmx", "proton", "telekom", "libero", "bluewin", "skynet"} {
		groups = append(groups, Group{Name: name, Domains: strings.Fields(known[name])})
	}
	return groups
}

// A gate lets the mails to one group through as its limits allow. The clerk uses it,
// and nobody else. Its clock is the machine's: what it waits for is outside.
type gate struct {
	Group
	speed
	out     int       // granted and not recorded
	held    []*parcel // waiting for their turn
	skipped int       // that there was no room for
	tokens  float64
	filled  time.Time
}

// limited reports whether mails may have to wait here.
func (g *gate) limited() bool { return g.now > 0 || g.Concurrent > 0 }

// allowed gives how many of those that wait may go now.
func (g *gate) allowed(now time.Time) int {
	n := len(g.held)
	if n > 0 && g.now > 0 {
		// A quarter of a second's worth may go at once, so that commits need not be many.
		g.tokens = min(g.tokens+g.now*now.Sub(g.filled).Seconds(), max(1, g.now/4))
		g.filled = now
		n = min(n, int(g.tokens))
	}
	if g.Concurrent > 0 {
		n = min(n, g.Concurrent-g.out)
	}
	return max(n, 0)
}

// next gives how long it takes until one more may go, as far as time decides.
func (g *gate) next() time.Duration {
	if g.now == 0 || g.tokens >= 1 {
		return time.Hour
	}
	return time.Duration((1-g.tokens)/g.now*float64(time.Second)) + time.Millisecond
}

// take gives the first of those that wait.
func (g *gate) take() *parcel {
	p := g.held[0]
	g.held[0] = nil
	if g.held = g.held[1:]; len(g.held) == 0 {
		g.held = nil
	}
	if g.now > 0 {
		g.tokens--
	}
	return p
}

// The gates of a run, by domain.
type gates struct {
	exact map[string]*gate
	wild  map[string]*gate // by what stands before the first dot
	all   []*gate
	first int          // whose turn is next
	held  map[row]bool // in all of them
	full  bool         // mails were left out for want of room
}

// So many mails wait at one gate, and at all of them. Those beyond are left in the
// ledger, and looked up again when there is room.
//
// A parcel weighs about a kilobyte. The groups that fill all places are the slow ones:
// each other group has some beyond, so that it does not have to wait for them.
const (
	gateMost  = 4_000
	gateLeast = 250
	heldMost  = 8_000
	heldAtAll = 12_000
)

// places gives how many mails may wait at one more gate, as full as all of them are.
func (s *gates) places() int {
	switch n := len(s.held); {
	case n < heldMost:
		return gateMost
	case n < heldAtAll:
		return gateLeast
	}
	return 0
}

// gatesMost bounds the gates made for domains of no group that asked us to slow down.
const gatesMost = 10_000

func newGates(groups []Group, known *Paces, now time.Time) *gates {
	s := &gates{exact: map[string]*gate{}, wild: map[string]*gate{}, held: map[row]bool{}}
	for _, group := range groups {
		g := s.add(group, now)
		for _, d := range group.Domains {
			if before, ok := strings.CutSuffix(strings.ToLower(d), ".*"); ok {
				s.wild[before] = g
			} else {
				s.exact[strings.ToLower(d)] = g
			}
		}
	}
	known.recall(s, now)
	return s
}

func (s *gates) add(group Group, now time.Time) *gate {
	g := &gate{Group: group, speed: speed{now: group.Rate, most: group.Rate, since: now}, tokens: 1, filled: now}
	s.all = append(s.all, g)
	return g
}

// of gives the gate of an address; nil: it has none.
func (s *gates) of(email string) *gate {
	domain := domainOf(email)
	if g := s.exact[domain]; g != nil {
		return g
	}
	before, _, _ := strings.Cut(domain, ".")
	return s.wild[before]
}

func domainOf(email string) string {
	return strings.ToLower(email[strings.LastIndexByte(email, '@')+1:])
}

// made gives the gate of an address, a new one for its domain if it has none.
func (s *gates) made(email string, now time.Time) *gate {
	if g := s.of(email); g != nil || len(s.all) >= gatesMost {
		return g
	}
	d := domainOf(email)
	g := s.add(Group{Name: d}, now)
	s.exact[d] = g
	return g
}

// limited reports whether any gate may hold mails up.
func (s *gates) limited() bool {
	for _, g := range s.all {
		if g.limited() {
			return true
		}
	}
	return false
}

// hold puts a mail before its gate, unless it stands there already. waits is false
// where it does not: again is true then if it has to come again.
func (s *gates) hold(p *parcel) (waits, again bool) {
	switch at := (row{p.lot.ID, p.Recipient.ID}); {
	case s.held[at]:
		return false, false
	case len(p.gate.held) >= s.places():
		p.gate.skipped++
		s.full = true
		return false, true
	default:
		p.gate.held = append(p.gate.held, p)
		s.held[at] = true
		return true, false
	}
}

// roomy reports whether there is room again for those that were left out, and forgets
// how many they were: they come again.
func (s *gates) roomy() bool {
	if !s.full {
		return false
	}
	places := s.places()
	if len(s.held) >= heldMost/2 {
		places = min(places, gateLeast) // the slow ones would take them again at once
	}
	if !slices.ContainsFunc(s.all, func(g *gate) bool { return g.skipped > 0 && 2*len(g.held) < places }) {
		return false
	}
	s.full = false
	for _, g := range s.all {
		g.skipped = 0
	}
	return true
}

// allowed gives how many of those that wait may go now.
func (s *gates) allowed(now time.Time) (n int) {
	if len(s.held) == 0 {
		return 0
	}
	for _, g := range s.all {
		n += g.allowed(now)
	}
	return n
}

// pass gives up to n of those that may go now, from each gate in turn.
func (s *gates) pass(n int, now time.Time) (passed []*parcel) {
	for i := range s.all {
		if len(s.held) == 0 || len(passed) == n {
			break
		}
		g := s.all[(s.first+i)%len(s.all)]
		for k := g.allowed(now); k > 0 && len(passed) < n; k-- {
			p := g.take()
			delete(s.held, row{p.lot.ID, p.Recipient.ID})
			g.out++
			passed = append(passed, p)
		}
	}
	s.first++
	return passed
}

// drop takes out those that wait and are not to go any more.
func (s *gates) drop(gone func(*parcel) bool) (dropped []*parcel) {
	for _, g := range s.all {
		kept := g.held[:0]
		for _, p := range g.held {
			if gone(p) {
				dropped = append(dropped, p)
				delete(s.held, row{p.lot.ID, p.Recipient.ID})
			} else {
				kept = append(kept, p)
			}
		}
		clear(g.held[len(kept):])
		g.held = kept
	}
	return dropped
}

// next gives how long it takes until one more may go.
func (s *gates) next() time.Duration {
	wait := time.Hour
	for _, g := range s.all {
		if len(g.held) > 0 {
			wait = min(wait, g.next())
		}
	}
	return wait
}

// least gives how long those that wait take at least.
func (s *gates) least() (longest time.Duration) {
	for _, g := range s.all {
		if n := len(g.held) + g.skipped; n > 0 && g.now > 0 {
			longest = max(longest, time.Duration(float64(n)/g.now*float64(time.Second)))
		}
	}
	return longest
}
