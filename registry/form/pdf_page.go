package form

import (
	"strings"

	"tolem"
)

// firstPage opens a part: title, number, head, chart, and the table's header.
func (p *printer) firstPage() {
	s := p.s
	p.addPage()
	p.ink(0)
	p.font(false, headPoints)
	numbered := s.Number
	if numbered != "" {
		numbered = s.Language.say(wordNumber) + noBreak + numbered
	}
	p.writeRight(pageRight, margin+titleLine-1.5, numbered)
	room := pageWidth - p.pdf.GetStringWidth(inPrint(numbered)) - 8
	p.font(true, titlePoints)
	p.y = margin
	for _, line := range p.fit(s.Title, room, 2) {
		p.write(margin, p.y+titleLine-1.5, line)
		p.y += titleLine
	}
	p.rule(p.y+0.4, 0.35)
	p.y += 2.4
	p.head()
	if s.Chart != nil && p.part == 1 {
		p.chart()
	}
	p.header()
}

// nextPage opens a further page: title and number on one line, and the header
// if the table goes on.
func (p *printer) nextPage(table bool) {
	p.addPage()
	p.ink(60)
	p.font(false, smallPoints)
	numbered := p.s.Number
	p.writeRight(pageRight, margin+2, numbered)
	room := pageWidth - p.pdf.GetStringWidth(inPrint(numbered)) - 8
	p.font(true, smallPoints)
	p.write(margin, margin+2, p.fit(p.s.Title, room, 1)[0])
	p.rule(margin+3.6, 0.2)
	p.ink(0)
	p.y = margin + 5.6
	if table {
		p.header()
	}
}

func (p *printer) addPage() {
	p.pdf.AddPage()
	p.page, p.aside = tally{}, false
}

// room makes a new page where so much height is not left.
func (p *printer) room(height float64) {
	if p.y+height > pageBottom {
		p.nextPage(false)
	}
}

// head writes the fields above the table in two columns.
func (p *printer) head() {
	const half = pageWidth / 2
	for i := 0; i < len(p.s.Head); i += 2 {
		height := p.field(margin, p.s.Head[i], half)
		if i+1 < len(p.s.Head) {
			height = max(height, p.field(margin+half, p.s.Head[i+1], half))
		}
		p.y += height
	}
	p.y += 1.5
}

// field writes a label and its value, and returns how high they are.
func (p *printer) field(x float64, f Field, width float64) float64 {
	const labelWidth = 46
	p.font(false, headPoints)
	p.ink(90)
	labels := p.fit(f.Label, labelWidth-2, maxHeadLines)
	for i, line := range labels {
		p.write(x, p.y+3.4+float64(i)*headLine, line)
	}
	p.ink(0)
	values := p.fit(f.Value, width-labelWidth-4, maxHeadLines)
	for i, line := range values {
		p.write(x+labelWidth, p.y+3.4+float64(i)*headLine, line)
	}
	return float64(max(len(labels), len(values))) * headLine
}

// chart draws the chart above the table.
func (p *printer) chart() {
	const k = 0.19 // millimetres to a unit of the chart
	p.room(chartHeight * k)
	p.s.Chart.draw(pdfCanvas{p: p, x: margin + (pageWidth-chartWidth*k)/2, y: p.y, k: k}, p.s.Language)
	p.y += chartHeight*k + 2
	p.room(30) // for the table to begin
}

// header writes the labels of the columns.
func (p *printer) header() {
	lines := 1
	for _, c := range p.columns {
		lines = max(lines, len(c.label))
	}
	height := float64(lines)*tableLine + 2*padding
	p.pdf.SetFillColor(234, 236, 239)
	p.pdf.Rect(margin, p.y, pageWidth, height, "F")
	p.font(true, tablePoints)
	p.ink(0)
	for _, c := range p.columns {
		p.lines(c, p.y, c.label)
	}
	p.y += height
	p.rule(p.y, 0.2)
	p.font(false, tablePoints)
}

// lines writes the lines of a cell.
func (p *printer) lines(c printed, y float64, lines []string) {
	for i, line := range lines {
		base := y + padding + tableLine*float64(i+1) - 0.9
		if c.right {
			p.figure(c.x+c.width-padding, base, c.width-2*padding, line)
		} else {
			p.write(c.x+padding, base, line)
		}
	}
}

// row writes a row, on a new page if it and the page's sums do not fit.
func (p *printer) row(row []Cell) error {
	p.font(false, tablePoints)
	lines := 1
	for i, c := range row {
		text := p.s.show(c, p.s.Columns[i])
		width, most := p.columns[i].width-2*padding, maxCellLines
		if p.columns[i].right {
			p.cells[i] = append(p.cells[i][:0], text)
			continue
		}
		p.cells[i] = p.fit(text, width, most)
		lines = max(lines, len(p.cells[i]))
	}
	if err := p.run.add(row); err != nil {
		return err
	}
	height := float64(lines)*tableLine + 2*padding
	if p.y+height+p.sumsHeight() > pageBottom {
		before := p.run.without(row)
		p.sums(before)
		p.nextPage(true)
	}
	p.rows++
	if err := p.page.add(row); err != nil {
		return err
	}
	p.ink(0)
	for i, c := range p.columns {
		p.aside = p.aside || row[i].aside
		p.lines(c, p.y, p.cells[i])
	}
	p.y += height
	p.hairline()
	return nil
}

