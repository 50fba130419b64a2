package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tolem/registry/form"
)

// Measures lists what a chart can show: the names of columns.
func Measures() []string {
	var list []string
	for _, c := range measures {
		if c.value != nil {
			list = append(list, c.name)
		}
	}
	return list
}

// Chart draws one measure: along it the periods or, where there is but one
// period, the first dimension; beside each other what is left to tell apart. Of
// more series than a chart holds the largest are shown. Amounts of several
// currencies cannot be in one chart.
func (r *Report) Chart(kind form.ChartKind, measure string, l form.Language) (form.Chart, error) {
	say, err := speakerOf(l)
	if err != nil {
		return form.Chart{}, err
	}
	i := slices.IndexFunc(measures, func(c column) bool { return c.name == measure })
	if i < 0 || measures[i].value == nil || measure == "refused" && r.Query.provider {
		return form.Chart{}, fmt.Errorf("chart of %q: %w", measure, ErrQuery)
	}
	c := form.Chart{Title: say[measures[i].label] + ", " + r.Query.From.String() + " – " + r.Query.To.String(), Kind: kind}
	if measures[i].kind == form.Money {
		if len(r.Totals) > 1 {
			return c, fmt.Errorf("chart of amounts in %d currencies: ask for one: %w", len(r.Totals), ErrQuery)
		}
		if len(r.Totals) == 1 {
			c.Currency = r.Totals[0].Currency
		}
	}
	p := plot{say: say, dimensions: r.Query.By, byPeriod: len(r.Query.stretches()) > 1 || len(r.Query.By) == 0}
	for _, row := range r.Rows {
		p.add(row, measures[i].value(&row.Measures))
	}
	if len(p.labels) > form.MaxPoints {
		return c, fmt.Errorf("chart of %d points, allowed are %d: %w", len(p.labels), form.MaxPoints, ErrTooLarge)
	}
	c.Labels, c.Series = p.labels, p.series()
	if len(c.Series) == 0 {
		c.Series = []form.Series{{Name: say[measures[i].label]}}
	} else if len(c.Series) == 1 && c.Series[0].Name == "" {
		c.Series[0].Name = say[measures[i].label]
	}
	return c, nil
}

// plot sorts values into labels and series.
type plot struct {
	say        speaker
	dimensions []Dimension
	byPeriod   bool

	labels []string
	names  []string
	values map[[2]string]int64
}

func (p *plot) add(row Row, value int64) {
	if p.values == nil {
		p.values = make(map[[2]string]int64)
	}
	var parts []string
	if p.byPeriod {
		parts = append(parts, row.Label)
	}
	for _, d := range p.dimensions {
		parts = append(parts, cmp.Or(row.in(d, p.say), nobody))
	}
	label, name := parts[0], strings.Join(parts[1:], " · ")
	if !slices.Contains(p.labels, label) {
		p.labels = append(p.labels, label)
	}
	if !slices.Contains(p.names, name) {
		p.names = append(p.names, name)
	}
	p.values[[2]string{label, name}] += value
}

// nobody stands where a direction is not known.
const nobody = "–"

// series returns the largest series in the order in which they came.
func (p *plot) series() []form.Series {
	list := make([]form.Series, len(p.names))
	sums := make(map[string]int64)
	for i, name := range p.names {
		list[i] = form.Series{Name: name, Values: make([]int64, len(p.labels))}
		for j, label := range p.labels {
			list[i].Values[j] = p.values[[2]string{label, name}]
			sums[name] += list[i].Values[j]
		}
	}
	largest := slices.SortedStableFunc(slices.Values(p.names), func(a, b string) int { return cmp.Compare(sums[b], sums[a]) })
	largest = largest[:min(len(largest), form.MaxSeries)]
	return slices.DeleteFunc(list, func(s form.Series) bool { return !slices.Contains(largest, s.Name) })
}
