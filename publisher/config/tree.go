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

// maxFile, maxNodes and maxDepth bound what a file can make us do; a real one is
// a few kilobytes and has a few hundred nodes.
const (
	maxFile  = 256 << 10
	maxNodes = 5_000
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
	comment string // nothing: the comment behind the key, from its # on
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

// readTree reads YAML into a tree; nil where there is none to go on with. The problems concern the text alone: what is no
// YAML, a key that stands twice, what the format allows and a configuration does
// not need.
func readTree(file string, data []byte) (*node, []Problem) {
	g := &grower{file: file, lines: bytes.Split(data, []byte("\n"))}
	if len(data) > maxFile {
		g.problem(0, "is larger than 256 KiB", "a configuration is a page or two: is this the right file?")
		return nil, g.problems
	}
	if line := unreadable(data); line > 0 {
		g.problem(line, "holds a byte that no text file has", "save the file as UTF-8")
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
			g.syntax(err)
			return nil, g.problems
		}
		return &node{origin: origin{file: file, layer: fromFile}, kind: table}, g.problems
	}
	var second yaml.Node
	if err := loader.Load(&second); err == nil {
		g.problem(second.Line, "begins a second document", "remove the line ---")
	} else if !errors.Is(err, io.EOF) {
		g.syntax(err)
	}
	root := &node{origin: origin{file: file, layer: fromFile}, kind: table}
	if len(document.Content) > 0 {
		top := document.Content[0]
		root = g.grow("", top, top.Line, 0)
	}
	if g.full {
		return nil, g.problems
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
	lines    [][]byte
	nodes    int
	full     bool // there is more than a configuration can hold
	problems []Problem
}

func (g *grower) problem(line int, message, hint string) {
	g.problems = append(g.problems, Problem{File: g.file, Line: line, Message: message, Hint: hint})
}

func (g *grower) problemAt(at path, line int, message, hint string) {
	g.problems = append(g.problems, Problem{File: g.file, Line: line, Key: at.String(), Message: message, Hint: hint})
}

// line gives the text of a line; nothing where there is none.
func (g *grower) line(n int) []byte {
	if n < 1 || n > len(g.lines) {
		return nil
	}
	return g.lines[n-1]
}

// grow copies y, which belongs to the key at on the given line, into a tree without
// aliases.
func (g *grower) grow(at path, y *yaml.Node, line, depth int) *node {
	n := &node{origin: origin{file: g.file, line: line, layer: fromFile}}
	g.nodes++
	// An alias that holds itself, or many that hold each other, end here.
	if !g.full && (depth > maxDepth || g.nodes > maxNodes) {
		g.full = true
		g.problem(line, "is nested too deeply or repeated too often", "write the values out instead of using & and *")
	}
	if g.full {
		return n
	}
	switch y.Kind {
	case yaml.AliasNode:
		if y.Alias != nil {
			return g.grow(at, y.Alias, line, depth+1)
		}
	case yaml.ScalarNode:
		g.scalar(at, n, y)
	case yaml.SequenceNode:
		n.kind = list
		for i, item := range y.Content {
			n.items = append(n.items, g.grow(at.item(i), item, item.Line, depth+1))
		}
	case yaml.MappingNode:
		n.kind = table
		g.table(at, n, y, depth)
	}
	return n
}

func (g *grower) scalar(at path, n *node, y *yaml.Node) {
	switch tag := y.ShortTag(); {
	case tag == "!!null":
	case tag == "!!binary" || !strings.HasPrefix(tag, "!!"):
		n.kind = scalar
		g.problemAt(at, n.line, "begins with !, which gives a value a type in YAML", "put the value in quotes")
	default:
		n.kind, n.text = scalar, y.Value
	}
}

func (g *grower) table(at path, n *node, y *yaml.Node, depth int) {
	first := map[string]int{}
	var merged []entry
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.ShortTag() == "!!merge" {
			merged = append(merged, g.merge(at, v, k.Line, depth+1)...)
			continue
		}
		if k.Kind != yaml.ScalarNode {
			g.problemAt(at, k.Line, "want a word as key", "")
			continue
		}
		below := at.key(k.Value)
		if line, twice := first[k.Value]; twice {
			g.problemAt(below, k.Line, "stands twice; the first is on line "+strconv.Itoa(line), "keep one of them")
			continue
		}
		first[k.Value] = k.Line
		child := g.grow(below, v, k.Line, depth+1)
		if child.kind == nothing {
			child.comment = g.comment(k)
		}
		n.entries = append(n.entries, entry{k.Value, k.Line, child})
	}
	for _, e := range merged {
		if _, own := first[e.key]; !own {
			first[e.key] = e.line
			n.entries = append(n.entries, e)
		}
	}
}

// comment gives the comment on the line of a key, behind its colon.
func (g *grower) comment(k *yaml.Node) string {
	line := g.line(k.Line)
	if k.Column < 1 || k.Column > len(line) {
		return ""
	}
	_, behind, _ := bytes.Cut(line[k.Column-1:], []byte(":"))
	if behind = bytes.TrimSpace(behind); bytes.HasPrefix(behind, []byte("#")) {
		return string(behind)
	}
	return ""
}

// merge gives the entries of the maps behind the key <<.
func (g *grower) merge(at path, y *yaml.Node, line, depth int) []entry {
	n := g.grow(at, y, line, depth)
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
	g.problemAt(at, line, "want a map behind <<", "")
	return nil
}

// syntax reports what the YAML reader says, on the line where the mistake is.
func (g *grower) syntax(err error) {
	var at *yaml.LoadError
	if !errors.As(err, &at) {
		g.problem(0, "is no YAML", "")
		return
	}
	line := at.Mark.Line
	if tabbed(g.line(line)) {
		g.problem(line, "is indented with a tab", "indent with spaces")
		return
	}
	const quote = `put a value in quotes that holds ": " or begins with one of @ * & ! % { [ > | '`
	const indent = "compare the indentation with the lines above"
	message, begun := "is no YAML: "+at.Message, at.ContextMark.Line
	switch {
	case at.Stage == yaml.ComposerStage:
		// The reader's own words would repeat the value, which may be a password.
		g.problem(line, "begins with *, which repeats an earlier value in YAML, and there is none of this name", quote)
	case at.Stage == yaml.ScannerStage && begun > 0:
		// A word that never ends is noticed further down and is wrong where it begins.
		g.problem(begun, message, quote)
	case at.Stage == yaml.ScannerStage:
		g.problem(line, message, quote)
	case begun > 0 && begun != line:
		g.problem(line, message+" in what begins on line "+strconv.Itoa(begun), indent)
	default:
		g.problem(line, message, indent)
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
