package workplace

import (
	"slices"

	"tolem"
	"tolem/access"
	"tolem/web"
)

// Route is a page or form of the workplace, and who gets to it.
type Route struct {
	Pattern string
	Action  tolem.Action // that the actor's position must permit; empty: see Public
	Public  bool         // before login: a certificate that may come in is enough

	visit func(*desk, *web.Exchange, access.Visitor) error // of a public route
	act   func(*desk, *web.Exchange, access.Actor) error   // of the others
	cards bool                                             // its page calls the card bridge
	print bool                                             // its page is shown in a frame, and printed from there
}

// Routes returns every route there is.
func Routes() []Route { return routes() }

// routes is the whole of it, screen by screen (operator-workplace.md, 4).
func routes() []Route {
	return slices.Concat(loginRoutes(), ownRoutes(), peopleRoutes(), paymentRoutes(), cancellationRoutes(), reportRoutes(), bridgeRoutes())
}

// loginRoutes are S-04 to S-09. What is no page is answered here too, so that
// nobody learns without a certificate what there is.
func loginRoutes() []Route {
	return []Route{
		{Pattern: "GET " + loginPath, Public: true, visit: (*desk).showLogin},
		{Pattern: "POST " + loginPath, Public: true, visit: (*desk).login},
		{Pattern: "GET " + renewPath, Public: true, visit: (*desk).showRenewal},
		{Pattern: "POST " + renewPath, Public: true, visit: (*desk).renew},
		{Pattern: "GET " + helpPath, Public: true, visit: (*desk).help},
		{Pattern: "/{path...}", Public: true, visit: (*desk).nowhere},
	}
}

// ownRoutes are what everybody has: S-10, S-41, S-42.
func ownRoutes() []Route {
	return []Route{
		{Pattern: "GET /{$}", Action: tolem.ActUserInfo, act: (*desk).home},
		{Pattern: "POST " + logoutPath, Action: tolem.ActSignOut, act: (*desk).logout},
		{Pattern: "GET " + passwordPath, Action: tolem.ActChangePassword, act: (*desk).showPassword},
		{Pattern: "POST " + passwordPath, Action: tolem.ActChangePassword, act: (*desk).changePassword},
		{Pattern: "GET " + userPath, Action: tolem.ActUserInfo, act: (*desk).user},
	}
}

// peopleRoutes are S-44.
func peopleRoutes() []Route {
	return []Route{
		{Pattern: "GET " + peoplePath, Action: tolem.ActListPeople, act: (*desk).people},
		{Pattern: "GET " + newPersonPath, Action: tolem.ActAddPerson, act: (*desk).newPerson},
		{Pattern: "POST " + newPersonPath, Action: tolem.ActAddPerson, act: (*desk).addPerson},
		{Pattern: "GET " + peoplePath + "/{person}", Action: tolem.ActListPeople, act: (*desk).person},
		{Pattern: "POST " + peoplePath + "/{person}/profile", Action: tolem.ActChangePerson, act: (*desk).changePerson},
		{Pattern: "POST " + peoplePath + "/{person}/suspend", Action: tolem.ActSuspend, act: (*desk).suspend},
		{Pattern: "POST " + peoplePath + "/{person}/resume", Action: tolem.ActResume, act: (*desk).resume},
		{Pattern: "POST " + peoplePath + "/{person}/unlock", Action: tolem.ActUnlock, act: (*desk).unlock},
		{Pattern: "POST " + peoplePath + "/{person}/password", Action: tolem.ActSetPassword, act: (*desk).setPassword},
		{Pattern: "POST " + peoplePath + "/{person}/tokens", Action: tolem.ActRegisterToken, act: (*desk).registerToken},
		{Pattern: "POST " + peoplePath + "/{person}/tokens/{token}/revoke", Action: tolem.ActRevokeToken, act: (*desk).revokeToken},
		{Pattern: "GET " + auditPath, Action: tolem.ActAudit, act: (*desk).audit},
	}
}

