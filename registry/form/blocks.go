package form

import (
	"bytes"
	"errors"
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// Blocks is a document of slips, three on a page at most: a slip for the
// customer, or one each for the customer, the till and the bank, to be cut apart.
type Blocks struct {
	Language Language
	Title    string
	Pages    [][]Block
	Printed  time.Time
}

// Block is a slip of 210 x 99 mm.
type Block struct {
	Brand, Office string // whose slip it is
	Title, Number string
	Bars          string  // digits of its bar code; empty: none
	Mark          string  // which copy it is; empty: the only one
	Warning       string  // beside the mark; empty: none
	Fields        []Field // in two columns; one without value is a line to write on
	Sums          []Field // below each other; the last is the sum of the others
	Remark        string  // in strong letters
	Hands         []Field // who signs it, and the name if it is known
}

// The slip, in millimetres.
const (
	blockWidth, blockHeight = paperWidth, 99
	blocksOnPage            = 3
	blockMargin             = 10
	blockRight              = blockWidth - blockMargin
	blockText               = blockRight - blockMargin
	blockColumn             = (blockText - 8) / 2
	blockLabel              = 36.0 // of a field
	blockSums               = 62.0 // width of the sums
	blockFoot               = 30.0 // from below: where the sums begin
	barModule, barHeight    = 0.36, 8.5
)

// blockPoints are the sizes of the letters of fields, the largest first.
var blockPoints = []float64{9.5, 9, 8.5, 8, 7.5, 7, 6.5, 6}

// maxBlockLines is how many lines a field has at most.
const maxBlockLines = 2

// ErrBlocks reports a slip that cannot be drawn: too many on a page, or fields
// that do not fit.
var ErrBlocks = errors.New("the slip does not fit")

// WriteBlocks writes the slips as PDF, a page for each of Pages, or returns
// ErrBlocks or ErrBars, having written nothing. The same Blocks give the same
// bytes; fonts are embedded and text can be searched.
func WriteBlocks(w io.Writer, s Blocks) error {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(s.Printed.UTC())
	pdf.SetModificationDate(s.Printed.UTC())
	pdf.SetProducer("Tolem", true)
	pdf.SetTitle(clean(s.Title), true)
	pdf.SetLang(string(s.Language))
	pdf.AddUTF8FontFromBytes(fontName, "", bytes.Clone(fontRegular))
	pdf.AddUTF8FontFromBytes(fontName, "B", bytes.Clone(fontBold))
	for _, page := range s.Pages {
		if len(page) == 0 || len(page) > blocksOnPage {
			return ErrBlocks
		}
		pdf.AddPage()
		for i := range page {
			b := &block{printer: printer{pdf: pdf}, s: &page[i], top: float64(i * blockHeight)}
			if err := b.draw(); err != nil {
				return err
			}
			if len(page) > 1 && i < blocksOnPage-1 {
				b.cut()
			}
		}
	}
	return pdf.Output(w)
}

// block draws a slip; of printer it uses letters and lines.
type block struct {
	printer
	s   *Block
	top float64
}

func (b *block) draw() error {
	b.head()
	if err := b.fields(); err != nil {
		return err
	}
	b.y = b.top + blockHeight - blockFoot
	b.line(b.y, 0.3)
	b.sums()
	b.hands()
	return b.bars()
}

// head is whose slip it is and what.
func (b *block) head() {
	b.ink(0)
	b.font(true, 11)
	b.write(blockMargin, b.top+11, b.fit(b.s.Brand, blockText/2, 1)[0])
	b.font(false, 8.5)
	b.ink(70)
	b.write(blockMargin, b.top+15.4, b.fit(b.s.Office, blockText/2, 1)[0])
	b.ink(0)
	b.font(true, 12)
	b.writeRight(blockRight, b.top+11, b.fit(b.s.Title, blockText/2, 1)[0])
	b.font(true, 10)
	number := b.s.Number
	b.writeRight(blockRight, b.top+15.8, number)
	at := blockRight - b.pdf.GetStringWidth(inPrint(number)) - 5
	b.font(false, 7)
	b.ink(70)
	for _, text := range []string{b.s.Mark, b.s.Warning} {
		if text != "" {
			b.writeRight(at, b.top+15.6, text)
			at -= b.pdf.GetStringWidth(inPrint(text)) + 4
		}
	}
	b.y = b.top + 18
	b.line(b.y, 0.3)
}

// fields writes the fields in the largest letters with which all fit.
func (b *block) fields() error {
	room := b.top + blockHeight - blockFoot - b.y - 1.5
	half := (len(b.s.Fields) + 1) / 2
	for _, points := range blockPoints {
		left, leftHeight := b.measure(b.s.Fields[:half], points)
		right, rightHeight := b.measure(b.s.Fields[half:], points)
		if max(leftHeight, rightHeight) <= room {
			b.column(blockMargin, left, points)
			b.column(blockMargin+blockColumn+8, right, points)
			return nil
		}
	}
	return ErrBlocks
}

func (b *block) measure(fields []Field, points float64) (lines [][2][]string, height float64) {
	b.font(false, points)
	for _, f := range fields {
		l := [2][]string{b.fit(f.Label, blockLabel-2, maxBlockLines), nil}
		if f.Value != "" {
			l[1] = b.fit(f.Value, blockColumn-blockLabel, maxBlockLines)
		}
		lines = append(lines, l)
		height += points*perPoint*float64(max(len(l[0]), len(l[1]))) + points*0.12
	}
	return lines, height
}

func (b *block) column(x float64, lines [][2][]string, points float64) {
	step, y := points*perPoint, b.y+1.5
	b.font(false, points)
	for _, l := range lines {
		b.ink(80)
		for i, text := range l[0] {
			b.write(x, y+step*(float64(i)+0.8), text)
		}
		b.ink(0)
		for i, text := range l[1] {
			b.write(x+blockLabel, y+step*(float64(i)+0.8), text)
		}
		if l[1] == nil {
			b.toWriteOn(x+blockLabel, y+step, blockColumn-blockLabel)
		}
		y += step*float64(max(len(l[0]), len(l[1]))) + points*0.12
	}
}

// toWriteOn draws a line for a pen.
func (b *block) toWriteOn(x, y, width float64) {
	b.pdf.SetDrawColor(60, 60, 60)
	b.pdf.SetLineWidth(0.15)
	b.pdf.Line(x, y, x+width, y)
}

// sums stand at the right, below the fields.
func (b *block) sums() {
	x, y := blockRight-blockSums, b.y+5
	for i, f := range b.s.Sums {
		last := i == len(b.s.Sums)-1
		points := 8.5
		if last {
			points, y = 11, y+0.8
		}
		b.font(last, points)
		b.write(x, y, b.fit(f.Label, blockSums/2, 1)[0])
		b.figure(blockRight, y, blockSums/2, f.Value)
		y += 4.3
	}
	if b.s.Remark != "" {
		b.font(true, 9.5)
		b.write(blockMargin, b.y+5.2, b.fit(b.s.Remark, blockText-blockSums-6, 1)[0])
	}
}

// hands are the places where people sign, at the foot.
func (b *block) hands() {
	if len(b.s.Hands) == 0 {
		return
	}
	const from = blockMargin + 48.0
	y, width := b.top+blockHeight-8, (blockRight-from)/float64(len(b.s.Hands))
	for i, h := range b.s.Hands {
		x := from + width*float64(i)
		b.font(false, 7.5)
		b.ink(80)
		label := b.fit(h.Label, width/2, 1)[0]
		b.write(x, y, label)
		b.ink(0)
		at := x + b.pdf.GetStringWidth(label) + 1.5
		b.toWriteOn(at, y+0.4, x+width-4-at)
		b.font(false, 6.5)
		b.write(at, y+3.2, b.fit(h.Value, x+width-4-at, 1)[0])
	}
}

// bars draws the bar code, at the left of the foot.
func (b *block) bars() error {
	if b.s.Bars == "" {
		return nil
	}
	bars, _, err := BarCode(b.s.Bars)
	if err != nil {
		return err
	}
	y := b.top + blockHeight - 8 - barHeight
	b.pdf.SetFillColor(0, 0, 0)
	for _, bar := range bars {
		b.pdf.Rect(blockMargin+float64(bar.At)*barModule, y, float64(bar.Width)*barModule, barHeight, "F")
	}
	b.font(false, 7)
	b.write(blockMargin, y+barHeight+2.8, b.s.Bars)
	return nil
}

// cut is the line along which slips are cut apart.
func (b *block) cut() {
	b.pdf.SetDrawColor(120, 120, 120)
	b.pdf.SetLineWidth(0.15)
	b.pdf.SetDashPattern([]float64{2, 2}, 0)
	b.pdf.Line(0, b.top+blockHeight, blockWidth, b.top+blockHeight)
	b.pdf.SetDashPattern([]float64{}, 0)
}

// line draws a line across the text.
func (b *block) line(y, thickness float64) {
	b.pdf.SetDrawColor(130, 130, 130)
	b.pdf.SetLineWidth(thickness)
	b.pdf.Line(blockMargin, y, blockRight, y)
}
