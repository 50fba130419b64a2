package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/registry/form"
	"tolem/store"
)

var monday = tolem.DayOf(2024, time.December, 30) // of a week that is in two years

// keep stores totals as a counted day has them.
func keep(t testing.TB, db *store.DB, day tolem.Day, totals []store.HourTotal) {
	t.Helper()
	whole := make(map[tolem.Direction]*tolem.Measures)
	for _, h := range totals {
		if whole[h.Direction] == nil {
			whole[h.Direction] = new(tolem.Measures)
		}
		whole[h.Direction].Add(h.Measures)
	}
	var days []store.HourTotal
	for d, m := range whole {
		days = append(days, store.HourTotal{Direction: d, Measures: *m})
	}
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.AddDayTotals(day, 1, days), tx.AddHourTotals(day, 1, totals),
			tx.KeepCount(store.CountedDay{Day: day, Draft: 1, CountedAt: tx.Now()}))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func total(hour int, bank tolem.ParticipantID, service tolem.ServiceCode, paid int64) store.HourTotal {
	provider, _, _ := strings.Cut(string(service), "-")
	return store.HourTotal{
		Hour:      hour,
		Direction: tolem.Direction{Bank: bank, Provider: tolem.ProviderID(provider), Service: service, Channel: tolem.ChannelATM, Currency: tolem.KZT},
		Measures: tolem.Measures{
			Issued: 2 * paid, Paid: paid, PaidMinor: 1050 * paid, FeesMinor: 7 * paid, Refused: 1,
			ToPay: tolem.Durations{Micros: paid * 90_000_000, Within: [4]int64{0, paid}},
		},
	}
}

