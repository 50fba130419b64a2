package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"
)

// firstScreen and lastScreen are those of the specification (4) that are pages
// of ours; S-01 to S-03 are the desktop's, the browser's and the token's.
const (
	firstScreen = 4
	lastScreen  = 44
)

// gallery looks at screens and notes what was seen.
type gallery struct {
	*cashier
	*sights
}

// sights are what everybody has seen.
type sights struct {
	texts    map[string]*regexp.Regexp // of the messages, by key
	screens  map[string]bool
	messages map[string]bool
}

var catalogueRow = regexp.MustCompile("(?m)^\\| `([a-z._]+)` \\| message \\| ([^|]+) \\|")

// newSights reads the catalogue of messages.
func newSights(t *testing.T) *sights {
	t.Helper()
	text, err := os.ReadFile("../../web/workplace/testdata/catalogue.md")
	if err != nil {
		t.Fatal(err)
	}
	s := &sights{texts: make(map[string]*regexp.Regexp), screens: make(map[string]bool), messages: make(map[string]bool)}
	for _, row := range catalogueRow.FindAllStringSubmatch(string(text), -1) {
		s.texts[row[1]] = regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(row[2])), "XXX", `\d+,\d\d`))
	}
	if len(s.texts) < 37 {
		t.Fatalf("the catalogue has %d messages", len(s.texts))
	}
	return s
}

// look takes a picture of a screen, looks for barriers on it, and wants its
// messages. Each screen is looked at on a small telephone, too, when it is first
// seen. What comes behind a blank in the name tells pictures of a screen apart.
func (g *gallery) look(name string, messages ...string) {
	g.t.Helper()
	screen, _, _ := strings.Cut(name, " ")
	file := strings.ReplaceAll(strings.ToLower(name), " ", "-")
	text := strings.ReplaceAll(g.Text(), "\u00a0", " ")
	for _, key := range messages {
		if want := g.texts[key]; want == nil || !want.MatchString(text) {
			g.t.Errorf("%s does not say %s:\n%s", name, key, text)
		}
		g.messages[key] = true
	}
	g.Picture(file + "-1366")
	g.Barriers(name)
	if !g.screens[screen] && os.Getenv(wholeTests) != "" {
		g.size(320, 640)
		g.Barriers(name + " at 320")
		g.Picture(file + "-320")
		g.size(1366, 768)
	}
	g.screens[screen] = true
}

// dark looks at the page by night.
func (g *gallery) dark(name string) {
	g.t.Helper()
	g.Look(1366, "dark")
	g.Barriers(name + " by night")
	g.Picture(strings.ToLower(name) + "-dark")
	g.Look(1366, "light")
	g.size(1366, 768)
}

// Every screen of the specification and every message of its catalogue is
// reached in the sandbox by a real browser with an e-token, photographed, and
// keeps nobody out. The manual is followed section by section.
//
// WP-522, WP-592
func TestEveryScreenAndMessage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a minute")
	}
	t.Parallel() // most of it is waiting
	deskDay(t)
	d := openDesks(t)
	all := newSights(t)
	sits := func(user string) *gallery { return &gallery{d.cashier(t, user), all} }
	security, operator := sits("v.hasanov"), sits("l.aliyeva")
	security.signsIn(security.who.Password)
	temporary := security.people()
	password := operator.comesIn(temporary)
	first := operator.payments()
	operator.cards()
	used := operator.cancellations(first)
	operator.reports(used)
	operator.own(password)
	asan := sits("s.ibrahimova")
	asan.units()
	admin := sits("f.karimov")
	admin.approvals(first)
	operator.leaves(security)

	for n := firstScreen; n <= lastScreen; n++ {
		if s := fmt.Sprintf("S-%02d", n); !all.screens[s] {
			t.Errorf("%s was not seen", s)
		}
	}
	for key := range all.texts {
		if !all.messages[key] {
			t.Errorf("%s was not seen", key)
		}
	}
	for _, g := range []*gallery{security, asan, admin} { // the operator's pages ask the card bridge, too
		g.Clean(g.who.Password)
	}
}

