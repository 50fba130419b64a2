package store

// many collects a statement that takes many rows, as the table "rows", in as
// few pieces as the database takes them. It must touch each row's counterpart:
// otherwise the closure is run again.
func (tx *Tx) many(cols []column, rows [][]any, statement string, keys ...guardKey) error {
	return tx.chunked(cols, rows, statement, true, keys)
}

// sweep is many for statements that may touch any number of rows.
func (tx *Tx) sweep(cols []column, rows [][]any, statement string) error {
	return tx.chunked(cols, rows, statement, false, nil)
}

func (tx *Tx) chunked(cols []column, rows [][]any, statement string, all bool, keys []guardKey) error {
	for len(rows) > 0 {
		n := tx.db.dialect.chunk(len(rows))
		want := int64(n)
		if !all {
			want = anyRows
		}
		s := single{text: rowsStatement(tx.db.dialect, cols, n, statement), args: tx.db.dialect.bind(cols, rows[:n]), want: want}
		if err := tx.exec(s, keys...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