func ask(t testing.TB, db *store.DB, q Query) *Report {
	t.Helper()
	r, err := NewDesk(db).Make(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// GW-064 GW-065 GW-066 GW-P30: weeks go from Monday to Sunday across the years,
// months have the days they have, days in which nothing happened are there.
func TestPeriods(t *testing.T) {
	tolemtest.Stores(t, store.Options{}, func(t *testing.T, db *store.DB) {
		for day := monday - 1; day < monday+75; day++ {
			var totals []store.HourTotal
			if day != monday+3 {
				totals = append(totals, total(9, "A", "TAX-1", 1))
			}
			keep(t, db, day, totals)
		}
		type row struct {
			label string
			from  string
			to    string
			paid  int64
		}
		check := func(q Query, want ...row) {
			t.Helper()
			var got []row
			for _, r := range ask(t, db, q).Rows {
				got = append(got, row{r.Label, r.From.String(), r.To.String(), r.Paid})
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v:\n%v, want\n%v", q, got, want)
			}
		}
		check(Query{From: monday - 1, To: monday + 7, Period: Weekly},
			row{"2024-W52", "2024-12-29", "2024-12-29", 1}, row{"2025-W01", "2024-12-30", "2025-01-05", 6}, row{"2025-W02", "2025-01-06", "2025-01-06", 1})
		check(Query{From: monday, To: tolem.DayOf(2025, time.February, 28), Period: Monthly},
			row{"2024-12", "2024-12-30", "2024-12-31", 2}, row{"2025-01", "2025-01-01", "2025-01-31", 30}, row{"2025-02", "2025-02-01", "2025-02-28", 28})
		check(Query{From: monday + 2, To: monday + 4, Period: Daily},
			row{"2025-01-01", "2025-01-01", "2025-01-01", 1}, row{"2025-01-02", "2025-01-02", "2025-01-02", 0}, row{"2025-01-03", "2025-01-03", "2025-01-03", 1})
		check(Query{From: monday, To: monday + 6, Period: Whole}, row{"2024-12-30/2025-01-05", "2024-12-30", "2025-01-05", 6})
	})
}

// A leap day is in its week and month.
func TestLeapDay(t *testing.T) {
	leap := tolem.DayOf(2028, time.February, 29)
	q := Query{From: leap, To: leap + 1, Period: Monthly}
	if got := q.stretches(); !slices.Equal(got, []stretch{{leap, leap}, {leap + 1, leap + 1}}) {
		t.Errorf("%v", got)
	}
	if q.Period = Weekly; len(q.stretches()) != 1 {
		t.Errorf("%v", q.stretches())
	}
}

// Days that nobody counted are told, never shown as nothing.
func TestIncomplete(t *testing.T) {
	tolemtest.Stores(t, store.Options{}, func(t *testing.T, db *store.DB) {
		q := Query{From: monday - 2, To: monday + 13, Period: Weekly}
		if r := ask(t, db, q); r.Complete || r.Open != q.From || len(r.Rows) != 0 {
			t.Errorf("nothing is counted: %+v", r)
		}
		for day := monday; day < monday+9; day++ {
			keep(t, db, day, []store.HourTotal{total(1, "A", "TAX-1", 1)})
		}
		r := ask(t, db, q)
		if r.Complete || r.Open != monday+9 || len(r.Rows) != 3 || !r.Rows[1].Complete || r.Rows[2].Complete || r.Rows[2].Paid != 2 {
			t.Errorf("%+v", r)
		}
		s, err := r.Sheet(form.English, time.UTC, time.Unix(0, 0), nil)
		if err != nil || !slices.ContainsFunc(s.Head, func(f form.Field) bool { return strings.Contains(f.Value, "from 2025-01-08") }) {
			t.Errorf("%+v, %v", s.Head, err)
		}
		q.To = monday + 8
		if r := ask(t, db, q); !r.Complete || r.Open != 0 || len(r.Rows) != 3 || r.Rows[0].Paid != 0 {
			t.Errorf("before the first day nothing happened: %+v", r)
		}
		q.From, q.To = monday+20, monday+21
		if r := ask(t, db, q); r.Complete || r.Open != monday+20 || len(r.Rows) != 0 {
			t.Errorf("days to come: %+v", r)
		}
	})
}

// GW-062 GW-063 GW-P29: however rows are told apart, they come to the same.
func TestSumsOverDimensions(t *testing.T) {
	tolemtest.Stores(t, store.Options{}, func(t *testing.T, db *store.DB) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 1))
		want := make(map[tolem.Currency]*tolem.Measures)
		for day := monday; day < monday+40; day++ {
			var totals []store.HourTotal
			for hour := range 24 {
				for range random.IntN(3) {
					one := total(hour, tolem.ParticipantID(rune('A'+random.IntN(3))), tolem.ServiceCode(fmt.Sprintf("TAX-%d", random.IntN(3))), random.Int64N(100))
					one.Channel = tolem.Channels[random.IntN(len(tolem.Channels))]
					one.Currency = []tolem.Currency{tolem.KZT, tolem.UZS}[random.IntN(2)]
					one.Closed, one.Refunds, one.RefundsMinor, one.Expired, one.Late = random.Int64N(9), random.Int64N(9), random.Int64N(9), random.Int64N(9), random.Int64N(9)
					if slices.ContainsFunc(totals, func(t store.HourTotal) bool { return t.Hour == one.Hour && t.Direction == one.Direction }) {
						continue
					}
					totals = append(totals, one)
					if want[one.Currency] == nil {
						want[one.Currency] = new(tolem.Measures)
					}
					want[one.Currency].Add(one.Measures)
				}
			}
			keep(t, db, day, totals)
		}
		for _, period := range Periods {
			for range 12 {
				by := slices.Clone(Dimensions)
				random.Shuffle(len(by), func(i, j int) { by[i], by[j] = by[j], by[i] })
				by = by[:random.IntN(len(by)+1)]
				r := ask(t, db, Query{From: monday, To: monday + 39, Period: period, By: by})
				sums := make(map[tolem.Currency]tolem.Measures)
				for i, row := range r.Rows {
					sum := sums[row.Currency]
					sum.Add(row.Measures)
					sums[row.Currency] = sum
					if i > 0 && r.compare(r.Rows[i-1], row) >= 0 {
						t.Fatalf("rows are not in order, or twice: %+v, %+v", r.Rows[i-1], row)
					}
				}
				for i, total := range r.Totals {
					if total.Measures != *want[total.Currency] || sums[total.Currency] != total.Measures || len(r.Totals) != 2 {
						t.Errorf("%s by %v: total %d %+v, want %+v", period, by, i, total.Measures, *want[total.Currency])
					}
				}
				everyForm(t, r)
			}
		}
	})
}

