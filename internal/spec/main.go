// Command spec shows which test proves which requirement. The requirements
// stand in docs/spec: gateway.csv has those of the gateway, acquiring.csv those of
// card acquiring. A test names those it proves in a comment above it or inside
// it:
//
//	// GW-135 to GW-137, GW-P36, ACQ-P14
//	func TestEvidenceIsKept(t *testing.T) {
//
// A requirement that binds the gateway is proved by at least one test, or the
// last column of the file says which later capability it belongs to. The
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

// lists are where the requirements stand, from the root of the module, and what
// their ids begin with.
var lists = []struct{ path, series string }{
	{"docs/spec/gateway.csv", "GW"},
	{"docs/spec/acquiring.csv", "ACQ"},
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
	rows    []row
	proofs  map[string][]proof
	unknown []proof // name a requirement that does not exist

	proved, later, open int
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
	for _, row := range r.rows {
		switch {
		case len(r.proofs[row.id]) > 0:
			r.proved++
		case row.later != "":
			r.later++
		default:
			r.open++
		}
	}
	return r
}

// complete reports whether no requirement is open and no test names one that
// does not exist.
func (r report) complete() bool { return r.open == 0 && len(r.unknown) == 0 }

func (r report) print(w io.Writer, onlyOpen bool) {
	for _, row := range r.rows {
		proofs := r.proofs[row.id]
		isOpen := len(proofs) == 0 && row.later == ""
		if onlyOpen && !isOpen {
			continue
		}
		fmt.Fprintf(w, "%-7s %s\n", row.id, row.text)
		switch {
		case isOpen:
			fmt.Fprintf(w, "        OPEN: no test proves it\n")
		case len(proofs) == 0:
			fmt.Fprintf(w, "        later: %s\n", row.later)
		default:
			fmt.Fprintf(w, "        %s\n", strings.Join(names(proofs), ", "))
		}
	}
	for _, p := range r.unknown {
		fmt.Fprintf(w, "%s names %s, which is no requirement\n", p, p.id)
	}
	fmt.Fprintf(w, "%d requirements bind the gateway: %d proved by tests, %d for later capabilities, %d open\n",
		len(r.rows), r.proved, r.later, r.open)
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
