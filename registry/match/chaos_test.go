package match_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tolem"
	"tolem/registry/match"
)

// Whatever stands on both sides, from few codes, references and amounts so that
// everything collides: the comparison ends, each single row is reported once,
// the sums are explained, and the order in which rows are given does not
// matter.
func TestWhateverTheSidesHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		book, list, facts := drawBook(t), drawList(t), drawFacts(t)
		lookup := match.LookupFunc(func([]tolem.CodeNumber) (map[tolem.CodeNumber][]match.Fact, error) { return facts, nil })
		r, err := match.Match(book, list, lookup)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(list.Entries, func(e match.Entry) bool { return e.Unreadable != "" }) {
			checkSums(t, book, list, r)
		}
		everyRowIsAccountedFor(t, book, list, r)

		rows := slices.Collect(func(yield func(tolem.RegisterRow) bool) {
			for row := range book.Rows {
				if !yield(row) {
					return
				}
			}
		})
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		random.Shuffle(len(list.Entries), func(i, j int) {
			list.Entries[i], list.Entries[j] = list.Entries[j], list.Entries[i]
		})
		book.Rows = match.Rows(rows)
		again, err := match.Match(book, list, lookup)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Anomalies, again.Anomalies) {
			t.Fatalf("in another order:\n%v\n%v", r.Anomalies, again.Anomalies)
		}
	})
}

// single are the codes of rows that found no pair.
var single = map[tolem.AnomalyCode]bool{
	tolem.DuplicateThere: true, tolem.DuplicateHere: true, tolem.OtherDay: true, tolem.RefusedHere: true,
	tolem.CodeUnknown: true, tolem.NotPaidHere: true, tolem.NotRefundedHere: true, tolem.MissingHere: true,
	tolem.MissingThere: true,
}

// everyRowIsAccountedFor counts: a row is in a pair or is told to be single,
// once.
func everyRowIsAccountedFor(t *rapid.T, book match.Book, list match.List, r match.Result) {
	var ours, theirs int64
	for row := range book.Rows {
		if row.Kind != tolem.RowDiscrepancy {
			ours++
		}
	}
	for _, e := range list.Entries {
		if e.Kind != tolem.RowDiscrepancy {
			theirs++
		}
	}
	alone := func(line func(tolem.Anomaly) int, moved bool, of func(tolem.Anomaly) bool) (n int64) {
		seen := make(map[string]bool)
		for _, a := range r.Anomalies {
			if line(a) == 0 || !of(a) || moved && a.Difference.IsZero() {
				continue
			}
			if key := fmt.Sprint(line(a)); seen[key] {
				t.Fatalf("row %s is reported twice: %v", key, r.Anomalies)
			} else {
				seen[key] = true
			}
			n++
		}
		return n
	}
	oursAlone := alone(func(a tolem.Anomaly) int { return a.OurLine }, true, func(a tolem.Anomaly) bool {
		return a.Code == tolem.MissingThere || a.Code == tolem.DuplicateHere || a.Code == tolem.RefundedHere ||
			a.Code == tolem.OtherDay && a.TheirLine == 0
	})
	theirsAlone := alone(func(a tolem.Anomaly) int { return a.TheirLine }, true, func(a tolem.Anomaly) bool {
		switch a.Code {
		case tolem.WrongBankRow, tolem.BranchDiffers, tolem.OtherProvider:
			return !a.Difference.IsZero()
		case tolem.UnreadableRow:
			return a.OurLine == 0
		}
		return single[a.Code] && a.Code != tolem.DuplicateHere && a.Code != tolem.MissingThere
	})
	if r.Matched+oursAlone != ours {
		t.Fatalf("of %d rows of ours %d are in pairs and %d are reported: %v", ours, r.Matched, oursAlone, r.Anomalies)
	}
	if r.Matched+theirsAlone != theirs {
		t.Fatalf("of %d rows of the list %d are in pairs and %d are reported: %v", theirs, r.Matched, theirsAlone, r.Anomalies)
	}
}

// few codes: four that are valid, one with wrong check digits, none.
var few = []tolem.CodeNumber{1000000000111118, 1000000000222280, 1000000000333345, 1000000000444410, 1000000000444411, 0}

func of[T any](t *rapid.T, name string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, name)
}

func drawRow(t *rapid.T) tolem.RegisterRow {
	r := tolem.RegisterRow{
		Kind: of(t, "kind", tolem.RowPayment, tolem.RowPayment, tolem.RowRefund, tolem.RowDiscrepancy),
		Code: of(t, "code", few[:4]...), BankRef: of(t, "ref", tolem.BankRef("R1"), "R2", "R3"),
		Bank: of(t, "bank", tolem.ParticipantID("HALYK"), "KASPI"), Branch: of(t, "branch", tolem.ParticipantID("ALM01"), "AST02", ""),
		Provider: of(t, "provider", tolem.ProviderID("MIA"), "MOJ"), Service: "PASSPORT",
		Amount:  tolem.Money{Minor: of[int64](t, "amount", 100, 200), Currency: of(t, "currency", tolem.KZT, tolem.UZS)},
		Belongs: of(t, "belongs", tolem.Day(0), 20778, 20777),
	}
	if r.Kind == tolem.RowDiscrepancy {
		r.Discrepancy = of(t, "reason", string(tolem.UnknownCode), string(tolem.WrongBank), string(tolem.Mismatch))
	}
	return r
}

func drawBook(t *rapid.T) match.Book {
	book := match.Book{Owner: of(t, "owner",
		tolem.Owner{Kind: tolem.BankRegister, ID: "HALYK"}, tolem.Owner{Kind: tolem.ProviderRegister, ID: "MIA"},
		tolem.Owner{Kind: tolem.BranchRegister, ID: "ALM01", Bank: "HALYK"})}
	book.Day, book.From, book.To = vectorDay()
	rows := rapid.SliceOfN(rapid.Custom(drawRow), 0, 12).Draw(t, "register")
	for i := range rows {
		rows[i].Line = i + 1
	}
	book.Rows = match.Rows(rows)
	return book
}

func drawList(t *rapid.T) match.List {
	entries := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) match.Entry {
		r := drawRow(t)
		e := *entryOf(&r)
		e.Code = of(t, "their code", few...)
		e.BankRef = of(t, "their ref", tolem.BankRef("R1"), "R2", "R3", "R4", "")
		e.Bank = of(t, "their bank", tolem.ParticipantID(""), "HALYK", "KASPI")
		if rapid.IntRange(0, 5).Draw(t, "bad") == 0 && e.Kind != tolem.RowDiscrepancy {
			e.Unreadable = match.BadTime
		}
		return e
	}), 0, 12).Draw(t, "list")
	var list match.List
	for i, e := range entries {
		e.Line = i + 1
		if e.Code == 0 && e.BankRef == "" && e.Kind != tolem.RowDiscrepancy {
			e.Unreadable = match.BadKey
		}
		list.Entries = append(list.Entries, e)
	}
	return list
}

func drawFacts(t *rapid.T) map[tolem.CodeNumber][]match.Fact {
	facts := make(map[tolem.CodeNumber][]match.Fact)
	for range rapid.IntRange(0, 6).Draw(t, "facts") {
		f := match.Fact{Row: drawRow(t), Day: of(t, "day", tolem.Day(20777), 20778), Open: rapid.Bool().Draw(t, "open")}
		if rapid.IntRange(0, 3).Draw(t, "unpaid") == 0 {
			f.Row.Kind = ""
		}
		facts[f.Row.Code] = append(facts[f.Row.Code], f)
	}
	return facts
}
