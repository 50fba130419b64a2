package soap

import (
	"strconv"

	"tolem"
	"tolem/bills"
	"tolem/wsdl/contract"
)

func decodeBatch(f *fields) bills.Batch {
	in := bills.Batch{AsOf: f.Time("asOf"), PaidUntil: f.OptionalTime("paidUntil")}
	currency := f.Currency("currency")
	f.Check("account", f.Has("account"), "there")
	f.List("account", bills.MaxBatch, func(f *contract.Fields) { in.Snapshots = append(in.Snapshots, f.Account(currency)) })
	return in
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
