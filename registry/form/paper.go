package form

import (
	"errors"
	"io"
	"time"
)

// Paper is a document of one page that a person keeps, such as a receipt: what
// it is, an amount, fields below each other, and a QR code with what there is to
// say about it.
type Paper struct {
	Language      Language
	Brand, About  string // whose paper it is, at the top
	Operator      Field
	Warning       string // above everything; empty: none
	Title, Number string
	Mark          string // in a frame beside the title: which copy it is
	Sum           Field  // the amount, in large letters
	Fields        []Field
	QR            [][]bool // dark modules
	QRTitle       string
	QRTexts       []string // beside the code
	QRFields      []Field
	Notes         []string // below everything, small
	Printed       time.Time
}

// The page, in millimetres: A4 upright.
const (
	paperWidth, paperHeight = 210, 297
	paperMargin             = 18
	paperRight              = paperWidth - paperMargin
	paperText               = paperRight - paperMargin
	paperBand               = 19 // of the brand, at the top
	paperFoot               = 14
	paperLabel              = 58 // of a field
	paperCode               = 58 // side of the QR code
	maxPaperLines           = 4  // of a field
)

// paperPoints are the sizes of a field's letters. The largest with which
// everything fits on the page is taken.
var paperPoints = []float64{10.5, 9.5, 8.5, 7.5, 6.5}

// perPoint is a line's height in millimetres for each point of its letters.
const perPoint = 0.46

// ErrPaper reports a Paper whose fields do not fit on one page.
var ErrPaper = errors.New("the fields do not fit on one page")

// WritePaper writes the document as PDF, or returns ErrPaper, having written
// nothing. The same Paper gives the same bytes; fonts are embedded and text can
// be searched.
func WritePaper(w io.Writer, s Paper) error {
	pdf := newPDF(upright, s.Title, s.Number, s.Language, s.Printed)
	pdf.AddPage()
	p := &paper{printer: printer{pdf: pdf}, s: &s}
	p.brand()
	p.title()
	if err := p.fields(); err != nil {
		return err
	}
	p.proof()
	p.notes()
	return pdf.Output(w)
}

// paper draws a Paper; of printer it uses letters and lines.
type paper struct {
	printer
	s *Paper
}

// brand is the band at the top, and the warning below it.
func (p *paper) brand() {
	p.pdf.SetFillColor(10, 79, 102)
	p.pdf.Rect(0, 0, paperWidth, paperBand, "F")
	p.pdf.SetTextColor(255, 255, 255)
	p.font(true, 16)
	p.write(paperMargin, 9.4, p.s.Brand)
	p.font(false, 9)
	p.write(paperMargin, 14.6, p.s.About)
	p.writeRight(paperRight, 9.2, p.s.Operator.Label)
	p.font(true, 9)
	p.writeRight(paperRight, 14.6, p.fit(p.s.Operator.Value, paperText/2, 1)[0])
	p.y = paperBand
	if p.s.Warning != "" {
		const height = 7.5
		p.pdf.SetFillColor(255, 210, 63)
		p.pdf.Rect(0, p.y, paperWidth, height, "F")
		p.ink(0)
		p.font(true, 10)
		p.write((paperWidth-p.pdf.GetStringWidth(inPrint(p.s.Warning)))/2, p.y+5.2, p.s.Warning)
		p.y += height
	}
	p.y += 12
}

// title is what the document is, its mark, and the amount.
func (p *paper) title() {
	p.ink(0)
	p.font(true, 19)
	p.write(paperMargin, p.y+2, p.s.Title)
	if p.s.Mark != "" {
		p.font(true, 10.5)
		width := p.pdf.GetStringWidth(inPrint(p.s.Mark)) + 6
		p.pdf.SetDrawColor(0, 0, 0)
		p.pdf.SetLineWidth(0.45)
		p.pdf.Rect(paperRight-width, p.y-4.4, width, 8, "D")
		p.write(paperRight-width+3, p.y+1.1, p.s.Mark)
	}
	p.y += 13
	p.font(false, 10.5)
	p.ink(90)
	p.write(paperMargin, p.y, p.s.Sum.Label)
	p.y += 10
	p.font(true, 26)
	p.ink(0)
	p.write(paperMargin, p.y, p.s.Sum.Value)
	p.y += 8
}

