package workplace

import (
	"bytes"
	"iter"
	"time"

	"tolem"
	"tolem/registry/form"
	"tolem/workplace"
)

// report is a table with what stands around it: the same for the screen, for
// paper, PDF and Excel (WP-583).
type report struct {
	form.Sheet
	rows [][]form.Cell
}

// cell is a cell as a page shows it.
type cell struct {
	Text  string
	Right bool // a figure: figures end below each other
}

// cells are those of a row.
func (r report) cells(row []form.Cell) []cell {
	cells := make([]cell, len(row))
	for i := range row {
		cells[i] = cell{r.Text(row[i], i), r.right(i)}
	}
	return cells
}

func (r report) right(column int) bool {
	kind := r.Columns[column].Kind
	return kind == form.Money || kind == form.Integer
}

// Header and Body are the table for a page.
func (r report) Header() []cell {
	header := make([]cell, len(r.Columns))
	for i := range r.Columns {
		header[i] = cell{r.Sheet.Header(i), r.right(i)}
	}
	return header
}

// Body is the rows for a page.
func (r report) Body() [][]cell {
	body := make([][]cell, len(r.rows))
	for i, row := range r.rows {
		body[i] = r.cells(row)
	}
	return body
}

// totalLine is a line below the table for a page: its sums stand below their
// columns.
type totalLine struct {
	Label  string
	Span   int // columns that the label takes
	Cells  []cell
	Strong bool
}

