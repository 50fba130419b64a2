package bills

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tolem"
)

// Limits of a file of accounts.
const (
	MaxFile     = 256 << 20 // bytes
	MaxFileRows = 2_000_000
	maxLine     = 64 << 10 // bytes
	maxColumns  = 100
)

// Problems that only lines of files have.
const (
	ProblemLine          tolem.BillProblem = "BAD_LINE"      // cannot be cut into its fields
	ProblemContradiction tolem.BillProblem = "CONTRADICTION" // lines of one account differ in what is said once
)

// FileProblem says why a file cannot be read at all.
type FileProblem string

// The problems of files.
const (
	FileEmpty   FileProblem = "EMPTY"
	FileLarge   FileProblem = "TOO_LARGE"
	FileRows    FileProblem = "TOO_MANY_ROWS"
	FileText    FileProblem = "NOT_UTF8"
	FileHeader  FileProblem = "BAD_HEADER" // no column "account", or one that nobody knows, or one twice
	FileColumns FileProblem = "TOO_MANY_COLUMNS"
)

// FileError reports a file that cannot be read.
type FileError struct {
	Problem FileProblem
	What    string
}

// Error returns the problem and what there is to know.
func (e *FileError) Error() string { return string(e.Problem) + ": " + e.What }

// LineProblem is what is wrong with a line.
type LineProblem struct {
	Line    int               `json:"line"` // from 1, that of the column names
	Problem tolem.BillProblem `json:"code"`
	What    string            `json:"text"`
}

// The columns. A column "detail: LABEL" is a detail of the account.
const (
	columnAccount  = "account"
	columnClosed   = "closed"
	columnHolder   = "holder"
	columnAddress  = "address"
	columnService  = "service"
	columnAmount   = "amount"
	columnCurrency = "currency"
	columnInvoice  = "invoice"
	columnPeriod   = "period"
	detailPrefix   = "detail:"
)

// Columns are the names a file may use besides details; the first must be there.
var Columns = []string{
	columnAccount, columnClosed, columnHolder, columnAddress, columnService, columnAmount, columnCurrency, columnInvoice, columnPeriod,
}

// Reader reads accounts from a file: a line for each bill, one without a service
// for an account that owes nothing. Lines of one account stand together; what is
// said once about it (holder, address, details, closed) need stand in the first
// of them only. docs/bills-csv.md has the format.
type Reader struct {
	rest      []byte
	line      int // of the last one read
	separator string
	names     []string
	details   map[int]string // label by column
	currency  tolem.Currency

	next     *row // read, and of another account
	problems func(LineProblem)
}

// row is a line that was cut into its fields.
type row struct {
	line    int
	cells   []string
	account tolem.AccountNumber
}

// NewReader reads the column names of a file. What is wrong with lines is told
// to problems; it may be many.
func NewReader(file []byte, currency tolem.Currency, problems func(LineProblem)) (*Reader, error) {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	switch {
	case len(file) > MaxFile:
		return nil, &FileError{FileLarge, fmt.Sprintf("more than %d bytes", MaxFile)}
	case len(bytes.TrimSpace(file)) == 0:
		return nil, &FileError{FileEmpty, "there is nothing in it"}
	case !utf8.Valid(file):
		return nil, &FileError{FileText, "save it as CSV in UTF-8"}
	}
	r := &Reader{rest: file, currency: currency, problems: problems}
	line, _, ok := r.cut()
	for ok && strings.TrimSpace(line) == "" {
		line, _, ok = r.cut()
	}
	return r, r.header(line)
}

// cut takes the next line, without its end; of one that is too long the
// beginning.
func (r *Reader) cut() (line string, long, ok bool) {
	if len(r.rest) == 0 {
		return "", false, false
	}
	b, rest, _ := bytes.Cut(r.rest, []byte("\n"))
	r.rest = rest
	r.line++
	if b = bytes.TrimSuffix(b, []byte("\r")); len(b) > maxLine {
		return "", true, true
	}
	return string(b), false, true
}

// header finds the separator that shows the most columns, and the columns.
func (r *Reader) header(line string) error {
	best := 0
	for _, separator := range []string{",", ";", "\t"} {
		names, err := fieldsOf(line, separator)
		if err != nil {
			continue
		}
		known := 0
		for _, n := range names {
			if n = columnName(n); slices.Contains(Columns, n) || strings.HasPrefix(n, detailPrefix) {
				known++
			}
		}
		if known > best {
			best, r.separator, r.names = known, separator, names
		}
	}
	if len(r.names) > maxColumns {
		return &FileError{FileColumns, fmt.Sprintf("more than %d", maxColumns)}
	}
	r.details = make(map[int]string)
	seen := make(map[string]bool)
	for i, n := range r.names {
		name := columnName(n)
		label, isDetail := strings.CutPrefix(name, detailPrefix)
		if isDetail {
			name = detailPrefix + strings.TrimSpace(label)
		}
		switch {
		case seen[name]:
			return &FileError{FileHeader, fmt.Sprintf("column %.60q is there twice", n)}
		case isDetail && name != detailPrefix:
			r.details[i] = strings.TrimSpace(strings.TrimSpace(n)[len(detailPrefix):])
		case !slices.Contains(Columns, name):
			return &FileError{FileHeader, fmt.Sprintf("column %.60q is not known; known are %s, %s LABEL", n, strings.Join(Columns, ", "), detailPrefix)}
		}
		seen[name], r.names[i] = true, name
	}
	if !seen[columnAccount] {
		return &FileError{FileHeader, `the first line must name the columns, "account" among them`}
	}
	return nil
}

