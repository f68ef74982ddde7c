// Package budget decides whether a post may still be paid for. What was spent and what
// a post costs are handed in: the first is the ledger's to know, the second the
// network's.
package budget

import (
	"encoding"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

// Money is an amount in millionths of a US dollar.
type Money int64

const dollar Money = 1_000_000

var _ encoding.TextUnmarshaler = (*Money)(nil)

// UnmarshalText reads "20 USD", "20" or "0.5 USD"; "" is nothing.
func (m *Money) UnmarshalText(text []byte) error {
	*m = 0
	fields := strings.Fields(string(text))
	if len(fields) == 0 {
		return nil
	}
	refused := &publisher.Error{Kind: publisher.Invalid, Err: errors.New("want an amount such as 20 USD"),
		Hint: "networks name their prices in US dollars; write cents after a point"}
	if len(fields) > 2 || len(fields) == 2 && !strings.EqualFold(fields[1], "USD") {
		return refused
	}
	whole, part, pointed := strings.Cut(fields[0], ".")
	if whole == "" || len(whole) > 9 || pointed && part == "" || len(part) > 6 || strings.Trim(whole+part, "0123456789") != "" {
		return refused
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", 6-len(part)), 10, 64)
	if err != nil {
		return refused
	}
	*m = Money(n)
	return nil
}

// String gives the amount as it is written: "20 USD".
func (m Money) String() string {
	s := strconv.FormatInt(int64(m/dollar), 10)
	if rest := m % dollar; rest != 0 {
		s += strings.TrimRight(fmt.Sprintf(".%06d", int64(rest)), "0")
	}
	return s + " USD"
}

// A Budget is what a channel may cost in a calendar month of the site's time zone.
// The zero Budget sets no limit.
type Budget struct {
	Monthly     Money   // 0: no limit
	Warn        float64 // share of Monthly from which on its owner is warned, 0 to 1; 0: never
	WhenReached Verdict // Hold or Skip
}

// A Verdict says what to do about a post.
type Verdict string

const (
	Allow Verdict = "allow"
	Warn  Verdict = "warn" // allow it, and tell the owner how much is spent
	Hold  Verdict = "hold" // keep it until its owner says so, or a month begins
	Skip  Verdict = "skip" // leave it undone for good
)

// Decide says whether what costs price may be done after spent went out this month.
// What is free is always allowed. The limit itself may be spent.
func (b Budget) Decide(spent, price Money) Verdict {
	switch {
	case b.Monthly == 0 || price <= 0:
		return Allow
	case spent+price <= b.Monthly:
		if b.Warn > 0 && float64(spent+price) >= b.Warn*float64(b.Monthly) {
			return Warn
		}
		return Allow
	case b.WhenReached == Skip:
		return Skip
	}
	return Hold
}

// Month gives the beginning of the calendar month of now, and of the next one.
func Month(now time.Time, zone *time.Location) (from, to time.Time) {
	y, m, _ := now.In(zone).Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, zone), time.Date(y, m+1, 1, 0, 0, 0, 0, zone)
}
