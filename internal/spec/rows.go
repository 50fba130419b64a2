package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// row is one requirement.
type row struct {
	id, binds, text string
	later           string // the capability that will meet it; empty: it is met now
}

// Whom a requirement binds: the program of this module, who calls it, and at a
// desk the bank whose computer it is or the browser with the e-token's program.
const (
	bindsGateway     = "gateway"
	bindsParticipant = "participant"
	bindsBank        = "bank"
	bindsBrowser     = "browser"
)

var bound = []string{bindsGateway, bindsParticipant, bindsBank, bindsBrowser}

var idPattern = regexp.MustCompile(`^((GW|ACQ)-([0-9]{3}|P[0-9]{2})|WP-[0-9]{3})$`)

// firstProposed is the first number of WP that was proposed where the text is
// silent; the other series mark those by a P.
const firstProposed = 501

// series is what the id begins with: GW.
func (r row) series() string { return r.id[:strings.IndexByte(r.id, '-')] }

// proposed reports whether it is a rule proposed where the texts are silent.
func (r row) proposed() bool {
	number := r.id[len(r.series())+1:]
	n, err := strconv.Atoi(number)
	return err != nil || r.series() == "WP" && n >= firstProposed
}

// readLists reads all requirements of the module.
func readLists(root string) ([]row, error) {
	var all []row
	for _, l := range lists {
		rows, err := readRows(filepath.Join(root, l.path), l.series)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// readRows reads a list of requirements of one series and refuses one that is
// not in order.
func readRows(path, series string) ([]row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(records) == 0 || !slices.Equal(records[0], []string{"id", "binds", "requirement", "later"}) {
		return nil, fmt.Errorf("%s: the first line must be id,binds,requirement,later", path)
	}
	var rows []row
	for i, r := range records[1:] {
		next := row{id: r[0], binds: r[1], text: r[2], later: r[3]}
		switch {
		case !idPattern.MatchString(next.id) || !strings.HasPrefix(next.id, series+"-"):
			return nil, fmt.Errorf("%s:%d: %q is no id", path, i+2, next.id)
		case len(rows) > 0 && next.id <= rows[len(rows)-1].id:
			return nil, fmt.Errorf("%s:%d: %s does not follow %s", path, i+2, next.id, rows[len(rows)-1].id)
		case !slices.Contains(bound, next.binds):
			return nil, fmt.Errorf("%s:%d: %q is none of %v", path, i+2, next.binds, bound)
		case next.text == "":
			return nil, fmt.Errorf("%s:%d: %s says nothing", path, i+2, next.id)
		}
		rows = append(rows, next)
	}
	return rows, nil
}
