package e2e

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/internal/tolemtest"
	"tolem/registry"
	"tolem/registry/form"
	"tolem/signing"
)

// How hard the desks are tried.
const (
	deskCrashes  = 52 // on each database
	someCrashes  = 17 // of them: one in every scene
	ticketLife   = time.Minute
	soonest      = 25 * time.Millisecond // within which a kill comes while something is on its way
	deskPatience = 40 * time.Second      // of an operator for whom nothing goes on
)

// The cards of the test, each with where its account is found.
var (
	lightCards = []tolem.SmartCardNo{"AI-2002", "AI-9001", "AI-9002", "AI-9003"} // of one account
	gasCard    = tolem.SmartCardNo("AZ-1002")
	leftCard   = tolem.SmartCardNo("AI-9009") // whose customer goes away with it
)

// Gateway and card bridge are killed at any moment of payments, of writing and
// reversing SMART cards, of writing them once more, and of cancellations, in
// every scene that a card reader can show, while other desks pay; and pages are
// lost. When all is back and the operators have done what operators do, no
// payment is without a decided card, no ticket has changed a card twice, cards,
// money, payments and receipts agree, and so do archive and registers.
//
// WP-079, WP-082, WP-083, WP-099, WP-101, WP-102, WP-103, WP-123, WP-529, WP-538, WP-539, WP-542, WP-543, WP-545, WP-547
// WP-548, WP-550, WP-551, WP-552, WP-553, WP-565, WP-566, WP-595
func TestDesksAreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED with -short: cards whose write nobody knows are decided when their tickets have ended, minutes later")
	}
	t.Parallel()
	tolemtest.Databases(t, func(t *testing.T, database string) {
		t.Parallel() // half of it is waiting
		deskDay(t)
		c := &deskCrash{bureau: newBureau(t, database, 0), database: database, random: rand.New(rand.NewPCG(rand.Uint64(), 5)), struck: make(map[string]int)}
		begin := time.Now()
		c.serve()
		c.reader.start()
		c.play()
		c.t.Logf("%d kills of the gateway, %d of the bridge, %d pages lost, in %v; a start took %v: %v", c.gateways, c.bridges, c.pages,
			time.Since(begin).Round(time.Second), (c.starting / time.Duration(max(1, c.gateways))).Round(time.Millisecond), c.struck)
		c.checkNoFailure()
		c.checkCards()
		c.reader.kill()
		c.kill()
		c.checkArchive(int64(len(c.checkLedger(database))))
		c.checkJournal()
		c.checkDeskDays()
	})
}

type deskCrash struct {
	*bureau
	database string
	random   *rand.Rand

	fault                    *fault // to come; nil: none
	struck                   map[string]int
	gateways, bridges, pages int
	starting                 time.Duration // all of them together
	paid, otherPaid          []string      // amounts of the desk with the reader, and of another; each once
	cents                    int64         // of the last amount
}

// fault is what happens at a step of an operator.
type fault struct {
	step string
	when string // before, during, after; held before, held after: by the reader
	who  string // gateway, bridge, both, page
}

func (f fault) String() string { return strings.Join([]string{f.who, f.when, f.step}, " ") }

// faults are all that can happen at a step.
func faults(step string) []fault {
	list := []fault{{step, "before", "gateway"}, {step, "during", "gateway"}, {step, "after", "gateway"}, {step, "before", "page"}, {step, "after", "page"}}
	if step == "write" || step == "reverse" {
		list = []fault{
			{step, "before", "gateway"}, {step, "held before", "bridge"}, {step, "held after", "bridge"}, {step, "during", "bridge"}, {step, "after", "bridge"},
			{step, "after", "gateway"}, {step, "after", "both"}, {step, "before", "page"}, {step, "after", "page"},
		}
	}
	return list
}

// errLost: the page is gone, with what it knew.
var errLost = errors.New("the page was closed")

// at does a step of an operator, with what is to happen at it.
func (c *deskCrash) at(step string, do func() error) error {
	f := c.fault
	if f == nil || f.step != step {
		return do()
	}
	c.fault = nil
	c.struck[f.String()]++
	switch f.when {
	case "before":
		if err := c.strike(f.who); err != nil {
			return err
		}
		return do()
	case "after":
		err := do()
		return errors.Join(err, c.strike(f.who))
	}
	hold, held := strings.CutPrefix(f.when, "held ")
	wait := time.Duration(c.random.Int64N(int64(soonest)))
	if held {
		c.reader.scene(map[string]any{"hold": hold})
		wait = 100 * time.Millisecond
	}
	done := make(chan error, 1)
	go func() { done <- do() }()
	time.Sleep(wait)
	err := c.strike(f.who)
	if held {
		c.reader.scene(map[string]any{"hold": ""})
	}
	return errors.Join(<-done, err)
}

