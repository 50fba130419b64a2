// Package workplace is the pages of a bank's desk: operators take payments for
// mass services, cancel them and print their reports; administrators of the bank
// approve cancellations and look after people (operator-workplace.md).
//
// It decides nothing: who somebody is and may do is asked of access at every
// request, and what is done of the workplace's core. A handler gets an actor
// who may do what the route says, reads a form, calls the core, and shows a page
// or the text of a refusal. Nothing stands in the session but whose it is, so
// that reload, back and a second tab show what is so.
//
// # To add a screen
//
// A row in routes.go (with its action), a handler, a template that begins with
// title and main, its texts in all of i18n. What several pages share stands in
// templates/_parts.html: read its comments first.
package workplace

import (
	"embed"
	"errors"
	"net/http"
	"time"

	"tolem"
	"tolem/access"
	"tolem/bills"
	"tolem/web"
	"tolem/workplace"
)

//go:embed i18n all:templates
var files embed.FS

// DefaultBridge is where a card bridge listens on the computer of a desk.
const DefaultBridge = "127.0.0.1:47123"

// Config joins the workplace's pages.
type Config struct {
	Access    *access.Access
	Workplace *workplace.Workplace
	Bills     *bills.Desk
	Calendar  *tolem.Calendar
	Sessions  web.Sessions // see NewSessions
	Names     Names
	// Bridge is HOST:PORT of the card bridge as the desk's computer reaches it;
	// DefaultBridge if empty.
	Bridge string
}

// Names knows participants, for their names.
type Names interface {
	Participant(tolem.ParticipantID) (tolem.Participant, bool)
	Participants() []tolem.Participant
}

// cookie of the workplace's sessions.
const cookie = "__Host-workplace"

// sessionExact is how much earlier than after 15 minutes a session may be over
// (WP-519).
const sessionExact = time.Second

// NewSessions returns the sessions of the workplace over a store.
func NewSessions(s web.SessionStore) web.Sessions {
	return web.Sessions{Store: s, Cookie: cookie, Idle: access.SessionIdle, Absolute: access.SessionAbsolute, Exact: sessionExact}
}

// Limits of forms: a basket of tolem.MaxLines lines, and what a card bridge
// answers.
const (
	maxBody   = 128 << 10
	maxFields = 6*tolem.MaxLines + 16
)

// Languages are those of the pages; the first is the default (WP-592).
var Languages = []web.Language{web.Azerbaijani, web.English, web.Russian, web.Kazakh, web.Uzbek}

// Shell fills in what a shell needs for the workplace alone.
func Shell(c web.Config) web.Config {
	c.Languages, c.Unasked = Languages, true
	c.Limits.BodyBytes, c.Limits.Fields = maxBody, maxFields
	return c
}

var problems = []web.Problem{
	{Err: access.ErrForbidden, Status: http.StatusForbidden, Key: "forbidden"},
	{Err: access.ErrNoPerson, Status: http.StatusNotFound, Key: "person"},
	{Err: workplace.ErrReceiptNotFound, Status: http.StatusNotFound, Key: "receipt"},
	{Err: errCancel, Status: http.StatusInternalServerError, Key: "cancel"},
	{Err: access.ErrUnavailable, Status: http.StatusServiceUnavailable, Key: "unavailable", Dead: true},
	{Err: access.ErrBusy, Status: http.StatusServiceUnavailable, Key: "busy"},
}

// desk is the module: its handlers share these.
type desk struct {
	Config
	zone  *time.Location
	clock func() time.Time
}

// home is where everybody begins.
const home = "/"

// Mount adds the workplace to the shell.
func Mount(shell *web.Shell, c Config) error {
	if c.Access == nil || c.Workplace == nil || c.Bills == nil || c.Calendar == nil || c.Names == nil {
		return errors.New("the workplace needs access, core, bills, calendar and names")
	}
	if err := c.Sessions.Check(); err != nil {
		return err
	}
	if c.Bridge == "" {
		c.Bridge = DefaultBridge
	}
	m, err := shell.Mount(web.Module{Files: files, Home: home, HomeText: "problem.home", Look: "desk", Problems: problems})
	if err != nil {
		return err
	}
	d := &desk{Config: c, zone: shell.Location, clock: shell.Clock}
	for _, r := range routes() {
		m.HandleWith(r.Pattern, r.leave(c.Bridge), d.guard(r))
	}
	return nil
}
