package archive

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// frontier is the right edge of a Merkle tree: the roots of its complete
// subtrees, largest first. It is all that is needed to append.
type frontier struct {
	size  int64
	roots []tlog.Hash
}

// errFrontier reports a stored frontier that does not fit its size.
var errFrontier = errors.New("frontier does not fit the size of the log")

func parseFrontier(size int64, b []byte) (*frontier, error) {
	f := &frontier{size: size}
	for ; len(b) >= tlog.HashSize; b = b[tlog.HashSize:] {
		f.roots = append(f.roots, tlog.Hash(b[:tlog.HashSize]))
	}
	if len(b) != 0 || size < 0 || len(f.roots) != onesCount(size) {
		return nil, errFrontier
	}
	return f, nil
}

func onesCount(n int64) (ones int) {
	for ; n > 0; n &= n - 1 {
		ones++
	}
	return ones
}

// append adds a leaf: every trailing one bit of the size is a subtree that
// becomes part of a larger one.
func (f *frontier) append(leaf tlog.Hash) {
	h := leaf
	for s := f.size; s&1 == 1; s >>= 1 {
		last := len(f.roots) - 1
		h = tlog.NodeHash(f.roots[last], h)
		f.roots = f.roots[:last]
	}
	f.roots = append(f.roots, h)
	f.size++
}

// root is the hash of the whole tree (RFC 6962, section 2.1).
func (f *frontier) root() (tlog.Hash, error) {
	if f.size == 0 {
		return tlog.TreeHash(0, nil)
	}
	h := f.roots[len(f.roots)-1]
	for i := len(f.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.roots[i], h)
	}
	return h, nil
}

func (f *frontier) bytes() []byte {
	b := make([]byte, 0, tlog.HashSize*len(f.roots))
	for _, h := range f.roots {
		b = append(b, h[:]...)
	}
	return b
}

// subtree is the complete subtree of 2^level leaves that begins at n<<level.
type subtree struct {
	level int
	n     int64
}

func (s subtree) first() int64 { return s.n << s.level }
func (s subtree) end() int64   { return (s.n + 1) << s.level }

// collector computes the roots of some subtrees from the leaves, which it is
// given once, in order.
type collector struct {
	want  []subtree
	edges []*frontier
}

func newCollector(indexes []int64) *collector {
	c := &collector{}
	for _, i := range indexes {
		level, n := tlog.SplitStoredHashIndex(i)
		c.want = append(c.want, subtree{level, n})
		c.edges = append(c.edges, &frontier{})
	}
	return c
}

func (c *collector) add(index int64, leaf tlog.Hash) {
	for i, s := range c.want {
		if s.first() <= index && index < s.end() {
			c.edges[i].append(leaf)
		}
	}
}

func (c *collector) roots() ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(c.want))
	for i, s := range c.want {
		if c.edges[i].size != 1<<s.level {
			return nil, fmt.Errorf("log ends before leaf %d", s.end())
		}
		h, err := c.edges[i].root()
		if err != nil {
			return nil, err
		}
		hashes[i] = h
	}
	return hashes, nil
}
