package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

// Networks of four kinds lose their answers, before or after the post took effect.
// None ever shows a post twice, and none loses one that it can know about.
func TestPostNeverTwice(t *testing.T) {
	lost := fault(publisher.Unknown, 0)
	type script = func(call int) (before, after error)
	scripts := map[string]script{
		"works":             func(int) (error, error) { return nil, nil },
		"busy once":         first(fault(publisher.Busy, 429), nil, 1),
		"lost before":       first(lost, nil, 1),
		"lost after":        first(nil, lost, 1),
		"lost before twice": first(lost, nil, 2),
		"lost after twice":  first(nil, lost, 2),
		"lost after for ever": func(int) (error, error) {
			return nil, lost
		},
		"a bug after": first(nil, errors.New("index out of range"), 1),
	}
	kinds := map[string]func(h *house, n *network) publisher.Network{
		"plain": func(_ *house, n *network) publisher.Network { return n },
		"keyed": func(_ *house, n *network) publisher.Network {
			n.keyed, n.traits.Keyed = true, time.Hour
			return n
		},
		"finding": func(h *house, n *network) publisher.Network {
			n.traits.Settle = 10 * time.Second
			return &finding{network: n, clock: h.clock, delay: 9 * time.Second, posted: map[string]time.Time{}}
		},
		"keyed and finding, ignoring keys": func(h *house, n *network) publisher.Network {
			n.traits.Keyed, n.traits.Settle = time.Hour, 10*time.Second
			return &finding{network: n, clock: h.clock, delay: 9 * time.Second, posted: map[string]time.Time{}}
		},
	}
	for kind, build := range kinds {
		for name, s := range scripts {
			t.Run(kind+"/"+name, func(t *testing.T) {
				h := newHouse(t, 0)
				n := &network{script: s}
				h.config.Networks["c"] = build(h, n)
				h.plan("i", false, map[string]int{"c": 1})
				for range 4 {
					h.run()
					h.plan("i", false, map[string]int{"c": 1})
					h.clock.Sleep(t.Context(), time.Minute)
				}
				if len(n.posts) > 1 {
					t.Fatalf("it stands there %d times", len(n.posts))
				}
				want := accepted
				if kind == "plain" && name != "works" && name != "busy once" || kind == "keyed" && name == "lost after for ever" {
					want = unknown
				}
				h.want(map[publisher.State]int{want: 1})
				if want == accepted && len(n.posts) != 1 {
					t.Errorf("accepted, and it does not stand there")
				}
			})
		}
	}
}

// first makes the first n calls fail.
func first(before, after error, n int) func(int) (error, error) {
	return func(call int) (error, error) {
		if call <= n {
			return before, after
		}
		return nil, nil
	}
}

func TestPostEnds(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		want   publisher.State
		calls  int
		paused bool
	}{
		"invalid":   {fault(publisher.Invalid, 422), failed, 1, false},
		"not found": {fault(publisher.NotFound, 404), failed, 1, false},
		"denied":    {fault(publisher.Denied, 401), planned, 1, true},
		"busy":      {fault(publisher.Busy, 503), deferred, 3, false},
		"unknown":   {fault(publisher.Unknown, 502), unknown, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 0)
			bad, good := &network{script: func(int) (error, error) { return c.err, nil }}, &network{}
			h.config.Networks["bad"], h.config.Networks["good"] = bad, good
			h.plan("i", false, map[string]int{"bad": 2, "good": 2})
			r := h.run()
			want := map[publisher.State]int{planned: 1, accepted: 2} // the second part waits for the first
			want[c.want]++
			h.want(want)
			if bad.calls != c.calls || (r.Paused["bad"] != nil) != c.paused || r.Paused["good"] != nil {
				t.Errorf("paused %v after %d calls, want %v after %d", r.Paused, bad.calls, c.paused, c.calls)
			}
		})
	}
}

// The key protects for a while after the first try, and not longer.
func TestKeyRunsOut(t *testing.T) {
	h := newHouse(t, 0)
	n := &network{keyed: true, traits: publisher.Traits{Keyed: time.Hour}}
	n.script = func(int) (error, error) { return nil, fault(publisher.Unknown, 0) }
	h.config.Networks["c"] = n
	h.plan("i", false, map[string]int{"c": 1})
	h.run()
	calls := n.calls
	h.clock.Sleep(t.Context(), 30*time.Minute)
	h.run()
	if n.calls == calls {
		t.Error("within the hour the key was not used")
	}
	calls = n.calls
	h.clock.Sleep(t.Context(), 31*time.Minute)
	n.script = nil
	h.run()
	if n.calls != calls {
		t.Error("it was posted again after the key had run out")
	}
	h.want(map[publisher.State]int{unknown: 1})
}

