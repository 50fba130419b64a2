package store

import (
	"database/sql"
	"strings"
	"testing"
)

// A scan that cannot be avoided looks very dear, since scans are priced out of
// reach. PostgreSQL does it all the same, without compiling it first, which would
// take longer than most transactions.
func TestPlansAreNotCompiled(t *testing.T) {
	db := openTest(t, postgresDSN(t), Options{})
	for name, pool := range map[string]*sql.DB{"reader": db.reader, "writer": db.writer} {
		rows, err := pool.QueryContext(t.Context(), `EXPLAIN (ANALYZE) SELECT tstamp FROM goose_db_version WHERE is_applied ORDER BY tstamp`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var plan strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan.String(), "Seq Scan") || strings.Contains(plan.String(), "JIT") {
			t.Errorf("%s: want a scan, not compiled:\n%s", name, &plan)
		}
	}
}
