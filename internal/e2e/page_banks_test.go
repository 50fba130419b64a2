package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/banks/sandbox"
	"tolem/internal/tolemtest"
)

// fate is what a behaviour of a bank must come to, seen from all sides.
type fate struct {
	doubt   bool   // at first nobody knows
	page    string // that a payer by card ends on; from an account PAID where a card waits to be notified
	refusal tolem.RefusalReason
}

// The fates.
var (
	taken    = fate{page: "paid"}
	agreed   = fate{page: "approved"} // the bank has the money and never says so as it must
	foundOut = fate{doubt: true, page: "paid"}
	nothing  = fate{doubt: true, page: "refused", refusal: tolem.RefusedTechnical}
)

func refused(r tolem.RefusalReason) fate { return fate{page: "refused", refusal: r} }

// fates of the simulator's whole table, in an order in which no five failures
// come in a row: the bank would be left alone for a while.
var fates = []struct {
	name string
	fate
}{
	{"insufficient funds", refused(tolem.RefusedInsufficient)},
	{"time-out, nothing done", nothing},
	{"limit exceeded", refused(tolem.RefusedLimit)},
	{"done, answer lost", foundOut},
	{"card not accepted", refused(tolem.RefusedCard)},
	{"not done, connection lost", nothing},
	{"card expired", refused(tolem.RefusedExpiredCard)},
	{"late answer", foundOut},
	{"wrong security code", refused(tolem.RefusedCVC)},
	{"duplicate answer", foundOut},
	{"wrong account", refused(tolem.RefusedAccount)},
	{"wrong amount in the answer", foundOut},
	{"wrong holder", refused(tolem.RefusedHolder)},
	{"bad signature", foundOut},
	{"not permitted", refused(tolem.RefusedByRules)},
	{"signed with a revoked certificate", foundOut},
	{"problem of the bank", refused(tolem.RefusedTechnical)},
	{"signed by another participant", foundOut},
	{"error code with description", refused(tolem.RefusedTechnical)},
	{"answer to another request", foundOut},
	{"pending, then approved", foundOut},
	{"page for people in place of an answer", foundOut},
	{"pending, then refused", fate{doubt: true, page: "refused", refusal: tolem.RefusedInsufficient}},
	{"refused, answer lost", fate{doubt: true, page: "refused", refusal: tolem.RefusedInsufficient}},
	{"approved, cannot be reversed", taken},
	{"done, time-out", foundOut},
	{"approved, notified late", taken},
	{"approved, notified twice", taken},
	{"approved, never notified", agreed},
	{"approved, notified with another amount", agreed},
	{"answer lost, never notified", fate{doubt: true, page: "approved"}},
}

// Everything a bank can do wrong, by card and from an account, through the
// running gateway and over the contract: each payment ends as it must, on the
// payer's page, for the portal and in the bank's book. Payers click twice, and
// after a refusal they pay once more. Nobody is charged twice, nothing is lost.
//
// GW-083 GW-086 GW-099 GW-101 GW-102 GW-P31 GW-P33 GW-P34 ACQ-P06 ACQ-P08 ACQ-P09 ACQ-P10 ACQ-P14
func TestEveryBehaviourOfABank(t *testing.T) {
	t.Parallel() // most of it is waiting
	if len(fates) != len(sandbox.Table) {
		t.Fatalf("%d fates for %d behaviours", len(fates), len(sandbox.Table))
	}
	tolemtest.Databases(t, func(t *testing.T, database string) {
		t.Parallel()
		h := newHall(t, database)
		begin := time.Now()
		h.serve()
		cases := make([][]*banked, 2)
		var sides sync.WaitGroup
		for i, side := range []struct {
			method tolem.Method
			bank   tolem.ParticipantID
		}{{tolem.MethodCard, bank1}, {tolem.MethodAccount, bank2}} {
			sides.Go(func() {
				for _, f := range fates {
					c := &banked{hall: h, name: f.name, fate: f.fate, means: meansOf(sandbox.CaseNamed(f.name), side.bank)}
					if side.method == tolem.MethodAccount && c.page == "approved" {
						c.page = "paid"
					}
					c.begin(side.method)
					cases[i] = append(cases[i], c)
				}
			})
		}
		sides.Wait()
		h.settled(database, settleLimit)
		for i := range fates {
			t.Logf("%-38s card %s, account %s", fates[i].name, cases[0][i].end(), cases[1][i].end())
		}
		h.payAgain(cases)
		l := h.settled(database, settleLimit)
		h.reckon(l)
		metrics := h.metrics()
		h.kill()
		h.checkArchive(int64(len(l.attempts)))
		h.checkDays(database)
		h.checkNoCards(database, begin, metrics)
	})
}

