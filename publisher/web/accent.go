package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ownAccent is crieur's, for sites that name no colour.
const ownAccent = "#9a1b1e"

// The papers of style.css.
var (
	lightPaper = colour{0xff, 0xff, 0xff}
	darkPaper  = colour{0x16, 0x15, 0x13}
)

// WCAG 2.2 asks of text a contrast of 4.5 (AA). On a dark ground thin letters glare
// less and get more, as they do in letters.
const (
	readableLight = 4.6
	readableDark  = 7.0
)

// A colour has red, green and blue from 0 to 255.
type colour [3]float64

// accents gives a site's accent, "#rgb" or "#rrggbb", as it can be read on light and
// on dark paper: as it is where it can be, else darker or lighter by no more than
// that takes. Anything else counts as no colour.
func accents(hex string) (light, dark string) {
	c, ok := parseColour(hex)
	if !ok {
		c, _ = parseColour(ownAccent)
	}
	return c.toward(colour{0, 0, 0}, lightPaper, readableLight).String(), c.toward(colour{255, 255, 255}, darkPaper, readableDark).String()
}

func parseColour(s string) (colour, bool) {
	digits, ok := strings.CutPrefix(s, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if !ok || len(digits) != 6 || err != nil {
		return colour{}, false
	}
	return colour{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}, true
}

// toward mixes c with end, step by step, until its contrast with paper is readable.
func (c colour) toward(end, paper colour, readable float64) colour {
	const steps = 64
	for i := range steps {
		var mixed colour
		for k := range mixed {
			mixed[k] = math.Round(c[k] + (end[k]-c[k])*float64(i)/steps)
		}
		if mixed.contrast(paper) >= readable {
			return mixed
		}
	}
	return end
}

// contrast gives the contrast ratio of WCAG 2.2, 1 to 21.
func (c colour) contrast(with colour) float64 {
	high, low := c.luminance(), with.luminance()
	if high < low {
		high, low = low, high
	}
	return (high + 0.05) / (low + 0.05)
}

// luminance is relative, 0 to 1 (WCAG 2.2).
func (c colour) luminance() float64 {
	weights := colour{0.2126, 0.7152, 0.0722}
	sum := 0.0
	for k, weight := range weights {
		v := c[k] / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(c[0]), int(c[1]), int(c[2]))
}
