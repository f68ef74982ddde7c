package source

import (
	"slices"
	"strings"

	"crieur/publisher"
)

// wants reads the front matter's publish: where an article is to go, and when.
func (d *draft) wants() error {
	v, ok := d.front.find("publish")
	if !ok {
		return nil
	}
	wrong := func(cause string, args ...any) error {
		return invalid(line(d.in.where, v.line), "write publish: {newsletters: [NAME], channels: [NAME], at: TIME, slot: NAME, skip: true}, or less of it", cause, args...)
	}
	table, ok := v.value.(map[string]any)
	if !ok {
		switch {
		case isTrue(v.value):
		case text(v.value) == "false":
			d.meta.wants = &publisher.Wants{Skip: true}
		default:
			return wrong("publish is neither a map nor true or false")
		}
		return nil
	}
	w := &publisher.Wants{}
	for key, e := range table {
		switch strings.ToLower(key) {
		case "newsletters":
			w.Newsletters = texts(e)
		case "channels":
			w.Channels = texts(e)
		case "at":
			if w.At, ok = parseDate(e, d.zone); !ok {
				return wrong("publish: at %q is no date with a time, such as 2026-03-01 18:30", oneLine(text(e)))
			}
		case "slot":
			w.Slot = text(e)
		case "skip":
			w.Skip = isTrue(e)
		default:
			return wrong("publish has an unknown key %q", oneLine(key))
		}
	}
	if !w.At.IsZero() && w.Slot != "" {
		return wrong("publish: at and slot both say when")
	}
	d.meta.wants = w
	return nil
}

func texts(v any) []string {
	if s, ok := v.(string); ok {
		return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
	}
	var out []string
	for _, e := range values(v) {
		out = append(out, text(e))
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}
