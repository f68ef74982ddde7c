package config_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"crieur/publisher/config"
	"crieur/publisher/queue/calendar"
)

func TestRoutesSlotsAndSchedules(t *testing.T) {
	c := load(t, options(write(t, `
lists: {lecteurs: {}}
newsletters:
  quotidien:
    list: lecteurs
    from: La Gazette <redaction@gazette.example>
    schedule: Daily 18:00
    digest: {max: 5, group_by: tag}
  alertes:
    list: lecteurs
    from: La Gazette <redaction@gazette.example>
slots:
  jour: {between: 08:00-20:00, days: mon-fri, min_gap: 45m, max_per_day: 4}
  fixes: {at: ["12:30", "08:00"]}
channels:
  toots: {kind: mastodon, server: https://mastodon.example, slot: jour, delay: 30m}
routes:
  sport:
    tags: [sport, "!vélo"]
    channels: [toots]
    slot: fixes
    warning: Sport
  tout:
    newsletters: [quotidien, alertes]
    channels: [toots]
    delay: 1h
`)))
	daily, ok := c.ScheduleOf("quotidien")
	if !ok || daily.String() != "daily 18:00" {
		t.Errorf("schedule is %v", daily)
	}
	for _, name := range []string{"alertes", "nobody"} {
		if s, ok := c.ScheduleOf(name); ok {
			t.Errorf("%s has the schedule %v", name, s)
		}
	}
	want := []config.Route{
		{Name: "sport", Tags: []string{"sport", "!vélo"}, Channels: []string{"toots"}, Slot: "fixes", Warning: "Sport"},
		{Name: "tout", Newsletters: []string{"quotidien", "alertes"}, Channels: []string{"toots"}, Delay: time.Hour},
	}
	if diff := cmp.Diff(want, c.Routes, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	if ch := c.Channels[0]; ch.Slot != "jour" || ch.Delay != 30*time.Minute {
		t.Errorf("channel: %+v", ch)
	}
	var target mastodon
	if err := c.Channels[0].Decode(&target); err != nil {
		t.Errorf("the network is handed crieur's own keys: %v", err)
	}
	jour, _ := c.SlotNamed("jour")
	fixes, _ := c.SlotNamed("fixes")
	got := []calendar.Slot{jour.Calendar(), fixes.Calendar()}
	if diff := cmp.Diff([]calendar.Slot{
		{Between: calendar.Hours{From: 8 * 60, To: 20 * 60}, Days: 0b0111110, MinGap: 45 * time.Minute, MaxPerDay: 4},
		{At: calendar.Times{8 * 60, 12*60 + 30}},
	}, got); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
	if _, ok := c.SlotNamed("nuit"); ok {
		t.Error("a slot that is not there is found")
	}
}
