package bench

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/registry/form"
)

// Seeded facts are of their day, in order, all different, and the branch whose
// register goes to paper has as many as one PDF holds.
func TestSeededFactsMakeADay(t *testing.T) {
	calendar, day, n := tolem.NewCalendar(time.UTC, nil, nil), tolem.DayOf(2026, time.November, 21), 3*form.MaxPDFRows
	f, again := newFacts(calendar, day, n), newFacts(calendar, day, n)
	var sum, same rowSum
	seen, paper := make(map[tolem.CodeNumber]bool), 0
	var last tolem.RegisterRow
	for {
		rows, err := f.next(seedRows)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if calendar.DayOf(r.At) != day || r.Compare(last) <= 0 || seen[r.Code] || !r.Code.Valid() {
				t.Fatalf("row %+v behind %+v", r, last)
			}
			if seen[r.Code], last = true, r; r.Branch == paperBranch {
				paper++
			}
			sum.add(r)
		}
		if len(rows) == 0 {
			break
		}
	}
	rows, err := again.next(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		same.add(r)
	}
	if len(seen) != n || sum != same || paper != form.MaxPDFRows {
		t.Errorf("%d rows, %d of the branch, the same again: %v", len(seen), paper, sum == same)
	}
	rows[0], rows[1] = rows[1], rows[0]
	same = rowSum{}
	for _, r := range rows {
		same.add(r)
	}
	if sum == same {
		t.Error("rows in another order have the same sum")
	}
}

// The comparison finds the defects that were made, and is told step by step.
func TestMatchFindsWhatIsWrong(t *testing.T) {
	var out strings.Builder
	if err := Match(2*wrongEvery, &out); err != nil {
		t.Fatal(err)
	}
	for lines := json.NewDecoder(strings.NewReader(out.String())); lines.More(); {
		var s Step
		if err := lines.Decode(&s); err != nil || s.Rows != 2*wrongEvery || s.Seconds <= 0 {
			t.Errorf("%+v, %v", s, err)
		}
	}
}

func TestGrowthIsOfTheRow(t *testing.T) {
	s := newTestSession(t)
	few := middleSteps([][]Step{
		{{Name: stepBuild, Rows: 100_000, Seconds: 1, PeakMiB: 60}}, {{Name: stepBuild, Rows: 100_000, Seconds: 9, PeakMiB: 61}},
		{{Name: stepBuild, Rows: 100_000, Seconds: 2, PeakMiB: 80}},
	})
	if few[0].Seconds != 2 || few[0].PeakMiB != 61 {
		t.Fatalf("medians: %+v", few)
	}
	s.growth(sqliteKind, few, []Step{{Name: stepBuild, Rows: 1_000_000, Seconds: 40, PeakMiB: 201}})
	checks := s.report.Checks
	if len(checks) != 2 || checks[0].OK || checks[0].Value != 201 || checks[1].OK || checks[1].Value < 1.99 || checks[1].Value > 2.01 {
		t.Errorf("%+v", checks)
	}
	if s.growth(sqliteKind, few, few); len(s.report.LeftOut) != 1 {
		t.Errorf("growth of a short register was judged: %+v", s.report.LeftOut)
	}
}
