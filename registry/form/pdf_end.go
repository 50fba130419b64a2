package form

import "rsc.io/qr"

// totals writes the totals below the table: label, count and a sum for each
// column that is summed.
func (p *printer) totals() {
	s := p.s
	if len(s.Totals) == 0 {
		return
	}
	columns := s.summed()
	width, totalsLabel := p.totalsWidth(len(columns)), p.totalsLabel()
	whole := totalsLabel + totalsCount + float64(len(columns))*width
	p.y += 4
	p.room(headLine + 3*(tableLine+2*leading))
	p.totalsHeader(columns)
	for _, t := range s.Totals {
		height := tableLine + 2*leading
		if p.y+height > p.bottom() {
			p.nextPage(false)
			p.totalsHeader(columns)
		}
		p.font(t.Strong, tablePoints)
		p.ink(0)
		if t.Strong {
			p.rule(p.y, 0.2, whole)
		}
		base := p.y + leading + tableLine - 0.9
		p.write(margin+padding, base, p.fit(t.Label, totalsLabel-2*padding, 1)[0])
		p.figure(margin+totalsLabel+totalsCount-padding, base, totalsCount-2*padding, s.Language.Integer(t.Count))
		for i, c := range columns {
			for _, sum := range t.Sums {
				if sum.Column == c {
					p.figure(margin+totalsLabel+totalsCount+float64(i+1)*width-padding, base, width-2*padding, s.Language.Money(sum.Amount))
				}
			}
		}
		p.y += height
		p.hairline(whole)
	}
}

// The widths of the totals.
const (
	totalsLabelAcross, totalsLabelUpright = 110.0, 58.0
	totalsCount                           = 24
)

func (p *printer) totalsLabel() float64 {
	if p.s.Upright {
		return totalsLabelUpright
	}
	return totalsLabelAcross
}

func (p *printer) totalsWidth(columns int) float64 {
	return min(46, (p.width()-p.totalsLabel()-totalsCount)/float64(max(1, columns)))
}

func (p *printer) totalsHeader(columns []int) {
	const height = tableLine + 2*leading
	say := p.s.Language.say
	width, totalsLabel := p.totalsWidth(len(columns)), p.totalsLabel()
	p.pdf.SetFillColor(234, 236, 239)
	p.pdf.Rect(margin, p.y, totalsLabel+totalsCount+float64(len(columns))*width, height, "F")
	p.font(true, tablePoints)
	p.ink(0)
	base := p.y + leading + tableLine - 0.9
	p.write(margin+padding, base, say(wordTotals))
	p.writeRight(margin+totalsLabel+totalsCount-padding, base, say(wordCount))
	for i, c := range columns {
		p.figure(margin+totalsLabel+totalsCount+float64(i+1)*width-padding, base, width-2*padding, p.s.Columns[c].Label)
	}
	p.y += height
}

// below writes what stands below the totals, and where people sign by hand.
func (p *printer) below() {
	s := p.s
	if len(s.Below)+len(s.Hands) == 0 {
		return
	}
	p.y += 4
	p.ink(0)
	for _, f := range s.Below {
		p.font(true, headPoints)
		label := p.fit(f.Label, p.width()/3, 1)[0]
		indent := p.pdf.GetStringWidth(label) + 3
		p.font(false, headPoints)
		lines := p.fit(f.Value, p.width()-indent, maxHeadLines)
		p.room(float64(len(lines)) * headLine)
		p.font(true, headPoints)
		p.write(margin, p.y+3.4, label)
		p.font(false, headPoints)
		for _, line := range lines {
			p.write(margin+indent, p.y+3.4, line)
			p.y += headLine
		}
	}
	p.hands()
}

// Where people sign: a line with room above it.
const handHeight, handLine = 13.0, 62.0

// hands writes the lines for signatures, none of them alone on a page.
func (p *printer) hands() {
	p.room(handHeight * float64(len(p.s.Hands)))
	for _, h := range p.s.Hands {
		p.y += handHeight
		p.font(false, headPoints)
		label := p.fit(h.Label, 48, 1)[0]
		p.write(margin, p.y, label)
		p.pdf.SetDrawColor(60, 60, 60)
		p.pdf.SetLineWidth(0.2)
		p.pdf.Line(margin+50, p.y+0.5, margin+50+handLine, p.y+0.5)
		if h.Value != "" {
			p.write(margin+54+handLine, p.y, p.fit("/ "+h.Value+" /", p.width()-54-handLine, 1)[0])
		}
	}
	if len(p.s.Hands) > 0 {
		p.y += 3
	}
}

// The block of the signature.
const (
	qrSide         = 32.0
	quietModules   = 4 // of white around a QR code
	signatureLabel = 62.0
)

// signature tells of the signature, in a frame, with the QR code beside it.
func (p *printer) signature() {
	sig := p.s.Signature
	if sig == nil {
		return
	}
	p.font(false, headPoints)
	notes := p.notes(sig.Note)
	fields, lines := p.s.signatureFields(), 1+len(notes)
	values := make([][]string, len(fields))
	for i, f := range fields {
		values[i] = p.fit(f.Value, p.width()-signatureLabel-qrSide-14, maxHeadLines)
		lines += len(values[i])
	}
	height := float64(lines)*headLine + 7
	if sig.QR != "" {
		height = max(height, qrSide+4)
	}
	p.y += 5
	p.room(height)
	top := p.y
	p.pdf.SetDrawColor(110, 110, 110)
	p.pdf.SetLineWidth(0.25)
	p.pdf.Rect(margin, top, p.width(), height, "D")
	if sig.QR != "" {
		p.qr(sig.QR, p.right()-qrSide-2, top+(height-qrSide)/2)
	}
	p.y += 2.5
	p.font(true, headPoints)
	p.ink(0)
	p.write(margin+4, p.y+3.4, p.s.Language.say(wordSigned))
	p.y += headLine + 0.5
	for i, f := range fields {
		p.signatureField(f.Label, values[i])
	}
	p.y += 1
	p.font(false, headPoints)
	for _, line := range notes {
		p.write(margin+4, p.y+3.4, line)
		p.y += headLine
	}
	p.y = top + height
}

func (p *printer) notes(note string) []string {
	if note == "" {
		return nil
	}
	return p.fit(note, p.width()-qrSide-14, maxHeadLines)
}

// signatureField writes a label and the lines of its value.
func (p *printer) signatureField(label string, value []string) {
	p.font(false, headPoints)
	p.ink(90)
	p.write(margin+4, p.y+3.4, p.fit(label, signatureLabel-2, 1)[0])
	p.ink(0)
	for _, line := range value {
		p.write(margin+4+signatureLabel, p.y+3.4, line)
		p.y += headLine
	}
}

// qr draws a QR code: black squares on white, those beside each other as one.
func (p *printer) qr(text string, x, y float64) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		p.pdf.SetError(err)
		return
	}
	modules := code.Size
	k := qrSide / float64(modules+2*quietModules)
	p.pdf.SetFillColor(255, 255, 255)
	p.pdf.Rect(x, y, qrSide, qrSide, "F")
	p.pdf.SetFillColor(0, 0, 0)
	for j := range modules {
		for i := 0; i < modules; i++ {
			if !code.Black(i, j) {
				continue
			}
			begin := i
			for i < modules && code.Black(i, j) {
				i++
			}
			p.pdf.Rect(x+float64(quietModules+begin)*k, y+float64(quietModules+j)*k, float64(i-begin)*k, k, "F")
		}
	}
}
