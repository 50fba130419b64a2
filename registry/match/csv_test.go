package match_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"tolem"
	"tolem/registry/match"
)

const anyCode tolem.CodeNumber = 1000000000111118

func almaty() *time.Location { return time.FixedZone("Asia/Almaty", 5*60*60) }

func parse(t *testing.T, text string) match.List {
	t.Helper()
	list, err := match.ParseCSV(strings.NewReader(text), match.Options{Zone: almaty()})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return list
}

// The same row in the spellings that banks and spreadsheets use.
func TestSpellingsOfOneRow(t *testing.T) {
	want := match.Entry{
		Line: 1, Kind: tolem.RowPayment, Code: anyCode, BankRef: "R-1", Service: "PASSPORT",
		Amount: tolem.Money{Minor: 123456, Currency: tolem.KZT}, PaidAt: time.Date(2026, 11, 21, 4, 30, 0, 0, time.UTC),
	}
	for name, text := range map[string]string{
		"plain":       "paymentCode,bankRef,amount,currency,paidAt,serviceCode,kind\n1000000000111118,R-1,1234.56,KZT,2026-11-21T04:30:00Z,PASSPORT,PAYMENT\n",
		"no newline":  "paymentCode,bankRef,amount,currency,paidAt,serviceCode\n1000000000111118,R-1,1234.56,KZT,2026-11-21T04:30:00Z,PASSPORT",
		"BOM, CRLF":   "\ufeffpaymentCode,bankRef,amount,currency,paidAt,service\r\n1000000000111118,R-1,1234.56,KZT,2026-11-21T04:30:00Z,PASSPORT\r\n",
		"semicolons":  "Code;Bank Ref;Amount;Currency;Paid at;Service\n1000-0000-0011-1118;R-1;1 234,56;kzt;21.11.2026 09:30;PASSPORT\n",
		"tabs":        "code\tbank_ref\tamount\tcurrency\tpaid_at\tservice_code\n1000 0000 0011 1118\tR-1\t1\u00a0234,56\tKZT\t21.11.2026 09:30:00\tPASSPORT\n",
		"quotes":      `"code","bankRef","amount","currency","paidAt","service","remark"` + "\n" + `"1000000000111118","R-1","1 234,56","KZT","2026-11-21T09:30:00+05:00","PASSPORT","said ""yes"", then no"` + "\n",
		"guarded":     "code,bankRef,amount,currency,paidAt,service\n'1000000000111118,'R-1,1234.56,KZT,2026-11-21T04:30:00Z,'PASSPORT\n",
		"sep line":    "sep=;\r\ncode;bankRef;amount;currency;paidAt;service\r\n1000000000111118;R-1;1234,56;KZT;21.11.2026 09:30;PASSPORT\r\n",
		"of commas":   "code,bankRef,amount,currency,paidAt,service,\n1000000000111118,R-1,1234.56,KZT,2026-11-21T04:30:00Z,PASSPORT,\n",
		"other order": "remark,service,currency,amount,paidAt,bankRef,code\nx,PASSPORT,KZT,1234.56,2026-11-21T04:30:00Z,R-1,1000000000111118\n",
		"empty end":   "code;bankRef;amount;currency;paidAt;service\n1000000000111118;R-1;1234.56;KZT;21.11.2026 09:30;PASSPORT;;;\n;;;;;\n\n",
		"blank above": "\n\ncode;bankRef;amount;currency;paidAt;service\n1000000000111118;R-1;1234.56;KZT;2026-11-21 09:30:00;PASSPORT\n",
	} {
		list := parse(t, text)
		if len(list.Entries) != 1 || !reflect.DeepEqual(list.Entries[0], want) || len(list.Declared) > 0 {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

func TestAmountsAreExact(t *testing.T) {
	for text, minor := range map[string]int64{
		"1234.56": 123456, "1234,56": 123456, "1 234,56": 123456, "1 234 567.8": 123456780, "1\u202f234,5": 123450,
		"0.01": 1, "1200": 120000, "007": 700, "1000000000000.00": tolem.MaxAmountMinor,
		// the nearest floating-point number is another one
		"70368744177.67": 7036874417767,
		"":               0, "0": 0, "0.00": 0, "1.234": 0, "1,234": 0, "1,234.56": 0, "1.234,56": 0, "12 34,56": 0, "1  234": 0,
		".50": 0, "5.": 0, "1e3": 0, "+5": 0, "--5": 0, "1000000000000.01": 0, "99999999999999999999": 0, "١٢": 0, "NaN": 0, "5 KZT": 0,
	} {
		e := parse(t, fmt.Sprintf("code;amount;currency;kind\n%s;%s;KZT;PAYMENT\n", anyCode, text)).Entries[0]
		if e.Amount.Minor != minor || (e.Unreadable == match.BadAmount) != (minor == 0) {
			t.Errorf("%q: %v, %s", text, e.Amount, e.Unreadable)
		}
	}
}

// A negative amount is a refund where nothing says what the row is.
func TestNegativeAmounts(t *testing.T) {
	list := parse(t, "code;amount;currency;kind\n1000000000111118;-5;KZT;\n1000000000111118;-5;KZT;REFUND\n1000000000111118;-5;KZT;PAYMENT\n")
	for i, want := range []string{"REFUND 5.00 KZT ", "REFUND 5.00 KZT ", "PAYMENT 0.00  BAD_AMOUNT"} {
		e := list.Entries[i]
		if got := fmt.Sprintf("%s %v %s", e.Kind, e.Amount, e.Unreadable); got != want {
			t.Errorf("row %d: %s, want %s", i+1, got, want)
		}
	}
}

// One bad row never stops the rest, and says what is wrong with it.
func TestUnreadableRows(t *testing.T) {
	const header = "code,bankRef,amount,currency,paidAt,service,kind\n"
	good := "1000000000222280,R2,500.00,KZT,,,\n"
	for _, c := range []struct {
		row  string
		want match.Unreadable
		code tolem.CodeNumber
	}{
		{",,5.00,KZT,,,", match.BadKey, 0},
		{"12345,,5.00,KZT,,,", match.BadKey, 0},
		{"1.00000000011112E+15,,5.00,KZT,,,", match.BadKey, 0}, // what spreadsheets make of codes
		{"1000000000111118,R1,five,KZT,,,", match.BadAmount, anyCode},
		{"1000000000111118,R1,,KZT,,,", match.BadAmount, anyCode},
		{"1000000000111118,R1,5.00,USD,,,", match.BadCurrency, anyCode},
		{"1000000000111118,R1,5.00,,,,", match.BadCurrency, anyCode},
		{"1000000000111118,R1,5.00,KZT,31.02.2026 10:00,,", match.BadTime, anyCode},
		{"1000000000111118,R1,5.00,KZT,,,CHARGEBACK", match.BadKind, anyCode},
		{"1000000000111118,R1,5.00,KZT,,\xcf\xf0\xe8,", match.BadText, anyCode},
		{"1000000000111118,R1\x00,5.00,KZT,,,", match.BadText, anyCode},
		{"1000000000111118," + strings.Repeat("R", 65) + ",5.00,KZT,,,", match.BadText, anyCode},
		{`1000000000111118,"R1,5.00,KZT,,,`, match.BadQuotes, anyCode},
		{`1000000000111118,"R1"x,5.00,KZT,,,`, match.BadQuotes, anyCode},
		{"1000000000111118,R1,5.00,KZT", match.BadFields, anyCode},
		{"1000000000111118,R1,5,00,KZT,,,", match.BadFields, anyCode},
		{"1000000000111119,R1,5,00,KZT,,,", match.BadFields, 0}, // in such a row only a valid code is believed
		{"1000000000111118,R1," + strings.Repeat("5", match.MaxLine), match.LongLine, 0},
	} {
		list := parse(t, header+good+c.row+"\n"+good)
		if len(list.Entries) != 3 || list.Entries[2].Unreadable != "" || list.Entries[2].Line != 3 {
			t.Errorf("%.40q: the rows around it are not read: %d", c.row, len(list.Entries))
			continue
		}
		e := list.Entries[1]
		if e.Unreadable != c.want || e.Code != c.code || e.Line != 2 {
			t.Errorf("%.40q: %q, code %v, want %s, %v", c.row, e.Unreadable, e.Code, c.want, c.code)
		}
		if e.Raw == "" || len(e.Raw) > match.MaxRaw || !strings.HasPrefix(strings.ToValidUTF8(c.row, "?"), e.Raw) {
			t.Errorf("%.40q: kept as %q", c.row, e.Raw)
		}
	}
}

func TestTotals(t *testing.T) {
	const rows = "code,amount,currency,kind,service,count\n1000000000111118,5.00,KZT,PAYMENT,PASSPORT,\n1000000000111118,2.00,KZT,REFUND,PASSPORT,\n"
	sum := func(net, count int64) []match.Declared {
		return []match.Declared{{Currency: tolem.KZT, Net: net, HasNet: true, Count: count, HasCount: count > 0}}
	}
	for name, c := range map[string]struct {
		text string
		want []match.Declared
		bad  int
	}{
		"kind":          {"code,amount,currency,kind,service,count\n,3.00,KZT,TOTAL,,2\n", sum(300, 2), 0},
		"first column":  {rows + "TOTAL,3.00,KZT,,,2\n", sum(300, 2), 0},
		"in Russian":    {rows + "Итого:,3.00,KZT,,,2\n", sum(300, 2), 0},
		"negative":      {rows + "TOTAL,-3.00,KZT,,,2\n", sum(-300, 2), 0},
		"by the rows":   {rows + "TOTAL,3.00,,,,\n", sum(300, 0), 0},
		"count alone":   {rows + "TOTAL,,,,,2\n", []match.Declared{{Count: 2, HasCount: true}}, 0},
		"of a part":     {rows + "TOTAL,3.00,KZT,,PASSPORT,2\n", nil, 0},
		"beyond a row":  {rows + "TOTAL,2000000000000.00,KZT,,,2\n", sum(200_000_000_000_000, 2), 0},
		"without sense": {rows + "TOTAL,much,KZT,,,2\nTOTAL,,,,,\nTOTAL,3,USD,,,\nTOTAL,3,KZT,,,-2\n", nil, 4},
		"no currency":   {"code,amount,kind\nTOTAL,3.00,\n", nil, 1},
		"a code":        {rows + "1000000000111118,3.00,KZT,TOTAL,,2\n", nil, 1},
	} {
		list := parse(t, c.text)
		bad := 0
		for _, e := range list.Entries {
			if e.Unreadable != "" {
				bad++
			}
		}
		if !reflect.DeepEqual(list.Declared, c.want) && len(list.Declared)+len(c.want) > 0 || bad != c.bad {
			t.Errorf("%s: %+v, %d bad rows", name, list.Declared, bad)
		}
	}
}

func TestFilesThatAreNoLists(t *testing.T) {
	for _, c := range []struct {
		text string
		want match.FileCode
	}{
		{"", match.FileNoHeader},
		{"\n\n", match.FileNoHeader},
		{"1000000000111118,5.00\n", match.FileNoHeader},
		{"\x50\x4b\x03\x04 a spreadsheet", match.FileNoHeader},
		{"code,currency\n", match.FileColumnMissing},
		{"amount,currency\n", match.FileColumnMissing},
		{"code,amount,code\n", match.FileColumnTwice},
		{"code,payment_code,amount\n", match.FileColumnTwice},
		{"\xff\xfec\x00o\x00d\x00e\x00", match.FileNotUTF8},
		{"\xea\xee\xe4;\xf1\xf3\xec\xec\xe0\n", match.FileNotUTF8},
		{"code,amount" + strings.Repeat(",x", match.MaxColumns) + "\n", match.FileNoHeader},
		{"code,amount," + strings.Repeat("x", match.MaxLine) + "\n", match.FileNoHeader},
	} {
		_, err := match.ParseCSV(strings.NewReader(c.text), match.Options{})
		var file *match.FileError
		if !errors.As(err, &file) || file.Code != c.want {
			t.Errorf("%.40q: %v, want %s", c.text, err, c.want)
		}
	}
	broken := errors.New("broken")
	if _, err := match.ParseCSV(iotest.ErrReader(broken), match.Options{}); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// endless is a file of any size.
type endless struct{ row []byte }

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], e.row)
	}
	return n, nil
}

