package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"tolem"
	"tolem/registry"
	"tolem/signing"
	"tolem/store"
)

// Step is one piece of a day's work as it was measured. It goes from the
// process that worked to the one that tells, as a line of JSON.
type Step struct {
	Name    string  `json:"name"`
	Rows    int64   `json:"rows"`
	Seconds float64 `json:"seconds"`
	PeakMiB float64 `json:"peakMiB"` // of resident memory in this step, 0 where the system does not tell
	FileMiB float64 `json:"fileMiB"` // of what it wrote
}

// DayWork does the work of one seeded day in this process, which does nothing
// else, so that its memory is that of the work.
type DayWork struct {
	Registry *registry.Registry
	Trust    signing.Truster // verifies what was signed
	Day      tolem.Day
	SealOnly bool      // of payments that happened; no register
	Folder   string    // for files
	Out      io.Writer // gets a Step a line, each when it is done
}

// The steps of a day.
const (
	stepSeal  = "sealed: facts added up, hashed"
	stepPaid  = "payments collected and sealed"
	stepRows  = "rows read only"
	stepBuild = "built and signed"
	stepXML   = "signed XML written"
	stepRead  = "verified and read back"
	stepCSV   = "CSV"
	stepXLSX  = "XLSX"
	stepPDF   = "PDF of a branch"
)

// errReadBack reports a document that says something else than the database.
var errReadBack = errors.New("what was read back is not what was sealed")

// Run does one step after the other.
func (w DayWork) Run(ctx context.Context) error {
	name := stepSeal
	if w.SealOnly {
		name = stepPaid
	}
	err := w.step(name, "", func(io.Writer) (int64, error) {
		sealed, err := w.Registry.Seal(ctx, w.Day, nil)
		return sealed.Facts, err
	})
	if err != nil || w.SealOnly {
		return err
	}
	return w.register(ctx, tolem.Owner{Kind: tolem.BankRegister, ID: string(benchBank), Bank: benchBank})
}

// register makes and reads the register of an owner in every form; the one for
// paper is that of a branch, which is as long as one PDF holds.
func (w DayWork) register(ctx context.Context, owner tolem.Owner) error {
	var reg store.StoredRegister
	var sealed, read rowSum
	err := w.step(stepBuild, "", func(io.Writer) (rows int64, err error) {
		reg, err = w.Registry.Build(ctx, owner, w.Day, nil)
		return reg.Totals.Rows, err
	})
	if err != nil {
		return err
	}
	render := func(r *store.StoredRegister, f tolem.Form) func(io.Writer) (int64, error) {
		return func(out io.Writer) (int64, error) {
			return r.Totals.Rows, w.Registry.Render(ctx, out, *r, f, w.Registry.Language, nil)
		}
	}
	branch, err := w.Registry.Build(ctx, tolem.Owner{Kind: tolem.BranchRegister, ID: string(paperBranch), Bank: benchBank}, w.Day, nil)
	if err != nil {
		return err
	}
	for _, s := range []struct {
		name, file string
		do         func(io.Writer) (int64, error)
	}{
		{stepRows, "", func(io.Writer) (int64, error) { return sealed.all(w.Registry.Rows(ctx, reg)) }},
		{stepXML, "register.xml", render(&reg, tolem.FormXML)},
		{stepRead, "", func(io.Writer) (int64, error) { return w.readBack(reg, &read) }},
		{stepCSV, "register.csv", render(&reg, tolem.FormCSV)},
		{stepXLSX, "register.xlsx", render(&reg, tolem.FormXLSX)},
		{stepPDF, "branch.pdf", render(&branch, tolem.FormPDF)},
	} {
		if err := w.step(s.name, s.file, s.do); err != nil {
			return err
		}
	}
	if sealed != read {
		return fmt.Errorf("rows of %s: %w", reg.Number, errReadBack)
	}
	return nil
}

// readBack verifies the document that was written, as its owner would, and
// adds up its rows.
func (w DayWork) readBack(reg store.StoredRegister, rows *rowSum) (_ int64, err error) {
	f, err := os.Open(filepath.Join(w.Folder, "register.xml"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if _, err := signing.VerifyStreamed(f, info.Size(), w.Trust, time.Now()); err != nil {
		return 0, err
	}
	again, err := registry.ReadRegister(f, func(row tolem.RegisterRow) error {
		rows.add(row)
		return nil
	})
	if err == nil && (again.Number != reg.Number || !reflect.DeepEqual(again.Totals, reg.Totals)) {
		err = fmt.Errorf("totals of %s: %w", reg.Number, errReadBack)
	}
	return again.Totals.Rows, err
}

// step measures a piece of work that may write a file, and tells of it.
func (w DayWork) step(name, file string, do func(io.Writer) (rows int64, err error)) (err error) {
	s := Step{Name: name}
	var out *os.File
	if file != "" {
		if out, err = os.Create(filepath.Join(w.Folder, file)); err != nil {
			return err
		}
		defer out.Close()
	}
	s, err = measured(s, func() (int64, error) { return do(out) })
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if out != nil {
		info, err := out.Stat()
		if err != nil {
			return err
		}
		s.FileMiB = float64(info.Size()) / (1 << 20)
	}
	return json.NewEncoder(w.Out).Encode(s)
}

// measured measures time and memory of what it calls.
func measured(s Step, do func() (rows int64, err error)) (_ Step, err error) {
	debug.FreeOSMemory() // what the step before left is not this one's
	resetPeak()
	began := time.Now()
	s.Rows, err = do()
	s.Seconds = time.Since(began).Seconds()
	s.PeakMiB = ownPeak()
	return s, err
}

// resetPeak has the system forget how much memory this process has had. Where
// it cannot, a step shows the peak of the steps before too.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// ownPeak is the highest resident memory of this process in MiB.
func ownPeak() float64 {
	content, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(content), "VmHWM:")
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(words[0], 64)
	return kib / 1024
}

// rowSum is a sum over rows in their order: equal for equal rows.
type rowSum struct{ n, sum uint64 }

var rowSeed = maphash.MakeSeed()

// all adds all rows.
func (s *rowSum) all(rows func(func(tolem.RegisterRow, error) bool)) (int64, error) {
	for row, err := range rows {
		if err != nil {
			return 0, err
		}
		s.add(row)
	}
	return int64(s.n), nil
}

// add adds a row as far as the document shows it.
func (s *rowSum) add(r tolem.RegisterRow) {
	type shown struct {
		row                     tolem.RegisterRow
		at, paid, received, end int64
	}
	x := shown{r, r.At.UnixMicro(), r.PaidAt.UnixMicro(), r.ReceivedAt.UnixMicro(), r.ClosedAt.UnixMicro()}
	x.row.At, x.row.PaidAt, x.row.ReceivedAt, x.row.ClosedAt, x.row.ID = time.Time{}, time.Time{}, time.Time{}, time.Time{}, [16]byte{}
	s.n++
	s.sum = bits.RotateLeft64(s.sum, 1) ^ maphash.Comparable(rowSeed, x)
}
