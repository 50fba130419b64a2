package store

import (
	"sync/atomic"
)

// writeSet is what one closure wants written, all of it or nothing.
type writeSet struct {
	keys    []guardKey // what no other write set of the same group may touch
	rows    [bulkCount][][]any
	singles []single
	// rerunnable sets carry a request key: run again after an unknown outcome,
	// the closure finds its own request if it was stored.
	rerunnable bool

	state atomic.Int32 // waiting, taken or withdrawn
	done  chan error   // receives the outcome of a set that was taken
}

// States of a write set on its way.
const (
	setWaiting int32 = iota
	setTaken
	setWithdrawn // by its caller, before a committer took it
)

// guardKey names a row two write sets of one group must not both guard.
type guardKey struct {
	table  string
	number int64
	name   string
}

// single is a statement of its own, for writes that are not hot.
type single struct {
	text string
	args []any
	want int64 // rows it must touch; anyRows if it does not matter
	// otherwise is the error when another number of rows was touched; nil means
	// the closure is to be run again.
	otherwise error
}

// anyRows is the want of a single that may touch any number of rows.
const anyRows = -1

func newWriteSet() *writeSet { return &writeSet{done: make(chan error, 1)} }

func (s *writeSet) empty() bool {
	if len(s.singles) > 0 {
		return false
	}
	for i := range s.rows {
		if len(s.rows[i]) > 0 {
			return false
		}
	}
	return true
}

func (s *writeSet) add(bulk int, row ...any) { s.rows[bulk] = append(s.rows[bulk], row) }

func (s *writeSet) guard(k guardKey) {
	for _, have := range s.keys {
		if have == k {
			return
		}
	}
	s.keys = append(s.keys, k)
}

// route chooses the committer: sets that guard the same code meet in one
// queue, where they take turns instead of waiting for each other's row locks.
func (s *writeSet) route(n int) int {
	if n == 1 || len(s.keys) == 0 {
		return 0
	}
	k := s.keys[0]
	for _, other := range s.keys {
		if other.table == tableCode {
			k = other
		}
	}
	h := uint64(k.number) * 0x9E3779B97F4A7C15
	for i := 0; i < len(k.name); i++ {
		h = (h ^ uint64(k.name[i])) * 0x100000001B3
	}
	return int((h >> 33) % uint64(n))
}

// Tables whose rows are guarded on the hot path.
const (
	tableCode     = "code"
	tableRequest  = "request"
	tableDocument = "document"
)
