package access

import (
	"context"
	"crypto/tls"
	"strconv"
	"strings"

	"tolem"
)

// Subject is what a browser's session is about: the person, the registration of
// the certificate it was opened with, and which of the person's credentials that
// was. It holds no secret.
type Subject string

// Subject returns what the session of a signed-in actor keeps.
func (a Actor) Subject() Subject {
	return Subject(strings.Join([]string{
		string(a.Person.ID), strconv.FormatInt(a.Person.Credential, 10), a.Token.Fingerprint.String(), strconv.FormatInt(a.Token.RegisteredAt.UnixMicro(), 10),
	}, "/"))
}

// Check returns who acts in a session over this connection, at every request.
// It refuses what Verify refuses, and with ErrSession
//
//   - a session that was opened with another certificate, or before it was
//     registered anew (WP-504);
//   - one from before the person's password, rights or place were changed, or
//     the person was locked.
//
// How long a session lasts is for the keeper of sessions: SessionIdle and
// SessionAbsolute.
func (a *Access) Check(ctx context.Context, cs tls.ConnectionState, s Subject, workstation string) (Actor, error) {
	r, err := a.Verify(ctx, cs)
	if err != nil {
		return Actor{}, err
	}
	actor := Actor{Person: r.Owner, Token: r.Token, Workstation: workstation}
	if s != actor.Subject() || !r.Owner.LockedAt.IsZero() {
		return Actor{}, ErrSession
	}
	return actor, nil
}

// SignOut records the end of a session; the keeper of sessions removes it
// (WP-520).
func (a *Access) SignOut(ctx context.Context, by Actor) error {
	return a.Record(ctx, by, Event{Action: tolem.ActSignOut, Outcome: OutcomeOK})
}

// May returns ErrForbidden unless the actor's position permits the action. The
// gateway's operator has no place at a bank's desk.
func May(by Actor, action tolem.Action) error {
	if by.isOperator() || !by.Person.May(action) {
		return ErrForbidden
	}
	return nil
}
