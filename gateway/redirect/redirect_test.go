package redirect_test

import (
	"bytes"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/gateway"
	"tolem/gateway/redirect"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/store"
)

// A buyer comes with merchant code, order number and amount, and finds what he
// is to pay; the redirect is kept as evidence. ACQ-003 to ACQ-006, GW-P36
func TestOrderIsOpened(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for i, s := range []*signing.Signer{w.shop, w.shopEC} {
			o := w.order([]string{"A-1", "INV/2"}[i])
			o.Key = ""
			query := w.sign(o, s)
			id, err := w.gate.Open(t.Context(), query)
			must(t, err)
			v := w.view(id)
			c := v.Code
			if v.Stage != tolem.StageForm || c.State != tolem.StateIssued || c.Amount != o.Amount || c.Requester != shopID || c.RequestNo != o.OrderNo ||
				c.Channel != tolem.ChannelAcquiring || c.Service != "BOOKS" || c.Provider != "PRINT" || c.Recipient.Reveal() != shopBIN || c.RecipientName != "Book shop" {
				t.Errorf("%s: code %+v", v.Stage, c)
			}
			if v.Checkout.ReturnURL != o.Return || v.Checkout.Language != "ru" || v.Requester != "Book shop" || !v.Checkout.InputBy.Equal(w.clock.Now().Add(tolem.InputTTL)) {
				t.Errorf("checkout %+v", v.Checkout)
			}
			kept := w.kept(string(o.OrderNo))
			if len(kept) != 1 || kept[0].Code != c.Number || kept[0].Participant != shopID || kept[0].Fingerprint != s.Fingerprint() || kept[0].TrustID == [16]byte{} ||
				!bytes.HasPrefix(kept[0].Raw, []byte(tolem.RedirectVersion+"\nmerchant=SHOP\n")) || !bytes.HasSuffix(kept[0].Raw, []byte("\nsignature="+query.Get("signature")+"\n")) {
				t.Errorf("evidence %+v", kept)
			}
		}
	})
}

// A redirect is good once; who comes with it again learns which payment it led
// to, and nothing else happens.
func TestRedirectIsGoodOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		query := w.sign(w.order("A-1"), w.shop)
		id, err := w.gate.Open(t.Context(), query)
		must(t, err)
		for _, after := range []time.Duration{0, time.Hour} {
			w.clock.Advance(after)
			if again, err := w.gate.Open(t.Context(), query); !errors.Is(err, gateway.ErrTokenUsed) || again != id {
				t.Errorf("%q, %v", again, err)
			}
		}
		if n := len(w.kept("A-1")); n != 1 {
			t.Errorf("kept %d times", n)
		}
	})
}

// Whatever is altered on the way is refused, and leaves nothing behind. ACQ-P05
func TestAlteredRedirect(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.order("A-1")
		o.Service = "BOOKS"
		good := w.sign(o, w.shop)
		for name, change := range map[string]func(url.Values){
			"merchant":          func(q url.Values) { q.Set("merchant", string(otherID)) },
			"order":             func(q url.Values) { q.Set("order", "A-2") },
			"amount":            func(q url.Values) { q.Set("amount", "1.00") },
			"currency":          func(q url.Values) { q.Set("currency", "UZS") },
			"service":           func(q url.Values) { q.Set("service", "CARDS") },
			"return":            func(q url.Values) { q.Set("return", back+"/else") },
			"issued":            func(q url.Values) { q.Set("issued", w.clock.Now().Add(time.Second).Format("2006-01-02T15:04:05Z")) },
			"language":          func(q url.Values) { q.Set("language", "kk") },
			"key":               func(q url.Values) { q.Set("key", w.shopEC.Fingerprint().String()) },
			"key, shorter":      func(q url.Values) { q.Set("key", q.Get("key")[:16]) },
			"signature":         func(q url.Values) { q.Set("signature", other(q.Get("signature")[0])+q.Get("signature")[1:]) },
			"other key":         func(q url.Values) { q.Set("signature", w.sign(o, w.other).Get("signature")) },
			"service cut":       func(q url.Values) { q.Del("service") },
			"language cut":      func(q url.Values) { q.Del("language") },
			"signature cut":     func(q url.Values) { q.Del("signature") },
			"amount cut":        func(q url.Values) { q.Del("amount") },
			"unknown parameter": func(q url.Values) { q.Set("note", "for Aigul") },
			"twice":             func(q url.Values) { q.Add("order", "A-1") },
			"empty":             func(q url.Values) { q.Set("language", "") },
			"amount spelled":    func(q url.Values) { q.Set("amount", "1200.0") },
			"amount with zeros": func(q url.Values) { q.Set("amount", "01200.00") },
			"issued spelled":    func(q url.Values) { q.Set("issued", strings.Replace(q.Get("issued"), "Z", "+00:00", 1)) },
			"padded signature":  func(q url.Values) { q.Set("signature", q.Get("signature")+"==") },
			"line in a value":   func(q url.Values) { q.Set("return", back+"\namount=1.00") },
			"free text":         func(q url.Values) { q.Set("order", "Айгуль") },
			"long order":        func(q url.Values) { q.Set("order", strings.Repeat("A", 65)) },
		} {
			q := make(url.Values)
			for k, v := range good {
				q[k] = slices.Clone(v)
			}
			change(q)
			if _, err := w.gate.Open(t.Context(), q); !errors.Is(err, redirect.ErrSignature) && !errors.Is(err, redirect.ErrForm) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			for _, m := range []tolem.ParticipantID{shopID, otherID} {
				if list, err := tx.Orders(m, "", 10); err != nil || len(list) != 0 {
					t.Errorf("orders %v, %v", list, err)
				}
			}
			return nil
		}))
		if n := len(w.kept("A-1")); n != 0 {
			t.Errorf("what nobody signed is kept %d times", n)
		}
		// Nothing was used up by that.
		if _, err := w.gate.Open(t.Context(), good); err != nil {
			t.Error(err)
		}
	})
}

