package calendar_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crieur/publisher"
	"crieur/publisher/queue/calendar"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

const shape = "Mon 2006-01-02 15:04 MST"

func TestNext(t *testing.T) {
	for name, c := range map[string]struct {
		spec, zone, after string // after in the zone
		want              []string
	}{
		"time alone is daily": {"18:00", "Europe/Paris", "2026-11-23 17:59",
			[]string{"Mon 2026-11-23 18:00 CET", "Tue 2026-11-24 18:00 CET"}},
		"not the moment itself": {"daily 18:00", "Europe/Paris", "2026-11-23 18:00", []string{"Tue 2026-11-24 18:00 CET"}},
		"weekday":               {"mon 08:00", "Europe/Paris", "2026-11-23 08:00", []string{"Mon 2026-11-30 08:00 CET"}},
		"two days":              {"mon,thu 8:00", "UTC", "2026-11-23 09:00", []string{"Thu 2026-11-26 08:00 UTC", "Mon 2026-11-30 08:00 UTC"}},
		"days with blanks":      {"Mon, Tue, Wed, Thu 08:00", "UTC", "2026-11-26 09:00", []string{"Mon 2026-11-30 08:00 UTC"}},
		"full names, range over the week's end": {"saturday-monday 08:00", "UTC", "2026-11-27 09:00",
			[]string{"Sat 2026-11-28 08:00 UTC", "Sun 2026-11-29 08:00 UTC", "Mon 2026-11-30 08:00 UTC", "Sat 2026-12-05 08:00 UTC"}},
		"weekdays":               {"weekdays 07:30", "UTC", "2026-11-27 08:00", []string{"Mon 2026-11-30 07:30 UTC"}},
		"weekends":               {"weekends 10:00", "UTC", "2026-11-29 10:00", []string{"Sat 2026-12-05 10:00 UTC"}},
		"first of the month":     {"monthly 1 08:00", "UTC", "2026-12-01 08:00", []string{"Fri 2027-01-01 08:00 UTC", "Mon 2027-02-01 08:00 UTC"}},
		"a 31st for each month":  {"monthly 31 08:00", "UTC", "2027-01-31 08:00", []string{"Sun 2027-02-28 08:00 UTC", "Wed 2027-03-31 08:00 UTC", "Fri 2027-04-30 08:00 UTC"}},
		"last day, leap year":    {"monthly last 08:00", "UTC", "2028-02-01 00:00", []string{"Tue 2028-02-29 08:00 UTC"}},
		"last friday":            {"monthly last fri 17:00", "UTC", "2026-11-01 00:00", []string{"Fri 2026-11-27 17:00 UTC", "Fri 2026-12-25 17:00 UTC", "Fri 2027-01-29 17:00 UTC"}},
		"first monday":           {"monthly first mon 08:00", "UTC", "2026-11-02 08:00", []string{"Mon 2026-12-07 08:00 UTC", "Mon 2027-01-04 08:00 UTC"}},
		"fourth sunday":          {"monthly fourth sunday 08:00", "UTC", "2026-11-01 00:00", []string{"Sun 2026-11-22 08:00 UTC"}},
		"cron":                   {"0 18 * * 1-5", "Europe/Paris", "2026-11-27 18:00", []string{"Mon 2026-11-30 18:00 CET"}},
		"cron leaves out months": {"0 8 31 * *", "UTC", "2027-01-31 08:00", []string{"Wed 2027-03-31 08:00 UTC"}},
		"cron, 29 February":      {"0 8 29 2 *", "UTC", "2096-03-01 00:00", []string{"Fri 2104-02-29 08:00 UTC"}},
		"gap":                    {"02:30", "Europe/Paris", "2027-03-27 03:00", []string{"Sun 2027-03-28 03:00 CEST", "Mon 2027-03-29 02:30 CEST"}},
		"gap, from within it":    {"02:30", "Europe/Paris", "2027-03-28 03:00", []string{"Mon 2027-03-29 02:30 CEST"}},
		"twice, the first":       {"02:30", "Europe/Paris", "2026-10-24 03:00", []string{"Sun 2026-10-25 02:30 CEST", "Mon 2026-10-26 02:30 CET"}},
		"gap of half an hour":    {"02:15", "Australia/Lord_Howe", "2026-10-03 03:00", []string{"Sun 2026-10-04 02:30 +11", "Mon 2026-10-05 02:15 +11"}},
		"gap at midnight":        {"00:00", "Africa/Cairo", "2026-04-23 12:00", []string{"Fri 2026-04-24 01:00 EEST", "Sat 2026-04-25 00:00 EEST"}},
		"a day that is skipped":  {"18:00", "Pacific/Apia", "2011-12-29 12:00", []string{"Thu 2011-12-29 18:00 -10", "Sat 2011-12-31 00:00 +14", "Sat 2011-12-31 18:00 +14"}},
		"cron's gap fires once":  {"*/20 2 * * *", "Europe/Paris", "2027-03-27 02:50", []string{"Sun 2027-03-28 03:00 CEST", "Mon 2027-03-29 02:00 CEST"}},
		"cron each hour, twice":  {"0 * * * *", "Europe/Paris", "2026-10-25 01:30", []string{"Sun 2026-10-25 02:00 CEST", "Sun 2026-10-25 03:00 CET"}},
	} {
		t.Run(name, func(t *testing.T) {
			z := zone(t, c.zone)
			s, err := calendar.Parse(c.spec)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.ParseInLocation("2006-01-02 15:04", c.after, z)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range c.want {
				at = s.Next(at, z)
				got = append(got, at.Format(shape))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s after %s (-want +got):\n%s", c.spec, c.after, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, spec := range map[string]string{
		"nothing": "", "blank": "  ", "no time": "daily", "word": "soon", "hour 24": "24:00", "hour 25": "25:00", "minute 60": "daily 08:60", "one digit": "8:0",
		"dot": "08.00", "am": "8:00 am", "day": "lundi 08:00", "half a range": "mon- 08:00", "comma at the end": "mon, 08:00", "two times": "mon 08:00 09:00",
		"monthly alone": "monthly", "monthly without a time": "monthly 1", "day 0": "monthly 0 08:00", "day 32": "monthly 32 08:00", "fifth": "monthly fifth fri 08:00",
		"no weekday": "monthly last day 08:00", "number and weekday": "monthly 1 fri 08:00", "too many": "monthly last fri at 08:00",
		"six fields": "0 0 18 * * *", "four fields": "0 18 * *", "descriptor": "@daily", "every": "@every 1h", "zone": "TZ=UTC 0 18 * *", "zone alone": "TZ= 18 * * *",
		"cron minute": "60 8 * * *", "cron day": "0 8 * * 7", "cron step": "*/0 8 * * *", "never": "0 8 30 2 *", "negative": "-1:00", "sign": "+8:00",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := calendar.Parse(spec)
			if err == nil {
				t.Fatalf("%q is taken: next %v", spec, s.Next(time.Unix(0, 0), time.UTC))
			}
			if publisher.KindOf(err) != publisher.Invalid || publisher.HintOf(err) == "" {
				t.Errorf("%q: kind %v, hint %q", spec, publisher.KindOf(err), publisher.HintOf(err))
			}
		})
	}
}

func TestZeroScheduleNeverFires(t *testing.T) {
	var s calendar.Schedule
	if err := s.UnmarshalText(nil); err != nil || !s.IsZero() || !s.Next(time.Unix(0, 0), time.UTC).IsZero() {
		t.Errorf("%v, error %v", s, err)
	}
}

// Zones whose clocks do what clocks do: by an hour, by half an hour, by a day, at
// midnight, never, and away from UTC by quarters.
var zones = []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "America/Havana", "America/Sao_Paulo",
	"Asia/Kathmandu", "Africa/Casablanca", "America/St_Johns", "Pacific/Kiritimati", "UTC"}

