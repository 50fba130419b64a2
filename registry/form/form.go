// Package form renders a table document for people and their programs: CSV,
// XLSX and PDF of one Sheet, and charts as SVG and inside the PDF.
//
// It is pure: it reads no clock, no file and no database, knows no register and
// signs nothing. The same Sheet gives the same rows and the same totals in each
// form. Whoever has a table to show calls it: registers, results of
// reconciliation, claims, reports.
//
// Rows are streamed. WriteCSV and WriteXLSX need the same memory for a million
// rows as for a thousand; a PDF is held in memory while it is drawn, so a file
// holds MaxPDFRows at most and WritePDFParts makes several.
//
// CSV is for machines and is exact. XLSX and PDF are for people: they speak the
// Sheet's language, and their times are of its zone and to the second.
package form

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"time"

	"tolem"
)

// Limits of a Sheet.
const (
	MaxColumns  = 40
	MaxHead     = 20     // lines above the table, and below it
	MaxCellText = 32_000 // characters; longer text is cut with an ellipsis in XLSX and PDF
)

// UnknownRows is the RowCount of a Sheet whose rows nobody counted beforehand.
const UnknownRows = -1

// What can be wrong with a Sheet. Errors of its rows are returned as they are.
var (
	ErrSheet  = errors.New("sheet cannot be rendered")
	ErrCell   = errors.New("cell does not fit its column")
	ErrRows   = errors.New("sheet has another number of rows than it says")
	ErrTotals = errors.New("rows do not add up to the total")
	ErrPDF    = errors.New("too many rows for one PDF file")
)

// Sheet is a document with one table.
type Sheet struct {
	Language Language
	Title    string
	Number   string // of the document
	Head     []Field

	Columns  []Column
	Rows     iter.Seq2[[]Cell, error] // passed once by each form; a row is used before the next is asked for; an error ends the writing
	RowCount int64                    // how many rows must come, or UnknownRows
	Totals   []TotalRow

	Below []Field // lines below the totals: an amount in words, say
	Hands []Field // who signs it by hand: what they are, and their names if known

	Upright bool // printed upright; otherwise across

	Chart     *Chart     // in XLSX left out: its values are the rows
	Signature *Signature // what was signed, for people: the signature itself is elsewhere

	Zone    *time.Location // of the times people read; nil: UTC
	Printed time.Time      // given, so that the same Sheet gives the same bytes
}

// Field is a line above the table.
type Field struct{ Label, Value string }

// Kind says what the cells of a column are.
type Kind int

// The kinds of columns.
const (
	Text Kind = iota
	Integer
	Money
	Time
	Date
	Code // letters and digits that are no number, though they may look like one
)

// Column is a column of the table.
type Column struct {
	Name  string // for machines: lower case letters, digits and _
	Label string // for people
	Kind  Kind
	Width float64 // relative, in print; 0: what its kind mostly needs

	// Of Money:
	Currency tolem.Currency // that all cells have; empty: each says its own
	Sum      bool           // pages show what it comes to, on the page and from the start
}

// TotalRow is a line below the table. Count and Sums are the caller's, who may
// leave rows out or subtract them.
type TotalRow struct {
	Name   string // for machines, one in a Sheet
	Label  string // for people
	Count  int64
	Sums   []Sum
	Strong bool // it sums up other lines

	// All says that Sums are of every counted row in their currencies. The rows
	// are added up while they are written, and ErrTotals is returned where they
	// come to something else.
	All bool
}

// Sum is what a money column comes to in one currency.
type Sum struct {
	Column int // index in Sheet.Columns
	Amount tolem.Money
}

// Signature is what people are told of a signature. Empty fields are not shown.
type Signature struct {
	Signer string // the subject of the certificate
	Serial string // of the certificate
	At     time.Time
	Hash   string // SHA-256 of what was signed, in hexadecimal
	Note   string // one sentence, in the Sheet's language
	QR     string // at most MaxQR bytes
}

// MaxQR is the longest text of a QR code that is still read from paper.
const MaxQR = 500

var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// reserved are the columns that CSV adds.
var reserved = map[string]bool{csvRecord: true, csvTotal: true, csvCount: true}

// check tells what the caller got wrong before anything is written.
func (s *Sheet) check() error {
	if !s.Language.known() {
		return fmt.Errorf("%w: language %q", ErrSheet, s.Language)
	}
	if len(s.Columns) == 0 || len(s.Columns) > MaxColumns {
		return fmt.Errorf("%w: %d columns, allowed are 1 to %d", ErrSheet, len(s.Columns), MaxColumns)
	}
	if len(s.Head) > MaxHead {
		return fmt.Errorf("%w: %d lines above the table, allowed are %d", ErrSheet, len(s.Head), MaxHead)
	}
	if len(s.Below)+len(s.Hands) > MaxHead {
		return fmt.Errorf("%w: %d lines below the table, allowed are %d", ErrSheet, len(s.Below)+len(s.Hands), MaxHead)
	}
	if s.Rows == nil {
		return fmt.Errorf("%w: no rows given, not even none", ErrSheet)
	}
	if err := s.checkColumns(); err != nil {
		return err
	}
	if err := s.checkTotals(); err != nil {
		return err
	}
	if s.Signature != nil && len(s.Signature.QR) > MaxQR {
		return fmt.Errorf("%w: QR text of %d bytes, allowed are %d", ErrSheet, len(s.Signature.QR), MaxQR)
	}
	if s.Chart != nil {
		return s.Chart.check()
	}
	return nil
}

func (s *Sheet) checkColumns() error {
	seen := make(map[string]bool)
	for _, c := range s.Columns {
		names := []string{c.Name}
		if c.Kind == Money {
			names = append(names, c.Name+csvCurrency)
		}
		for _, name := range names {
			if !columnName.MatchString(name) || reserved[name] || seen[name] {
				return fmt.Errorf("%w: column name %q", ErrSheet, name)
			}
			seen[name] = true
		}
		if c.Kind < Text || c.Kind > Code || c.Width < 0 || c.Kind != Money && (c.Sum || c.Currency != "") {
			return fmt.Errorf("%w: column %q", ErrSheet, c.Name)
		}
	}
	return nil
}

func (s *Sheet) checkTotals() error {
	seen := make(map[string]bool)
	for _, t := range s.Totals {
		if t.Name == "" || seen[t.Name] {
			return fmt.Errorf("%w: total named %q", ErrSheet, t.Name)
		}
		seen[t.Name] = true
		for i, sum := range t.Sums {
			if sum.Column < 0 || sum.Column >= len(s.Columns) || s.Columns[sum.Column].Kind != Money {
				return fmt.Errorf("%w: total %q of column %d", ErrSheet, t.Name, sum.Column)
			}
			if want := s.Columns[sum.Column].Currency; want != "" && want != sum.Amount.Currency {
				return fmt.Errorf("%w: total %q in %q", ErrSheet, t.Name, sum.Amount.Currency)
			}
			for _, other := range t.Sums[:i] {
				if other.Column == sum.Column {
					return fmt.Errorf("%w: total %q has two sums of column %d", ErrSheet, t.Name, sum.Column)
				}
			}
		}
	}
	return nil
}

// zone returns the zone of the times people read.
func (s *Sheet) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}
