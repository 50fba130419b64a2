package form

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"

	"tolem"
)

// Limits of a Chart.
const (
	MaxSeries = 6
	MaxPoints = 400
	// MaxChartValue bounds a value and its negative: sums of amounts stay far below.
	MaxChartValue = 1 << 60
)

// ChartKind says how a Chart is drawn.
type ChartKind int

// The kinds of charts: Bars compare, Lines follow time.
const (
	Bars ChartKind = iota
	Lines
)

// Chart is a chart of one or more series over the same labels.
type Chart struct {
	Title    string
	Kind     ChartKind
	Labels   []string
	Series   []Series
	Currency tolem.Currency // the values are minor units of it; empty: they are counts
}

// Series is a named row of values, one for each label.
type Series struct {
	Name   string
	Values []int64
}

func (c *Chart) check() error {
	if len(c.Series) == 0 || len(c.Series) > MaxSeries || len(c.Labels) > MaxPoints {
		return fmt.Errorf("%w: chart with %d series of %d points", ErrSheet, len(c.Series), len(c.Labels))
	}
	for _, s := range c.Series {
		if len(s.Values) != len(c.Labels) {
			return fmt.Errorf("%w: chart series %q has %d values for %d labels", ErrSheet, s.Name, len(s.Values), len(c.Labels))
		}
		for _, v := range s.Values {
			if v > MaxChartValue || v < -MaxChartValue {
				return fmt.Errorf("%w: chart value %d", ErrSheet, v)
			}
		}
	}
	return nil
}

// value returns a value as people read it, in full.
func (c *Chart) value(v int64, l Language) string {
	if c.Currency != "" {
		return l.Money(tolem.Money{Minor: v, Currency: c.Currency})
	}
	return l.Integer(v)
}

// axis is the scale of the values: from low to high in steps.
type axis struct {
	low, high, step int64
	unit            int64 // ticks are labelled in it
	name            string
}

// maxTicks is the most steps an axis has.
const maxTicks = 6

// axis returns a scale that holds every value and zero.
func (c *Chart) axis(l Language) axis {
	var low, high int64
	for _, s := range c.Series {
		for _, v := range s.Values {
			low, high = min(low, v), max(high, v)
		}
	}
	a := axis{unit: 1}
	if c.Currency != "" {
		a.unit = 100
	}
	if low == high {
		high = a.unit // nothing to show: an axis from nought to one
	}
	a.step = niceStep(high/maxTicks - low/maxTicks + 1)
	if a.step > a.unit/2 {
		a.step = max(a.step, a.unit)
	}
	a.low, a.high = -roundUp(-low, a.step), roundUp(high, a.step)
	a.name = string(c.Currency)
	for _, big := range []struct {
		times int64
		name  word
	}{{1e9, wordBillion}, {1e6, wordMillion}, {1e3, wordThousand}} {
		if a.step >= a.unit && a.step%(a.unit*big.times) == 0 {
			a.unit *= big.times
			a.name = strings.TrimSpace(l.say(big.name) + " " + a.name)
			break
		}
	}
	return a
}

// niceStep returns the smallest of 1, 2, 5, 10, 20, 50 … that is not below n.
func niceStep(n int64) int64 {
	for power := int64(1); ; power *= 10 {
		for _, digit := range []int64{1, 2, 5} {
			if digit*power >= n {
				return digit * power
			}
		}
	}
}

func roundUp(n, step int64) int64 {
	if n <= 0 {
		return 0
	}
	return (n + step - 1) / step * step
}

// tick returns the label of a tick.
func (a axis) tick(v int64, l Language) string {
	if a.step%a.unit == 0 {
		return l.Integer(v / a.unit)
	}
	return l.Decimal(tolem.Money{Minor: v}) // of minor units, where a step is less than a major one
}

// place returns where a value lies on a length, from the low end of the axis.
func (a axis) place(v int64, length int) int {
	high, low := bits.Mul64(uint64(v-a.low), uint64(length))
	place, _ := bits.Div64(high, low, uint64(a.high-a.low))
	return int(place)
}

// canvas is what a chart is drawn on. Lengths are units of the chart, which is
// chartWidth × chartHeight of them; y grows downwards.
type canvas interface {
	line(x1, y1, x2, y2 int, strong bool)
	bar(x, y, width, height, series int, tip string)
	curve(points []point, series int)
	mark(p point, series int, tip string)
	text(x, y int, text string, anchor anchor, size int, bold bool)
}

type point struct{ x, y int }

type anchor int

const (
	left anchor = iota
	middle
	right
)

// The room of a chart and its parts.
const (
	chartWidth, chartHeight = 960, 400

	plotTop, plotBottom, plotRight = 74, 362, 944

	titleSize, textSize = 17, 13
)

// palette has a colour for each series. They are told from white and from black
// alike; lines differ by their dashes and marks too.
var palette = [MaxSeries][3]int{
	{0x2f, 0x7e, 0xbc}, {0xc9, 0x70, 0x1a}, {0x3a, 0x92, 0x55}, {0x9c, 0x62, 0xb8}, {0xc8, 0x50, 0x55}, {0x7c, 0x7c, 0x7c},
}

// wide estimates the width of text; it never falls short for digits and most
// words.
func wide(text string, size int) int { return utf8.RuneCountInString(text) * size * 58 / 100 }

