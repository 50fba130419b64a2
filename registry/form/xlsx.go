package form

import (
	"archive/zip"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"tolem"
)

// Limits of XLSX. A spreadsheet keeps 15 digits of a number: what has more is
// written as text, so that no digit is lost.
const (
	MaxXLSXRows = 1_048_000 // of the table on one sheet; more go to further sheets

	exactMinor   = 1_000_000_000_000_000 // 10^15: below, minor units are exact as a number with two decimals
	exactInteger = 1_000_000_000_000_000
)

// WriteXLSX writes a workbook. Its first sheet has title, head, totals and
// signature; the second is the table and nothing else, with a frozen header and
// a filter; further ones follow where the table is longer than MaxXLSXRows.
//
// Numbers, times and days are such, with formats; text is text and never a
// formula. A money column whose cells have their own currencies is followed by a
// column that names them. Rows pass through temporary files, which are removed
// before it returns.
//
// The same Sheet gives the same bytes, unless it has more than MaxXLSXRows rows:
// then the order of the parts inside the file may differ.
func WriteXLSX(w io.Writer, s Sheet) (err error) {
	if err := s.check(); err != nil {
		return err
	}
	book := excelize.NewFile()
	defer func() {
		if e := book.Close(); err == nil {
			err = e // it removes the temporary files
		}
	}()
	x := &workbook{s: &s, book: book}
	if err := x.begin(); err != nil {
		return err
	}
	if err := x.summary(); err != nil {
		return err
	}
	if err := x.table(); err != nil {
		return err
	}
	// By itself the library would collect the whole file in memory.
	book.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	return book.Write(io.Discard)
}

// workbook is a workbook that is being written.
type workbook struct {
	s      *Sheet
	book   *excelize.File
	styles styles

	stream *excelize.StreamWriter // of the sheet that is being written
	sheet  string
	rows   int   // of the table on it
	sheets int   // of the table so far
	line   []any // of the row that is being written
}

// styles are the numbers of the formats.
type styles struct{ title, label, text, header, right, integer, money, time, date, strong, strongInteger, strongMoney int }

func (x *workbook) begin() error {
	s := x.s
	if err := x.book.SetSheetName("Sheet1", s.Language.say(wordSummary)); err != nil {
		return err
	}
	at := s.Printed.UTC().Format(time.RFC3339)
	err := x.book.SetDocProps(&excelize.DocProperties{
		Title: clean(s.Title), Subject: clean(s.Number), Creator: "Tolem", LastModifiedBy: "Tolem",
		Created: at, Modified: at, Language: string(s.Language),
	})
	if err != nil {
		return err
	}
	return x.makeStyles()
}

func (x *workbook) makeStyles() error {
	const money, timed, dated = `#,##0.00`, `dd.mm.yyyy hh:mm:ss`, `dd.mm.yyyy`
	const textFormat, integerFormat = 49, 3
	bold := &excelize.Font{Bold: true}
	right := &excelize.Alignment{Horizontal: "right"}
	var err error
	add := func(style excelize.Style) int {
		id, e := x.book.NewStyle(&style)
		if err == nil {
			err = e
		}
		return id
	}
	custom := func(format string, font *excelize.Font) int {
		return add(excelize.Style{CustomNumFmt: &format, Font: font})
	}
	x.styles = styles{
		title: add(excelize.Style{Font: &excelize.Font{Bold: true, Size: 14}, NumFmt: textFormat}),
		label: add(excelize.Style{Font: &excelize.Font{Color: "595959"}, NumFmt: textFormat}),
		text:  add(excelize.Style{NumFmt: textFormat}),
		header: add(excelize.Style{
			Font: bold, NumFmt: textFormat, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7E6E6"}},
			Alignment: &excelize.Alignment{WrapText: true, Vertical: "center"},
			Border:    []excelize.Border{{Type: "bottom", Style: 1, Color: "808080"}},
		}),
		right:   add(excelize.Style{NumFmt: textFormat, Alignment: right, Font: &excelize.Font{Color: "595959"}}),
		integer: add(excelize.Style{NumFmt: integerFormat}), money: custom(money, nil),
		time: custom(timed, nil), date: custom(dated, nil),
		strong:        add(excelize.Style{Font: bold, NumFmt: textFormat}),
		strongInteger: add(excelize.Style{Font: bold, NumFmt: integerFormat}), strongMoney: custom(money, bold),
	}
	return err
}

