package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// A loader lays the layers of one configuration over each other. Viper decides
// which layer wins; the values that it keeps are nodes, so that the winner still
// knows its file and line. Two of viper's habits are worked around here: it reads
// a variable of the environment only for keys that it knows beforehand, so every
// key that can exist is laid, for every name in the file; and it lower-cases
// keys, so names keep their case in the tree.
type loader struct {
	file     string // of the configuration, as the user calls it
	dir      string // folder of the configuration
	options  Options
	values   *viper.Viper
	dotenv   map[string]*node
	flags    map[string]string // of Options.Set, those not yet used
	tables   map[path]*node    // what the file holds: sections and maps of names
	places   map[path]origin   // where the file mentions a key
	names    map[path][]string // of a map of names: those in order, as the file writes them
	sets     map[string]path   // the key that a variable sets
	leaves   []string          // every key that exists, for hints
	live     bool              // mode: live, by all layers
	problems []Problem
}

func newLoader(o Options, file, dir string) *loader {
	l := &loader{file: file, dir: dir, options: o, flags: maps.Clone(o.Set),
		values: viper.NewWithOptions(viper.KeyDelimiter(separator)),
		tables: map[path]*node{}, places: map[path]origin{}, names: map[path][]string{}, sets: map[string]path{}}
	l.dotenv = l.readDotenv()
	return l
}

// reader gives a loader that reads the same values and collects problems of its own.
func (l *loader) reader() *loader {
	r := *l
	r.problems = nil
	return &r
}

// maxProblems is more than anybody reads at once.
const maxProblems = 100

func (l *loader) problem(o origin, at path, message, hint string) {
	if len(l.problems) >= maxProblems {
		return
	}
	p := Problem{File: o.file, Line: o.line, Key: at.String(), Message: message, Hint: hint}
	if !slices.Contains(l.problems, p) {
		l.problems = append(l.problems, p)
	}
}

// wrong reports a problem with the value of a key, wherever that comes from.
func (l *loader) wrong(at path, message, hint string) { l.problem(l.origin(at), at, message, hint) }

// origin gives where a key's value was written, or else the nearest key above it.
func (l *loader) origin(at path) origin {
	if n := l.value(at); n != nil && n.layer != fromDefault {
		return n.origin
	}
	for {
		if o, ok := l.places[at]; ok {
			return o
		}
		if at == "" {
			return origin{file: l.file}
		}
		at = at.parent()
	}
}

// value gives what the strongest layer says about a key; nil where none does.
func (l *loader) value(at path) *node {
	n, _ := l.values.Get(string(at)).(*node)
	return n
}

// layAll lays all layers for the whole configuration.
func (l *loader) layAll(fields []field, root *node) {
	l.merge(l.laySection("", fields, root))
	l.layChannels(fields)
	if n := l.value("mode"); n != nil {
		mode := filled{text: n.text}
		if n.layer == fromFile {
			mode, _ = l.follow(n.text, true) // an error is told when the key is filled
		}
		l.live = mode.text == ModeLive
	}
	for key := range l.flags {
		l.problem(origin{file: commandLine}, path(key), "is no key of this configuration", unless(key, l.leaves))
	}
	if l.options.Channel == nil {
		return // a network's keys are unknown, and so are their variables
	}
	for name, n := range l.dotenv {
		if _, used := l.sets[name]; !used && strings.HasPrefix(name, variablePrefix) {
			l.problem(n.origin, "", name+" sets no key of this configuration", unless(name, slices.Sorted(maps.Keys(l.sets))))
		}
	}
}

const commandLine = "command line"

// merge puts what the file says into viper's layer for files.
func (l *loader) merge(m map[string]any) {
	if err := l.values.MergeConfigMap(m); err != nil {
		l.problem(origin{file: l.file}, "", err.Error(), "")
	}
}

// laySection lays the keys of the section n, which is nil where the file has none,
// and gives what the file says about them.
func (l *loader) laySection(at path, fields []field, n *node) map[string]any {
	n = l.table(at, n)
	l.refuseUnknown(at, fields, n)
	return l.layFields(at, fields, n)
}

func (l *loader) layFields(at path, fields []field, n *node) map[string]any {
	values := map[string]any{}
	for _, f := range fields {
		child, below := n.get(f.key), at.key(f.key)
		if child != nil {
			l.places[below] = child.origin
		}
		switch {
		case f.form == section:
			values[f.key] = l.laySection(below, f.below(), child)
		case f.form == named:
			values[f.key] = l.layNames(below, f, child)
		default:
			l.layLeaf(below, f)
			if child == nil {
				continue
			}
			if f.form == items {
				l.placeItems(below, f, child)
			}
			if child.kind != nothing {
				values[f.key] = child
			} else if commentedOut(f, child) {
				l.problem(child.origin, below, "has no value: what follows # is a comment", "put the value in quotes")
			}
		}
	}
	return values
}

// commentedOut reports whether what looks like a value is a comment to YAML, as
// in `accent: #aa2e25`.
func commentedOut(f field, n *node) bool {
	glued := len(n.comment) > 1 && n.comment[0] == '#' && n.comment[1] != ' ' && n.comment[1] != '#'
	return glued && (f.form == secret || f.tag.Get("format") == "colour")
}

