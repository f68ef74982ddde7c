package sandbox

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"crieur/publisher"
)

// The networks, as they are called in faults, base URLs and arrivals.
const (
	SMTP     = "smtp"
	Mastodon = "mastodon"
	Bluesky  = "bluesky"
	X        = "x"
)

// An Effect is what a fault does instead of, or after, what was asked.
type Effect string

const (
	EffectStatus       Effect = "status"        // refuse with Fault.Code; nothing is done
	EffectHangupBefore Effect = "hangup-before" // read the request, do nothing, drop the connection
	EffectHangupAfter  Effect = "hangup-after"  // do it, then drop the connection without an answer
	EffectTimeout      Effect = "timeout"       // do nothing and never answer
	EffectTimeoutAfter Effect = "timeout-after" // do it and never answer
	EffectGarbage      Effect = "garbage"       // do it, then answer 200 with a page that is no JSON
)

// A Stage is the kind of request that a fault strikes.
type Stage string

const (
	StagePost    Stage = "post"    // what makes a post or hands over a mail; the default
	StageMedia   Stage = "media"   // uploads of pictures
	StageLogin   Stage = "login"   // sessions and checks of the account; SMTP: AUTH
	StageRead    Stage = "read"    // everything else over HTTP
	StageAny     Stage = "any"     // every request
	StageConnect Stage = "connect" // SMTP: EHLO
	StageRcpt    Stage = "rcpt"    // SMTP: RCPT; the default for SMTP status codes
)

// A Fault makes one network fail on demand. Its text form is
//
//	NETWORK[/STAGE]=EFFECT[@SHARE][:TIMES][:ADDRESS]
//
// NETWORK is smtp, mastodon, bluesky or x. EFFECT is a status code (400–599) or one of
// hangup-before, hangup-after, timeout, timeout-after and garbage. SHARE, above 0 and
// up to 1, strikes that share of the requests, evenly spread; TIMES strikes the first
// so many only; ADDRESS, for smtp, strikes mails to that recipient only. STAGE names
// the requests meant; without it, those that publish.
//
//	x=503                       X is down
//	x=429:2                     the first two posts are too many
//	mastodon=hangup-after       posts are made, but the answer is lost
//	mastodon/media=500          pictures are refused
//	smtp=451@0.1                every tenth recipient is told to come back later
//	smtp=550:ana@example.org    there is no such reader
//	smtp/login=535              the password is wrong
type Fault struct {
	Network string
	Stage   Stage
	Effect  Effect
	Code    int
	Share   float64 // 1: every time
	Times   int     // 0: no limit
	Address string  // lower case; "": any
}

// String gives the text form that ParseFault reads.
func (f Fault) String() string {
	s := f.Network
	if f.Stage != f.defaultStage() {
		s += "/" + string(f.Stage)
	}
	s += "="
	if f.Effect == EffectStatus {
		s += strconv.Itoa(f.Code)
	} else {
		s += string(f.Effect)
	}
	if f.Share != 1 {
		s += "@" + strconv.FormatFloat(f.Share, 'g', -1, 64)
	}
	if f.Times > 0 {
		s += ":" + strconv.Itoa(f.Times)
	}
	if f.Address != "" {
		s += ":" + f.Address
	}
	return s
}

const faultHint = "write NETWORK[/STAGE]=EFFECT[@SHARE][:TIMES][:ADDRESS], for example x=503, mastodon=hangup-after:1 or smtp=451@0.1"

// ParseFault reads a fault's text form; see Fault. Its error is Invalid.
func ParseFault(s string) (Fault, error) {
	f, err := parseFault(s)
	if err != nil {
		return Fault{}, &publisher.Error{Kind: publisher.Invalid, Op: fmt.Sprintf("read fault %q", s), Hint: faultHint, Err: err}
	}
	return f, nil
}

func parseFault(s string) (Fault, error) {
	f := Fault{Share: 1}
	target, rest, ok := strings.Cut(s, "=")
	if !ok {
		return f, errors.New("no = between network and effect")
	}
	network, stage, staged := strings.Cut(target, "/")
	f.Network, f.Stage = network, Stage(stage)
	switch f.Network {
	case SMTP, Mastodon, Bluesky, X:
	default:
		return f, fmt.Errorf("no network %q: smtp, mastodon, bluesky or x", network)
	}
	parts := strings.Split(rest, ":")
	effect, share, shared := strings.Cut(parts[0], "@")
	if shared {
		v, err := strconv.ParseFloat(share, 64)
		if err != nil || !(v > 0 && v <= 1) {
			return f, fmt.Errorf("share %q is no number above 0 and up to 1", share)
		}
		f.Share = v
	}
	if err := f.setEffect(effect); err != nil {
		return f, err
	}
	for _, q := range parts[1:] {
		if err := f.qualify(q); err != nil {
			return f, err
		}
	}
	if !staged {
		f.Stage = f.defaultStage()
	}
	return f, f.checkStage()
}

