package bills

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path"
	"time"

	"tolem"
)

// File is a file of accounts that is to be imported.
type File struct {
	Organisation tolem.ProviderID
	Name         string
	Data         []byte

	// AsOf and PaidUntil are as in a Batch.
	AsOf, PaidUntil time.Time
	// Dry checks everything and stores nothing.
	Dry bool
}

// maxTold bounds the problems of an import that are kept.
const maxTold = 1000

// Imported says what became of a file. Counts of accounts that were taken, said
// what was known, or were older than what was, are those of all batches.
type Imported struct {
	Lines    int   `json:"lines"`
	Accounts int64 `json:"accounts"`
	Bills    int64 `json:"bills"`
	Taken    int64 `json:"taken"`
	Same     int64 `json:"same"`
	Older    int64 `json:"older"`

	// If there are any, nothing was taken. At most 1000 are kept, the first.
	Problems []LineProblem `json:"problems"`
	Wrong    int           `json:"wrong"` // how many there are
}

// Import takes a file of accounts. All of it is checked before anything is
// stored; then it is fed in batches, each of them whole. An import that breaks
// off is finished by importing the same file again as of the same moment.
// Progress may be nil; it hears how many lines of all are done.
func (d *Desk) Import(ctx context.Context, f File, progress func(done, all int64)) (Imported, error) {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	k, err := d.directory(ctx)
	if err != nil {
		return Imported{}, err
	}
	if _, ok := k.organisations[f.Organisation]; !ok {
		return Imported{}, fmt.Errorf("%s: %w", f.Organisation, ErrOrganisation)
	}
	done, err := d.check(ctx, f, k, progress)
	if err != nil || done.Wrong > 0 {
		return done, err
	}
	return d.take(ctx, f, done, progress)
}

// every is how many accounts are read between two words about progress.
const every = 1000

// check reads the whole file and looks at every account.
func (d *Desk) check(ctx context.Context, f File, k *directory, progress func(done, all int64)) (done Imported, err error) {
	tell := func(p LineProblem) {
		if done.Wrong++; len(done.Problems) < maxTold {
			done.Problems = append(done.Problems, p)
		}
	}
	r, err := NewReader(f.Data, d.Currency, tell)
	if err != nil {
		return done, err
	}
	size := int64(len(f.Data))
	services := k.of(f.Organisation)
	began := make(map[tolem.AccountNumber]int)
	for {
		s, line, ok := r.Next()
		if !ok {
			break
		}
		if before, twice := began[s.Account.Number]; twice {
			tell(LineProblem{line, tolem.ProblemTwice, fmt.Sprintf("its lines began on line %d and do not stand together", before)})
		}
		began[s.Account.Number] = line
		if p, what := s.Check(services, d.Currency); p != "" {
			tell(LineProblem{line, p, what})
		}
		done.Accounts++
		done.Bills += int64(len(s.Bills))
		if done.Lines = r.Line(); done.Lines > MaxFileRows {
			return done, &FileError{FileRows, fmt.Sprintf("more than %d", MaxFileRows)}
		}
		if done.Accounts%every == 0 {
			if err := ctx.Err(); err != nil {
				return done, err
			}
			progress((size-int64(len(r.rest)))/2, size)
		}
	}
	done.Lines = r.Line()
	return done, nil
}

// take feeds a file that was found in order.
func (d *Desk) take(ctx context.Context, f File, done Imported, progress func(done, all int64)) (Imported, error) {
	r, err := NewReader(f.Data, d.Currency, func(LineProblem) {})
	if err != nil {
		return done, err
	}
	sum := sha256.Sum256(f.Data)
	size := int64(len(f.Data))
	batch := Batch{
		Organisation: f.Organisation, Source: SourceCSV, Name: fmt.Sprintf("%s sha256:%x", path.Base(f.Name), sum), AsOf: f.AsOf, PaidUntil: f.PaidUntil,
	}
	for more := true; more; {
		batch.Snapshots = batch.Snapshots[:0]
		for len(batch.Snapshots) < MaxBatch && more {
			var s tolem.Snapshot
			if s, _, more = r.Next(); more {
				batch.Snapshots = append(batch.Snapshots, s)
			}
		}
		if len(batch.Snapshots) == 0 {
			break
		}
		taken, err := d.Feed(ctx, batch, f.Dry)
		if err != nil {
			return done, fmt.Errorf("before line %d: %w", r.Line(), err)
		}
		if n := len(taken.Rejected); n > 0 { // services were changed while the file was read
			return done, fmt.Errorf("before line %d: %s, %s", r.Line(), taken.Rejected[0].Problem, taken.Rejected[0].What)
		}
		done.Taken += taken.BillBatch.Taken
		done.Same += taken.Same
		done.Older += taken.Older
		progress((2*size-int64(len(r.rest)))/2, size)
	}
	return done, nil
}
