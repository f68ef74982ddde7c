package dispatch_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/dispatch"
)

func TestPreviewWritesNothing(t *testing.T) {
	h := newHouse(t, 7)
	h.config.Networks["c"] = &network{}
	d := dispatch.New(h.config)
	issue := publisher.Issue{ID: "i", Created: h.clock.Now()}
	preview := func(parts int) map[string]publisher.Forecast {
		t.Helper()
		p, err := d.Preview(t.Context(), issue, texts(true, map[string]int{"c": parts}), daily)
		if err != nil {
			t.Fatal(err)
		}
		f := map[string]publisher.Forecast{}
		for _, l := range p.Lots {
			f[l.Lot.Channel] = l.Forecast
		}
		return f
	}
	want := map[string]publisher.Forecast{"daily": {New: 7}, "c": {New: 2}}
	for range 2 {
		if diff := cmp.Diff(want, preview(2)); diff != "" {
			t.Fatalf("before (-want +got):\n%s", diff)
		}
	}
	if issues, err := h.Issues(t.Context(), 0); err != nil || len(issues) != 0 {
		t.Fatalf("previewing wrote %d issues, %v", len(issues), err)
	}
	h.plan("i", true, map[string]int{"c": 2})
	want = map[string]publisher.Forecast{"daily": {Existing: 7}, "c": {Existing: 2}}
	// Rendered anew it might have more parts; the frozen ones count.
	if diff := cmp.Diff(want, preview(3)); diff != "" {
		t.Fatalf("after (-want +got):\n%s", diff)
	}
}

func TestPlanKeepsTheFirstRendering(t *testing.T) {
	h := newHouse(t, 1)
	n := &network{}
	h.config.Networks["c"], h.config.Mailer = n, newMailer(nil)
	first := h.plan("i", true, map[string]int{"c": 1})
	if first.New() != 2 || len(first.Changed) != 0 || first.Lots[0].Lot.Channel != "daily" {
		t.Fatalf("got %+v", first)
	}
	changed := texts(true, map[string]int{"c": 3})
	for i := range changed {
		changed[i].Hash = "other"
	}
	changed[1].Parts[0].Text = "changed"
	p, err := dispatch.New(h.config).Plan(t.Context(), publisher.Issue{ID: "i", Created: h.clock.Now().Add(time.Hour)}, changed, daily)
	if err != nil {
		t.Fatal(err)
	}
	if p.New() != 0 || len(p.Changed) != 2 || !p.Issue.Created.Equal(first.Issue.Created) {
		t.Errorf("planned again: %+v", p)
	}
	h.run()
	if len(n.posts) != 1 || n.posts[0].Text != "c 1" {
		t.Errorf("posted: %+v", n.posts)
	}
}

func TestPlanTakesInWhoJoinedSince(t *testing.T) {
	h := newHouse(t, 3)
	m := newMailer(nil)
	h.config.Mailer = m
	h.plan("i", true, nil)
	h.run()
	subscribe(t, h.Ledger, 5)
	if p := h.plan("i", true, nil); p.New() != 2 || p.Lots[0].Existing != 3 {
		t.Fatalf("got %+v", p.Lots)
	}
	h.run()
	h.want(map[publisher.State]int{accepted: 5})
	if m.calls != 5 {
		t.Errorf("%d mails for 5 readers", m.calls)
	}
}

func TestPlanWithoutItsRendering(t *testing.T) {
	h := newHouse(t, 1)
	_, err := dispatch.New(h.config).Plan(t.Context(), publisher.Issue{ID: "i"}, nil, daily)
	if err == nil {
		t.Fatal("mails were planned without a text")
	}
	h.want(nil)
}
