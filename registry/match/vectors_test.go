package match_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/registry/match"
)

// The day of the vectors, in Almaty (UTC+5).
func vectorDay() (day tolem.Day, from, to time.Time) {
	from = time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC)
	return tolem.DayOf(2026, 11, 21), from, from.Add(24 * time.Hour)
}

// vector is a file of testdata/anomalies: a register, what is known besides, a
// list, and exactly what is to be reported, with the reason.
type vector struct {
	why    string
	book   match.Book
	rows   []tolem.RegisterRow
	facts  map[tolem.CodeNumber][]match.Fact
	list   string
	expect []string
}

func readVector(t *testing.T, file string) vector {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), "-- register --\n")
	register, rest, _ := strings.Cut(rest, "-- facts --\n")
	facts, rest, _ := strings.Cut(rest, "-- list --\n")
	list, expect, complete := strings.Cut(rest, "-- expect --\n")
	why, owner, _ := strings.Cut(strings.TrimPrefix(head, "why: "), "\nowner: ")
	if !complete || why == "" {
		t.Fatalf("%s does not say what it shows", file)
	}
	v := vector{why: why, list: list, facts: make(map[tolem.CodeNumber][]match.Fact)}
	v.book.Day, v.book.From, v.book.To = vectorDay()
	v.book.Owner = ownerOf(strings.TrimSpace(owner))
	for _, r := range table(t, register) {
		v.rows = append(v.rows, registerRow(t, r))
	}
	v.book.Rows = match.Rows(v.rows)
	for _, r := range table(t, facts) {
		f := factOf(t, r)
		v.facts[f.Row.Code] = append(v.facts[f.Row.Code], f)
	}
	for _, r := range table(t, expect) {
		v.expect = append(v.expect, strings.Join([]string{
			r["code"], r["theirs line"], r["ours line"], r["difference"], r["ours"], r["theirs"],
		}, "|"))
	}
	return v
}

func ownerOf(s string) tolem.Owner {
	kind, id, _ := strings.Cut(s, " ")
	o := tolem.Owner{Kind: tolem.RegisterKind(kind), ID: id}
	if bank, branch, ok := strings.Cut(id, "/"); ok {
		o.ID, o.Bank = branch, tolem.ParticipantID(bank)
	}
	return o
}

func table(t *testing.T, text string) (rows []map[string]string) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records[1:] {
		row := make(map[string]string)
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func registerRow(t *testing.T, r map[string]string) tolem.RegisterRow {
	t.Helper()
	row := tolem.RegisterRow{
		Kind: tolem.RowKind(r["kind"]), Bank: tolem.ParticipantID(r["bank"]), Branch: tolem.ParticipantID(r["branch"]),
		BankRef: tolem.BankRef(r["ref"]), Service: tolem.ServiceCode(r["service"]), Provider: tolem.ProviderID(r["provider"]),
		Discrepancy: r["discrepancy"],
	}
	var err error
	check := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	row.Code, err = tolem.ParseCodeNumber(r["code"])
	check()
	row.Amount, err = tolem.ParseMoney(r["amount"], tolem.Currency(r["currency"]))
	check()
	if r["paidAt"] != "" {
		row.PaidAt, err = time.Parse(time.RFC3339, r["paidAt"])
		check()
	}
	if r["belongs"] != "" {
		row.Belongs, err = tolem.ParseDay(r["belongs"])
		check()
	}
	return row
}

func factOf(t *testing.T, r map[string]string) match.Fact {
	t.Helper()
	f := match.Fact{Row: registerRow(t, r), Open: r["day"] == "OPEN"}
	for s := tolem.StateUnknown; s <= tolem.StateRefunded; s++ {
		if s.String() == r["state"] {
			f.Row.State = s
		}
	}
	if r["day"] != "" && !f.Open {
		var err error
		if f.Day, err = tolem.ParseDay(r["day"]); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// lookup answers from the vector's facts; what is paid in the register is known
// too.
func (v vector) Facts(codes []tolem.CodeNumber) (map[tolem.CodeNumber][]match.Fact, error) {
	found := make(map[tolem.CodeNumber][]match.Fact)
	for _, c := range codes {
		if f, ok := v.facts[c]; ok {
			found[c] = f
		}
	}
	return found, nil
}

// told is an anomaly as the vectors write it.
func told(a tolem.Anomaly) string {
	line := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	difference := a.Difference.Decimal()
	if !a.Counter.IsZero() {
		difference = a.Difference.String() + " " + a.Counter.String()
	}
	return strings.Join([]string{
		string(a.Code), line(a.TheirLine), line(a.OurLine), difference, a.Ours, a.Theirs,
	}, "|")
}

// GW-P17 GW-P28
func TestEachAnomaly(t *testing.T) {
	files, err := filepath.Glob("testdata/anomalies/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors", err)
	}
	seen := make(map[tolem.AnomalyCode]bool)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			v := readVector(t, file)
			list, err := match.ParseCSV(strings.NewReader(v.list), match.Options{})
			if err != nil {
				t.Fatal(err)
			}
			result, err := match.Match(v.book, list, v)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, a := range result.Anomalies {
				got = append(got, told(a))
				seen[a.Code] = true
				if a.No != i+1 {
					t.Errorf("anomaly %d has the number %d", i+1, a.No)
				}
			}
			if !slices.Equal(got, v.expect) {
				t.Errorf("%s\ngot  %s\nwant %s", v.why, strings.Join(got, "\n     "), strings.Join(v.expect, "\n     "))
			}
		})
	}
	for _, code := range tolem.AnomalyCodes {
		if !seen[code] {
			t.Errorf("no vector shows %s", code)
		}
	}
}
