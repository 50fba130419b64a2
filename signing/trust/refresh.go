package trust

import (
	"context"
	"errors"
)

// Refresh reads all files that have changed or were refused, and fetches from
// all addresses. The error tells what could not be had or was refused; what
// could be had is in use all the same.
func (s *Store) Refresh(ctx context.Context) error {
	return errors.Join(s.watch(ctx, true), s.fetch(ctx, s.sources.claim(s.config.Now(), true)), s.keepOwed(ctx))
}

// RefreshDue fetches from the addresses whose time has come. Call it every few
// seconds; most calls do nothing.
func (s *Store) RefreshDue(ctx context.Context) error {
	return errors.Join(s.fetch(ctx, s.sources.claim(s.config.Now(), false)), s.keepOwed(ctx))
}

// WatchFiles takes up files of lists and of certificates that have appeared or
// changed. It looks at names, sizes and times only, so that it can be called
// every second.
func (s *Store) WatchFiles(ctx context.Context) error { return s.watch(ctx, false) }

// watch looks at the certificates first: lists are judged by them.
func (s *Store) watch(ctx context.Context, again bool) error {
	return errors.Join(s.loadCertificates(), s.scanLists(ctx, again))
}
