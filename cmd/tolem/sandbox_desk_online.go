package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"tolem"
	"tolem/internal/pki"
	"tolem/sandbox/provider"
	"tolem/signing"
	"tolem/store"
)

// providerPath is where an organisation's own system is asked.
const providerPath = "/provider/v1"

// uncounted is how long back the organisation has counted no payments that came
// through the gateway: as long as there are bills.
const uncounted = 90 * 24 * time.Hour

// startOrganisation registers deskOnline as a participant and plays its system,
// which shares nothing with the gateway but the authority.
func (w *deskWorld) startOrganisation(ctx context.Context) error {
	o := organisationNamed(deskOnline)
	member := sandboxMember{tolem.Participant{ID: tolem.ParticipantID(o.id), Kind: tolem.KindProvider, Name: o.name}, pki.P256}
	keys, err := w.issueKeys(member)
	if err != nil {
		return err
	}
	if err := w.join(ctx, member.Participant, keys); err != nil {
		return err
	}
	if w.trust, err = w.openTrust(ctx); err != nil {
		return err
	}
	signer, err := signing.LoadSigner(keys.signing.Cert, keys.signing.Key)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(keys.server.Cert, keys.server.Key)
	if err != nil {
		return err
	}
	f, err := w.log(doorOrganisation)
	if err != nil {
		return err
	}
	log, now := newLog(f, w.config.Log), time.Now()
	gateway := []tolem.Fingerprint{w.node.signers.RSA.Fingerprint(), w.node.signers.EC.Fingerprint()}
	system := provider.New(provider.Config{
		Organisation: o.id, Currency: deskCurrency, Signer: signer, Verifier: signing.NewVerifier(w.trust, nil),
		Gateway:  func(v *signing.Verified) bool { return slices.Contains(gateway, v.Fingerprint) },
		Accounts: o.snapshots(o.count(w.accounts), o.stream(), now), PaidUntil: now.Add(-uncounted), Silent: []tolem.AccountNumber{o.account(accountUnanswered)},
		Observe: func(e provider.Event) {
			log.Info().Str("account", string(e.Account)).Str("result", e.Result).AnErr("problem", e.Err).Msg("asked")
		},
	})
	w.organisation = newPeerServer(providerPath, system, pair, w.trust, log)
	go func() {
		if err := w.organisation.ServeTLS(w.doors[doorOrganisation], "", ""); !errors.Is(err, http.ErrServerClosed) {
			w.failed <- fmt.Errorf("%s: %w", doorOrganisation, err)
		}
	}()
	return nil
}

// join registers a participant with its signing certificate, where it is not
// there.
func (w *deskWorld) join(ctx context.Context, p tolem.Participant, keys memberKeys) error {
	certificates, err := loadCertificates(p.ID, []string{keys.signing.Cert})
	if err != nil {
		return err
	}
	p.Groups, p.ContractNo, p.ContractFrom = []tolem.Group{p.Kind.DefaultGroup()}, "sandbox", time.Now().Add(-time.Hour)
	return w.node.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Participant(p.ID); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return errors.Join(tx.PutParticipant(p), addCertificates(tx, certificates))
	})
}

// stream tells the organisation's accounts from those of others.
func (o deskOrganisation) stream() uint64 {
	return uint64(slices.IndexFunc(deskOrganisations, func(other deskOrganisation) bool { return other.id == o.id }))
}
