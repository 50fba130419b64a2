package checkout

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"tolem"
	"tolem/receipt"
)

// View is what there is to know about a payment for the one who pays it.
type View struct {
	// State is that of the latest attempt; empty or REDIRECTED: none was sent.
	State  tolem.AttemptState
	Reason tolem.RefusalReason // of a refusal
	Method tolem.Method        // of the latest attempt; empty if there was none
	Masked string              // the card or account it was made with, as far as it may be shown

	// Receipt is there once the money is known to have been paid: the bank's
	// signed notification has come (ACQ-P14) or its signed answer (GW-072).
	Receipt *Receipt

	PaidBefore bool      // by other means or in another session: no attempt may begin
	Withdrawn  bool      // whoever asked for the money does not ask any more
	Deadline   time.Time // until when an attempt may begin
	GivenUp    bool      // of an ABANDONED attempt: by the payer, before the time was over

	// What is paid, and for whom.
	Amount      tolem.Money
	Service     tolem.Names
	Provider    tolem.Names
	Description string // as the requester wrote it
	Order       string // number of the order or request; may be empty
	Code        tolem.CodeNumber

	Methods []tolem.Method
	Banks   []Bank // from whose accounts can be paid

	Requester tolem.Names // the portal or shop that sent the payer here
	ReturnURL string      // its registered address
	Language  string      // of the requester's page; may be empty
}

// Bank is a choice on the page.
type Bank struct {
	ID    tolem.ParticipantID
	Names tolem.Names
}

// Receipt is what proves the payment (UC1.28, UC2.17).
type Receipt struct {
	receipt.Receipt
	QR       string // what its QR code says; empty: there is none now
	Operator string // of the gateway
	Signer   string // whose key signed the QR code
}

// stage is what a payer is to see. Each is a page.
type stage string

const (
	stageForm      stage = "form"
	stageWaiting   stage = "waiting"  // the bank is at work
	stageApproved  stage = "approved" // the bank said yes, its notification has not come
	stageUnknown   stage = "unknown"  // nobody knows yet
	stagePaid      stage = "paid"
	stageRefused   stage = "refused"
	stageBefore    stage = "already_paid"
	stageCancelled stage = "cancelled"
	stageReversed  stage = "reversed"
	stageWithdrawn stage = "withdrawn"
	stageExpired   stage = "expired"
)

// stage tells which page it is. Where money may be on its way nothing else
// counts; a form is shown only if nothing stands against paying.
func (v View) stage(now time.Time) stage {
	switch v.State {
	case tolem.AttemptEntered, tolem.AttemptSent:
		return stageWaiting
	case tolem.AttemptUnknown:
		return stageUnknown
	case tolem.AttemptReversed:
		return stageReversed
	}
	switch {
	case v.Receipt != nil:
		return stagePaid
	case v.State == tolem.AttemptApproved:
		return stageApproved
	case v.PaidBefore:
		return stageBefore
	case v.State == tolem.AttemptRefused:
		return stageRefused
	case v.State == tolem.AttemptAbandoned && v.GivenUp:
		return stageCancelled
	case v.Withdrawn:
		return stageWithdrawn
	case !now.Before(v.Deadline):
		return stageExpired
	}
	return stageForm
}

// payable reports whether an attempt may begin: the first, or another one after
// a refusal (ACQ-P06).
func (v View) payable(now time.Time) bool {
	switch v.stage(now) {
	case stageForm:
		return true
	case stageRefused:
		return !v.Withdrawn && now.Before(v.Deadline)
	}
	return false
}

// minutesLeft until the deadline, begun ones counted.
func (v View) minutesLeft(now time.Time) int {
	return int((v.Deadline.Sub(now) + time.Minute - 1) / time.Minute)
}

// returnLink is the way back: the registered address, if it is one a browser
// may be sent to. Plain HTTP is for a stub on this machine only.
func (v View) returnLink() string {
	u, err := url.Parse(v.ReturnURL)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(v.ReturnURL, "\\ \t\r\n") {
		return ""
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return ""
	}
	return u.String()
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// offered are the methods the payer may choose from; an account needs a bank.
func (v View) offered() []tolem.Method {
	var offered []tolem.Method
	for _, m := range v.Methods {
		if m != tolem.MethodAccount || len(v.Banks) > 0 {
			offered = append(offered, m)
		}
	}
	return offered
}

// bank finds a bank that was offered.
func (v View) bank(id string) (tolem.ParticipantID, bool) {
	for _, b := range v.Banks {
		if string(b.ID) == id {
			return b.ID, true
		}
	}
	return "", false
}
