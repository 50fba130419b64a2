package access

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"tolem"
	"tolem/signing/trust"
	"tolem/store"
)

// RegisteredCertificate is a certificate that was checked, with whom it is
// registered to. Nothing is known yet of who sits at the workplace.
type RegisteredCertificate struct {
	Token tolem.EToken
	Owner tolem.Person
}

// Verify decides whether a connection may see a page of the workplace at all:
// its certificate is of the authority, valid, not revoked (WP-501, WP-502), and
// registered to somebody who is not suspended. The refusals are ErrNoCertificate,
// ErrUntrusted, ErrExpired, ErrRevoked, ErrNotRegistered and ErrSuspended; without
// a usable revocation list it is ErrUnavailable.
//
// It is asked at every request, since each of these may have changed. Refusals
// are not recorded: whoever holds any certificate could fill the audit.
func (a *Access) Verify(ctx context.Context, cs tls.ConnectionState) (r RegisteredCertificate, err error) {
	if err := a.checkConnection(cs); err != nil {
		return r, err
	}
	err = a.view(ctx, "look up certificate", func(tx *store.Tx) error {
		r, err = registered(tx, tolem.FingerprintOf(cs.PeerCertificates[0].Raw))
		return err
	})
	if err != nil {
		return RegisteredCertificate{}, err
	}
	return r, nil
}

func (a *Access) checkConnection(cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return ErrNoCertificate
	}
	if a.trust == nil {
		return fmt.Errorf("%w: no authority is configured", ErrUntrusted)
	}
	return refusedBy(a.trust.VerifyConnection(cs))
}

// refusedBy translates what signing/trust says of a certificate.
func refusedBy(err error) error {
	if err == nil {
		return nil
	}
	for _, e := range []struct{ trust, access error }{
		{trust.ErrRevoked, ErrRevoked}, {trust.ErrExpired, ErrExpired}, {trust.ErrNotYetValid, ErrExpired},
		{trust.ErrCRLUnavailable, ErrUnavailable},
	} {
		if errors.Is(err, e.trust) {
			return fmt.Errorf("%w: %w", e.access, err)
		}
	}
	return fmt.Errorf("%w: %w", ErrUntrusted, err)
}

// checkCertificate is checkConnection for a certificate that is to be
// registered.
func (a *Access) checkCertificate(cert *x509.Certificate) error {
	if cert.IsCA {
		return fmt.Errorf("%w: it is of an authority", ErrTokenUnfit)
	}
	if a.trust == nil {
		return nil
	}
	err := refusedBy(a.trust.VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}))
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrTokenUnfit, err)
}

// registered returns to whom a certificate is registered, if the registration
// stands, its owner, the owner's branch and bank are active.
func registered(tx *store.Tx, f tolem.Fingerprint) (r RegisteredCertificate, err error) {
	if r.Token, err = tx.TokenInUse(f); err == nil {
		r.Owner, err = tx.Person(r.Token.Bank, r.Token.Person)
	}
	if errors.Is(err, store.ErrNotFound) {
		return r, ErrNotRegistered
	}
	if err != nil {
		return r, err
	}
	return r, active(tx, r.Owner)
}

// active returns ErrSuspended unless the person, its branch and its bank are
// active.
func active(tx *store.Tx, p tolem.Person) error {
	if p.Suspended {
		return ErrSuspended
	}
	for _, id := range []tolem.ParticipantID{p.Bank, p.Branch} {
		if id == "" {
			continue
		}
		place, err := tx.Participant(id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil || !place.MayCallAt(tx.Now()) {
			return fmt.Errorf("%w: %s", ErrSuspended, id)
		}
	}
	return nil
}