// summary writes the first sheet.
func (x *workbook) summary() error {
	s, say := x.s, x.s.Language.say
	if err := x.open(say(wordSummary)); err != nil {
		return err
	}
	if err := x.stream.SetColWidth(1, 1, 44); err != nil {
		return err
	}
	if err := x.stream.SetColWidth(2, MaxColumns, 22); err != nil {
		return err
	}
	lines := [][]any{{x.text(s.Title, x.styles.title)}}
	if s.Number != "" {
		lines = append(lines, []any{x.text(say(wordNumber)+" "+s.Number, x.styles.strong)})
	}
	for _, f := range s.Head {
		lines = append(lines, []any{x.text(f.Label, x.styles.label), x.text(f.Value, x.styles.text)})
	}
	lines = append(lines, []any{x.text(s.printedAt(), x.styles.label)})
	lines = append(lines, x.totals()...)
	if s.Signature != nil {
		lines = append(lines, nil, []any{x.text(say(wordSigned), x.styles.strong)})
		for _, f := range s.signatureFields() {
			lines = append(lines, []any{x.text(f.Label, x.styles.label), x.text(f.Value, x.styles.text)})
		}
		for _, note := range []string{s.Signature.Note, s.Signature.QR} {
			lines = append(lines, []any{x.text(note, x.styles.text)})
		}
	}
	for i, line := range lines {
		if err := x.stream.SetRow("A"+strconv.Itoa(i+1), line); err != nil {
			return err
		}
	}
	return x.stream.Flush()
}

// totals returns the lines of the totals: label, count, and for each summed
// column its amount and the currency.
func (x *workbook) totals() [][]any {
	s, say := x.s, x.s.Language.say
	if len(s.Totals) == 0 {
		return nil
	}
	columns := s.summed()
	header := []any{x.text(say(wordTotals), x.styles.header), x.text(say(wordCount), x.styles.header)}
	for _, c := range columns {
		header = append(header, x.text(s.Columns[c].Label, x.styles.header), x.text(say(wordCurrency), x.styles.header))
	}
	lines := [][]any{nil, header}
	for _, t := range s.Totals {
		label, n, m := x.styles.text, x.styles.integer, x.styles.money
		if t.Strong {
			label, n, m = x.styles.strong, x.styles.strongInteger, x.styles.strongMoney
		}
		line := []any{x.text(t.Label, label), x.integer(t.Count, n)}
		for _, c := range columns {
			var a, cur any
			for _, sum := range t.Sums {
				if sum.Column == c {
					a, cur = x.money(sum.Amount, m), x.text(string(sum.Amount.Currency), label)
				}
			}
			line = append(line, a, cur)
		}
		lines = append(lines, line)
	}
	return lines
}

// summed returns the columns that some total is of.
func (s *Sheet) summed() []int {
	var columns []int
	for i := range s.Columns {
		for _, t := range s.Totals {
			if hasSum(t, i) {
				columns = append(columns, i)
				break
			}
		}
	}
	return columns
}

func hasSum(t TotalRow, column int) bool {
	for _, sum := range t.Sums {
		if sum.Column == column {
			return true
		}
	}
	return false
}

// table writes the rows, opening further sheets where they do not fit.
func (x *workbook) table() error {
	if err := x.nextSheet(); err != nil {
		return err
	}
	err := x.s.walk(func(row []Cell) error {
		if x.rows == MaxXLSXRows {
			if err := x.closeSheet(); err != nil {
				return err
			}
			if err := x.nextSheet(); err != nil {
				return err
			}
		}
		x.rows++
		x.line = x.line[:0]
		for i := range row {
			x.cell(row[i], x.s.Columns[i])
		}
		return x.stream.SetRow("A"+strconv.Itoa(x.rows+1), x.line)
	})
	if err != nil {
		return err
	}
	return x.closeSheet()
}