// firstShown gives the first moment at which the zone's clocks show a time of day or a
// later one: that is what a schedule promises, looked up step by step.
func firstShown(date time.Time, z *time.Location) time.Time {
	const shown = "2006-01-02 15:04"
	target := date.Format(shown)
	for t := date.Add(-27 * time.Hour); ; t = t.Add(time.Minute) {
		if t.In(z).Format(shown) >= target {
			return t
		}
	}
}

// Over ten years in each zone, every day has its moment, once, and no other moment
// comes between.
func TestEveryDayOfTenYears(t *testing.T) {
	from := time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, name := range zones {
		z := zone(t, name)
		for j, at := range []string{"00:00", "00:30", "02:00", "02:15", "18:00"} {
			if testing.Short() && (i+j)%5 != 0 {
				continue
			}
			s, err := calendar.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			clock, _ := time.Parse("15:04", at)
			var want []time.Time
			for d := from.AddDate(0, 0, 2); d.Year() < 2019; d = d.AddDate(0, 0, 1) {
				day := d.Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
				// Only near a change of the clock is the slow way worth its time.
				before, after := day.Add(-40*time.Hour).In(z), day.Add(40*time.Hour).In(z)
				_, o1 := before.Zone()
				_, o2 := after.Zone()
				if _, end := before.ZoneBounds(); o1 == o2 && (end.IsZero() || end.After(after)) {
					want = append(want, day.Add(-time.Duration(o1)*time.Second))
					continue
				}
				want = append(want, firstShown(day, z))
			}
			want = slices.CompactFunc(want, time.Time.Equal)
			got := want[0].Add(-time.Second)
			for _, w := range want {
				if got = s.Next(got, z); !got.Equal(w) {
					t.Fatalf("%s in %s: got %s, want %s", at, name, got.Format(shape), w.In(z).Format(shape))
				}
			}
		}
	}
}

// Next steps over nothing: asked from any moment, it gives the first of its own moments
// that is later.
func TestNextFromAnyMoment(t *testing.T) {
	for _, name := range zones {
		z := zone(t, name)
		for _, spec := range []string{"*/15 * * * *", "30 2 * * *", "monthly last sun 02:30", "weekdays 00:00"} {
			s, err := calendar.Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
			next := s.Next(start, z)
			for at := start; at.Before(start.AddDate(0, 0, 14)); at = at.Add(7 * time.Minute) {
				for !next.After(at) {
					next = s.Next(next, z)
				}
				if got := s.Next(at, z); !got.Equal(next) {
					t.Fatalf("%s in %s from %s: got %s, want %s", spec, name, at.In(z).Format(shape), got.Format(shape), next.Format(shape))
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"18:00", "mon,thu 08:00", "monthly last fri 17:00", "0 18 * * 1-5", "TZ=UTC 0 8 * * *", "*/5 1-4,6 * jan mon", "@every 1s"} {
		f.Add(s)
	}
	paris := zone(f, "Europe/Paris")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := calendar.Parse(text)
		if err != nil {
			return
		}
		from := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
		first := s.Next(from, paris)
		if !first.After(from) || !s.Next(first, paris).After(first) {
			t.Errorf("%q: next after %v is %v", text, from, first)
		}
		again, err := calendar.Parse(s.String())
		if err != nil || !again.Equal(s) || !again.Next(from, paris).Equal(first) {
			t.Errorf("%q is written as %q, which is read as %v, error %v", text, s, again, err)
		}
	})
}
