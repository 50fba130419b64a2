package workplace_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/smartcard/bridge/simulator"
	pages "tolem/web/workplace"
)

// The manual, step by step, on both databases: a debt, several organisations,
// confirmation, completion.
// WP-028 to WP-035, WP-040 to WP-043, WP-051, WP-055 to WP-066, WP-533, WP-536, WP-538, WP-539, WP-541
func TestFromOrganisationToReceipt(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newTill(t, dsn)
		c := w.cashier("l.aliyeva", tolem.RoleOperator)
		c.open("/").says(200, "Təşkilatı yazaraq və ya menyudan seçin", `aria-current="page">Ödənişlər`, `data-search="/payments/organisations"`, "Siyahı boşdur")
		c.send("/payments", "find", "azərsu").says(200, "Azərsu ASC", "Hesab nömrəsi", ">Axtar<").lacks("Smart kart üzrə ödəniş")
		c.send("/payments", "account", " 1001 ").says(200,
			"Ödənişi əlavə et", "Əli Vəliyev", "21 Su", "2026-10", "№ INV-1", "12,34 ₼", `id="amount-1" name="amount-1" value="12,34"`, "Hesabla")
		if !strings.Contains(c.page.body, `id="pay" formaction="/payments/pay" data-key="Ctrl+Enter" disabled`) {
			t.Error("“Ödə” is enabled before “Hesabla”")
		}
		c.open("/payments").says(200, "INV-1") // reloaded: nothing is lost, WP-529
		c.account(taxes, "500").send("/payments/unit", "unit", "01").says(200, "Vergilər Nazirliyi", "Bakı Vergi İdarəsi", "Azərsu ASC")
		c.send("/payments", "account", "").says(200, "0,20 ₼", "Ödə <span data-sum>112,54 ₼") // 1 % of 12.34 is less than the minimum
		if strings.Contains(c.page.body, `data-key="Ctrl+Enter" disabled`) {
			t.Error("“Ödə” is disabled after “Hesabla”")
		}
		c.send("/payments/pay").says(200, "Ödənişi təsdiq edirsiniz?", "Davam et", "Bağla", "112,54 ₼", "2026-10 № INV-1").lacks("data-card-read")
		confirmation := c.page
		first := c.sent("/payments/confirm")
		c.page = confirmation
		again := c.sent("/payments/confirm")
		if first.header.Get("Location") != again.header.Get("Location") {
			t.Errorf("%q and then %q", first.header.Get("Location"), again.header.Get("Location"))
		}
		c.page = c.follow(again)
		c.says(200, "Ödəniş tamamlandı", "0000000001", "0000000002", "Çap", "1 nüsxə", "3 nüsxə", `href="/print/receipts/0000000001?copies=1"`,
			`href="/print/receipts/0000000002?copies=3"`, "Bütün ödənişlər üzrə çap", "?copies=3", "112,54 ₼", "Bakı Vergi İdarəsi", "2026-10 № INV-1")
		taken := w.payments()
		if len(taken) != 2 || taken[0].Status != tolem.DeskPlanned || taken[0].Fee.Minor != 20 || taken[1].Unit != "01" {
			t.Errorf("taken %+v", taken)
		}
		c.open("/payments").says(200, "Siyahı boşdur")
		c.open(again.header.Get("Location")).says(200, "0000000001")
		other := w.cashier("o.quliyev", tolem.RoleOperator)
		other.open(again.header.Get("Location")).says(404)
	})
}

