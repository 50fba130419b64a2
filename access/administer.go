package access

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tolem"
	"tolem/store"
)

// Who administers: the bank's security administrator the operators and bank
// administrators of the own bank (WP-515 to WP-518), the gateway's operator
// everybody. So nobody makes a security administrator but the gateway's
// operator, and nobody administers the own person.

// personIDSize is the length of a PersonID: 60 bits in base 32.
const personIDSize = 12

func newPersonID() tolem.PersonID { return tolem.PersonID(strings.ToLower(rand.Text()[:personIDSize])) }

// scope returns the bank an actor works in. The gateway's operator names it;
// others have their own, whatever is named.
func (a *Access) scope(by Actor, bank tolem.ParticipantID, action tolem.Action) (tolem.ParticipantID, error) {
	switch {
	case by.isOperator():
		return bank, nil
	case !by.Person.May(action):
		return "", ErrForbidden
	}
	return by.Person.Bank, nil
}

// administer runs a change of a bank's people and records it. The actor's right
// is looked at again inside: it may have been taken away meanwhile.
func (a *Access) administer(ctx context.Context, by Actor, bank tolem.ParticipantID, e Event, change func(tx *store.Tx, bank tolem.ParticipantID) error) error {
	bank, err := a.scope(by, bank, e.Action)
	if err != nil {
		return err
	}
	e.Outcome = OutcomeOK
	return a.update(ctx, string(e.Action), func(tx *store.Tx) error {
		if err := stillSigned(tx, by); err != nil {
			return err
		}
		if err := change(tx, bank); err != nil {
			return err
		}
		return a.audit(tx, bank, by, e)
	})
}

// stillSigned returns ErrSession if the actor's session ended meanwhile.
func stillSigned(tx *store.Tx, by Actor) error {
	if by.isOperator() {
		return nil
	}
	p, err := tx.Person(by.Person.Bank, by.Person.ID)
	if err == nil && p.Credential != by.Person.Credential || errors.Is(err, store.ErrNotFound) {
		return ErrSession
	}
	return err
}

// mayManage returns why an actor does not manage a person of that role.
func mayManage(by Actor, id tolem.PersonID, role tolem.Role) error {
	switch {
	case by.isOperator():
		return nil
	case id == by.Person.ID:
		return ErrOneself
	case role == tolem.RoleBankSecurityAdmin:
		return ErrForbidden
	}
	return nil
}

// managed returns a person of the bank that the actor may manage.
func managed(tx *store.Tx, by Actor, bank tolem.ParticipantID, id tolem.PersonID) (tolem.Person, error) {
	p, err := tx.Person(bank, id)
	if errors.Is(err, store.ErrNotFound) {
		return p, ErrNoPerson
	}
	if err != nil {
		return p, err
	}
	return p, mayManage(by, p.ID, p.Role)
}

// checkPlace returns ErrProfile unless the bank is one and the branch its.
func checkPlace(tx *store.Tx, bank, branch tolem.ParticipantID) error {
	b, err := tx.Participant(bank)
	if errors.Is(err, store.ErrNotFound) || err == nil && b.Kind != tolem.KindBank {
		return fmt.Errorf("%w: no bank %q", ErrProfile, bank)
	}
	if err != nil || branch == "" {
		return err
	}
	p, err := tx.Participant(branch)
	if errors.Is(err, store.ErrNotFound) || err == nil && (p.Kind != tolem.KindBranch || !slices.Contains(p.ActsFor, bank)) {
		return fmt.Errorf("%w: %s has no branch %q", ErrProfile, bank, branch)
	}
	return err
}

// checkName returns ErrUserNameTaken if somebody else of the bank has it.
func checkName(tx *store.Tx, bank tolem.ParticipantID, id tolem.PersonID, name tolem.UserName) error {
	p, err := tx.PersonNamed(bank, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err == nil && p.ID != id:
		return ErrUserNameTaken
	}
	return err
}

func checkProfile(p tolem.Profile) error {
	if err := p.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrProfile, err)
	}
	return nil
}

