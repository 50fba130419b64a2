package store

import (
	"context"
	"fmt"

	"tolem"
)

// CodeCounts counts the payment codes by stored state, for metrics.
func (db *DB) CodeCounts(ctx context.Context) (map[tolem.State]int64, error) {
	counts := make(map[tolem.State]int64)
	err := db.query(ctx, `SELECT state, count(*) FROM code GROUP BY state`, nil, func(scan func(...any) error) error {
		var state, n int64
		err := scan(&state, &n)
		counts[tolem.State(state)] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count codes: %w", err)
	}
	return counts, nil
}
