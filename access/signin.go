package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"tolem"
	"tolem/store"
)

// Visitor is who stands before the login page: the owner of the certificate, or
// somebody who has the owner's e-token.
type Visitor struct {
	Certificate RegisteredCertificate // from Verify
	Workstation string                // address
}

// SignIn opens a session for the certificate's owner (WP-017). It refuses with
//
//	ErrWrongUser      the user name is not the owner's, whoever else's it may be (WP-012, WP-503)
//	ErrLocked         nothing opens a session until the security administrator helps (WP-507)
//	ErrWrongPassword  and counts it (WP-014)
//	ErrRenewDue       the password is right, but its month is over or it is temporary (WP-509, WP-518)
//
// and with ErrNotRegistered or ErrSuspended if that happened meanwhile. Every
// attempt is recorded; the user name that was typed is not, since people type
// passwords there.
//
// Whether a user name exists cannot be found out: none but the owner's is
// looked up. A locked person's password is not looked at, so that a lock leaves
// nothing to guess at.
func (a *Access) SignIn(ctx context.Context, v Visitor, userName string, p Password) (Actor, error) {
	return a.prove(ctx, v, proof{action: tolem.ActSignIn, userName: userName, password: p, wrong: ErrWrongPassword, stays: true}, nil)
}

// proof is what a visitor claims to know.
type proof struct {
	action   tolem.Action
	userName string
	password Password
	wrong    *Refusal // a wrong password is told as this
	inside   bool     // within a session: the user name is known
	stays    bool     // the password does, so its hash may be brought to today's costs
}

// maxProofs bounds how often a password is checked anew because it was changed
// meanwhile.
const maxProofs = 4

// errMoved: the stored password is not the one that was checked.
var errMoved = errors.New("the password was changed meanwhile")

// next is the password that replaces one that was proved.
type next struct {
	hash string
	same bool // it is the old one
}

// prove checks a claim and records it. With a next password it replaces the old
// one, else it ends in a session or in ErrRenewDue. The password is hashed
// outside of the transaction, and what comes of it is decided inside, against
// the state that then is: of wrong passwords that arrive together each counts,
// and after the fifth not even the right one is taken.
func (a *Access) prove(ctx context.Context, v Visitor, claim proof, replace *next) (actor Actor, err error) {
	for range maxProofs {
		actor, err = a.proveOnce(ctx, v, claim, replace)
		if !errors.Is(err, errMoved) {
			return actor, wrapped(string(claim.action), err)
		}
	}
	return Actor{}, ErrBusy
}

func (a *Access) proveOnce(ctx context.Context, v Visitor, claim proof, replace *next) (Actor, error) {
	checked, err := a.check(ctx, v, claim)
	if err != nil {
		return Actor{}, err
	}
	actor := Actor{Token: v.Certificate.Token, Workstation: v.Workstation}
	var refusal error
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		r, stored, err := a.owner(tx, v)
		if err != nil {
			return err
		}
		actor.Person, actor.Token = r.Owner, r.Token
		var changed bool
		actor.Person, changed, refusal = a.decide(tx, r.Owner, claim, checked, stored, replace)
		if errors.Is(refusal, errMoved) {
			return refusal
		}
		if changed {
			if err := tx.ChangePerson(actor.Person); err != nil {
				return err
			}
		}
		if refusal == nil || errors.Is(refusal, ErrRenewDue) {
			if hash := newHash(replace, checked); hash != "" {
				if err := tx.ChangePassword(actor.Person, hash); err != nil {
					return err
				}
			}
		}
		return a.Audit(tx, actor, Event{Action: claim.action, Outcome: OutcomeOf(refusal)})
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return Actor{}, err
	}
	return actor, nil
}

// newHash is the hash to be stored, if any: of the next password, or of the
// same one at today's costs.
func newHash(replace *next, c checked) string {
	if replace != nil {
		return replace.hash
	}
	return c.upgraded
}

// checked is what came of hashing, outside of any transaction.
type checked struct {
	hashed   bool // else the claim is refused without looking at the password
	stored   string
	right    bool
	upgraded string // hash at today's costs; empty if the stored one is at them
}

// check hashes the password that is claimed, if there is a reason to.
func (a *Access) check(ctx context.Context, v Visitor, claim proof) (c checked, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		r, stored, err := a.owner(tx, v)
		if err == nil && (claim.inside || ownName(r.Owner, claim.userName)) && !r.Owner.Locked(tx.Now()) {
			c = checked{hashed: true, stored: stored}
		}
		return err
	})
	if err != nil || !c.hashed || claim.password.tooLong() {
		return c, err
	}
	var outdated bool
	if c.right, outdated, err = a.hasher.verify(ctx, claim.password, c.stored); err == nil && c.right && outdated && claim.stays {
		c.upgraded, err = a.hasher.hash(ctx, claim.password)
	}
	return c, err
}