// strike kills and starts again.
func (c *deskCrash) strike(who string) error {
	if who == "page" {
		c.pages++
		return errLost
	}
	if who != "gateway" {
		c.reader.kill()
		c.bridges++
	}
	if who != "bridge" {
		c.kill()
		c.gateways++
		begin := time.Now()
		c.serve()
		c.starting += time.Since(begin)
	}
	if who != "gateway" {
		c.reader.start()
	}
	return nil
}

// amount is one that no other payment has.
func (c *deskCrash) amount() string {
	c.cents++
	return tolem.Money{Minor: 10_00 + c.cents, Currency: tolem.AZN}.Decimal()
}

// play has the desk with the reader go through every scene again and again,
// each time with another fault, while other desks pay.
func (c *deskCrash) play() {
	var cards []map[string]any
	for _, no := range append(lightCards[1:], leftCard) {
		cards = append(cards, map[string]any{
			"card_no": no, "organisation": "AZERISHIQ", "account": lightClear, "balance": 0, "last_ticket": "", "last_loaded": true, "details": []any{},
		})
	}
	c.reader.scene(map[string]any{"cards": cards, "inserted": lightCards[0], "load": true})
	ctx, stop := context.WithCancel(c.t.Context())
	var others sync.WaitGroup
	defer others.Wait()
	defer stop()
	others.Go(func() { c.ordinary(ctx) })
	others.Go(func() { c.debts(ctx) })

	o, admin := c.stubborn(firstCashier), c.stubborn(bankAdmin)
	left, leftAt := c.leave(o), time.Now()
	steps := func(s deskScene) (list []fault) {
		for _, step := range s.steps {
			list = append(list, faults(step)...)
		}
		return list
	}
	// Each scene has its faults in an order of its own; they begin anew when all
	// have been.
	plans := make([][]fault, len(deskScenes))
	kills := times(part(c.t, deskCrashes, someCrashes))
	for round := 0; c.gateways+c.bridges < kills; round++ {
		i := round % len(deskScenes)
		s := deskScenes[i]
		if len(plans[i]) == 0 {
			plans[i] = steps(s)
			c.random.Shuffle(len(plans[i]), func(a, b int) { plans[i][a], plans[i][b] = plans[i][b], plans[i][a] })
		}
		f := plans[i][0]
		plans[i] = plans[i][1:]
		c.fault = &f
		card := lightCards[c.random.IntN(len(lightCards))]
		v := &visitor{deskCrash: c, stubborn: o, admin: admin, order: wish{electricity, lightClear, card}}
		if s.gas || c.random.IntN(4) == 0 && !s.light {
			v.order = wish{gas, "", gasCard}
		}
		c.ready(v.order.card)
		if c.random.IntN(2) == 0 {
			c.sleep(5 * time.Millisecond) // kills come at other moments of the other desks
		}
		s.play(v)
		if c.t.Failed() {
			c.t.Fatalf("round %d: %s, %s", round, s.name, f)
		}
		if c.fault != nil { // its step did not come
			c.fault = nil
			_ = c.strike("gateway")
		}
	}
	time.Sleep(time.Until(leftAt.Add(ticketLife + 2*time.Second)))
	c.comeBack(o, left)
}

func (c *deskCrash) sleep(most time.Duration) {
	time.Sleep(time.Duration(c.random.Int64N(int64(most))))
}

// ready puts a card into the reader, which its customer has loaded into the meter.
func (c *deskCrash) ready(card tolem.SmartCardNo) {
	c.t.Helper()
	c.reader.scene(map[string]any{
		"reader": true, "operator_card": true, "customer_card": true, "damaged": false, "fail": "", "hold": "", "inserted": card, "load": true,
	})
}

// set changes the scene.
func (c *deskCrash) set(pairs ...any) {
	c.t.Helper()
	change := make(map[string]any)
	for i := 0; i < len(pairs); i += 2 {
		change[pairs[i].(string)] = pairs[i+1]
	}
	c.reader.scene(change)
}

// stubborn is somebody at a desk who goes on whatever breaks.
type stubborn struct {
	*window
	c *deskCrash
}

func (c *deskCrash) stubborn(user string) *stubborn {
	o := &stubborn{c.newWindow(user), c}
	check(c.t, o.again(o.signIn))
	return o
}

// again does something until the gateway answers. What a page tells counts as
// an answer.
func (o *stubborn) again(do func() error) error {
	for deadline := time.Now().Add(deskPatience); ; time.Sleep(comeBack) {
		err := do()
		if err == nil || errors.Is(err, errPage) || time.Now().After(deadline) {
			return err
		}
	}
}

