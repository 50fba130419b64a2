package workplace

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"tolem/access"
	"tolem/web"
	"tolem/workplace"
)

// notice is the message of a page: the key of its text, and how it is meant.
type notice struct {
	Key  string
	Tone string // good, bad or wait
	// Pairs fill places of the text: name and value in turn.
	Pairs []any
	Cause string // key of a second text; empty: none
}

func bad(key string) *notice  { return &notice{Key: key, Tone: "bad"} }
func good(key string) *notice { return &notice{Key: key, Tone: "good"} }

// saidField of an address brings a message to the page that a form leads to.
const saidField = "said"

// said are the messages that an address may bring. What somebody else writes
// into a link is not shown.
var said = []notice{
	{Key: "session.over", Tone: "wait"},
	{Key: "session.closed", Tone: "good"},
	{Key: "password.changed", Tone: "good"},
	{Key: "people.changed", Tone: "good"},
	{Key: "people.suspended", Tone: "good"},
	{Key: "people.resumed", Tone: "good"},
	{Key: "people.unlocked", Tone: "good"},
	{Key: "people.token_registered", Tone: "good"},
	{Key: "people.token_revoked", Tone: "good"},
	{Key: "payment.failed", Tone: "bad"},
	{Key: "card.reader_not_ready", Tone: "bad"},
	{Key: "card.operator_missing", Tone: "bad"},
	{Key: "card.customer_missing", Tone: "bad"},
	{Key: "card.read_failed", Tone: "bad"},
	{Key: "card.other_card", Tone: "bad"},
	{Key: "card.write_failed", Tone: "bad"},
	{Key: "admin.approved", Tone: "good"},
	{Key: "admin.rejected", Tone: "good"},
}

// arrived is the message that the address of a page brings, if any.
func arrived(x *web.Exchange) *notice {
	key := x.Request.URL.Query().Get(saidField)
	if i := slices.IndexFunc(said, func(n notice) bool { return n.Key == key }); i >= 0 {
		return &said[i]
	}
	return nil
}

// saying is the address of a page with a message.
func saying(path, key string) string { return path + "?" + saidField + "=" + key }

// refusalOf is the message of a refusal of access or of the workplace's core.
// Rights, sessions and certificates are not messages of a page.
func refusalOf(err error) (*notice, bool) {
	if errors.Is(err, access.ErrForbidden) || errors.Is(err, access.ErrNotRegistered) || errors.Is(err, access.ErrNoPerson) {
		return nil, false
	}
	var r *workplace.Refusal
	if errors.As(err, &r) {
		return bad(r.Key()), true
	}
	key, ok := access.KeyOf(err)
	if !ok || key == access.ErrNotRegistered.Key() {
		return nil, false
	}
	return bad(key), true
}

// messages are how the keys of all refusals begin.
var messages = []string{
	"token.", "login.", "password.", "access.", "person.", "session.",
	"account.", "lookup.", "basket.", "amount.", "payment.", "card.", "cancel.", "receipt.", "report.",
}

// isMessage reports whether there is a text for the key of a refusal that
// stands in the audit.
func isMessage(key string) bool {
	return slices.ContainsFunc(messages, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// status of a page that shows a message.
func (n *notice) status() int {
	if n != nil && n.Tone == "bad" {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}