// people is what the security administrator does first: a temporary password.
//
// WP-518
func (g *gallery) people() (temporary string) {
	g.t.Helper()
	g.until(focus("text"))
	g.look("S-44")
	g.leads(focus("text"), g.d.staff("l.aliyeva").User, enter)
	g.leave(`document.querySelector("#certificate")`, func() { g.TabTo("Əliyeva Lalə"); g.types(enter) })
	g.look("S-44 person")
	g.leave(`document.querySelector(".secret")`, func() { g.TabTo("Müvəqqəti"); g.types(enter) })
	g.look("S-44 temporary")
	temporary = value[string](g.cashier, `document.querySelector(".secret").innerText.trim()`)
	g.leads(`document.querySelector("#certificate")`, enter)
	g.Go("/people/new")
	g.look("S-44 new")
	g.Go("/audit")
	g.look("S-44 audit")
	return temporary
}

// comesIn is the manual's 4 and 4.2: everything on the way to the main screen.
//
// WP-006, WP-010 to WP-017, WP-019, WP-020, WP-023, WP-172 to WP-176, WP-503, WP-506, WP-509 to WP-514
func (g *gallery) comesIn(temporary string) (password string) {
	g.t.Helper()
	password = "Kassa-2026-11"
	g.until(focus("user"))
	g.look("S-04")
	g.leads(`document.querySelector("#notice")`, "g.abbasova", tab, "sandbox-2026", enter)
	g.look("S-05", "login.wrong_user")
	g.leads(`document.querySelector("#notice")`, g.who.User, tab, "sandbox-2025", enter)
	g.look("S-06", "login.wrong_password")
	g.leads(`document.querySelector("#notice")`, g.who.User, tab, temporary, enter)
	g.look("S-07", "login.renew_due")
	g.leads(focus("user"), enter)
	g.look("S-08")
	for _, try := range []struct{ old, new, again, key string }{
		{temporary, password, password + "1", "password.mismatch"},
		{temporary, "kassa", "kassa", "password.weak"},
		{temporary, temporary, temporary, "password.same"},
		{"sandbox-2025", password, password, "password.current_wrong"},
	} {
		if !g.is(focus("password")) {
			g.types(g.who.User, tab)
		}
		g.leads(`document.querySelector("#notice") && `+focus("password"), try.old, tab, try.new, tab, try.again, enter)
		g.look("S-08 "+try.key, try.key)
	}
	g.leads(`location.pathname === "/login"`, temporary, tab, password, tab, password, enter)
	g.look("S-04 renewed", "password.changed")
	g.leads(`location.pathname === "/help"`, kb.F1)
	g.look("S-09", "login.help")
	g.leads(focus("user"), enter)
	g.signsIn(password)
	g.until(focus("organisation"))
	return password
}

// chooses an organisation by its name, from the payments screen.
func (g *gallery) chooses(name string) {
	g.t.Helper()
	if !g.is(focus("organisation")) {
		g.leads(focus("organisation"), kb.F2)
	}
	g.leads(focus("account"), name, enter)
}

// receipt is the first number on the completion.
func (g *gallery) receipt() string {
	g.t.Helper()
	return value[string](g.cashier, `document.querySelector("tbody th").innerText.trim()`)
}

// confirms what is calculated, up to the completion.
func (g *gallery) confirms() string {
	g.t.Helper()
	g.leads(`document.activeElement.matches("#confirm button")`, enter)
	g.leads(`location.pathname.startsWith("/payments/completed/") && !document.querySelector("[data-ticket]")`, enter)
	return g.receipt()
}

