package form

import (
	"math"
	"strings"
)

// font chooses letters.
func (p *printer) font(bold bool, points float64) {
	if bold == p.bold && points == p.points {
		return
	}
	p.bold, p.points = bold, points
	style := ""
	if bold {
		style = "B"
	}
	p.pdf.SetFont(fontName, style, points)
}

const fontName = "noto"

// ink sets how dark letters are: 0 is black.
func (p *printer) ink(gray int) { p.pdf.SetTextColor(gray, gray, gray) }

// rule draws a line from the left margin.
func (p *printer) rule(y, thickness, width float64) {
	p.pdf.SetDrawColor(110, 110, 110)
	p.pdf.SetLineWidth(thickness)
	p.pdf.Line(margin, y, margin+width, y)
}

// write writes text on its base line.
func (p *printer) write(x, y float64, text string) { p.pdf.Text(x, y, inPrint(text)) }

// writeRight writes text that ends at x.
func (p *printer) writeRight(x, y float64, text string) {
	text = inPrint(text)
	p.pdf.Text(x-p.pdf.GetStringWidth(text), y, text)
}

// figure writes a number that ends at x, in smaller letters where it is wider
// than its place: no digit is ever cut.
func (p *printer) figure(x, y, width float64, text string) {
	points := p.points
	if have := p.pdf.GetStringWidth(inPrint(text)); have > width {
		p.font(p.bold, math.Max(leastPoints, points*width/have))
	}
	p.writeRight(x, y, text)
	p.font(p.bold, points)
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
