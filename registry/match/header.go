package match

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// column is what a column of a list holds.
type column int

const (
	columnRecord column = iota
	columnLine
	columnKind
	columnCode
	columnBank
	columnBranch
	columnBankRef
	columnService
	columnProvider
	columnChannel
	columnAmount
	columnCurrency
	columnPaidAt
	columnMark
	columnTotal
	columnCount

	columnsKnown
)

// columnNames are the names of columns in lower case, letters only.
var columnNames = map[string]column{
	"record": columnRecord, "line": columnLine, "kind": columnKind,
	"paymentcode": columnCode, "code": columnCode,
	"bankid": columnBank, "bank": columnBank, "branchid": columnBranch, "branch": columnBranch,
	"bankref": columnBankRef, "bankreference": columnBankRef, "reference": columnBankRef,
	"servicecode": columnService, "service": columnService,
	"providerid": columnProvider, "provider": columnProvider, "channel": columnChannel,
	"amount": columnAmount, "currency": columnCurrency, "amountcurrency": columnCurrency,
	"paidat": columnPaidAt, "discrepancy": columnMark, "total": columnTotal, "count": columnCount,
}

// columns says where the columns stand.
type columns struct {
	separator byte
	width     int
	at        [columnsKnown]int // index of the field, or -1
}

// separators in the order in which they are preferred.
const separators = ",;\t"

var columnNoise = strings.NewReplacer(" ", "", "_", "", "-", "", "\u00a0", "")

// header finds the columns. Text before the names may be empty lines and the
// line sep=; that spreadsheets write.
func (p *parser) header() error {
	for first := true; ; first = false {
		text, long, err := p.lines.next()
		if errors.Is(err, io.EOF) {
			return &FileError{FileNoHeader, "the file is empty"}
		}
		if err != nil {
			return err
		}
		line := string(text)
		if first {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		switch {
		case strings.HasPrefix(line, "\xff\xfe"), strings.HasPrefix(line, "\xfe\xff"), strings.ContainsRune(line, 0):
			return &FileError{FileNotUTF8, "save the list as CSV in UTF-8"}
		case long:
			return &FileError{FileNoHeader, fmt.Sprintf("the first line has more than %d bytes", MaxLine)}
		case strings.TrimSpace(line) == "", first && len(line) == len("sep=;") && strings.HasPrefix(line, "sep="):
			continue
		}
		p.columns, err = findColumns(line)
		return err
	}
}

// findColumns tries each separator and takes the one that shows the most
// columns.
func findColumns(line string) (columns, error) {
	var best columns
	var twice string
	most := 0
	for _, separator := range []byte(separators) {
		c, known, again := columnsOf(line, separator)
		if known > most {
			best, most, twice = c, known, again
		}
	}
	switch {
	case most == 0 && !utf8.ValidString(line):
		return best, &FileError{FileNotUTF8, "save the list as CSV in UTF-8"}
	case most == 0:
		return best, &FileError{FileNoHeader, "the first line names no column that is known"}
	case best.width > MaxColumns:
		return best, &FileError{FileNoHeader, fmt.Sprintf("more than %d columns", MaxColumns)}
	case twice != "":
		return best, &FileError{FileColumnTwice, twice}
	case best.at[columnAmount] < 0:
		return best, &FileError{FileColumnMissing, "amount"}
	case best.at[columnCode] < 0 && best.at[columnBankRef] < 0:
		return best, &FileError{FileColumnMissing, "paymentCode or bankRef"}
	}
	return best, nil
}

func columnsOf(line string, separator byte) (c columns, known int, twice string) {
	names, _ := split(nil, line, separator)
	c = columns{separator: separator, width: len(names)}
	for i := range c.at {
		c.at[i] = -1
	}
	for i, name := range names {
		name = columnNoise.Replace(strings.ToLower(cell(name)))
		column, ok := columnNames[name]
		switch {
		case !ok:
		case c.at[column] >= 0:
			twice = name
		default:
			c.at[column] = i
			known++
		}
	}
	return c, known, twice
}

// cell is the text of a field: without the space around it and the apostrophe
// that guards it from spreadsheets.
func cell(field string) string {
	field = strings.TrimSpace(field)
	if guarded, ok := strings.CutPrefix(field, "'"); ok {
		return strings.TrimSpace(guarded)
	}
	return field
}
