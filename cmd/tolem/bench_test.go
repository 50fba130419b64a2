package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tolem/internal/bench"
)

// The benchmark runs whole, with next to nothing to measure: every part gives
// its table, every case was measured, every answer was right.
func TestBenchRuns(t *testing.T) {
	program := filepath.Join(t.TempDir(), "tolem")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := exec.CommandContext(t.Context(), program, "bench", "--json", "--seconds", "0.2", "--rounds", "1", "--connections", "3", "--lives", "6", "--rows", "2000",
		"--page-rate", "10", "--page-for", "1s", "--desk-operators", "2", "--desk-accounts", "1000", "--desk-for", "1s", "--desk-customer", "500ms")
	var problems strings.Builder
	c.Stderr = &problems
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &problems)
	}
	var report bench.Report
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	measured := map[string]int{}
	for _, table := range report.Tables {
		measured[table.Part] += len(table.Rows)
		for _, row := range table.Rows {
			if len(row.Values) == 0 || row.Values[0].N <= 0 {
				t.Errorf("%s: %s was not measured", table.Title, row.Case)
			}
		}
	}
	for _, part := range bench.Parts {
		if measured[part] == 0 {
			t.Errorf("nothing was measured of %s", part)
		}
	}
	// A short register says nothing of growth; without a PostgreSQL half is missing.
	unmeasured := slices.DeleteFunc(report.LeftOut, func(what string) bool { return strings.Contains(what, "limit of growth") })
	if lacking := len(unmeasured) > 0; lacking != (os.Getenv(postgresVariable) == "") {
		t.Errorf("left out: %q", unmeasured)
	}
	if len(report.Checks) == 0 || report.OK && strings.Contains(string(out), `"ok": false`) {
		t.Errorf("checks do not fit the verdict: %s", out)
	}
}
