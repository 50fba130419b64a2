package bills_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tolem"
	"tolem/bills"
)

// read reads a whole file.
func read(t testing.TB, text string) (accounts []tolem.Snapshot, problems []bills.LineProblem, err error) {
	t.Helper()
	r, err := bills.NewReader([]byte(text), tolem.AZN, func(p bills.LineProblem) { problems = append(problems, p) })
	if err != nil {
		return nil, nil, err
	}
	for {
		s, _, ok := r.Next()
		if !ok {
			return accounts, problems, nil
		}
		accounts = append(accounts, s)
	}
}

func TestReadAccounts(t *testing.T) {
	for name, text := range map[string]string{
		"commas":     "account,holder,service,amount,detail: Sayğac\nA1,Ə,LIGHT,12.50,7\nA1,,LIGHT,1200.5,\n\na 2,\"B, C\",,,\n",
		"semicolons": "\ufeffAccount;HOLDER;service;amount;Detail: Sayğac\r\n'A1;Ə;LIGHT;12,50;7\r\nA1;Ə;LIGHT;1 200,5;7\r\n;;;;\r\nA2;B, C;;;",
		"tabs":       "amount\taccount\tholder\tservice\tdetail:Sayğac\n12,5\tA1\tƏ\tLIGHT\t7\n1\u00a0200.50\tA1\t\tLIGHT\t\n\tA2\tB, C\t\t\n",
	} {
		accounts, problems, err := read(t, text)
		if err != nil || len(problems) > 0 || len(accounts) != 2 {
			t.Errorf("%s: %+v, %+v, %v", name, accounts, problems, err)
			continue
		}
		a, b := accounts[0], accounts[1]
		if a.Account.Number != "A1" || a.Particulars.Holder != "Ə" || len(a.Bills) != 2 || a.Bills[0].Amount != azn(1250) || a.Bills[1].Amount != azn(120050) ||
			!slices.Equal(a.Particulars.Details, []tolem.Detail{{Label: "Sayğac", Value: "7"}}) {
			t.Errorf("%s: %+v", name, a)
		}
		if b.Account.Number != "A2" || b.Particulars.Holder != "B, C" || len(b.Bills) != 0 {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

func TestProblemsOfLines(t *testing.T) {
	for text, want := range map[string]string{
		"account,amount\nA1":     "2 BAD_LINE",
		"account,amount\nA1,\"1": "2 BAD_LINE",
		"account,amount\n" + strings.Repeat("x", 70_000) + "\nA1,\n": "2 BAD_LINE",
		"account,amount\nə,1": "2 BAD_ACCOUNT",
		"account,service,amount\nA1,LIGHT,1.234\nA2,LIGHT,\nA3,LIGHT,0":             "2 BAD_AMOUNT 3 BAD_AMOUNT 4 BAD_AMOUNT",
		"account,service,amount\nA1,LIGHT,1e3":                                      "2 BAD_AMOUNT",
		"account,service,amount,currency\nA1,LIGHT,1,usd":                           "2 BAD_CURRENCY",
		"account,closed\nA1,perhaps":                                                "2 BAD_TEXT",
		"account,holder,detail: a\nA1,x,1\nA1,y,1\nA1,,2":                           "3 CONTRADICTION 4 CONTRADICTION",
		"account,closed\nA1,yes\nA1,no":                                             "3 CONTRADICTION",
		"account,service,amount\nA1,LIGHT,x\nA1,LIGHT,1\nbad number!,,\nA2,,\n,,\n": "2 BAD_AMOUNT 4 BAD_ACCOUNT",
	} {
		_, problems, err := read(t, text)
		var got []string
		for _, p := range problems {
			got = append(got, fmt.Sprint(p.Line, " ", p.Problem))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%.60q: %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]bills.FileProblem{
		"": bills.FileEmpty, "\ufeff \r\n": bills.FileEmpty, "account\nA\xff": bills.FileText,
		"service,amount\n": bills.FileHeader, "account,amuont\n": bills.FileHeader, "account,Account\n": bills.FileHeader,
		"account,detail: a,DETAIL:A": bills.FileHeader, "account,detail:": bills.FileHeader, "hello": bills.FileHeader,
		"account" + strings.Repeat(",detail: a", 101): bills.FileColumns,
	} {
		_, _, err := read(t, text)
		var f *bills.FileError
		if !errors.As(err, &f) || f.Problem != want {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// The example of the documentation is taken as it is explained there.
func TestExampleFile(t *testing.T) {
	text, err := os.ReadFile("../docs/bills-example.csv")
	if err != nil {
		t.Fatal(err)
	}
	worlds(t, func(t *testing.T, w *world) {
		file := bills.File{Organisation: electro, Name: "bills-example.csv", Data: text, AsOf: w.clock.Now()}
		done, err := w.Import(t.Context(), file, nil)
		if err != nil || done.Wrong > 0 || done.Accounts != 3 || done.Bills != 3 || done.Taken != 3 {
			t.Fatalf("%+v, %v", done, err)
		}
		f := w.find(electro, "A-100")
		if p := f.Account.Particulars; p.Holder != "Əliyev İlham Murad oğlu" || p.Address != "Bakı, Nizami küç. 1, m. 12" || len(p.Details) != 2 || len(f.Debts) != 3 {
			t.Errorf("%+v", f)
		}
		if a, b := w.find(electro, "A-200").Outcome, w.find(electro, "A-300").Outcome; a != bills.FoundService || b != bills.NotFound {
			t.Errorf("%s, %s", a, b)
		}
		if done, err = w.Import(t.Context(), file, nil); err != nil || done.Same != 3 || done.Taken != 0 {
			t.Errorf("once more: %+v, %v", done, err)
		}
	})
}

// Every problem that there is stands in the documentation.
func TestProblemsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/bills-csv.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []tolem.BillProblem{
		tolem.ProblemAccount, tolem.ProblemTwice, tolem.ProblemService, tolem.ProblemAmount, tolem.ProblemCurrency, tolem.ProblemInvoice,
		tolem.ProblemDuplicate, tolem.ProblemTooMany, tolem.ProblemText, tolem.ProblemClosed, bills.ProblemLine, bills.ProblemContradiction,
		tolem.BillProblem(bills.FileEmpty), tolem.BillProblem(bills.FileLarge), tolem.BillProblem(bills.FileRows), tolem.BillProblem(bills.FileText),
		tolem.BillProblem(bills.FileHeader), tolem.BillProblem(bills.FileColumns),
	} {
		if !strings.Contains(string(text), "`"+string(p)+"`") {
			t.Errorf("%s is not documented", p)
		}
	}
	for _, c := range bills.Columns {
		if !strings.Contains(string(text), "`"+c+"`") {
			t.Errorf("column %s is not documented", c)
		}
	}
}

// A file with a line that is not in order changes nothing; all problems are
// told by their lines.
func TestImportIsAllOrNothing(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		file := bills.File{Organisation: electro, Name: "x.csv", AsOf: w.clock.Now(), Data: []byte(
			"account,service,amount,invoice\nA1,LIGHT,1,1\nA2,LIGHT,1,1\nA1,LIGHT,2,2\nA3,SUPPLY,1,1\nA4,LIGHT,1,1\nA4,LIGHT,1,1\nA5,LIGHT,x,1\n",
		)}
		done, err := w.Import(t.Context(), file, nil)
		var got []string
		for _, p := range done.Problems {
			got = append(got, fmt.Sprint(p.Line, " ", p.Problem))
		}
		if want := "4 ACCOUNT_TWICE 5 UNKNOWN_SERVICE 6 DUPLICATE_INVOICE 8 BAD_AMOUNT"; err != nil || strings.Join(got, " ") != want || done.Wrong != 4 {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
		if f := w.find(electro, "A2"); f.Outcome != bills.NotFound {
			t.Errorf("%+v", f)
		}
		file.Organisation = "NOBODY"
		if _, err := w.Import(t.Context(), file, nil); !errors.Is(err, bills.ErrOrganisation) {
			t.Error(err)
		}
		var flood strings.Builder
		flood.WriteString("account,service,amount\n")
		for i := range 3000 {
			fmt.Fprintf(&flood, "A%d,LIGHT,x\n", i)
		}
		file.Organisation, file.Data = electro, []byte(flood.String())
		if done, err := w.Import(t.Context(), file, nil); err != nil || done.Wrong != 3000 || len(done.Problems) != 1000 {
			t.Errorf("%d problems, %d told, %v", done.Wrong, len(done.Problems), err)
		}
	})
}

// Whatever bytes come, the reader ends, and what it reads is of the file.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		"account,holder,service,amount,detail: x\nA1,Ə,LIGHT,12.50,7\n", "account;amount\r\nA1;1 200,5\r\n", "account\tclosed\nA\tyes\n", "account\n\"A\"\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		last := 0
		r, err := bills.NewReader(data, tolem.AZN, func(p bills.LineProblem) {
			if p.Line < 1 || p.Problem == "" || p.What == "" {
				t.Errorf("%+v", p)
			}
		})
		if err != nil {
			var f *bills.FileError
			if !errors.As(err, &f) {
				t.Error(err)
			}
			return
		}
		for {
			s, line, ok := r.Next()
			if !ok {
				return
			}
			if line <= last || line > strings.Count(string(data), "\n")+1 {
				t.Fatalf("line %d after %d", line, last)
			}
			last = line
			if n, err := tolem.ParseAccountNumber(string(s.Account.Number)); err != nil || n != s.Account.Number {
				t.Errorf("account %q", s.Account.Number)
			}
			for _, b := range s.Bills {
				if b.Amount.Minor <= 0 || b.Amount.Currency != tolem.AZN {
					t.Errorf("%+v", b)
				}
			}
		}
	})
}
