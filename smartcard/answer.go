package smartcard

import (
	"encoding/json"
	"time"

	"tolem"
)

// Presence is what stands ready at a workstation.
type Presence struct {
	Reader       bool `json:"reader"`
	OperatorCard bool `json:"operator_card"`
	CustomerCard bool `json:"customer_card"`
}

// Code returns what is missing, in the order in which it must be there; empty
// if all is ready.
func (p Presence) Code() Code {
	switch {
	case !p.Reader:
		return ReaderNotReady
	case !p.OperatorCard:
		return OperatorCardMissing
	case !p.CustomerCard:
		return CustomerCardMissing
	}
	return ""
}

// Detail is a line of a card's details, as it is shown and printed.
type Detail struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Card is what stands on a customer's card.
type Card struct {
	No           tolem.SmartCardNo `json:"card_no"`
	Organisation tolem.ProviderID  `json:"organisation"`
	Account      string            `json:"account"`
	Balance      int64             `json:"balance"`     // qəpik
	LastTicket   tolem.TicketID    `json:"last_ticket"` // the last that changed the card; empty: none did
	LastLoaded   bool              `json:"last_loaded"` // the meter has taken what the last write put on the card
	Details      []Detail          `json:"details"`
}

func (c Card) check() error {
	err := first(
		identifier("card_no", string(c.No), true), identifier("organisation", string(c.Organisation), true),
		identifier("account", c.Account, true), identifier("last_ticket", string(c.LastTicket), false),
	)
	switch {
	case err != nil:
		return err
	case c.Balance < -maxBalance || c.Balance > maxBalance:
		return malformed("balance is no amount")
	case len(c.Details) > maxDetails:
		return malformed("more than %d details", maxDetails)
	}
	for _, d := range c.Details {
		if err := first(shown("label", d.Label), shown("value", d.Value)); err != nil {
			return err
		}
	}
	return nil
}

// Check refuses a card that no document could tell of; a reader's driver is
// asked for nothing else.
func (c Card) Check() error { return c.check() }

// Read is the answer of a bridge that has read a card for a challenge.
type Read struct {
	Challenge   string              `json:"challenge"`
	Workstation tolem.WorkstationID `json:"workstation"`
	Card
	At        int64 `json:"at"` // by the bridge's clock, which never runs backwards
	Simulated bool  `json:"simulated"`
}

func (r Read) check() error {
	return first(CheckChallenge(r.Challenge), identifier("workstation", string(r.Workstation), true), r.Card.check(), instant("at", r.At))
}

// Bounds of a challenge, in characters.
const (
	minChallenge = 22 // 128 bits
	maxChallenge = maxID
)

// CheckChallenge refuses what cannot be one.
func CheckChallenge(s string) error {
	if len(s) < minChallenge || len(s) > maxChallenge {
		return malformed("a challenge has %d to %d characters", minChallenge, maxChallenge)
	}
	return identifier("challenge", s, true)
}

// SignRead makes the document of a read card.
func (s *Signer) SignRead(r Read) (string, error) {
	if r.Details == nil {
		r.Details = []Detail{}
	}
	if err := r.check(); err != nil {
		return "", err
	}
	return s.sign(typeRead, r)
}

// OpenRead verifies what a bridge has read. The challenge is compared by whoever
// made it.
func OpenRead(bridge Keys, document string) (Read, tolem.KeyID, error) {
	var r Read
	key, err := open(bridge, typeRead, document, &r)
	if err != nil {
		return Read{}, "", err
	}
	if err := r.check(); err != nil {
		return Read{}, "", err
	}
	return r, key.ID, nil
}

// Outcome is what a bridge knows of a ticket.
type Outcome string

// The outcomes.
const (
	Written  Outcome = "written"
	Reversed Outcome = "reversed"
	Failed   Outcome = "failed"  // the card was not changed and never will be by this ticket
	Unknown  Outcome = "unknown" // see Result.Begun
)

// Result is the answer of a bridge about a ticket.
type Result struct {
	Ticket      tolem.TicketID      `json:"ticket_id"`
	Workstation tolem.WorkstationID `json:"workstation"`
	Outcome     Outcome             `json:"result"`
	Code        Code                `json:"code,omitempty"` // why it failed
	// Begun tells two kinds of unknown apart: the bridge has never begun with the
	// ticket, or it has and must read the card to know.
	Begun     bool  `json:"begun"`
	At        int64 `json:"at"`
	Simulated bool  `json:"simulated"`
}

func (r Result) check() error {
	err := first(identifier("ticket_id", string(r.Ticket), true), identifier("workstation", string(r.Workstation), true),
		identifier("code", string(r.Code), r.Outcome == Failed), instant("at", r.At))
	switch {
	case err != nil:
		return err
	case r.Outcome != Written && r.Outcome != Reversed && r.Outcome != Failed && r.Outcome != Unknown:
		return malformed("result must be written, reversed, failed or unknown")
	case r.Outcome != Failed && r.Code != "":
		return malformed("only a failure has a code")
	case (r.Outcome == Written || r.Outcome == Reversed) && !r.Begun:
		return malformed("nothing is done that was not begun")
	}
	return nil
}

// AtTime returns when the bridge said so.
func (r Result) AtTime() time.Time { return time.Unix(r.At, 0).UTC() }

// AtTime returns when the card was read.
func (r Read) AtTime() time.Time { return time.Unix(r.At, 0).UTC() }

// SignResult makes the document of a result.
func (s *Signer) SignResult(r Result) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	return s.sign(typeResult, r)
}

// OpenResult verifies what a bridge says of a ticket.
func OpenResult(bridge Keys, document string) (Result, tolem.KeyID, error) {
	var r Result
	key, err := open(bridge, typeResult, document, &r)
	if err != nil {
		return Result{}, "", err
	}
	if err := r.check(); err != nil {
		return Result{}, "", err
	}
	return r, key.ID, nil
}

// PeekResult returns which ticket a result is about, so that the key that must
// have signed it can be looked up. Nothing about it is verified.
func PeekResult(document string) (tolem.TicketID, error) {
	p, err := split(typeResult, document)
	if err != nil {
		return "", err
	}
	var r Result
	if err := decode(p.payload, &r); err != nil {
		return "", err
	}
	return r.Ticket, r.check()
}

// Signature returns the signed document in an answer of a bridge, as the page
// got it. What else the answer says is for the page alone: the document says it
// again.
func Signature(answer []byte) (string, error) {
	if len(answer) > 2*MaxDocument {
		return "", malformed("more than %d bytes", 2*MaxDocument)
	}
	var a struct {
		Signature string `json:"signature"`
	}
	if err := json.Unmarshal(answer, &a); err != nil || a.Signature == "" {
		return "", malformed("the answer has no signature")
	}
	return a.Signature, nil
}
