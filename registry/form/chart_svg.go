package form

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// WriteSVG writes a chart as an SVG that needs nothing else: no script, no style
// sheet, no font. Its lines and letters have the colour of the text around it,
// so it suits light and dark pages; shown by itself or as an image it follows
// what the reader has chosen. Title and description say what it shows, each
// value is told where the pointer rests.
func WriteSVG(w io.Writer, c Chart, l Language) error {
	if !l.known() {
		return fmt.Errorf("%w: language %q", ErrSheet, l)
	}
	if err := c.check(); err != nil {
		return err
	}
	var s svg
	s.printf(`<svg xmlns="http://www.w3.org/2000/svg" class="tolem-chart" viewBox="0 0 %d %d" role="img" xml:lang="%s" fill="currentColor" font-family="'Noto Sans', system-ui, sans-serif">`+"\n",
		chartWidth, chartHeight, l)
	s.printf("<title>%s</title>\n<desc>%s</desc>\n", escape(c.Title), escape(c.inWords(l)))
	s.printf("<style>:root.tolem-chart{color:#1b1b1b}@media (prefers-color-scheme:dark){:root.tolem-chart{color:#e8e8e8}}</style>\n")
	c.draw(&s, l)
	s.printf("</svg>\n")
	_, err := io.WriteString(w, s.b.String())
	return err
}

// svg is the canvas of an SVG.
type svg struct{ b strings.Builder }

func (s *svg) printf(format string, args ...any) { fmt.Fprintf(&s.b, format, args...) }

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(clean(text))) // a Builder takes everything
	return b.String()
}

func (s *svg) line(x1, y1, x2, y2 int, strong bool) {
	opacity := "0.2"
	if strong {
		opacity = "0.7"
	}
	s.printf(`<path d="M%d %dL%d %d" stroke="currentColor" stroke-opacity="%s"/>`+"\n", x1, y1, x2, y2, opacity)
}

// color returns the colour of a series as SVG writes it.
func color(series int) string {
	c := palette[series]
	return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2])
}

func (s *svg) bar(x, y, width, height, series int, tip string) {
	s.tipped(fmt.Sprintf(`rect x="%d" y="%d" width="%d" height="%d" fill="%s"`, x, y, width, height, color(series)), "rect", tip)
}

// tipped writes a shape, with what is told of it if there is something.
func (s *svg) tipped(shape, name, tip string) {
	if tip == "" {
		s.printf("<%s/>\n", shape)
		return
	}
	s.printf("<%s><title>%s</title></%s>\n", shape, escape(tip), name)
}

// dashes tell lines apart without colour.
var dashes = [MaxSeries][]int{nil, {8, 4}, {2, 4}, {12, 4, 2, 4}, {5, 3}, {16, 6}}

func (s *svg) curve(points []point, series int) {
	s.printf(`<polyline fill="none" stroke="%s" stroke-width="2.5" stroke-linejoin="round"`, color(series))
	if d := dashes[series]; d != nil {
		s.printf(` stroke-dasharray="%s"`, strings.Trim(fmt.Sprint(d), "[]"))
	}
	s.printf(` points="`)
	for i, p := range points {
		if i > 0 {
			s.printf(" ")
		}
		s.printf("%d,%d", p.x, p.y)
	}
	s.printf("\"/>\n")
}

func (s *svg) mark(p point, series int, tip string) {
	var d strings.Builder
	for i, q := range outline(p, series) {
		fmt.Fprintf(&d, "%c%d %d", "ML"[min(i, 1)], q.x, q.y)
	}
	s.tipped(fmt.Sprintf(`path d="%sZ" fill="%s"`, d.String(), color(series)), "path", tip)
}

// outline returns the corners of a series' mark: each has its own.
func outline(p point, series int) []point {
	shapes := [...][]point{
		{{-2, -5}, {2, -5}, {5, -2}, {5, 2}, {2, 5}, {-2, 5}, {-5, 2}, {-5, -2}}, // round
		{{-4, -4}, {4, -4}, {4, 4}, {-4, 4}},                                     // square
		{{0, -5}, {5, 4}, {-5, 4}},                                               // triangle
		{{0, -6}, {6, 0}, {0, 6}, {-6, 0}},                                       // diamond
		{{-5, -4}, {5, -4}, {0, 5}},                                              // triangle, down
		{{-6, -2}, {6, -2}, {6, 2}, {-6, 2}},                                     // dash
	}
	var corners []point
	for _, q := range shapes[series] {
		corners = append(corners, point{p.x + q.x, p.y + q.y})
	}
	return corners
}

func (s *svg) text(x, y int, text string, a anchor, size int, bold bool) {
	s.printf(`<text x="%d" y="%d" font-size="%d"`, x, y, size)
	if a != left {
		s.printf(` text-anchor="%s"`, [...]string{middle: "middle", right: "end"}[a])
	}
	if bold {
		s.printf(` font-weight="700"`)
	}
	s.printf(">%s</text>\n", escape(text))
}
