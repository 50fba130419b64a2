package form

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/xuri/excelize/v2"
)

// MaxXLSXRows is how many rows of the table stand on one sheet; more go to
// further sheets.
const MaxXLSXRows = 1_048_000

// WriteXLSX writes a workbook. Its first sheet has title, head, totals and
// signature; the second is the table and nothing else, with a frozen header and
// a filter; further ones follow where the table is longer than MaxXLSXRows.
//
// Numbers, times and days are such, with formats; text is text and never a
// formula. A money column whose cells have their own currencies is followed by a
// column that names them. The same Sheet gives the same bytes.
//
// Rows pass through a file in os.TempDir, some 55 bytes a cell, which is removed
// before it returns; where none can be made there, they stay in memory.
func WriteXLSX(w io.Writer, s Sheet) error { return writeXLSX(w, s, MaxXLSXRows) }

// writeXLSX writes so many rows at most to a sheet.
func writeXLSX(w io.Writer, s Sheet, most int) (err error) {
	if err := s.check(); err != nil {
		return err
	}
	book := excelize.NewFile()
	defer func() {
		if e := book.Close(); err == nil {
			err = e // it removes the temporary files
		}
	}()
	x := &workbook{s: &s, most: most, book: book}
	defer func() {
		for _, rows := range x.spools {
			if e := rows.close(); err == nil {
				err = e
			}
		}
	}()
	if err := x.begin(); err != nil {
		return err
	}
	if err := x.summary(); err != nil {
		return err
	}
	if err := x.table(); err != nil {
		return err
	}
	return x.save(w)
}

// workbook is a workbook that is being written.
type workbook struct {
	s      *Sheet
	most   int // rows of the table on one sheet
	book   *excelize.File
	styles styles

	stream *excelize.StreamWriter // of the sheet that is being written
	sheet  string
	rows   int      // of the table on it
	sheets int      // of the table so far
	spools []*spool // their rows
	row    rowText  // the row that is being written
}

// save writes the file. The library would collect all of it in memory, and put
// the sheets into it in any order; so it is given a ZIP writer that goes to w,
// and is asked for one sheet after another, whose rows are put in, then for the
// rest.
func (x *workbook) save(w io.Writer) error {
	parts := &partWriter{zip: zip.NewWriter(w)}
	x.book.SetZipWriter(func(io.Writer) excelize.ZipWriter { return parts })
	sheets := make(map[string]bool)
	for i := range 1 + x.sheets {
		name := fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)
		sheets[name] = true
		if err := x.saveSheet(parts, name, i); err != nil {
			return err
		}
	}
	parts.held, parts.wanted = nil, func(name string) bool { return !sheets[name] }
	if err := x.book.Write(io.Discard); err != nil {
		return err
	}
	return parts.zip.Close()
}

// saveSheet writes the i-th sheet; the first is the summary.
func (x *workbook) saveSheet(parts *partWriter, name string, i int) error {
	var sheet bytes.Buffer
	parts.held, parts.wanted = &sheet, func(part string) bool { return part == name }
	if err := x.book.Write(io.Discard); err != nil {
		return err
	}
	part, err := parts.zip.Create(name)
	if err != nil {
		return err
	}
	if i == 0 {
		_, err := part.Write(sheet.Bytes())
		return err
	}
	return splice(part, sheet.Bytes(), x.spools[i-1])
}

// partWriter passes on the wanted parts of a workbook.
type partWriter struct {
	zip    *zip.Writer
	wanted func(name string) bool
	held   *bytes.Buffer // takes the part instead of the archive, unless nil
}

func (p *partWriter) Create(name string) (io.Writer, error) {
	switch {
	case !p.wanted(name):
		return io.Discard, nil
	case p.held != nil:
		return p.held, nil
	}
	return p.zip.Create(name)
}

func (p *partWriter) AddFS(files fs.FS) error { return p.zip.AddFS(files) }

// Close leaves the archive open: more parts may be wanted.
func (p *partWriter) Close() error { return nil }

func (x *workbook) begin() error {
	s := x.s
	if err := x.book.SetSheetName("Sheet1", s.Language.say(wordSummary)); err != nil {
		return err
	}
	at := s.Printed.UTC().Format(time.RFC3339)
	err := x.book.SetDocProps(&excelize.DocProperties{
		Title: clean(s.Title), Subject: clean(s.Number), Creator: "Tolem", LastModifiedBy: "Tolem",
		Created: at, Modified: at, Language: string(s.Language),
	})
	if err != nil {
		return err
	}
	return x.makeStyles()
}