// payments is the manual's 4.1.1.1. It returns the receipt of a fine, which may
// not be cancelled, and of what may.
//
// WP-024 to WP-028, WP-030 to WP-043, WP-048 to WP-050, WP-052 to WP-062, WP-065, WP-066, WP-067, WP-523, WP-524, WP-526, WP-527, WP-528, WP-532, WP-534, WP-540
func (g *gallery) payments() (receipts [2]string) {
	g.t.Helper()
	g.look("S-10")
	g.look("S-11")
	g.dark("S-11")
	g.types("az")
	g.until(`document.querySelector("#hit-0")`)
	g.look("S-11 typing")
	g.leads(`document.querySelector("dialog:modal")`, kb.F4)
	g.look("S-12")
	g.leads(focus("organisation"), kb.Escape)
	g.types(strings.Repeat(kb.Backspace, 5))
	g.chooses("azərsu")
	g.look("S-13")
	g.leads(`document.querySelector("#account-problem")`, "1", enter)
	g.look("S-13 unknown", "account.not_found")
	g.chooses("yol polisi")
	g.leads(`document.querySelector("#account-problem")`, "BA8800002", enter)
	g.look("S-13 nothing", "account.nothing_to_pay")
	g.chooses("mühafizə")
	g.leads(`document.querySelector("#account-problem")`, "MU5500", enter)
	g.look("S-13 silence", "lookup.failed")
	g.leads(focus("amount-"), "MU5501", enter)
	g.look("S-14 online")
	g.leave(`document.querySelector(".empty")`, func() { g.with(input.ModifierAlt, kb.Delete) })
	g.chooses("yol polisi")
	g.leads(focus("amount-"), "BA8800001", enter)
	g.leads(focus("pay"), enter)
	receipts[0] = g.confirms()
	g.leads(focus("organisation"), kb.F2)

	g.chooses("bakı tel")
	g.leads(`document.querySelector("dialog:modal")`, "124000002", enter)
	g.look("S-15")
	g.leads(focus("amount-"), "1", "2", enter)
	g.leads(`document.querySelector("dialog:modal")`, kb.F3, enter)
	g.leads(`document.querySelector("#notice")`, "1", enter)
	g.look("S-14 duplicate", "basket.duplicate")
	g.chooses("azərsu")
	g.leads(focus("amount-"), "20000001", enter)
	g.look("S-14")
	g.dark("S-14")
	g.types("1,234")
	g.leads(`document.querySelector(".problem")`, kb.F9)
	g.look("S-14 mistake", "amount.invalid")
	for _, l := range value[sight](g.cashier, seen).Lines {
		g.Run(focusOn("amount-" + l.No))
		g.types("12,5")
	}
	g.leads(`document.querySelector("dialog:modal")`, kb.F7)
	g.look("S-17")
	g.leads(`!document.querySelector("dialog:modal")`, kb.Escape)
	g.leads(focus("pay"), kb.F9)
	g.look("S-18")
	g.leads(`document.activeElement.matches("#confirm button")`, enter)
	g.look("S-19", "payment.confirm")
	g.leads(`document.activeElement.matches("a") || `+focus("pay"), kb.Escape)
	receipts[1] = g.confirms()
	g.look("S-20", "payment.done")
	g.dark("S-20")
	g.with(input.ModifierCtrl, "p")
	g.until(`document.documentElement.dataset.printed`)

	g.leads(focus("organisation"), kb.F2)
	g.chooses("vergi")
	g.leads(focus("unit"), "1400000001", enter)
	g.look("S-16")
	g.leads(focus("unit"), kb.F9)
	g.look("S-16 required", "basket.receiver_required")
	for g.is(focus("unit")) { // of each line in turn
		g.leads(focus("amount-")+` || `+focus("unit"), kb.ArrowDown, enter)
	}
	g.look("S-14 chosen")
	g.leads(focus("pay"), enter)
	g.leads(`document.activeElement.matches("#confirm button")`, enter)
	g.fault("desk_payment", func() { g.leads(`document.querySelector(".notice.bad")`, enter) })
	g.look("S-14 failed", "payment.failed")
	g.leave(`document.querySelector(".empty")`, func() { g.with(input.ModifierAlt, kb.Delete) })
	return receipts
}

// fault has the database refuse new rows of a table meanwhile.
func (g *gallery) fault(table string, do func()) {
	g.t.Helper()
	db := openRaw(g.t, "sqlite:"+filepath.Join(g.d.Dir, "tolem.db"))
	defer db.Close()
	if _, err := db.ExecContext(g.t.Context(), `CREATE TRIGGER broken BEFORE INSERT ON `+table+` BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END`); err != nil {
		g.t.Fatal(err)
	}
	do()
	if _, err := db.ExecContext(g.t.Context(), `DROP TRIGGER broken`); err != nil {
		g.t.Fatal(err)
	}
}

// used has an organisation report that the service on a receipt was provided.
func (g *gallery) used(receipt string) {
	g.t.Helper()
	db := openRaw(g.t, "sqlite:"+filepath.Join(g.d.Dir, "tolem.db"))
	defer db.Close()
	if _, err := db.ExecContext(g.t.Context(), `UPDATE code SET state = 3, version = version + 1, closed_at = paid_at + 1 WHERE number = (
		SELECT code FROM desk_payment WHERE bank = 'DENIZ' AND receipt = CAST($1 AS INTEGER))`, receipt); err != nil {
		g.t.Fatal(err)
	}
}