// What looks surely not done after a doubt is still in doubt: the first try may
// have taken effect.
func TestDoubtOutlivesAnotherAnswer(t *testing.T) {
	for name, second := range map[string]error{"busy": fault(publisher.Busy, 503), "invalid": fault(publisher.Invalid, 422), "denied": fault(publisher.Denied, 401)} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 0)
			n := &network{keyed: true, traits: publisher.Traits{Keyed: time.Hour}}
			n.script = func(call int) (error, error) {
				if call == 1 {
					return nil, fault(publisher.Unknown, 0)
				}
				return second, nil
			}
			h.config.Networks["c"] = n
			h.plan("i", false, map[string]int{"c": 1})
			h.run()
			h.want(map[publisher.State]int{unknown: 1})
			h.clock.Sleep(t.Context(), 2*time.Hour)
			n.script, n.keyed = nil, false // the network has forgotten the key
			h.run()
			h.want(map[publisher.State]int{unknown: 1})
			if len(n.posts) != 1 {
				t.Errorf("it stands there %d times", len(n.posts))
			}
		})
	}
}

// A "no" counts only once the network has had time to show what it took.
func TestFindersNoIsNotTrustedTooEarly(t *testing.T) {
	for name, c := range map[string]struct {
		settle time.Duration
		runs   int
	}{
		"within patience": {20 * time.Second, 1},
		"beyond patience": {10 * time.Minute, 2},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 0)
			n := &network{traits: publisher.Traits{Settle: c.settle}, script: first(nil, fault(publisher.Unknown, 0), 1)}
			h.config.Networks["c"] = &finding{network: n, clock: h.clock, delay: c.settle - time.Second, posted: map[string]time.Time{}}
			h.plan("i", false, map[string]int{"c": 1})
			for i := range c.runs {
				if i > 0 {
					h.want(map[publisher.State]int{unknown: 1})
					h.clock.Sleep(t.Context(), c.settle)
				}
				h.run()
			}
			h.want(map[publisher.State]int{accepted: 1})
			if len(n.posts) != 1 || n.calls != 1 {
				t.Errorf("%d posts after %d calls", len(n.posts), n.calls)
			}
		})
	}
}

func TestFinderFails(t *testing.T) {
	for name, c := range map[string]struct {
		fail   func(asked int) error
		want   publisher.State
		paused bool
	}{
		"busy twice": {func(asked int) error {
			if asked <= 2 {
				return fault(publisher.Busy, 429)
			}
			return nil
		}, accepted, false},
		"for ever": {func(int) error { return fault(publisher.Busy, 503) }, unknown, false},
		"denied":   {func(int) error { return fault(publisher.Denied, 401) }, unknown, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 0)
			n := &network{script: first(nil, fault(publisher.Unknown, 0), 1)}
			f := &finding{network: n, clock: h.clock, posted: map[string]time.Time{}, fail: c.fail}
			h.config.Networks["c"] = f
			h.plan("i", false, map[string]int{"c": 1})
			r := h.run()
			h.want(map[publisher.State]int{c.want: 1})
			if (r.Paused["c"] != nil) != c.paused || n.calls != 1 {
				t.Errorf("paused %v after %d posts", r.Paused, n.calls)
			}
		})
	}
}

// Part k+1 answers part k, and a thread goes on where it stopped.
func TestThread(t *testing.T) {
	h := newHouse(t, 0)
	n := &network{}
	n.script = func(call int) (error, error) {
		if call == 3 {
			return fault(publisher.Invalid, 422), nil
		}
		return nil, nil
	}
	h.config.Networks["c"] = n
	h.plan("i", false, map[string]int{"c": 5})
	h.run()
	h.want(map[publisher.State]int{accepted: 2, failed: 1, planned: 2})
	h.run()
	if n.calls != 3 {
		t.Errorf("%d calls, a failed part must wait for the owner's word", n.calls)
	}
	if retried, err := dispatch.New(h.config).Retry(t.Context(), publisher.Selection{}, false); err != nil || retried != 1 {
		t.Fatal(retried, err)
	}
	h.run()
	h.want(map[publisher.State]int{accepted: 5})
	for i, p := range n.posts {
		if p.Text != fmt.Sprintf("c %d", i+1) {
			t.Fatalf("post %d is %q", i, p.Text)
		}
		if (i == 0) != (p.Parent == nil) || (i == 0) != (p.Root == nil) {
			t.Fatalf("post %d has parent %v and root %v", i, p.Parent, p.Root)
		}
		if i > 0 && (p.Parent.Ref != fmt.Sprint("ref", i) || p.Root.Ref != "ref1") {
			t.Errorf("post %d answers %+v of the thread %+v", i, p.Parent, p.Root)
		}
		if !p.Created.Equal(n.posts[0].Created) {
			t.Errorf("post %d was created at another moment", i)
		}
	}
	var parts []int
	for _, d := range h.seen {
		if d.State == accepted {
			parts = append(parts, d.Part)
		}
	}
	if fmt.Sprint(parts) != "[1 2 3 4 5]" {
		t.Errorf("the observer saw the parts %v accepted", parts)
	}
}

