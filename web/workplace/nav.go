package workplace

import (
	"strings"

	"tolem"
	"tolem/access"
	"tolem/web"
)

// nav is the main menu and who is signed in: what the parts "nav" and "person"
// see.
type nav struct {
	Name  string
	Asan  bool // “ASAN-əməliyyatçı” stands beside the name (WP-021)
	Menus []menu
	// Bridge is HOST:PORT of the computer's card bridge on a page that reads cards.
	Bridge string
}

// menu is an item of the main menu with its submenus.
type menu struct {
	Key   string
	Items []item
}

// item is a submenu. Press is the digit that opens it with Alt.
type item struct {
	Key, Path string
	Press     int
	Here      bool
}

// page is an item of the whole menu, and what it needs.
type page struct {
	key, path string
	action    tolem.Action
}

// menus is the whole menu in its order (3); everybody sees of it what they may
// open.
var menus = []struct {
	key   string
	pages []page
}{
	{"menu.payments_ops", []page{
		{"menu.payments", paymentsPath, tolem.ActPay},
		{"menu.cancellations", cancelPath, tolem.ActRequestCancellation},
		{"menu.approvals", approvalsPath, tolem.ActListCancellations},
	}},
	{"menu.reports", []page{
		{"menu.register", registerPath, tolem.ActRegister},
		{"menu.card", cardPath, tolem.ActCardDetails},
		{"menu.receipt_search", receiptsPath, tolem.ActReceiptSearch},
	}},
	{"menu.security", []page{
		{"menu.people", peoplePath, tolem.ActListPeople},
		{"menu.audit", auditPath, tolem.ActAudit},
	}},
	{"menu.admin", []page{
		{"menu.password", passwordPath, tolem.ActChangePassword},
		{"menu.user", userPath, tolem.ActUserInfo},
	}},
}

// Addresses of the menu, and of what lies outside of it.
const (
	paymentsPath  = "/payments"
	cancelPath    = "/cancellations"
	approvalsPath = "/approvals"
	registerPath  = "/register"
	cardPath      = "/card"
	receiptsPath  = "/receipts"
	peoplePath    = "/people"
	newPersonPath = "/people/new"
	auditPath     = "/audit"
	passwordPath  = "/password"
	userPath      = "/user"

	viewPath          = "/payments/view"
	speakPath         = "/payments/speak"
	organisationsPath = "/payments/organisations"
	organisationPath  = "/payments/organisation"
	accountPath       = "/payments/account"
	servicesPath      = "/payments/services"
	unitPath          = "/payments/unit"
	calculatePath     = "/payments/calculate"
	payPath           = "/payments/pay"
	confirmPath       = "/payments/confirm"
	completedPath     = "/payments/completed"
	payByCardPath     = "/payments/card"
	challengePath     = "/cards/challenge"
	writtenPath       = "/cards/written"
	cardReadPath      = "/cards/read"
	summaryPath       = "/summary"
	cashOrderPath     = "/cash-order"
	printPath         = "/print"

	loginPath  = "/login"
	logoutPath = "/logout"
	renewPath  = "/renew"
	helpPath   = "/help"

	pairPath       = "/bridge/pairing"
	bridgeKeysPath = "/bridge/keys"
)

// navOf is the menu of somebody who looks at a page.
func (d *desk) navOf(x *web.Exchange, by access.Actor) nav {
	n := nav{Name: by.Person.FullName(), Asan: by.Person.IsAsan()}
	press := 0
	for _, m := range menus {
		shown := menu{Key: m.key}
		for _, p := range m.pages {
			if !by.Person.May(p.action) {
				continue
			}
			press++
			shown.Items = append(shown.Items, item{Key: p.key, Path: p.path, Press: press, Here: lies(x.Request.URL.Path, p.path)})
		}
		if len(shown.Items) > 0 {
			n.Menus = append(n.Menus, shown)
		}
	}
	return n
}

// lies reports whether a path is a page or lies below it.
func lies(path, page string) bool { return path == page || strings.HasPrefix(path, page+"/") }

// first is the page that somebody begins with (WP-028).
func (n nav) first() string {
	if len(n.Menus) == 0 {
		return userPath
	}
	return n.Menus[0].Items[0].Path
}
