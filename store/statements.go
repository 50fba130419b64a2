package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"
)

// statements keeps the prepared statements of the read pool. There is a fixed
// number of them: no text is made from data.
type statements struct {
	db *DB
	mu sync.RWMutex
	m  map[string]*sql.Stmt
}

func (s *statements) get(ctx context.Context, text string) (*sql.Stmt, error) {
	s.mu.RLock()
	stmt, ok := s.m[text]
	s.mu.RUnlock()
	if ok {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt, ok := s.m[text]; ok {
		return stmt, nil
	}
	stmt, err := s.db.reader.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if s.m == nil {
		s.m = make(map[string]*sql.Stmt)
	}
	s.m[text] = stmt
	return stmt, nil
}

// inList returns "($1,$2,…)" for n parameters.
func inList(n int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return b.String()
}
