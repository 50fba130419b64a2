package bench

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// newTestSession measures next to nothing: the tests look at whether it works.
func newTestSession(t testing.TB) *session {
	o := Options{Dir: t.TempDir(), Postgres: os.Getenv("TOLEM_TEST_POSTGRES"), Each: 40 * time.Millisecond, Rounds: 1, Connections: 2, Lives: 3}
	return &session{Options: o.withDefaults()}
}

func BenchmarkCommit(b *testing.B) {
	s := newTestSession(b)
	for _, kind := range s.kinds() {
		c, err := s.newContender(b.Context(), kind, "benchmark-"+kind)
		if err != nil {
			b.Fatal(err)
		}
		defer func() {
			if err := c.close(b.Context()); err != nil {
				b.Error(err)
			}
		}()
		for _, way := range []struct {
			name   string
			commit func(context.Context, *notice) error
		}{{"grouped", c.commit}, {"plain", c.commitPlain}} {
			benchmarkCommit(b, kind+"/"+way.name, c, way.commit)
		}
	}
}

func benchmarkCommit(b *testing.B, name string, c *contender, commit func(context.Context, *notice) error) {
	for _, n := range storageCallers {
		b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
			numbers, err := drawCodes(b.N)
			if err != nil {
				b.Fatal(err)
			}
			if err := seed(b.Context(), c.db, benchBank, numbers); err != nil {
				b.Fatal(err)
			}
			notices := &supply[*notice]{}
			for _, number := range numbers {
				notices.things = append(notices.things, newNotice(number))
			}
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := callers(n, time.Hour, func() (bool, error) {
				x, ok := notices.take()
				if !ok {
					return false, nil
				}
				return true, commit(b.Context(), x)
			}); err != nil {
				b.Fatal(err)
			}
			st := c.db.Stats()
			b.ReportMetric(float64(st.Committed)/float64(max(st.Groups, 1)), "sets/group")
		})
	}
}