// everyForm renders a report in every form; package form adds up the rows
// itself.
func everyForm(t *testing.T, r *Report) {
	t.Helper()
	var b bytes.Buffer
	for _, l := range Languages {
		s, err := r.Sheet(l, time.UTC, time.Unix(0, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := form.WriteCSV(&b, s); err != nil {
			t.Errorf("CSV: %v", err)
		}
	}
	b.Reset()
	if err := r.WriteJSON(&b); err != nil {
		t.Error(err)
	}
	var v View
	if err := json.Unmarshal(b.Bytes(), &v); err != nil || len(v.Rows) != len(r.Rows) || len(v.Totals) != len(r.Totals) {
		t.Errorf("JSON: %v", err)
	}
}

// GW-P29: a bank and a provider see their own rows and nothing of others.
func TestWhoSeesWhat(t *testing.T) {
	tolemtest.Stores(t, store.Options{}, func(t *testing.T, db *store.DB) {
		keep(t, db, monday, []store.HourTotal{
			total(1, "A", "TAX-1", 1), total(1, "B", "TAX-1", 10), total(2, "A", "JUSTICE-1", 100), total(3, "B", "JUSTICE-2", 1000),
		})
		bank := func(id tolem.ParticipantID) tolem.Participant {
			return tolem.Participant{ID: id, Kind: tolem.KindBank}
		}
		all := Query{From: monday, To: monday, Period: Daily, By: []Dimension{ByBank, ByService}}
		of := func(direction tolem.Direction) Query {
			q := all
			q.Direction = direction
			return q
		}
		for name, c := range map[string]struct {
			who  tolem.Participant
			ask  Query
			paid int64
			err  error
		}{
			"a bank":                        {bank("A"), all, 101, nil},
			"a bank naming itself":          {bank("B"), of(tolem.Direction{Bank: "B"}), 1010, nil},
			"a bank about a provider":       {bank("A"), of(tolem.Direction{Provider: "TAX"}), 1, nil},
			"a bank about another":          {bank("A"), of(tolem.Direction{Bank: "B"}), 0, ErrForeign},
			"a bank unknown":                {bank("C"), all, 0, nil},
			"a provider":                    {tolem.Participant{ID: "JUSTICE", Kind: tolem.KindProvider}, all, 1100, nil},
			"a provider about a bank":       {tolem.Participant{ID: "JUSTICE", Kind: tolem.KindProvider}, of(tolem.Direction{Bank: "A"}), 100, nil},
			"a provider about another":      {tolem.Participant{ID: "JUSTICE", Kind: tolem.KindProvider}, of(tolem.Direction{Provider: "TAX"}), 0, ErrForeign},
			"a centre for its bank":         {tolem.Participant{ID: "C", Kind: tolem.KindProcessing, ActsFor: []tolem.ParticipantID{"B"}}, of(tolem.Direction{Bank: "B"}), 1010, nil},
			"a centre for another":          {tolem.Participant{ID: "C", Kind: tolem.KindProcessing, ActsFor: []tolem.ParticipantID{"B"}}, of(tolem.Direction{Bank: "A"}), 0, ErrForeign},
			"a centre for nobody":           {tolem.Participant{ID: "C", Kind: tolem.KindProcessing, ActsFor: []tolem.ParticipantID{"B"}}, all, 0, ErrForeign},
			"a branch":                      {tolem.Participant{ID: "A-1", Kind: tolem.KindBranch, ActsFor: []tolem.ParticipantID{"A"}}, of(tolem.Direction{Bank: "A"}), 0, ErrForeign},
			"a portal":                      {tolem.Participant{ID: "EGOV", Kind: tolem.KindPortal}, all, 0, ErrForeign},
			"a bank named like a provider":  {bank("TAX"), all, 0, nil},
			"a provider named like a bank":  {tolem.Participant{ID: "A", Kind: tolem.KindProvider}, all, 0, nil},
			"nobody, of no kind, not known": {tolem.Participant{}, all, 0, ErrForeign},
		} {
			q, err := c.ask.For(c.who)
			if !errors.Is(err, c.err) || err == nil && c.err != nil {
				t.Errorf("%s: %v, want %v", name, err, c.err)
			}
			if err != nil {
				continue
			}
			r := ask(t, db, q)
			var paid, refused int64
			for _, row := range r.Rows {
				paid, refused = paid+row.Paid, refused+row.Refused
				if q.Bank != "" && row.Bank != q.Bank || !strings.HasPrefix(string(row.Service), string(q.Provider)) {
					t.Errorf("%s sees %+v", name, row)
				}
			}
			if paid != c.paid || c.who.Kind == tolem.KindProvider && refused != 0 {
				t.Errorf("%s sees %d payments, want %d; %d refused", name, paid, c.paid, refused)
			}
			s, err := r.Sheet(form.Russian, nil, time.Unix(0, 0), nil)
			hasRefused := slices.ContainsFunc(s.Columns, func(c form.Column) bool { return c.Name == "refused" })
			if err != nil || hasRefused == (c.who.Kind == tolem.KindProvider) {
				t.Errorf("%s: refused notifications are a column: %v, %v", name, hasRefused, err)
			}
		}
	})
}

// Refused requests are told of one participant or of all, in periods and forms.
func TestRefusals(t *testing.T) {
	tolemtest.Stores(t, store.Options{}, func(t *testing.T, db *store.DB) {
		for day := monday - 1; day < monday+7; day++ {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				return errors.Join(tx.AddRefusalTotals(day, 1, []store.RefusalTotal{
					{Hour: 3, Participant: "A", Operation: tolem.OpNotifyPayment, Result: tolem.Mismatch, Requests: 2},
					{Hour: 4, Participant: "A", Operation: tolem.OpNotifyPayment, Result: tolem.Mismatch, Requests: 3},
					{Hour: 3, Participant: "B", Operation: tolem.OpCloseCode, Result: tolem.NotPaid, Requests: 1},
				}), tx.KeepCount(store.CountedDay{Day: day, Draft: 1}))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		q := Query{From: monday - 1, To: monday + 9, Period: Weekly}
		all, err := NewDesk(db).Refusals(t.Context(), q, "")
		if err != nil || len(all.Rows) != 4 || all.Rows[2].Requests != 35 || all.Rows[2].Label != "2025-W01" || all.Total != 48 || all.Complete || all.Open != monday+7 {
			t.Errorf("%+v, %v", all, err)
		}
		one, err := NewDesk(db).Refusals(t.Context(), q, "B")
		if err != nil || len(one.Rows) != 2 || one.Total != 8 || one.Rows[0].Participant != "B" {
			t.Errorf("%+v, %v", one, err)
		}
		for _, l := range Languages {
			s, err := one.Sheet(l, time.UTC, time.Unix(0, 0), nil)
			var b bytes.Buffer
			if err := errors.Join(err, form.WriteCSV(&b, s), form.WritePDF(&b, s), form.WriteXLSX(&b, s)); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestQueriesThatCannotBeAnswered(t *testing.T) {
	tolemtest.Stores(t, store.Options{}, func(t *testing.T, db *store.DB) {
		for name, q := range map[string]Query{
			"backwards":       {From: 10, To: 9, Period: Daily},
			"too long":        {From: 10, To: 10 + MaxDays, Period: Daily},
			"no period":       {From: 10, To: 10},
			"no dimension":    {From: 10, To: 10, Period: Daily, By: []Dimension{"iin"}},
			"dimension twice": {From: 10, To: 10, Period: Daily, By: []Dimension{ByBank, ByBank}},
		} {
			if _, err := NewDesk(db).Make(t.Context(), q); !errors.Is(err, ErrQuery) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var totals []store.HourTotal
		for i := range 3000 {
			totals = append(totals, total(i%24, "A", tolem.ServiceCode(fmt.Sprintf("TAX-%d", i)), 1))
		}
		for day := monday; day < monday+7; day++ {
			keep(t, db, day, totals)
		}
		_, err := NewDesk(db).Make(t.Context(), Query{From: monday, To: monday + 6, Period: Daily, By: []Dimension{ByService}})
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("21,000 rows: %v", err)
		}
	})
}

// A report stands in CSV, XLSX, PDF and charts.
func TestForms(t *testing.T) {
	db := tolemtest.Store(t, tolemtest.SQLite(t), store.Options{})
	keep(t, db, monday, []store.HourTotal{total(1, "A", "TAX-1", 3), total(2, "B", "TAX-1", 1000)})
	keep(t, db, monday+1, []store.HourTotal{total(1, "A", "TAX-1", 5)})
	r := ask(t, db, Query{From: monday, To: monday + 1, Period: Daily, By: []Dimension{ByBank}})
	chart, err := r.Chart(form.Lines, "paid_amount", form.Kazakh)
	if err != nil || !slices.Equal(chart.Labels, []string{"2024-12-30", "2024-12-31"}) || len(chart.Series) != 2 || chart.Currency != tolem.KZT ||
		!slices.Equal(chart.Series[0].Values, []int64{3150, 5250}) || !slices.Equal(chart.Series[1].Values, []int64{1050000, 0}) {
		t.Errorf("%+v, %v", chart, err)
	}
	if _, err := r.Chart(form.Bars, "iin", form.English); !errors.Is(err, ErrQuery) {
		t.Errorf("%v", err)
	}
	s, err := r.Sheet(form.Kazakh, time.UTC, time.Unix(0, 0), &chart)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for name, write := range map[string]func() error{
		"XLSX": func() error { return form.WriteXLSX(&b, s) }, "PDF": func() error { return form.WritePDF(&b, s) },
		"SVG": func() error { return form.WriteSVG(&b, chart, form.Kazakh) },
	} {
		if b.Reset(); write() != nil || b.Len() == 0 {
			t.Errorf("%s: %v, %d bytes", name, write(), b.Len())
		}
	}
	b.Reset()
	if err := form.WriteCSV(&b, s); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
	if err != nil || len(lines) != 5 || strings.Join(lines[1][:8], "|") != "ROW|2024-12-30|A|KZT|6|3|31.50|KZT" || lines[1][len(lines[1])-4] != "90" {
		t.Errorf("%v, %v", lines, err)
	}
	for measure, measures := 0, Measures(); measure < len(measures); measure++ {
		if _, err := r.Chart(form.Bars, measures[measure], form.Russian); err != nil {
			t.Error(err)
		}
	}
}

// Every word is there in every language.
func TestCatalogue(t *testing.T) {
	for _, l := range Languages {
		for w := wordTitle; w <= wordSunday; w++ {
			if catalogue[l][w] == "" {
				t.Errorf("%s lacks word %d", l, w)
			}
		}
	}
}

// A month is answered from its totals however many payments it has.
func BenchmarkMonth(b *testing.B) {
	db := tolemtest.Store(b, tolemtest.SQLite(b), store.Options{})
	for day := monday; day < monday+31; day++ { // 50,000 payments a day in 2,400 directions by hour, 100 by day
		var totals []store.HourTotal
		for i := range 2400 {
			totals = append(totals, total(i/100, tolem.ParticipantID(fmt.Sprintf("BANK-%d", i%10)), tolem.ServiceCode(fmt.Sprintf("TAX-%d", i/10%10)), 21))
		}
		keep(b, db, day, totals)
	}
	for name, q := range map[string]Query{
		"weeks by bank and service": {Period: Weekly, By: []Dimension{ByBank, ByService}},
		"month":                     {Period: Monthly},
		"days":                      {Period: Daily},
		"month by hour":             {Period: Whole, By: []Dimension{ByHour}},
	} {
		q.From, q.To = monday, monday+30
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ask(b, db, q)
			}
		})
	}
}
