package workplace

import (
	"context"
	"errors"

	"tolem"
	"tolem/access"
	"tolem/smartcard"
	"tolem/smartcard/desk"
	"tolem/store"
)

// Pair takes the enrolment that a page has fetched from the card bridge of its
// computer and returns the grant that the page brings back (docs/card-bridge.md).
// Whoever works at the desk may bring it: what proves that the bridge is the
// workstation's is the pairing code, which neither page nor operator sees.
func (w *Workplace) Pair(ctx context.Context, by access.Actor, enrolment string) (grant string, err error) {
	if err := w.mayCards(by, tolem.ActReadCard); err != nil {
		return "", err
	}
	err = w.db.Update(ctx, func(tx *store.Tx) (err error) {
		_, grant, err = w.Cards.Pair(tx, by.Person.Bank, enrolment, string(by.Person.ID))
		return err
	})
	return grant, pairRefusal(err)
}

// BridgeKeys returns the document with which a paired bridge learns the keys that
// tickets are signed with from now on.
func (w *Workplace) BridgeKeys(ctx context.Context, by access.Actor, station tolem.WorkstationID) (keys string, err error) {
	if err := w.mayCards(by, tolem.ActReadCard); err != nil {
		return "", err
	}
	err = w.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = w.Cards.Keys(tx, by.Person.Bank, station)
		return err
	})
	return keys, pairRefusal(err)
}

// pairRefusal is what people are told if a bridge was not paired.
func pairRefusal(err error) error {
	for _, refused := range []error{desk.ErrWorkstation, desk.ErrPairing, desk.ErrSimulated, smartcard.ErrDocument, smartcard.ErrSignature} {
		if errors.Is(err, refused) {
			return because(CardRefusal(smartcard.NotPaired), err)
		}
	}
	return err
}
