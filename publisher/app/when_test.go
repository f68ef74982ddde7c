package app_test

import (
	"strings"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/app"
)

func TestWhen(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04", text, paris)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for name, c := range map[string]struct {
		now, text string
		want      string // RFC 3339; "" for at once
		note      string
		refused   string
		hint      string
	}{
		"now":                {"2026-11-23 12:00", "now", "", "", "", ""},
		"today":              {"2026-11-23 12:00", "18:00", "2026-11-23T18:00:00+01:00", "", "", ""},
		"today, said":        {"2026-11-23 12:00", " Today  18:00", "2026-11-23T18:00:00+01:00", "", "", ""},
		"past today":         {"2026-11-23 19:00", "18:00", "", "", "is past", `"tomorrow 18:00"?`},
		"tomorrow":           {"2026-11-30 19:00", "tomorrow 08:00", "2026-12-01T08:00:00+01:00", "", "", ""},
		"a day":              {"2026-11-23 12:00", "2026-12-01 18:00", "2026-12-01T18:00:00+01:00", "", "", ""},
		"a day with T":       {"2026-11-23 12:00", "2026-12-01T18:00", "2026-12-01T18:00:00+01:00", "", "", ""},
		"with a zone":        {"2026-11-23 12:00", "2026-12-01T18:00:00Z", "2026-12-01T19:00:00+01:00", "", "", ""},
		"past with a zone":   {"2026-11-23 12:00", "2026-11-23T10:00:00Z", "", "", "is past", "at once"},
		"past day":           {"2026-11-23 12:00", "2026-11-22 18:00", "", "", "is past", "at once"},
		"no such day":        {"2026-11-23 12:00", "2026-02-30 18:00", "", "", "is no time", "RFC 3339"},
		"nonsense":           {"2026-11-23 12:00", "soon", "", "", "is no time", "RFC 3339"},
		"empty":              {"2026-11-23 12:00", "", "", "", "is no time", "RFC 3339"},
		"over a DST change":  {"2026-10-24 19:00", "tomorrow 18:00", "2026-10-25T18:00:00+01:00", "", "", ""},
		"skipped":            {"2026-03-28 12:00", "tomorrow 02:30", "", "", "never show 02:30", "after that is 03:00"},
		"after the skipped":  {"2026-03-28 12:00", "tomorrow 03:00", "2026-03-29T03:00:00+02:00", "", "", ""},
		"before the skipped": {"2026-03-28 12:00", "tomorrow 01:59", "2026-03-29T01:59:00+01:00", "", "", ""},
		"twice":              {"2026-10-24 12:00", "tomorrow 02:30", "2026-10-25T02:30:00+02:00", "the other one is 2026-10-25T02:30:00+01:00", "", ""},
		"after the twice":    {"2026-10-24 12:00", "tomorrow 03:00", "2026-10-25T03:00:00+01:00", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			now := at(c.now)
			a, err := app.Open(app.Options{Config: "../../config.yaml", Timezone: "Europe/Paris", Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			w, err := a.When(c.text)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(publisher.HintOf(err), c.hint) {
					t.Fatalf("got %v (hint %q), want one with %q (hint %q)", err, publisher.HintOf(err), c.refused, c.hint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if !w.Release.IsZero() {
				got = w.Release.In(paris).Format(time.RFC3339)
			}
			if got != c.want || !strings.Contains(w.Note, c.note) || (w.Note == "") != (c.note == "") {
				t.Errorf("got %s (%q), want %s (%q)", got, w.Note, c.want, c.note)
			}
		})
	}
}
