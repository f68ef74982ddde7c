package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The papers on which an accent has to be read; the style sheets use the same.
var (
	lightPaper = rgb{0xff, 0xff, 0xff}
	darkPaper  = rgb{0x16, 0x15, 0x13}
)

const (
	defaultAccent = "#9a1b1e"
	// WCAG 2.2 asks of text 4.5 (AA) and 7 (AAA). On paper the site's colour changes as
	// little as it may; on a dark ground thin letters glare less and need more.
	readableLight = 4.6
	readableDark  = 7.0
)

type rgb [3]float64

// accents gives a site's accent colour as it can be read on white and on dark
// paper: the colour itself where it is readable, else darkened or lightened just
// enough. What is no colour counts as crieur's own.
func accents(hex string) (light, dark string) {
	c, ok := parseColor(hex)
	if !ok {
		c, _ = parseColor(defaultAccent)
	}
	return c.toward(rgb{0, 0, 0}, lightPaper, readableLight).String(), c.toward(rgb{255, 255, 255}, darkPaper, readableDark).String()
}

// parseColor reads "#rgb" and "#rrggbb".
func parseColor(s string) (rgb, bool) {
	s, ok := strings.CutPrefix(s, "#")
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if !ok || len(s) != 6 || err != nil {
		return rgb{}, false
	}
	return rgb{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}, true
}

// toward mixes c with end in steps until its contrast with paper is readable.
func (c rgb) toward(end, paper rgb, readable float64) rgb {
	const steps = 64
	for i := range steps {
		mixed := rgb{}
		for k := range mixed {
			mixed[k] = math.Round(c[k] + (end[k]-c[k])*float64(i)/steps)
		}
		if contrast(mixed, paper) >= readable {
			return mixed
		}
	}
	return end
}

func (c rgb) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(c[0]), int(c[1]), int(c[2]))
}

// contrast gives the contrast ratio of WCAG 2.2, 1 to 21.
func contrast(a, b rgb) float64 {
	la, lb := a.luminance(), b.luminance()
	if la < lb {
		la, lb = lb, la
	}
	return (la + 0.05) / (lb + 0.05)
}

func (c rgb) luminance() float64 {
	weights := rgb{0.2126, 0.7152, 0.0722}
	sum := 0.0
	for k, v := range c {
		v /= 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weights[k] * v
	}
	return sum
}