// A key that is short for a certificate names it as well as the whole.
func TestShortKey(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.order("A-1")
		o.Key = w.shop.Fingerprint().String()[:16]
		signature, err := w.shop.SignText(o.Text())
		must(t, err)
		q, err := url.ParseQuery(o.Query(signature))
		must(t, err)
		if _, err := w.gate.Open(t.Context(), q); err != nil {
			t.Error(err)
		}
	})
}

// A redirect has 15 minutes; a clock that is two minutes ahead is forgiven. What
// was signed and comes too late is kept once.
func TestAgeOfARedirect(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		now := w.clock.Now()
		for i, c := range []struct {
			issued time.Duration
			good   bool
		}{{-tolem.RedirectTTL, true}, {-tolem.RedirectTTL - time.Second, false}, {tolem.RedirectSkew, true}, {tolem.RedirectSkew + time.Second, false}} {
			o := w.order("A-" + string(rune('1'+i)))
			o.Issued = now.Add(c.issued)
			query := w.sign(o, w.shop)
			for range 2 {
				_, err := w.gate.Open(t.Context(), query)
				if c.good != (err == nil || errors.Is(err, gateway.ErrTokenUsed)) || !c.good && !errors.Is(err, gateway.ErrTokenExpired) {
					t.Errorf("issued %s ago: %v", -c.issued, err)
				}
			}
			kept := w.kept(string(o.OrderNo))
			if len(kept) != 1 || (kept[0].Class == "") != c.good {
				t.Errorf("kept %+v", kept)
			}
		}
	})
}

