// Command spec shows which test proves which requirement. The requirements
// stand in docs/spec: gateway.csv has those of the gateway, acquiring.csv those of
// card acquiring, workplace.csv those of the workplace of bank operators. A test
// names those it proves in a comment above it or inside it:
//
//	// GW-135 to GW-137, GW-P36, ACQ-P14, WP-028
//	func TestEvidenceIsKept(t *testing.T) {
//
// A requirement that binds the gateway is proved by at least one test, or the
// last column of the file says which later capability it belongs to. Those that
// bind somebody else (a participant; at a desk the bank, whose computers they
// are, or the browser with the e-token's program) no test has to prove. The
// program ends with 1 if one is neither. Only `make spec` calls it; the test
// beside it holds the same on every run of the tests.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// lists are where the requirements stand, from the root of the module, what
// their ids begin with, and what they are about.
var lists = []struct{ path, series, about string }{
	{"docs/spec/gateway.csv", "GW", "the gateway"},
	{"docs/spec/acquiring.csv", "ACQ", "card acquiring"},
	{"docs/spec/workplace.csv", "WP", "the workplace of bank operators"},
}

func main() {
	root := flag.String("root", ".", "folder of the module")
	open := flag.Bool("open", false, "print only what is neither proved nor for later")
	flag.Parse()
	ok, err := run(os.Stdout, *root, *open)
	if err != nil {
		fmt.Fprintln(os.Stderr, "spec:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run prints the report and returns whether every requirement is accounted for.
func run(w io.Writer, root string, onlyOpen bool) (bool, error) {
	rows, err := readLists(root)
	if err != nil {
		return false, err
	}
	proofs, err := findProofs(os.DirFS(root))
	if err != nil {
		return false, err
	}
	r := judge(rows, proofs)
	r.print(w, onlyOpen)
	return r.complete(), nil
}

// report says how each requirement stands.
type report struct {
	rows    []row // that bind the gateway
	proofs  map[string][]proof
	unknown []proof // name a requirement that does not exist
}

func judge(rows []row, proofs []proof) report {
	r := report{proofs: make(map[string][]proof)}
	known := make(map[string]bool)
	for _, row := range rows {
		known[row.id] = true
		if row.binds == bindsGateway {
			r.rows = append(r.rows, row)
		}
	}
	for _, p := range proofs {
		if !known[p.id] {
			r.unknown = append(r.unknown, p)
		}
		r.proofs[p.id] = append(r.proofs[p.id], p)
	}
	return r
}

// tally counts how requirements stand.
type tally struct{ proved, later, open int }

func (t tally) String() string {
	return fmt.Sprintf("%d proved by tests, %d for later capabilities, %d open", t.proved, t.later, t.open)
}

// tally counts the requirements of a series; of all where it is empty.
func (r report) tally(series string) (t tally) {
	for _, row := range r.rows {
		switch {
		case series != "" && row.series() != series:
		case len(r.proofs[row.id]) > 0:
			t.proved++
		case row.later != "":
			t.later++
		default:
			t.open++
		}
	}
	return t
}

// open reports whether nothing accounts for a requirement.
func (r report) open(row row) bool { return len(r.proofs[row.id]) == 0 && row.later == "" }

// openIDs are the open requirements of a series, in order.
func (r report) openIDs(series string) []string {
	var ids []string
	for _, row := range r.rows {
		if row.series() == series && r.open(row) {
			ids = append(ids, row.id)
		}
	}
	return ids
}

// complete reports whether no requirement is open and no test names one that
// does not exist.
func (r report) complete() bool { return r.tally("").open == 0 && len(r.unknown) == 0 }

// print shows a table for each list, then how all stand together.
func (r report) print(w io.Writer, onlyOpen bool) {
	for _, l := range lists {
		t := r.tally(l.series)
		fmt.Fprintf(w, "Requirements of %s (%s): %s\n", l.about, l.path, t)
		for _, row := range r.rows {
			if row.series() == l.series && (!onlyOpen || r.open(row)) {
				r.printRow(w, row)
			}
		}
		fmt.Fprintln(w)
	}
	for _, p := range r.unknown {
		fmt.Fprintf(w, "%s names %s, which is no requirement\n", p, p.id)
	}
	fmt.Fprintf(w, "%d requirements bind the gateway: %s\n", len(r.rows), r.tally(""))
}

func (r report) printRow(w io.Writer, row row) {
	fmt.Fprintf(w, "%-7s %s\n", row.id, row.text)
	switch proofs := r.proofs[row.id]; {
	case r.open(row):
		fmt.Fprintf(w, "        OPEN: no test proves it\n")
	case len(proofs) == 0:
		fmt.Fprintf(w, "        later: %s\n", row.later)
	default:
		fmt.Fprintf(w, "        %s\n", strings.Join(names(proofs), ", "))
	}
}

// shown bounds how many tests are named for one requirement.
const shown = 6

func names(proofs []proof) []string {
	var out []string
	for i, p := range proofs {
		if i == shown {
			return append(out, fmt.Sprintf("and %d more", len(proofs)-shown))
		}
		out = append(out, p.String())
	}
	return out
}
