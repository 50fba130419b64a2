package soap

import (
	"slices"
	"strings"

	"tolem"
	"tolem/gateway"
)

// maxDetails bounds the words about a payment, in characters; maxAddress an
// address for a browser.
const (
	maxDetails = 200
	maxAddress = 1024
)

func decodeCardOrder(f *fields) gateway.CardOrder {
	return gateway.CardOrder{
		Code: f.code(), Recipient: f.iin("recipientIIN"), Service: tolem.ServiceCode(f.Identifier("serviceCode")), Amount: f.amount(),
		Details: f.OptionalText("details", maxDetails), ReturnURL: f.address("returnAddress"), Language: f.language(),
	}
}

func decodeAccountOrder(f *fields) gateway.AccountOrder {
	return gateway.AccountOrder{
		Service: tolem.ServiceCode(f.Identifier("serviceCode")), Provider: tolem.ProviderID(f.Identifier("providerId")),
		Recipient: f.iin("recipientIIN"), RecipientName: f.OptionalText("recipientName", maxName), Amount: f.amount(),
		RequestNo: tolem.RequestNo(f.OptionalText("requestNo", maxLabel)), Details: f.OptionalText("details", maxDetails),
		ReturnURL: f.address("returnAddress"), Language: f.language(),
	}
}

// address takes an address for a browser. Whether it is one that payers may be
// sent to is the operation's to judge.
func (f *fields) address(name string) string {
	s := f.Token(name)
	web := strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
	plain := !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
	f.Check(name, web && plain && len(s) <= maxAddress, "an address that begins with https://, at most "+itoa(maxAddress)+" characters")
	return s
}

func (f *fields) language() tolem.Language {
	if !f.Has("language") {
		return ""
	}
	l := tolem.Language(f.Token("language"))
	f.Check("language", slices.Contains(tolem.Languages, l), "one of the languages of the contract")
	return l
}

func encodeRedirect(_ *Handler, w *writer, r gateway.Redirect) error {
	if r.Code != 0 {
		w.code(r.Code)
	}
	w.Text("paymentId", string(r.Payment))
	w.Text("redirectAddress", r.Address)
	w.Time("expiresAt", r.ExpiresAt)
	return nil
}

func decodeCheckout(f *fields) tolem.PaymentID {
	return tolem.PaymentID(strings.ToLower(string(f.RequestID("paymentId"))))
}

func encodeCheckout(_ *Handler, w *writer, r gateway.CheckoutResult) error {
	s := r.Standing
	if r.Result != tolem.OK {
		return nil
	}
	w.Text("paymentId", string(s.Checkout.ID))
	w.Text("stage", string(s.Stage))
	w.Text("method", string(s.Checkout.Kind))
	if r.Code != 0 {
		w.code(r.Code)
	}
	// The attempt of another page for the same code is told as well: what it
	// comes to is what becomes of the code.
	if a := s.Last; a != nil {
		w.Text("bankId", string(a.Bank))
		w.Text("bankRef", string(a.BankRef))
		w.Time("paidAt", a.PaidAt)
		w.Text("refusal", string(a.Reason))
		w.Text("bankErrorCode", a.BankCode)
		w.Text("bankErrorText", a.BankText)
	}
	return nil
}
