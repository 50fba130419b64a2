package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"
	"github.com/xuri/excelize/v2"

	"tolem/internal/tolemtest"
)

// Customers of the hour.
const (
	hourCustomers = 100
	hourAsan      = 20 // more, at the ASAN service point
	hourPart      = 16 // of an hour that is not played whole
	hourPartAsan  = 6
	hourShort     = 12 // of each in a short test
)

// How payments stand, as the screens say it.
const (
	planned   = "planlaşdırılıb"
	awaiting  = "Ləğvi gözləyir"
	cancelled = "Ləğv edilmiş"
)

// payee is an organisation as the customers of the hour pay it. Its fee is
// reckoned here once more, from the table in cmd/tolem/sandbox_desk_organisations.go.
type payee struct {
	typed, name string
	prefix      string
	first, n    int64
	fee         func(amount int64) int64
}

func percent(millionths, fixed, least, most int64) func(int64) int64 {
	return func(amount int64) int64 {
		fee := (amount*millionths+500_000)/1_000_000 + fixed
		return min(max(fee, least), most)
	}
}

const noMost = 1 << 60

var (
	azersu    = payee{"azərsu", "Azərsu ASC", "", 20_000_001, 150, percent(0, 50, 0, noMost)}
	azeriqaz  = payee{"azəriqaz", "ARDNŞ-in Azəriqaz İB", "", 400_123, 200, percent(10_000, 0, 20, noMost)}
	azerishiq = payee{"azərişıq", "Azərişıq ASC", "", 1_000_001, 2, percent(10_000, 0, 0, noMost)}
	vergi     = payee{"vergi", "Dövlət Vergi Xidməti (Vergilər Nazirliyi)", "", 1_400_000_001, 40, percent(0, 0, 0, noMost)}
	payees    = []payee{
		azersu,
		{"istilik", "Azəristiliktəchizat ASC", "", 510_001, 20, percent(15_000, 0, 30, 500)},
		{"bakı tel", "Bakı Telefon Rabitəsi", "", 124_000_001, 40, percent(15_000, 0, 30, 500)},
		{"aztel", "Aztel MMC", "", 184_000_001, 20, percent(5_000, 20, 30, 300)},
		{"xəzər", "Xəzər Mobil", "0", 502_000_001, 30, percent(0, 0, 0, noMost)},
		{"ulduz", "Ulduz Mobil", "0", 703_000_001, 20, percent(0, 50, 0, noMost)},
		{"mənzil", "Mənzil Kommunal Təsərrüfatı", "", 90_001, 15, percent(5_000, 20, 30, 300)},
	}
)

// account is one of the payee's, none that is closed.
func (p payee) account(r *rand.Rand) string {
	for {
		if i := r.Int64N(p.n); i != 3 {
			return p.prefix + strconv.FormatInt(p.first+i, 10)
		}
	}
}

// paid is a payment as the cashier knows it: what was handed over, and what the
// sight said.
type paid struct {
	Receipt, Organisation, Account string
	Amount, Fee                    int64
	Status                         string
	who                            string
	card                           bool // written to one
}

// basketLine is a line as the screen shows it.
type basketLine struct {
	No, Organisation, Account, Amount, Fee string
}

// sight is what a cashier sees of the payments sight.
type sight struct {
	Focus, Problem, Notice string
	Dialog                 bool
	Lines                  []basketLine
}

const seen = `(() => {
	const text = e => e ? e.innerText.trim() : "";
	return {
		Focus: document.activeElement.id, Problem: text(document.querySelector(".problem")), Notice: text(document.querySelector("#notice")),
		Dialog: !!document.querySelector("dialog:modal"),
		Lines: [...document.querySelectorAll("tr.line")].map(r => ({
			No: r.dataset.row, Organisation: text(r.closest("tbody").querySelector(".group th")), Account: text(r.querySelector("th .num")),
			Amount: r.querySelector(".amount").value, Fee: text(r.cells[4]),
		})),
	};
})()`

