package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"tolem/internal/tolemtest"
)

// crush is how many ask at once.
const crush = 40

// someRaces are the first of them, which are about money alone.
const someRaces = 5

// Organisations of the sandbox and their accounts.
const (
	water        = "Azərsu"
	waterClear   = "20000002" // owes nothing
	waterOwes    = "20000001"
	mobile       = "Xəzər Mobil"
	mobileClear  = "0502000002" // one service in advance
	phone        = "Bakı Telefon"
	phoneOwes    = "124000003" // for three services
	electricity  = "Azərişıq"
	lightClear   = "1000002"
	gas          = "Azəriqaz"
	firstCashier = "l.aliyeva"
	nextCashier  = "r.huseynov" // of the same branch
	bankAdmin    = "f.karimov"
)

// People press at the same moment, twice, in two windows and at two desks: each
// time there is one effect, and the others are told what happened.
//
// WP-504, WP-530, WP-537, WP-538, WP-539, WP-563, WP-564, WP-571, WP-572
func TestDeskRaces(t *testing.T) {
	t.Parallel()
	tolemtest.Databases(t, func(t *testing.T, database string) {
		t.Parallel()
		deskDay(t)
		const operators = 20
		b := newBureau(t, database, operators)
		b.serve()
		b.reader.start()
		r := &deskRaces{bureau: b, database: database}
		r.one, r.two, r.admin = b.enter(t, firstCashier), b.enter(t, nextCashier), b.enter(t, bankAdmin)
		races := []struct {
			name string
			run  func(*testing.T)
		}{
			{"double confirmation", r.doubleConfirmation},
			{"two cancellations", r.twoCancellations},
			{"two cancellations of one card", r.twoReversals},
			{"approval and rejection", r.approvalAndRejection},
			{"cancellation and decision", r.cancellationAndDecision},
			{"two tabs", r.twoTabs},
			{"stale calculation", r.staleCalculation},
			{"confirmation and change", r.confirmationAndChange},
			{"one session on two connections", r.twoConnections},
			{"log-out while paying", r.logoutWhilePaying},
			{"one debt at two desks", r.oneDebt},
			{"receipt numbers", func(t *testing.T) { r.receiptNumbers(t, operators) }},
		}
		if database != "" && !strings.HasPrefix(database, "sqlite:") {
			races = races[:part(t, len(races), someRaces)]
		}
		for _, race := range races {
			t.Run(race.name, func(t *testing.T) { r.t, b.t = t, t; race.run(t) })
		}
		r.t, b.t = t, t
		b.checkNoFailure()
		r.reader.kill()
		r.kill()
		r.checkLedger(database)
	})
}

type deskRaces struct {
	*bureau
	database        string
	one, two, admin *window
}

// asked is a window that sends a form.
type asked struct {
	*window
	form submission
}

// atOnce sends all forms at the same moment, each from a window of its own, and
// counts what the windows show.
func (r *deskRaces) atOnce(crowd []asked, outcome func(*window) string) map[string]int {
	r.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	counts, start := make(map[string]int), make(chan struct{})
	for _, a := range crowd {
		w := a.tab()
		all.Go(func() {
			<-start
			err := w.send(a.form)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				r.t.Error(err)
				return
			}
			counts[outcome(w)]++
		})
	}
	close(start)
	all.Wait()
	return counts
}

// times returns n windows that send the form that a button of the page sends.
func (r *deskRaces) times(n int, w *window, target string, fill map[string]string) []asked {
	r.t.Helper()
	form, err := w.page.submit(target, fill)
	check(r.t, err)
	if form.readsCard {
		check(r.t, w.readCard(&form))
	}
	return slices.Repeat([]asked{{w, form}}, n)
}

// expect looks whether the windows show what they should.
func (r *deskRaces) expect(got map[string]int, want map[string]int) {
	r.t.Helper()
	if !maps.Equal(got, want) {
		r.t.Errorf("the windows show %v, want %v", got, want)
	}
}

// shown names the path of a page, without numbers, or the message that it tells.
func shown(keys ...string) func(*window) string {
	return func(w *window) string {
		if key := w.saysOne(keys...); key != "" {
			return key
		}
		at := w.page.path()
		if i := strings.LastIndexByte(at, '/'); i > 0 && (strings.HasPrefix(at, "/payments/completed/") || strings.HasPrefix(at, "/cancellations/")) {
			at = at[:i]
		}
		return fmt.Sprintf("%d %s %v", w.page.status, at, w.page.messages())
	}
}

