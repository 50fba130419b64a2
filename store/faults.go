package store

import "sync/atomic"

// faults lets the tests of this package break a write of the commit path at a
// named point: refuse it, or report it failed although it was done. Nothing
// outside the package can set them.
type faults struct {
	inject atomic.Pointer[func(point string) (refuse, report error)]
}

// around runs a write between its two fault points.
func (f *faults) around(point string, write func() error) error {
	inject := f.inject.Load()
	if inject == nil {
		return write()
	}
	refuse, report := (*inject)(point)
	if refuse != nil {
		return refuse
	}
	if err := write(); err != nil {
		return err
	}
	return report
}
