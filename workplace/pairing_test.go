package workplace_test

import (
	"errors"
	"testing"

	"tolem"
	"tolem/access"
	"tolem/internal/pki"
	"tolem/smartcard"
	"tolem/store"
	"tolem/workplace"
)

// A page brings a bridge's enrolment and takes the grant back, once; and the
// gateway's keys afterwards.
func TestPageBringsThePairing(t *testing.T) {
	w := newWorld(t, sqlite(t))
	p, other := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator)), w.till(w.signedIn(rabita, "vali", tolem.RoleOperator))
	admin := w.signedIn(kapital, "admin", tolem.RoleBankAdmin)
	var code smartcard.PairingCode
	w.update(func(tx *store.Tx) (err error) {
		_, code, err = w.cards.Register(tx, kapital, branches[kapital], "Kassa 2", "security")
		return err
	})
	key, err := pki.P256.NewKey()
	w.must(err)
	bridge, err := smartcard.NewSigner(key)
	w.must(err)
	enrolment, err := bridge.SignEnrolment(code.Workstation, true, code.Secret())
	w.must(err)
	refused := func(who string, err error, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", who, err, want)
		}
	}
	notPaired := workplace.CardRefusal(smartcard.NotPaired)
	_, err = p.at.Pair(t.Context(), admin, enrolment)
	refused("an administrator", err, access.ErrForbidden)
	_, err = p.at.Pair(t.Context(), other.Actor, enrolment)
	refused("another bank", err, notPaired)
	_, err = p.at.Pair(t.Context(), p.Actor, "nonsense")
	refused("nonsense", err, notPaired)
	_, err = p.at.BridgeKeys(t.Context(), p.Actor, code.Workstation)
	refused("keys before it is paired", err, notPaired)

	text, err := p.at.Pair(t.Context(), p.Actor, enrolment)
	w.must(err)
	grant, err := smartcard.OpenGrant(text, code.Secret())
	w.must(err)
	if grant.Workstation != code.Workstation || grant.Bridge != bridge.Public.ID {
		t.Errorf("%+v", grant)
	}
	_, err = p.at.Pair(t.Context(), p.Actor, enrolment)
	refused("a second time", err, notPaired)
	_, err = p.at.BridgeKeys(t.Context(), p.Actor, code.Workstation)
	w.must(err)
	_, err = p.at.BridgeKeys(t.Context(), other.Actor, code.Workstation)
	refused("another bank's keys", err, notPaired)
}
