package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"crieur/publisher"
)

// fill puts the values of the keys below at into the struct v, whose fields keep
// what they hold where a key is not set.
func (l *loader) fill(at path, fields []field, v reflect.Value) {
	for _, f := range fields {
		below, target := at.key(f.key), v.FieldByIndex(f.index)
		switch f.form {
		case section:
			l.fill(below, f.below(), target)
		case named:
			l.fillNames(below, f, target)
		default:
			l.set(below, f, l.value(below), target)
		}
	}
}

// fillNames fills a slice with one struct for each name, in the file's order.
func (l *loader) fillNames(at path, f field, target reflect.Value) {
	for _, name := range l.names[at] {
		one := reflect.New(f.typ.Elem())
		one.Elem().FieldByName("Name").SetString(name)
		if c, ok := one.Interface().(*Channel); ok {
			c.loader, c.at = l, at.key(name)
		}
		l.fill(at.key(name), f.below(), one.Elem())
		target.Set(reflect.Append(target, one.Elem()))
	}
}

// set puts the value n, nil for none, into target.
func (l *loader) set(at path, f field, n *node, target reflect.Value) {
	if n == nil || n.kind == nothing {
		if f.required() {
			l.missing(at, f)
		}
		return
	}
	switch f.form {
	case items:
		l.fillItems(at, f, n, target)
	case texts:
		l.setTexts(at, f, n, target)
	case pairs:
		l.setPairs(at, f, n, target)
	default:
		if n.kind != scalar {
			l.problem(n.origin, at, "want "+f.form.want()+", got "+n.kind.String(), "")
			return
		}
		t, ok := l.textOf(at, f, n)
		if fallback, has := f.fallback(); t.absent && has {
			t, ok = filled{text: fallback}, true
		}
		if ok {
			if t.text == "" && f.required() {
				l.missing(at, f)
				return
			}
			if e := f.convert(t.text, target); e != nil {
				l.refuse(at, f, n, t, e)
			}
		}
	}
}

func (l *loader) missing(at path, f field) {
	l.problem(l.origin(at.parent()), at, "is missing", f.advice())
}

// textOf gives the text of n with its references followed; false where it has
// none, be it allowed or a problem.
func (l *loader) textOf(at path, f field, n *node) (filled, bool) {
	if n.layer != fromFile {
		return filled{text: n.text}, true
	}
	t, err := l.follow(n.text, !l.live && !f.required())
	if err != nil {
		hint := ""
		var e *errReference
		if errors.As(err, &e) {
			hint = e.hint
		}
		l.problem(n.origin, at, err.Error(), hint)
		return t, false
	}
	t.text = strings.TrimRight(t.text, "\n")
	return t, !t.absent
}

// refuse reports a value that cannot be used.
func (l *loader) refuse(at path, f field, n *node, t filled, e *refusal) {
	message := e.message
	if f.form != secret && t.shown(n) {
		message += fmt.Sprintf(", got %q", shortened(t.text))
	}
	l.problem(n.origin, at, message, e.hint)
}

// shown reports whether an error may repeat the text, which n gave: only where it
// stands in the file or on the command line as it is.
func (t filled) shown(n *node) bool { return !t.indeed && n.layer != fromEnvironment }