// took counts the payments of an account that stand in the database.
func (r *deskRaces) took(w *window, amount string) (rows []row) {
	r.t.Helper()
	list, err := w.register()
	check(r.t, err)
	for _, p := range list {
		if p.Amount == amount {
			rows = append(rows, p)
		}
	}
	return rows
}

// pays takes an ordinary payment and returns its receipt number.
func (r *deskRaces) pays(w *window, amount string) string {
	r.t.Helper()
	check(r.t, w.addAccount(mobile, mobileClear))
	check(r.t, w.toConfirm(amount))
	check(r.t, w.press("/payments/confirm", nil))
	numbers := w.receipts()
	if len(numbers) != 1 {
		r.t.Fatalf("%v", w.page.wrong("receipts %v", numbers))
	}
	return numbers[0]
}

// toCancel goes to the question whether to cancel.
func (r *deskRaces) toCancel(w *window, receipt string) {
	r.t.Helper()
	check(r.t, w.askCancel(receipt))
}

// doubleConfirmation: “Davam et” pressed again and again pays each line once, and
// leads to the same completion.
func (r *deskRaces) doubleConfirmation(t *testing.T) {
	check(t, r.one.addAccount(mobile, mobileClear))
	check(t, r.one.addAccount(water, waterClear))
	check(t, r.one.toConfirm("3.01"))
	var mu sync.Mutex
	seen := make(map[string]int)
	got := r.atOnce(r.times(crush, r.one, "/payments/confirm", nil), func(w *window) string {
		mu.Lock()
		defer mu.Unlock()
		seen[fmt.Sprint(w.page.path(), w.receipts())]++
		return w.saysOne("payment.done")
	})
	r.expect(got, map[string]int{"payment.done": crush})
	if rows := r.took(r.one, "3.01"); len(rows) != 2 || len(seen) != 1 {
		t.Errorf("%d payments; the windows show %v", len(rows), seen)
	}
}

// twoCancellations: one is taken, the others are told that the payment is not
// planned any more. They are at two desks of the branch.
func (r *deskRaces) twoCancellations(t *testing.T) {
	receipt := r.pays(r.one, "3.02")
	r.toCancel(r.one, receipt)
	r.toCancel(r.two, receipt)
	to := "/cancellations/" + receipt
	crowd := append(r.times(crush/2, r.one, to, nil), r.times(crush/2, r.two, to, nil)...)
	r.expect(r.atOnce(crowd, shown("cancel.awaits", "cancel.not_planned")), map[string]int{"cancel.awaits": 1, "cancel.not_planned": crush - 1})
	if rows := r.took(r.one, "3.02"); len(rows) != 1 || rows[0].Status != "awaiting_cancellation" {
		t.Errorf("%+v", rows)
	}
}

// twoReversals: a payment on a card is taken off it once; who presses again gets
// the ticket of the first.
func (r *deskRaces) twoReversals(t *testing.T) {
	r.reader.scene(map[string]any{"inserted": "AI-2002", "load": true})
	before := r.reader.scene(map[string]any{})["AI-2002"]
	check(t, r.one.addAccount(electricity, lightClear))
	check(t, r.one.toConfirm("3.03"))
	check(t, r.one.press("/payments/confirm", nil))
	receipt := r.one.receipts()[0]
	tickets := r.carryAtOnce(r.one)
	if got := r.reader.scene(map[string]any{})["AI-2002"]; len(tickets) != 1 || got.Changes-before.Changes != 1 || got.Balance-before.Balance != 303 {
		t.Errorf("the card was changed from %+v to %+v by %v", before, got, tickets)
	}
	r.toCancel(r.one, receipt)
	form := r.times(1, r.one, "/cancellations/"+receipt, nil)[0].form
	other := r.times(1, r.one, "/cancellations/"+receipt, nil)[0].form // read for another challenge
	crowd := append(slices.Repeat([]asked{{r.one, form}}, crush/2), slices.Repeat([]asked{{r.one, other}}, crush/2)...)
	var mu sync.Mutex
	names := make(map[string]int)
	r.atOnce(crowd, func(w *window) string {
		mu.Lock()
		defer mu.Unlock()
		if at := w.page.marked("data-ticket"); at != nil {
			names[attr(at, "data-ticket-id")]++
		} else {
			names[shown("card.pending", "cancel.not_allowed", "cancel.not_planned")(w)]++
		}
		return ""
	})
	if len(names) != 1 {
		t.Errorf("the windows show %v", names)
	}
	check(t, r.one.open("/cancellations/"+receipt))
	r.carryAtOnce(r.one)
	if got := r.reader.scene(map[string]any{})["AI-2002"]; got.Changes-before.Changes != 2 || got.Balance != before.Balance {
		t.Errorf("the card was changed from %+v to %+v", before, got)
	}
	if rows := r.took(r.one, "3.03"); len(rows) != 1 || rows[0].Status != "cancelled" || rows[0].Card != "reversed" {
		t.Errorf("%+v", rows)
	}
}

