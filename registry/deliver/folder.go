package deliver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"tolem"
	"tolem/archive"
)

// Folder writes into folders of this host: local ones or those of a file
// server. A document appears under its name whole or not at all, and what is
// there already is never overwritten.
type Folder struct{}

// fileMode lets the group of the folder read what is delivered.
const fileMode = 0o640

// Deliver implements Transport.
func (Folder) Deliver(ctx context.Context, t tolem.DeliveryTarget, p *Parcel, _ Progress) ([]archive.Record, error) {
	// A file server that is gone can hold a system call for ever, and nothing
	// ends it. The attempt ends all the same; what the call would still do is
	// harmless, since each attempt has a temporary name of its own.
	done := make(chan error, 1)
	go func() { done <- deliverFile(ctx, t.Address, p) }()
	select {
	case err := <-done:
		return nil, err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %s: %w", ErrTarget, t.Address, ctx.Err())
	}
}

func deliverFile(ctx context.Context, dir string, p *Parcel) error {
	root, err := os.OpenRoot(dir) // nothing below leads out of it, symbolic links included
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTarget, err)
	}
	defer root.Close()
	there, err := sameFile(root, p)
	if err == nil && !there {
		err = placeFile(ctx, root, p)
	}
	if err == nil {
		err = syncFolder(root) // of an earlier attempt too: it may have ended before this
	}
	if err != nil && !errors.Is(err, ErrOtherContent) {
		return fmt.Errorf("%w: %w", ErrTarget, err)
	}
	return err
}

// sameFile reports whether the parcel is there already. Other content under its
// name is ErrOtherContent.
func sameFile(root *os.Root, p *Parcel) (bool, error) {
	info, err := root.Lstat(p.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular() || info.Size() != p.Size:
		return false, fmt.Errorf("%w: %s", ErrOtherContent, p.Name)
	}
	f, err := root.Open(p.Name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return p.is(f)
}

// is compares content of the right size with the parcel's.
func (p *Parcel) is(content io.Reader) (bool, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(content, p.Size+1)); err != nil {
		return false, err
	}
	if [32]byte(hash.Sum(nil)) != p.SHA256 {
		return false, fmt.Errorf("%w: %s", ErrOtherContent, p.Name)
	}
	return true, nil
}

// temporary is the name under which attempt number n writes.
func (p *Parcel) temporary(n int64) string {
	return fmt.Sprintf(".%s.%s-%d.part", p.Name, p.Delivery.ID, n)
}

// maxLeftOver bounds for how many earlier attempts temporary files are looked for.
const maxLeftOver = 3

// leftOver lists the temporary names of the attempts before this one, which a
// crash may have left behind.
func (p *Parcel) leftOver() []string {
	var names []string
	for n := p.Delivery.Tries - 1; n > 0 && len(names) < maxLeftOver; n-- {
		names = append(names, p.temporary(n))
	}
	return names
}

// placeFile writes the parcel under a temporary name, makes it durable and
// gives it its name, unless something has got that name meanwhile.
func placeFile(ctx context.Context, root *os.Root, p *Parcel) error {
	for _, name := range p.leftOver() {
		_ = root.Remove(name) // mostly there is none
	}
	name := p.temporary(p.Delivery.Tries)
	defer root.Remove(name) //nolint:errcheck // after a rename it is gone already
	if err := writeFile(ctx, root, name, p); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := root.Link(name, p.Name)
	switch {
	case errors.Is(err, fs.ErrExist):
		_, err = sameFile(root, p)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EMLINK):
		// No links on this file system. Nobody else writes under this name: the
		// delivery is ours, and looked for a moment ago.
		err = root.Rename(name, p.Name)
	}
	return err
}

func writeFile(ctx context.Context, root *os.Root, name string, p *Parcel) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_ = f.Chmod(fileMode) // whatever the service's umask; not every file system knows modes
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, &until{ctx, p.Content()}, make([]byte, copyBufferSize))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolder makes names durable, where the file system can.
func syncFolder(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // some file servers sync files only
	}
	return errors.Join(err, dir.Close())
}
