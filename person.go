package tolem

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// PersonID names somebody who signs in. It is drawn when the person is added
// and never given to another.
type PersonID string

// UserName is what a person types to sign in: lower case, unique in its bank.
type UserName string

// What people are bound to.
const (
	MaxWrongPasswords = 5                  // in a row, then the person is locked (WP-507)
	TemporaryTTL      = 7 * 24 * time.Hour // for a temporary password to be renewed; then it is as good as lost
	MaxNameLength     = 100                // characters of a first name or surname
)

// The errors of a person's profile.
var (
	ErrBadUserName = errors.New("user name must be 3 to 32 Latin letters, digits, '.', '_' or '-', starting with a letter or digit")
	ErrBadName     = errors.New("first name and surname must be 1 to 100 characters, and no control characters")
	ErrBadPlace    = errors.New("an operator works in a branch; only operators have an ASAN service point")
)

var userNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{2,31}$`)

// ParseUserName reads a user name as people type it: case and spaces around it
// do not matter.
func ParseUserName(s string) (UserName, error) {
	name := asciiLower(strings.TrimSpace(s))
	if !userNamePattern.MatchString(name) {
		return "", ErrBadUserName
	}
	return UserName(name), nil
}

// asciiLower leaves İ and ı alone: they are not the letters of user names, and
// lower case by rules of one language would make them so.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Profile is what is registered about a person and may be changed.
type Profile struct {
	UserName           UserName
	FirstName, Surname string
	Role               Role          // never RoleAsanOperator: that is an operator with an ASAN service point
	Branch             ParticipantID // of the person's bank; administrators need none
	AsanPoint          AsanPointID   // to which an operator is attached; empty: none
}

// Check returns what is wrong with the profile by itself.
func (p Profile) Check() error {
	var errs []error
	if !userNamePattern.MatchString(string(p.UserName)) {
		errs = append(errs, ErrBadUserName)
	}
	if !goodName(p.FirstName) || !goodName(p.Surname) {
		errs = append(errs, ErrBadName)
	}
	if _, err := ParseRole(string(p.Role)); err != nil {
		errs = append(errs, err)
	}
	if operator := p.Role == RoleOperator; operator && p.Branch == "" || !operator && p.AsanPoint != "" {
		errs = append(errs, ErrBadPlace)
	}
	if p.AsanPoint != "" {
		if err := CheckIdentifier(string(p.AsanPoint)); err != nil {
			errs = append(errs, fmt.Errorf("ASAN service point: %w", err))
		}
	}
	return errors.Join(errs...)
}

func goodName(s string) bool {
	return s != "" && s == strings.TrimSpace(s) && utf8.ValidString(s) && utf8.RuneCountInString(s) <= MaxNameLength &&
		!strings.ContainsFunc(s, unicode.IsControl)
}

// Person is somebody of a bank who signs in with an e-token, a user name and a
// password. Names are personal data.
type Person struct {
	ID   PersonID
	Bank ParticipantID
	Profile

	Suspended  bool
	Failures   int       // wrong passwords in a row
	LockedAt   time.Time // zero: not locked
	PasswordAt time.Time // when the password was set
	Temporary  bool      // somebody else set it: it must be renewed before it opens a session

	// Credential counts whatever ends the person's sessions: a new password, a
	// lock, a suspension, another role or place.
	Credential int64
	Version    int64 // counts every change

	CreatedAt time.Time
	CreatedBy string // a PersonID, or the gateway's operator
}

// FullName returns the name as it is shown: “Ad Soyad”.
func (p Person) FullName() string { return p.FirstName + " " + p.Surname }

// String names the person without personal data.
func (p Person) String() string { return string(p.Bank) + "/" + string(p.ID) }

// IsAsan reports whether the person works as an ASAN operator (WP-021).
func (p Person) IsAsan() bool { return p.Role == RoleOperator && p.AsanPoint != "" }

// Position is the role that the person's rights come from.
func (p Person) Position() Role {
	if p.IsAsan() {
		return RoleAsanOperator
	}
	return p.Role
}

// May reports whether the person's position permits the action. It does not
// say whose payments, people or cancellations: those are the person's bank's.
func (p Person) May(a Action) bool { return p.Position().Permits(a) }

// Locked reports whether no password opens a session until somebody of the
// bank's security helps: after too many wrong ones (WP-507), or because a
// temporary one was not renewed in time.
func (p Person) Locked(now time.Time) bool {
	return !p.LockedAt.IsZero() || p.Temporary && !now.Before(p.PasswordAt.Add(TemporaryTTL))
}

// Due reports whether the password must be renewed before a session is opened:
// it is temporary (WP-518), or a calendar month old (WP-508).
func (p Person) Due(now time.Time, zone *time.Location) bool {
	return p.Temporary || !now.Before(p.DueAt(zone))
}

// DueAt is when the password's month is over (WP-508).
func (p Person) DueAt(zone *time.Location) time.Time { return MonthAfter(p.PasswordAt, zone) }

// MonthAfter returns the same day and time of the next month on the clocks of a
// zone, or the month's last day if it is shorter: 31 January, 28 February.
func MonthAfter(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	year, month, day := t.Date()
	if last := time.Date(year, month+2, 0, 0, 0, 0, 0, zone).Day(); day > last {
		day = last
	}
	return time.Date(year, month+1, day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UTC()
}

// WrongPassword is the person after a wrong password. The fifth in a row locks.
func (p Person) WrongPassword(now time.Time) Person {
	if p.Failures++; p.Failures >= MaxWrongPasswords && p.LockedAt.IsZero() {
		p.LockedAt = now
		p.Credential++
	}
	return p
}

// RightPassword is the person after a right one.
func (p Person) RightPassword() Person {
	p.Failures = 0
	return p
}

// WithPassword is the person with a new password. A temporary one, which
// somebody else has set, lifts a lock: that belonged to the old one.
func (p Person) WithPassword(now time.Time, temporary bool) Person {
	p.PasswordAt, p.Temporary, p.Failures = now, temporary, 0
	if temporary {
		p.LockedAt = time.Time{}
	}
	p.Credential++
	return p
}

// Unlocked is the person after somebody has lifted the lock (WP-517).
func (p Person) Unlocked() Person {
	p.Failures, p.LockedAt = 0, time.Time{}
	return p
}

// WithSuspended is the person, suspended or taken back.
func (p Person) WithSuspended(suspended bool) Person {
	if p.Suspended != suspended {
		p.Suspended = suspended
		p.Credential++
	}
	return p
}

// WithProfile is the person under another profile. What changes rights
// ends the sessions.
func (p Person) WithProfile(next Profile) Person {
	if p.Role != next.Role || p.Branch != next.Branch || p.AsanPoint != next.AsanPoint || p.UserName != next.UserName {
		p.Credential++
	}
	p.Profile = next
	return p
}

// EToken is a certificate registered to a person: the key to it lies on the
// person's e-token.
type EToken struct {
	Fingerprint  Fingerprint
	Bank         ParticipantID
	Person       PersonID
	Serial       string // of the certificate, in hexadecimal
	NotAfter     time.Time
	RegisteredAt time.Time
	RegisteredBy string // a PersonID, or the gateway's operator
	RevokedAt    time.Time
	RevokedBy    string
}

// InUse reports whether the registration stands.
func (t EToken) InUse() bool { return t.RevokedAt.IsZero() }