// A certificate is believed as in messages: registered to that merchant, not
// withdrawn, not revoked; and nothing is believed where that is not known.
// GW-P05, GW-P41, ACQ-P05
func TestWhoseSignature(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		stranger := w.newSigner(pki.RSA2048)
		foreign := w.order("A-1")
		foreign.Merchant = otherID
		for name, c := range map[string]struct {
			order tolem.OrderRedirect
			by    *signing.Signer
			want  error
		}{
			"not registered":           {w.order("A-1"), stranger, redirect.ErrSignature},
			"another merchant's":       {w.order("A-1"), w.other, redirect.ErrSignature},
			"for another merchant":     {foreign, w.shop, redirect.ErrSignature},
			"no such merchant":         {tolem.OrderRedirect{Merchant: "NOBODY", OrderNo: "A-1", Amount: foreign.Amount, Return: back, Issued: w.clock.Now()}, w.shop, redirect.ErrMerchant},
			"a bank is not a merchant": {tolem.OrderRedirect{Merchant: bankID, OrderNo: "A-1", Amount: foreign.Amount, Return: back, Issued: w.clock.Now()}, w.shop, redirect.ErrMerchant},
		} {
			if _, err := w.gate.Open(t.Context(), w.sign(c.order, c.by)); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		change := func(fn func(tx *store.Tx) error) {
			t.Helper()
			must(t, w.db.Update(t.Context(), fn))
			must(t, w.directory.Refresh(t.Context()))
		}
		refused := func(what string, want error) {
			t.Helper()
			if _, err := w.gate.Open(t.Context(), w.sign(w.order("A-9"), w.shop)); !errors.Is(err, want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		suspend := func(suspended bool) func(tx *store.Tx) error {
			return func(tx *store.Tx) error {
				p, err := tx.Participant(shopID)
				p.Suspended = suspended
				return errors.Join(err, tx.PutParticipant(p))
			}
		}
		change(suspend(true))
		refused("suspended", redirect.ErrMerchant)
		change(suspend(false))
		must(t, w.pki.Revoke(w.shop.Certificate(), 1))
		must(t, w.pki.WriteCRLs(w.pki.Dir, time.Time{}))
		must(t, w.trust.Refresh(t.Context()))
		refused("revoked", redirect.ErrSignature)
		change(func(tx *store.Tx) error {
			c, err := tx.Certificate(w.shopEC.Fingerprint())
			c.Withdrawn = true
			return errors.Join(err, tx.PutCertificate(c))
		})
		if _, err := w.gate.Open(t.Context(), w.sign(w.order("A-9"), w.shopEC)); !errors.Is(err, redirect.ErrSignature) {
			t.Errorf("withdrawn: %v", err)
		}
		w.clock.Advance(8 * 24 * time.Hour) // the lists have run out
		foreign.Issued = w.clock.Now()
		if _, err := w.gate.Open(t.Context(), w.sign(foreign, w.other)); !errors.Is(err, redirect.ErrUnavailable) {
			t.Errorf("without lists: %v", err)
		}
		if kept := append(w.kept("A-1"), w.kept("A-9")...); len(kept) != 0 {
			t.Errorf("kept %+v", kept)
		}
		if !slices.Contains(w.outcomes, "unverifiable") || !slices.Contains(w.outcomes, "signature") || !slices.Contains(w.outcomes, "merchant") {
			t.Errorf("told %v", w.outcomes)
		}
	})
}

// What the merchant has signed and cannot have is refused and kept, each reason
// once.
func TestMerchantsMistakes(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for name, change := range map[string]func(*tolem.OrderRedirect){
			"service-of-others":  func(o *tolem.OrderRedirect) { o.Service = "BIRTH" },
			"unknown-service":    func(o *tolem.OrderRedirect) { o.Service = "NONE" },
			"price":              func(o *tolem.OrderRedirect) { o.Service = "CARDS" },
			"too-much":           func(o *tolem.OrderRedirect) { o.Amount.Minor = 10_000_001 },
			"currency":           func(o *tolem.OrderRedirect) { o.Amount.Currency = tolem.UZS },
			"return-elsewhere":   func(o *tolem.OrderRedirect) { o.Return = "https://evil.example/" },
			"return-beside":      func(o *tolem.OrderRedirect) { o.Return = back + "-2/x" },
			"return-to-port":     func(o *tolem.OrderRedirect) { o.Return = "https://shop.kz:8443/orders" },
			"return-unprotected": func(o *tolem.OrderRedirect) { o.Return = "http://127.0.0.1/orders" },
		} {
			o := w.order(name)
			change(&o)
			query := w.sign(o, w.shop)
			for range 3 {
				if _, err := w.gate.Open(t.Context(), query); !errors.Is(err, gateway.ErrOrderTerms) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if kept := w.kept(name); len(kept) != 1 || kept[0].Class != "NOT_SOLD" || kept[0].Direction != archive.In {
				t.Errorf("%s: kept %+v", name, kept)
			}
		}
		must(t, w.db.Update(t.Context(), func(tx *store.Tx) error {
			m, err := tx.Merchant(shopID)
			m.Active = false
			return errors.Join(err, tx.PutMerchant(m))
		}))
		if _, err := w.come(w.order("A-1")); !errors.Is(err, gateway.ErrOrderTerms) {
			t.Errorf("inactive: %v", err)
		}
	})
}

// other is another letter.
func other(letter byte) string {
	if letter == 'A' {
		return "B"
	}
	return "A"
}
