package soap

import (
	"strconv"

	"tolem"
	"tolem/bills"
)

func decodeBatch(f *fields) bills.Batch {
	in := bills.Batch{AsOf: f.time("asOf")}
	if f.has("paidUntil") {
		in.PaidUntil = f.time("paidUntil")
	}
	currency, err := tolem.ParseCurrency(f.token("currency"))
	f.check("currency", err == nil, "KZT, AZN or UZS")
	f.check("account", f.has("account"), "there")
	f.list("account", bills.MaxBatch, func(f *fields) { in.Snapshots = append(in.Snapshots, decodeAccount(f, currency)) })
	return in
}

func decodeAccount(f *fields, currency tolem.Currency) (s tolem.Snapshot) {
	text := f.token("number")
	number, err := tolem.ParseAccountNumber(text)
	f.check("number", err == nil && len(number) == len(text), "1 to 34 letters A to Z, digits and signs -./_")
	s.Account.Number = number
	if f.has("closed") {
		s.Closed = f.boolean("closed")
	}
	s.Particulars.Holder = f.optionalText("holder", tolem.MaxHolder)
	s.Particulars.Address = f.optionalText("address", tolem.MaxAddress)
	f.list("detail", tolem.MaxDetails, func(f *fields) {
		s.Particulars.Details = append(s.Particulars.Details, tolem.Detail{Label: f.text("label", tolem.MaxLabel), Value: f.optionalText("value", tolem.MaxValue)})
	})
	f.list("bill", tolem.MaxBills, func(f *fields) {
		s.Bills = append(s.Bills, tolem.Bill{
			Service: tolem.ServiceCode(f.identifier("serviceCode")), Amount: f.money("amount", currency),
			Invoice: f.optionalText("invoiceNo", tolem.MaxInvoice), Period: f.optionalText("period", tolem.MaxPeriod),
		})
	})
	return s
}

func encodeTaken(_ *Handler, w *writer, r bills.SubmitResult) error {
	count := func(name string, n int64) { w.Text(name, strconv.FormatInt(n, 10)) }
	if r.Result == tolem.OK {
		w.Text("batchId", r.ID)
		count("accounts", r.Accounts)
		count("taken", r.BillBatch.Taken)
		count("same", r.Same)
		count("older", r.Older)
	}
	for _, rejected := range r.Rejected {
		w.Open("rejected")
		w.Text("no", itoa(rejected.No))
		w.Text("code", string(rejected.Problem))
		w.Text("text", rejected.What)
		w.Close("rejected")
	}
	return nil
}
