package form

import "codeberg.org/go-pdf/fpdf"

// pdfCanvas draws a chart on a page, a unit being so many millimetres.
type pdfCanvas struct {
	p       *printer
	x, y, k float64
}

func (c pdfCanvas) at(x, y int) (float64, float64) { return c.x + float64(x)*c.k, c.y + float64(y)*c.k }

func (c pdfCanvas) line(x1, y1, x2, y2 int, strong bool) {
	gray := 205
	if strong {
		gray = 90
	}
	c.p.pdf.SetDrawColor(gray, gray, gray)
	c.p.pdf.SetLineWidth(0.15)
	ax, ay := c.at(x1, y1)
	bx, by := c.at(x2, y2)
	c.p.pdf.Line(ax, ay, bx, by)
}

func (c pdfCanvas) bar(x, y, width, height, series int, _ string) {
	c.p.pdf.SetFillColor(palette[series][0], palette[series][1], palette[series][2])
	ax, ay := c.at(x, y)
	c.p.pdf.Rect(ax, ay, float64(width)*c.k, float64(height)*c.k, "F")
}

func (c pdfCanvas) curve(points []point, series int) {
	c.p.pdf.SetDrawColor(palette[series][0], palette[series][1], palette[series][2])
	c.p.pdf.SetLineWidth(2.5 * c.k)
	var dash []float64
	for _, d := range dashes[series] {
		dash = append(dash, float64(d)*c.k)
	}
	c.p.pdf.SetDashPattern(dash, 0)
	for i, q := range points {
		x, y := c.at(q.x, q.y)
		if i == 0 {
			c.p.pdf.MoveTo(x, y)
		} else {
			c.p.pdf.LineTo(x, y)
		}
	}
	c.p.pdf.DrawPath("D")
	c.p.pdf.SetDashPattern(nil, 0)
}

func (c pdfCanvas) mark(p point, series int, _ string) {
	c.p.pdf.SetFillColor(palette[series][0], palette[series][1], palette[series][2])
	var corners []fpdf.PointType
	for _, q := range outline(p, series) {
		x, y := c.at(q.x, q.y)
		corners = append(corners, fpdf.PointType{X: x, Y: y})
	}
	c.p.pdf.Polygon(corners, "F")
}

// pointsPerMM turns millimetres into the unit of font sizes.
const pointsPerMM = 72 / 25.4

func (c pdfCanvas) text(x, y int, text string, a anchor, size int, bold bool) {
	c.p.font(bold, float64(size)*c.k*pointsPerMM)
	text = inPrint(text)
	ax, ay := c.at(x, y)
	switch width := c.p.pdf.GetStringWidth(text); a {
	case middle:
		ax -= width / 2
	case right:
		ax -= width
	}
	c.p.pdf.Text(ax, ay, text)
}