func TestLimitsOfFiles(t *testing.T) {
	for want, row := range map[match.FileCode]string{
		match.FileTooManyRows: "1\n", match.FileTooLarge: strings.Repeat("x", 1<<20),
	} {
		_, err := match.ParseCSV(io.MultiReader(strings.NewReader("code,amount\n"), &endless{[]byte(row)}),
			match.Options{MaxRows: 20_000, MaxFile: 2 << 20})
		var file *match.FileError
		if !errors.As(err, &file) || file.Code != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// What a register of ours looks like as CSV is a list that agrees with it.
//
// GW-P17 GW-P28
func TestOurOwnRegisterAgrees(t *testing.T) {
	text, err := os.ReadFile("testdata/lists/register.csv")
	if err != nil {
		t.Fatal(err)
	}
	list, err := match.ParseCSV(bytes.NewReader(text), match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var book match.Book
	book.Owner = tolem.Owner{Kind: tolem.BankRegister, ID: "HALYK"}
	book.Day, book.From, book.To = vectorDay()
	var rows []tolem.RegisterRow
	for i, e := range list.Entries {
		if e.Unreadable != "" {
			t.Errorf("row %d is unreadable: %s", e.Line, e.Unreadable)
		}
		rows = append(rows, tolem.RegisterRow{
			Line: i + 1, Kind: e.Kind, Code: e.Code, Bank: "HALYK", Branch: e.Branch, BankRef: e.BankRef, Service: e.Service,
			Provider: e.Provider, Amount: e.Amount, PaidAt: e.PaidAt, Discrepancy: e.Mark, Belongs: book.Day,
		})
	}
	book.Rows = match.Rows(rows)
	r, err := match.Match(book, list, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Anomalies) > 0 || r.Matched != 4 || r.Noted != 1 || len(list.Declared) != 2 {
		t.Errorf("%+v of %+v", r, list.Declared)
	}
	if got := rows[1].BankRef; got != "=HYPERLINK(1)" {
		t.Errorf("a guarded reference reads %q", got)
	}
}

func FuzzParseCSV(f *testing.F) {
	f.Add([]byte("code,amount,currency\n1000000000111118,5.00,KZT\nTOTAL,5.00,KZT\n"))
	if text, err := os.ReadFile("testdata/lists/register.csv"); err == nil {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := match.ParseCSV(bytes.NewReader(text), match.Options{Zone: almaty()})
		var file *match.FileError
		if err != nil {
			if !errors.As(err, &file) {
				t.Fatal(err)
			}
			return
		}
		last := 0
		for _, e := range list.Entries {
			if e.Line <= last {
				t.Fatalf("line %d after %d", e.Line, last)
			}
			last = e.Line
			if e.Unreadable == "" && e.Kind != tolem.RowDiscrepancy &&
				(e.Code == 0 && e.BankRef == "" || e.Amount.Minor <= 0 || e.Amount.Minor > tolem.MaxAmountMinor) {
				t.Fatalf("a row that cannot be read is: %+v", e)
			}
		}
		// Whatever was read can be compared.
		var book match.Book
		book.Owner = tolem.Owner{Kind: tolem.BankRegister, ID: "HALYK"}
		book.Day, book.From, book.To = vectorDay()
		r, err := match.Match(book, list, match.LookupFunc(func([]tolem.CodeNumber) (map[tolem.CodeNumber][]match.Fact, error) {
			return nil, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range r.Balances {
			if b.Ours != (tolem.Sum{}) {
				t.Fatalf("an empty register comes to %+v", b)
			}
		}
	})
}