// Typing an organisation: any part of its name by Azerbaijani rules; one that is
// found is chosen, of several the list is shown. WP-030 to WP-032, WP-523
func TestChoosingOrganisations(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	c.get("/payments/organisations?q="+url.QueryEscape("IŞIQ")).says(200, `{"id":"REMOTE","name":"İşıq Telekom"}`).lacks("AZERSU")
	c.get("/payments/organisations?q="+url.QueryEscape("qaz")).says(200, `[{"id":"AZERIQAZ","name":"ARDNŞ-in Azəriqaz İB"}]`)
	c.open("/payments").send("/payments", "find", "nazirliyi").says(200, "Vergilər Nazirliyi", `name="account"`)
	c.open("/payments").send("/payments", "find", "azər").says(200, `<dialog`, `value="AZERSU"`, `value="AZERIQAZ"`, `value="AZERISHIQ"`).lacks(`value="TAXES"`)
	c.send("/payments/organisation", "choose", "AZERSU").says(200, "Azərsu ASC", `name="account"`)
	c.open("/payments").send("/payments/view", "view", "list").says(200, "Təşkilatlar", `value="TAXES"`, `value="AZERSU"`)
	c.send("/payments/view", "view", "entry").says(200, "Təşkilatı yazaraq").lacks("<dialog")
	c.open("/payments").send("/payments", "find", "yoxdur").says(422, "Belə təşkilat tapılmadı", `value="yoxdur"`)
	c.open("/payments?organisation=NOBODY").says(200, "Təşkilatı yazaraq")
	c.account(water, "1001").send("/payments/view", "view", "organisation").says(200, "Təşkilatı yazaraq", "INV-1") // WP-040
}

// No debt: one service is added, of several the window lists the codes, and
// “Ödənişi əlavə et” opens it again. WP-034 to WP-039, WP-525, WP-526, WP-528
func TestServiceCodes(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	c.account(water, "1002").says(200, "Xidmət kodları", "<dialog", "21 Su", "22 Kanalizasiya", "Əlavə edin", "Bağla").lacks("23 Cərimə")
	c.send("/payments/services").says(422, "Ən azı bir xidmət kodunu seçin", "<dialog")
	c.send("/payments", "code-SUPPLY", "yes").says(200, "21 Su", "avans", "Ödənişi əlavə et").lacks("<dialog")
	c.send("/payments/account").says(200, "<dialog", "22 Kanalizasiya")
	c.send("/payments/view", "view", "entry").lacks("<dialog").says(200, "Ödənişi əlavə et")
	c.send("/payments/account").send("/payments/services", "code-SUPPLY", "yes", "code-DRAIN", "yes").says(422, "Bu ödəniş siyahıya artıq əlavə edilmişdir").lacks("22 Kanalizasiya<")
	c.send("/payments/account", "account", "1002").says(200, "<dialog")
	c.send("/payments/services", "code-DRAIN", "yes").says(200, "22 Kanalizasiya")
	c.account(electro, "7001").says(200, "01 Elektrik enerjisi", "SMART karta").lacks("<dialog")
	c.account(taxes, "501").says(422, "Hesab üzrə borc yoxdur və avans ödəniş mümkün deyil", `value="501"`)
	c.account(water, "9999").says(422, "Hesab tapılmadı", `value="9999"`, `id="account-problem"`)
	c.account(water, "çç").says(422, "Hesab tapılmadı")
	before := c.open("/payments").page.fields()
	c.account(remote, "1").says(422, "Təşkilatdan cavab alınmadı. Yenidən cəhd edin") // WP-527
	if after := c.open("/payments").page.fields(); after.Get("lines") != before.Get("lines") || after.Get("version") != before.Get("version") {
		t.Errorf("the basket was %v and is %v", before, after)
	}
}

// Amounts that were typed outlive whatever else is done: another account, a
// window, a deleted line, another language. WP-051 to WP-053, WP-529
func TestTypedAmountsAreNeverLost(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	c.account(water, "1002", "SUPPLY", "DRAIN").account(water, "1001")
	lost := func(what string) {
		t.Helper()
		if got := c.page.fields().Get("amount-1"); got != "7,5" {
			t.Errorf("after %s the amount is %q", what, got)
		}
	}
	for what, do := range map[string][]string{
		"the list": {"/payments/view", "view", "list"}, "details": {"/payments/view", "view", "details-1"}, "nobody's account": {"/payments/account", "account", "9"},
		"another organisation": {"/payments/view", "view", "organisation"}, "a name": {"/payments/organisation", "find", "azər"},
		"no calculation": {"/payments/pay"}, "wrong amounts": {"/payments/calculate", "amount-2", "x"}, "the language": {"/payments/speak", "language", "az"},
	} {
		c.open("/payments?organisation=AZERSU").send("/payments", "amount-1", "1", "account", "")
		c.open("/payments?organisation=AZERSU").send(do[0], append(do[1:], "amount-1", "7,5")...)
		lost(what)
	}
	c.open("/payments").send("/payments/lines/2/delete", "amount-1", "7,5").lacks("22 Kanalizasiya")
	lost("a deleted line")
	c.send("/payments/organisations/TAXES/delete", "amount-1", "7,5").says(422) // there is none
	c.send("/payments/organisations/AZERSU/delete").says(200, "Siyahı boşdur")
	c.account(water, "1001")
	c.send("/payments/speak", "language", "en", "amount-"+c.page.fields().Get("lines"), "3").lacks("Hesabla").says(200, "Calculate", `value="3"`)
}