// advance brings what an electricity meter's account pays in advance before the
// confirmation.
func (g *gallery) advance(account, amount string) {
	g.t.Helper()
	g.leave(focus("organisation"), func() { g.with(input.ModifierAlt, "1") })
	g.chooses("azərişıq")
	g.leads(focus("amount-"), account, enter)
	g.leads(focus("pay"), amount, enter)
	g.leads(`document.activeElement.matches("#confirm button")`, enter)
}

// clears the basket.
func (g *gallery) clears() {
	g.t.Helper()
	g.leave(focus("organisation"), func() { g.with(input.ModifierAlt, "1") })
	g.leave(`document.querySelector(".empty")`, func() { g.with(input.ModifierAlt, kb.Delete) })
}

// cards is the manual's 4.1.1.2 and 4.1.2.2.
//
// WP-070 to WP-074, WP-079 to WP-084, WP-088 to WP-103, WP-153 to WP-159, WP-545, WP-548, WP-553, WP-554, WP-557 to WP-559
func (g *gallery) cards() {
	g.t.Helper()
	g.chooses("azəriqaz")
	g.look("S-13 gas")
	g.leads(`document.activeElement.matches("form[data-card-read] button")`, kb.F8)
	g.look("S-24")
	g.d.scene(map[string]any{"damaged": true})
	g.leads(`document.querySelector(".notice.bad")`, enter)
	g.look("S-26", "card.read_failed")
	g.d.scene(map[string]any{"damaged": false, "reader": false})
	g.leads(`document.querySelector(".notice.bad")`, kb.F8)
	g.look("S-26 reader", "card.read_failed", "card.reader_not_ready")
	g.d.scene(map[string]any{"reader": true})
	g.leads(focus("amount-"), kb.F8)
	g.look("S-25")
	g.leads(focus("pay"), "20", enter)
	g.confirms()
	g.look("S-21 gas", "card.written")

	g.d.scene(map[string]any{"load": true})
	g.d.scene(map[string]any{"inserted": "AI-2003"})
	g.advance("1000005", "7")
	g.leads(`document.querySelector(".notice.bad")`, enter)
	g.look("S-14 not loaded", "card.not_loaded")
	g.clears()
	g.d.scene(map[string]any{"inserted": "AI-2001"})
	g.advance("1000002", "7")
	g.leads(`document.querySelector(".notice.bad")`, enter)
	g.look("S-14 other card", "card.other_card")
	g.clears()
	g.d.scene(map[string]any{"inserted": "AI-2002"})
	g.advance("1000002", "7")
	g.look("S-19 card")
	g.leads(`location.pathname.startsWith("/payments/completed/") && !document.querySelector("[data-ticket]")`, enter)
	g.look("S-21", "card.written")

	g.d.scene(map[string]any{"load": true, "reader": false})
	g.advance("1000002", "5")
	g.leads(`document.querySelector("form [name=without]")`, enter)
	g.look("S-22", "card.confirm_without_write")
	g.leads(`location.pathname.startsWith("/payments/completed/")`, kb.F9)
	g.look("S-23", "payment.done")

	g.d.scene(map[string]any{"reader": true, "fail": "write"})
	g.advance("1000002", "4")
	g.leads(`document.querySelector(".notice.bad")`, enter)
	g.look("S-27", "card.write_failed")
	failed := g.receipt()
	g.Go("/cards/" + failed)
	g.until(`document.activeElement.matches("form[data-card-read] button")`)
	g.look("S-32 write")
	g.leads(`document.querySelector(".notice.bad") && !document.querySelector("[data-ticket]")`, enter)
	g.look("S-27 again", "card.write_failed")
	g.d.scene(map[string]any{"fail": ""})
	g.leads(`document.querySelector(".notice.good")`, kb.F8)
	g.look("S-32 written", "card.rewritten")

	g.leave(`location.pathname === "/card"`, func() { g.with(input.ModifierAlt, "4") })
	g.look("S-36")
	for _, warn := range []struct{ missing, key string }{
		{"reader", "card.reader_not_ready"}, {"operator_card", "card.operator_missing"}, {"customer_card", "card.customer_missing"},
	} {
		g.d.scene(map[string]any{warn.missing: false})
		g.leads(`document.querySelector(".notice.bad")`, kb.F9)
		g.look("S-38 "+warn.missing, warn.key)
		g.d.scene(map[string]any{warn.missing: true})
	}
	g.leads(`document.querySelector("#card-title")`, kb.F9)
	g.look("S-36 details")
	g.leads(`location.pathname === "/card/report"`, kb.F8)
	g.look("S-37")
	g.types(kb.F9)
	g.until(`document.documentElement.dataset.printed`)
	g.d.scene(map[string]any{"load": true})
}

