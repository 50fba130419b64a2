package form

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The columns that CSV adds: record opens each line, total and count end it.
const (
	csvRecord = "record"
	csvTotal  = "total"
	csvCount  = "count"

	csvCurrency = "_currency" // what is added to the name of a money column

	csvRow = "ROW" // what record says of a row; of a total it says TOTAL
)

// csvTotalMark is what record says of a total.
const csvTotalMark = "TOTAL"

// csvBuffer is how much is written at a time.
const csvBuffer = 64 << 10

// byteOrderMark tells spreadsheets that the text is UTF-8.
const byteOrderMark = "\ufeff"

// WriteCSV writes rows and totals for machines: RFC 4180 in UTF-8 with a byte
// order mark, commas, CRLF, one header line of the columns' names. A money
// column NAME is two, NAME (1234567.89) and NAME_currency; times are RFC 3339 in
// UTC, days 2026-11-21.
//
// The first column, record, says ROW or TOTAL. A TOTAL has its sums in their
// columns, its name in the last but one column, total, and its count in the
// last, count; both are empty in a ROW. An amount that counts in no total stands
// as any other: the other columns of its row say what it is.
//
// Text that a spreadsheet would take for a formula is written with an
// apostrophe before it, and so is text that begins with one: a reader removes
// one apostrophe from the beginning of text. Title, head and signature are not
// written: the CSV is the table.
func WriteCSV(w io.Writer, s Sheet) error {
	if err := s.check(); err != nil {
		return err
	}
	c := csvWriter{w: bufio.NewWriterSize(w, csvBuffer)}
	c.w.WriteString(byteOrderMark)
	c.header(s.Columns)
	if err := s.walk(c.row(s.Columns)); err != nil {
		return err
	}
	for _, t := range s.Totals {
		c.total(s.Columns, t)
	}
	return c.w.Flush()
}

// csvWriter writes lines. The buffer keeps the first error of writing.
type csvWriter struct {
	w    *bufio.Writer
	line []byte
}

func (c *csvWriter) begin(field string) { c.line = append(c.line[:0], field...) }

// raw adds a field that needs no quotes.
func (c *csvWriter) raw(field string) { c.line = append(append(c.line, ','), field...) }

// text adds a field in quotes where it needs them.
func (c *csvWriter) text(field string) {
	field = guard(field)
	if !strings.ContainsAny(field, ",\"\r\n") && !strings.HasPrefix(field, " ") && !strings.HasSuffix(field, " ") {
		c.raw(field)
		return
	}
	c.line = append(c.line, ',', '"')
	for i := range len(field) {
		if field[i] == '"' {
			c.line = append(c.line, '"')
		}
		c.line = append(c.line, field[i])
	}
	c.line = append(c.line, '"')
}

func (c *csvWriter) end() error {
	c.line = append(c.line, '\r', '\n')
	_, err := c.w.Write(c.line)
	return err
}

func (c *csvWriter) header(columns []Column) {
	c.begin(csvRecord)
	for _, column := range columns {
		c.raw(column.Name)
		if column.Kind == Money {
			c.raw(column.Name + csvCurrency)
		}
	}
	c.raw(csvTotal)
	c.raw(csvCount)
	_ = c.end()
}

func (c *csvWriter) row(columns []Column) func([]Cell) error {
	return func(row []Cell) error {
		c.begin(csvRow)
		for i := range row {
			c.cell(&row[i], columns[i].Kind)
		}
		c.raw("")
		c.raw("")
		return c.end()
	}
}

func (c *csvWriter) cell(cell *Cell, kind Kind) {
	switch cell.holds {
	case aText:
		c.text(strings.ToValidUTF8(cell.text, string(utf8.RuneError)))
	case aNumber:
		c.line = strconv.AppendInt(append(c.line, ','), cell.number, 10)
	case anAmount:
		c.raw(cell.money().Decimal())
		c.raw(string(cell.currency))
	case aTime:
		c.line = cell.at.UTC().AppendFormat(append(c.line, ','), time.RFC3339Nano)
	case aDay:
		c.raw(cell.day().String())
	default:
		c.raw("")
		if kind == Money {
			c.raw("")
		}
	}
}

func (c *csvWriter) total(columns []Column, t TotalRow) {
	c.begin(csvTotalMark)
	for i, column := range columns {
		var cell Cell
		for _, sum := range t.Sums {
			if sum.Column == i {
				cell = Amount(sum.Amount)
			}
		}
		c.cell(&cell, column.Kind)
	}
	c.text(t.Name)
	c.raw(strconv.FormatInt(t.Count, 10))
	_ = c.end()
}

// dangerous are the characters that open a formula in some spreadsheet, among
// them the wide ones of East Asian keyboards, and the apostrophe that says there
// is none.
const dangerous = "=+-@\t\r\n'＝＋－＠"

// guard keeps a spreadsheet from taking text for a formula.
func guard(text string) string {
	if r, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune(dangerous, r) {
		return "'" + text
	}
	return text
}
