package match_test

import (
	"fmt"
	"strings"

	"tolem"
	"tolem/registry/match"
)

// A bank's own list of a day is compared with our register of that day.
func ExampleMatch() {
	kzt := func(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.KZT} }
	book := match.Book{
		Owner: tolem.Owner{Kind: tolem.BankRegister, ID: "HALYK"},
		Day:   tolem.DayOf(2026, 11, 21),
		Rows: match.Rows([]tolem.RegisterRow{
			{Line: 1, Kind: tolem.RowPayment, Code: 1000000000111118, Bank: "HALYK", BankRef: "R-1", Amount: kzt(120000)},
			{Line: 2, Kind: tolem.RowPayment, Code: 1000000000222280, Bank: "HALYK", BankRef: "R-2", Amount: kzt(50000)},
		}),
	}
	list, err := match.ParseCSV(strings.NewReader(
		"code;bankRef;amount\n"+
			"1000-0000-0011-1118;R-1;1 200,50\n"+
			"1000-0000-0033-3345;R-3;300,00\n"+
			"1000-0000-0022-2280;R-2;500,00\n"), match.Options{Currency: tolem.KZT})
	if err != nil {
		fmt.Println(err)
		return
	}
	yesterday := match.LookupFunc(func(codes []tolem.CodeNumber) (map[tolem.CodeNumber][]match.Fact, error) {
		row := tolem.RegisterRow{Kind: tolem.RowPayment, Code: codes[0], Bank: "HALYK", Amount: kzt(30000)}
		return map[tolem.CodeNumber][]match.Fact{codes[0]: {{Row: row, Day: tolem.DayOf(2026, 11, 20)}}}, nil
	})
	result, err := match.Match(book, list, yesterday)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range result.Anomalies {
		fmt.Printf("%d %s row %d: ours %s, theirs %s, difference %v\n", a.No, a.Code, a.TheirLine, a.Ours, a.Theirs, a.Difference)
	}
	fmt.Println(result.Matched, "matched, net", tolem.Money{Minor: result.Balances[0].Net(), Currency: tolem.KZT})
	// Output:
	// 1 AMOUNT_DIFFERS row 1: ours 1200.00 KZT, theirs 1200.50 KZT, difference 0.50 KZT
	// 2 OTHER_DAY row 2: ours 2026-11-20, theirs 300.00 KZT, difference 300.00 KZT
	// 2 matched, net 300.50 KZT
}
