// Package registers holds the operations with which banks, their branches and
// providers get the documents of the day and say what they think of them (spec
// section 7.1): registers, comparisons with their own lists, claims, reports. They run as the operations of package gateway do: idempotent,
// decided and kept in one transaction, refusals included. What belongs to
// somebody else is refused with NOT_OWNER, whether it is there or not, so that
// nobody learns anything by guessing numbers (GW-P27).
//
// It forms no register, package registry does; it speaks no SOAP, gateway/soap
// does, and is its only caller.
package registers

import (
	"errors"
	"fmt"

	"tolem"
	"tolem/gateway"
	"tolem/registry"
	"tolem/registry/report"
	"tolem/store"
)

// Limits of one answer, which has to stay below the size of a message.
const (
	MaxRows      = 500       // typed rows
	MaxRegisters = 200       // of a list
	MaxClaims    = 100       // of a list, each with its document
	MaxAnomalies = 200       // of a report on a comparison
	MaxTotals    = 500       // lines of totals by service and channel; more stand in the document only
	PartBytes    = 512 << 10 // of a file

	MaxObjections = registry.MaxObjections // of a rejection
	MaxParts      = registry.MaxParts      // of a submitted list
	MaxPartBytes  = registry.MaxPartBytes  // of a part of one
)

// Desk performs the operations. It is safe for concurrent use.
type Desk struct {
	gateway  *gateway.Gateway
	registry *registry.Registry
	reports  *report.Desk
}

// New returns a desk for the documents of a registry, and for reports.
func New(g *gateway.Gateway, r *registry.Registry, reports *report.Desk) *Desk {
	return &Desk{gateway: g, registry: r, reports: reports}
}

// refusal turns an error that is an answer into its result; ok is false for
// all others. Unknown is the result for what is not there.
func refusal(err error, unknown tolem.ResultCode) (result tolem.ResultCode, ok bool) {
	switch {
	case err == nil:
		return tolem.OK, true
	case errors.Is(err, registry.ErrForeign):
		return tolem.NotOwner, true
	case errors.Is(err, store.ErrNotFound):
		return unknown, true
	case errors.Is(err, registry.ErrNotSealed):
		return tolem.NotSealed, true
	case errors.Is(err, registry.ErrFinal):
		return tolem.RegisterFinal, true
	case errors.Is(err, registry.ErrNoRow):
		return tolem.BadRow, true
	case errors.Is(err, registry.ErrPart):
		return tolem.BadPart, true
	case errors.Is(err, registry.ErrTooManyLists):
		return tolem.TooManyLists, true
	case errors.Is(err, registry.ErrPending):
		return tolem.NotReady, true
	case errors.Is(err, registry.ErrClaimState):
		return tolem.ClaimStateRefused, true
	case errors.Is(err, report.ErrForeign):
		return tolem.NotOwner, true
	case errors.Is(err, report.ErrTooLarge):
		return tolem.ReportTooLarge, true
	}
	return "", false
}

func badForm(format string, args ...any) error {
	return fmt.Errorf("%w: %s", gateway.ErrForm, fmt.Sprintf(format, args...))
}

// Register is a register as it stands now.
type Register struct {
	tolem.Register
	Standing registry.Standing
}
