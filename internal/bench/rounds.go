package bench

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// median returns the middle of the values, 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// ratio returns the median of what a is to b, round by round: both halves of a
// quotient were measured one after the other.
func ratio(a, b []float64) float64 {
	n := min(len(a), len(b))
	quotients := make([]float64, 0, n)
	for i := range n {
		if b[i] > 0 {
			quotients = append(quotients, a[i]/b[i])
		}
	}
	return median(quotients)
}

// timed is a case that is measured by calling it over and over.
type timed struct {
	name  string
	op    func() error
	rates []float64 // operations a second, by round
}

func (t *timed) rate() float64   { return median(t.rates) }
func (t *timed) micros() float64 { return 1e6 / t.rate() }

// takeTurns measures the cases on one thread, each for a while, round after
// round.
func takeTurns(ctx context.Context, rounds int, each time.Duration, cases ...*timed) error {
	for range rounds {
		for _, c := range cases {
			if err := ctx.Err(); err != nil {
				return err
			}
			rate, err := measure(each, c.op)
			if err != nil {
				return err
			}
			c.rates = append(c.rates, rate)
		}
	}
	return nil
}

// measure calls op for a while and returns its rate. The clock is read every
// few calls, so that reading it does not count.
func measure(each time.Duration, op func() error) (float64, error) {
	const between = 4
	calls := 0
	began := time.Now()
	for {
		for range between {
			if err := op(); err != nil {
				return 0, err
			}
		}
		calls += between
		if spent := time.Since(began); spent >= each {
			return float64(calls) / spent.Seconds(), nil
		}
	}
}

// measureParallel is measure on every processor at once.
func measureParallel(each time.Duration, op func() error) (float64, error) {
	var wg sync.WaitGroup
	rates := make([]float64, runtime.GOMAXPROCS(0))
	errs := make([]error, len(rates))
	for i := range rates {
		wg.Go(func() { rates[i], errs[i] = measure(each, op) })
	}
	wg.Wait()
	total := 0.0
	for i, err := range errs {
		if err != nil {
			return 0, err
		}
		total += rates[i]
	}
	return total, nil
}

// allocations returns the heap allocations of a call, on average.
func allocations(op func() error) (float64, error) {
	const calls = 200
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if err := op(); err != nil { // pools are filled and caches warm
		return 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		if err := op(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / calls, nil
}

// callers runs op from n goroutines until the time is over or op says that
// there is nothing left, and returns how many calls were made in a second.
func callers(n int, each time.Duration, op func() (more bool, err error)) (float64, error) {
	var calls atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, n)
	began := time.Now()
	for i := range n {
		wg.Go(func() {
			for time.Since(began) < each {
				more, err := op()
				if err != nil || !more {
					errs[i] = err
					return
				}
				calls.Add(1)
			}
		})
	}
	wg.Wait()
	spent := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(calls.Load()) / spent.Seconds(), nil
}
