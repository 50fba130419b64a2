package desk

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tolem"
	"tolem/archive"
	"tolem/smartcard"
	"tolem/store"
)

// maxName bounds the name of a workstation, in characters.
const maxName = 60

// ErrName reports a name that a workstation cannot have.
var ErrName = fmt.Errorf("a workstation needs a name of at most %d characters", maxName)

// Register makes a workstation of a bank's branch known and returns the code
// with which its bridge is paired. The code is shown once.
func (d *Desk) Register(tx *store.Tx, bank, branch tolem.ParticipantID, name, by string) (tolem.Workstation, smartcard.PairingCode, error) {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name) {
		return tolem.Workstation{}, smartcard.PairingCode{}, ErrName
	}
	w := tolem.Workstation{
		ID: smartcard.NewWorkstationID(), Bank: bank, Branch: branch, Name: name, Version: 1,
		RegisteredBy: by, RegisteredAt: tx.Now(), PairBy: tx.Now().Add(d.config.PairingLife),
	}
	code := smartcard.NewPairingCode(w.ID)
	secret := code.Secret()
	return w, code, tx.InsertWorkstation(w, secret[:])
}

// NewCode returns another pairing code for a workstation: its bridge was not
// paired in time, or is to have a new key. The bridge it has works until the
// pairing is done.
func (d *Desk) NewCode(tx *store.Tx, bank tolem.ParticipantID, id tolem.WorkstationID) (tolem.Workstation, smartcard.PairingCode, error) {
	w, err := tx.Workstation(bank, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !w.WithdrawnAt.IsZero() {
		err = ErrWorkstation
	}
	if err != nil {
		return w, smartcard.PairingCode{}, err
	}
	w.PairBy = tx.Now().Add(d.config.PairingLife)
	code := smartcard.NewPairingCode(w.ID)
	secret := code.Secret()
	return w, code, tx.ChangeWorkstation(w, secret[:])
}

// Withdraw takes a workstation out of use, for ever. What its bridge says counts
// no more; its open tickets are decided by reading the cards elsewhere.
func (d *Desk) Withdraw(tx *store.Tx, bank tolem.ParticipantID, id tolem.WorkstationID, by string) (tolem.Workstation, error) {
	w, err := tx.Workstation(bank, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return w, ErrWorkstation
	case err != nil || !w.WithdrawnAt.IsZero():
		return w, err
	}
	w.WithdrawnBy, w.WithdrawnAt, w.PairBy = by, tx.Now(), time.Time{}
	return w, tx.ChangeWorkstation(w, nil)
}

// Workstations lists a bank's workstations behind a place.
func (d *Desk) Workstations(tx *store.Tx, bank tolem.ParticipantID, after tolem.WorkstationID, limit int) ([]tolem.Workstation, error) {
	return tx.Workstations(bank, after, limit)
}

// Pair verifies the enrolment that a page brings from a bridge, makes the
// bridge's key the workstation's, and returns the grant that the page takes
// back. A secret is good once: of two pages one pairs. By is who brings it.
func (d *Desk) Pair(tx *store.Tx, bank tolem.ParticipantID, enrolment, by string) (w tolem.Workstation, grant string, err error) {
	var secret smartcard.PairingSecret
	e, err := smartcard.OpenEnrolment(enrolment, func(id tolem.WorkstationID) (smartcard.PairingSecret, error) {
		var found []byte
		w, found, err = tx.WorkstationSecret(bank, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return secret, ErrWorkstation
		case err != nil:
			return secret, err
		case len(found) != len(secret) || !w.WithdrawnAt.IsZero() || !tx.Now().Before(w.PairBy):
			return secret, ErrPairing
		}
		copy(secret[:], found)
		return secret, nil
	})
	if err != nil {
		return w, "", err
	}
	if e.Simulated && !d.config.Sandbox {
		return w, "", ErrSimulated
	}
	w.Key, w.Simulated, w.PairedAt, w.PairBy = e.Key.ID, e.Simulated, tx.Now(), time.Time{}
	if grant, err = d.signer.SignGrant(smartcard.Grant{Workstation: w.ID, Bridge: e.Key.ID, Keys: d.keys, At: tx.Now().Unix()}, secret); err != nil {
		return w, "", err
	}
	record := archive.Record{At: tx.Now(), Participant: bank, Operation: opPairing, RequestID: tolem.RequestID(w.ID)}
	in, out := record, record
	in.ID, in.Direction, in.Raw = archive.NewMessageID(tx.Now()), archive.In, []byte(enrolment)
	out.ID, out.Direction, out.Raw = archive.NewMessageID(tx.Now()), archive.Out, []byte(grant)
	// Both keys stand in them: with these two whatever either signs is proved from
	// the archive alone.
	err = errors.Join(
		d.evidence.Add(tx, in, out),
		tx.InsertBridgeKey(store.BridgeKey{ID: e.Key.ID, Workstation: w.ID, Point: e.Key.Bytes(), PairedBy: by, AddedAt: tx.Now()}),
		tx.ChangeWorkstation(w, nil),
	)
	return w, grant, err
}

// Keys returns the document that brings a paired bridge the keys tickets are
// signed with from now on. A page hands it over before the old key goes.
func (d *Desk) Keys(tx *store.Tx, bank tolem.ParticipantID, id tolem.WorkstationID) (string, error) {
	w, err := d.usable(tx, bank, id)
	if err != nil {
		return "", err
	}
	return d.signer.SignKeys(smartcard.Grant{Workstation: w.ID, Bridge: w.Key, Keys: d.keys, At: tx.Now().Unix()})
}
