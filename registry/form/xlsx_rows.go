package form

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// The rows of the table are written here, as the library would: it takes three
// times as long for them and holds them in ever larger buffers.

// sheetDataEnd is where in a sheet the rows are put in.
const sheetDataEnd = "</sheetData>"

// spool keeps the rows of a sheet until the file is put together.
type spool struct {
	file   *os.File // nil: none could be made
	memory bytes.Buffer
	out    *bufio.Writer
}

func newSpool() *spool {
	s := &spool{}
	file, err := os.CreateTemp("", "tolem-xlsx-")
	if err != nil {
		s.out = bufio.NewWriter(&s.memory)
		return s
	}
	s.file, s.out = file, bufio.NewWriterSize(file, 64<<10)
	return s
}

// copyTo writes the rows.
func (s *spool) copyTo(w io.Writer) error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	if s.file == nil {
		_, err := w.Write(s.memory.Bytes())
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, s.file)
	return err
}

// close removes the file.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// splice writes a sheet with rows put in behind its header.
func splice(w io.Writer, sheet []byte, rows *spool) error {
	at := bytes.LastIndex(sheet, []byte(sheetDataEnd))
	if at < 0 {
		return errors.New("a sheet without rows")
	}
	if _, err := w.Write(sheet[:at]); err != nil {
		return err
	}
	if err := rows.copyTo(w); err != nil {
		return err
	}
	_, err := w.Write(sheet[at:])
	return err
}

// rowText is the text of a row that is being written.
type rowText struct {
	bytes.Buffer
	names  []string // of the columns: A, B …
	number string   // of the row
	column int      // of the next cell, from 0
	digits [32]byte
}

// begin opens a row; rows count from 1.
func (r *rowText) begin(row int) {
	r.Reset()
	r.number, r.column = strconv.Itoa(row), 0
	r.WriteString(`<row r="`)
	r.WriteString(r.number)
	r.WriteString(`">`)
}

func (r *rowText) end() { r.WriteString(`</row>`) }

// skip leaves a cell empty.
func (r *rowText) skip() { r.column++ }

// open begins the next cell.
func (r *rowText) open(style int, kind string) {
	for r.column >= len(r.names) {
		name, err := excelize.ColumnNumberToName(len(r.names) + 1)
		if err != nil {
			panic(err) // a Sheet has MaxColumns at most
		}
		r.names = append(r.names, name)
	}
	r.WriteString(`<c r="`)
	r.WriteString(r.names[r.column])
	r.WriteString(r.number)
	r.WriteByte('"')
	if style != 0 {
		r.WriteString(` s="`)
		r.Write(strconv.AppendInt(r.digits[:0], int64(style), 10))
		r.WriteByte('"')
	}
	r.WriteString(kind)
	r.WriteByte('>')
	r.column++
}

// text writes a cell of text, or none if it is empty.
func (r *rowText) text(text string, style int) {
	if text == "" {
		r.skip()
		return
	}
	text = strings.ToValidUTF8(clean(text), "")
	r.open(style, ` t="inlineStr"`)
	if text[0] == ' ' || text[len(text)-1] == ' ' {
		r.WriteString(`<is><t xml:space="preserve">`)
	} else {
		r.WriteString(`<is><t>`)
	}
	r.escaped(text)
	r.WriteString(`</t></is></c>`)
}

// escaped writes text as XML. What a spreadsheet would take for an escaped
// character, _x0041_, is escaped itself.
func (r *rowText) escaped(text string) {
	for {
		at := strings.Index(text, "_x")
		if at < 0 {
			break
		}
		at++
		r.plain(text[:at])
		if text = text[at:]; looksEscaped(text) {
			r.WriteString("x005F_")
		}
	}
	r.plain(text)
}

// looksEscaped reports whether text begins as an escape goes on behind its
// first underline: x0041_.
func looksEscaped(text string) bool {
	const digits = 4
	if len(text) < digits+2 || text[digits+1] != '_' {
		return false
	}
	_, err := strconv.ParseUint(text[1:digits+1], 16, 32)
	return err == nil
}

func (r *rowText) plain(text string) {
	if strings.ContainsAny(text, "&<>\"'") || strings.ContainsRune(text, '\uFFFD') {
		_ = xml.EscapeText(&r.Buffer, []byte(text)) // a buffer takes everything
		return
	}
	r.WriteString(text)
}

// whole writes a cell of a whole number, float one of any.
func (r *rowText) whole(n int64, style int) {
	r.open(style, "")
	r.WriteString("<v>")
	r.Write(strconv.AppendInt(r.digits[:0], n, 10))
	r.WriteString("</v></c>")
}

func (r *rowText) float(n float64, style int) {
	r.open(style, "")
	r.WriteString("<v>")
	r.Write(strconv.AppendFloat(r.digits[:0], n, 'f', -1, 64))
	r.WriteString("</v></c>")
}

// The first day that spreadsheets know, and the first behind a leap day that
// only they know.
var (
	firstSerial = time.Date(1899, time.December, 31, 0, 0, 0, 0, time.UTC)
	afterLeap   = time.Date(1900, time.March, 1, 0, 0, 0, 0, time.UTC)
)

// time writes a moment as the clock of its zone shows it; what lies before the
// first day that spreadsheets know is text.
func (r *rowText) time(t time.Time, style int) {
	_, offset := t.Zone()
	t = t.UTC().Add(time.Duration(offset) * time.Second)
	const day = 24 * 60 * 60
	seconds := t.Unix() - firstSerial.Unix()
	if seconds <= 0 {
		r.text(t.Format(time.RFC3339), style)
		return
	}
	serial := float64(seconds/day) + float64(seconds%day)/day
	if !t.Before(afterLeap) {
		serial++
	}
	r.float(serial, style)
}
