package c14n

// key is a digest of a name that is compared in one step: its length and its
// last bytes. Names are compared with all others around them, and the names of
// a stranger's message are as many as the limits allow.
type key uint64

const (
	keyBytes   = 7
	keyMaxSize = 255
)

func keyOf(name []byte) key {
	k := key(min(len(name), keyMaxSize)) << (8 * keyBytes)
	shift := 0
	for _, c := range name[max(0, len(name)-keyBytes):] {
		k |= key(c) << shift
		shift += 8
	}
	return k
}

// exact reports whether names of this key are equal without another look.
func (k key) exact() bool { return k>>(8*keyBytes) <= keyBytes }
