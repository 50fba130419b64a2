package form

import "github.com/xuri/excelize/v2"

// styles are the numbers of the formats.
type styles struct{ title, label, text, header, headerRight, right, integer, money, time, date, strong, strongText, strongInteger, strongMoney int }

// xlsxFont is what spreadsheets have, or replace by one as wide.
const xlsxFont = "Calibri"

// makeStyles defines the formats of the workbook.
func (x *workbook) makeStyles() error {
	const money, timed, dated = `#,##0.00`, `dd.mm.yyyy hh:mm:ss`, `dd.mm.yyyy`
	const textFormat, integerFormat = 49, 3
	plain, bold := &excelize.Font{Family: xlsxFont, Size: 11}, &excelize.Font{Family: xlsxFont, Size: 11, Bold: true}
	gray := &excelize.Font{Family: xlsxFont, Size: 11, Color: "595959"}
	right, indented := &excelize.Alignment{Horizontal: "right"}, &excelize.Alignment{Horizontal: "left", Indent: 1}
	var err error
	add := func(style excelize.Style) int {
		id, e := x.book.NewStyle(&style)
		if err == nil {
			err = e
		}
		return id
	}
	custom := func(format string, font *excelize.Font, place *excelize.Alignment) int {
		return add(excelize.Style{CustomNumFmt: &format, Font: font, Alignment: place})
	}
	header := func(side string, indent int) int {
		return add(excelize.Style{
			Font: bold, NumFmt: textFormat, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7E6E6"}},
			Alignment: &excelize.Alignment{WrapText: true, Horizontal: side, Indent: indent, Vertical: "center"},
			Border:    []excelize.Border{{Type: "bottom", Style: 1, Color: "808080"}},
		})
	}
	x.styles = styles{
		title:  add(excelize.Style{Font: &excelize.Font{Family: xlsxFont, Bold: true, Size: 14}, NumFmt: textFormat}),
		label:  add(excelize.Style{Font: gray, NumFmt: textFormat}),
		text:   add(excelize.Style{Font: plain, NumFmt: textFormat, Alignment: indented}),
		header: header("left", 1), headerRight: header("right", 0),
		right:   add(excelize.Style{NumFmt: textFormat, Alignment: right, Font: gray}),
		integer: add(excelize.Style{Font: plain, NumFmt: integerFormat}), money: custom(money, plain, nil),
		time: custom(timed, plain, indented), date: custom(dated, plain, indented),
		strong: add(excelize.Style{Font: bold, NumFmt: textFormat}), strongText: add(excelize.Style{Font: bold, NumFmt: textFormat, Alignment: indented}),
		strongInteger: add(excelize.Style{Font: bold, NumFmt: integerFormat}), strongMoney: custom(money, bold, nil),
	}
	return err
}
