package form

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// table writes the rows, opening further sheets where they do not fit.
func (x *workbook) table() error {
	if err := x.nextSheet(); err != nil {
		return err
	}
	err := x.s.walk(func(row []Cell) error {
		if x.rows == x.most {
			if err := x.closeSheet(); err != nil {
				return err
			}
			if err := x.nextSheet(); err != nil {
				return err
			}
		}
		x.rows++
		x.row.begin(x.rows + 1)
		for i := range row {
			x.cell(row[i], x.s.Columns[i])
		}
		x.row.end()
		_, err := x.spools[x.sheets-1].out.Write(x.row.Bytes())
		return err
	})
	if err != nil {
		return err
	}
	return x.closeSheet()
}

// nextSheet opens a sheet for rows and writes its header.
func (x *workbook) nextSheet() error {
	x.sheets, x.rows, x.spools = x.sheets+1, 0, append(x.spools, newSpool())
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
		style := x.styles.header
		if c.Kind == Integer || c.Kind == Money {
			style = x.styles.headerRight
		}
		header = append(header, x.text(c.label(), style))
		if err := x.stream.SetColWidth(len(header), len(header), c.characters()); err != nil {
			return err
		}
		if c.ownCurrency() {
			header = append(header, x.text(x.s.Language.say(wordCurrency), x.styles.header))
		}
	}
	return x.stream.SetRow("A1", header, excelize.RowOpts{Height: headerLine * float64(headerLines(x.s.Columns))})
}

// headerLine is the height of a line of the header, in points.
const headerLine = 16

// headerLines is how many lines the longest label needs, at least two. Letters
// are bold, and the cell has an edge: some characters of its width are lost.
func headerLines(columns []Column) int {
	const lost = 3
	most := 2
	for _, c := range columns {
		lines, room := 0, 0
		for word := range strings.FieldsSeq(c.label()) {
			if n := utf8.RuneCountInString(word); n >= room {
				lines, room = lines+1, int(c.characters())-lost-n
			} else {
				room -= n + 1
			}
		}
		most = max(most, lines)
	}
	return most
}

// ownCurrency reports whether each cell says its currency.
func (c Column) ownCurrency() bool { return c.Kind == Money && c.Currency == "" }

// characters is the width of a column in a workbook.
func (c Column) characters() float64 {
	width := [...]float64{Text: 24, Integer: 10, Money: 18, Time: 20, Date: 12, Code: 22}[c.Kind]
	if c.Width > 0 {
		width *= c.Width / widths[c.Kind]
	}
	return min(max(width, 8), 80)
}

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
	fit := true
	if err := x.book.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
		return err
	}
	if x.stream, err = x.book.NewStreamWriter(name); err != nil {
		return err
	}
	landscape, a4, wide, high := "landscape", 9, 1, 0
	return x.book.SetPageLayout(name, &excelize.PageLayoutOptions{
		Orientation: &landscape, Size: &a4, FitToWidth: &wide, FitToHeight: &high,
	})
}
