package web

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what one caller may ask of a node, and how much at once.
type Limits struct {
	PerSecond  float64 // requests a second of one address, on average
	Burst      int     // requests at once above the average
	Callers    int     // addresses that are remembered
	BodyBytes  int64   // of a form
	Fields     int     // of a form
	FieldBytes int     // of one field
}

// DefaultLimits suit pages with small forms. Many people may share one address
// (mobile networks do), so an address may do far more than a person can.
var DefaultLimits = Limits{PerSecond: 20, Burst: 100, Callers: 100_000, BodyBytes: 16 << 10, Fields: 32, FieldBytes: 512}

// limiter keeps the allowance of each address.
type limiter struct {
	limits Limits

	mu      sync.Mutex
	callers map[string]*rate.Limiter
}

func newLimiter(l Limits) *limiter {
	return &limiter{limits: l, callers: make(map[string]*rate.Limiter)}
}

// admit lets a request in unless its address is over the limit.
func (l *limiter) admit(address string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.callers[address]
	if c == nil {
		l.makeRoom(now)
		c = rate.NewLimiter(rate.Limit(l.limits.PerSecond), l.limits.Burst)
		l.callers[address] = c
	}
	return c.AllowN(now, 1)
}

// makeRoom forgets those whose allowance is whole again: forgetting them
// changes nothing. If everybody is busy all are forgotten rather than that
// memory grows or newcomers are locked out.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.callers) < l.limits.Callers {
		return
	}
	for address, c := range l.callers {
		if c.TokensAt(now) >= float64(l.limits.Burst) {
			delete(l.callers, address)
		}
	}
	if len(l.callers) >= l.limits.Callers {
		clear(l.callers)
	}
}

// networkBits of an IPv6 address belong to one customer, who may use all
// addresses behind them.
const networkBits = 64

// remoteHost is the address at the other end of the connection.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil || address.Is4() || address.Is4In6() {
		return host
	}
	network, err := address.WithZone("").Prefix(networkBits)
	if err != nil {
		return host
	}
	return network.String()
}
