package report

import (
	"io"
	"time"

	"tolem"
)

// View is a report as machines read it.
type View struct {
	From     string    `json:"from"`
	To       string    `json:"to"`
	Period   Period    `json:"period"`
	By       []string  `json:"by"`
	Bank     string    `json:"bank,omitempty"`
	Provider string    `json:"provider,omitempty"`
	Service  string    `json:"service,omitempty"`
	Channel  string    `json:"channel,omitempty"`
	Complete bool      `json:"complete"`
	OpenFrom string    `json:"openFrom,omitempty"` // the first day that is not counted yet
	Rows     []RowView `json:"rows"`
	Totals   []RowView `json:"totals"` // one for each currency
}

// RowView is a row as machines read it. Amounts are as on the wire.
type RowView struct {
	Period   string `json:"period"`
	From     string `json:"from"`
	To       string `json:"to"`
	Complete bool   `json:"complete"`

	Hour     *int   `json:"hour,omitempty"`
	Weekday  int    `json:"weekday,omitempty"` // 1 is Monday, 7 Sunday
	Bank     string `json:"bank,omitempty"`
	Provider string `json:"provider,omitempty"`
	Service  string `json:"service,omitempty"`
	Channel  string `json:"channel,omitempty"`
	Currency string `json:"currency"`

	Issued       int64  `json:"issued"`
	Expired      int64  `json:"expired"`
	Cancelled    int64  `json:"cancelled"`
	Closed       int64  `json:"closed"`
	Paid         int64  `json:"paid"`
	PaidAmount   string `json:"paidAmount"`
	Late         int64  `json:"late"`
	Fees         string `json:"fees"`
	Refunds      int64  `json:"refunds"`
	RefundAmount string `json:"refundAmount"`
	NetAmount    string `json:"netAmount"`
	Refused      int64  `json:"refused"`

	IssueToPayment   DurationsView `json:"issueToPayment"`
	PaymentToClosing DurationsView `json:"paymentToClosing"`
}

// DurationsView tells how long something took: on average, and how often how
// long.
type DurationsView struct {
	MeanSeconds  int64 `json:"meanSeconds"`
	UnderMinute  int64 `json:"underMinute"`
	UnderTenMin  int64 `json:"underTenMinutes"`
	UnderHour    int64 `json:"underHour"`
	UnderDay     int64 `json:"underDay"`
	DayAndLonger int64 `json:"dayAndLonger"`
}

// View returns the report as machines read it.
func (r *Report) View() View {
	q := r.Query
	v := View{
		From: q.From.String(), To: q.To.String(), Period: q.Period, By: make([]string, 0, len(q.By)), Bank: string(q.Bank), Provider: string(q.Provider),
		Service: string(q.Service), Channel: string(q.Channel), Complete: r.Complete, Rows: r.views(r.Rows, true), Totals: r.views(r.Totals, false),
	}
	for _, d := range q.By {
		v.By = append(v.By, string(d))
	}
	if !r.Complete {
		v.OpenFrom = r.Open.String()
	}
	return v
}

func (r *Report) views(rows []Row, dimensions bool) []RowView {
	list := make([]RowView, len(rows))
	for i, row := range rows {
		list[i] = viewRow(row)
		if dimensions && r.Query.has(ByHour) {
			list[i].Hour = &rows[i].Hour
		}
		if dimensions && r.Query.has(ByWeekday) {
			list[i].Weekday = weekdayNumber(row.Weekday)
		}
	}
	return list
}

// weekdayNumber is 1 for Monday to 7 for Sunday.
func weekdayNumber(d time.Weekday) int { return int((d+6)%7) + 1 }

func viewRow(r Row) RowView {
	amount := func(minor int64) string { return tolem.Money{Minor: minor}.Decimal() }
	return RowView{
		Period: r.Label, From: r.From.String(), To: r.To.String(), Complete: r.Complete,
		Bank: string(r.Bank), Provider: string(r.Provider), Service: string(r.Service), Channel: string(r.Channel), Currency: string(r.Currency),
		Issued: r.Issued, Expired: r.Expired, Cancelled: r.Cancelled, Closed: r.Closed, Paid: r.Paid, PaidAmount: amount(r.PaidMinor), Late: r.Late,
		Fees: amount(r.FeesMinor), Refunds: r.Refunds, RefundAmount: amount(r.RefundsMinor), NetAmount: amount(r.Net()), Refused: r.Refused,
		IssueToPayment: viewDurations(r.ToPay, r.Paid), PaymentToClosing: viewDurations(r.ToClose, r.Closed),
	}
}

func viewDurations(d tolem.Durations, times int64) DurationsView {
	longer := times
	for _, n := range d.Within {
		longer -= n
	}
	return DurationsView{
		MeanSeconds: int64(d.Mean(times) / time.Second),
		UnderMinute: d.Within[0], UnderTenMin: d.Within[1], UnderHour: d.Within[2], UnderDay: d.Within[3], DayAndLonger: longer,
	}
}

// WriteJSON writes the report as one JSON value.
func (r *Report) WriteJSON(w io.Writer) error { return writeJSON(w, r.View()) }
