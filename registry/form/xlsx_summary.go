package form

import "strconv"

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
	lines = append(lines, x.below()...)
	if s.Signature != nil {
		lines = append(lines, nil, []any{x.text(say(wordSigned), x.styles.strong)})
		for _, f := range s.signatureFields() {
			lines = append(lines, []any{x.text(f.Label, x.styles.label), x.text(f.Value, x.styles.text)})
		}
		if s.Signature.Note != "" {
			lines = append(lines, []any{x.text(s.Signature.Note, x.styles.text)})
		}
	}
	for i, line := range lines {
		if err := x.stream.SetRow("A"+strconv.Itoa(i+1), line); err != nil {
			return err
		}
	}
	return x.stream.Flush()
}

// below returns what stands below the totals, and who signs by hand.
func (x *workbook) below() (lines [][]any) {
	s := x.s
	for _, f := range s.Below {
		lines = append(lines, nil, []any{x.text(f.Label, x.styles.label), x.text(f.Value, x.styles.text)})
	}
	for _, h := range s.Hands {
		lines = append(lines, nil, []any{x.text(h.Label, x.styles.label), x.text(pen+" "+h.Value, x.styles.text)})
	}
	return lines
}

// pen is a line to sign on.
const pen = "____________________"

// totals returns the lines of the totals: label, count, and for each summed
// column its amount and the currency.
func (x *workbook) totals() [][]any {
	s, say := x.s, x.s.Language.say
	if len(s.Totals) == 0 {
		return nil
	}
	columns := s.summed()
	header := []any{x.text(say(wordTotals), x.styles.header), x.text(say(wordCount), x.styles.headerRight)}
	for _, c := range columns {
		header = append(header, x.text(s.Columns[c].Label, x.styles.headerRight), x.text(say(wordCurrency), x.styles.header))
	}
	lines := [][]any{nil, header}
	for _, t := range s.Totals {
		label, n, m := x.styles.text, x.styles.integer, x.styles.money
		if t.Strong {
			label, n, m = x.styles.strongText, x.styles.strongInteger, x.styles.strongMoney
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