// owner reads who the visitor's certificate is registered to now.
func (a *Access) owner(tx *store.Tx, v Visitor) (r RegisteredCertificate, stored string, err error) {
	if r, err = registered(tx, v.Certificate.Token.Fingerprint); err != nil {
		return r, "", err
	}
	if r.Owner.ID != v.Certificate.Owner.ID {
		return r, "", ErrNotRegistered // to somebody else since
	}
	r.Owner, stored, err = tx.PersonWithPassword(r.Owner.Bank, r.Owner.ID)
	return r, stored, err
}

// ownName compares in a time that says nothing of the owner's user name.
func ownName(p tolem.Person, typed string) bool {
	name, err := tolem.ParseUserName(typed)
	return err == nil && subtle.ConstantTimeCompare([]byte(name), []byte(p.UserName)) == 1
}

// decide says what becomes of the person, and what is told.
func (a *Access) decide(tx *store.Tx, p tolem.Person, claim proof, c checked, stored string, replace *next) (after tolem.Person, changed bool, refusal error) {
	now := tx.Now()
	switch {
	case !claim.inside && !ownName(p, claim.userName):
		return p, false, ErrWrongUser
	case p.Locked(now):
		return p, false, ErrLocked
	case !c.hashed, c.stored != stored:
		return p, false, errMoved
	case !c.right:
		if after = p.WrongPassword(now); after.Locked(now) {
			return after, true, ErrLocked
		}
		return after, true, claim.wrong
	case replace != nil && replace.same:
		return p.RightPassword(), p.Failures > 0, ErrSame
	case replace != nil:
		return p.WithPassword(now, false), true, nil
	}
	after, changed = p.RightPassword(), p.Failures > 0 || c.upgraded != ""
	if p.Due(now, a.calendar.Zone()) {
		return after, changed, ErrRenewDue
	}
	return after, changed, nil
}

// NewPasswords are a new password as it is typed twice.
type NewPasswords struct{ New, Again Password }

// Renew sets a new password without a session, from the login page (WP-173 to
// WP-175, WP-514). Besides what SignIn refuses it refuses with
//
//	ErrMismatch      the new passwords differ (WP-511)
//	ErrWeak          or ErrTooLong (WP-513)
//	ErrCurrentWrong  and counts it like a wrong password at a login (WP-510)
//	ErrSame          the new one is the current one (WP-512)
//
// in that order. It opens no session.
func (a *Access) Renew(ctx context.Context, v Visitor, userName string, current Password, n NewPasswords) error {
	_, err := a.replace(ctx, v, proof{action: tolem.ActRenewPassword, userName: userName, password: current, wrong: ErrCurrentWrong}, n)
	return err
}

// ChangePassword sets a new password within the session (WP-166 to WP-170). It
// refuses like Renew; with ErrLocked the session is over. The Actor it returns
// is the one of the session that goes on: its Subject replaces the old one,
// which, like the person's other sessions, is over.
func (a *Access) ChangePassword(ctx context.Context, by Actor, current Password, n NewPasswords) (Actor, error) {
	v := Visitor{Certificate: RegisteredCertificate{Token: by.Token, Owner: by.Person}, Workstation: by.Workstation}
	return a.replace(ctx, v, proof{action: tolem.ActChangePassword, password: current, wrong: ErrCurrentWrong, inside: true}, n)
}

// replace checks the new password by itself, then the claim.
func (a *Access) replace(ctx context.Context, v Visitor, claim proof, n NewPasswords) (Actor, error) {
	if refusal := n.check(); refusal != nil {
		return Actor{}, a.refuse(ctx, v, claim, refusal)
	}
	with := next{same: n.New.same(claim.password)}
	if !with.same {
		var err error
		if with.hash, err = a.hasher.hash(ctx, n.New); err != nil {
			return Actor{}, fmt.Errorf("%s: %w", claim.action, err)
		}
	}
	return a.prove(ctx, v, claim, &with)
}

func (n NewPasswords) check() error {
	if !n.New.same(n.Again) {
		return ErrMismatch
	}
	return n.New.check()
}

// refuse records a claim that was not looked into, and returns why. Who is not
// the owner, or locked, is told so first.
func (a *Access) refuse(ctx context.Context, v Visitor, claim proof, why error) error {
	var refusal error
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		r, _, err := a.owner(tx, v)
		if err != nil {
			return err
		}
		switch {
		case !claim.inside && !ownName(r.Owner, claim.userName):
			refusal = ErrWrongUser
		case r.Owner.Locked(tx.Now()):
			refusal = ErrLocked
		default:
			refusal = why
		}
		actor := Actor{Person: r.Owner, Token: r.Token, Workstation: v.Workstation}
		return a.Audit(tx, actor, Event{Action: claim.action, Outcome: OutcomeOf(refusal)})
	})
	if err == nil {
		err = refusal
	}
	return wrapped(string(claim.action), err)
}
