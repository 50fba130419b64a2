package access

import (
	"context"
	"crypto/x509"
	"errors"

	"tolem"
	"tolem/store"
)

// maxTokens bounds the e-tokens of one person that are in use.
const maxTokens = 4

// RegisterToken registers a certificate to a person of the bank (WP-515). A
// certificate that the authority would not vouch for now, that a participant
// signs with, or that is registered to anybody is refused.
func (a *Access) RegisterToken(ctx context.Context, by Actor, bank tolem.ParticipantID, id tolem.PersonID, cert *x509.Certificate) (t tolem.EToken, err error) {
	if err := a.checkCertificate(cert); err != nil {
		return t, err
	}
	fingerprint := tolem.FingerprintOf(cert.Raw)
	event := Event{Action: tolem.ActRegisterToken, Subject: string(id) + " " + fingerprint.String()}
	err = a.administer(ctx, by, bank, event, func(tx *store.Tx, bank tolem.ParticipantID) error {
		p, err := managed(tx, by, bank, id)
		if err != nil {
			return err
		}
		if err := errors.Join(freeCertificate(tx, fingerprint), roomForToken(tx, p)); err != nil {
			return err
		}
		if !tx.Now().Before(cert.NotAfter) {
			return ErrTokenUnfit
		}
		t = tolem.EToken{
			Fingerprint: fingerprint, Bank: bank, Person: p.ID, Serial: cert.SerialNumber.Text(16), NotAfter: cert.NotAfter.UTC(),
			RegisteredAt: tx.Now(), RegisteredBy: by.name(),
		}
		return tx.InsertToken(t)
	})
	if errors.Is(err, store.ErrExists) {
		err = ErrTokenTaken
	}
	if err != nil {
		return tolem.EToken{}, err
	}
	return t, nil
}

// freeCertificate returns ErrTokenTaken or ErrTokenUnfit if the certificate
// serves somebody already.
func freeCertificate(tx *store.Tx, f tolem.Fingerprint) error {
	switch _, err := tx.TokenInUse(f); {
	case err == nil:
		return ErrTokenTaken
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	switch _, err := tx.Certificate(f); {
	case err == nil:
		return ErrTokenUnfit // a participant's
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return nil
}

func roomForToken(tx *store.Tx, p tolem.Person) error {
	tokens, err := tx.TokensOf(p.Bank, p.ID)
	inUse := 0
	for _, t := range tokens {
		if t.InUse() {
			inUse++
		}
	}
	if err == nil && inUse >= maxTokens {
		return ErrTooManyTokens
	}
	return err
}

// RevokeToken ends the registration of a certificate (WP-516). Sessions opened
// with it are over.
func (a *Access) RevokeToken(ctx context.Context, by Actor, bank tolem.ParticipantID, id tolem.PersonID, f tolem.Fingerprint) error {
	event := Event{Action: tolem.ActRevokeToken, Subject: string(id) + " " + f.String()}
	return a.administer(ctx, by, bank, event, func(tx *store.Tx, bank tolem.ParticipantID) error {
		if _, err := managed(tx, by, bank, id); err != nil {
			return err
		}
		t, err := tx.TokenInUse(f)
		if errors.Is(err, store.ErrNotFound) || err == nil && (t.Bank != bank || t.Person != id) {
			return ErrNoToken
		}
		if err != nil {
			return err
		}
		t.RevokedAt, t.RevokedBy = tx.Now(), by.name()
		return tx.RevokeToken(t)
	})
}
