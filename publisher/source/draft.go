package source

import (
	"time"

	"golang.org/x/net/html"

	"crieur/publisher"
)

// A draft is an article while it is being read: what was declared about it, and
// its paragraphs as they came.
type draft struct {
	in     input
	format format
	text   string // without the front matter, whose lines are left empty
	front  *frontMatter
	zone   *time.Location // of dates without one
	notes  []string       // what was left out
	meta   meta
	blocks []*block
	asks   []ask
}

// meta is what an article, or the page around it, says about itself. Its texts
// are as they were found.
type meta struct {
	id        string
	title     string
	lead      string
	language  string
	canonical string
	original  string
	author    string
	warning   string
	published time.Time
	embargo   time.Time
	tags      []string
	image     *picture
	wants     *publisher.Wants

	firmLead bool // the author wrote the lead; it is not a search engine's excerpt
}

// A picture is an image as it is referred to.
type picture struct {
	src, alt, caption, credit string
	line                      int // in the front matter; 0 elsewhere
}

// A block is one element at the top of the body: a paragraph, a heading, a list, a
// rule. Cleaners look at its text and cut it or leave it.
type block struct {
	node *html.Node
	text string // its words on one line
	at   int    // its place in the article as it came
}

// An ask is a Block that a paragraph of the article asked for.
type ask struct {
	block publisher.Block
	at    int
}

func newBlock(n *html.Node, at int) *block { return &block{node: n, text: oneLine(textOf(n)), at: at} }

// note keeps an ask, once.
func (d *draft) note(b publisher.Block, at int) {
	for _, a := range d.asks {
		if a.block == b {
			return
		}
	}
	d.asks = append(d.asks, ask{block: b, at: at})
}

// cut removes the blocks from index from up to, but without, index to.
func (d *draft) cut(from, to int) { d.blocks = append(d.blocks[:from:from], d.blocks[to:]...) }
