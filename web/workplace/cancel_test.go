package workplace_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/smartcard/bridge/simulator"
	"tolem/store"
)

// The operator cancels, the bank administrator decides; the receipt has “Ləğv
// tarixi” when it is so.
// WP-104 to WP-111, WP-125, WP-127, WP-128, WP-560 to WP-563, WP-568 to WP-573, WP-577, WP-578
func TestCancellation(t *testing.T) {
	w, c := taken(t, tolemtest.SQLite(t), tolem.RoleOperator)
	chief := &cashier{staff: w.employ("KAPITAL", "b.admin", tolem.RoleBankAdmin).works()}
	chief.open("/approvals").says(200, "Təsdiq gözləyən ləğv yoxdur")
	c.open("/cancellations").says(200, "Mədaxil qəbzinin nömrəsini daxil edin", "Axtar").lacks("Ləğv et")
	c.open("/cancellations?number=99").says(422, "Mədaxil qəbzi tapılmadı")
	c.open("/cancellations?number=%200000000001").says(200, "Azərsu ASC", "INV-1", "12,54 ₼", "planlaşdırılıb", "Ləğv et").lacks("Davam et")
	c.open("/cancellations?number=1&ask").says(200, "0000000001 nömrəli qəbz üzrə ödəniş ləğv edilsin?", "Davam et", "Bağla")
	question := c.page
	c.send("/cancellations/0000000001").says(200, "Bankın administratorunun təsdiqini gözləyir", "Ləğvi gözləyir", `href="/print/cancellations/0000000001"`)
	c.page = question
	c.send("/cancellations/0000000001").says(422, "Ödəniş planlaşdırılıb statusunda deyil", "Ləğvi gözləyir")
	paper := c.get("/print/cancellations/1").says(200, "Ləğv etmə qəbzi", "Ləğvi gözləyir", `<dt>Ləğv tarixi</dt><dd><span class="pen"></span></dd>`)
	if strings.Count(paper.body, `<section class="slip">`) != 1 {
		t.Error("not one copy")
	}
	if pdf := c.get("/print/cancellations/1?form=pdf").pdf(w); len(pdf) != 1 || !strings.Contains(pdf[0], "Ləğv tarixi") {
		t.Errorf("%q", pdf)
	}
	c.open("/cancellations?number=2&ask").send("/cancellations/0000000002").says(200)

	list := chief.open("/approvals").says(200, "0000000001", "0000000002", "Lalə Əliyeva", "Təsdiq et", "Rədd et").page
	if strings.Index(list.body, "0000000001") > strings.Index(list.body, "0000000002") {
		t.Error("the oldest is not first")
	}
	chief.open("/approvals/1").says(200, "Azərsu ASC", "INV-1", "Ödənişin ləğvi təsdiq edilsin?")
	question = chief.page
	chief.send("/approvals/0000000001/approve").says(200, "Ləğv təsdiq edildi", "0000000002").lacks("0000000001")
	chief.page = question
	chief.send("/approvals/0000000001/approve").says(422, "Ödəniş planlaşdırılıb statusunda deyil", "0000000002")
	chief.open("/approvals/2?reject").says(200, "Səbəb").send("/approvals/0000000002/reject").says(422, "Rədd etmənin səbəbini yazın")
	chief.send("/approvals/0000000002/reject", "reason", "Müştəri imtina etdi").says(200, "Ləğv rədd edildi", "Təsdiq gözləyən ləğv yoxdur")

	c.get("/print/cancellations/1").says(200, "Ləğv edilmiş", "<dt>Ləğv tarixi</dt><dd>02.11.2026 ").lacks(`<dt>Ləğv tarixi</dt><dd><span class="pen">`)
	c.open("/cancellations/2").says(200, "Ödəniş ləğv edilmədi", "Müştəri imtina etdi", "planlaşdırılıb")
	c.open("/cancellations?number=1&ask").send("/cancellations/0000000001").says(422, "Ödəniş planlaşdırılıb statusunda deyil")
	c.get("/print/receipts/1").says(200, "Ləğv edilmiş: 02.11.2026")
	c.get("/cancellations/3").says(404)
	chief.get("/cancellations/2").says(http.StatusForbidden)
	c.get("/approvals").says(http.StatusForbidden)
	stranger := &cashier{staff: w.employ("RABITA", "r.admin", tolem.RoleBankAdmin).works()}
	c.open("/cancellations?number=2&ask").send("/cancellations/0000000002").says(200)
	stranger.open("/approvals").says(200, "Təsdiq gözləyən ləğv yoxdur")
	stranger.post("/approvals/0000000002/approve", "seq", "2").says(422)
	chief.post("/approvals/0000000002/approve", "seq", "1").says(422, "planlaşdırılıb statusunda deyil") // the request that was rejected
	chief.post("/approvals/0000000002/approve", "seq", "x").says(400)
}

