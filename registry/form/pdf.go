package form

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"

	"codeberg.org/go-pdf/fpdf"
)

// MaxPDFRows is how many rows one PDF file holds. A PDF is held in memory while
// it is drawn, some 3 kB a row; this many need less than 100 MB, and nobody
// turns more pages.
const MaxPDFRows = 5_000

// WritePDF writes one PDF for people to read and print, or returns ErrPDF for
// more rows than MaxPDFRows, having written nothing.
//
// Pages are A4 across, or upright. Each has title, number and the table's header, what its
// rows come to, what the rows come to from the start, and its place among the
// pages; totals and signature follow the last row. Fonts are embedded, text can
// be searched, and the same Sheet gives the same bytes.
func WritePDF(w io.Writer, s Sheet) error {
	if s.RowCount > MaxPDFRows {
		return fmt.Errorf("%w: %d, allowed are %d", ErrPDF, s.RowCount, MaxPDFRows)
	}
	_, err := writePDF(s, MaxPDFRows, true, func(int) (io.Writer, error) { return w, nil })
	return err
}

// WritePDFParts writes as many PDF files as the rows need, each of MaxPDFRows at
// most, and returns how many. Create is called when a part is complete, with its
// number from 1. Every part has head and signature, sums from the start go on
// from part to part, and the last has the totals.
func WritePDFParts(s Sheet, create func(part int) (io.Writer, error)) (parts int, err error) {
	return writePDF(s, MaxPDFRows, false, create)
}

