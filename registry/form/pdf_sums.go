package form

import "tolem"

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
	return float64(2*len(p.currencies(&p.run)))*sumsLine + tableLine + 2*leading
}

// sums writes what the rows of the page come to, and those from the start.
func (p *printer) sums(run tally) {
	p.rule(p.y, 0.2, p.width())
	p.y += leading / 2
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
	p.font(true, p.tablePoints())
	p.ink(0)
	from, width := p.gap()
	for _, currency := range p.currencies(t) {
		text := p.s.Language.say(label) + " (" + p.s.Language.say(wordRows) + ": " + p.s.Language.Integer(t.rows) + "), " + string(currency)
		base := p.y + sumsLine - 0.9
		p.write(from+p.padding(), base, p.fit(text, width-2*p.padding(), 1)[0])
		for i, c := range p.columns {
			if p.s.Columns[i].Sum {
				amount := tolem.Money{Minor: t.of(i, currency), Currency: currency}
				p.figure(c.x+c.width-p.padding(), base, c.width-2*p.padding(), p.s.show(Amount(amount), p.s.Columns[i]))
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