// paymentRoutes are S-11 to S-27.
func paymentRoutes() []Route {
	return []Route{
		{Pattern: "GET " + paymentsPath, Action: tolem.ActPay, cards: true, act: (*desk).payments},
		{Pattern: "POST " + paymentsPath, Action: tolem.ActPay, cards: true, act: (*desk).goOn},
		{Pattern: "POST " + viewPath, Action: tolem.ActPay, cards: true, act: (*desk).view},
		{Pattern: "POST " + speakPath, Action: tolem.ActPay, cards: true, act: (*desk).speak},
		{Pattern: "GET " + organisationsPath, Action: tolem.ActLookup, act: (*desk).organisations},
		{Pattern: "POST " + organisationPath, Action: tolem.ActLookup, cards: true, act: (*desk).chooseOrganisation},
		{Pattern: "POST " + accountPath, Action: tolem.ActLookup, cards: true, act: (*desk).search},
		{Pattern: "POST " + servicesPath, Action: tolem.ActPay, cards: true, act: (*desk).addServices},
		{Pattern: "POST " + unitPath, Action: tolem.ActPay, cards: true, act: (*desk).chooseUnit},
		{Pattern: "POST " + paymentsPath + "/lines/{line}/delete", Action: tolem.ActPay, cards: true, act: (*desk).removeLine},
		{Pattern: "POST " + paymentsPath + "/organisations/{organisation}/delete", Action: tolem.ActPay, cards: true, act: (*desk).removeOrganisation},
		{Pattern: "POST " + calculatePath, Action: tolem.ActPay, cards: true, act: (*desk).calculate},
		{Pattern: "POST " + payPath, Action: tolem.ActPay, cards: true, act: (*desk).pay},
		{Pattern: "GET " + confirmPath, Action: tolem.ActPay, cards: true, act: (*desk).showConfirmation},
		{Pattern: "POST " + confirmPath, Action: tolem.ActPay, cards: true, act: (*desk).confirm},
		{Pattern: "GET " + completedPath + "/{basket}", Action: tolem.ActPay, cards: true, act: (*desk).completed},
		{Pattern: "GET " + payByCardPath, Action: tolem.ActReadCard, cards: true, act: (*desk).showCardEntry},
		{Pattern: "POST " + payByCardPath, Action: tolem.ActReadCard, cards: true, act: (*desk).addCard},
		{Pattern: "GET " + payByCardPath + "/{line}", Action: tolem.ActReadCard, act: (*desk).showCardLine},
		{Pattern: "POST " + challengePath, Action: tolem.ActReadCard, act: (*desk).challenge},
		{Pattern: "POST " + writtenPath, Action: tolem.ActWriteCard, act: (*desk).written},
		{Pattern: "POST " + cardReadPath, Action: tolem.ActReadCard, act: (*desk).cardRead},
		{Pattern: "GET /print/accounts/{line}", Action: tolem.ActPrint, print: true, act: (*desk).printAccount},
	}
}

// cancellationRoutes are S-28 to S-31 and S-43.
func cancellationRoutes() []Route {
	return []Route{
		{Pattern: "GET " + cancelPath, Action: tolem.ActRequestCancellation, cards: true, act: (*desk).toCancel},
		{Pattern: "GET " + cancelPath + "/{number}", Action: tolem.ActRequestCancellation, cards: true, act: (*desk).cancelled},
		{Pattern: "POST " + cancelPath + "/{number}", Action: tolem.ActRequestCancellation, cards: true, act: (*desk).cancel},
		{Pattern: "GET " + approvalsPath, Action: tolem.ActListCancellations, act: (*desk).approvals},
		{Pattern: "GET " + approvalsPath + "/{number}", Action: tolem.ActListCancellations, act: (*desk).approval},
		{Pattern: "POST " + approvalsPath + "/{number}/approve", Action: tolem.ActApproveCancellation, act: (*desk).approve},
		{Pattern: "POST " + approvalsPath + "/{number}/reject", Action: tolem.ActRejectCancellation, act: (*desk).reject},
	}
}

// reportRoutes are S-32 to S-40, and what is printed (8.3).
func reportRoutes() []Route {
	return []Route{
		{Pattern: "GET " + registerPath, Action: tolem.ActRegister, act: (*desk).register},
		{Pattern: "GET " + registerPath + "/report", Action: tolem.ActRegister, act: (*desk).registerReport},
		{Pattern: "GET " + summaryPath, Action: tolem.ActAsanSummary, act: (*desk).summary},
		{Pattern: "GET " + cashOrderPath, Action: tolem.ActCashOrder, act: (*desk).cashOrder},
		{Pattern: "GET " + receiptsPath, Action: tolem.ActReceiptSearch, act: (*desk).receipts},

		{Pattern: "GET " + printPath + "/receipts/{number}", Action: tolem.ActPrint, print: true, act: (*desk).printReceipt},
		{Pattern: "GET " + printPath + "/baskets/{basket}", Action: tolem.ActPrint, print: true, act: (*desk).printBasket},
		{Pattern: "GET " + printPath + "/cancellations/{number}", Action: tolem.ActPrint, print: true, act: (*desk).printCancellation},
		{Pattern: "GET " + printPath + "/register", Action: tolem.ActPrint, print: true, act: (*desk).printRegister},
		{Pattern: "GET " + printPath + "/summary", Action: tolem.ActAsanSummary, print: true, act: (*desk).printSummary},
		{Pattern: "GET " + printPath + "/cash-order", Action: tolem.ActPrint, print: true, act: (*desk).printCashOrder},
	}
}

// bridgeRoutes are what scripts call on behalf of the card bridge.
func bridgeRoutes() []Route {
	return []Route{
		{Pattern: "POST " + pairPath, Action: tolem.ActReadCard, act: (*desk).pair},
		{Pattern: "POST " + bridgeKeysPath, Action: tolem.ActReadCard, act: (*desk).bridgeKeys},
	}
}

// leave is what the pages of the route may do in a browser. Script of ours gives
// every page its keys.
func (r Route) leave(bridge string) web.Leave {
	l := web.Leave{Script: true, Frames: true, Framed: r.print}
	if r.cards {
		l.Connect = []string{"'self'", "http://" + bridge, "ws://" + bridge}
	}
	return l
}
