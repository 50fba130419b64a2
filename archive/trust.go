package archive

import (
	"context"
	"encoding/json"
	"fmt"

	"tolem/signing/trust"
	"tolem/store"
)

// encodeProof is how the grounds of trust are stored: JSON, for people who
// have to read it years later.
func encodeProof(p trust.Proof) ([]byte, error) {
	doc, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("grounds of trust: %w", err)
	}
	return doc, nil
}

func decodeProof(doc []byte) (trust.Proof, error) {
	var p trust.Proof
	if err := json.Unmarshal(doc, &p); err != nil {
		return p, fmt.Errorf("grounds of trust: %w: %w", ErrAltered, err)
	}
	return p, nil
}

// CRLKeeper keeps revocation lists for the trust store: the newest ones for
// the next start, and every one that was in use as evidence.
func CRLKeeper(db *store.DB) trust.Keeper { return crlKeeper{db} }

type crlKeeper struct{ db *store.DB }

// LoadCRLs implements trust.Keeper.
func (k crlKeeper) LoadCRLs(ctx context.Context) ([]trust.KeptCRL, error) {
	var lists []trust.KeptCRL
	err := k.db.View(ctx, func(tx *store.Tx) error {
		kept, err := tx.KeptCRLs()
		if err != nil {
			return err
		}
		for _, c := range kept {
			d, err := tx.Document(c.Hash[:])
			if err != nil {
				return err
			}
			lists = append(lists, trust.KeptCRL{IssuerKey: c.IssuerKey, Number: c.Number, Hash: c.Hash, DER: d.Data, FetchedAt: c.FetchedAt})
		}
		return nil
	})
	return lists, err
}

// KeepCRL implements trust.Keeper.
func (k crlKeeper) KeepCRL(ctx context.Context, list trust.KeptCRL) error {
	a := Archive{db: k.db}
	return k.db.Update(ctx, func(tx *store.Tx) error {
		if err := a.keepDocument(tx, store.DocumentCRL, list.Hash[:], list.DER); err != nil {
			return err
		}
		return tx.KeepCRL(store.KeptCRL{IssuerKey: list.IssuerKey, Number: list.Number, Hash: list.Hash, FetchedAt: list.FetchedAt})
	})
}