// proofHeight is what the QR code and the notes below the fields need.
func (p *paper) proofHeight() float64 { return paperCode + 12 + 4*3.6 + paperFoot }

// fields writes the fields in the largest letters with which all else fits.
func (p *paper) fields() error {
	room := paperHeight - p.proofHeight() - p.y
	var lines [][2][]string
	var points, height float64
	for _, points = range paperPoints {
		if lines, height = p.measure(points); height <= room {
			break
		}
	}
	if height > room {
		return ErrPaper
	}
	step, gap := points*perPoint, points*0.3
	p.line(p.y, 0.35)
	for _, l := range lines {
		p.y += gap
		p.font(false, points)
		p.ink(90)
		for i, text := range l[0] {
			p.write(paperMargin, p.y+step*(float64(i)+0.8), text)
		}
		p.ink(0)
		for i, text := range l[1] {
			p.write(paperMargin+paperLabel, p.y+step*(float64(i)+0.8), text)
		}
		p.y += step*float64(max(len(l[0]), len(l[1]))) + gap
		p.line(p.y, 0.1)
	}
	return nil
}

// measure breaks the fields into lines and tells how high they are.
func (p *paper) measure(points float64) (lines [][2][]string, height float64) {
	p.font(false, points)
	for _, f := range p.s.Fields {
		l := [2][]string{p.fit(f.Label, paperLabel-3, maxPaperLines), p.fit(f.Value, paperText-paperLabel, maxPaperLines)}
		lines = append(lines, l)
		height += points*perPoint*float64(max(len(l[0]), len(l[1]))) + points*0.6
	}
	return lines, height
}

// line draws a line across the text.
func (p *paper) line(y, thickness float64) {
	p.pdf.SetDrawColor(160, 160, 160)
	p.pdf.SetLineWidth(thickness)
	p.pdf.Line(paperMargin, y, paperRight, y)
}

// proof is the QR code with what is said beside it.
func (p *paper) proof() {
	p.y += 6
	top := p.y
	p.modules(paperMargin, top)
	const x = paperMargin + paperCode + 7
	width := float64(paperRight - x)
	p.font(true, 11)
	p.ink(0)
	p.y += 5
	p.write(x, p.y, p.s.QRTitle)
	p.y += 1.5
	p.font(false, 9)
	for _, text := range p.s.QRTexts {
		for _, line := range p.fit(text, width, 8) {
			p.y += 4.2
			p.write(x, p.y, line)
		}
		p.y += 1.4
	}
	p.y += 1
	for _, f := range p.s.QRFields {
		p.font(false, 8)
		p.ink(90)
		label := p.fit(f.Label+":", width/2, 1)[0]
		p.y += 3.9
		p.write(x, p.y, label)
		indent := p.pdf.GetStringWidth(label + " ")
		p.ink(0)
		p.write(x+indent, p.y, p.fit(f.Value, width-indent, 1)[0])
	}
	p.y = max(p.y, top+paperCode) + 6
}

// modules draws the QR code, dark modules beside each other as one.
func (p *paper) modules(x, y float64) {
	k := paperCode / float64(len(p.s.QR)+2*quietModules)
	p.pdf.SetFillColor(255, 255, 255)
	p.pdf.Rect(x, y, paperCode, paperCode, "F")
	p.pdf.SetDrawColor(160, 160, 160)
	p.pdf.SetLineWidth(0.1)
	p.pdf.Rect(x, y, paperCode, paperCode, "D")
	p.pdf.SetFillColor(0, 0, 0)
	for j, line := range p.s.QR {
		for i := 0; i < len(line); i++ {
			from := i
			for i < len(line) && line[i] {
				i++
			}
			if i > from {
				p.pdf.Rect(x+float64(quietModules+from)*k, y+float64(quietModules+j)*k, float64(i-from)*k, k, "F")
			}
		}
	}
}

// notes stand at the foot.
func (p *paper) notes() {
	const line = 3.6
	p.font(false, 7.5)
	p.ink(90)
	var lines []string
	for _, note := range p.s.Notes {
		lines = append(lines, p.fit(note, paperText, 2)...)
	}
	p.y = max(p.y, paperHeight-paperFoot-line*float64(len(lines)))
	p.line(p.y-1, 0.1)
	for _, text := range lines {
		p.y += line
		p.write(paperMargin, p.y, text)
	}
}
