package bridge

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// lockFile holds a file until it is closed or the process ends, however it ends:
// a file that is shared with nobody cannot be opened twice.
func lockFile(name string) (io.Closer, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return os.NewFile(uintptr(h), name), nil
}
