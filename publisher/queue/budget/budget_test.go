package budget_test

import (
	"testing"
	"time"

	"crieur/publisher/queue/budget"
)

func money(t *testing.T, s string) (m budget.Money) {
	t.Helper()
	if err := m.UnmarshalText([]byte(s)); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return m
}

func TestMoney(t *testing.T) {
	for text, want := range map[string]struct {
		micros budget.Money
		again  string
	}{
		"20 USD": {20_000_000, "20 USD"}, "20": {20_000_000, "20 USD"}, "0.015 usd": {15_000, "0.015 USD"}, "0.50": {500_000, "0.5 USD"},
		"": {0, "0 USD"}, "999999999.999999": {999_999_999_999_999, "999999999.999999 USD"}, "0": {0, "0 USD"},
	} {
		if m := money(t, text); m != want.micros || m.String() != want.again {
			t.Errorf("%q is %d, written %q", text, m, m)
		}
	}
	for _, text := range []string{"20 EUR", "$20", "20$", "-5", "+5", "1,50", "1e3", ".5", "5.", "0.0000001", "USD", "20 USD a month", "1_000", "9999999999"} {
		var m budget.Money
		if err := m.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, m)
		}
	}
}

func TestDecide(t *testing.T) {
	b := budget.Budget{Monthly: money(t, "20 USD"), Warn: 0.8, WhenReached: budget.Hold}
	skip := b
	skip.WhenReached = budget.Skip
	for name, c := range map[string]struct {
		budget       budget.Budget
		spent, price string
		want         budget.Verdict
	}{
		"little":               {b, "1", "0.2", budget.Allow},
		"free, long reached":   {b, "30", "0", budget.Allow},
		"just before the warn": {b, "15.79", "0.2", budget.Allow},
		"warn":                 {b, "15.8", "0.2", budget.Warn},
		"the last cent":        {b, "19.8", "0.2", budget.Warn},
		"over":                 {b, "19.800001", "0.2", budget.Hold},
		"over, skip":           {skip, "19.9", "0.2", budget.Skip},
		"one too dear":         {b, "0", "20.1", budget.Hold},
		"no budget":            {budget.Budget{}, "1000", "20", budget.Allow},
		"nothing said":         {budget.Budget{Monthly: 1}, "1", "1", budget.Hold},
	} {
		if got := c.budget.Decide(money(t, c.spent), money(t, c.price)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestMonth(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	// In Paris it is 1 January already.
	from, to := budget.Month(time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC), paris)
	if got, want := from.Format(time.RFC3339)+" "+to.Format(time.RFC3339), "2027-01-01T00:00:00+01:00 2027-02-01T00:00:00+01:00"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
