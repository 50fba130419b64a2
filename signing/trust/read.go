package trust

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// maxListsInFile bounds the lists of one PEM file.
const maxListsInFile = 100

const (
	beginList = "-----BEGIN X509 CRL-----"
	endList   = "-----END X509 CRL-----"
)

// readLists reads the lists of a file or an answer, one in DER or several in
// PEM, and yields the DER of each. A list is never in memory twice: PEM is
// decoded as it is read. size is the length of the input if known, or less than
// one; limit bounds each list.
func readLists(r io.Reader, size, limit int64, yield func(raw []byte) error) (n int, err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	start, _ := b.Peek(2)
	// A list is longer than 127 bytes, so in DER its second byte is no ASCII.
	if len(start) == 2 && start[0] == tagSequence && start[1] >= 0x80 {
		raw, err := readSized(b, size, limit)
		if err != nil {
			return 0, err
		}
		return 1, yield(raw)
	}
	var errs []error
	for n < maxListsInFile {
		found, err := skipToList(b)
		if err != nil || !found {
			return n, errors.Join(append(errs, err)...)
		}
		raw, err := readSized(base64.NewDecoder(base64.StdEncoding, &pemBody{b: b}), 0, limit, size/4*3)
		if err != nil {
			return n, errors.Join(append(errs, err)...)
		}
		n++
		errs = append(errs, yield(raw))
	}
	return n, errors.Join(append(errs, malformed("too many lists in one file"))...)
}

// readSized reads all of r, which is exactly size bytes long if size is
// positive. A hint of the size is what to allocate at first.
func readSized(r io.Reader, size, limit int64, hint ...int64) ([]byte, error) {
	if size > limit {
		return nil, tooLarge(limit)
	}
	first := max(size, 512)
	for _, h := range hint {
		first = max(first, min(h, limit))
	}
	// One byte more, so that the end is seen without growing.
	raw := bytes.NewBuffer(make([]byte, 0, first+bytes.MinRead))
	n, err := raw.ReadFrom(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, err
	case n > limit:
		return nil, tooLarge(limit)
	case size > 0 && n != size:
		return nil, fmt.Errorf("read %d bytes of %d", n, size)
	}
	return raw.Bytes(), nil
}

func tooLarge(limit int64) error { return malformed(fmt.Sprintf("longer than %d bytes", limit)) }

// skipToList reads up to and including the line that begins a list.
func skipToList(b *bufio.Reader) (found bool, err error) {
	for {
		line, err := b.ReadSlice('\n')
		if string(bytes.TrimSpace(line)) == beginList {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, malformed("neither DER nor PEM")
		}
	}
}

// pemBody gives the lines up to the one that ends a list, without white space.
type pemBody struct {
	b    *bufio.Reader
	line []byte
	done bool
}

func (p *pemBody) Read(dst []byte) (int, error) {
	for len(p.line) == 0 {
		if p.done {
			return 0, io.EOF
		}
		line, err := p.b.ReadSlice('\n')
		p.line = bytes.TrimSpace(line)
		if string(p.line) == endList {
			p.line, p.done = nil, true
			continue
		}
		if err != nil {
			return 0, malformed("PEM without an end")
		}
	}
	n := copy(dst, p.line)
	p.line = p.line[n:]
	return n, nil
}
