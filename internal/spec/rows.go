package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// row is one requirement.
type row struct {
	id, binds, text string
	later           string // the capability that will meet it; empty: it is met now
}

// Whom a requirement binds.
const (
	bindsGateway     = "gateway"
	bindsParticipant = "participant"
)

var idPattern = regexp.MustCompile(`^(GW|ACQ)-([0-9]{3}|P[0-9]{2})$`)

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
		case next.binds != bindsGateway && next.binds != bindsParticipant:
			return nil, fmt.Errorf("%s:%d: %q is neither %s nor %s", path, i+2, next.binds, bindsGateway, bindsParticipant)
		case next.text == "":
			return nil, fmt.Errorf("%s:%d: %s says nothing", path, i+2, next.id)
		}
		rows = append(rows, next)
	}
	return rows, nil
}