// What is wrong is told in the message box and at its line; “Ödə” stands only
// while nothing was changed. WP-057 to WP-059, WP-061, WP-534, WP-537
func TestCalculation(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	c.account(water, "1002", "SUPPLY", "DRAIN")
	for _, typed := range []string{"", "0", "-5", "1.234", "on manat"} {
		c.send("/payments/calculate", "amount-1", "5", "amount-2", typed).says(422, "Məbləğ düzgün daxil edilməmişdir", `id="wrong-2"`).lacks(`id="wrong-1"`)
		if got := c.page.fields().Get("amount-2"); got != typed {
			t.Errorf("%q became %q", typed, got)
		}
	}
	c.send("/payments/calculate", "amount-1", "1 000,50", "amount-2", "30").says(200, "10,01 ₼", "0,30 ₼", "1.040,81 ₼")
	c.send("/payments/pay").says(200, "Ödənişi təsdiq edirsiniz?")
	c.open("/payments?at=pay").says(200, `id="pay" formaction="/payments/pay" data-key="Ctrl+Enter" autofocus`) // “Bağla”
	c.send("/payments/pay", "amount-2", "31").says(422, "Əvvəlcə “Hesabla” düyməsini basın", `data-key="Ctrl+Enter" disabled`)
	c.open("/payments/confirm").says(200, "Siyahı", `data-key="Ctrl+Enter" disabled`)
	if len(w.payments()) != 0 {
		t.Error("something was paid")
	}
}

// ASAN operators choose a unit for every payment, and payments of some
// organisations a receiver, in the row of the line. WP-044 to WP-050, WP-531, WP-532
func TestUnits(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	c := w.cashier("a.asan", tolem.RoleAsanOperator)
	c.account(taxes, "500").says(200, `name="choosing" value="1"`, `id="unit"`, `id="asan-unit"`, "ASAN bölmə 1", "Gəncə Vergi İdarəsi")
	c.open("/payments").send("/payments/calculate").says(422, "ASAN struktur bölməsini seçin", `id="wrong-1"`, `id="asan-unit"`)
	c.send("/payments/unit", "asan-unit", "A1-1").says(200, "ASAN bölmə 1", "bölməsi").lacks(`id="wrong-1"`)
	c.send("/payments/view", "view", "units-1").send("/payments/unit", "unit", "").send("/payments/calculate").says(422, "Ödənişi qəbul edən təşkilatı seçin", `id="wrong-1"`)
	c.send("/payments", "unit", "02", "asan-unit", "A1-1", "account", "").says(200, "Gəncə Vergi İdarəsi", "Ödə <span data-sum>100,00 ₼") // what is chosen and not sent counts too
	c.send("/payments/pay").send("/payments/confirm").says(200, "Ödəniş tamamlandı", "ASAN bölmə 1", "Gəncə Vergi İdarəsi")
	if p := w.payments()[0]; p.AsanUnit != "A1-1" || p.Unit != "02" || !p.Asan {
		t.Errorf("%+v", p)
	}
	o := w.cashier("l.aliyeva", tolem.RoleOperator)
	o.account(water, "1001").lacks("units-1", `id="asan-unit"`)
}

// Details of an account, and their print. WP-053, WP-054
func TestDetails(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	c.account(water, "1001").send("/payments/view", "view", "details-1").says(200, "<dialog", "Əli Vəliyev", "Gəncə, Nizami küç. 5", "№ 778", `href="/print/accounts/1"`, "Çap et", "Bağla")
	a := c.get("/print/accounts/1").says(200, "Nizami küç. 5", "№ 778")
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'self'") {
		t.Error(csp)
	}
	c.get("/print/accounts/7").says(404)
}

