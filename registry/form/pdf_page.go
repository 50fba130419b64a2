package form

import "strings"

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
	p.writeRight(p.right(), margin+titleLine-1.5, numbered)
	room := p.width() - p.pdf.GetStringWidth(inPrint(numbered)) - 8
	p.font(true, titlePoints)
	p.y = margin
	for _, line := range p.fit(s.Title, room, 2) {
		p.write(margin, p.y+titleLine-1.5, line)
		p.y += titleLine
	}
	p.rule(p.y+0.4, 0.35, p.width())
	p.y += 2.4
	p.head()
	if s.Chart != nil && p.part == 1 {
		p.chart()
	}
	p.room(30) // for the table to begin
	p.header()
}

// nextPage opens a further page: title and number on one line, and the header
// if the table goes on.
func (p *printer) nextPage(table bool) {
	p.addPage()
	p.ink(60)
	p.font(false, smallPoints)
	numbered := p.s.Number
	p.writeRight(p.right(), margin+2, numbered)
	room := p.width() - p.pdf.GetStringWidth(inPrint(numbered)) - 8
	p.font(true, smallPoints)
	p.write(margin, margin+2, p.fit(p.s.Title, room, 1)[0])
	p.rule(margin+3.6, 0.2, p.width())
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
	if p.y+height > p.bottom() {
		p.nextPage(false)
	}
}

// head writes the fields above the table in two columns.
func (p *printer) head() {
	half := p.width() / 2
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
	p.s.Chart.draw(pdfCanvas{p: p, x: margin + (p.width()-chartWidth*k)/2, y: p.y, k: k}, p.s.Language)
	p.y += chartHeight*k + 2
}

// header writes the labels of the columns.
func (p *printer) header() {
	lines := 1
	for _, c := range p.columns {
		lines = max(lines, len(c.label))
	}
	height := float64(lines)*tableLine + 2*leading
	p.pdf.SetFillColor(234, 236, 239)
	p.pdf.Rect(margin, p.y, p.width(), height, "F")
	p.font(true, p.tablePoints())
	p.ink(0)
	for _, c := range p.columns {
		p.lines(c, p.y, c.label)
	}
	p.y += height
	p.rule(p.y, 0.2, p.width())
	p.font(false, p.tablePoints())
}

// lines writes the lines of a cell.
func (p *printer) lines(c printed, y float64, lines []string) {
	for i, line := range lines {
		base := y + leading + tableLine*float64(i+1) - 0.9
		if c.right {
			p.figure(c.x+c.width-p.padding(), base, c.width-2*p.padding(), line)
		} else {
			p.write(c.x+p.padding(), base, line)
		}
	}
}

// row writes a row, on a new page if it and the page's sums do not fit.
func (p *printer) row(row []Cell) error {
	p.font(false, p.tablePoints())
	lines := 1
	for i, c := range row {
		text := p.s.show(c, p.s.Columns[i])
		if p.columns[i].right {
			p.cells[i] = append(p.cells[i][:0], strings.TrimSuffix(text, asideMark))
			continue
		}
		p.cells[i] = p.fit(text, p.columns[i].width-2*p.padding(), maxCellLines)
		lines = max(lines, len(p.cells[i]))
	}
	if err := p.run.add(row); err != nil {
		return err
	}
	height := float64(lines)*tableLine + 2*leading
	if p.y+height+p.sumsHeight() > p.bottom() {
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
		p.lines(c, p.y, p.cells[i])
		if row[i].aside {
			p.aside = true
			p.write(c.x+c.width-p.padding(), p.y+leading+tableLine-0.9, "*") // beyond the figures, which stay below each other
		}
	}
	p.y += height
	p.hairline(p.width())
	return nil
}

func (p *printer) hairline(width float64) {
	p.pdf.SetDrawColor(205, 205, 205)
	p.pdf.SetLineWidth(0.1)
	p.pdf.Line(margin, p.y, margin+width, p.y)
}
