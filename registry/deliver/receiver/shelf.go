package receiver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// shelf keeps documents in a folder: a complete one under its name, the parts
// of others in a folder of parts named by its hash. It may be closed and opened
// again at any moment: everything it knows is in the folder.
type shelf struct {
	dir string
	mu  sync.Mutex
}

// What putting a part did.
type effect int

const (
	stored    effect = iota // the part; others are missing
	completed               // the document
	duplicate               // nothing: the document was complete
)

var (
	errOtherContent = errors.New("other content under this name")
	errWrongHash    = errors.New("the parts do not have the hash")
)

// partsDir holds what is not complete.
const partsDir = "parts"

// put stores a part durably, and the document when it was the last one missing.
func (s *shelf) put(d delivery) (effect, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	final := filepath.Join(s.dir, d.name)
	if have, err := hashOf(final); err == nil {
		if have != d.hash {
			return 0, errOtherContent
		}
		return duplicate, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	parts := filepath.Join(s.dir, partsDir, fmt.Sprintf("%s-%d", d.hash, d.parts))
	if err := os.MkdirAll(parts, 0o700); err != nil {
		return 0, err
	}
	if err := writeDurably(partFile(parts, d.part), func(f *os.File) error { _, err := f.Write(d.content); return err }); err != nil {
		return 0, err
	}
	for i := range d.parts {
		if _, err := os.Stat(partFile(parts, i+1)); errors.Is(err, fs.ErrNotExist) {
			return stored, nil
		}
	}
	if err := s.join(final, parts, d); err != nil {
		return 0, err
	}
	return completed, os.RemoveAll(parts)
}

func partFile(parts string, n int64) string { return filepath.Join(parts, fmt.Sprintf("%08d", n)) }

// join makes the document of its parts. If it is not what was announced, the
// parts are dropped, and all of them will come again.
func (s *shelf) join(final, parts string, d delivery) error {
	hash, size := sha256.New(), int64(0)
	err := writeDurably(final, func(f *os.File) error {
		for i := range d.parts {
			part, err := os.Open(partFile(parts, i+1))
			if err != nil {
				return err
			}
			n, err := io.Copy(io.MultiWriter(f, hash), part)
			if err := errors.Join(err, part.Close()); err != nil {
				return err
			}
			size += n
		}
		if size != d.size || hex.EncodeToString(hash.Sum(nil)) != d.hash {
			return errWrongHash
		}
		return nil
	})
	if errors.Is(err, errWrongHash) {
		err = errors.Join(err, os.RemoveAll(parts))
	}
	return err
}

// writeDurably makes a file appear under its name when it is complete and on
// the disk.
func writeDurably(name string, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // after the rename it is gone already
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func hashOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