// A line that fails stays with its message, the others are paid; then it is
// calculated and paid again. WP-540
func TestFailedLine(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	c.account(water, "1001").account(taxes, "500").send("/payments/unit", "unit", "01").send("/payments/calculate").send("/payments/pay")
	w.feed(water, "1001", owed("SUPPLY", "INV-1", 900))
	c.send("/payments/confirm").says(200, "Ödəniş tamamlandı", "Bu ödənişlər həyata keçirilmədi", "Borc bu arada dəyişmişdir", "Vergilər Nazirliyi")
	c.open("/payments").says(200, "Borc bu arada dəyişmişdir", `data-key="Ctrl+Enter" disabled`).lacks("Torpaq vergisi")
	c.send("/payments/calculate").send("/payments/pay").send("/payments/confirm").says(200, "9,00 ₼", "0000000002")
	c.account(water, "1001").says(200, "Xidmət kodları") // nothing is owed any more
}

// Two tabs: the one that shows what is not so any more is told, and shows what
// is; nothing is paid by a confirmation that does not stand. WP-529, WP-537, WP-539
func TestStaleTab(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	c.account(water, "1001")
	tab := &cashier{staff: c.staff, page: c.page}
	c.account(water, "1002", "DRAIN")
	tab.send("/payments/calculate", "amount-1", "1").says(422, "Siyahı bu arada başqa pəncərədə dəyişdirilmişdir", "22 Kanalizasiya", `value="12,34"`)
	tab.send("/payments/calculate", "amount-2", "5").send("/payments/pay").says(200, "Davam et")
	c.open("/payments").send("/payments/lines/2/delete")
	tab.send("/payments/confirm").says(422, "Siyahı bu arada başqa pəncərədə dəyişdirilmişdir").lacks("22 Kanalizasiya")
	if len(w.payments()) != 0 {
		t.Error("something was paid")
	}
	c.open("/payments").send("/payments/calculate").send("/payments/pay")
	c.post("/logout").leads("/login?said=session.closed")
	c.works()
	c.send("/payments/confirm").says(422, "Siyahı bu arada") // the basket was emptied, WP-530
	c.open("/payments").says(200, "Siyahı boşdur")
}

// An electricity payment goes to the card after confirmation. WP-072 to WP-078, WP-079, WP-080, WP-542 to WP-544, WP-549
func TestElectricityToCard(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	r := w.reader()
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	r.insert("AZ-7", electro, "7001")
	c.account(electro, "7001").calculate("12,50").send("/payments/pay").says(200, "Davam et", "data-card-read", `data-bridge="http://`, "SMART kartını qurğuya daxil edin")
	if csp := c.page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "connect-src 'self' http://127.0.0.1:47123 ws://127.0.0.1:47123") {
		t.Error(csp)
	}
	c.send("/payments/confirm", r.read(c)...).says(200, "Ödəniş tamamlandı", "data-ticket=")
	address := c.page.asked
	r.carry(c).says(200, "SMART karta 12,50 AZN yazılmışdır", "Çap", "1 nüsxə", "3 nüsxə").lacks("data-ticket=")
	c.open(strings.TrimPrefix(address, "GET ")).says(200, "SMART karta 12,50 AZN yazılmışdır")
	// the customer comes back without having been at the meter
	c.account(electro, "7001").calculate("5").send("/payments/pay").send("/payments/confirm", r.read(c)...)
	c.says(422, "Müştəri son ödənişi sayğaca yükləməmişdir", `value="5"`, "5,00 ₼")
	if n := len(w.payments()); n != 1 {
		t.Errorf("%d payments", n)
	}
	// another card
	r.insert("AZ-8", electro, "8888")
	c.send("/payments/pay").send("/payments/confirm", r.read(c)...).says(422, "Bu ödəniş başqa SMART karta aiddir")
	// the same card again, loaded
	r.insert("AZ-7", electro, "7001")
	r.scene(simulator.Change{Load: true})
	c.send("/payments/pay").send("/payments/confirm", r.read(c)...)
	r.carry(c).says(200, "SMART karta 5,00 AZN yazılmışdır")
	if got := r.sim.Scene().Cards["AZ-7"].Changes; got != 2 {
		t.Errorf("the card was changed %d times", got)
	}
	c.account(electro, "7001").account(electro, "7001").says(422, "Bu ödəniş siyahıya artıq əlavə edilmişdir")
}

