package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"time"
)

// SessionHash is the SHA-256 of a session's token: what is kept cannot be used
// as a cookie.
type SessionHash [sha256.Size]byte

// Session says whose browser it is. Subject means something to the module: a
// payment on the payment page, a person at a workplace.
type Session struct {
	Subject       string
	Started, Seen time.Time
}

// SessionStore keeps sessions. Find returns ErrNoSession for one that is not
// there; Remove of one that is not there is no error.
type SessionStore interface {
	Create(ctx context.Context, h SessionHash, s Session, until time.Time) error
	Find(ctx context.Context, h SessionHash) (Session, error)
	Touch(ctx context.Context, h SessionHash, seen time.Time) error
	Remove(ctx context.Context, h SessionHash) error
}

// Sessions are the sessions of a module.
type Sessions struct {
	Store    SessionStore
	Cookie   string        // its name, which begins with __Host-
	Idle     time.Duration // a session that is not used for so long is over
	Absolute time.Duration // and so is one that began so long ago
	// Exact is how much earlier than after Idle a session may be over, because not
	// every request writes that it came; a minute if zero.
	Exact time.Duration
}

// hostPrefix makes browsers refuse a cookie that another host of the domain, or
// an unprotected page, tries to set.
const hostPrefix = "__Host-"

// touchEvery is how old the last sign of life may get before it is written
// again, unless a module wants it exacter.
const touchEvery = time.Minute

// Check returns an error for sessions that would not be safe.
func (s Sessions) Check() error {
	if s.Store == nil || !strings.HasPrefix(s.Cookie, hostPrefix) || s.Idle <= 0 || s.Absolute < s.Idle {
		return errors.New("web: sessions need a store, a __Host- cookie, and limits of time")
	}
	return nil
}

// Start begins a session with a new token. An older session of the browser ends.
func (s Sessions) Start(x *Exchange, subject string) error {
	if err := s.End(x); err != nil {
		return err
	}
	token := rand.Text()
	session := Session{Subject: subject, Started: x.Now(), Seen: x.Now()}
	if err := s.Store.Create(x.Request.Context(), hashOf(token), session, x.Now().Add(s.Absolute)); err != nil {
		return err
	}
	setCookie(x, s.Cookie, token, 0)
	return nil
}

// Find returns the browser's session, or ErrNoSession.
func (s Sessions) Find(x *Exchange) (Session, error) {
	hash, ok := s.hash(x)
	if !ok {
		return Session{}, ErrNoSession
	}
	found, err := s.Store.Find(x.Request.Context(), hash)
	if err != nil {
		return Session{}, err
	}
	if x.Now().Sub(found.Seen) > s.Idle || x.Now().Sub(found.Started) > s.Absolute {
		return Session{}, errors.Join(ErrNoSession, s.Store.Remove(x.Request.Context(), hash))
	}
	if x.Now().Sub(found.Seen) >= s.exact() {
		return found, s.Store.Touch(x.Request.Context(), hash, x.Now())
	}
	return found, nil
}

func (s Sessions) exact() time.Duration {
	if s.Exact > 0 {
		return s.Exact
	}
	return touchEvery
}

// End ends the browser's session, if it has one.
func (s Sessions) End(x *Exchange) error {
	hash, ok := s.hash(x)
	if !ok {
		return nil
	}
	setCookie(x, s.Cookie, "", -1)
	return s.Store.Remove(x.Request.Context(), hash)
}

// hash is the hash of the token the browser sent.
func (s Sessions) hash(x *Exchange) (SessionHash, bool) {
	c, err := x.Request.Cookie(s.Cookie)
	if err != nil || len(c.Value) != len(rand.Text()) {
		return SessionHash{}, false
	}
	return hashOf(c.Value), true
}

func hashOf(token string) SessionHash { return sha256.Sum256([]byte(token)) }

// setCookie sets a cookie that no script reads and no other site's form sends.
// It replaces one of the same name that this answer has set before.
func setCookie(x *Exchange, name, value string, maxAge int) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	others := x.Header().Values("Set-Cookie")
	x.Header().Del("Set-Cookie")
	for _, other := range others {
		if !strings.HasPrefix(other, name+"=") {
			x.Header().Add("Set-Cookie", other)
		}
	}
	http.SetCookie(x, c)
}