// Each of the four refusals is shown above the payment. WP-119 to WP-122
func TestRefusedCancellations(t *testing.T) {
	w, c := taken(t, tolemtest.SQLite(t), tolem.RoleOperator)
	c.open("/cancellations?number=3&ask").send("/cancellations/0000000003").says(422, "Ödənişi ləğv etmək olmaz", "Vergilər Nazirliyi") // not cancellable
	w.change(1, func(p *tolem.DeskPayment) { p.Status = tolem.DeskSettled })
	c.open("/cancellations?number=1&ask").send("/cancellations/0000000001").says(422, "Ödəniş planlaşdırılıb statusunda deyil", "Hesablaşma aparılıb")
	w.must(w.db.Close())
	c.post("/cancellations/0000000002").says(http.StatusInternalServerError)
}

// change makes a payment what a test needs.
func (w *world) change(n tolem.ReceiptNo, to func(*tolem.DeskPayment)) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		p, err := tx.DeskPayment("KAPITAL", n)
		if err != nil {
			return err
		}
		to(&p)
		_, err = tx.ChangeDeskPayment(p)
		return err
	})
}

// Of two cancellations at once one succeeds. WP-564
func TestTwoCancellationsAtOnce(t *testing.T) {
	w, c := taken(t, tolemtest.SQLite(t), tolem.RoleOperator)
	var all sync.WaitGroup
	answers := make([]answer, 4)
	for i := range answers {
		all.Add(1)
		go func() {
			defer all.Done()
			answers[i] = c.post("/cancellations/0000000001")
		}()
	}
	all.Wait()
	done := 0
	for _, a := range answers {
		if a.status == http.StatusSeeOther {
			done++
		} else {
			a.says(422, "Ödəniş planlaşdırılıb statusunda deyil")
		}
	}
	if done != 1 || w.payments()[0].Status != tolem.DeskAwaiting {
		t.Errorf("%d succeeded", done)
	}
}

// onCard is a world with one payment that is on the card in the reader.
func onCard(t *testing.T) (*world, *reader, *cashier) {
	t.Helper()
	w := newTill(t, tolemtest.SQLite(t))
	r := w.reader()
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	r.insert("AZ-7", electro, "7001")
	c.account(electro, "7001").send("/payments/calculate", "amount-1", "12,50").send("/payments/pay").send("/payments/confirm", r.read(c)...)
	r.carry(c).says(200, "SMART karta 12,50 AZN yazılmışdır")
	return w, r, c
}

// reverse has the ticket of the page carried out for a cancellation.
func (r *reader) carryFor(c *cashier, to string) *cashier {
	r.w.t.Helper()
	m := ticketTag.FindStringSubmatch(c.page.body)
	if m == nil {
		r.w.t.Fatalf("the page has no ticket: %s", c.page.main())
	}
	_, text := r.call(http.MethodPost, "/v1/card/"+m[3], map[string]string{"ticket": m[1]})
	return c.send(to+"/written", "answer", string(text))
}

// A payment that is on a card is taken off it before it is cancelled.
// WP-112 to WP-118, WP-123, WP-124, WP-557, WP-565 to WP-567
func TestCancellationOffTheCard(t *testing.T) {
	w, r, c := onCard(t)
	c.get("/print/receipts/1?copies=3").says(200, "SMART karta yazıldı") // WP-077, WP-078
	ask := func() *cashier {
		return c.open("/cancellations?number=1&ask").says(200, "data-card-read", "qurğuya daxil edin")
	}
	for message, scene := range map[string]simulator.Change{
		"Kart qurğusu hazır deyildir":                {Reader: is(false)},
		"Əməliyyatçı kartı qurğuya daxil etməmişdir": {OperatorCard: is(false)},
		"Müştəri kartı qurğuya daxil edilməmişdir":   {CustomerCard: is(false)},
	} {
		r.scene(scene)
		ask().send("/cancellations/0000000001", r.read(c)...).says(422, message, "planlaşdırılıb")
		r.scene(simulator.Change{Reader: is(true), OperatorCard: is(true), CustomerCard: is(true)})
	}
	r.insert("AZ-8", electro, "8888")
	ask().send("/cancellations/0000000001", r.read(c)...).says(422, "Bu ödəniş başqa SMART karta aiddir")
	r.insert("AZ-7", electro, "7001")
	r.scene(simulator.Change{Fail: is(simulator.FailReverse)})
	ask().send("/cancellations/0000000001", r.read(c)...).says(200, `data-ticket-op="reverse"`)
	r.carryFor(c, "/cancellations/0000000001").says(422, "Ləğv zamanı xəta baş vermişdir. Sistem İnzibatçısı ilə əlaqə saxlayın", "planlaşdırılıb")
	r.scene(simulator.Change{Fail: is(simulator.FailNothing)})
	ask().send("/cancellations/0000000001", r.read(c)...).says(200, "data-ticket=").lacks("Ləğv etmə qəbzi №</h2>")
	r.carryFor(c, "/cancellations/0000000001").says(200, "Ödəniş ləğv edildi", "Ləğv etmə qəbzi", "Ləğv edilmiş", "Kartdan geri götürülüb").lacks("data-ticket=")
	c.get("/print/cancellations/1").says(200, "Ləğv edilmiş", "<dt>Ləğv tarixi</dt><dd>02.11.2026 ")
	c.get("/print/receipts/1").lacks("SMART karta yazıldı")
	if p := w.payments()[0]; p.Status != tolem.DeskCancelled || p.CardWrite != tolem.CardWriteReversed {
		t.Errorf("%s, %s", p.Status, p.CardWrite)
	}
}

