// Package access knows the people of banks who sign in: who somebody is, by the
// certificate of the e-token, the user name and the password; what the
// administrators of a bank do about it; and the record of who did what.
//
// Everything is a bank's. A person acts within the own bank only, and another
// bank's people are answered like people who do not exist.
//
// It sees neither HTTP nor HTML and keeps no cookie: pages of a workplace call
// it, show its refusals by their keys, and keep the Subject that SignIn returns
// in the browser's session. The command line calls it for the gateway's operator.
// Rights are the table in the root package: what may be done to payments is
// asked there and recorded here, in the transaction of its effect.
package access

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// Limits of a session (WP-519). A session is over when the password, the
// rights or the registration it hangs on have changed.
const (
	SessionIdle     = 15 * time.Minute
	SessionAbsolute = 12 * time.Hour
)

// Refusal is an outcome a person is told about: the key of its text in the
// catalogue of messages. Refusals are recorded.
type Refusal struct{ key, text string }

// Error says what was refused, for logs.
func (r *Refusal) Error() string { return r.text }

// Key returns the key of the text that people see. It never changes its meaning.
func (r *Refusal) Key() string { return r.key }

// KeyOf returns the key of the refusal that an error wraps.
func KeyOf(err error) (key string, ok bool) {
	var r *Refusal
	if errors.As(err, &r) {
		return r.key, true
	}
	return "", false
}

// What a certificate is refused for. People see the same text in each case
// (WP-502).
var (
	ErrNoCertificate = &Refusal{"token.refused", "no certificate was presented"}
	ErrUntrusted     = &Refusal{"token.refused", "the certificate is not of the authority"}
	ErrExpired       = &Refusal{"token.refused", "the certificate is not valid now"}
	ErrRevoked       = &Refusal{"token.refused", "the authority has revoked the certificate"}
	ErrNotRegistered = &Refusal{"token.refused", "the certificate is not registered to anybody"}
	ErrSuspended     = &Refusal{"token.refused", "the person, the branch or the bank is suspended"}
)

// What a login, a renewal or a change of the password is refused for.
var (
	ErrWrongUser     = &Refusal{"login.wrong_user", "the user name is not that of the certificate's owner"}
	ErrWrongPassword = &Refusal{"login.wrong_password", "the password is wrong"}
	ErrRenewDue      = &Refusal{"login.renew_due", "the password must be renewed"}
	ErrLocked        = &Refusal{"login.locked", "the person is locked"}

	ErrCurrentWrong = &Refusal{"password.current_wrong", "the current password is wrong"}
	ErrMismatch     = &Refusal{"password.mismatch", "the new passwords differ"}
	ErrSame         = &Refusal{"password.same", "the new password is the current one"}
	ErrWeak         = &Refusal{"password.weak", "the new password is too short, or lacks a letter or a digit"}
	ErrTooLong      = &Refusal{"password.too_long", "the new password is longer than 128 characters"}
)

// What an administrator is refused for.
var (
	ErrForbidden     = &Refusal{"access.forbidden", "the person has no right to this"}
	ErrOneself       = &Refusal{"access.oneself", "nobody administers the own person"}
	ErrNoPerson      = &Refusal{"person.not_found", "the bank has no such person"}
	ErrUserNameTaken = &Refusal{"person.user_name_taken", "the bank has somebody of that user name"}
	ErrProfile       = &Refusal{"person.invalid", "the profile is not in order"}
	ErrNoToken       = &Refusal{"token.not_found", "the person has no such e-token in use"}
	ErrTokenTaken    = &Refusal{"token.taken", "the certificate is registered already"}
	ErrTokenUnfit    = &Refusal{"token.unfit", "the certificate cannot be an e-token's"}
	ErrTooManyTokens = &Refusal{"token.too_many", "the person has too many e-tokens in use"}
)

// Errors that are no refusals.
var (
	// ErrSession: there is no session, or it is over. The login page is next.
	ErrSession = errors.New("the session is over")
	// ErrUnavailable: nothing is known against the certificate, but there is no
	// usable revocation list. Trying again later may help.
	ErrUnavailable = errors.New("certificates cannot be checked now")
	// ErrBusy: too many passwords are being checked, or changes of one person
	// overtook each other too often. Trying again helps.
	ErrBusy = errors.New("too much is under way")
)

// Trust says whether a TLS client's certificate is to be believed: that its
// chain leads to an anchor, that it is valid and not revoked. *trust.Store does.
type Trust interface {
	VerifyConnection(tls.ConnectionState) error
}

// Config joins an Access.
type Config struct {
	// Trust checks certificates. Nil refuses every connection; registrations are
	// then taken unchecked, which only the command line does.
	Trust Trust
	// Calendar says what a month is (WP-508) and to which day a record belongs.
	Calendar *tolem.Calendar
	// Evidence takes the seals of the audit. Nil: nothing is sealed, and seals are
	// not looked at.
	Evidence *archive.Archive
	// Hash is how passwords are hashed from now on; DefaultHash if zero.
	Hash HashParams
	// Hashers is how many passwords are hashed at the same time, each in
	// Hash.Memory; one a processor if zero.
	Hashers int
}

// Access is safe for concurrent use, and any number of them may work on one
// database.
type Access struct {
	db       *store.DB
	trust    Trust
	calendar *tolem.Calendar
	evidence *archive.Archive
	hasher   *hasher
}

// New returns an Access over an open store with a vault.
func New(c Config, db *store.DB) (*Access, error) {
	if c.Hash == (HashParams{}) {
		c.Hash = DefaultHash
	}
	if err := c.Hash.check(); err != nil {
		return nil, err
	}
	if c.Hashers <= 0 {
		c.Hashers = runtime.GOMAXPROCS(0)
	}
	if c.Calendar == nil {
		return nil, errors.New("access: a calendar is needed")
	}
	return &Access{db: db, trust: c.Trust, calendar: c.Calendar, evidence: c.Evidence, hasher: newHasher(c.Hash, c.Hashers)}, nil
}

// Actor is who does something, and from where.
type Actor struct {
	Person      tolem.Person // zero: the gateway's operator
	Token       tolem.EToken // that the connection was opened with
	Workstation string       // address

	operator string // account of the gateway's operator at the command line
}

// Operator is the gateway's own operator at the command line: may administer
// the people of every bank, and does nothing else.
func Operator(account, workstation string) Actor {
	return Actor{operator: account, Workstation: workstation}
}

// operatorPrefix tells the gateway's operators from people in the audit. No
// PersonID holds a colon.
const operatorPrefix = "gateway:"

// name is how the actor stands in the audit and in CreatedBy.
func (a Actor) name() string {
	if a.Person.ID != "" {
		return string(a.Person.ID)
	}
	return operatorPrefix + a.operator
}

func (a Actor) isOperator() bool { return a.Person.ID == "" && a.operator != "" }

// String names the actor without personal data.
func (a Actor) String() string { return a.name() }

// wrapped says what was being done when something failed. Refusals say so
// themselves.
func wrapped(doing string, err error) error {
	if _, ok := KeyOf(err); ok || err == nil {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// view and update shorten what every operation does.
func (a *Access) view(ctx context.Context, doing string, fn func(*store.Tx) error) error {
	return wrapped(doing, a.db.View(ctx, fn))
}

func (a *Access) update(ctx context.Context, doing string, fn func(*store.Tx) error) error {
	return wrapped(doing, a.db.Update(ctx, fn))
}
