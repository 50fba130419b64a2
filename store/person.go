package store

import (
	"fmt"

	"tolem"
)

const personColumns = `id, bank, branch, role, asan_point, suspended, failures, locked_at, password_at, temporary, credential, version,
	created_at, created_by, data`

// InsertPerson stores somebody new with the hash of a password. Update returns
// ErrExists if the bank has somebody of that user name.
func (tx *Tx) InsertPerson(p tolem.Person, password string) error {
	data, err := tx.sealPerson(p)
	if err != nil {
		return err
	}
	secret, err := tx.sealPassword(p.ID, password)
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO person (` + personColumns + `, name_index, password)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
			ON CONFLICT (bank, name_index) DO NOTHING`,
		args: []any{
			string(p.ID), string(p.Bank), string(p.Branch), string(p.Role), string(p.AsanPoint), boolean(p.Suspended), int64(p.Failures),
			micros(p.LockedAt), micros(p.PasswordAt), boolean(p.Temporary), p.Credential, p.Version, micros(p.CreatedAt), p.CreatedBy,
			data, tx.nameIndex(p.Bank, p.UserName), secret,
		},
		want: 1, otherwise: errUserName,
	}, personKey(p.ID))
}

// errUserName reports a user name that is taken. It does not repeat it.
var errUserName = fmt.Errorf("somebody of that user name: %w", ErrExists)

func personKey(id tolem.PersonID) guardKey { return guardKey{table: "person", name: string(id)} }

// nameIndex finds somebody by bank and user name. Participants' ids hold no
// slash.
func (tx *Tx) nameIndex(bank tolem.ParticipantID, name tolem.UserName) []byte {
	return tx.db.vault.Index("user name", []byte(string(bank)+"/"+string(name)))
}

func (tx *Tx) sealPerson(p tolem.Person) ([]byte, error) {
	f := newFields()
	f.text(string(p.UserName))
	f.text(p.FirstName)
	f.text(p.Surname)
	return tx.seal(f, personContext(p.ID))
}

func (tx *Tx) sealPassword(id tolem.PersonID, password string) ([]byte, error) {
	f := newFields()
	f.text(password)
	return tx.seal(f, passwordContext(id))
}

func personContext(id tolem.PersonID) string   { return "person/" + string(id) }
func passwordContext(id tolem.PersonID) string { return "password/" + string(id) }

// ChangePerson stores how a person stands now, but for the password. If it has
// changed since it was read, the closure is run again; so it is if another of
// the bank has taken the user name.
func (tx *Tx) ChangePerson(p tolem.Person) error {
	data, err := tx.sealPerson(p)
	if err != nil {
		return err
	}
	index := tx.nameIndex(p.Bank, p.UserName)
	return tx.exec(single{
		text: `UPDATE person SET version = version + 1, branch = $1, role = $2, asan_point = $3, suspended = $4, failures = $5, locked_at = $6,
				password_at = $7, temporary = $8, credential = $9, data = $10, name_index = $11
			WHERE id = $12 AND bank = $13 AND version = $14
				AND NOT EXISTS (SELECT 1 FROM person other WHERE other.bank = $15 AND other.name_index = $16 AND other.id <> $17)`,
		args: []any{
			string(p.Branch), string(p.Role), string(p.AsanPoint), boolean(p.Suspended), int64(p.Failures), micros(p.LockedAt),
			micros(p.PasswordAt), boolean(p.Temporary), p.Credential, data, index,
			string(p.ID), string(p.Bank), p.Version, string(p.Bank), index, string(p.ID),
		},
		want: 1,
	}, personKey(p.ID))
}

// ChangePassword stores the hash of another password. It goes with
// ChangePerson, which guards it.
func (tx *Tx) ChangePassword(p tolem.Person, password string) error {
	secret, err := tx.sealPassword(p.ID, password)
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `UPDATE person SET password = $1 WHERE id = $2 AND bank = $3`,
		args: []any{secret, string(p.ID), string(p.Bank)}, want: 1,
	}, personKey(p.ID))
}

// Person returns somebody of a bank, or ErrNotFound.
func (tx *Tx) Person(bank tolem.ParticipantID, id tolem.PersonID) (tolem.Person, error) {
	return one(tx.listPeople("WHERE id = $1 AND bank = $2", string(id), string(bank)))
}

// PersonNamed returns somebody of a bank by the user name, or ErrNotFound.
func (tx *Tx) PersonNamed(bank tolem.ParticipantID, name tolem.UserName) (tolem.Person, error) {
	return one(tx.listPeople("WHERE bank = $1 AND name_index = $2", string(bank), tx.nameIndex(bank, name)))
}

// People returns up to limit people of a bank after the one named, in the order
// of their ids.
func (tx *Tx) People(bank tolem.ParticipantID, after tolem.PersonID, limit int) ([]tolem.Person, error) {
	return tx.listPeople("WHERE bank = $1 AND id > $2 ORDER BY id LIMIT $3", string(bank), string(after), int64(limit))
}

func (tx *Tx) listPeople(where string, args ...any) ([]tolem.Person, error) {
	var list []tolem.Person
	err := tx.db.query(tx.ctx, "SELECT "+personColumns+" FROM person "+where, args, func(scan func(...any) error) error {
		p, err := tx.db.scanPerson(scan)
		list = append(list, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	return list, nil
}

// scanPerson reads the columns of a person, and what follows them.
func (db *DB) scanPerson(scan func(...any) error, more ...any) (tolem.Person, error) {
	var p tolem.Person
	var suspended, locked, passwordAt, temporary, created int64
	var data []byte
	err := scan(append([]any{
		&p.ID, &p.Bank, &p.Branch, &p.Role, &p.AsanPoint, &suspended, &p.Failures, &locked, &passwordAt, &temporary, &p.Credential, &p.Version,
		&created, &p.CreatedBy, &data,
	}, more...)...)
	if err != nil {
		return p, err
	}
	p.Suspended, p.Temporary = suspended != 0, temporary != 0
	p.LockedAt, p.PasswordAt, p.CreatedAt = instant(locked), instant(passwordAt), instant(created)
	f, err := db.open(data, personContext(p.ID))
	if err != nil {
		return p, err
	}
	p.UserName, p.FirstName, p.Surname = tolem.UserName(f.text()), f.text(), f.text()
	return p, f.err
}

// PersonWithPassword returns somebody of a bank with the hash of the password,
// as they stood at one moment, or ErrNotFound.
func (tx *Tx) PersonWithPassword(bank tolem.ParticipantID, id tolem.PersonID) (p tolem.Person, password string, err error) {
	found := false
	err = tx.db.query(tx.ctx, "SELECT "+personColumns+", password FROM person WHERE id = $1 AND bank = $2", []any{string(id), string(bank)},
		func(scan func(...any) error) error {
			var secret []byte
			var err error
			if p, err = tx.db.scanPerson(scan, &secret); err != nil {
				return err
			}
			f, err := tx.db.open(secret, passwordContext(id))
			if err != nil {
				return err
			}
			password, found = f.text(), true
			return f.err
		})
	switch {
	case err != nil:
		return tolem.Person{}, "", fmt.Errorf("read person: %w", err)
	case !found:
		return tolem.Person{}, "", fmt.Errorf("person: %w", ErrNotFound)
	}
	return p, password, nil
}

const tokenColumns = `fingerprint, registered_at, bank, person, certificate, not_after, registered_by, revoked_at, revoked_by`

// InsertToken registers a certificate to a person. Update returns ErrExists if
// it is registered to anybody.
func (tx *Tx) InsertToken(t tolem.EToken) error {
	return tx.exec(single{
		text: `INSERT INTO e_token (` + tokenColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '') ON CONFLICT DO NOTHING`,
		args: []any{t.Fingerprint[:], micros(t.RegisteredAt), string(t.Bank), string(t.Person), t.Serial, micros(t.NotAfter), t.RegisteredBy},
		want: 1, otherwise: fmt.Errorf("registration of certificate %s: %w", t.Fingerprint, ErrExists),
	}, tokenKey(t.Fingerprint))
}