// recover is what somebody does after something broke: a window that was lost is
// opened anew, and whoever is asked to sign in does so.
func (o *stubborn) recover(err error) error {
	if errors.Is(err, errPage) {
		return err
	}
	if errors.Is(err, errLost) {
		o.window = o.c.newWindow(o.who.User)
	}
	return o.again(o.signIn)
}

// rowOf finds a payment in the register.
func (o *stubborn) rowOf(fits func(row) bool) (found row, ok bool) {
	var rows []row
	check(o.c.t, o.again(func() (err error) { rows, err = o.register(); return err }))
	for _, r := range rows {
		if fits(r) {
			if ok {
				o.c.t.Errorf("twice in the register: %+v", r)
			}
			found, ok = r, true
		}
	}
	return found, ok
}

func (o *stubborn) ofAmount(amount string) (row, bool) {
	return o.rowOf(func(r row) bool { return r.Amount == amount })
}

func (o *stubborn) receipt(number string) row {
	o.c.t.Helper()
	r, ok := o.rowOf(func(r row) bool { return r.Receipt == number })
	if !ok {
		o.c.t.Fatalf("receipt %s is gone", number)
	}
	return r
}

// wish is what a customer wants: an account typed, or that of the card.
type wish struct {
	organisation, account string
	card                  tolem.SmartCardNo
}

// visitor is a customer at the desk with the reader.
type visitor struct {
	*deskCrash
	*stubborn
	admin   *stubborn
	order   wish
	without bool // pays though the card cannot be written
	resent  bool // a confirmation was sent again
}

// pay takes a payment of an amount, whatever breaks on the way. It returns its
// row of the register with the card decided, or the message that it was refused
// with.
func (v *visitor) pay(amount string) (row, string) {
	v.deskCrash.t.Helper()
	for deadline := time.Now().Add(deskPatience); time.Now().Before(deadline); {
		refused, err := v.tryPay(amount)
		if refused == "card.read_failed" && v.resent { // what was read had been used up when the gateway was killed
			v.resent = false
			continue
		}
		if refused != "" {
			return row{}, refused
		}
		if err != nil {
			check(v.deskCrash.t, v.recover(err))
		}
		if r, ok := v.ofAmount(amount); ok {
			v.paid = append(v.paid, amount)
			return v.decided(r.Receipt), ""
		}
	}
	v.deskCrash.t.Fatalf("%s is not paid", amount)
	return row{}, ""
}

// refusals are the messages that a payment is refused with.
var refusals = []string{
	"card.not_loaded", "card.other_card", "card.read_failed", "card.pending", "card.reader_not_ready", "card.operator_missing", "card.customer_missing",
	"card.write_failed", "basket.stale",
}

// tryPay goes on with the basket that is there, or puts one together.
func (v *visitor) tryPay(amount string) (refused string, err error) {
	if err := v.open("/payments"); err != nil {
		return "", err
	}
	if len(v.amountFields()) == 0 {
		if err = v.line(); err != nil {
			return v.saysOne(refusals...), err
		}
	}
	if v.page.path() != "/payments" {
		if err := v.open("/payments"); err != nil {
			return "", err
		}
	}
	if err := v.toConfirm(amount); err != nil {
		return "", err
	}
	err = v.confirm()
	if err == nil && v.says("card.confirm_without_write") {
		if !v.without {
			return "card.confirm_without_write", nil
		}
		err = v.confirm()
	}
	if err == nil && !strings.HasPrefix(v.page.path(), "/payments/completed/") {
		key := v.saysOne(refusals...)
		if key == "" {
			err = v.page.wrong("after the confirmation")
		}
		return key, err
	}
	if err == nil {
		err = v.carryOn("write", "told")
	}
	return "", err
}

// addCard puts the account of the card in the reader into the basket.
func (v *visitor) addCard() error {
	if err := v.press("/payments", map[string]string{"find": v.order.organisation}); err != nil {
		return err
	}
	if err := v.press("/payments/view view=card", nil); err != nil {
		return err
	}
	if err := v.press("/payments/card", nil); err != nil {
		return err
	}
	if !strings.HasPrefix(v.page.path(), "/payments/card/") {
		return v.page.wrong("the card gives no account")
	}
	return nil
}

// confirm presses “Davam et” or “Bəli”. If no answer comes the same form is sent
// again, as a browser does when its page is reloaded, or it is not.
func (v *visitor) confirm() error {
	s, err := v.page.submit("/payments/confirm", nil)
	if err == nil && s.readsCard {
		err = v.readCard(&s)
	}
	if err != nil {
		return err
	}
	err = v.at("confirm", func() error { return v.send(s) })
	if err != nil && !errors.Is(err, errPage) && !errors.Is(err, errLost) && v.random.IntN(2) == 0 {
		v.resent = true
		return v.again(func() error { return v.send(s) })
	}
	return err
}