func shortened(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// fillItems fills a slice with one struct for each item of a list.
func (l *loader) fillItems(at path, f field, n *node, target reflect.Value) {
	if n.kind != list {
		l.problem(n.origin, at, "want a list, got "+n.kind.String(), "begin each item with a dash")
		return
	}
	for i, item := range n.items {
		place, one := at.item(i), reflect.New(f.typ.Elem()).Elem()
		if item.kind != table {
			l.problem(item.origin, place, "want a map of keys, got "+item.kind.String(), "")
			continue
		}
		for _, inner := range f.below() {
			value := item.get(inner.key)
			if text, ok := inner.fallback(); ok && (value == nil || value.kind == nothing) {
				value = &node{kind: scalar, text: text}
			}
			l.set(place.key(inner.key), inner, value, one.FieldByIndex(inner.index))
		}
		target.Set(reflect.Append(target, one))
	}
}

// setTexts sets a list of texts. Outside the file it is written with commas.
func (l *loader) setTexts(at path, f field, n *node, target reflect.Value) {
	nodes := n.items
	switch {
	case n.kind == scalar && n.layer != fromFile:
		for s := range strings.SplitSeq(n.text, ",") {
			if s = strings.TrimSpace(s); s != "" {
				nodes = append(nodes, &node{origin: n.origin, kind: scalar, text: s})
			}
		}
	case n.kind != list:
		l.problem(n.origin, at, "want a list, got "+n.kind.String(), "write it as [one, two] or with a dash before each")
		return
	}
	all := reflect.MakeSlice(f.typ, 0, len(nodes))
	seen := map[string]bool{}
	for i, item := range nodes {
		one := reflect.New(f.typ.Elem()).Elem()
		if item.kind != scalar {
			l.problem(item.origin, at.item(i), "want text, got "+item.kind.String(), "")
			continue
		}
		t, ok := l.textOf(at, f, item)
		if !ok {
			continue
		}
		e := f.convertText(t.text, one)
		if e == nil && seen[t.text] {
			e = &refusal{message: "stands twice"}
		}
		seen[t.text] = true
		if e != nil {
			l.refuse(at, f, item, t, e)
			continue
		}
		all = reflect.Append(all, one)
	}
	target.Set(all)
}

// setPairs sets a map of texts.
func (l *loader) setPairs(at path, f field, n *node, target reflect.Value) {
	if n.kind != table {
		l.problem(n.origin, at, "want a map of keys, got "+n.kind.String(), "")
		return
	}
	m := reflect.MakeMap(f.typ)
	for _, e := range n.entries {
		if e.value.kind != scalar {
			l.problem(e.value.origin, at.key(e.key), "want text, got "+e.value.kind.String(), "")
			continue
		}
		if t, ok := l.textOf(at.key(e.key), f, e.value); ok {
			m.SetMapIndex(reflect.ValueOf(e.key).Convert(f.typ.Key()), reflect.ValueOf(t.text).Convert(f.typ.Elem()))
		}
	}
	target.Set(m)
}

// A refusal says why a text is no value for a key.
type refusal struct{ message, hint string }

// convert puts a text into target in the field's form.
func (f field) convert(s string, target reflect.Value) *refusal {
	want := &refusal{message: "want " + f.form.want()}
	switch f.form {
	case secret:
		if s != "" {
			if e := checkFormat(f.tag.Get("format"), s); e != nil {
				return e
			}
		}
		target.SetString(s)
	case number:
		n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
		if err != nil || target.OverflowInt(n) || !f.within(n) {
			return &refusal{message: want.message + f.bounds()}
		}
		target.SetInt(n)
	case decimal:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return want
		}
		target.SetFloat(n)
	case truth:
		if s != "true" && s != "false" {
			return want
		}
		target.SetBool(s == "true")
	case duration:
		d, err := readDuration(s)
		if err != nil || d < 0 {
			return want
		}
		if least, err := strconv.ParseInt(f.tag.Get("min"), 10, 64); err == nil && least > int64(time.Second) && int64(d) < least {
			return &refusal{message: "want at least " + strings.TrimSuffix(time.Duration(least).String(), "0s")}
		}
		if !f.within(int64(d)) {
			return want
		}
		target.SetInt(int64(d))
	case address:
		if s == "" {
			return nil
		}
		a, ok := readAddress(s)
		if !ok {
			return want
		}
		target.Set(reflect.ValueOf(a))
	default:
		return f.convertText(s, target)
	}
	return nil
}

// convertText puts one text into target, after what the field's tags ask of it.
func (f field) convertText(s string, target reflect.Value) *refusal {
	if f.tag.Get("lines") != "true" && strings.ContainsFunc(s, unicode.IsControl) ||
		strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		return &refusal{message: "want text on one line"}
	}
	if enum := f.enum(); enum != nil && !slices.Contains(enum, s) {
		e := &refusal{message: "want " + either(enum)}
		if n := nearest(s, enum); n != "" {
			e.hint = "did you mean " + n + "?"
		}
		return e
	}
	if s != "" {
		if e := checkFormat(f.tag.Get("format"), s); e != nil {
			return e
		}
	}
	if u, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(s)); err != nil {
			if errors.Is(err, errRate) || publisher.KindOf(err) == publisher.Invalid {
				return refusalOf(err) // written for the one who wrote the key
			}
			return &refusal{message: "is not valid"}
		}
		return nil
	}
	target.SetString(s)
	return nil
}

// limits gives the field's bounds; those it does not have are the widest.
func (f field) limits() (low, high int64) {
	low, high = math.MinInt64, math.MaxInt64
	if n, err := strconv.ParseInt(f.tag.Get("min"), 10, 64); err == nil {
		low = n
	}
	if n, err := strconv.ParseInt(f.tag.Get("max"), 10, 64); err == nil {
		high = n
	}
	return low, high
}

func (f field) within(n int64) bool {
	low, high := f.limits()
	return low <= n && n <= high
}

func (f field) bounds() string {
	switch low, high := f.limits(); {
	case low > math.MinInt64 && high < math.MaxInt64:
		return fmt.Sprintf(" from %d to %d", low, high)
	case low > math.MinInt64:
		return fmt.Sprintf(" from %d on", low)
	case high < math.MaxInt64:
		return fmt.Sprintf(" up to %d", high)
	}
	return ""
}
