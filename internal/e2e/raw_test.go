package e2e

import (
	"database/sql"
	"strings"
	"testing"
)

// openRaw opens a database past the store, as whoever gets hold of it would.
func openRaw(t *testing.T, database string) *sql.DB {
	t.Helper()
	driver, name := "postgres", database
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// each hands on every row of a query.
func each(t *testing.T, db *sql.DB, query string, row func(scan func(...any) error) error) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// tables lists the tables of the gateway.
func tables(t *testing.T, db *sql.DB, database string) (names []string) {
	t.Helper()
	query := `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1`
	if strings.HasPrefix(database, "sqlite:") {
		query = `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1`
	}
	each(t, db, query, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	return names
}