// asks for a cancellation and presses “Davam et”.
func (g *gallery) asks(receipt, then string) {
	g.t.Helper()
	g.leave(focus("number"), func() { g.with(input.ModifierAlt, "2") })
	g.leads(`document.querySelector("[data-key=F9]")`, receipt, enter)
	g.leads(`document.querySelector(".question") && document.activeElement.matches(".question button")`, kb.F9)
	g.leads(then, enter)
}

// cancellations is the manual's 4.1.1.3. It returns a receipt whose payment
// awaits its cancellation.
//
// WP-104 to WP-110, WP-112 to WP-120, WP-121, WP-122 to WP-125, WP-560, WP-562, WP-563, WP-565
func (g *gallery) cancellations(receipts [2]string) string {
	g.t.Helper()
	g.leave(focus("number"), func() { g.with(input.ModifierAlt, "2") })
	g.look("S-28")
	g.leads(`document.querySelector("#notice")`, "999", enter)
	g.look("S-28 unknown", "receipt.not_found")
	g.leads(`document.querySelector("[data-key=F9]")`, receipts[1], enter)
	g.look("S-29")
	g.leads(`document.querySelector(".question") && document.activeElement.matches(".question button")`, kb.F9)
	g.look("S-29 question")
	g.leads(`location.pathname.startsWith("/cancellations/")`, enter)
	g.look("S-30")
	g.types(enter)
	g.until(`document.documentElement.dataset.printed`)
	g.asks(receipts[1], `document.querySelector(".notice.bad")`)
	g.look("S-31", "cancel.not_planned")
	g.asks(receipts[0], `document.querySelector(".notice.bad")`)
	g.look("S-31 never", "cancel.not_allowed")
	card := g.power("3")
	g.asks(card, `document.querySelector(".notice.good")`)
	g.look("S-30 card")
	plain := g.water("20000002")
	g.leave(focus("number"), func() { g.with(input.ModifierAlt, "2") })
	g.leads(`document.querySelector("[data-key=F9]")`, plain, enter)
	g.leads(`document.activeElement.matches(".question button")`, kb.F9)
	g.fault("desk_cancellation", func() {
		g.leads(`document.body.innerText.includes("xəta baş vermişdir")`, enter)
	})
	g.look("S-31 fault", "cancel.error")
	g.used(plain)
	g.asks(plain, `document.querySelector(".notice.bad")`)
	g.look("S-31 used", "cancel.service_used")
	return plain
}

// power pays for electricity with the card, and returns the receipt.
func (g *gallery) power(amount string) string {
	g.t.Helper()
	g.advance("1000002", amount)
	g.leads(`location.pathname.startsWith("/payments/completed/") && !document.querySelector("[data-ticket]")`, enter)
	return g.receipt()
}

// water pays something for an account of Azərsu, and returns the receipt.
func (g *gallery) water(account string) string {
	g.t.Helper()
	g.leave(focus("organisation"), func() { g.with(input.ModifierAlt, "1") })
	g.chooses("azərsu")
	g.leads(`document.querySelector("dialog:modal") || `+focus("amount-"), account, enter)
	if g.is(`document.querySelector("dialog:modal")`) {
		g.leads(focus("amount-"), "1", enter)
	}
	g.leads(focus("pay"), "6", enter)
	return g.confirms()
}

// reports is the manual's 4.1.2.
//
// WP-029, WP-129, WP-130, WP-132, WP-138, WP-148, WP-160 to WP-165, WP-586, WP-590
func (g *gallery) reports(receipt string) {
	g.t.Helper()
	g.leave(focus("day"), func() { g.with(input.ModifierAlt, "3") })
	g.look("S-32")
	g.dark("S-32")
	g.leads(`document.querySelector(".document")`, kb.F9)
	g.look("S-33")
	g.leads(focus("day"), kb.Escape)
	g.leads(`document.querySelector(".document")`, kb.F4)
	g.look("S-35")
	g.leads(focus("day"), kb.Escape)
	g.Go("/register?day=2026-01-01")
	g.look("S-32 empty", "report.empty")
	g.leave(focus("number"), func() { g.with(input.ModifierAlt, "5") })
	g.look("S-39")
	g.leads(`document.querySelector("#notice")`, "999", enter)
	g.look("S-40", "receipt.not_found")
	g.leads(`document.querySelector("#payment-title")`, receipt, enter)
	g.look("S-39 found")
	g.types(kb.F9)
	g.until(`document.documentElement.dataset.printed`)
	for name, path := range map[string]string{
		"receipt-1": "/print/receipts/" + receipt + "?copies=1", "receipt-3": "/print/receipts/" + receipt + "?copies=3",
		"register": "/print/register", "cash-order": "/print/cash-order",
	} {
		g.Go(path)
		g.Barriers("paper " + name)
		g.Look(0, "light")
		g.Picture("paper-" + name)
		g.Look(1366, "light")
		g.size(1366, 768)
	}
	g.Go("/payments")
}

