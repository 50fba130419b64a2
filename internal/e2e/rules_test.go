package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
)

// A code that nobody pays expires by the clock at once and in the store soon
// after; the bank that took money late is heard.
//
// GW-P12 GW-P17
func TestExpiry(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve("TOLEM_CODES_TTL=1m", "TOLEM_CODES_EXPIRE_EVERY=1s")
	b, p := w.actors[bank1], w.actors[portal]
	lasting := b.issue()
	w.kill()
	w.serve("TOLEM_CODES_TTL=1s", "TOLEM_CODES_EXPIRE_EVERY=1s")
	code := b.issue()
	eventually(t, 2*time.Second, "the code is expired", func() bool { return p.do("GetPayment", el("paymentCode", code)).fields["state"] == "EXPIRED" })
	eventually(t, 4*time.Second, "its history says so", func() bool { return len(w.history(code)) == 2 })
	late := b.ok("NotifyPayment", payment(code, bank1, "REF"))
	if late.fields["late"] != "true" || late.fields["state"] != "PAID" {
		t.Errorf("paid late: %v", late.fields)
	}
	if got := w.history(code); strings.Join(got, " ") != "ISSUED EXPIRED PAID" {
		t.Errorf("history %v", got)
	}
	if got := p.ok("GetPayment", el("paymentCode", lasting)); got.fields["state"] != "ISSUED" {
		t.Errorf("the other code is %v", got.fields)
	}
}

// history returns the states a code has come through, as the operator sees it.
func (w *world) history(code string) (states []string) {
	w.t.Helper()
	var v struct{ History []struct{ To string } }
	if err := json.Unmarshal(w.command("code", "show", "--json", code), &v); err != nil {
		w.t.Fatal(err)
	}
	for _, s := range v.History {
		states = append(states, s.To)
	}
	return states
}

// The operator marks a refund while the gateway serves; the code is not valid
// any more.
//
// GW-P39
func TestRefund(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	b, p := w.actors[bank1], w.actors[portal]
	unpaid, code := b.issue(), w.paid()
	if out, exit := commandExit(t, "code", "refund", "--config", w.config, "--by", "operator1", "--reason", "claim 7", unpaid); exit == 0 {
		t.Errorf("an unpaid code was refunded: %s", out)
	}
	w.command("code", "refund", "--by", "operator1", "--reason", "claim 7", code)
	for _, got := range []answer{
		p.do("ValidateCode", portalForm(code, "R")),
		p.do("CloseCode", el("paymentCode", code), el("closeId", "C"), el("requestNo", "R")),
		p.do("GetReceipt", el("paymentCode", code)),
	} {
		if got.result() != "REFUNDED" {
			t.Errorf("%s: %v", got.name, got.fields)
		}
	}
	if got := p.ok("GetPayment", el("paymentCode", code)); got.fields["state"] != "REFUNDED" {
		t.Errorf("the code is %v", got.fields)
	}
}

// Who guesses codes is stopped, counted, and an alarm for the operator.
func TestGuessing(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve("TOLEM_LIMITS_UNKNOWN_CODES_PER_MINUTE=5")
	p, code := w.actors[portal], w.actors[bank1].issue()
	const allowed, guesses = 5, 60
	told := 0
	for _, number := range wellFormed(guesses) {
		switch got := p.do("GetPayment", el("paymentCode", number)); {
		case got.result() == "UNKNOWN_CODE":
			told++
		case got.result() != "TOO_MANY_UNKNOWN_CODES" || got.fields["retry"] != "later":
			t.Fatalf("a guess: %v", got.fields)
		}
	}
	if told < allowed || told > allowed+1 { // the allowance grows by one in twelve seconds
		t.Errorf("%d guesses were answered", told)
	}
	if got := p.do("GetPayment", el("paymentCode", code)); got.result() != "TOO_MANY_UNKNOWN_CODES" {
		t.Errorf("a code that exists: %v", got.fields)
	}
	w.actors[bank1].issue()
	if n := w.metric("tolem_unknown_codes_total"); n != guesses+1 {
		t.Errorf("%v guesses were counted", n)
	}
	if !strings.Contains(w.written(), `"level":"warn"`) {
		t.Error("no alarm in the log")
	}
}

// Nothing personal lies in the clear on the disk.
//
// GW-P37
func TestPersonalDataAtRest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tolem.db")
	w := newWorld(t, "sqlite:"+file)
	w.serve()
	code := w.paid()
	w.actors[portal].ok("GetReceipt", el("paymentCode", code))
	asking(bank1, "IssueCode", order(), el("more", citizen))(w)
	altered(">1200.00<", ">1.00<")(w)
	files, err := filepath.Glob(file + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{citizen, fullName, account} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s holds %q", filepath.Base(name), secret)
			}
		}
		if !bytes.Contains(content, []byte("tolem")) && !bytes.Contains(content, []byte(fixedFee)) && filepath.Ext(name) == ".db" {
			t.Errorf("%s does not hold what it should: is it the database?", name)
		}
	}
}

// Hundreds of callers that never finish do not keep others waiting.
func TestManySlowCallers(t *testing.T) {
	const slow = 300
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve("TOLEM_SOAP_TIMEOUTS_HEADER=3s", "TOLEM_SOAP_TIMEOUTS_BODY=3s")
	b := w.actors[bank1]
	b.issue()
	calm := w.slowest(b, 20)
	var group sync.WaitGroup
	for i := range slow {
		c := w.dial()
		said := "POST /soap/v1 HTTP/1.1\r\nHost: lo"
		if i%2 == 0 {
			said = head("HTTP/1.1", 5000) + "<soap"
		}
		if _, err := io.WriteString(c, said); err != nil {
			t.Fatal(err)
		}
		group.Go(func() { w.heard(c, 1) })
	}
	busy := w.slowest(b, 20)
	t.Logf("the slowest of 20 calls took %v alone, %v beside %d slow callers", calm, busy, slow)
	if busy > 2*time.Second {
		t.Errorf("a call took %v", busy)
	}
	group.Wait()
}

// slowest makes calls one by one and returns the longest time one took.
func (w *world) slowest(a *actor, calls int) (longest time.Duration) {
	w.t.Helper()
	for range calls {
		begin := time.Now()
		a.issue()
		longest = max(longest, time.Since(begin))
	}
	return longest
}

// wellFormed returns numbers with the right check digits.
func wellFormed(n int) (numbers []string) {
	for c := tolem.CodeNumber(1_000_000_000_000_000); len(numbers) < n; c++ {
		if c.Valid() {
			numbers = append(numbers, c.String())
		}
	}
	return numbers
}