// banked is a payment at a bank that behaves in one way.
type banked struct {
	*hall
	name  string
	means means
	fate
	visit *visit
}

func (c *banked) fail(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("%s, %s: %s", c.visit.method, c.name, fmt.Sprintf(format, args...))
}

// begin confirms the payment, twice at the same moment, and waits until the call
// to the bank is over.
func (c *banked) begin(method tolem.Method) {
	var err error
	if c.visit, err = c.start(method, tolem.Money{Minor: 1500_00, Currency: tolem.KZT}, 0); err != nil {
		c.fail("%v", err)
		return
	}
	form, err := c.enter(c.visit)
	if err != nil || form.name != "form" {
		c.fail("the payer is shown %q, %v", form.name, err)
		return
	}
	var clicks sync.WaitGroup
	for range 2 {
		clicks.Go(func() {
			if s, err := c.submit(c.visit, form, c.means); err != nil || s.name == "form" {
				c.fail("after the confirmation %q, %v", s.name, err)
			}
		})
	}
	clicks.Wait()
	var seen string
	for deadline := time.Now().Add(bankHang); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s, err := c.show(c.visit)
		if err != nil {
			c.fail("%v", err)
			return
		}
		if seen = s.name; seen != "waiting" {
			break
		}
	}
	notified := seen == "paid" && method == tolem.MethodCard // before the bank was asked
	if doubt := seen == "unknown"; doubt != c.doubt && !(c.doubt && notified) {
		c.fail("at first the payer is shown %q", seen)
	}
	if seen == "unknown" {
		c.cannotPayOrLeave()
	}
}

// cannotPayOrLeave tries what a payer in doubt may not do.
func (c *banked) cannotPayOrLeave() {
	before, err := c.show(c.visit)
	if err != nil || strings.Contains(before.body, "<form id=\"pay\"") {
		c.fail("a payer in doubt is given a form, %v", err)
	}
	if s, err := c.look(c.visit.browser.Get(c.site + "/pay/again")); err != nil || s.name == "form" {
		c.fail("a payer in doubt gets the form again, %v", err)
	}
}

// end looks at where everybody stands when the bank has been asked.
func (c *banked) end() string {
	s, err := c.show(c.visit)
	if err != nil || s.name != c.page {
		c.fail("the payer is shown %q, want %q, %v", s.name, c.page, err)
	}
	told, err := c.standing(c.visit)
	want := map[string]tolem.Stage{"paid": tolem.StagePaid, "approved": tolem.StageApproved, "refused": tolem.StageRefused}[c.page]
	if err != nil || told.Stage != want || told.Refusal != c.refusal || told.Stage == tolem.StagePaid && (told.Code == 0 || told.BankRef == "") {
		c.fail("the portal is told %+v, %v", told, err)
	}
	return fmt.Sprintf("%s%s", told.Stage, strings.TrimSuffix(" "+string(told.Refusal), " "))
}

// payAgain pays what was refused with what every bank takes.
func (h *hall) payAgain(cases [][]*banked) {
	h.t.Helper()
	for _, side := range cases {
		for _, c := range side {
			if c.page != "refused" {
				continue
			}
			form, err := h.look(c.visit.browser.Get(h.site + "/pay/again"))
			if err == nil {
				_, err = h.submit(c.visit, form, plain(c.means.bank))
			}
			if err != nil {
				c.fail("once more: %v", err)
			}
			c.page, c.refusal = "paid", ""
		}
	}
	eventually(h.t, settleLimit, "what was refused is paid", func() bool {
		for _, side := range cases {
			for _, c := range side {
				if s, err := h.show(c.visit); err != nil || s.name != c.page {
					return false
				}
			}
		}
		return true
	})
}