// placeItems notes where the keys of a list's sections stand, and refuses unknown ones.
func (l *loader) placeItems(at path, f field, n *node) {
	fields := f.below()
	for i, item := range n.items {
		place := at.item(i)
		l.places[place] = item.origin
		l.refuseUnknown(place, fields, item)
		for _, e := range item.entries {
			l.places[place.key(e.key)] = e.value.origin
		}
	}
}

// table gives n where it is a map of keys; otherwise nil, and a problem unless
// there is nothing.
func (l *loader) table(at path, n *node) *node {
	switch {
	case n == nil || n.kind == nothing:
		return nil
	case n.kind != table:
		l.problem(n.origin, at, "want a map of keys, got "+n.kind.String(), "write the keys on the lines below, indented")
		return nil
	}
	l.tables[at] = n
	return n
}

func (l *loader) refuseUnknown(at path, fields []field, n *node) {
	if n == nil {
		return
	}
	keys := keysOf(fields)
	for _, e := range n.entries {
		if !slices.Contains(keys, e.key) {
			l.problem(origin{file: n.file, line: e.line}, at.key(e.key), "unknown key", unless(e.key, keys))
		}
	}
}

// layNames lays the sections of a map of names.
func (l *loader) layNames(at path, f field, n *node) map[string]any {
	values := map[string]any{}
	n = l.table(at, n)
	if n == nil {
		return values
	}
	what, fields := f.tag.Get("names"), f.below()
	for _, e := range n.entries {
		place := origin{file: n.file, line: e.line, layer: fromFile}
		below := at.key(e.key)
		if !name.MatchString(e.key) {
			l.problem(place, below, "is no name for a "+what, "take letters, digits and . _ - without accents or spaces")
			continue
		}
		// Commands, variables and addresses do not tell capitals apart.
		if i := slices.IndexFunc(l.names[at], func(other string) bool { return strings.EqualFold(other, e.key) }); i >= 0 {
			l.problem(place, below, "differs from "+l.names[at][i]+" in capitals only", "give one of them another name")
			continue
		}
		l.names[at] = append(l.names[at], e.key)
		l.places[below] = place
		if f.typ == channelsType {
			// Its keys depend on its kind: see layChannels.
			if l.table(below, e.value) != nil {
				values[e.key] = l.layFields(below, fields, e.value)
			} else {
				values[e.key] = l.layFields(below, fields, nil)
			}
			continue
		}
		values[e.key] = l.laySection(below, fields, e.value)
	}
	return values
}

var (
	name         = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	channelsType = reflect.TypeFor[[]Channel]()
)

// layChannels lays the networks' own keys, which can be known once all layers have
// said what kind each channel is.
func (l *loader) layChannels(fields []field) {
	for _, f := range fields {
		if f.typ != channelsType {
			continue
		}
		at, common := path(f.key), f.below()
		own := map[string]any{}
		for _, name := range l.names[at] {
			below := at.key(name)
			n := l.tables[below]
			target, ok := l.target(l.kind(below))
			if !ok {
				own[name] = rest(n, common)
				continue
			}
			fields := fieldsOf(reflect.ValueOf(target).Elem())
			l.refuseUnknown(below, append(common, fields...), n)
			own[name] = l.layFields(below, fields, n)
		}
		l.merge(map[string]any{f.key: own})
	}
}

// rest gives the keys of n that are not among fields, unchecked.
func rest(n *node, fields []field) map[string]any {
	values, known := map[string]any{}, keysOf(fields)
	if n != nil {
		for _, e := range n.entries {
			if !slices.Contains(known, e.key) && e.value.kind != nothing {
				values[e.key] = e.value
			}
		}
	}
	return values
}

// kind gives the network of a channel; "" where the layers name none.
func (l *loader) kind(channel path) string {
	n := l.value(channel.key("kind"))
	if n == nil || n.kind != scalar {
		return ""
	}
	if n.layer != fromFile {
		return n.text
	}
	t, err := l.follow(n.text, true)
	if err != nil {
		return "" // told when the key is filled
	}
	return t.text
}

// target gives a new pointer to the keys of a network.
func (l *loader) target(kind string) (any, bool) {
	if l.options.Channel == nil {
		return nil, false
	}
	return l.options.Channel(kind)
}

// layLeaf lays the default, the environment and the command line for one key.
func (l *loader) layLeaf(at path, f field) {
	l.leaves = append(l.leaves, at.String())
	if text, ok := f.fallback(); ok {
		l.values.SetDefault(string(at), &node{kind: scalar, text: text})
	}
	if !f.form.scalar() {
		return
	}
	variable := at.variable()
	n := l.variable(variable)
	if other, taken := l.sets[variable]; taken && n != nil {
		l.problem(n.origin, at, "cannot be told apart from "+other.String()+", which has the same variable "+variable,
			"rename one, or write ${env:…} in "+l.file)
	}
	l.sets[variable] = at
	if n != nil {
		l.values.Set(string(at), n)
	}
	if text, ok := l.flags[at.String()]; ok {
		l.values.Set(string(at), &node{kind: scalar, text: text, origin: origin{file: commandLine, layer: fromFlag}})
		delete(l.flags, at.String())
	}
}

// variable gives a variable of the environment or of .env; nil where it is not
// set or empty.
func (l *loader) variable(name string) *node {
	if text, ok := l.options.Env(name); ok && text != "" {
		return &node{kind: scalar, text: text, origin: origin{file: "environment variable " + name, layer: fromEnvironment}}
	}
	if n := l.dotenv[name]; n != nil && n.text != "" {
		return n
	}
	return nil
}