// nextSheet opens a sheet for rows and writes its header.
func (x *workbook) nextSheet() error {
	x.sheets, x.rows = x.sheets+1, 0
	name := x.s.Language.say(wordRowsSheet)
	if x.sheets > 1 {
		name += " " + strconv.Itoa(x.sheets)
	}
	if _, err := x.book.NewSheet(name); err != nil {
		return err
	}
	if err := x.open(name); err != nil {
		return err
	}
	if err := x.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	var header []any
	for _, c := range x.s.Columns {
		header = append(header, x.text(c.label(), x.styles.header))
		if err := x.stream.SetColWidth(len(header), len(header), xlsxWidth[c.Kind]); err != nil {
			return err
		}
		if c.ownCurrency() {
			header = append(header, x.text(x.s.Language.say(wordCurrency), x.styles.header))
		}
	}
	return x.stream.SetRow("A1", header)
}

// ownCurrency reports whether each cell says its currency.
func (c Column) ownCurrency() bool { return c.Kind == Money && c.Currency == "" }

// xlsxWidth is the width of columns in characters.
var xlsxWidth = [...]float64{Text: 24, Integer: 10, Money: 18, Time: 20, Date: 12, Code: 22}

// closeSheet ends a sheet of rows: what lies in the header gets a filter, and the
// header is printed on every page.
func (x *workbook) closeSheet() error {
	columns := 0
	for _, c := range x.s.Columns {
		columns++
		if c.ownCurrency() {
			columns++
		}
	}
	last, err := excelize.CoordinatesToCellName(columns, x.rows+1)
	if err != nil {
		return err
	}
	if err := x.book.AutoFilter(x.sheet, "A1:"+last, nil); err != nil {
		return err
	}
	err = x.book.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Titles", RefersTo: fmt.Sprintf("'%s'!$1:$1", x.sheet), Scope: x.sheet,
	})
	if err != nil {
		return err
	}
	return x.stream.Flush()
}

// open begins a sheet: landscape A4, as wide as a page.
func (x *workbook) open(name string) (err error) {
	x.sheet = name
	if x.stream, err = x.book.NewStreamWriter(name); err != nil {
		return err
	}
	landscape, a4, wide, high := "landscape", 9, 1, 0
	return x.book.SetPageLayout(name, &excelize.PageLayoutOptions{
		Orientation: &landscape, Size: &a4, FitToWidth: &wide, FitToHeight: &high,
	})
}

// cell adds a cell to the line.
func (x *workbook) cell(c Cell, column Column) {
	var value any
	switch c.holds {
	case aText:
		value = x.text(c.text, x.styles.text)
	case aNumber:
		value = x.integer(c.number, x.styles.integer)
	case anAmount:
		value = x.money(c.money(), x.styles.money)
		if c.aside {
			value = x.text(x.s.Language.Decimal(c.money())+noBreak+"*", x.styles.right)
		}
	case aTime:
		value = excelize.Cell{StyleID: x.styles.time, Value: c.at.In(x.s.zone()).Truncate(time.Second)}
	case aDay:
		y, m, d := c.day().Date()
		value = excelize.Cell{StyleID: x.styles.date, Value: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
	}
	x.line = append(x.line, value)
	if column.ownCurrency() {
		var cur any
		if c.holds == anAmount {
			cur = x.text(string(c.currency), x.styles.text)
		}
		x.line = append(x.line, cur)
	}
}

func (x *workbook) text(text string, style int) any {
	if text == "" {
		return nil
	}
	return excelize.Cell{StyleID: style, Value: strings.ToValidUTF8(clean(text), "")}
}

func (x *workbook) integer(n int64, style int) any {
	if n <= -exactInteger || n >= exactInteger {
		return x.text(x.s.Language.Integer(n), x.styles.right)
	}
	return excelize.Cell{StyleID: style, Value: n}
}

// money returns an amount as the number a spreadsheet has for it. The quotient
// of two exact numbers is the one nearest to the decimal, and below exactMinor
// the shortest text of that is the decimal again: the file says 1234567.89.
func (x *workbook) money(m tolem.Money, style int) any {
	if m.Minor <= -exactMinor || m.Minor >= exactMinor {
		return x.text(x.s.Language.Decimal(m), x.styles.right)
	}
	return excelize.Cell{StyleID: style, Value: float64(m.Minor) / 100}
}