// carryOn has the ticket of the page carried out, if there is one, and brings
// the answer back. Where nobody answers it is tried again.
func (v *visitor) carryOn(write, tell string) error {
	for range 5 {
		if v.page.marked("data-ticket") == nil {
			return nil
		}
		var answer []byte
		err := v.at(write, func() error { answer = v.carry(); return nil })
		if err != nil {
			return err
		}
		if answer == nil {
			time.Sleep(comeBack)
			continue
		}
		return v.at(tell, func() error { return v.report(answer) })
	}
	return v.page.wrong("the ticket is not carried out")
}

// decided follows the register's link until it is known whether the card is
// written.
func (v *visitor) decided(receipt string) row {
	v.deskCrash.t.Helper()
	for deadline := time.Now().Add(deskPatience); time.Now().Before(deadline); {
		r := v.receipt(receipt)
		if r.Card != "pending" {
			return r
		}
		err := v.again(func() error { return v.open(r.Write) })
		if err == nil {
			err = v.carryOn("write", "told")
		}
		if err != nil {
			check(v.deskCrash.t, v.recover(err))
		}
	}
	v.deskCrash.t.Fatalf("nobody knows what became of the card of receipt %s", receipt)
	return row{}
}

// rewrite writes a card once more from the register. It returns the row then,
// and what was told.
func (v *visitor) rewrite(receipt string) (row, string) {
	v.deskCrash.t.Helper()
	for deadline := time.Now().Add(deskPatience); time.Now().Before(deadline); {
		r := v.decided(receipt)
		if r.Write == "" {
			return r, ""
		}
		key := ""
		err := v.again(func() error { return v.open(r.Write) })
		if err == nil {
			err = v.at("again", func() error { return v.press(r.Write, nil) })
		}
		if err == nil && v.page.marked("data-ticket") == nil {
			return v.decided(receipt), v.saysOne("card.other_card", "card.write_failed")
		}
		if err == nil {
			err = v.carryOn("write", "told")
			key = v.saysOne("card.other_card", "card.write_failed", "card.rewritten")
		}
		if err != nil {
			check(v.deskCrash.t, v.recover(err))
			key = ""
		}
		if r = v.decided(receipt); r.Card == "written" || key != "" {
			return r, key
		}
	}
	v.deskCrash.t.Fatalf("receipt %s cannot be written again", receipt)
	return row{}, ""
}

// cancel asks for the cancellation of a payment, which a card that holds it is
// taken off. It returns the row then, and why it was refused.
func (v *visitor) cancel(receipt string) (row, string) {
	v.deskCrash.t.Helper()
	for deadline := time.Now().Add(deskPatience); time.Now().Before(deadline); {
		before := v.receipt(receipt)
		if before.Status == "cancelled" || before.Status == "awaiting_cancellation" && before.Card != "written" {
			return before, ""
		}
		to := "/cancellations/" + receipt
		err := v.askCancel(receipt)
		if err == nil {
			err = v.at("cancel", func() error { return v.press(to, nil) })
		}
		key := ""
		if err == nil && v.page.marked("data-ticket") != nil {
			err = v.carryOn("reverse", "told off")
		}
		if err == nil {
			key = v.saysOne("cancel.error", "cancel.not_allowed", "cancel.not_planned", "card.other_card", "card.reader_not_ready", "card.customer_missing", "card.operator_missing", "card.read_failed")
		}
		if err != nil {
			check(v.deskCrash.t, v.recover(err))
		}
		if after := v.receipt(receipt); key != "" && after.Status == "planned" {
			return after, key
		}
	}
	v.deskCrash.t.Fatalf("receipt %s cannot be cancelled", receipt)
	return row{}, ""
}

// decide has the bank's administrator decide on a cancellation.
func (v *visitor) decide(receipt, decision string) row {
	v.deskCrash.t.Helper()
	check(v.deskCrash.t, v.admin.decision(receipt, decision, v.at))
	return v.receipt(receipt)
}

// decision decides on a cancellation that awaits it, if it still does.
func (o *stubborn) decision(receipt, decision string, at func(string, func() error) error) error {
	page, fill := "/approvals/"+receipt, map[string]string(nil)
	if decision == "reject" {
		page, fill = page+"?reject", map[string]string{"reason": "Səhv"}
	}
	for deadline := time.Now().Add(deskPatience); ; {
		err := o.open(page)
		if err == nil {
			if _, waits := o.page.submit("/approvals/"+receipt+"/"+decision, nil); waits != nil {
				return nil
			}
			err = at("decide", func() error { return o.press("/approvals/"+receipt+"/"+decision, fill) })
		}
		if err == nil || errors.Is(err, errPage) || time.Now().After(deadline) {
			return err
		}
		if err := o.recover(err); err != nil {
			return err
		}
	}
}

