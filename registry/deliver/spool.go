package deliver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"

	"tolem"
	"tolem/store"
)

// spooled is a parcel whose content lies in a file without a name.
type spooled struct {
	Parcel
	file *os.File
}

func (s *spooled) close() { _ = s.file.Close() } // it has no name: closing is the end of it

// render writes a document into a file of its own, so that its hash and size
// are known before the first byte goes out, a failing renderer leaves nothing
// behind at the receiver, and a large document needs no memory. What the
// receiver has confirmed of an earlier attempt counts only if the content is
// still the same.
func (c *Courier) render(ctx context.Context, d *store.Delivery) (_ *spooled, err error) {
	ctx, cancel := context.WithTimeout(ctx, renderTimeout)
	defer cancel()
	doc, err := c.Documents.Open(ctx, d.Kind, d.Ref, d.Form)
	if err != nil {
		return nil, err
	}
	defer doc.Content.Close() // what went wrong was said while reading
	if err := doc.check(); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(c.Spool, "tolem-delivery-*")
	if err != nil {
		return nil, err
	}
	s := &spooled{file: file, Parcel: Parcel{Name: doc.Name, Owner: doc.Owner, Day: doc.Day, Revision: doc.Revision, content: file}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	if err := s.fill(ctx, doc.Content); err != nil {
		return nil, err
	}
	if d.Size != s.Size || !bytes.Equal(d.SHA256, s.SHA256[:]) {
		d.Parts = 0
	}
	d.Size, d.SHA256 = s.Size, s.SHA256[:]
	return s, nil
}

func (d *Document) check() error {
	switch {
	case !safeName.MatchString(d.Name):
		return fmt.Errorf("%.64q cannot be the name of a file", d.Name)
	case d.Revision < 1:
		return fmt.Errorf("revision %d", d.Revision)
	}
	return tolem.CheckIdentifier(d.Owner)
}

func (s *spooled) fill(ctx context.Context, content io.Reader) error {
	hash := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(s.file, hash), io.LimitReader(&until{ctx, content}, MaxDocument+1), make([]byte, copyBufferSize))
	switch {
	case err != nil:
		return err
	case n > MaxDocument:
		return fmt.Errorf("larger than %d bytes", int64(MaxDocument))
	}
	s.Size = n
	hash.Sum(s.SHA256[:0])
	return nil
}

// until reads as long as its context lasts.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u *until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