// AddPerson registers somebody and returns a temporary password, to be shown
// once.
func (a *Access) AddPerson(ctx context.Context, by Actor, bank tolem.ParticipantID, in tolem.Profile) (p tolem.Person, temporary Password, err error) {
	if err := errors.Join(checkProfile(in), mayManage(by, "", in.Role)); err != nil {
		return p, Password{}, err
	}
	temporary = temporaryPassword()
	hash, err := a.hasher.hash(ctx, temporary)
	if err != nil {
		return p, Password{}, err
	}
	id := newPersonID()
	err = a.administer(ctx, by, bank, Event{Action: tolem.ActAddPerson, Subject: string(id)}, func(tx *store.Tx, bank tolem.ParticipantID) error {
		if err := errors.Join(checkPlace(tx, bank, in.Branch), checkName(tx, bank, id, in.UserName)); err != nil {
			return err
		}
		p = tolem.Person{ID: id, Bank: bank, Profile: in, Version: 1, CreatedAt: tx.Now(), CreatedBy: by.name()}.WithPassword(tx.Now(), true)
		return tx.InsertPerson(p, hash)
	})
	if errors.Is(err, store.ErrExists) {
		err = ErrUserNameTaken
	}
	if err != nil {
		return tolem.Person{}, Password{}, err
	}
	return p, temporary, nil
}

// ChangePerson stores another profile. Where they change rights, the person's
// sessions are over.
func (a *Access) ChangePerson(ctx context.Context, by Actor, bank tolem.ParticipantID, id tolem.PersonID, in tolem.Profile) (tolem.Person, error) {
	if err := errors.Join(checkProfile(in), mayManage(by, id, in.Role)); err != nil {
		return tolem.Person{}, err
	}
	return a.change(ctx, by, bank, id, tolem.ActChangePerson, func(tx *store.Tx, p tolem.Person) (tolem.Person, error) {
		return p.WithProfile(in), errors.Join(checkPlace(tx, p.Bank, in.Branch), checkName(tx, p.Bank, p.ID, in.UserName))
	})
}

// Suspend ends a person's sessions and opens none until Resume.
func (a *Access) Suspend(ctx context.Context, by Actor, bank tolem.ParticipantID, id tolem.PersonID) error {
	_, err := a.change(ctx, by, bank, id, tolem.ActSuspend, func(_ *store.Tx, p tolem.Person) (tolem.Person, error) { return p.WithSuspended(true), nil })
	return err
}

// Resume takes a suspended person back.
func (a *Access) Resume(ctx context.Context, by Actor, bank tolem.ParticipantID, id tolem.PersonID) error {
	_, err := a.change(ctx, by, bank, id, tolem.ActResume, func(_ *store.Tx, p tolem.Person) (tolem.Person, error) { return p.WithSuspended(false), nil })
	return err
}

// Unlock lifts the lock of wrong passwords; the password stays (WP-517).
func (a *Access) Unlock(ctx context.Context, by Actor, bank tolem.ParticipantID, id tolem.PersonID) error {
	_, err := a.change(ctx, by, bank, id, tolem.ActUnlock, func(_ *store.Tx, p tolem.Person) (tolem.Person, error) { return p.Unlocked(), nil })
	return err
}

// SetTemporaryPassword draws a password for somebody who has lost the own, and
// returns it, to be shown once (WP-518). It is due at the next login, lives
// tolem.TemporaryTTL, and lifts a lock.
func (a *Access) SetTemporaryPassword(ctx context.Context, by Actor, bank tolem.ParticipantID, id tolem.PersonID) (Password, error) {
	temporary := temporaryPassword()
	hash, err := a.hasher.hash(ctx, temporary)
	if err != nil {
		return Password{}, err
	}
	err = a.administer(ctx, by, bank, Event{Action: tolem.ActSetPassword, Subject: string(id)}, func(tx *store.Tx, bank tolem.ParticipantID) error {
		p, err := managed(tx, by, bank, id)
		if err != nil {
			return err
		}
		p = p.WithPassword(tx.Now(), true)
		if err := tx.ChangePerson(p); err != nil {
			return err
		}
		return tx.ChangePassword(p, hash)
	})
	if err != nil {
		return Password{}, err
	}
	return temporary, nil
}

// change stores what becomes of a person.
func (a *Access) change(ctx context.Context, by Actor, bank tolem.ParticipantID, id tolem.PersonID, action tolem.Action,
	become func(*store.Tx, tolem.Person) (tolem.Person, error),
) (after tolem.Person, err error) {
	err = a.administer(ctx, by, bank, Event{Action: action, Subject: string(id)}, func(tx *store.Tx, bank tolem.ParticipantID) error {
		p, err := managed(tx, by, bank, id)
		if err != nil {
			return err
		}
		if after, err = become(tx, p); err != nil {
			return err
		}
		return tx.ChangePerson(after)
	})
	return after, err
}