// carryAtOnce hands the ticket of a page to the bridge many times at once, and
// every answer to the gateway.
func (r *deskRaces) carryAtOnce(w *window) map[string]int {
	r.t.Helper()
	at := w.page.marked("data-ticket")
	if at == nil {
		r.t.Fatal(w.page.wrong("no ticket"))
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	ids := map[string]int{}
	for range crush / 2 {
		tab := w.tab()
		all.Go(func() {
			var err error
			for answer := tab.carry(); ; answer = tab.carry() { // the bridge may be busy
				if answer != nil {
					err = tab.report(answer)
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			ids[attr(at, "data-ticket-id")]++
			if err != nil {
				r.t.Error(err)
			}
		})
	}
	all.Wait()
	return ids
}

// approvalAndRejection: one decision counts.
func (r *deskRaces) approvalAndRejection(t *testing.T) {
	receipt := r.pays(r.one, "3.04")
	r.toCancel(r.one, receipt)
	check(t, r.one.press("/cancellations/"+receipt, nil))
	yes, no := r.admin.tab(), r.admin.tab()
	check(t, yes.open("/approvals/"+receipt))
	check(t, no.open("/approvals/"+receipt+"?reject"))
	crowd := append(r.times(crush/2, yes, "/approvals/"+receipt+"/approve", nil),
		r.times(crush/2, no, "/approvals/"+receipt+"/reject", map[string]string{"reason": "Səhv"})...)
	got := r.atOnce(crowd, shown("admin.approved", "admin.rejected", "cancel.not_planned"))
	if got["cancel.not_planned"] != crush-1 || got["admin.approved"]+got["admin.rejected"] != 1 {
		t.Errorf("the windows show %v", got)
	}
	want := map[bool]string{true: "cancelled", false: "planned"}[got["admin.approved"] == 1]
	if rows := r.took(r.one, "3.04"); len(rows) != 1 || rows[0].Status != want {
		t.Errorf("%+v, want %s", rows, want)
	}
}

// cancellationAndDecision: a cancellation that is decided while it is asked for
// again. After an approval there is none to ask for; after a rejection there may
// be another, and the decision on the first does not count for it.
func (r *deskRaces) cancellationAndDecision(t *testing.T) {
	for i, decision := range []string{"approve", "reject"} {
		amount := fmt.Sprintf("3.%d", 10+i)
		receipt := r.pays(r.one, amount)
		to := "/cancellations/" + receipt
		r.toCancel(r.one, receipt)
		again := r.times(crush/2, r.one, to, nil)
		check(t, r.one.press(to, nil))
		page, fill := "/approvals/"+receipt, map[string]string(nil)
		if decision == "reject" {
			page, fill = page+"?reject", map[string]string{"reason": "Səhv"}
		}
		check(t, r.admin.open(page))
		crowd := append(again, r.times(crush/2, r.admin, "/approvals/"+receipt+"/"+decision, fill)...)
		got := r.atOnce(crowd, shown("admin.approved", "admin.rejected", "cancel.awaits", "cancel.not_planned"))
		rows := r.took(r.one, amount)
		anew := got["cancel.awaits"]
		switch {
		case len(rows) != 1:
			t.Errorf("%+v", rows)
		case decision == "approve" && (got["admin.approved"] != 1 || got["cancel.not_planned"] != crush-1 || rows[0].Status != "cancelled"):
			t.Errorf("approved: the windows show %v, it is %s", got, rows[0].Status)
		case decision == "reject" && (got["admin.rejected"] != 1 || anew > 1 || got["cancel.not_planned"] != crush-1-anew ||
			rows[0].Status != map[int]string{0: "planned", 1: "awaiting_cancellation"}[anew]):
			t.Errorf("rejected: the windows show %v, it is %s", got, rows[0].Status)
		}
	}
}

// twoTabs: of changes of one basket in many windows one is made; the others show
// the basket as it is then.
func (r *deskRaces) twoTabs(t *testing.T) {
	check(t, r.one.addAccount(mobile, mobileClear))
	check(t, r.one.addAccount(water, waterClear))
	field := r.one.amountFields()[0]
	var crowd []asked
	for i := range crush / 2 {
		crowd = append(crowd, r.times(1, r.one, "/payments/calculate", map[string]string{field: fmt.Sprintf("4.%02d", i), r.one.amountFields()[1]: "1"})...)
		crowd = append(crowd, r.times(1, r.one, "/payments/lines/"+strings.TrimPrefix(field, "amount-")+"/delete", nil)...)
	}
	var mu sync.Mutex
	var baskets []string
	got := r.atOnce(crowd, func(w *window) string {
		mu.Lock()
		defer mu.Unlock()
		baskets = append(baskets, w.basket())
		return w.saysOne("basket.stale")
	})
	r.expect(got, map[string]int{"": 1, "basket.stale": crush - 1})
	check(t, r.one.open("/payments"))
	for _, b := range baskets {
		if b != r.one.basket() {
			t.Errorf("a window shows the basket %q, it is %q", b, r.one.basket())
		}
	}
	r.clear(r.one)
}

// basket is the basket as the page shows it.
func (w *window) basket() string {
	var lines []string
	for _, n := range all(w.page.root, func(n *html.Node) bool { return n.Data == "input" && strings.HasPrefix(attr(n, "name"), "amount-") }) {
		lines = append(lines, attr(n, "name")+"="+attr(n, "value"))
	}
	return strings.Join(lines, " ")
}

// clear takes everything out of the basket.
func (r *deskRaces) clear(w *window) {
	r.t.Helper()
	check(r.t, w.open("/payments"))
	for fields := w.amountFields(); len(fields) > 0; fields = w.amountFields() {
		check(r.t, w.press("/payments/lines/"+strings.TrimPrefix(fields[0], "amount-")+"/delete", nil))
	}
}

// staleCalculation: what was calculated, and changed in another tab since, is not
// paid.
func (r *deskRaces) staleCalculation(t *testing.T) {
	check(t, r.one.addAccount(mobile, mobileClear))
	check(t, r.one.toConfirm("5.01"))
	other := r.one.tab()
	check(t, other.open("/payments"))
	check(t, other.press("/payments/calculate", map[string]string{other.amountFields()[0]: "5.02"}))
	got := r.atOnce(r.times(crush/2, r.one, "/payments/confirm", nil), shown("basket.stale"))
	r.expect(got, map[string]int{"basket.stale": crush / 2})
	if a, b := r.took(r.two, "5.01"), r.took(r.one, "5.01"); len(a)+len(b) != 0 {
		t.Errorf("paid: %v", b)
	}
	r.clear(r.one)
}

// confirmationAndChange: a basket is confirmed while it is changed in another
// tab. It is paid as it was confirmed, or not at all.
func (r *deskRaces) confirmationAndChange(t *testing.T) {
	for i := range 10 {
		amount := fmt.Sprintf("6.%02d", i)
		check(t, r.one.addAccount(mobile, mobileClear))
		check(t, r.one.toConfirm(amount))
		other := r.one.tab()
		check(t, other.open("/payments"))
		crowd := append(r.times(2, r.one, "/payments/confirm", nil), r.times(2, other, "/payments/calculate", map[string]string{other.amountFields()[0]: "6.99"})...)
		got := r.atOnce(crowd, func(w *window) string { return shown("payment.done", "basket.stale")(w) })
		paid := len(r.took(r.one, amount))
		if paid > 1 || got["payment.done"] != 2*paid || got["payment.done"]+got["basket.stale"] < 3 {
			t.Errorf("paid %d times, the windows show %v", paid, got)
		}
		r.clear(r.one)
	}
	if rows := r.took(r.one, "6.99"); len(rows) > 0 {
		t.Errorf("paid without confirmation: %v", rows)
	}
}

// twoConnections: a session is the same over all connections that show its
// certificate, and none over those that show another.
func (r *deskRaces) twoConnections(t *testing.T) {
	check(t, r.one.addAccount(mobile, mobileClear))
	check(t, r.one.toConfirm("7.01"))
	form := r.times(1, r.one, "/payments/confirm", nil)[0].form
	var crowd []asked
	for range crush / 4 {
		thief := r.one.elsewhere()
		thief.http = r.connect(r.two.who, copyOf(r.one))
		crowd = append(crowd, asked{r.one.elsewhere(), form}, asked{thief, form})
	}
	got := r.atOnce(crowd, func(w *window) string {
		if w.page.path() == "/login" {
			return "login"
		}
		return w.saysOne("payment.done")
	})
	// Whoever shows the cookie with another certificate has ended the session, or
	// comes after its end.
	if got["login"] < crush/4 || got["payment.done"]+got["login"] != crush/2 {
		t.Errorf("the windows show %v", got)
	}
	check(t, r.one.signIn())
	if paid := len(r.took(r.one, "7.01")); paid > 1 || paid == 0 && got["payment.done"] > 0 {
		t.Errorf("paid %d times, the windows show %v", paid, got)
	}
	r.clear(r.one)
}

// logoutWhilePaying: who signs out while a payment is made has paid or has not,
// and leaves no basket behind.
func (r *deskRaces) logoutWhilePaying(t *testing.T) {
	for i := range 8 {
		amount := fmt.Sprintf("8.%02d", i)
		check(t, r.two.addAccount(mobile, mobileClear))
		check(t, r.two.addAccount(water, waterClear))
		check(t, r.two.toConfirm(amount))
		crowd := append(r.times(4, r.two, "/payments/confirm", nil), r.times(1, r.two, "/logout", nil)...)
		got := r.atOnce(crowd, func(w *window) string {
			if w.page.path() == "/login" {
				return "login"
			}
			return shown("payment.done", "basket.stale")(w)
		})
		check(t, r.two.signIn())
		paid := len(r.took(r.two, amount))
		check(t, r.two.open("/payments"))
		if left := r.two.basket(); left != "" || paid > 2 || got["payment.done"] > 0 && paid == 0 || got["login"] == 0 || got["login"]+got["payment.done"]+got["basket.stale"] != 5 {
			t.Errorf("paid %d lines, the windows show %v, and the basket is %q", paid, got, left)
		}
	}
}

// oneDebt: a debt that is paid at two desks at once is paid at one of them. The
// other is told that it has changed.
func (r *deskRaces) oneDebt(t *testing.T) {
	for _, w := range []*window{r.one, r.two} {
		check(t, w.addAccount(phone, phoneOwes))
		check(t, w.toConfirm(""))
	}
	debts := len(all(r.one.page.root, func(n *html.Node) bool { return n.Data == "tr" && n.Parent.Data == "tbody" }))
	crowd := append(r.times(1, r.one, "/payments/confirm", nil), r.times(1, r.two, "/payments/confirm", nil)...)
	r.atOnce(crowd, func(*window) string { return "" })
	paid, changed := 0, 0
	for _, w := range []*window{r.one, r.two} {
		list, err := w.register()
		check(t, err)
		for _, p := range list {
			if p.Account == phoneOwes {
				paid++
			}
		}
		check(t, w.open("/payments"))
		for _, m := range w.page.messages() {
			if m == r.texts["payment.debt_changed"] {
				changed++
			}
		}
		r.clear(w)
	}
	if debts < 3 || paid != debts || changed != debts {
		t.Errorf("of %d debts %d are paid, %d have changed", debts, paid, changed)
	}
}

// receiptNumbers: all desks of a bank pay at once; no number is missing, none is
// there twice.
func (r *deskRaces) receiptNumbers(t *testing.T, operators int) {
	before := len(r.numbers())
	var all sync.WaitGroup
	crowd := make([]asked, operators)
	for i := range operators {
		all.Go(func() {
			w := r.newWindow(fmt.Sprintf("operator%03d", i+1))
			for _, step := range []func() error{
				w.signIn,
				func() error { return w.addAccount(mobile, mobileClear) },
				func() error { return w.addAccount(water, waterClear) },
				func() error { return w.toConfirm(fmt.Sprintf("9.%02d", i)) },
				func() (err error) { crowd[i].form, err = w.page.submit("/payments/confirm", nil); return err },
			} {
				if err := step(); err != nil {
					t.Error(err)
				}
			}
			crowd[i].window = w
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	r.expect(r.atOnce(crowd, shown("payment.done")), map[string]int{"payment.done": operators})
	numbers := r.numbers()
	if len(numbers)-before != 2*operators {
		t.Errorf("%d payments, want %d", len(numbers)-before, 2*operators)
	}
	for i, n := range numbers {
		if n != int64(i+1) {
			t.Fatalf("receipt %d is number %d", i+1, n)
		}
	}
}

// numbers are the receipt numbers of the bank, in their order.
func (r *deskRaces) numbers() (list []int64) {
	r.t.Helper()
	db := openRaw(r.t, r.database)
	defer db.Close()
	each(r.t, db, `SELECT receipt FROM desk_payment WHERE bank = 'DENIZ' ORDER BY receipt`, func(scan func(...any) error) error {
		var n int64
		err := scan(&n)
		list = append(list, n)
		return err
	})
	return list
}