func (f *Fault) setEffect(effect string) error {
	switch e := Effect(effect); e {
	case EffectHangupBefore, EffectHangupAfter, EffectTimeout, EffectTimeoutAfter:
		f.Effect = e
		return nil
	case EffectGarbage:
		f.Effect = e
		if f.Network == SMTP {
			return errors.New("garbage is an effect of the HTTP networks")
		}
		return nil
	}
	code, err := strconv.Atoi(effect)
	if err != nil || code < 400 || code > 599 {
		return fmt.Errorf("effect %q is neither a status from 400 to 599 nor hangup-before, hangup-after, timeout, timeout-after or garbage", effect)
	}
	f.Effect, f.Code = EffectStatus, code
	return nil
}

func (f *Fault) qualify(q string) error {
	if strings.Contains(q, "@") {
		if f.Network != SMTP {
			return errors.New("an address is for smtp only")
		}
		if f.Address != "" {
			return errors.New("two addresses")
		}
		f.Address = strings.ToLower(q)
		return nil
	}
	n, err := strconv.Atoi(q)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is neither a number of times nor an address", q)
	}
	if f.Times != 0 {
		return errors.New("two numbers of times")
	}
	f.Times = n
	return nil
}

// defaultStage is where a fault strikes when its text names no stage.
func (f Fault) defaultStage() Stage {
	if f.Network != SMTP || f.Effect != EffectStatus {
		return StagePost
	}
	switch f.Code {
	case 421:
		return StageConnect
	case 454, 530, 534, 535:
		return StageLogin
	}
	return StageRcpt
}

func (f Fault) checkStage() error {
	stages := []Stage{StagePost, StageMedia, StageLogin, StageRead, StageAny}
	if f.Network == SMTP {
		stages = []Stage{StageConnect, StageLogin, StageRcpt, StagePost}
	}
	names := make([]string, len(stages))
	for i, s := range stages {
		if f.Stage == s {
			if f.Address != "" && s != StageRcpt && s != StagePost {
				return fmt.Errorf("an address needs the stage %s or %s", StageRcpt, StagePost)
			}
			return nil
		}
		names[i] = string(s)
	}
	return fmt.Errorf("%s has no stage %q: %s", f.Network, f.Stage, strings.Join(names, ", "))
}

// faults decides which request is struck. Safe for concurrent use.
type faults struct {
	mu   sync.Mutex
	list []*armed
}

type armed struct {
	Fault
	seen, hits int
}

// due is how many of the requests seen so far a fault's share amounts to. The small
// term keeps 10 × 0.1 from falling short of 1.
func (a *armed) due() int { return int(math.Floor(float64(a.seen)*a.Share + 1e-9)) }

func (fs *faults) set(list []Fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = make([]*armed, len(list))
	for i, f := range list {
		fs.list[i] = &armed{Fault: f}
	}
}

// strike gives the fault that this request suffers, if any. The share of an armed
// fault is spread evenly by counting, so that a test sees the same every time.
func (fs *faults) strike(network string, stage Stage, address string) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.list {
		if a.Network != network || a.Stage != stage && a.Stage != StageAny {
			continue
		}
		if a.Address != "" && !strings.EqualFold(a.Address, address) {
			continue
		}
		if a.Times > 0 && a.hits >= a.Times {
			continue
		}
		before := a.due()
		a.seen++
		if a.due() <= before {
			continue
		}
		a.hits++
		return a.Fault, true
	}
	return Fault{}, false
}

type faultState struct {
	Fault string `json:"fault"`
	Hits  int    `json:"hits"`
}

func (fs *faults) state() []faultState {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := make([]faultState, len(fs.list))
	for i, a := range fs.list {
		out[i] = faultState{a.String(), a.hits}
	}
	return out
}

// statusText words a refusal on demand.
func statusText(code int) string {
	if t := http.StatusText(code); t != "" {
		return t
	}
	return "failure on demand"
}