func (p *printer) hairline() {
	p.pdf.SetDrawColor(205, 205, 205)
	p.pdf.SetLineWidth(0.1)
	p.pdf.Line(margin, p.y, pageRight, p.y)
}

// without returns the sums as they were before a row was added.
func (t *tally) without(row []Cell) tally {
	before := tally{rows: t.rows - 1, sums: append([]Sum(nil), t.sums...)}
	for i := range row {
		if c := &row[i]; c.holds == anAmount && !c.aside {
			*before.at(i, c.currency) -= c.number
		}
	}
	return before
}

// currencies returns those in which the summed columns have amounts.
func (p *printer) currencies(t *tally) []tolem.Currency {
	var found []tolem.Currency
	for _, s := range t.sums {
		known := false
		for _, c := range found {
			known = known || c == s.Amount.Currency
		}
		if !known && p.s.Columns[s.Column].Sum {
			found = append(found, s.Amount.Currency)
		}
	}
	return found
}

const sumsLine = tableLine + 0.6

// sumsHeight is what the sums at the foot of a page need.
func (p *printer) sumsHeight() float64 {
	return float64(2*len(p.currencies(&p.run)))*sumsLine + tableLine + 2*padding
}

// sums writes what the rows of the page come to, and those from the start.
func (p *printer) sums(run tally) {
	p.rule(p.y, 0.2)
	p.y += padding / 2
	p.sumLines(wordPageTotal, &p.page)
	p.sumLines(wordRunningTotal, &run)
	if p.aside {
		p.font(false, smallPoints)
		p.ink(90)
		p.write(margin+padding, p.y+tableLine, p.s.Language.say(wordNotCounted))
		p.y += tableLine + 1
	}
}

// sumLines writes the sums of a tally, a line for each currency.
func (p *printer) sumLines(label word, t *tally) {
	p.font(true, tablePoints)
	p.ink(0)
	from, width := p.gap()
	for _, currency := range p.currencies(t) {
		text := p.s.Language.say(label) + " (" + p.s.Language.say(wordRows) + ": " + p.s.Language.Integer(t.rows) + "), " + string(currency)
		base := p.y + sumsLine - 0.9
		p.write(from+padding, base, p.fit(text, width-2*padding, 1)[0])
		for i, c := range p.columns {
			if p.s.Columns[i].Sum {
				amount := tolem.Money{Minor: t.of(i, currency), Currency: currency}
				p.figure(c.x+c.width-padding, base, c.width-2*padding, p.s.show(Amount(amount), p.s.Columns[i]))
			}
		}
		p.y += sumsLine
	}
}

// gap returns the widest room between columns with sums, where their label
// goes.
func (p *printer) gap() (from, width float64) {
	start := float64(margin)
	for i, c := range p.columns {
		if p.s.Columns[i].Sum {
			start = c.x + c.width
			continue
		}
		if end := c.x + c.width; end-start > width {
			from, width = start, end-start
		}
	}
	return from, width
}

// endTable writes the last sums. Where all rows stand on one page and totals
// follow, they would only say the same three times.
func (p *printer) endTable(last bool) {
	if last && p.pdf.PageCount() == 1 && p.part == 1 && len(p.s.Totals) > 0 {
		if p.aside {
			p.say(wordNotCounted)
		}
		return
	}
	p.sums(p.run)
}

// say writes a remark of its own line.
func (p *printer) say(w word) {
	p.room(headLine)
	p.font(false, smallPoints)
	p.ink(90)
	p.write(margin+padding, p.y+tableLine, p.s.Language.say(w))
	p.ink(0)
	p.y += headLine
}

// fit breaks text into lines of a width, the last of which ends with an ellipsis
// if there is more than so many lines hold. It returns at least one line.
func (p *printer) fit(text string, width float64, most int) []string {
	text = inPrint(text)
	if p.pdf.GetStringWidth(text) <= width {
		return []string{text}
	}
	var lines []string
	for rest := text; rest != ""; {
		end := p.lineEnd(rest, width)
		if len(lines) == most-1 && end < len(rest) {
			end = p.lineEnd(rest, width-p.pdf.GetStringWidth(ellipsis))
			return append(lines, strings.TrimRight(rest[:end], " ")+ellipsis)
		}
		lines = append(lines, strings.TrimRight(rest[:end], " "))
		rest = strings.TrimLeft(rest[end:], " ")
	}
	return lines
}

// lineEnd returns how much of the text goes on one line: whole words, or as many
// letters as fit of a longer one.
func (p *printer) lineEnd(text string, width float64) int {
	used, space := 0.0, 0
	for i, r := range text {
		if r == ' ' && i > 0 {
			space = i
		}
		used += p.pdf.GetStringWidth(string(r))
		if used <= width || i == 0 || r == ' ' {
			continue
		}
		if space > 0 {
			return space
		}
		return i
	}
	return len(text)
}