func tokenKey(f tolem.Fingerprint) guardKey { return guardKey{table: "e_token", name: string(f[:])} }

// RevokeToken ends a registration that was read as standing. Update returns
// ErrNotFound if it does not stand any more.
func (tx *Tx) RevokeToken(t tolem.EToken) error {
	return tx.exec(single{
		text: `UPDATE e_token SET revoked_at = $1, revoked_by = $2 WHERE fingerprint = $3 AND registered_at = $4 AND bank = $5 AND revoked_at = 0`,
		args: []any{micros(t.RevokedAt), t.RevokedBy, t.Fingerprint[:], micros(t.RegisteredAt), string(t.Bank)},
		want: 1, otherwise: fmt.Errorf("registration of certificate %s: %w", t.Fingerprint, ErrNotFound),
	}, tokenKey(t.Fingerprint))
}

// TokenInUse returns the registration of a certificate that stands, or
// ErrNotFound. It says whose bank the certificate is of.
func (tx *Tx) TokenInUse(f tolem.Fingerprint) (tolem.EToken, error) {
	return one(tx.listTokens("WHERE fingerprint = $1 AND revoked_at = 0", f[:]))
}

// TokensOf returns every registration of a person of a bank, oldest first.
func (tx *Tx) TokensOf(bank tolem.ParticipantID, id tolem.PersonID) ([]tolem.EToken, error) {
	return tx.listTokens("WHERE bank = $1 AND person = $2 ORDER BY registered_at, fingerprint", string(bank), string(id))
}

func (tx *Tx) listTokens(where string, args ...any) ([]tolem.EToken, error) {
	var list []tolem.EToken
	err := tx.db.query(tx.ctx, "SELECT "+tokenColumns+" FROM e_token "+where, args, func(scan func(...any) error) error {
		var t tolem.EToken
		var fingerprint []byte
		var registered, notAfter, revoked int64
		err := scan(&fingerprint, &registered, &t.Bank, &t.Person, &t.Serial, &notAfter, &t.RegisteredBy, &revoked, &t.RevokedBy)
		copy(t.Fingerprint[:], fingerprint)
		t.RegisteredAt, t.NotAfter, t.RevokedAt = instant(registered), instant(notAfter), instant(revoked)
		list = append(list, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read e-tokens: %w", err)
	}
	return list, nil
}
