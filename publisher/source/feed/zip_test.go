package feed_test

import (
	"compress/gzip"
	"io"
)

// zipped writes n blanks in a feed, packed.
func zipped(w io.Writer, n int) {
	z := gzip.NewWriter(w)
	defer z.Close()
	_, _ = io.WriteString(z, "<rss>")
	blanks := make([]byte, 1<<20)
	for i := range blanks {
		blanks[i] = ' '
	}
	for range n >> 20 {
		if _, err := z.Write(blanks); err != nil {
			return
		}
	}
}