// draw draws the chart.
func (c *Chart) draw(on canvas, l Language) {
	on.text(0, 22, shorten(c.Title, titleSize, chartWidth), left, titleSize, true)
	a := c.axis(l)
	plotLeft := 24
	for v := a.low; v <= a.high; v += a.step {
		plotLeft = max(plotLeft, wide(a.tick(v, l), textSize)+10)
	}
	c.legend(on, a.name)
	for v := a.low; v <= a.high; v += a.step {
		y := plotBottom - a.place(v, plotBottom-plotTop)
		on.line(plotLeft, y, plotRight, y, v == 0)
		on.text(plotLeft-8, y+4, a.tick(v, l), right, textSize, false)
	}
	if len(c.Labels) == 0 {
		on.text((plotLeft+plotRight)/2, (plotTop+plotBottom)/2, l.say(wordNoData), middle, titleSize, false)
		return
	}
	c.labels(on, plotLeft)
	if c.Kind == Lines {
		c.drawLines(on, a, plotLeft, l)
	} else {
		c.drawBars(on, a, plotLeft, l)
	}
}

// legend names the unit of the axis and, where there are several, the series.
func (c *Chart) legend(on canvas, unit string) {
	const y = 50
	x := 0
	if unit != "" {
		on.text(x, y, unit, left, textSize, false)
		x += wide(unit, textSize) + 28
	}
	if len(c.Series) == 1 {
		return
	}
	share := (chartWidth - x) / len(c.Series)
	for i, s := range c.Series {
		name := shorten(s.Name, textSize, share-60)
		if c.Kind == Lines {
			on.curve([]point{{x, y - 4}, {x + 30, y - 4}}, i)
			on.mark(point{x + 15, y - 4}, i, "")
		} else {
			on.bar(x+14, y-11, 12, 12, i, "")
		}
		on.text(x+36, y, name, left, textSize, false)
		x += 36 + wide(name, textSize) + 24
	}
}

// slot returns the middle of the i-th label's share of the width.
func (c *Chart) slot(i, plotLeft int) int {
	return plotLeft + (2*i+1)*(plotRight-plotLeft)/(2*len(c.Labels))
}

// labels writes the labels below their bars, shortened to the room there is;
// along lines, or where there is none, it writes as many as stand beside each
// other.
func (c *Chart) labels(on canvas, plotLeft int) {
	const gap, readable = 12, 60
	share, every := (plotRight-plotLeft)/len(c.Labels), 1
	if c.Kind == Lines || share < readable {
		widest := 1
		for _, label := range c.Labels {
			widest = max(widest, wide(label, textSize)+gap)
		}
		every = max(1, (widest*len(c.Labels)+plotRight-plotLeft-1)/(plotRight-plotLeft))
	}
	for i := 0; i < len(c.Labels); i += every {
		on.text(c.slot(i, plotLeft), plotBottom+20, shorten(c.Labels[i], textSize, every*share-gap), middle, textSize, false)
	}
}

// shorten cuts text that is wider than its place, visibly.
func shorten(text string, size, width int) string {
	if wide(text, size) <= width {
		return text
	}
	letters := []rune(text)
	return string(letters[:max(1, min(len(letters), width*100/(size*58)-1))]) + ellipsis
}

func (c *Chart) drawBars(on canvas, a axis, plotLeft int, l Language) {
	share := (plotRight - plotLeft) / len(c.Labels)
	width := max(1, min(share*3/4/len(c.Series), 56))
	zero := plotBottom - a.place(0, plotBottom-plotTop)
	for i := range c.Labels {
		x := c.slot(i, plotLeft) - width*len(c.Series)/2
		for n, s := range c.Series {
			y := plotBottom - a.place(s.Values[i], plotBottom-plotTop)
			height := max(y-zero, zero-y)
			if s.Values[i] != 0 {
				height = max(height, 1) // little is not nothing
			}
			top := zero
			if s.Values[i] > 0 {
				top -= height
			}
			on.bar(x+n*width, top, max(1, width-min(2, width/4)), height, n, c.tip(n, i, l))
		}
	}
}

func (c *Chart) drawLines(on canvas, a axis, plotLeft int, l Language) {
	const marksUpTo = 62 // two months of days: more marks would hide the line
	for n, s := range c.Series {
		points := make([]point, len(s.Values))
		for i, v := range s.Values {
			points[i] = point{c.slot(i, plotLeft), plotBottom - a.place(v, plotBottom-plotTop)}
		}
		on.curve(points, n)
		for i, p := range points {
			if len(points) <= marksUpTo {
				on.mark(p, n, c.tip(n, i, l))
			}
		}
	}
}

// tip says in words what a bar or mark shows.
func (c *Chart) tip(series, i int, l Language) string {
	text := c.Labels[i] + ": " + c.value(c.Series[series].Values[i], l)
	if len(c.Series) > 1 {
		text = c.Series[series].Name + ", " + text
	}
	return text
}

// inWords describes the chart to who does not see it.
func (c *Chart) inWords(l Language) string {
	if len(c.Labels) == 0 {
		return l.say(wordNoData)
	}
	var parts []string
	for _, s := range c.Series {
		low, high := 0, 0
		for i, v := range s.Values {
			if v < s.Values[low] {
				low = i
			}
			if v > s.Values[high] {
				high = i
			}
		}
		parts = append(parts, fmt.Sprintf("%s, %s – %s: %s %s (%s), %s %s (%s).", s.Name, c.Labels[0], c.Labels[len(c.Labels)-1],
			l.say(wordHighest), c.value(s.Values[high], l), c.Labels[high], l.say(wordLowest), c.value(s.Values[low], l), c.Labels[low]))
	}
	return strings.Join(parts, " ")
}
