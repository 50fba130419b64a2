package trust

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Keeper keeps revocation lists: the newest of each scope for the next start,
// and every one, by its hash, for as long as the evidence that names it.
type Keeper interface {
	// LoadCRLs returns the newest list of each IssuerKey.
	LoadCRLs(ctx context.Context) ([]KeptCRL, error)

	// KeepCRL keeps a list that is in use from now on. When the keeper has
	// one of the same IssuerKey with a higher Number, from another process,
	// that one stays the newest. Keeping a list twice is no error.
	KeepCRL(ctx context.Context, list KeptCRL) error
}

// KeptCRL is a revocation list as a Keeper has it.
type KeptCRL struct {
	IssuerKey [32]byte // stands for issuer, its key and the scope of the list
	Number    string   // CRL number in decimal, at most 49 digits; empty when the list has none
	Hash      [32]byte // SHA-256 of DER, as in CRLRef
	DER       []byte
	FetchedAt time.Time
}

// keptSource is the source named for lists that were kept from before.
const keptSource = "kept"

// takeKept takes up the lists of the last run. One that has run out is not
// used any more, but what is older than it stays refused.
func (s *Store) takeKept(ctx context.Context) error {
	if s.keeper == nil {
		return nil
	}
	lists, err := s.keeper.LoadCRLs(ctx)
	if err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	for _, kept := range lists {
		if err := s.markKept(kept); err != nil {
			return err
		}
		err := s.use(kept.DER, keptSource, kept.FetchedAt)
		s.sources.report(keptName(kept.IssuerKey), s.config.Now(), err)
	}
	return nil
}

// keptName is the name under which the fate of a kept list is reported until
// there is a newer one.
func keptName(scope scopeID) string { return fmt.Sprintf("%s %x", keptSource, scope[:4]) }

// markKept remembers how new a kept list is, before it is known whether it can
// still be used.
func (s *Store) markKept(kept KeptCRL) error {
	var m mark
	if kept.Number != "" {
		number, ok := new(big.Int).SetString(kept.Number, 10)
		if !ok || number.Sign() < 0 {
			return fmt.Errorf("number %q of list %x is not a number", kept.Number, kept.Hash[:4])
		}
		m.number = number
	}
	if p, err := parseList(kept.DER); err == nil {
		m.thisUpdate = p.thisUpdate
	}
	s.marks[kept.IssuerKey] = m
	return nil
}

// keep hands a list that is in use to the keeper. A failure does not take the
// list out of use, since that would bring revoked certificates back; it is
// reported, and tried again at every refresh until it succeeds: evidence may
// name the list even when there is a newer one by then.
func (s *Store) keep(ctx context.Context, kept KeptCRL) error {
	if s.keeper == nil {
		return nil
	}
	if err := s.keeper.KeepCRL(ctx, kept); err != nil {
		s.owed[kept.Hash] = kept
		return fmt.Errorf("in use but not kept: %w", err)
	}
	delete(s.owed, kept.Hash)
	return nil
}

// keepOwed tries again what could not be kept.
func (s *Store) keepOwed(ctx context.Context) error {
	s.write.Lock()
	defer s.write.Unlock()
	var errs []error
	for _, kept := range s.owed {
		errs = append(errs, s.keep(ctx, kept))
	}
	return errors.Join(errs...)
}

// take checks a list and puts it in use and in keeping. The same list again is
// no news, unless it has run out since.
func (s *Store) take(ctx context.Context, raw []byte, source string) error {
	hash := sha256.Sum256(raw)
	s.write.Lock()
	defer s.write.Unlock()
	now := s.config.Now()
	if have := s.current.Load().byHash(hash); have != nil {
		return have.stillInForce(now)
	}
	if err := s.use(raw, source, now); err != nil {
		return err
	}
	l := s.current.Load().byHash(hash)
	s.sources.forget(keptName(l.scope))
	return s.keep(ctx, KeptCRL{
		IssuerKey: l.scope, Number: l.ref.Number, Hash: hash, DER: raw, FetchedAt: now,
	})
}

// use checks a list and puts it in use. The caller holds s.write.
func (s *Store) use(raw []byte, source string, fetched time.Time) error {
	snap := s.current.Load()
	l, err := snap.authorities.read(raw, s.config.Now())
	if err != nil {
		return err
	}
	if err := s.marks[l.scope].allows(l); err != nil {
		return err
	}
	l.source, l.fetched = source, fetched
	s.marks[l.scope] = mark{number: l.number, thisUpdate: l.ref.ThisUpdate}
	s.current.Store(snap.with(l))
	return nil
}
