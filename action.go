package tolem

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what somebody does at a bank's workplace.
type Role string

// The roles. An operator who is attached to an ASAN service point has the
// rights of an ASAN operator; nobody is registered as one.
const (
	RoleOperator          Role = "operator"
	RoleAsanOperator      Role = "asan-operator"
	RoleBankAdmin         Role = "bank-admin"
	RoleBankSecurityAdmin Role = "bank-security-admin"
)

// Roles lists every role that rights come from.
var Roles = []Role{RoleOperator, RoleAsanOperator, RoleBankAdmin, RoleBankSecurityAdmin}

// AssignedRoles lists the roles that a person is registered with.
var AssignedRoles = []Role{RoleOperator, RoleBankAdmin, RoleBankSecurityAdmin}

// ParseRole returns the role named by s, one that a person may be registered with.
func ParseRole(s string) (Role, error) {
	if r := Role(s); slices.Contains(AssignedRoles, r) {
		return r, nil
	}
	names := make([]string, len(AssignedRoles))
	for i, r := range AssignedRoles {
		names[i] = string(r)
	}
	return "", fmt.Errorf("unknown role %q: want one of %s", s, strings.Join(names, ", "))
}

// Action is something people do at a workplace. Rights are granted for it, and
// the audit records it under this name.
type Action string

// The actions.
const (
	ActSignIn         Action = "session.open"
	ActSignOut        Action = "session.close"
	ActRenewPassword  Action = "password.renew"  // without a session, on the login page
	ActChangePassword Action = "password.change" // in the session
	ActUserInfo       Action = "user.view"

	ActLookup   Action = "payment.lookup" // organisations, accounts, debts, details
	ActPay      Action = "payment.make"   // basket, calculation, confirmation, completion
	ActAsanUnit Action = "payment.asan"   // choose the ASAN structural unit, as every payment of an ASAN operator needs

	ActReadCard    Action = "card.read" // for a payment
	ActWriteCard   Action = "card.write"
	ActReverseCard Action = "card.reverse" // at a cancellation
	ActCardDetails Action = "card.details" // the screen of that name

	ActRequestCancellation Action = "cancellation.request"
	ActListCancellations   Action = "cancellation.list" // those that await a decision
	ActApproveCancellation Action = "cancellation.approve"
	ActRejectCancellation  Action = "cancellation.reject"

	ActRegister      Action = "report.register"   // the own payments of a day
	ActAsanSummary   Action = "report.summary"    // ASAN operators only (WP-143)
	ActCashOrder     Action = "report.cash-order" // the own total of a day
	ActReceiptSearch Action = "receipt.search"
	ActPrint         Action = "print"  // receipts, reports, orders, card details
	ActExport        Action = "export" // PDF and Excel

	ActListPeople    Action = "people.list"
	ActAddPerson     Action = "people.add"
	ActChangePerson  Action = "people.change"
	ActSuspend       Action = "people.suspend"
	ActResume        Action = "people.resume"
	ActUnlock        Action = "people.unlock"
	ActSetPassword   Action = "people.password" // a temporary one
	ActRegisterToken Action = "token.register"
	ActRevokeToken   Action = "token.revoke"
	ActAudit         Action = "audit.view"
)

// Actions lists every action.
var Actions = []Action{
	ActSignIn, ActSignOut, ActRenewPassword, ActChangePassword, ActUserInfo,
	ActLookup, ActPay, ActAsanUnit, ActReadCard, ActWriteCard, ActReverseCard, ActCardDetails,
	ActRequestCancellation, ActListCancellations, ActApproveCancellation, ActRejectCancellation,
	ActRegister, ActAsanSummary, ActCashOrder, ActReceiptSearch, ActPrint, ActExport,
	ActListPeople, ActAddPerson, ActChangePerson, ActSuspend, ActResume, ActUnlock, ActSetPassword, ActRegisterToken, ActRevokeToken, ActAudit,
}

// Sets of actions from which the table of rights is put together.
var (
	ofEverybody = []Action{ActSignIn, ActSignOut, ActRenewPassword, ActChangePassword, ActUserInfo}
	ofOperators = []Action{
		ActLookup, ActPay, ActReadCard, ActWriteCard, ActReverseCard, ActCardDetails,
		ActRequestCancellation, ActRegister, ActCashOrder, ActReceiptSearch, ActPrint, ActExport,
	}
)

// rights is the whole of who may do what: what is not listed is refused. Who
// takes money approves nothing, who approves takes none, and who keeps the keys
// does neither.
var rights = map[Role][]Action{
	RoleOperator:     slices.Concat(ofEverybody, ofOperators),
	RoleAsanOperator: slices.Concat(ofEverybody, ofOperators, []Action{ActAsanUnit, ActAsanSummary}),
	RoleBankAdmin:    slices.Concat(ofEverybody, []Action{ActListCancellations, ActApproveCancellation, ActRejectCancellation}),
	RoleBankSecurityAdmin: slices.Concat(ofEverybody, []Action{
		ActListPeople, ActAddPerson, ActChangePerson, ActSuspend, ActResume, ActUnlock, ActSetPassword, ActRegisterToken, ActRevokeToken, ActAudit,
	}),
}

// Permits reports whether people of the role may do this.
func (r Role) Permits(a Action) bool { return slices.Contains(rights[r], a) }

// Permitted returns what people of the role may do.
func (r Role) Permitted() []Action { return slices.Clone(rights[r]) }

// FourEyes reports whether decider is somebody else than who asked for it:
// nobody approves what was requested under the own user (WP-572). Where one of
// the two is not known it is false.
func FourEyes(requester, decider PersonID) bool {
	return requester != "" && decider != "" && requester != decider
}