// ---- the scenes ----

// deskScene is a row of the table of scenarios (operator-workplace.md, 8.2).
type deskScene struct {
	name       string
	steps      []string // at which something can happen
	gas, light bool     // only with such a card
	play       func(*visitor)
}

var (
	paying    = []string{"confirm", "write", "told"}
	reversing = []string{"cancel", "reverse", "told off"}
	rewriting = []string{"again", "write", "told"}
	deciding  = []string{"cancel", "decide"}
)

var deskScenes = []deskScene{
	{"all ready", paying, false, false, func(v *visitor) { v.written() }},
	{"reversal succeeds", slices.Concat(reversing, []string{"write"}), false, false, func(v *visitor) {
		v.takenOff(v.written())
	}},
	{"last payment not loaded", paying, false, false, func(v *visitor) {
		v.written()
		v.refused("card.not_loaded")
		v.set("load", true)
		v.written()
	}},
	{"last payment not loaded but cancelled", slices.Concat(reversing, []string{"confirm"}), false, false, func(v *visitor) {
		v.takenOff(v.written())
		v.written()
	}},
	{"write fails after the payment is stored", slices.Concat(rewriting, []string{"confirm"}), false, false, func(v *visitor) {
		receipt := v.failed()
		v.set("fail", "")
		v.is("planned", "written", first(v.rewrite(receipt)))
	}},
	{"re-write fails", slices.Concat(rewriting, deciding), false, false, func(v *visitor) {
		receipt := v.failed()
		r, key := v.rewrite(receipt)
		v.is("planned", "failed", r)
		v.told("card.write_failed", key)
		v.is("awaiting_cancellation", "failed", first(v.cancel(receipt)))
		v.is("cancelled", "failed", v.decide(receipt, "approve"))
	}},
	{"reversal fails", reversing, false, false, func(v *visitor) {
		receipt := v.written()
		v.set("fail", "reverse")
		r, key := v.cancel(receipt)
		v.is("planned", "written", r)
		v.told("cancel.error", key)
		v.set("fail", "")
		v.takenOff(receipt)
	}},
	{"reader absent, paid without writing", slices.Concat(deciding, []string{"confirm"}), false, true, func(v *visitor) { v.skipped("reader") }},
	{"operator card absent, paid without writing", slices.Concat(deciding, []string{"confirm"}), false, true, func(v *visitor) { v.skipped("operator_card") }},
	{"SMART card absent, paid without writing", slices.Concat(deciding, []string{"confirm"}), false, true, func(v *visitor) { v.skipped("customer_card") }},
	{"reader or card absent at a card that must be written", paying, true, false, func(v *visitor) {
		for missing, key := range map[string]string{
			"reader": "card.reader_not_ready", "operator_card": "card.operator_missing", "customer_card": "card.customer_missing",
		} {
			v.inBasket()
			v.set(missing, false)
			v.refused(key)
			v.set(missing, true)
		}
		v.written()
	}},
	{"card damaged", paying, false, false, func(v *visitor) {
		v.inBasket()
		v.set("damaged", true)
		v.refused("card.read_failed")
		v.set("damaged", false)
		v.written()
	}},
	{"other card at payment", paying, false, false, func(v *visitor) {
		v.inBasket()
		v.set("inserted", "AZ-1001")
		v.refused("card.other_card")
		v.set("inserted", v.order.card)
		v.written()
	}},
	{"other card at re-write", rewriting, false, false, func(v *visitor) {
		receipt := v.failed()
		v.set("fail", "", "inserted", "AZ-1001")
		r, _ := v.rewrite(receipt)
		v.is("planned", "failed", r)
		v.set("inserted", v.order.card)
		v.is("planned", "written", first(v.rewrite(receipt)))
	}},
	{"other card at reversal", reversing, false, false, func(v *visitor) {
		receipt := v.written()
		v.set("inserted", "AZ-1001")
		r, key := v.cancel(receipt)
		v.is("planned", "written", r)
		v.told("card.other_card", key)
		v.set("inserted", v.order.card)
		v.takenOff(receipt)
	}},
	{"bridge lost after write", []string{"write"}, false, false, func(v *visitor) {
		v.fault = &fault{"write", "held after", "bridge"}
		v.written()
	}},
	{"cancellation rejected, card written after it", slices.Concat(deciding, rewriting), false, false, func(v *visitor) {
		receipt := v.failed()
		v.set("fail", "")
		v.is("awaiting_cancellation", "failed", first(v.cancel(receipt)))
		v.is("planned", "failed", v.decide(receipt, "reject"))
		v.is("planned", "written", first(v.rewrite(receipt)))
	}},
}

func first(r row, _ string) row { return r }

