package stub

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/web"
	"tolem/wsdl/client/merchant"
)

// What the stubs have been told outlives them, and has an end.
func TestLedger(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.json")
	open := func() *ledger[order] {
		t.Helper()
		l, err := openLedger(file, func(o *order) string { return o.No })
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open()
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for range maxKept + 3 {
		if err := l.add(order{No: l.next("S", day)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.change("S-260131-0007", func(o *order) { o.Amount.Minor = 5 }); err != nil {
		t.Fatal(err)
	}
	l = open()
	if o, ok := l.find("S-260131-0007"); !ok || o.Amount.Minor != 5 {
		t.Errorf("kept: %v, %v", o, ok)
	}
	if _, ok := l.find("S-260131-0003"); ok || len(l.all(maxKept*2)) != maxKept {
		t.Error("the oldest do not go")
	}
	if n := l.next("S", day); n != fmt.Sprintf("S-260131-%04d", maxKept+4) || l.all(1)[0].No != fmt.Sprintf("S-260131-%04d", maxKept+3) {
		t.Errorf("next is %s after %s", n, l.all(1)[0].No)
	}
}

// The highest sequence says how an order stands, whichever came last; and a
// result that comes twice counts once.
func TestOrderStandsByItsNewestResult(t *testing.T) {
	now := time.Now()
	o := order{No: "S-1"}
	if o.Stands() != "NEW" || !o.MayPay() {
		t.Errorf("at first: %s", o.Stands())
	}
	o.Sent = now
	for _, r := range []struct {
		sequence int
		state    tolem.OrderState
		want     string
	}{
		{1, tolem.OrderRefused, "REFUSED"}, {3, tolem.OrderPaid, "PAID"}, {2, tolem.OrderAuthorised, "PAID"}, {2, tolem.OrderAuthorised, "PAID"},
	} {
		o.take(merchant.Result{Number: fmt.Sprint("R-", r.sequence), Sequence: r.sequence, State: r.state, MadeAt: now.Add(time.Second)})
		if o.Stands() != r.want {
			t.Errorf("after %s: %s, want %s", r.state, o.Stands(), r.want)
		}
	}
	if len(o.Results) != 3 || o.MayPay() || o.Waits() || o.Tone() != "good" {
		t.Errorf("in the end: %+v", o)
	}
	again := order{Sent: now, Results: []told{{State: tolem.OrderRefused, Sequence: 1, MadeAt: now.Add(-time.Minute)}}}
	if again.Stands() != "SENT" {
		t.Errorf("a buyer who tries again: %s", again.Stands())
	}
}

// Whatever the gateway may say of a payment or an order has its texts, in the
// languages of the stubs themselves.
func TestEveryStageHasTexts(t *testing.T) {
	texts, err := web.LoadCatalogue(texts{files})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, s := range append([]tolem.Stage{""}, tolem.Stages...) {
		told := request{Stage: s}.Told()
		keys = append(keys, "stub.stage."+told, "portal.says."+told)
	}
	for _, s := range append([]tolem.OrderState{"NEW", "SENT"}, tolem.OrderStates...) {
		keys = append(keys, "shop.state."+string(s), "shop.says."+string(s))
	}
	for _, l := range Languages {
		for _, key := range keys {
			if text, err := texts.Text(l, key); err != nil || strings.TrimSpace(text) == "" {
				t.Errorf("%s: %s: %v", l, key, err)
			}
		}
	}
	if texts[web.Russian]["shop.name"] == texts[web.English]["shop.name"] {
		t.Error("Russian is English")
	}
}

// What the page of a request offers agrees with what the gateway says.
func TestWhatARequestOffers(t *testing.T) {
	for _, c := range []struct {
		r                            request
		cont, pay, cancel, render, w bool
	}{
		{request{}, false, true, false, false, false},
		{request{Stage: tolem.StageStarted, State: "ISSUED"}, true, false, true, false, true},
		{request{Stage: tolem.StageWaiting, State: "ISSUED"}, false, false, false, false, true},
		{request{Stage: tolem.StageUnknown, State: "ISSUED"}, false, false, false, false, true},
		{request{Stage: tolem.StageRefused, State: "ISSUED"}, false, true, true, false, false},
		{request{Stage: tolem.StageCancelled, State: "CANCELLED"}, false, false, false, false, false},
		{request{Stage: tolem.StagePaid, State: "PAID"}, false, false, false, true, false},
		{request{Stage: tolem.StagePaid, State: "CLOSED"}, false, false, false, false, false},
	} {
		r := c.r
		if r.MayContinue() != c.cont || r.MayPay() != c.pay || r.MayCancel() != c.cancel || r.MayClose() != c.render || r.Waits() != c.w {
			t.Errorf("%s, %s: %v %v %v %v %v", r.Stage, r.State, r.MayContinue(), r.MayPay(), r.MayCancel(), r.MayClose(), r.Waits())
		}
	}
}
