package match_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"tolem"
	"tolem/registry/match"
)

func reported(r match.Result) (got []string) {
	for _, a := range r.Anomalies {
		got = append(got, fmt.Sprintf("%s row %d, ours %d", a.Code, a.TheirLine, a.OurLine))
	}
	slices.Sort(got)
	return got
}

// lost returns what of one sorted list the other lacks.
func lost(from, in []string) (missing []string) {
	for _, s := range from {
		if _, found := slices.BinarySearch(in, s); !found {
			missing = append(missing, s)
		}
	}
	return missing[:min(len(missing), 10)]
}

// checkSums adds both sides up by itself and compares the net difference of
// each currency with what the anomalies explain.
func checkSums(t interface{ Errorf(string, ...any) }, book match.Book, list match.List, r match.Result) {
	want := make(map[tolem.Currency]int64)
	for row := range book.Rows {
		switch row.Kind {
		case tolem.RowPayment:
			want[row.Amount.Currency] -= row.Amount.Minor
		case tolem.RowRefund:
			want[row.Amount.Currency] += row.Amount.Minor
		}
	}
	for _, e := range list.Entries {
		switch e.Kind {
		case tolem.RowPayment:
			want[e.Amount.Currency] += e.Amount.Minor
		case tolem.RowRefund:
			want[e.Amount.Currency] -= e.Amount.Minor
		}
	}
	got := make(map[tolem.Currency]int64)
	for _, a := range r.Anomalies {
		got[a.Difference.Currency] += a.Difference.Minor
		got[a.Counter.Currency] += a.Counter.Minor
	}
	zero := func(_ tolem.Currency, minor int64) bool { return minor == 0 }
	maps.DeleteFunc(want, zero)
	maps.DeleteFunc(got, zero)
	if !maps.Equal(got, want) {
		t.Errorf("the anomalies explain %v, the totals differ by %v", got, want)
	}
}

const (
	propertyRows    = 20_000
	propertyDefects = 1_000
)

// Exactly those codes on those rows; none invented. The differences explain
// the totals, and the order of rows makes no difference.
//
// GW-P17 GW-P28
func TestRandomDefectsAreFoundAndNoneInvented(t *testing.T) {
	names := slices.Sorted(maps.Keys(defects))
	for seed := uint64(1); seed <= 6; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := newWorld(rand.New(rand.NewPCG(seed, 3)), propertyRows)
			for range propertyDefects {
				defects[names[w.random.IntN(len(names))]](w)
			}
			w.state(seed%2 == 0, seed%3 == 0)
			for range 2 {
				w.shuffle()
				book, list := w.sides()
				r, err := match.Match(book, list, w)
				if err != nil {
					t.Fatal(err)
				}
				got, want := reported(r), w.expectations()
				if !slices.Equal(got, want) {
					t.Errorf("not found: %q\ninvented: %q", lost(want, got), lost(got, want))
				}
				checkSums(t, book, list, r)
			}
		})
	}
}

// Each kind of defect alone, so that none hides behind another.
func TestEachDefectAlone(t *testing.T) {
	for name, defect := range defects {
		t.Run(name, func(t *testing.T) {
			w := newWorld(rand.New(rand.NewPCG(7, 7)), 50)
			defect(w)
			w.shuffle()
			book, list := w.sides()
			r, err := match.Match(book, list, w)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := reported(r), w.expectations(); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			checkSums(t, book, list, r)
		})
	}
}

func TestPerfectListHasNoAnomalies(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(1, 1)), 5_000)
	w.state(true, true)
	w.shuffle()
	book, list := w.sides()
	r, err := match.Match(book, list, w)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Anomalies) != 0 || r.Matched != int64(len(w.list)) || r.Agreed != r.Matched {
		t.Errorf("%d of %d agree: %q", r.Agreed, r.Matched, reported(r))
	}
	for _, b := range r.Balances {
		if b.Net() != 0 || b.Ours != b.Theirs || b.Ours != b.Matched {
			t.Errorf("balance %+v", b)
		}
	}
}

// Nothing on either side is nothing to report; without a lookup rows are
// missing and nothing more is claimed.
func TestEmptySides(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(1, 1)), 10)
	book, list := w.sides()
	for _, c := range []struct {
		name string
		book match.Book
		list match.List
		want map[tolem.AnomalyCode]bool
	}{
		{"both", match.Book{}, match.List{}, map[tolem.AnomalyCode]bool{}},
		{"theirs", book, match.List{}, map[tolem.AnomalyCode]bool{tolem.MissingThere: true, tolem.RefundedHere: true}},
		{"ours", match.Book{Owner: book.Owner}, list, map[tolem.AnomalyCode]bool{tolem.MissingHere: true}},
	} {
		r, err := match.Match(c.book, c.list, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for code := range r.Counts() {
			if !c.want[code] {
				t.Errorf("%s empty: %s", c.name, code)
			}
		}
	}
}

// A failure of what is asked is one of the comparison, not an anomaly.
func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	w := newWorld(rand.New(rand.NewPCG(1, 1)), 3)
	w.alien()
	book, list := w.sides()
	_, err := match.Match(book, list, match.LookupFunc(func([]tolem.CodeNumber) (map[tolem.CodeNumber][]match.Fact, error) {
		return nil, broken
	}))
	if !errors.Is(err, broken) {
		t.Errorf("lookup: %v", err)
	}
	book.Rows = func(yield func(tolem.RegisterRow, error) bool) { yield(tolem.RegisterRow{}, broken) }
	if _, err = match.Match(book, list, w); !errors.Is(err, broken) {
		t.Errorf("register: %v", err)
	}
	if _, err = match.Match(match.Book{}, match.List{Entries: make([]match.Entry, match.MaxRows+1)}, w); !errors.Is(err, match.ErrTooManyRows) {
		t.Errorf("too many rows: %v", err)
	}
}

// No list makes a sum overflow: the row that would is one that cannot be read.
func TestTotalsDoNotOverflow(t *testing.T) {
	var list match.List
	w := newWorld(rand.New(rand.NewPCG(1, 1)), 0)
	for range match.MaxTotal/tolem.MaxAmountMinor + 5 {
		e := *entryOf(w.row(tolem.RowPayment, ""))
		e.Amount = tolem.Money{Minor: tolem.MaxAmountMinor, Currency: tolem.KZT}
		list.Entries = append(list.Entries, e)
	}
	r, err := match.Match(w.book, list, w)
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Counts()[tolem.UnreadableRow]; n != 5 || r.Balances[0].Theirs.Minor != match.MaxTotal {
		t.Errorf("%d rows are too much, the rest comes to %v", n, r.Balances)
	}
}