func (v *visitor) is(status, card string, r row) {
	v.deskCrash.t.Helper()
	if r.Status != status || r.Card != card {
		v.deskCrash.t.Errorf("%+v, want %s and %s", r, status, card)
	}
}

func (v *visitor) told(want, got string) {
	v.deskCrash.t.Helper()
	if got != want {
		v.deskCrash.t.Errorf("the operator is told %q, want %s", got, want)
	}
}

// written pays and has the card written, from the register if a fault has kept
// it from being.
func (v *visitor) written() string {
	v.deskCrash.t.Helper()
	r, key := v.pay(v.amount())
	v.told("", key)
	if r.Card == "failed" {
		r, _ = v.rewrite(r.Receipt)
	}
	v.is("planned", "written", r)
	return r.Receipt
}

// takenOff cancels a payment that is on a card: once more if a fault has kept it
// from being taken off.
func (v *visitor) takenOff(receipt string) {
	v.deskCrash.t.Helper()
	r, key := v.cancel(receipt)
	if key == "cancel.error" && r.Card == "written" {
		r, _ = v.cancel(receipt)
	}
	v.is("cancelled", "reversed", r)
}

// failed pays while no card can be written.
func (v *visitor) failed() string {
	v.deskCrash.t.Helper()
	v.set("fail", "write")
	r, key := v.pay(v.amount())
	v.told("", key)
	v.is("planned", "failed", r)
	return r.Receipt
}

// skipped pays without writing while something is missing, and cancels.
func (v *visitor) skipped(missing string) {
	v.deskCrash.t.Helper()
	v.inBasket()
	v.set(missing, false)
	v.refused("card.confirm_without_write")
	v.without = true
	r, key := v.pay(v.amount())
	v.told("", key)
	v.is("planned", "skipped", r)
	v.is("awaiting_cancellation", "skipped", first(v.cancel(r.Receipt)))
	v.is("cancelled", "skipped", v.decide(r.Receipt, "approve"))
	v.set(missing, true)
}

// refused tries to pay and looks for the message. Nothing is paid.
func (v *visitor) refused(want string) {
	v.deskCrash.t.Helper()
	amount := v.amount()
	f := v.fault
	v.fault = nil // it is for the payment that is made
	_, key := v.pay(amount)
	v.told(want, key)
	if r, ok := v.ofAmount(amount); ok {
		v.deskCrash.t.Errorf("refused and paid: %+v", r)
	}
	v.fault = f
}

// inBasket puts the line into the basket while all is ready.
func (v *visitor) inBasket() {
	v.deskCrash.t.Helper()
	check(v.deskCrash.t, v.again(func() error {
		if err := v.open("/payments"); err != nil || len(v.amountFields()) > 0 {
			return err
		}
		return v.line()
	}))
}

// line puts what the customer wants into the basket.
func (v *visitor) line() error {
	if v.order.account == "" {
		return v.addCard()
	}
	return v.addAccount(v.order.organisation, v.order.account)
}

// leave has a customer go away with the card before it is written.
func (c *deskCrash) leave(o *stubborn) (receipt string) {
	c.t.Helper()
	c.ready(leftCard)
	v := &visitor{deskCrash: c, stubborn: o, order: wish{electricity, lightClear, leftCard}}
	c.fault = &fault{"write", "before", "page"}
	_, err := v.tryPay(c.amount())
	if !errors.Is(err, errLost) {
		c.t.Fatalf("the customer did not go: %v", err)
	}
	check(c.t, o.recover(err))
	r, ok := o.rowOf(func(r row) bool { return r.Card == "pending" })
	if !ok {
		c.t.Fatal("no payment whose card nobody knows")
	}
	c.paid = append(c.paid, r.Amount)
	return r.Receipt
}

// comeBack decides that payment when its ticket has expired, although another
// card is in the reader.
func (c *deskCrash) comeBack(o *stubborn, receipt string) {
	c.t.Helper()
	c.ready(lightCards[0])
	v := &visitor{deskCrash: c, stubborn: o}
	v.is("planned", "failed", v.decided(receipt))
}

// ---- the other desks ----

// otherPace is how long other desks rest between two customers.
const otherPace = 150 * time.Millisecond

// ordinary pays one thing after the other; each is paid once.
func (c *deskCrash) ordinary(ctx context.Context) {
	o := c.stubborn(nextCashier)
	for ; ctx.Err() == nil; time.Sleep(otherPace) {
		amount := tolem.Money{Minor: 100_00 + int64(len(c.otherPaid)), Currency: tolem.AZN}.Decimal()
		for paid := false; !paid; {
			err := o.payOne(mobile, mobileClear, amount)
			if paid = err == nil; paid {
				break
			}
			if err := o.recover(err); err != nil {
				c.t.Error(err)
				return
			}
			_, paid = o.ofAmount(amount)
		}
		c.otherPaid = append(c.otherPaid, amount)
	}
}

