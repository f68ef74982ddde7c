package config

import (
	"encoding"
	"errors"
	"strconv"
	"strings"
	"time"
)

// A Rate is a number of mails in a time; the zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

var _ encoding.TextUnmarshaler = (*Rate)(nil)

var errRate = errors.New("want a number and a time such as 10/s, 100/m, 300/h or 2000/d")

// UnmarshalText reads "300/h"; "" is no limit.
func (r *Rate) UnmarshalText(text []byte) error {
	*r = Rate{}
	s := strings.TrimSpace(string(text))
	if s == "" {
		return nil
	}
	count, unit, _ := strings.Cut(s, "/")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	if err != nil || n < 1 {
		return errRate
	}
	per := map[string]time.Duration{"s": time.Second, "m": time.Minute, "min": time.Minute,
		"h": time.Hour, "d": 24 * time.Hour}[strings.TrimSpace(unit)]
	if per == 0 {
		return errRate
	}
	*r = Rate{Count: n, Per: per}
	return nil
}

// readDuration reads "90s", "4h" or, as no standard library does, "3d".
func readDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		return time.ParseDuration(s)
	}
	n, err := strconv.Atoi(days)
	if err != nil || n < 0 || n > 3650 {
		return 0, errors.New("no number of days")
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	return d + more, err
}

// PerSecond gives how many mails a second that is; 0: no limit.
func (r Rate) PerSecond() float64 {
	if r.Count == 0 || r.Per == 0 {
		return 0
	}
	return float64(r.Count) / r.Per.Seconds()
}

// String gives the rate as the configuration writes it.
func (r Rate) String() string {
	unit := map[time.Duration]string{time.Second: "s", time.Minute: "m", time.Hour: "h", 24 * time.Hour: "d"}[r.Per]
	if r.Count == 0 || unit == "" {
		return ""
	}
	return strconv.Itoa(r.Count) + "/" + unit
}