// Without reader or card an electricity payment can be made without writing,
// after a second question. WP-082 to WP-084, WP-087, WP-545
func TestWithoutWriting(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	r := w.reader()
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	for message, scene := range map[string]simulator.Change{
		"Kart qurğusu hazır deyildir":                {Reader: is(false)},
		"Əməliyyatçı kartı qurğuya daxil etməmişdir": {Reader: is(true), OperatorCard: is(false)},
		"Müştəri kartı qurğuya daxil edilməmişdir":   {Reader: is(true), OperatorCard: is(true), CustomerCard: is(false)},
	} {
		r.scene(simulator.Change{Reader: is(true), OperatorCard: is(true), CustomerCard: is(true)})
		r.scene(scene)
		c.account(electro, "7001").calculate("5").send("/payments/pay").send("/payments/confirm", r.read(c)...)
		c.says(200, "Ödəniş SMART karta yazılmadan həyata keçirilsin?", "Bəli", "İmtina", message)
		c.open("/payments?at=pay").says(200, "01 Elektrik enerjisi", "5,00 ₼") // “İmtina”
		if len(w.payments()) != 0 {
			t.Fatal("something was paid")
		}
		c.open("/payments").send("/payments/organisations/AZERISHIQ/delete")
	}
	c.account(electro, "7001").calculate("5").send("/payments/pay")
	c.send("/payments/confirm").says(200, "Kart qurğusu hazır deyildir", "Bəli") // a browser without script
	c.send("/payments/confirm").says(200, "Ödəniş tamamlandı", "1 nüsxə", "3 nüsxə").lacks("yazılmışdır")
	if p := w.payments(); len(p) != 1 || p[0].CardWrite != tolem.CardWriteSkipped {
		t.Errorf("%+v", p)
	}
}

// Gas is paid by card: the account is read from it. WP-088 to WP-099, WP-547, WP-548, WP-555, WP-557, WP-558
func TestGasByCard(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	r := w.reader()
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	c.open("/payments").send("/payments", "find", "azəriqaz").says(200, "Smart kart üzrə ödəniş")
	c.send("/payments/view", "view", "card").says(200, "Kartı oxu", "data-card-read", "JavaScript")
	for message, scene := range map[string]simulator.Change{
		"Kart qurğusu hazır deyildir":                {Reader: is(false)},
		"Əməliyyatçı kartı qurğuya daxil etməmişdir": {OperatorCard: is(false)},
		"Müştəri kartı qurğuya daxil edilməmişdir":   {CustomerCard: is(false)},
		"SMART kart oxuna bilmədi":                   {Damaged: is(true)},
	} {
		r.scene(scene)
		c.send("/payments/card", r.read(c)...).says(422, "SMART kart oxuna bilmədi", message, "Kartı oxu")
		r.scene(simulator.Change{Reader: is(true), OperatorCard: is(true), CustomerCard: is(true), Damaged: is(false)})
	}
	r.insert("AZ-9", electro, "7001")
	c.send("/payments/card", r.read(c)...).says(422, "Bu ödəniş başqa SMART karta aiddir")
	r.insert("AZ-2", gas, "400123")
	c.send("/payments/card", r.read(c)...).says(200, "Məbləğ (AZN)", "400123", "AZ-2", "Əli Vəliyev", "Hesabla", "ARDNŞ-in Azəriqaz İB")
	c.send("/payments/calculate", "amount-1", "abc").says(422, "Məbləğ düzgün daxil edilməmişdir")
	c.send("/payments/calculate", "amount-1", "20").says(200, "20,00 ₼", "SMART karta AZ-2")
	c.open("/payments/card?organisation=AZERIQAZ").send("/payments/card", r.read(c)...).says(422, "artıq") // the card twice, WP-549
	// not ready at “Davam et”: nothing is stored
	r.scene(simulator.Change{CustomerCard: is(false)})
	c.open("/payments").send("/payments/pay").send("/payments/confirm", r.read(c)...).says(422, "Müştəri kartı qurğuya daxil edilməmişdir")
	r.scene(simulator.Change{CustomerCard: is(true)})
	r.insert("AZ-3", gas, "400999")
	c.send("/payments/pay").send("/payments/confirm", r.read(c)...).says(422, "Bu ödəniş başqa SMART karta aiddir")
	if len(w.payments()) != 0 {
		t.Fatal("something was paid")
	}
	// the write fails: the payment is stored, and says so
	r.insert("AZ-2", gas, "400123")
	r.scene(simulator.Change{Fail: is(simulator.FailWrite)})
	c.send("/payments/pay").send("/payments/confirm", r.read(c)...)
	r.carry(c).says(200, "Ödəniş SMART karta yazıla bilmədi", "Ödəniş qeydə alınmışdır", "1 nüsxə").lacks("data-ticket=", "yazılmışdır")
	if p := w.payments(); len(p) != 1 || p[0].CardWrite != tolem.CardWriteFailed {
		t.Errorf("%+v", p)
	}
}

