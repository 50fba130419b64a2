package soap_test

import (
	"strings"
	"testing"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// The portal starts payments on the payment page and asks how they stand; nobody
// else may.
//
// GW-077, GW-078, GW-094 to GW-096, GW-P32
func TestPaymentsAreStarted(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), nil)
	if err := w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.AddReturnAddress(portalID, "https://portal.kz/back") }); err != nil {
		t.Fatal(err)
	}
	portal := w.actors[portalID]
	issued := portal.do("IssueCode", "serviceCode", "BIRTH", "providerId", "JUSTICE", "recipientIIN", citizen, "amount", "1200.00", "currency", "KZT", "channel", "ACQUIRING")
	code := issued.field("paymentCode")
	card := func(change map[string]string) []string {
		fields := []string{"paymentCode", code, "recipientIIN", citizen, "serviceCode", "BIRTH", "amount", "1200.00", "currency", "KZT",
			"details", "копия", "returnAddress", "https://portal.kz/back?a=1", "language", "ru"}
		for i := 0; i < len(fields); i += 2 {
			if v, ok := change[fields[i]]; ok {
				fields[i+1] = v
			}
		}
		return fields
	}
	got := portal.do("StartCardPayment", card(nil)...)
	w.conforms(got)
	if got.field("resultCode") != "OK" || got.field("paymentCode") != code || !strings.HasPrefix(got.field("redirectAddress"), "https://pay.kz/pay/") || got.field("expiresAt") == "" {
		t.Fatalf("got %s", got.body)
	}
	stands := portal.do("GetCheckout", "paymentId", strings.ToUpper(got.field("paymentId")))
	w.conforms(stands)
	if stands.field("stage") != "STARTED" || stands.field("method") != "CARD" || stands.field("paymentCode") != code {
		t.Errorf("it stands as %s", stands.body)
	}
	account := portal.do("StartAccountPayment", "serviceCode", "BIRTH", "providerId", "JUSTICE", "recipientIIN", citizen, "recipientName", "Айгуль",
		"amount", "1200.00", "currency", "KZT", "requestNo", "R-1", "returnAddress", "https://portal.kz/back")
	w.conforms(account)
	if account.field("resultCode") != "OK" || account.field("paymentCode") != "" || account.field("paymentId") == got.field("paymentId") {
		t.Errorf("got %s", account.body)
	}
	if r := portal.do("GetCheckout", "paymentId", "0b9a2f6e-8f0a-4d0e-9a55-27d1a3a9d001"); r.field("resultCode") != string(tolem.UnknownCheckout) {
		t.Errorf("an unknown payment: %s", r.body)
	}
	for name, c := range map[string]struct {
		change map[string]string
		want   string
	}{
		"a foreign address": {map[string]string{"returnAddress": "https://evil.kz/back"}, "RETURN_ADDRESS"},
		"another amount":    {map[string]string{"amount": "1.00"}, "MISMATCH"},
		"no address":        {map[string]string{"returnAddress": "javascript:alert(1)"}, "BAD_REQUEST"},
		"white space in it": {map[string]string{"returnAddress": "https://portal.kz/back a"}, "BAD_REQUEST"},
		"no language":       {map[string]string{"language": "fr"}, "BAD_REQUEST"},
		"long details":      {map[string]string{"details": strings.Repeat("x", 201)}, "BAD_REQUEST"},
	} {
		r := portal.do("StartCardPayment", card(c.change)...)
		if r.field("resultCode") != c.want && r.field("code") != c.want {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	for _, who := range []string{bankID, justiceID} {
		for _, r := range []reply{w.actors[who].do("StartCardPayment", card(nil)...), w.actors[who].do("GetCheckout", "paymentId", got.field("paymentId"))} {
			if r.field("code") != "FORBIDDEN" {
				t.Errorf("%s: %s", who, r.body)
			}
		}
	}
}
