package config

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// The file is read into a tree of our own, because everything that is said about
// a value needs its line, and sections need the order and the letter case in
// which their names were written.

// maxFile, maxNodes and maxDepth bound what a file can make us do; a real one
// has a hundred nodes.
const (
	maxFile  = 1 << 20
	maxNodes = 20_000
	maxDepth = 32
)

type nodeKind int8

const (
	nothing nodeKind = iota // null, or a key without a value
	scalar
	list
	table
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "a single value", "a list", "a map of keys"}[k]
}

// An origin is where a value was written.
type origin struct {
	file  string
	line  int
	layer layer
}

// A layer is one of the places that a value can come from, the weakest first.
type layer int8

const (
	fromDefault layer = iota
	fromFile
	fromEnvironment
	fromFlag
)

type node struct {
	origin
	kind    nodeKind
	text    string // scalar: without quotes
	comment string // nothing: what stands behind the key as a comment
	items   []*node
	entries []entry
}

type entry struct {
	key   string
	line  int
	value *node
}

// get gives the value under key; nil where n is no table or lacks the key.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// readTree reads YAML into a tree. The problems concern the text alone: what is no
// YAML, a key that stands twice, what the format allows and a configuration does
// not need.
func readTree(file string, data []byte) (*node, []Problem) {
	g := &grower{file: file}
	if len(data) > maxFile {
		g.problem(0, "is larger than 1 MiB", "a configuration is a page or two: is this the right file?")
		return nil, g.problems
	}
	if line := unreadable(data); line > 0 {
		g.problem(line, "holds a byte that is no UTF-8 text", "save the file as UTF-8")
		return nil, g.problems
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		g.problem(0, err.Error(), "")
		return nil, g.problems
	}
	var document yaml.Node
	if err := loader.Load(&document); err != nil {
		if !errors.Is(err, io.EOF) {
			g.syntax(err, data)
		}
		return &node{origin: origin{file: file, layer: fromFile}, kind: table}, g.problems
	}
	var second yaml.Node
	if err := loader.Load(&second); err == nil {
		g.problem(second.Line, "begins a second document", "remove the line ---")
	} else if !errors.Is(err, io.EOF) {
		g.syntax(err, data)
	}
	root := &node{origin: origin{file: file, layer: fromFile}, kind: table}
	if len(document.Content) > 0 {
		top := document.Content[0]
		root = g.grow(top, top.Line, 0)
	}
	switch root.kind {
	case nothing:
		root.kind = table
	case table:
	default:
		g.problem(root.line, "want keys such as site: and newsletters: at the top, got "+root.kind.String(), "")
		root = &node{origin: root.origin, kind: table}
	}
	return root, g.problems
}

// A grower turns one file's YAML nodes into a tree.
type grower struct {
	file     string
	nodes    int
	problems []Problem
}

func (g *grower) problem(line int, message, hint string) {
	g.problems = append(g.problems, Problem{File: g.file, Line: line, Message: message, Hint: hint})
}

// grow copies y, which belongs to the key at the given line, into a tree without
// aliases.
func (g *grower) grow(y *yaml.Node, line, depth int) *node {
	n := &node{origin: origin{file: g.file, line: line, layer: fromFile}}
	g.nodes++
	// An alias that holds itself, or many that hold each other, end here.
	if depth > maxDepth || g.nodes > maxNodes {
		if g.nodes <= maxNodes || g.nodes == maxNodes+1 {
			g.problem(line, "is nested too deeply or repeated too often", "write the values out instead of using & and *")
		}
		return n
	}
	switch y.Kind {
	case yaml.AliasNode:
		if y.Alias != nil {
			return g.grow(y.Alias, line, depth+1)
		}
	case yaml.ScalarNode:
		g.scalar(n, y)
	case yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			n.items = append(n.items, g.grow(item, item.Line, depth+1))
		}
	case yaml.MappingNode:
		n.kind = table
		g.table(n, y, depth)
	}
	return n
}

func (g *grower) scalar(n *node, y *yaml.Node) {
	switch tag := y.ShortTag(); {
	case tag == "!!null":
		n.comment = y.LineComment
	case tag == "!!binary" || !strings.HasPrefix(tag, "!!"):
		n.kind = scalar
		g.problem(n.line, "begins with !, which gives a value a type in YAML", "put the value in quotes")
	default:
		n.kind, n.text = scalar, y.Value
	}
}

func (g *grower) table(n *node, y *yaml.Node, depth int) {
	first := map[string]int{}
	var merged []entry
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.ShortTag() == "!!merge" {
			merged = append(merged, g.merge(v, k.Line, depth+1)...)
			continue
		}
		if k.Kind != yaml.ScalarNode {
			g.problem(k.Line, "want a word as key", "")
			continue
		}
		if at, twice := first[k.Value]; twice {
			g.problems = append(g.problems, Problem{File: g.file, Line: k.Line, Key: k.Value,
				Message: "stands twice; the first is on line " + strconv.Itoa(at), Hint: "keep one of them"})
			continue
		}
		first[k.Value] = k.Line
		n.entries = append(n.entries, entry{k.Value, k.Line, g.grow(v, k.Line, depth+1)})
	}
	for _, e := range merged {
		if _, own := first[e.key]; !own {
			first[e.key] = e.line
			n.entries = append(n.entries, e)
		}
	}
}

// merge gives the entries of the maps behind the key <<.
func (g *grower) merge(y *yaml.Node, line, depth int) []entry {
	n := g.grow(y, line, depth)
	switch n.kind {
	case table:
		return n.entries
	case list:
		var all []entry
		for _, item := range n.items {
			all = append(all, item.entries...)
		}
		return all
	}
	g.problem(line, "want a map behind <<", "")
	return nil
}

// syntax reports what the YAML reader says, on the line where the mistake is.
func (g *grower) syntax(err error, data []byte) {
	var at *yaml.LoadError
	if !errors.As(err, &at) {
		g.problem(0, "is no YAML", "")
		return
	}
	line := at.Mark.Line
	if lines := bytes.Split(data, []byte("\n")); line > 0 && line <= len(lines) && tabbed(lines[line-1]) {
		g.problem(line, "is indented with a tab", "indent with spaces")
		return
	}
	const quote = "put values in quotes that hold “: ” or begin with one of @ * & ! % { [ > | ` ' \""
	switch at.Stage {
	case yaml.ComposerStage:
		// The reader's own words would repeat the value, which may be a password.
		g.problem(line, "begins with *, which repeats an earlier value in YAML, and there is none of this name", quote)
	case yaml.ScannerStage:
		// A token that never ends is noticed at the end of the file and is wrong
		// where it begins.
		if at.ContextMark.Line > 0 {
			line = at.ContextMark.Line
		}
		g.problem(line, "is no YAML: "+at.Message, quote)
	default:
		g.problem(line, "is no YAML: "+at.Message, "compare the indentation with the lines above")
	}
}

// tabbed reports whether a tab is among the blanks before a line's text.
func tabbed(line []byte) bool {
	blank := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
	return bytes.IndexByte(blank, '\t') >= 0
}

// unreadable gives the first line that holds a byte no text file has; 0: none.
func unreadable(data []byte) int {
	line := 1
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == '\n':
			line++
		case r == utf8.RuneError && size == 1, r < ' ' && r != '\t' && r != '\r', r == 0x7f:
			return line
		}
		rest = rest[size:]
	}
	return 0
}