// Nobody knows whether the card was written: the page says so, and reading the
// card decides. WP-551, WP-552
func TestUnknownWrite(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	r := w.reader()
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	r.insert("AZ-7", electro, "7001")
	c.account(electro, "7001").calculate("9").send("/payments/pay").send("/payments/confirm", r.read(c)...)
	pending := c.page
	m := ticketTag.FindStringSubmatch(pending.body)
	if status, _ := r.call(http.MethodPost, "/v1/card/write", map[string]string{"ticket": m[1]}); status != 200 {
		t.Fatal("the card was not written")
	}
	c.send("/cards/read", "not-ready", "customer_card_missing").says(200, "Müştəri kartı qurğuya daxil edilməmişdir", "data-ticket=", "hələ məlum deyil")
	c.send("/cards/read", r.read(c)...).says(200, "SMART karta 9,00 AZN yazılmışdır")
	c.page = pending
	r.carry(c).says(200, "SMART karta 9,00 AZN yazılmışdır") // the answer comes too
	if got := r.sim.Scene().Cards["AZ-7"].Changes; got != 1 {
		t.Errorf("the card was changed %d times", got)
	}
	c.page = c.follow(c.post("/cards/written", "basket", pending.fields().Get("basket"), "answer", "{}"))
	c.says(200, "Ödəniş SMART karta yazıla bilmədi")
}

// Every page of a payment in every language has its texts. WP-592
func TestPaymentsInEveryLanguage(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	r := w.reader()
	c := w.cashier("a.asan", tolem.RoleAsanOperator)
	r.insert("AZ-2", gas, "400123")
	for _, l := range pages.Languages {
		own := texts(t, l)
		c.open("/payments").send("/payments/speak", "language", string(l)).says(200, `<html lang="`+string(l)+`">`, own["pay.empty"])
		c.send("/payments/view", "view", "list").says(200, own["pay.list_title"])
		c.account(water, "1002").says(200, own["pay.codes"], own["pay.add_codes"])
		c.send("/payments/services", "code-DRAIN", "yes").says(200, own["basket.asan_required"], own["pay.advance"])
		c.send("/payments/unit", "asan-unit", "A1-1").send("/payments/view", "view", "details-1").says(200, own["pay.details_print"], own["pay.address"])
		line := c.page.fields().Get("lines")
		c.get("/print/accounts/"+line).says(200, own["pay.holder"])
		c.open("/payments/card?organisation=AZERIQAZ").says(200, own["gas.read"], html.EscapeString(own["card.insert"]))
		c.send("/payments/card", r.read(c)...).says(200, own["gas.amount"])
		c.open("/payments?window=units&line=2").send("/payments/unit", "asan-unit", "A1-1")
		c.calculate("1", "2").says(200, own["pay.fee"])
		c.send("/payments/pay").says(200, own["payment.confirm"], own["pay.continue"])
		c.send("/payments/confirm", r.read(c)...).says(200, own["card.writing"], own["card.pending"])
		r.carry(c).says(200, strings.Replace(own["card.written"], "{amount}", "2,00", 1), own["print.all"], own["pay.next"])
		r.scene(simulator.Change{Load: true})
	}
}
