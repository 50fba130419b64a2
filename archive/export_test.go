package archive

import "testing"

// NewPacker returns a function that packs a record as Add does.
func NewPacker(t testing.TB) func(...Record) int {
	t.Helper()
	p, err := newPacker()
	if err != nil {
		t.Fatal(err)
	}
	return func(r ...Record) int {
		x, _, err := p.pack(r)
		if err != nil {
			t.Fatal(err)
		}
		defer p.release(x)
		return len(x.plain)
	}
}