// WritePDFZip writes the parts as files name-1.pdf, name-2.pdf … of a ZIP
// archive. The same Sheet gives the same bytes.
func WritePDFZip(w io.Writer, s Sheet, name string) error {
	archive := zip.NewWriter(w)
	_, err := writePDF(s, MaxPDFRows, false, func(part int) (io.Writer, error) {
		// A PDF is compressed already.
		return archive.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("%s-%d.pdf", name, part), Method: zip.Store})
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

// PDFParts returns how many files so many rows need.
func PDFParts(rows int64) int { return partsOf(rows, MaxPDFRows) }

func partsOf(rows, most int64) int { return int(max(1, (rows+most-1)/most)) }

// writePDF draws parts of so many rows at most, or a single one.
func writePDF(s Sheet, most int, single bool, create func(part int) (io.Writer, error)) (parts int, err error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	p := &printer{s: &s, most: most, create: create}
	p.begin()
	err = s.walk(func(row []Cell) error {
		if p.rows == most {
			if single {
				return fmt.Errorf("%w: allowed are %d", ErrPDF, most)
			}
			if err := p.finish(false); err != nil {
				return err
			}
			p.begin()
		}
		return p.row(row)
	})
	if err != nil {
		return 0, err
	}
	return p.part, p.finish(true)
}

// The page, in millimetres: A4, across unless the Sheet is upright.
const (
	longSide, shortSide = 297, 210
	margin              = 12
	footMargin          = 13 // there stands the page's number
)

// right is where the text of a page ends, bottom where its rows do.
func (p *printer) right() float64 {
	if p.s.Upright {
		return shortSide - margin
	}
	return longSide - margin
}

func (p *printer) bottom() float64 {
	if p.s.Upright {
		return longSide - footMargin
	}
	return shortSide - footMargin
}

func (p *printer) width() float64 { return p.right() - margin }

// Sizes of letters in points, and of the lines they make in millimetres.
const (
	titlePoints, headPoints, tablePoints, smallPoints, leastPoints = 14, 9, 7.5, 7, 4

	titleLine, headLine, tableLine = 6.2, 4.6, 3.5

	padding, leading = 1.6, 1.05 // beside and above the text of a cell

	// A table of many columns has smaller letters, and less beside them.
	manyColumns               = 12
	densePoints, densePadding = 6.2, 0.9
)

// tablePoints is the size of letters in the table.
func (p *printer) tablePoints() float64 {
	if len(p.s.Columns) > manyColumns {
		return densePoints
	}
	return tablePoints
}

// padding is what is beside the text of a cell of the table.
func (p *printer) padding() float64 {
	if len(p.s.Columns) > manyColumns {
		return densePadding
	}
	return padding
}

// Cells of more lines are cut, visibly.
const (
	maxCellLines   = 4
	maxHeaderLines = 3
	maxHeadLines   = 3
)

// printer draws the parts of a document one after another.
type printer struct {
	s      *Sheet
	most   int // rows of a part
	create func(part int) (io.Writer, error)
	part   int
	run    tally // from the start

	pdf     *fpdf.Fpdf
	bold    bool    // the font in use
	points  float64 // its size
	columns []printed
	y       float64 // where the next line goes
	rows    int     // in this part
	page    tally   // on this page
	aside   bool    // an amount on this page counts in no total
	cells   [][]string
}

// printed is a column on paper.
type printed struct {
	x, width float64
	right    bool // figures end below each other
	label    []string
}

// begin opens the next part.
func (p *printer) begin() {
	p.part++
	p.rows = 0
	s := p.s
	across := "L"
	if s.Upright {
		across = "P"
	}
	pdf := fpdf.New(across, "mm", "A4", "")
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(s.Printed.UTC())
	pdf.SetModificationDate(s.Printed.UTC())
	pdf.SetProducer("Tolem", true)
	pdf.SetTitle(clean(s.Title), true)
	pdf.SetSubject(clean(s.Number), true)
	pdf.SetLang(string(s.Language))
	pdf.AddUTF8FontFromBytes(fontName, "", bytes.Clone(fontRegular))
	pdf.AddUTF8FontFromBytes(fontName, "B", bytes.Clone(fontBold))
	p.pdf, p.points = pdf, 0
	p.font(false, p.tablePoints())
	p.layOut()
	p.firstPage()
}

// widths are the relative widths of columns that say none.
var widths = [...]float64{Text: 20, Integer: 8, Money: 18, Time: 17, Date: 11, Code: 20}

// layOut shares the width of the page among the columns.
func (p *printer) layOut() {
	whole := 0.0
	share := make([]float64, len(p.s.Columns))
	for i, c := range p.s.Columns {
		if share[i] = c.Width; share[i] == 0 {
			share[i] = widths[c.Kind]
		}
		whole += share[i]
	}
	p.columns = make([]printed, len(share))
	p.cells = make([][]string, len(share))
	p.font(true, p.tablePoints())
	x := float64(margin)
	for i, c := range p.s.Columns {
		width := p.width() * share[i] / whole
		p.columns[i] = printed{
			x: x, width: width, right: c.Kind == Integer || c.Kind == Money,
			label: p.fit(c.label(), width-2*p.padding(), maxHeaderLines),
		}
		x += width
	}
}

// finish ends a part: what stands below the rows, the numbers of the pages, and
// the file.
func (p *printer) finish(last bool) error {
	if p.rows == 0 {
		p.write(margin+padding, p.y+tableLine+leading, p.s.Language.say(wordNoRows))
		p.y += tableLine + 2*leading
	}
	p.endTable(last)
	if last {
		p.totals()
		p.below()
	} else {
		p.say(wordContinued)
	}
	p.signature()
	p.numberPages()
	w, err := p.create(p.part)
	if err != nil {
		return err
	}
	return p.pdf.Output(w)
}

// numberPages writes the foot of every page, now that their number is known.
func (p *printer) numberPages() {
	l := p.s.Language
	pages := p.pdf.PageCount()
	for page := 1; page <= pages; page++ {
		p.pdf.SetPage(page)
		p.points = 0 // each page has a state of its own
		p.font(false, smallPoints)
		p.ink(90)
		p.rule(p.bottom()+4, 0.1, p.width())
		place := fmt.Sprintf(l.say(wordPageOf), page, pages)
		if which := p.whichPart(); which != "" {
			place = which + "   " + place
		}
		p.write(margin, p.bottom()+8, p.s.printedAt())
		p.writeRight(p.right(), p.bottom()+8, place)
	}
	p.pdf.SetPage(pages)
}

// whichPart names the part where there are several.
func (p *printer) whichPart() string {
	l := p.s.Language
	switch parts := partsOf(p.s.RowCount, int64(p.most)); {
	case parts > 1:
		return fmt.Sprintf(l.say(wordPartOf), p.part, parts)
	case p.part > 1:
		return fmt.Sprintf(l.say(wordPart), p.part)
	}
	return ""
}