// own is the manual's 4.1.3.
//
// WP-166 to WP-171, WP-591
func (g *gallery) own(password string) {
	g.t.Helper()
	g.leave(focus("password"), func() { g.with(input.ModifierAlt, "6") })
	g.look("S-41")
	g.leads(`document.querySelector("#notice") && `+focus("password"), "sandbox-2025", tab, "Kassa-2026-12", tab, "Kassa-2026-12", enter)
	g.look("S-41 wrong", "password.current_wrong")
	g.leads(`document.querySelector("#notice")`, password, tab, "Kassa-2026-12", tab, "Kassa-2026-12", enter)
	g.look("S-41 changed", "password.changed")
	g.leave(`location.pathname === "/user"`, func() { g.with(input.ModifierAlt, "7") })
	g.look("S-42")
}

// units is what ASAN operators have besides.
//
// WP-021, WP-044 to WP-047, WP-131, WP-133, WP-143, WP-144, WP-150, WP-531
func (g *gallery) units() {
	g.t.Helper()
	g.signsIn(g.who.Password)
	g.until(focus("organisation"))
	g.look("S-10 asan")
	g.chooses("azərsu")
	g.leads(focus("asan-unit"), "20000003", enter)
	g.look("S-16 asan")
	g.leads(focus("asan-unit"), kb.F9)
	g.look("S-16 asan required", "basket.asan_required")
	for g.is(focus("asan-unit")) {
		g.leads(focus("amount-")+` || `+focus("asan-unit"), kb.ArrowDown, enter)
	}
	g.leads(focus("pay"), enter)
	g.confirms()
	g.leave(focus("day"), func() { g.with(input.ModifierAlt, "3") })
	g.look("S-32 asan")
	g.leads(`document.querySelector(".document")`, kb.F10)
	g.look("S-34")
}

// approvals is the bank administrator's page.
//
// WP-128, WP-568, WP-570
func (g *gallery) approvals(receipts [2]string) {
	g.t.Helper()
	g.signsIn(g.who.Password)
	g.until(`location.pathname === "/approvals"`)
	g.look("S-43")
	g.leads(focus("reason"), kb.F8)
	g.look("S-43 reject")
	g.leads(`location.pathname === "/approvals"`, kb.Escape)
	g.leads(`document.activeElement.matches(".question button")`, kb.F9)
	g.look("S-43 approve")
	g.leads(`location.pathname === "/approvals"`, enter)
	g.look("S-43 approved")
	g.Says("Təsdiq")
}

// leaves is the end: too many wrong passwords, and a certificate that is revoked.
//
// WP-022, WP-502, WP-507, WP-516, WP-517
func (g *gallery) leaves(security *gallery) {
	g.t.Helper()
	g.leave(focus("user"), func() { g.with(input.ModifierAlt, "0") })
	g.look("S-04 left")
	for range 6 {
		g.leads(`document.querySelector("#notice")`, g.who.User, tab, "sandbox-2025", enter)
		if g.texts["login.locked"].MatchString(g.Text()) {
			break
		}
	}
	g.look("S-06 locked", "login.locked")
	security.Go("/people?text=" + g.who.User)
	security.leave(`document.querySelector("#certificate")`, func() { security.TabTo("Əliyeva Lalə"); security.types(enter) })
	security.look("S-44 locked")
	security.leave(`document.querySelector(".notice.good")`, func() { security.TabTo("Bloku"); security.types(enter) })
	security.leave(`document.querySelector(".notice.good")`, func() { security.TabTo("Ləğv et"); security.types(enter) })
	security.look("S-44 revoked")
	g.Go("/login")
	g.look("S-04 refused", "token.refused")
}
