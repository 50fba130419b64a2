package tolem_test

import (
	"testing"
	"time"

	"tolem"
)

// Payers are sent to registered addresses and nowhere else.
//
// GW-P32
func TestReturnsTo(t *testing.T) {
	for _, c := range []struct {
		registered, address string
		want                bool
	}{
		{"https://portal.kz/pay", "https://portal.kz/pay", true},
		{"https://portal.kz/pay", "https://PORTAL.kz:443/pay", true},
		{"https://portal.kz/pay", "https://portal.kz/pay/done?order=7", true},
		{"https://portal.kz/pay", "https://portal.kz/pay?order=7", true},
		{"https://portal.kz/pay/", "https://portal.kz/pay/done", true},
		{"https://portal.kz", "https://portal.kz/", true},
		{"https://portal.kz", "https://portal.kz/any", true},
		{"https://portal.kz/pay", "https://portal.kz/payments", false},
		{"https://portal.kz/pay/", "https://portal.kz/pay", false},
		{"https://portal.kz/pay", "https://portal.kz/", false},
		{"https://portal.kz/pay", "http://portal.kz/pay", false},
		{"https://portal.kz/pay", "https://portal.kz:8443/pay", false},
		{"https://portal.kz/pay", "https://portal.kz.evil.kz/pay", false},
		{"https://portal.kz/pay", "https://portal.kz@evil.kz/pay", false},
		{"https://portal.kz/pay", "https://user@portal.kz/pay", false},
		{"https://portal.kz/pay", "https://portal.kz/pay/../admin", false},
		{"https://portal.kz/pay", "https://portal.kz/pay/%2e%2e/admin", false},
		{"https://portal.kz/pay", "https://portal.kz/pay/%2E%2e/admin", false},
		{"https://portal.kz/pay", "https://portal.kz/pay%2f..", false},
		{"https://portal.kz/pay", `https://portal.kz/pay\..`, false},
		{"https://portal.kz/pay", "https://portal.kz/pay#x", false},
		{"https://portal.kz/pay", "https://portal.kz/pay\r\nX: y", false},
		{"https://portal.kz/pay", "//portal.kz/pay", false},
		{"https://portal.kz/pay", "/pay", false},
		{"https://portal.kz/pay", "javascript:alert(1)", false},
		{"https://portal.kz/pay", "https:portal.kz/pay", false},
		{"https://portal.kz/pay", "", false},
		{"https://portal.kz/pay?a=b", "https://portal.kz/pay?a=b", false},
		{"http://portal.kz/pay", "http://portal.kz/pay", false},
		{"http://127.0.0.1:8080/", "http://127.0.0.1:8080/done", true},
		{"http://localhost:8080/", "http://localhost:8081/done", false},
		{"http://[::1]:80/", "http://[::1]/x", true},
	} {
		if got := tolem.ReturnsTo(c.registered, c.address); got != c.want {
			t.Errorf("%s under %s: %v", c.address, c.registered, got)
		}
	}
}

// What the payer is told follows from code and attempts; an attempt that is
// open outweighs everything but a payment.
//
// GW-P34, ACQ-P09, ACQ-P11, ACQ-P14
func TestStages(t *testing.T) {
	now := start()
	open := tolem.Checkout{State: tolem.CheckoutOpen, InputBy: now.Add(time.Minute)}
	at := func(s tolem.AttemptState) *tolem.Attempt { return &tolem.Attempt{State: s} }
	code := func(s tolem.State) tolem.Code { return tolem.Code{State: s} }
	for _, c := range []struct {
		name     string
		checkout tolem.Checkout
		last     *tolem.Attempt
		code     tolem.Code
		want     tolem.Stage
	}{
		{"nobody has come", tolem.Checkout{State: tolem.CheckoutStarted, ExpiresAt: now.Add(1)}, nil, code(tolem.StateIssued), tolem.StageStarted},
		{"nobody came in time", tolem.Checkout{State: tolem.CheckoutStarted, ExpiresAt: now}, nil, code(tolem.StateIssued), tolem.StageAbandoned},
		{"came", open, at(tolem.AttemptRedirected), code(tolem.StateIssued), tolem.StageForm},
		{"entered nothing", tolem.Checkout{State: tolem.CheckoutOpen, InputBy: now}, at(tolem.AttemptRedirected), code(tolem.StateIssued), tolem.StageAbandoned},
		{"sent", open, at(tolem.AttemptSent), code(tolem.StateIssued), tolem.StageWaiting},
		{"sent, the term runs out", open, at(tolem.AttemptSent), code(tolem.StateExpired), tolem.StageWaiting},
		{"no answer", open, at(tolem.AttemptUnknown), code(tolem.StateIssued), tolem.StageUnknown},
		{"approved, not notified", open, at(tolem.AttemptApproved), code(tolem.StateIssued), tolem.StageApproved},
		{"approved and notified", open, at(tolem.AttemptApproved), code(tolem.StatePaid), tolem.StagePaid},
		{"used meanwhile", open, at(tolem.AttemptApproved), code(tolem.StateClosed), tolem.StagePaid},
		{"paid elsewhere", open, at(tolem.AttemptRedirected), code(tolem.StatePaid), tolem.StagePaid},
		{"refused", open, at(tolem.AttemptRefused), code(tolem.StateIssued), tolem.StageRefused},
		{"refused, no code yet", open, at(tolem.AttemptRefused), tolem.Code{}, tolem.StageRefused},
		{"cancelled by the payer", tolem.Checkout{State: tolem.CheckoutAbandoned}, at(tolem.AttemptAbandoned), code(tolem.StateIssued), tolem.StageAbandoned},
		{"code expired", open, at(tolem.AttemptRedirected), code(tolem.StateExpired), tolem.StageExpired},
		{"code cancelled", open, at(tolem.AttemptRefused), code(tolem.StateCancelled), tolem.StageCancelled},
		{"money went back", open, at(tolem.AttemptReversed), code(tolem.StateRefunded), tolem.StageRefunded},
		{"reversed before it was notified", open, at(tolem.AttemptReversed), code(tolem.StateIssued), tolem.StageRefunded},
	} {
		if got := c.checkout.StageAt(c.last, c.code, now); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