func TestPostCarriesItsPictures(t *testing.T) {
	h := newHouse(t, 0)
	n := &network{}
	h.config.Networks["c"] = n
	hash, err := h.SaveMedia(t.Context(), "image/png", []byte("picture"))
	if err != nil {
		t.Fatal(err)
	}
	ref := publisher.MediaRef{Hash: hash, Alt: "alt", Width: 3, Height: 2}
	r := publisher.Rendering{Channel: "c", Language: "fr", Parts: []publisher.Part{{Text: "x", Language: "en", Warning: "w",
		Media: []publisher.MediaRef{ref}, Card: &publisher.Card{URL: "https://x.example/", Title: "t", Description: "d", Thumb: &ref}}}}
	if _, err := dispatch.New(h.config).Plan(t.Context(), publisher.Issue{ID: "i"}, []publisher.Rendering{r}, nil); err != nil {
		t.Fatal(err)
	}
	h.run()
	p := n.posts[0]
	if len(p.Media) != 1 || string(p.Media[0].Data) != "picture" || p.Media[0].Type != "image/png" || p.Media[0].Alt != "alt" ||
		p.Card == nil || string(p.Card.Thumb.Data) != "picture" || p.Language != "en" || p.Warning != "w" {
		t.Errorf("got %+v", p)
	}
}

// Channels run side by side: one that hangs keeps no other from ending.
func TestChannelsDoNotWaitForEachOther(t *testing.T) {
	h := newHouse(t, 20)
	h.config.Sleep = nil
	release := make(chan struct{})
	slow, quick := &hanging{network: &network{}, release: release}, &network{}
	h.config.Networks["slow"], h.config.Networks["quick"] = slow, quick
	m := newMailer(nil)
	h.config.Mailer = m
	h.plan("i", true, map[string]int{"slow": 1, "quick": 3})
	done := make(chan struct{})
	go func() { defer close(done); h.run() }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		tallies, err := h.Counts(t.Context(), publisher.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, tally := range tallies {
			n += tally.States[accepted]
		}
		if n == 23 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("only %d of 23 were delivered while one channel hung", n)
			break
		}
	}
	close(release)
	<-done
	h.want(map[publisher.State]int{accepted: 24})
}

type hanging struct {
	*network
	release chan struct{}
}

func (n *hanging) Post(ctx context.Context, p publisher.Post) (publisher.Receipt, error) {
	<-n.release
	return n.network.Post(ctx, p)
}

// A call that never answers is cut off, and the run ends.
func TestCallTimesOut(t *testing.T) {
	h := newHouse(t, 0)
	h.config.Timeout = 20 * time.Millisecond
	h.config.Networks["c"] = deaf{&network{}}
	h.plan("i", false, map[string]int{"c": 1})
	h.run()
	h.want(map[publisher.State]int{unknown: 1})
}

type deaf struct{ *network }

func (deaf) Post(ctx context.Context, _ publisher.Post) (publisher.Receipt, error) {
	<-ctx.Done()
	return publisher.Receipt{}, &publisher.Error{Kind: publisher.Unknown, Op: "post", Err: ctx.Err()}
}

func TestChannelThatIsGone(t *testing.T) {
	h := newHouse(t, 0)
	n := &network{}
	h.config.Networks["c"], h.config.Networks["d"] = n, n
	h.plan("i", false, map[string]int{"c": 1, "d": 1})
	delete(h.config.Networks, "c")
	r := h.run()
	h.want(map[publisher.State]int{planned: 1, accepted: 1})
	if publisher.KindOf(r.Paused["c"]) != publisher.Invalid {
		t.Errorf("paused: %v", r.Paused)
	}
	if _, err := dispatch.New(h.config).Plan(t.Context(), publisher.Issue{ID: "j"}, texts(false, map[string]int{"c": 1}), nil); publisher.KindOf(err) != publisher.Invalid {
		t.Errorf("planned for a channel that is not there: %v", err)
	}
}