func columnName(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// fieldsOf cuts a line. A field in quotes stays on its line.
func fieldsOf(line, separator string) ([]string, error) {
	if !strings.Contains(line, `"`) {
		return strings.Split(line, separator), nil
	}
	c := csv.NewReader(strings.NewReader(line))
	c.Comma = rune(separator[0])
	return c.Read()
}

// Next returns the next account and the line it begins on; ok is false at the
// end. Accounts with a line that is not in order are told and left out, so that
// the others can still be looked at.
func (r *Reader) Next() (s tolem.Snapshot, line int, ok bool) {
	for {
		first := r.next
		if r.next = nil; first == nil {
			if first = r.row(); first == nil {
				return s, 0, false
			}
		}
		s, sound := r.account(first)
		if sound {
			return s, first.line, true
		}
	}
}

// Line is the number of lines read, for progress.
func (r *Reader) Line() int { return r.line }

// row reads the next line that holds anything; nil at the end. A line that has
// no account is told and passed over.
func (r *Reader) row() *row {
	for {
		text, long, ok := r.cut()
		switch {
		case !ok:
			return nil
		case long:
			r.tell(r.line, ProblemLine, fmt.Sprintf("longer than %d bytes", maxLine))
			continue
		case strings.Trim(text, " \t\r"+r.separator) == "":
			continue
		}
		cells, err := fieldsOf(text, r.separator)
		switch {
		case err != nil:
			r.tell(r.line, ProblemLine, "a quote does not close, or stands inside a field")
			continue
		case len(cells) != len(r.names):
			r.tell(r.line, ProblemLine, fmt.Sprintf("%d fields, and %d columns", len(cells), len(r.names)))
			continue
		}
		for i, c := range cells {
			cells[i] = strings.TrimPrefix(strings.TrimSpace(c), "'")
		}
		one := &row{line: r.line, cells: cells}
		if one.account, err = tolem.ParseAccountNumber(r.cell(one, columnAccount)); err != nil {
			r.tell(r.line, tolem.ProblemAccount, err.Error())
			continue
		}
		return one
	}
}

func (r *Reader) tell(line int, p tolem.BillProblem, what string) {
	r.problems(LineProblem{Line: line, Problem: p, What: what})
}

func (r *Reader) cell(one *row, name string) string {
	if i := slices.Index(r.names, name); i >= 0 {
		return one.cells[i]
	}
	return ""
}

// account puts the lines of an account together, and reports whether all of them
// are in order.
func (r *Reader) account(first *row) (s tolem.Snapshot, sound bool) {
	s.Account.Number, sound = first.account, true
	closed := ""
	for one := first; one != nil; one = r.row() {
		if one.account != first.account {
			r.next = one
			break
		}
		sound = r.once(one, "holder", &s.Particulars.Holder, r.cell(one, columnHolder)) && sound
		sound = r.once(one, "address", &s.Particulars.Address, r.cell(one, columnAddress)) && sound
		sound = r.once(one, "closed", &closed, strings.ToLower(r.cell(one, columnClosed))) && sound
		sound = r.detail(one, &s.Particulars) && sound
		sound = r.bill(one, &s) && sound
	}
	switch closed {
	case "", "0", "no", "false":
	case "1", "yes", "true":
		s.Closed = true
	default:
		r.tell(first.line, tolem.ProblemText, "closed: want yes or no")
		sound = false
	}
	return s, sound
}

// once takes what is said once about an account.
func (r *Reader) once(one *row, what string, to *string, said string) bool {
	switch {
	case said == "" || said == *to:
	case *to == "":
		*to = said
	default:
		r.tell(one.line, ProblemContradiction, what+" is not that of the lines above")
		return false
	}
	return true
}

func (r *Reader) detail(one *row, p *tolem.Particulars) bool {
	sound := true
	for i := range r.names {
		label, ok := r.details[i]
		if !ok || one.cells[i] == "" {
			continue
		}
		at := slices.IndexFunc(p.Details, func(d tolem.Detail) bool { return d.Label == label })
		if at < 0 {
			p.Details = append(p.Details, tolem.Detail{Label: label, Value: one.cells[i]})
			continue
		}
		sound = r.once(one, label, &p.Details[at].Value, one.cells[i]) && sound
	}
	return sound
}

// bill takes the bill of a line, if there is one on it.
func (r *Reader) bill(one *row, s *tolem.Snapshot) bool {
	b := tolem.Bill{
		Service: tolem.ServiceCode(r.cell(one, columnService)), Invoice: r.cell(one, columnInvoice), Period: r.cell(one, columnPeriod),
	}
	amount := r.cell(one, columnAmount)
	if b == (tolem.Bill{}) && amount == "" {
		return true
	}
	currency := r.currency
	if c := r.cell(one, columnCurrency); c != "" {
		currency = tolem.Currency(strings.ToUpper(c))
	}
	if currency != r.currency {
		r.tell(one.line, tolem.ProblemCurrency, "want "+string(r.currency))
		return false
	}
	m, err := tolem.ParseMoney(r.decimal(amount), currency)
	if err != nil {
		r.tell(one.line, tolem.ProblemAmount, err.Error())
		return false
	}
	b.Amount = m
	if len(s.Bills) > tolem.MaxBills { // one more than allowed is kept, so that it is told; no more are
		return true
	}
	s.Bills = append(s.Bills, b)
	return true
}

var spaces = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "")

// decimal returns an amount as ParseMoney reads it: spaces between thousands are
// dropped, and where fields are not cut at commas a comma is a point.
func (r *Reader) decimal(s string) string {
	if s = spaces.Replace(s); r.separator != "," {
		s = strings.Replace(s, ",", ".", 1)
	}
	return s
}
