package match

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tolem"
)

// Limits of a submitted list.
const (
	MaxRows    = 2_000_000 // of a list, and of a register it is compared with
	MaxFile    = 512 << 20 // bytes
	MaxLine    = 16 << 10  // bytes; a longer line is an unreadable row
	MaxColumns = 256
	MaxRaw     = 256    // bytes kept of an unreadable row
	MaxRaws    = 10_000 // unreadable rows of which the text is kept
)

// Options say how to read what a list leaves open.
type Options struct {
	Zone     *time.Location // of times without one; nil: UTC
	Currency tolem.Currency // of amounts without one; empty: each row must name its own
	MaxRows  int            // 0, or more than MaxRows: MaxRows. A million rows take up to half a gigabyte
	MaxFile  int64          // in bytes; 0, or more than MaxFile: MaxFile
}

// limited returns the options with their defaults.
func (o Options) limited() Options {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.MaxRows <= 0 || o.MaxRows > MaxRows {
		o.MaxRows = MaxRows
	}
	if o.MaxFile <= 0 || o.MaxFile > MaxFile {
		o.MaxFile = MaxFile
	}
	return o
}

// FileCode says why a file as a whole cannot be read.
type FileCode string

// The codes.
const (
	FileNoHeader      FileCode = "NO_HEADER"      // no line that names the columns
	FileColumnMissing FileCode = "COLUMN_MISSING" // no amounts, or neither codes nor references
	FileColumnTwice   FileCode = "COLUMN_TWICE"
	FileNotUTF8       FileCode = "NOT_UTF8"
	FileTooLarge      FileCode = "FILE_TOO_LARGE"
	FileTooManyRows   FileCode = "TOO_MANY_ROWS"
)

// FileError reports a file that cannot be read as a list. Bad rows never lead to
// one.
type FileError struct {
	Code   FileCode
	Detail string
}

// Error returns the code and what there is to know.
func (e *FileError) Error() string { return string(e.Code) + ": " + e.Detail }

// ParseCSV reads a list. The text is UTF-8, with or without a byte order mark,
// separated by commas, semicolons or tabs, ended by LF or CRLF; a field in quotes
// stays on its line. The first line that is not empty names the columns, in any
// order; upper and lower case, spaces, dashes and underlines make no difference:
//
//	paymentCode code           16 digits, spaces and dashes between them ignored
//	bankRef reference          one of the two is required
//	amount                     required: 1234.56 or 1 234,56. A negative one without a kind is a refund
//	currency amountCurrency    KZT, AZN, UZS; without it that of the options
//	paidAt                     RFC 3339, or 21.11.2026 09:30, 21.11.2026 09:30:15 in the zone of the options
//	kind                       PAYMENT (also if empty), REFUND, DISCREPANCY
//	bankId bank, branchId branch, serviceCode service, providerId provider
//	discrepancy                LATE, if the submitter knows
//	record, line               TOTAL marks a total; so does TOTAL as kind or in the first column
//	total                      of a TOTAL: which one; empty, TOTAL, NET and a currency mean all rows
//	count                      of a TOTAL: payments and refunds
//
// Other columns are skipped, so that our own registers can be submitted as they
// are. One apostrophe at the beginning of a field, which keeps spreadsheets
// from taking it for a formula, is removed. A TOTAL that names a service, a
// channel or something else in its column total is one of a part and is not
// compared.
//
// Lines count from the one below the header, empty ones included.
func ParseCSV(r io.Reader, options Options) (List, error) {
	options = options.limited()
	p := &parser{lines: newLines(r, options.MaxFile), options: options, names: make(map[string]string)}
	if err := p.header(); err != nil {
		return List{}, err
	}
	for {
		text, long, err := p.lines.next()
		if errors.Is(err, io.EOF) {
			return p.finish(), nil
		}
		if err != nil {
			return List{}, err
		}
		p.line++
		p.row(text, long)
		if len(p.list.Entries) > options.MaxRows {
			return List{}, &FileError{FileTooManyRows, fmt.Sprintf("more than %d", options.MaxRows)}
		}
	}
}

// parser reads one file.
type parser struct {
	lines   *lines
	options Options
	columns columns
	fields  []string
	names   map[string]string
	line    int
	list    List
	totals  []total // where each of list.Declared stands
	raws    int     // unreadable rows of which the text is kept
}

// lines reads text line by line.
type lines struct {
	r    *bufio.Reader
	left int64 // bytes that may still be read
}

func newLines(r io.Reader, most int64) *lines {
	return &lines{r: bufio.NewReaderSize(r, MaxLine), left: most}
}

// next returns a line without its end. Of a line that is too long it returns the
// beginning. The bytes are good until the next call.
func (l *lines) next() (text []byte, long bool, err error) {
	text, err = l.r.ReadSlice('\n')
	l.left -= int64(len(text))
	if errors.Is(err, bufio.ErrBufferFull) {
		text, long = bytes.Clone(text[:MaxRaw]), true
		for errors.Is(err, bufio.ErrBufferFull) {
			var rest []byte
			rest, err = l.r.ReadSlice('\n')
			if l.left -= int64(len(rest)); l.left < 0 {
				break
			}
		}
	}
	switch {
	case l.left < 0:
		return nil, false, &FileError{FileTooLarge, "more bytes than allowed"}
	case errors.Is(err, io.EOF) && len(text) > 0:
	case err != nil:
		return nil, false, err
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	return text, long, nil
}

// split cuts a line at the separator into fields. It reports false if a quote
// does not close; then the fields are cut without regard to quotes.
func split(fields []string, line string, separator byte) ([]string, bool) {
	rest := line
	for {
		if !strings.HasPrefix(rest, `"`) {
			field, after, more := strings.Cut(rest, string(separator))
			fields = append(fields, field)
			if !more {
				return fields, true
			}
			rest = after
			continue
		}
		field, after, ok := quoted(rest[1:])
		if !ok || after != "" && after[0] != separator {
			return append(fields[:0], strings.Split(line, string(separator))...), false
		}
		fields = append(fields, field)
		if after == "" {
			return fields, true
		}
		rest = after[1:]
	}
}

// quoted reads a field up to its closing quote; two quotes are one.
func quoted(s string) (field, after string, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		return strings.ReplaceAll(s[:i], `""`, `"`), s[i+1:], true
	}
	return "", "", false
}
