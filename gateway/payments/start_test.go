package payments_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/gateway"
	"tolem/store"
)

// The portal gets an address of the payment page together with the code; the
// address opens it once, for a quarter of an hour, and says nothing.
//
// GW-077, GW-095, GW-096, GW-P32, ACQ-003
func TestTokens(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		code := w.issue()
		r := w.startCard(cardOrder(code))
		if r.Result != tolem.OK || r.Code != code || !strings.HasPrefix(r.Address, page+"/") || r.ExpiresAt.Sub(w.clock.Now()) != 15*time.Minute {
			t.Fatalf("got %+v", r)
		}
		raw, err := base64.RawURLEncoding.DecodeString(token(r))
		must(t, err)
		for _, secret := range []string{citizen, code.String(), "1200", "120000", string(r.Payment), "BIRTH", "PORTAL"} {
			if strings.Contains(r.Address, secret) || strings.Contains(string(raw), secret) {
				t.Errorf("the address tells %s", secret)
			}
		}
		// Forged: every byte matters, and every way to write it.
		good := token(r)
		for i := range good {
			b := []byte(good)
			b[i] = map[bool]byte{true: 'B', false: 'A'}[b[i] == 'A']
			if _, err := w.Open(t.Context(), string(b)); !errors.Is(err, gateway.ErrToken) {
				t.Fatalf("byte %d altered: %v", i, err)
			}
		}
		for _, bad := range []string{"", "x", good + "=", good + "A", " " + good, strings.Repeat("A", 100_000), base64.RawURLEncoding.EncodeToString(make([]byte, 40))} {
			if _, err := w.Open(t.Context(), bad); !errors.Is(err, gateway.ErrToken) {
				t.Errorf("%.20q: %v", bad, err)
			}
		}
		var group sync.WaitGroup
		var mu sync.Mutex
		opened, used := 0, 0
		for range 50 {
			group.Go(func() {
				id, err := w.Open(t.Context(), good)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && id == r.Payment:
					opened++
				case errors.Is(err, gateway.ErrTokenUsed) && id == r.Payment:
					used++
				default:
					t.Errorf("%q, %v", id, err)
				}
			})
		}
		group.Wait()
		if opened != 1 || used != 49 {
			t.Errorf("opened %d times, told %d times that it was used", opened, used)
		}
		late := w.startCard(cardOrder(code))
		w.clock.Advance(15 * time.Minute)
		if id, err := w.Open(t.Context(), token(late)); !errors.Is(err, gateway.ErrTokenExpired) || id != "" {
			t.Errorf("after 15 minutes: %q, %v", id, err)
		}
		w.stage(late.Payment, tolem.StageAbandoned)
	})
}

