// Package registers holds the operations with which banks, their branches and
// providers get the registers of the day and say what they think of them (spec
// section 7.1). They run as the operations of package gateway do: idempotent,
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
	"tolem/store"
)

// Limits of one answer, which has to stay below the size of a message.
const (
	MaxRows      = 500       // typed rows
	MaxRegisters = 200       // of a list
	MaxTotals    = 500       // lines of totals by service and channel; more stand in the document only
	PartBytes    = 512 << 10 // of a file

	MaxObjections = registry.MaxObjections // of a rejection
)

// Desk performs the operations. It is safe for concurrent use.
type Desk struct {
	gateway  *gateway.Gateway
	registry *registry.Registry
}

// New returns a desk for the registers of a registry.
func New(g *gateway.Gateway, r *registry.Registry) *Desk { return &Desk{gateway: g, registry: r} }

// refusal turns an error that is an answer into its result; ok is false for
// all others.
func refusal(err error) (result tolem.ResultCode, ok bool) {
	switch {
	case err == nil:
		return tolem.OK, true
	case errors.Is(err, registry.ErrForeign):
		return tolem.NotOwner, true
	case errors.Is(err, store.ErrNotFound):
		return tolem.UnknownRegister, true
	case errors.Is(err, registry.ErrNotSealed):
		return tolem.NotSealed, true
	case errors.Is(err, registry.ErrFinal):
		return tolem.RegisterFinal, true
	case errors.Is(err, registry.ErrNoRow):
		return tolem.BadRow, true
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
