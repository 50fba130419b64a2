package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

func (c *committer) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	conn, err := c.db.writer.Conn(ctx)
	if err != nil {
		return err
	}
	c.conn, c.stmts = conn, make(map[string]*sql.Stmt)
	return nil
}

// discard throws the connection away after a failure whose extent is not
// known: a transaction may still be open on it.
func (c *committer) discard() { c.release(func(any) error { return driver.ErrBadConn }) }

// disconnect gives the connection back to the pool.
func (c *committer) disconnect() { c.release(nil) }

// release closes the statements, which must happen before their connection
// goes, and lets go of the connection.
func (c *committer) release(verdict func(any) error) {
	if c.conn == nil {
		return
	}
	for _, s := range c.stmts {
		_ = s.Close()
	}
	if verdict != nil {
		_ = c.conn.Raw(verdict)
	}
	_ = c.conn.Close()
	c.conn, c.stmts = nil, nil
}

func (c *committer) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.stmts[text] = s
	return s, nil
}
