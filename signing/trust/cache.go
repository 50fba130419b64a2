package trust

import (
	"maps"
	"sync/atomic"

	"tolem"
)

// Bounds of the cache: 4096 certificates, far more than participants have.
const (
	cacheShards = 256
	shardSize   = 16
)

type cacheKey struct {
	print   tolem.Fingerprint
	purpose purpose
}

// cache remembers the chains of certificates that have a path. Readers take no
// lock: a shard is a small map that is replaced as a whole. Certificates
// without a path are not remembered, so that strangers cannot fill it.
type cache [cacheShards]atomic.Pointer[map[cacheKey]*chain]

func (c *cache) get(key cacheKey) *chain {
	shard := c[key.print[0]].Load()
	if shard == nil {
		return nil
	}
	return (*shard)[key]
}

// put remembers a chain. A full shard starts anew; what was in it is found
// again when it is next asked for.
func (c *cache) put(key cacheKey, found *chain) {
	shard := &c[key.print[0]]
	for {
		old := shard.Load()
		next := map[cacheKey]*chain{}
		if old != nil && len(*old) < shardSize {
			next = maps.Clone(*old)
		}
		next[key] = found
		if shard.CompareAndSwap(old, &next) {
			return
		}
	}
}