// payOne pays what the basket holds, or else an account.
func (o *stubborn) payOne(organisation, account, amount string) error {
	if err := o.open("/payments"); err != nil {
		return err
	}
	if len(o.amountFields()) == 0 {
		if err := o.addAccount(organisation, account); err != nil {
			return err
		}
	}
	if err := o.toConfirm(amount); err != nil {
		return err
	}
	if err := o.press("/payments/confirm", nil); err != nil {
		return err
	}
	if !o.says("payment.done") {
		return o.page.wrong("after the confirmation")
	}
	return nil
}

// debts pays a debt and has it cancelled, again and again: it is owed again
// each time.
func (c *deskCrash) debts(ctx context.Context) {
	o, admin := c.stubborn("n.guliyeva"), c.stubborn(bankAdmin)
	fail := func(err error) bool {
		if err != nil {
			c.t.Error(err)
		}
		return err != nil
	}
	seen := make(map[string]bool)
	for ; ctx.Err() == nil; time.Sleep(otherPace) {
		var due []string
		err := o.payOne(water, waterOwes, "")
		if err == nil {
			due = o.receipts()
		} else {
			var rows []row
			if fail(o.recover(err)) || fail(o.again(func() (err error) { rows, err = o.register(); return err })) {
				return
			}
			for _, r := range rows {
				due = append(due, r.Receipt)
			}
		}
		for _, receipt := range due {
			if seen[receipt] {
				continue
			}
			for err = errLost; err != nil; {
				if err = o.askCancel(receipt); err == nil {
					err = o.press("/cancellations/"+receipt, nil)
				}
				if errors.Is(err, errPage) { // it was asked for before the answer was lost
					break
				}
				if err != nil && fail(o.recover(err)) {
					return
				}
			}
			if fail(admin.decision(receipt, "approve", func(_ string, do func() error) error { return do() })) {
				return
			}
			seen[receipt] = true
		}
	}
}

// ---- what everybody's books say in the end ----

// checkCards holds the cards against the payments: none is undecided, a ticket
// has changed a card at most once and only if it is done, and the money on the
// cards is that of the payments that are on them.
func (c *deskCrash) checkCards() {
	c.t.Helper()
	cards := c.reader.scene(map[string]any{})
	changed, balance, changes := make(map[tolem.TicketID]int), int64(0), 0
	for _, card := range cards {
		for _, t := range card.Tickets {
			changed[t]++
		}
		if card.Changes != len(card.Tickets) {
			c.t.Errorf("a card was changed %d times by %d tickets", card.Changes, len(card.Tickets))
		}
		balance, changes = balance+card.Balance, changes+card.Changes
	}
	balance -= 2 * 10_00 // two cards of the sandbox have something on them
	db := openRaw(c.t, c.database)
	defer db.Close()
	states := make(map[string]int)
	each(c.t, db, `SELECT t.id, t.state, t.operation, t.amount, d.card_write FROM card_ticket t JOIN desk_payment d ON d.id = t.payment`,
		func(scan func(...any) error) error {
			var id tolem.TicketID
			var state tolem.TicketState
			var op tolem.TicketOp
			var amount int64
			var card tolem.CardWrite
			err := scan(&id, &state, &op, &amount, &card)
			done := state == op.Done()
			if int64(changed[id]) != count(done) || state == tolem.TicketOpen {
				c.t.Errorf("ticket %s to %s is %s and has changed a card %d times", id, op, state, changed[id])
			}
			if done && op == tolem.TicketWrite {
				balance -= amount
			} else if done {
				balance += amount
			}
			states[string(op)+" "+string(state)]++
			delete(changed, id)
			return err
		})
	if len(changed) > 0 || balance != 0 {
		c.t.Errorf("tickets that nobody gave out: %v; the cards hold %d more than the payments", changed, balance)
	}
	var held, pending int64
	check(c.t, db.QueryRowContext(c.t.Context(), `SELECT COUNT(*) FROM card_hold`).Scan(&held))
	check(c.t, db.QueryRowContext(c.t.Context(), `SELECT COUNT(*) FROM desk_payment WHERE card_write = 'pending'`).Scan(&pending))
	if held+pending > 0 {
		c.t.Errorf("%d payments and cards whose write nobody knows: %d", pending, held)
	}
	c.checkWrites(db, states)
	c.t.Logf("%d payments at the desk with the reader, %d changes of cards, tickets %v", len(c.paid), changes, states)
}

