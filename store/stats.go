package store

import "sync/atomic"

// Stats is what happened in the store since it was opened, for metrics.
type Stats struct {
	Groups    int64 // database transactions committed
	Committed int64 // write sets in them
	Conflicts int64 // write sets overtaken by others
	Reruns    int64 // closures run again
	Retries   int64 // database transactions tried again after a passing failure
	Unknown   int64 // commits whose outcome had to be found out
	Waiting   int   // write sets waiting now
}

type counters struct {
	groups, sets, conflicts, reruns, retries, unknown atomic.Int64
}

func (c *counters) group(size int) {
	c.groups.Add(1)
	c.sets.Add(int64(size))
}

// Stats returns the counters of the store.
func (db *DB) Stats() Stats {
	s := Stats{
		Groups: db.stats.groups.Load(), Committed: db.stats.sets.Load(), Conflicts: db.stats.conflicts.Load(),
		Reruns: db.stats.reruns.Load(), Retries: db.stats.retries.Load(), Unknown: db.stats.unknown.Load(),
	}
	for _, c := range db.committers {
		c.mu.Lock()
		s.Waiting += len(c.waiting)
		c.mu.Unlock()
	}
	return s
}
