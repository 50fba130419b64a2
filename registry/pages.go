package registry

import (
	"context"
	"iter"
	"sync"

	"tolem"
	"tolem/store"
)

const (
	// markEvery is the distance of the rows of a register whose place is kept.
	markEvery = 500
	// markedRegisters is of how many registers places are kept.
	markedRegisters = 64
)

// marks keep the place of every markEvery-th row of the registers that are read
// page by page, so that a page deep inside one does not cost all rows before
// it. Registers never change, so a place stays right.
type marks struct {
	mu sync.Mutex
	of map[tolem.RegisterNumber]map[int]tolem.RegisterRow
}

// pass notes a row that was passed.
func (m *marks) pass(n tolem.RegisterNumber, row tolem.RegisterRow) {
	if row.Line%markEvery != 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil || m.of[n] == nil && len(m.of) >= markedRegisters {
		m.of = make(map[tolem.RegisterNumber]map[int]tolem.RegisterRow)
	}
	if m.of[n] == nil {
		m.of[n] = make(map[int]tolem.RegisterRow)
	}
	m.of[n][row.Line/markEvery] = tolem.RegisterRow{Line: row.Line, At: row.At, Code: row.Code, Kind: row.Kind, ID: row.ID}
}

// before returns the last noted row before a line, the zero row if there is
// none.
func (m *marks) before(n tolem.RegisterNumber, line int) tolem.RegisterRow {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := (line - 1) / markEvery; i > 0; i-- {
		if row, ok := m.of[n][i]; ok {
			return row
		}
	}
	return tolem.RegisterRow{}
}

// RowsFrom goes through the rows of a register as Rows does, from a line on.
func (r *Registry) RowsFrom(ctx context.Context, reg store.StoredRegister, line int) iter.Seq2[tolem.RegisterRow, error] {
	return func(yield func(tolem.RegisterRow, error) bool) {
		if int64(line) > reg.Totals.Rows {
			return
		}
		for row, err := range r.rowsBehind(ctx, reg, r.marks.before(reg.Number, line)) {
			if err != nil {
				yield(row, err)
				return
			}
			r.marks.pass(reg.Number, row)
			if row.Line >= line && !yield(row, nil) {
				return
			}
		}
	}
}
