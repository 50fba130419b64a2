package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
)

// BenchmarkCommit stores notifications with their request, their payment and
// two messages in one entry of 750 bytes, as the gateway does: grouped, and
// one transaction a call.
func BenchmarkCommit(b *testing.B) {
	for _, database := range []string{"sqlite", "postgres"} {
		for _, callers := range []int{1, 8, 64} {
			for _, how := range []string{"grouped", "alone"} {
				b.Run(fmt.Sprintf("%s/%d/%s", database, callers, how), func(b *testing.B) {
					dsn := "sqlite:" + filepath.Join(b.TempDir(), "bench.db")
					if database == "postgres" {
						dsn = postgresDSN(b)
					}
					db := openTest(b, dsn, Options{})
					update := db.Update
					if how == "alone" {
						alone, err := db.OpenAlone(callers)
						if err != nil {
							b.Fatal(err)
						}
						defer alone.Close()
						update = alone.Update
					}
					benchmarkNotify(b, db, callers, update)
				})
			}
		}
	}
}

func benchmarkNotify(b *testing.B, db *DB, callers int, update func(context.Context, func(*Tx) error) error) {
	codes := issueMany(b, db, b.N)
	entry := make([]byte, 750)
	_, _ = rand.Read(entry)
	var next atomic.Int64
	b.ResetTimer()
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(codes) {
					return
				}
				if err := benchmarkOne(update, codes[i], entry); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
	if s := db.Stats(); s.Groups > 0 {
		b.ReportMetric(float64(s.Committed)/float64(s.Groups), "sets/group")
	}
}

func benchmarkOne(update func(context.Context, func(*Tx) error) error, number tolem.CodeNumber, entry []byte) error {
	id := newUUID()
	return update(context.Background(), func(tx *Tx) error {
		if _, err := tx.Request("bank-a", id); !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("request: %w", err)
		}
		c, err := tx.Code(number)
		if err != nil {
			return err
		}
		p := paymentFor(c, tx.Now())
		m := Message{Code: number, Blob: entry, Leaf: [32]byte{1}}
		_, _ = rand.Read(m.ID[:])
		return errors.Join(tx.InsertRequest(requestOf(id, number, tolem.OK)), tx.ChangeCode(c, c.Notify(p, nil, tx.Now())),
			tx.InsertPayment(p), tx.InsertMessage(m))
	})
}

func issueMany(b *testing.B, db *DB, n int) []tolem.CodeNumber {
	b.Helper()
	codes := make([]tolem.CodeNumber, n)
	for at := 0; at < n; {
		end := min(at+500, n)
		err := db.Update(context.Background(), func(tx *Tx) error {
			for i := at; i < end; i++ {
				codes[i] = drawNumber(b)
				if err := tx.InsertCode(issued(codes[i], time.Now())); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		at = end
	}
	return codes
}