// qepik reads an amount as it is shown, or as a field has it.
func qepik(t *testing.T, s string) int64 {
	t.Helper()
	if i := len(s) - 3; i >= 0 && s[i] == '.' {
		s = s[:i] + "," + s[i+1:]
	}
	whole, rest, _ := strings.Cut(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == ',' {
			return r
		}
		return -1
	}, s), ",")
	n, err := strconv.ParseInt(whole+(rest + "00")[:2], 10, 64)
	if err != nil || len(rest) > 2 {
		t.Fatalf("%q is no amount", s)
	}
	return n
}

// typed is an amount as a cashier types it.
func typed(minor int64) string {
	if minor%100 == 0 {
		return strconv.FormatInt(minor/100, 10)
	}
	return fmt.Sprintf("%d,%02d", minor/100, minor%100)
}

// hour is a shift at one desk.
type hour struct {
	*cashier
	random  *rand.Rand
	admin   *colleague
	ledger  *[]paid
	strokes []int // of each customer, in keys a payment
}

// A cashier's hour: customers with bills of one organisation and of several,
// advances, SMART cards, slips of the fingers, cancellations; with the keyboard
// alone. What the cashier has counted, the screens, the papers, the files, the
// database and the registers of the sealed day agree to the last qəpik.
//
// WP-003, WP-043, WP-062 to WP-069, WP-077, WP-086, WP-104, WP-124 to WP-127, WP-129 to WP-133, WP-138 to WP-142, WP-144, WP-148, WP-150
// WP-535, WP-536, WP-538, WP-541, WP-571, WP-576, WP-580 to WP-583, WP-585, WP-587, WP-588, WP-593
func TestCashiersHour(t *testing.T) {
	t.Parallel() // most of it is waiting
	tolemtest.RequireTool(t, "pdftotext")
	seed := uint64(20261122)
	if text := os.Getenv("TOLEM_TEST_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("TOLEM_TEST_SEED=%d", seed)
	customers, asan := part(t, hourCustomers, hourPart), part(t, hourAsan, hourPartAsan)
	if testing.Short() {
		customers, asan = hourShort, hourShort
	}
	deskDay(t)
	d := openDesks(t)
	admin := d.colleague("f.karimov")
	var ledger []paid
	var shifts []*hour
	for i, s := range []struct {
		user      string
		customers int
	}{{"l.aliyeva", customers}, {"s.ibrahimova", asan}} {
		h := &hour{cashier: d.cashier(t, s.user), random: rand.New(rand.NewPCG(seed, uint64(i))), admin: admin, ledger: &ledger}
		shifts = append(shifts, h)
		begun := time.Now()
		h.signsIn(h.who.Password)
		h.until(focus("organisation"))
		for n := range s.customers {
			h.customer(n)
		}
		slices.Sort(h.strokes)
		t.Logf("%s: %d customers in %s; keys a payment: median %d, most %d", s.user, s.customers, time.Since(begun).Round(time.Second),
			h.strokes[len(h.strokes)/2], h.strokes[len(h.strokes)-1])
	}
	numbers(t, ledger)
	for _, h := range shifts {
		h.closes()
	}
	d.stop()
	d.database(ledger)
	d.night(ledger)
}

// numbers checks that each receipt number is there once, and none is missing.
func numbers(t *testing.T, ledger []paid) {
	t.Helper()
	for i, p := range ledger {
		if want := fmt.Sprintf("%010d", i+1); p.Receipt != want {
			t.Errorf("the receipt after %d others is %s", i, p.Receipt)
		}
	}
}

// customer serves the next of the queue.
func (h *hour) customer(n int) {
	h.t.Helper()
	h.keys = 0
	before, back := len(*h.ledger), false
	switch asan := h.who.Role == "asan-operator"; {
	case n%15 == 7 && !asan:
		h.gasCard()
		h.d.scene(map[string]any{"load": true}) // the customer goes home to the meter
	case n%30 == 10 && !asan:
		h.powerCard()
		if n%60 == 10 {
			h.d.scene(map[string]any{"load": true})
		} else {
			back = true
		}
	case n%10 == 4:
		for _, i := range h.random.Perm(len(payees))[:2+h.random.IntN(2)] {
			h.adds(payees[i], n)
		}
		h.pays()
	case n%12 == 5:
		h.adds(vergi, n)
		h.pays()
	default:
		h.adds(payees[h.random.IntN(len(payees))], n)
		h.pays()
	}
	h.strokes = append(h.strokes, h.keys/(len(*h.ledger)-before))
	h.leads(focus("organisation"), kb.F2)
	switch loaded := (*h.ledger)[before].card && !back; {
	case back:
		h.takesBack(before)
	case n%11 == 9 && !loaded:
		h.regrets(before)
	}
}

// adds puts what an account of an organisation owes into the basket, or what
// the customer wants to pay in advance.
func (h *hour) adds(p payee, n int) {
	h.t.Helper()
	if value[string](h.cashier, `document.activeElement.id`) != "organisation" {
		h.leads(focus("organisation"), kb.F2)
	}
	h.leads(focus("account"), p.typed, enter)
	if n%9 == 3 { // a digit too many
		h.leads(`document.querySelector("#account-problem") && `+focus("account"), p.account(h.random)+"77", enter)
		h.says("Hesab tapılmadı")
	}
	known := len(h.sees().Lines)
	h.leads(`document.querySelector("dialog:modal") || `+focus("amount-")+` || `+focus("unit")+` || `+focus("asan-unit"), p.account(h.random), enter)
	s := h.sees()
	if s.Dialog {
		codes := []string{"1", enter}
		if h.random.IntN(2) == 0 {
			codes = []string{"1", "2", enter}
		}
		h.leads(focus("amount-")+` || `+focus("unit")+` || `+focus("asan-unit"), codes...)
		s = h.sees()
	}
	for strings.HasSuffix(s.Focus, "unit") { // of each line in turn
		if s.Focus == "unit" {
			h.types(kb.ArrowDown)
			if value[bool](h.cashier, `!!document.getElementById("asan-unit")`) {
				h.types(tab)
			}
		}
		if value[string](h.cashier, `document.activeElement.id`) == "asan-unit" {
			h.types(strings.Repeat(kb.ArrowDown, 1+h.random.IntN(3)))
		}
		h.leads(focus("amount-")+` || `+focus("unit")+` || `+focus("asan-unit"), enter)
		s = h.sees()
	}
	for _, l := range s.Lines[known:] {
		switch {
		case l.Amount == "":
			h.amount(l, 100+h.random.Int64N(90_00))
		case h.random.IntN(5) == 0: // a part of it, or more
			h.amount(l, 1+h.random.Int64N(2*qepik(h.t, l.Amount)))
		}
	}
}

// amount goes to a line by arrows, and types.
func (h *hour) amount(l basketLine, minor int64) {
	h.t.Helper()
	s := h.sees()
	at := func(id string) int {
		return slices.IndexFunc(s.Lines, func(l basketLine) bool { return "amount-"+l.No == id })
	}
	from, to := at(s.Focus), at("amount-"+l.No)
	h.types(strings.Repeat(kb.ArrowDown, max(to-from, 0)), strings.Repeat(kb.ArrowUp, max(from-to, 0)))
	h.until(focus("amount-" + l.No))
	h.types(typed(minor))
}

func (h *hour) sees() sight { h.t.Helper(); return value[sight](h.cashier, seen) }

// says checks what the message at the field is.
func (h *hour) says(want string) {
	h.t.Helper()
	if s := h.sees(); !strings.Contains(s.Problem+s.Notice, want) {
		h.t.Errorf("the page says %q and %q, want %q", s.Problem, s.Notice, want)
	}
}

// pays the basket, from the last amount to the printed receipts.
func (h *hour) pays() {
	h.t.Helper()
	if h.random.IntN(8) == 0 && strings.HasPrefix(h.sees().Focus, "amount-") { // the finger slips, and is seen
		right := value[string](h.cashier, `document.activeElement.value`)
		h.types(",,")
		h.leads(focus("amount-")+` && getSelection().toString() === document.activeElement.value`, enter)
		h.says("Məbləğ düzgün daxil edilməmişdir")
		h.types(right)
	}
	h.leads(focus("pay"), enter)
	h.confirms(false)
}

// confirms what is calculated; card says whether one is written.
func (h *hour) confirms(card bool) {
	h.t.Helper()
	lines := h.sees().Lines
	var total int64
	fees := make(map[string][2]int64)
	for _, l := range lines {
		amount, fee := qepik(h.t, l.Amount), qepik(h.t, l.Fee)
		i := slices.IndexFunc(append(payees, azeriqaz, azerishiq, vergi), func(p payee) bool { return p.name == l.Organisation })
		if i < 0 {
			h.t.Fatalf("who is %q?", l.Organisation)
		}
		if want := append(payees, azeriqaz, azerishiq, vergi)[i].fee(amount); fee != want {
			h.t.Errorf("%s: the fee of %d is %d, want %d", l.Organisation, amount, fee, want)
		}
		sum := fees[l.Organisation+" "+l.Account]
		fees[l.Organisation+" "+l.Account] = [2]int64{sum[0] + amount, sum[1] + fee}
		total += amount + fee
	}
	if shown := qepik(h.t, value[string](h.cashier, `document.querySelector("#pay [data-sum]").innerText`)); shown != total {
		h.t.Errorf("“Ödə” says %d, the lines come to %d", shown, total)
	}
	h.leads(`document.getElementById("confirm") && document.activeElement.matches("#confirm button")`, enter)
	h.leads(`location.pathname.startsWith("/payments/completed/") && !document.querySelector("[data-ticket]")`, enter)
	h.completed(lines, fees, card)
}

// completed takes the receipts: what they say is what was calculated.
func (h *hour) completed(lines []basketLine, fees map[string][2]int64, card bool) {
	h.t.Helper()
	rows := value[[][]string](h.cashier, `[...document.querySelectorAll("tbody tr")].map(r => [...r.cells].map(c => c.firstChild.textContent.trim()))`)
	if len(rows) != len(lines) {
		h.t.Fatalf("%d receipts for %d lines", len(rows), len(lines))
	}
	for i, r := range rows {
		p := paid{Receipt: r[0], Organisation: r[1], Account: r[2], Amount: qepik(h.t, r[4]), Fee: qepik(h.t, r[5]), Status: planned, who: h.who.User, card: card}
		if total := qepik(h.t, value[string](h.cashier, fmt.Sprintf(`document.querySelectorAll("tbody tr")[%d].cells[6].innerText`, i))); total != p.Amount+p.Fee {
			h.t.Errorf("receipt %s: %d and %d come to %d", p.Receipt, p.Amount, p.Fee, total)
		}
		key := p.Organisation + " " + p.Account
		fees[key] = [2]int64{fees[key][0] - p.Amount, fees[key][1] - p.Fee}
		*h.ledger = append(*h.ledger, p)
	}
	for key, left := range fees {
		if left != [2]int64{} {
			h.t.Errorf("%s: calculated and paid differ by %v", key, left)
		}
	}
	key, copies := "1", 1
	if len(rows) == 1 {
		h.types(key)
	} else {
		copies = 3
		h.with(input.ModifierCtrl, "p")
	}
	h.until(`document.documentElement.dataset.printed`)
	slips := value[string](h.cashier, `document.getElementById("paper").contentDocument.body.innerText`)
	for _, r := range rows {
		if strings.Count(slips, "№ "+r[0]) != copies {
			h.t.Errorf("receipt %s is printed %d times, want %d", r[0], strings.Count(slips, "№ "+r[0]), copies)
		}
	}
	if strings.Contains(slips, "SMART karta yazıldı") != card {
		h.t.Errorf("the receipt of a payment by card (%v) says\n%s", card, slips)
	}
}

// gasCard pays by a card of azeriqaz.
func (h *hour) gasCard() {
	h.t.Helper()
	h.d.scene(map[string]any{"inserted": h.card("AZERIQAZ")})
	h.leads(focus("account"), azeriqaz.typed, enter)
	h.leads(`document.activeElement.matches("form[data-card-read] button")`, kb.F8)
	h.leads(focus("amount-"), enter)
	h.leads(focus("pay"), typed(100+h.random.Int64N(50_00)), enter)
	h.confirms(true)
}

// powerCard pays for electricity in advance, which goes to the card.
func (h *hour) powerCard() {
	h.t.Helper()
	h.d.scene(map[string]any{"inserted": "AI-2002"})
	h.leads(focus("account"), azerishiq.typed, enter)
	h.leads(focus("amount-"), "1000002", enter)
	h.leads(focus("pay"), typed(100+h.random.Int64N(50_00)), enter)
	h.confirms(true)
}

func (h *hour) card(organisation string) string {
	h.t.Helper()
	for _, c := range h.d.Cards {
		if c.Organisation == organisation {
			return c.No
		}
	}
	h.t.Fatalf("no card of %s", organisation)
	return ""
}

// takesBack has what was written to the card taken off it: that is cancelled at
// once.
func (h *hour) takesBack(at int) {
	h.t.Helper()
	p := &(*h.ledger)[at]
	h.asks(p.Receipt)
	h.until(`document.querySelector(".notice.good")`)
	h.Says(cancelled, p.Receipt)
	p.Status = cancelled
	h.leave(focus("organisation"), func() { h.with(input.ModifierAlt, "1") })
}

// asks for a cancellation.
func (h *hour) asks(receipt string) {
	h.t.Helper()
	h.leave(focus("number"), func() { h.with(input.ModifierAlt, "2") })
	h.leads(`document.querySelector("[data-key=F9]")`, receipt, enter)
	h.leads(`document.activeElement.matches(".question button")`, kb.F9)
	h.leads(`location.pathname.startsWith("/cancellations/")`, enter)
}

// regrets has the latest customer back, who wants the money again.
func (h *hour) regrets(from int) {
	h.t.Helper()
	p := &(*h.ledger)[from]
	h.asks(p.Receipt)
	h.Says(awaiting, p.Receipt)
	p.Status = awaiting
	switch h.random.IntN(3) {
	case 0: // it awaits its decision all day
	case 1:
		h.admin.decides(p.Receipt, "Müştəri fikrini dəyişdi")
		p.Status = planned
	default:
		h.admin.decides(p.Receipt, "")
		p.Status = cancelled
	}
	h.leave(focus("organisation"), func() { h.with(input.ModifierAlt, "1") })
}

// own are the payments of this desk.
func (h *hour) own() []paid {
	return slices.DeleteFunc(slices.Clone(*h.ledger), func(p paid) bool { return p.who != h.who.User })
}

// closes the shift: register, its files, cash order and summary.
func (h *hour) closes() {
	h.t.Helper()
	own := h.own()
	h.leave(focus("day"), func() { h.with(input.ModifierAlt, "3") })
	if asan := h.who.Role == "asan-operator"; value[bool](h.cashier, `document.getElementById("asan").checked`) != asan {
		h.t.Errorf("%s: “Asan əməliyyatçı” is not %v", h.who.User, asan)
	}
	rows := value[[][]string](h.cashier, `[...document.querySelectorAll("table[data-rows] tbody tr")].map(r => [...r.cells].slice(1).map(c => c.innerText.trim()))`)
	h.agree("the screen", own, rows)
	var all int64
	for _, p := range own {
		all += p.Amount + p.Fee
	}
	foot := value[string](h.cashier, `document.querySelector("table[data-rows] tfoot").innerText`)
	if !strings.Contains(digits(foot), digits(typed(all) + ",00")[:len(digits(typed(all)))]) {
		h.t.Errorf("the register comes to %d, its foot says %s", all, foot)
	}
	h.pdf(own, h.loads(kb.F7, ".pdf"))
	h.xlsx(own, h.loads(kb.F8, ".xlsx"))
	h.window(kb.F9, own, all)
	h.cashOrder(own)
	if h.who.Role == "asan-operator" {
		h.summary(own)
	}
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// agree compares rows of a register with what the cashier has counted: number,
// time, organisation, unit, account, service, amount, fee, total, status.
func (h *hour) agree(where string, own []paid, rows [][]string) {
	h.t.Helper()
	if len(rows) != len(own) {
		h.t.Errorf("%s has %d rows for %d payments", where, len(rows), len(own))
		return
	}
	for i, p := range own {
		r := rows[i]
		if r[0] != p.Receipt || r[2] != p.Organisation || r[4] != p.Account || r[9] != p.Status ||
			qepik(h.t, r[6]) != p.Amount || qepik(h.t, r[7]) != p.Fee || qepik(h.t, r[8]) != p.Amount+p.Fee {
			h.t.Errorf("%s: row %q, want %+v", where, r, p)
		}
	}
}

// loads presses the key of a file and waits for it.
func (h *hour) loads(key, extension string) (file string) {
	h.t.Helper()
	h.types(key)
	eventually(h.t, appears, "the file is there", func() bool {
		all, err := filepath.Glob(filepath.Join(h.past, "*"+extension))
		if len(all) == 1 {
			file = all[0]
		}
		return err == nil && file != ""
	})
	return file
}

func (h *hour) pdf(own []paid, file string) {
	h.t.Helper()
	out, err := exec.CommandContext(h.t.Context(), "pdftotext", "-layout", file, "-").Output()
	if err != nil {
		h.t.Fatal(err)
	}
	text := strings.ReplaceAll(string(out), "\u00a0", " ")
	found := 0
	for line := range strings.Lines(text) {
		i := slices.IndexFunc(own, func(p paid) bool { return strings.Contains(line, p.Receipt) })
		if i < 0 {
			continue
		}
		found++
		for _, sum := range []int64{own[i].Amount, own[i].Fee, own[i].Amount + own[i].Fee} {
			if !strings.Contains(strings.ReplaceAll(line, ".", ""), fmt.Sprintf("%d,%02d", sum/100, sum%100)) {
				h.t.Errorf("the PDF lacks %d in %s", sum, line)
			}
		}
	}
	if found != len(own) {
		h.t.Errorf("the PDF has %d rows for %d payments", found, len(own))
	}
}

func (h *hour) xlsx(own []paid, file string) {
	h.t.Helper()
	book, err := excelize.OpenFile(file)
	if err != nil {
		h.t.Fatal(err)
	}
	defer book.Close()
	var rows [][]string
	for _, name := range book.GetSheetList() {
		more, err := book.GetRows(name, excelize.Options{RawCellValue: true})
		if err != nil {
			h.t.Fatal(err)
		}
		rows = append(rows, more...)
	}
	var found [][]string
	for _, r := range rows {
		if len(r) > 9 && slices.ContainsFunc(own, func(p paid) bool { return strings.TrimLeft(r[0], "0") == strings.TrimLeft(p.Receipt, "0") }) {
			r = slices.Clone(r)
			r[0] = fmt.Sprintf("%010s", strings.TrimLeft(r[0], "0"))
			for i := 6; i <= 8; i++ {
				n, err := strconv.ParseFloat(r[i], 64)
				if err != nil {
					h.t.Errorf("no number: %q", r[i])
				}
				r[i] = fmt.Sprintf("%.2f", n)
				r[i] = strings.Replace(r[i], ".", ",", 1)
			}
			found = append(found, r)
		}
	}
	h.agree("Excel", own, found)
}

// window looks at the register as it is printed, and prints it.
func (h *hour) window(key string, own []paid, all int64) {
	h.t.Helper()
	h.leads(`document.querySelector(".document tfoot")`, key)
	rows := value[[][]string](h.cashier, `[...document.querySelectorAll(".document tbody tr")].map(r => [...r.cells].map(c => c.innerText.trim()))`)
	h.agree("the window", own, rows)
	h.types(kb.F9)
	h.until(`document.documentElement.dataset.printed`)
	if n := value[int](h.cashier, `document.getElementById("paper").contentDocument.querySelectorAll(".document tbody tr").length`); n != len(own) {
		h.t.Errorf("%d rows are printed, want %d", n, len(own))
	}
	h.leads(focus("day"), kb.Escape)
}

// handedOver is what is neither cancelled nor awaits it.
func handedOver(own []paid) (count, amount, fees int64) {
	for _, p := range own {
		if p.Status == planned {
			count, amount, fees = count+1, amount+p.Amount, fees+p.Fee
		}
	}
	return count, amount, fees
}

// cashOrder has all that the cashier must hand over.
func (h *hour) cashOrder(own []paid) {
	h.t.Helper()
	count, cash, fees := handedOver(own)
	h.leads(`document.querySelector(".document tfoot")`, kb.F4)
	h.hasSums("the cash order", `.document tfoot tr`, count, cash, fees)
	h.leads(focus("day"), kb.Escape)
}

// summary has as much as the cash order.
func (h *hour) summary(own []paid) {
	h.t.Helper()
	count, amount, fees := handedOver(own)
	h.leads(`document.querySelector(".document tfoot")`, kb.F10)
	h.hasSums("the summary", `.document tfoot tr`, count, amount, fees)
	h.leads(focus("day"), kb.Escape)
}

// hasSums wants a row of totals with count, amount, fee and both.
func (h *hour) hasSums(where, rows string, count, amount, fee int64) {
	h.t.Helper()
	all := value[[][]string](h.cashier, `[...document.querySelectorAll("`+rows+`")].map(r => [...r.cells].map(c => c.innerText.trim()))`)
	if !slices.ContainsFunc(all, func(r []string) bool {
		n := len(r)
		return n >= 5 && digits(r[n-4]) == strconv.FormatInt(count, 10) && qepik(h.t, r[n-3]) == amount && qepik(h.t, r[n-2]) == fee && qepik(h.t, r[n-1]) == amount+fee
	}) {
		h.t.Errorf("%s: no total of %d payments, %d and %d: %q", where, count, amount, fee, all)
	}
}

// database compares the ledger with what is kept.
func (d *desks) database(ledger []paid) {
	d.t.Helper()
	db := openRaw(d.t, "sqlite:"+filepath.Join(d.Dir, "tolem.db"))
	defer db.Close()
	status := map[string]string{"planned": planned, "awaiting_cancellation": awaiting, "cancelled": cancelled}
	n := 0
	each(d.t, db, `SELECT d.receipt, d.amount, d.fee, d.status, p.amount, p.bank_ref FROM desk_payment d JOIN payment p ON p.code = d.code WHERE d.bank = 'DENIZ' ORDER BY d.receipt`, func(scan func(...any) error) error {
		var receipt, amount, fee, moved int64
		var is, reference string
		if err := scan(&receipt, &amount, &fee, &is, &moved, &reference); err != nil {
			return err
		}
		if n >= len(ledger) {
			d.t.Errorf("nobody has paid %d", receipt)
			return nil
		}
		p := ledger[n]
		if n++; int64(n) != receipt || reference != p.Receipt || amount != p.Amount || moved != p.Amount || fee != p.Fee || status[is] != p.Status {
			d.t.Errorf("the database has %d: %d, %d, %s (%s), want %+v", receipt, amount, fee, is, reference, p)
		}
		return nil
	})
	if n != len(ledger) {
		d.t.Errorf("%d payments are kept of %d", n, len(ledger))
	}
}