// What was loaded into the meter cannot be cancelled. WP-567
func TestCancellationOfALoadedCard(t *testing.T) {
	_, r, c := onCard(t)
	r.scene(simulator.Change{Load: true})
	c.open("/cancellations?number=1&ask").send("/cancellations/0000000001", r.read(c)...).says(422, "Ödənişi ləğv etmək olmaz")
}

// From the register a failed write is tried again. WP-099 to WP-103, WP-550, WP-553, WP-554, WP-556
func TestWriteAgainFromTheRegister(t *testing.T) {
	w := newTill(t, tolemtest.SQLite(t))
	r := w.reader()
	c := w.cashier("l.aliyeva", tolem.RoleOperator)
	r.insert("AZ-7", electro, "7001")
	r.scene(simulator.Change{Fail: is(simulator.FailWrite)})
	c.account(electro, "7001").send("/payments/calculate", "amount-1", "12,50").send("/payments/pay").send("/payments/confirm", r.read(c)...)
	r.carry(c).says(200, "Ödəniş SMART karta yazıla bilmədi")
	c.open("/register").says(200, `href="/cards/0000000001"`, "Karta yaz", "Yazılmayıb")
	c.open("/cards/1").says(200, "Karta yaz", "data-card-read")
	c.send("/cards/0000000001", r.read(c)...).says(200, "data-ticket=")
	r.carryFor(c, "/cards/0000000001").says(422, "Ödəniş SMART karta yazıla bilmədi", "Karta yaz")
	r.insert("AZ-8", electro, "8888")
	c.send("/cards/0000000001", r.read(c)...).says(422, "Ödəniş SMART karta yazıla bilmədi", "Bu ödəniş başqa SMART karta aiddir")
	r.scene(simulator.Change{CustomerCard: is(false)})
	c.send("/cards/0000000001", r.read(c)...).says(422, "Müştəri kartı qurğuya daxil edilməmişdir")
	r.scene(simulator.Change{CustomerCard: is(true), Fail: is(simulator.FailNothing)})
	r.insert("AZ-7", electro, "7001")
	c.send("/cards/0000000001", r.read(c)...).says(200, "data-ticket=")
	r.carryFor(c, "/cards/0000000001").says(200, "Ödəniş SMART karta yazılmışdır").lacks("data-card-read")
	c.get("/print/receipts/1").says(200, "SMART karta yazıldı")
	c.open("/register").says(200, "Yazılıb").lacks("Karta yaz<")
	if got := r.sim.Scene().Cards["AZ-7"].Changes; got != 1 {
		t.Errorf("the card was changed %d times", got)
	}
}

// The details of a card, and its three warnings. WP-081, WP-153 to WP-159, WP-559
func TestCardDetails(t *testing.T) {
	w, r, c := onCard(t)
	c.open("/card").says(200, "Smart kartı sorğula", "data-card-read")
	for message, scene := range map[string]simulator.Change{
		"Kart qurğusu hazır deyildir":                {Reader: is(false)},
		"Əməliyyatçı kartı qurğuya daxil etməmişdir": {OperatorCard: is(false)},
		"Müştəri kartı qurğuya daxil edilməmişdir":   {CustomerCard: is(false)},
		"SMART kart oxuna bilmədi":                   {Damaged: is(true)},
	} {
		r.scene(scene)
		c.send("/card", r.read(c)...).says(422, message, "Smart kartı sorğula").lacks("Kartın nömrəsi")
		r.scene(simulator.Change{Reader: is(true), OperatorCard: is(true), CustomerCard: is(true), Damaged: is(false)})
	}
	c.send("/card", r.read(c)...).says(200, "AZ-7", "Azərişıq ASC", "7001", "12,50 ₼", "sayğaca yüklənməyib", "ÇAP")
	c.send("/card/report").says(200, "AZ-7", "12,50 ₼", "data-print", "Kapital Bank")
	c.send("/print/card").says(200, "data-paper", "AZ-7", "12,50 ₼", "Gəncə filialı", "Lalə Əliyeva", "SINAQ")
	if got := w.recorded(tolem.ActPrint); got[len(got)-1] != "card" {
		t.Errorf("%q", got)
	}
	c.post("/print/card", "card", `{"card_no":""}`).says(http.StatusBadRequest)
	c.post("/card/report", "card", "nonsense").says(http.StatusBadRequest)
}
