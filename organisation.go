package tolem

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// SmartProvider says whose prepayment cards an organisation's meters take.
type SmartProvider string

// The SMART providers; most organisations have none.
const (
	SmartNone    SmartProvider = "none"
	SmartElectro SmartProvider = "azerishiq"
	SmartGas     SmartProvider = "azerigaz"
)

// SmartProviders lists them in the order they are shown to people.
var SmartProviders = []SmartProvider{SmartNone, SmartElectro, SmartGas}

// Limits of what is shown at a desk, in characters.
const (
	MaxShownName = 200
	maxUnits     = 1000 // of an organisation
)

// ErrOrganisation reports settings that do not go together.
var ErrOrganisation = errors.New("the organisation's settings do not go together")

// Organisation is a provider as cashiers know it: its name in their language,
// and what may be done with payments to it.
type Organisation struct {
	Provider

	Name  string             // as people at the desk search for it
	Units []OrganisationUnit // structural units that may receive a payment (WP-048)

	Smart               SmartProvider
	PayWithoutCardWrite bool // a SMART payment may be made without writing the card (WP-546)
	Cancellable         bool // an operator may cancel its payments (WP-120)
	ReceiverRequired    bool // a unit must be chosen for each payment (WP-048)

	// Banks that take payments for it; empty means every bank.
	Banks []ParticipantID
}

// Check returns ErrOrganisation, or what is wrong with a name.
func (o Organisation) Check() error {
	switch {
	case !slices.Contains(SmartProviders, o.Smart):
		return fmt.Errorf("%w: unknown SMART provider %q", ErrOrganisation, o.Smart)
	case o.PayWithoutCardWrite && o.Smart == SmartNone:
		return fmt.Errorf("%w: payment without card write needs a SMART provider", ErrOrganisation)
	case o.ReceiverRequired && !slices.ContainsFunc(o.Units, func(u OrganisationUnit) bool { return u.Active }):
		return fmt.Errorf("%w: a receiver is required and there is no unit to choose", ErrOrganisation)
	case len(o.Units) > maxUnits:
		return fmt.Errorf("%w: more than %d units", ErrOrganisation, maxUnits)
	}
	return CheckShownName(o.Name)
}

// TakenBy reports whether the bank takes payments for the organisation.
func (o Organisation) TakenBy(bank ParticipantID) bool {
	return o.Active && (len(o.Banks) == 0 || slices.Contains(o.Banks, bank))
}

// Unit returns the unit with this code, if it can be chosen.
func (o Organisation) Unit(code UnitCode) (OrganisationUnit, bool) {
	for _, u := range o.Units {
		if u.Code == code && u.Active {
			return u, true
		}
	}
	return OrganisationUnit{}, false
}

// UnitCode names a structural unit within its organisation, or an ASAN
// structural unit.
type UnitCode string

// OrganisationUnit is a structural unit of an organisation.
type OrganisationUnit struct {
	Organisation ProviderID
	Code         UnitCode
	Name         string
	Active       bool
}

// AsanPointID names an ASAN service point.
type AsanPointID string

// AsanPoint is an ASAN service point: operators are attached to it.
type AsanPoint struct {
	ID     AsanPointID
	Name   string
	Active bool
}

// AsanUnit is an ASAN structural unit of a service point: one is chosen for
// every payment that an ASAN operator takes (WP-044).
type AsanUnit struct {
	Code   UnitCode // unique among all
	Point  AsanPointID
	Name   string
	Active bool
}

// DeskService is a service as cashiers know it.
type DeskService struct {
	Service
	Shown   string // the service code that people see; empty: Service.Code
	Name    string // in their language; empty: that of Service.Names
	Advance bool   // may be paid without a debt (WP-036)
}

// ShownCode returns the code that people see.
func (s DeskService) ShownCode() string {
	if s.Shown != "" {
		return s.Shown
	}
	return string(s.Code)
}

// ShownName returns the name that people see.
func (s DeskService) ShownName() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Names.In("en")
}

// CheckShownName returns an error unless s may be shown to people as a name.
func CheckShownName(s string) error {
	if s == "" || utf8.RuneCountInString(s) > MaxShownName || !Printable(s) {
		return fmt.Errorf("name: want 1 to %d printable characters", MaxShownName)
	}
	return nil
}

// Printable reports whether s is UTF-8 without control characters.
func Printable(s string) bool {
	for i, r := range s {
		switch {
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff, r == 0x2028, r == 0x2029:
			return false
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return false
			}
		}
	}
	return true
}