// checkJournal reads the bridge's journal: no ticket was begun twice, and none
// had two results.
func (c *deskCrash) checkJournal() {
	c.t.Helper()
	f, err := os.Open(c.path("card-bridge", "tickets.journal"))
	check(c.t, err)
	defer f.Close()
	begun, results := make(map[tolem.TicketID]int), make(map[tolem.TicketID]map[string]bool)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e struct {
			Ticket struct {
				ID tolem.TicketID `json:"ticket_id"`
			}
			State string
		}
		check(c.t, json.Unmarshal(lines.Bytes(), &e))
		switch id := e.Ticket.ID; {
		case e.State == "begun":
			begun[id]++
		case id != "":
			if results[id] == nil {
				results[id] = make(map[string]bool)
			}
			results[id][e.State] = true
		}
	}
	for id, n := range begun {
		if n > 1 {
			c.t.Errorf("ticket %s was begun %d times", id, n)
		}
	}
	for id, r := range results {
		if len(r) > 1 {
			c.t.Errorf("ticket %s has the results %v", id, slices.Collect(maps.Keys(r)))
		}
	}
}

// checkWrites holds the states of payments against their tickets, and looks that
// every customer paid once.
func (c *deskCrash) checkWrites(db *sql.DB, tickets map[string]int) {
	c.t.Helper()
	writes, amounts := make(map[tolem.CardWrite]int), make(map[string]int)
	each(c.t, db, `SELECT card_write, amount FROM desk_payment WHERE organisation <> 'AZERSU'`, func(scan func(...any) error) error {
		var w tolem.CardWrite
		var minor int64
		err := scan(&w, &minor)
		writes[w]++
		amounts[tolem.Money{Minor: minor, Currency: tolem.AZN}.Decimal()]++
		return err
	})
	if writes[tolem.CardWriteWritten]+writes[tolem.CardWriteReversed] != tickets["write written"] || writes[tolem.CardWriteReversed] != tickets["reverse reversed"] {
		c.t.Errorf("payments %v, tickets %v", writes, tickets)
	}
	for _, a := range slices.Concat(c.paid, c.otherPaid) {
		if amounts[a] != 1 {
			c.t.Errorf("%s was paid %d times", a, amounts[a])
		}
		delete(amounts, a)
	}
	if len(amounts) > 0 {
		c.t.Errorf("paid, and nobody was told: %v", amounts)
	}
}

// checkDeskDays closes the days of the test under a clock of tomorrow: the
// registers of the banks come to what their desks took, and the doctor finds
// nothing.
func (c *deskCrash) checkDeskDays() {
	c.t.Helper()
	rows := c.deskRows(c.database)
	p := c.openPast(c.database)
	defer p.close()
	p.calendar = tolem.NewCalendar(baku(c.t), nil, nil)
	today := p.calendar.DayOf(time.Now())
	p.now.Store(p.calendar.Start(today + 1).Add(2 * time.Hour).UnixMicro())
	directory, err := banks.Open(c.t.Context(), p.db)
	check(c.t, err)
	signer, err := signing.LoadSigner(c.path("keys", "signing-rsa.pem"), c.path("keys", "signing-rsa.key"))
	check(c.t, err)
	r := registry.New(registry.Config{
		Calendar: p.calendar, FinalAfter: 3, Operator: "Operator", ClaimsDueAfter: 2, Language: form.Language("en"), Currency: tolem.AZN,
		Folder: c.t.TempDir(), Clock: p.time,
	}, p.db, p.evidence, directory, signer)
	first, _, err := r.FirstOpen(c.t.Context())
	check(c.t, err)
	sum := make(map[tolem.RowKind]int64)
	for day := first; day <= today; day++ {
		_, err := r.Seal(c.t.Context(), day, nil)
		check(c.t, err)
		owners, err := r.Owners(c.t.Context(), day)
		check(c.t, err)
		for _, o := range owners {
			reg, err := r.Build(c.t.Context(), o, day, nil)
			check(c.t, err)
			for line, err := range r.Rows(c.t.Context(), reg) {
				check(c.t, err)
				if o.Kind == tolem.BankRegister {
					sum[line.Kind] += line.Amount.Minor
				}
			}
		}
	}
	want := make(map[tolem.RowKind]int64)
	for _, row := range rows {
		want[tolem.RowPayment] += row.amount
		if row.status == tolem.DeskCancelled {
			want[tolem.RowRefund] += row.amount
		}
	}
	if !maps.Equal(sum, want) {
		c.t.Errorf("the registers of banks come to %v, the desks to %v", sum, want)
	}
	if out, code := commandExit(c.t, "doctor", "--config", c.config, "--from", first.String(), "--to", today.String()); code != 0 || !strings.Contains(string(out), " 0 findings") {
		c.t.Errorf("the doctor ends with %d: %s", code, out)
	}
	c.t.Logf("%d payments at all desks, %v", len(rows), sum)
}
