package main

import (
	"fmt"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/text"

	"tolem/internal/bench"
)

// printBench shows what was measured to a person.
func printBench(io streams, r bench.Report) {
	color := io.isTerminal()
	paint := func(c text.Color, s string) string {
		if !color {
			return s
		}
		return c.Sprint(s)
	}
	fmt.Fprintf(io.out, "%d processors, %s, %s/%s\n", r.Machine.CPUs, r.Machine.Go, r.Machine.OS, r.Machine.Arch)
	for _, t := range r.Tables {
		fmt.Fprintf(io.out, "\n%s\n", paint(text.Bold, t.Title))
		printBenchTable(io, t)
		if t.Note != "" {
			fmt.Fprintln(io.out, paint(text.Faint, t.Note))
		}
	}
	if len(r.Checks) > 0 {
		fmt.Fprintf(io.out, "\n%s\n", paint(text.Bold, "Limits"))
		t := newTable(io, "", "what", "measured", "limit")
		for _, c := range r.Checks {
			mark, sign := paint(text.FgGreen, "✓"), "≤ "
			if !c.OK {
				mark = paint(text.FgRed, "✗")
			}
			if c.AtLeast {
				sign = "≥ "
			}
			t.row(mark, c.What, figure(c.Value), sign+figure(c.Limit))
		}
		t.print()
	}
	for _, what := range r.LeftOut {
		fmt.Fprintln(io.out, paint(text.FgYellow, "NOT MEASURED: "+what))
	}
	fmt.Fprintf(io.out, "%.0f s\n", r.Seconds)
}

// printBenchTable prints the cases of a part; all of them have the same values.
func printBenchTable(io streams, t bench.Table) {
	columns := []string{"case"}
	if len(t.Rows) > 0 {
		for _, v := range t.Rows[0].Values {
			name := v.Name
			if v.Unit != "" {
				name += " [" + v.Unit + "]"
			}
			columns = append(columns, name)
		}
	}
	out := newTable(io, columns...)
	for _, r := range t.Rows {
		cells := []string{r.Case}
		for _, v := range r.Values {
			cells = append(cells, figure(v.N))
		}
		out.row(cells...)
	}
	out.print()
}

// figure writes a number with about three digits that mean something.
func figure(n float64) string {
	switch {
	case n >= 100 || n == float64(int64(n)):
		return strconv.FormatFloat(n, 'f', 0, 64)
	case n >= 10:
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	return strconv.FormatFloat(n, 'f', 2, 64)
}
