package stub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

// maxKept is how many entries a ledger keeps; the oldest go.
const maxKept = 500

// ledger is what a stub remembers, newest first. With a file it outlives the
// process; each change writes the whole of it.
type ledger[T any] struct {
	mu     sync.Mutex
	file   string
	number func(*T) string
	kept   ledgerFile[T]
}

type ledgerFile[T any] struct {
	Last int // the last serial number given
	List []T
}

// openLedger reads the file, "" for none.
func openLedger[T any](file string, number func(*T) string) (*ledger[T], error) {
	l := &ledger[T]{file: file, number: number}
	if file == "" {
		return l, nil
	}
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &l.kept)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

// next gives a number that no entry had before, such as P-260131-0007.
func (l *ledger[T]) next(prefix string, now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept.Last++
	return fmt.Sprintf("%s-%s-%04d", prefix, now.Format("060102"), l.kept.Last)
}

// add puts an entry on top.
func (l *ledger[T]) add(e T) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept.List = slices.Insert(l.kept.List, 0, e)
	l.kept.List = l.kept.List[:min(len(l.kept.List), maxKept)]
	return l.save()
}

// change changes the entry of that number, if it is there.
func (l *ledger[T]) change(number string, do func(*T)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.kept.List {
		if e := &l.kept.List[i]; l.number(e) == number {
			do(e)
			return l.save()
		}
	}
	return nil
}

// find returns the entry of that number.
func (l *ledger[T]) find(number string) (T, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.kept.List {
		if l.number(&l.kept.List[i]) == number {
			return l.kept.List[i], true
		}
	}
	var none T
	return none, false
}

// all returns the newest entries.
func (l *ledger[T]) all(most int) []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept.List[:min(most, len(l.kept.List))])
}

// save writes the file. The lock is the caller's.
func (l *ledger[T]) save() error {
	if l.file == "" {
		return nil
	}
	content, err := json.MarshalIndent(l.kept, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.file+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(l.file+".new", l.file)
}