// Footer are the totals for a page.
func (r report) Footer() []totalLine {
	first := len(r.Columns)
	for _, t := range r.Totals {
		for _, sum := range t.Sums {
			first = min(first, sum.Column)
		}
	}
	var lines []totalLine
	for _, t := range r.Totals {
		line := totalLine{Label: t.Label, Span: first, Cells: make([]cell, len(r.Columns)-first), Strong: t.Strong}
		for i := range line.Cells {
			line.Cells[i].Right = r.right(first + i)
		}
		for _, sum := range t.Sums {
			line.Cells[sum.Column-first].Text = r.Text(form.Amount(sum.Amount), sum.Column)
		}
		if n := r.countColumn(); n >= 0 && n < first {
			line.Span = n
			line.Cells = append([]cell{{r.Language.Integer(t.Count), true}}, line.Cells...)
		} else {
			line.Label += " (" + r.Language.Integer(t.Count) + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

// countColumn is the column that counts payments, right before the sums; -1 if
// the rows are payments themselves.
func (r report) countColumn() int {
	for i, c := range r.Columns {
		if c.Name == countColumn {
			return i
		}
	}
	return -1
}

// countColumn is the name of the column that counts payments.
const countColumn = "payments"

// sheet makes a Sheet of rows that are there already.
func (r report) sheet() form.Sheet {
	s := r.Sheet
	s.RowCount = int64(len(r.rows))
	s.Rows = all(r.rows)
	return s
}

func all(rows [][]form.Cell) iter.Seq2[[]form.Cell, error] {
	return func(yield func([]form.Cell, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// file renders the report as PDF or Excel. More rows than a PDF holds come as a
// ZIP of several.
func (r report) file(as string) (b bytes.Buffer, extension string, err error) {
	switch {
	case as == formXLSX:
		return b, formXLSX, form.WriteXLSX(&b, r.sheet())
	case len(r.rows) > form.MaxPDFRows:
		return b, "zip", form.WritePDFZip(&b, r.sheet(), "report")
	}
	err = form.WritePDF(&b, r.sheet())
	return b, formPDF, err
}

// newReport is a report of a day, with whose it is.
func (s *scribe) newReport(title string, number string, day tolem.Day, made time.Time, whose ...string) report {
	head := append([]string{"paper.day", date(day)}, whose...)
	r := report{Sheet: form.Sheet{
		Language: s.language(), Title: s.say(title), Number: number, Head: s.rows(head...), Zone: s.zone, Printed: made,
		Hands: []form.Field{{Label: s.say("paper.cashier")}, {Label: s.say("paper.accountant")}},
	}}
	if s.page.Sandbox {
		r.Head = append(r.Head, form.Field{Label: s.say("paper.attention"), Value: s.say("paper.sandbox")})
	}
	return r
}

// money are the three columns of amounts.
func (s *scribe) moneyColumns(currency tolem.Currency) []form.Column {
	return []form.Column{
		{Name: "amount", Label: s.say("paper.amount"), Kind: form.Money, Currency: currency, Width: 17},
		{Name: "fee", Label: s.say("pay.fee"), Kind: form.Money, Currency: currency, Width: 15.5},
		{Name: "sum", Label: s.say("paper.total"), Kind: form.Money, Currency: currency, Width: 17},
	}
}

// total is a line of sums in the columns from first on.
func total(name, label string, sum workplace.Sum, first int) form.TotalRow {
	return form.TotalRow{Name: name, Label: label, Count: int64(sum.Count), Sums: []form.Sum{
		{Column: first, Amount: sum.Amount}, {Column: first + 1, Amount: sum.Fee}, {Column: first + 2, Amount: sum.Total},
	}}
}

// registerFirst is the first column of amounts in the register.
const registerFirst = 6

// registerOf is the operator register (WP-580); that of an ASAN operator has one
// column more, and another title (WP-140).
func (s *scribe) registerOf(r workplace.Register, who whose, made time.Time) report {
	title := "menu.register"
	if r.Query.Asan {
		title = "register.title_asan"
	}
	doc := s.newReport(title, "", r.Query.Day, made, "user.bank", who.Bank, "user.branch", who.Branch,
		"paper.operator", s.operator(r.Operator, r.Query.Asan), "col.organisation", filtered(r), "col.status", s.status(r.Query.Status))
	doc.Hands[0].Value = r.Operator
	doc.Columns = append([]form.Column{
		{Name: "receipt", Label: s.say("col.receipt_number"), Kind: form.Code, Width: 15},
		{Name: "at", Label: s.say("col.time"), Kind: form.Code, Width: 12},
		{Name: "organisation", Label: s.say("col.organisation"), Width: 29},
		{Name: "unit", Label: s.say("col.unit"), Width: 20},
		{Name: "account", Label: s.say("col.account"), Kind: form.Code, Width: 16.5},
		{Name: "service", Label: s.say("col.service_code"), Kind: form.Code, Width: 12},
	}, append(s.moneyColumns(r.Sum.Amount.Currency),
		form.Column{Name: "status", Label: s.say("col.status"), Width: 18.5},
		form.Column{Name: "card", Label: s.say("col.card_state"), Width: 17})...)
	if r.Query.Asan {
		doc.Columns = append(doc.Columns, form.Column{Name: "asan_unit", Label: s.say("col.asan_unit"), Width: 22})
	}
	for _, p := range r.Rows {
		doc.rows = append(doc.rows, s.registerRow(p, r.Query.Asan))
	}
	doc.Totals = s.registerTotals(r)
	return doc
}

// registerRow is a payment in the register.
func (s *scribe) registerRow(p tolem.DeskPayment, asan bool) []form.Cell {
	row := []form.Cell{
		form.String(p.Receipt.String()), form.String(p.At.In(s.zone).Format(time.TimeOnly)), form.String(p.Shown.Organisation), form.String(p.Shown.Unit), form.String(string(p.Account.Number)),
		form.String(p.Shown.ServiceCode), form.Amount(p.Amount), form.Amount(p.Fee), form.Amount(p.Total()),
		form.String(s.say("status." + string(p.Status))), form.String(s.cardWrite(p.CardWrite)),
	}
	if asan {
		row = append(row, form.String(p.Shown.AsanUnit))
	}
	return row
}

// registerTotals are the sums by status where there are several, and of all.
func (s *scribe) registerTotals(r workplace.Register) (totals []form.TotalRow) {
	for _, status := range tolem.DeskStatuses {
		sum := sumOf(r, status)
		if sum.Count > 0 && sum.Count < r.Sum.Count {
			totals = append(totals, total(string(status), s.say("status."+string(status)), sum, registerFirst))
		}
	}
	last := total("all", s.say("paper.sum"), r.Sum, registerFirst)
	last.Strong, last.All = true, true
	return append(totals, last)
}

// sumOf adds up the rows of a status.
func sumOf(r workplace.Register, status tolem.DeskStatus) workplace.Sum {
	zero := tolem.Money{Currency: r.Sum.Amount.Currency}
	sum := workplace.Sum{Amount: zero, Fee: zero, Total: zero}
	for _, p := range r.Rows {
		if p.Status == status {
			sum.Count++
			sum.Amount.Minor += p.Amount.Minor
			sum.Fee.Minor += p.Fee.Minor
			sum.Total.Minor += p.Total().Minor
		}
	}
	return sum
}

// filtered names the organisation that the register is of; empty: all.
func filtered(r workplace.Register) string {
	for _, o := range r.Organisations {
		if o.ID == r.Query.Organisation {
			return o.Name
		}
	}
	return string(r.Query.Organisation)
}

// status is its name; that of none is empty.
func (s *scribe) status(status tolem.DeskStatus) string {
	if status == "" {
		return ""
	}
	return s.say("status." + string(status))
}

// cardWrite is how a card write stands; of an ordinary payment there is nothing
// to say.
func (s *scribe) cardWrite(w tolem.CardWrite) string {
	if w == tolem.CardWriteNone {
		return ""
	}
	return s.say("card_write." + string(w))
}

// summaryOf is the summary report by ASAN unit and organisation (WP-587).
func (s *scribe) summaryOf(r workplace.Summary, who whose, made time.Time) report {
	doc := s.newReport("register.summary", "", r.Day, made, "user.bank", who.Bank, "user.branch", who.Branch, "paper.operator", s.operator(r.Operator, true))
	doc.Hands[0].Value = r.Operator
	doc.Columns = append([]form.Column{
		{Name: "unit", Label: s.say("col.asan_unit"), Width: 30}, {Name: "organisation", Label: s.say("col.organisation"), Width: 40},
		{Name: countColumn, Label: s.say("paper.count"), Kind: form.Integer, Width: 12},
	}, s.moneyColumns(r.Sum.Amount.Currency)...)
	for _, row := range r.Rows {
		doc.rows = append(doc.rows, append([]form.Cell{form.String(row.AsanUnit), form.String(row.Organisation)}, figures(row.Sum)...))
	}
	last := total("all", s.say("paper.sum"), r.Sum, 3)
	last.Strong, last.All = true, true
	doc.Totals = []form.TotalRow{last}
	doc.Below = s.rows("paper.words", form.Spell(s.language(), r.Sum.Total))
	return doc
}

// figures are the cells of a sum.
func figures(sum workplace.Sum) []form.Cell {
	return []form.Cell{form.Int(int64(sum.Count)), form.Amount(sum.Amount), form.Amount(sum.Fee), form.Amount(sum.Total)}
}

// cashOrderOf is the cash receipt order: what counts by organisation, what does
// not below the total (WP-148, WP-588).
func (s *scribe) cashOrderOf(o workplace.CashOrder) report {
	receipts := ""
	if o.Sum.Count > 0 {
		receipts = o.First.String() + " – " + o.Last.String()
	}
	doc := s.newReport("register.cash_order", o.Number, o.Day, o.MadeAt, "user.bank", o.Bank, "user.branch", o.Branch,
		"paper.operator", s.operator(o.Operator, o.Asan), "paper.receipts", receipts)
	doc.Upright = true
	doc.Hands[0].Value = o.Operator
	doc.Columns = append([]form.Column{
		{Name: "organisation", Label: s.say("col.organisation"), Width: 40}, {Name: countColumn, Label: s.say("paper.count"), Kind: form.Integer, Width: 12},
	}, s.moneyColumns(o.Sum.Amount.Currency)...)
	for _, row := range o.Rows {
		doc.rows = append(doc.rows, append([]form.Cell{form.String(row.Organisation)}, figures(row.Sum)...))
	}
	last := total("all", s.say("paper.sum"), o.Sum, 2)
	last.Strong, last.All = true, true
	doc.Totals = []form.TotalRow{last}
	for _, other := range o.Others {
		label := s.say("paper.not_counted", "status", s.say("status."+string(other.Status)))
		doc.Totals = append(doc.Totals, total(string(other.Status), label, other.Sum, 2))
	}
	doc.Below = s.rows("paper.words", form.Spell(s.language(), o.Sum.Total))
	return doc
}