// What is refused when a payment is started, and why.
//
// GW-078, GW-094, GW-P32, ACQ-P06
func TestStartIsChecked(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		code := w.issue()
		for name, c := range map[string]struct {
			change func(*gateway.CardOrder)
			want   tolem.ResultCode
		}{
			"as it is":            {func(*gateway.CardOrder) {}, tolem.OK},
			"another recipient":   {func(o *gateway.CardOrder) { o.Recipient = "920715450676" }, tolem.IINMismatch},
			"no recipient":        {func(o *gateway.CardOrder) { o.Recipient = "850101300125" }, tolem.InvalidIIN},
			"another service":     {func(o *gateway.CardOrder) { o.Service = "OTHER" }, tolem.ServiceMismatch},
			"another amount":      {func(o *gateway.CardOrder) { o.Amount.Minor++ }, tolem.Mismatch},
			"another currency":    {func(o *gateway.CardOrder) { o.Amount.Currency = tolem.UZS }, tolem.Mismatch},
			"no such code":        {func(o *gateway.CardOrder) { o.Code = code + 1 }, tolem.UnknownCode},
			"a foreign address":   {func(o *gateway.CardOrder) { o.ReturnURL = "https://evil.kz/back" }, tolem.ReturnAddress},
			"an address like it":  {func(o *gateway.CardOrder) { o.ReturnURL = back + "ward" }, tolem.ReturnAddress},
			"an address above it": {func(o *gateway.CardOrder) { o.ReturnURL = back + "/../x" }, tolem.ReturnAddress},
		} {
			in := cardOrder(code)
			c.change(&in)
			r := w.startCard(in)
			if r.Result != c.want || (r.Address != "") != (c.want == tolem.OK) {
				t.Errorf("%s: %s, %q", name, r.Result, r.Address)
			}
		}
		var r gateway.Redirect
		_, err := w.gateway.StartCardPayment(t.Context(), w.message(tolem.OpStartCardPayment, shopID, tolem.KindPortal), cardOrder(code), render(&r))
		if err != nil || r.Result != tolem.NotOwner {
			t.Errorf("by another: %s, %v", r.Result, err)
		}
		m := w.message(tolem.OpStartCardPayment, portalID, tolem.KindPortal)
		m.OnBehalfOf = bankID
		if _, err := w.gateway.StartCardPayment(t.Context(), m, cardOrder(code), render(&r)); !errors.Is(err, gateway.ErrForbidden) {
			t.Errorf("in another's name: %v", err)
		}
		for name, c := range map[string]struct {
			change func(*gateway.AccountOrder)
			want   tolem.ResultCode
		}{
			"as it is":          {func(*gateway.AccountOrder) {}, tolem.OK},
			"unknown service":   {func(o *gateway.AccountOrder) { o.Service = "OTHER" }, tolem.UnknownService},
			"another provider":  {func(o *gateway.AccountOrder) { o.Provider = "OTHER" }, tolem.ServiceMismatch},
			"another amount":    {func(o *gateway.AccountOrder) { o.Amount.Minor++ }, tolem.AmountNotAllowed},
			"no recipient":      {func(o *gateway.AccountOrder) { o.Recipient = "1" }, tolem.InvalidIIN},
			"a foreign address": {func(o *gateway.AccountOrder) { o.ReturnURL = "https://portal.kz/" }, tolem.ReturnAddress},
		} {
			in := accountOrder()
			c.change(&in)
			if r := w.startAccount(in); r.Result != c.want || r.Code != 0 {
				t.Errorf("account, %s: %s", name, r.Result)
			}
		}
		// A code that is paid, or over, takes no payer.
		id, err := w.Open(t.Context(), token(w.startCard(cardOrder(code))))
		must(t, err)
		must(t, w.pay(id, tolem.MethodCard))
		w.notifyBooked(code, w.view(id).Last.ID)
		if r := w.startCard(cardOrder(code)); r.Result != tolem.AlreadyPaid {
			t.Errorf("paid: %s", r.Result)
		}
		expired := w.issue()
		w.clock.Advance(24 * time.Hour)
		if r := w.startCard(cardOrder(expired)); r.Result != tolem.Expired {
			t.Errorf("expired: %s", r.Result)
		}
	})
}

// The same request again gets the same answer, and opens no second visit.
//
// GW-P08, GW-P32
func TestStartedOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		m := w.message(tolem.OpStartAccountPayment, portalID, tolem.KindPortal)
		var first, second gateway.Redirect
		a, err := w.gateway.StartAccountPayment(t.Context(), m, accountOrder(), render(&first))
		must(t, err)
		again := m
		again.Record.ID[15]++
		b, err := w.gateway.StartAccountPayment(t.Context(), again, accountOrder(), render(&second))
		must(t, err)
		if !b.Repeated || string(a.Signed) != string(b.Signed) {
			t.Errorf("repeated %v: %q, %q", b.Repeated, a.Signed, b.Signed)
		}
		if second.Payment != "" {
			// The closure ran and lost; what it drew was not stored.
			err := w.db.View(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Checkout(second.Payment)
				return err
			})
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a second payment is stored: %v", err)
			}
		}
	})
}
