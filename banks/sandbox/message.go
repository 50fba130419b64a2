package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/signing/c14n"
	"tolem/wsdl"
)

// request is a message of the gateway, read. Of a card it holds the mask, and
// the number until a rule was looked up.
type request struct {
	operation string
	requestID string
	attempt   tolem.AttemptID   // or
	claim     tolem.ClaimNumber // what it is about
	amount    tolem.Money
	what      Order
	cardNo    string
}

// order reports whether the message asks for money.
func (q request) order() bool {
	return q.operation == wsdl.BankAuthorizeCard || q.operation == wsdl.BankDebitAccount
}

// errContract reports a message that does not follow the contract. It quotes
// nothing of it.
var errContract = errors.New("message does not follow the contract")

var (
	requestIDForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	attemptForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	cardForm      = regexp.MustCompile(`^[0-9]{12,19}$`)
	cvcForm       = regexp.MustCompile(`^[0-9]{3,4}$`)
	saltForm      = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func readRequest(operation string, fields []signing.Field) (request, error) {
	q := request{operation: operation}
	if !slices.Contains(wsdl.BankOperations, operation) {
		return q, fmt.Errorf("%w: unknown operation", errContract)
	}
	var amount, currency, code string
	for _, f := range fields {
		o := &q.what
		switch f.Name {
		case "requestId":
			q.requestID = f.Value
		case "attemptId":
			q.attempt = tolem.AttemptID(f.Value)
		case "claimNumber":
			q.claim = tolem.ClaimNumber(f.Value)
		case "amount":
			amount = f.Value
		case "currency":
			currency = f.Value
		case "paymentCode":
			code = f.Value
		case "paymentId":
			o.Payment = tolem.PaymentID(f.Value)
		case "payerAccount":
			o.Payer = f.Value
		case "recipientIIN":
			o.Recipient = f.Value
		case "serviceCode":
			o.Service = tolem.ServiceCode(f.Value)
		case "providerId":
			o.Provider = tolem.ProviderID(f.Value)
		case "accountNo":
			o.Account = f.Value
		case "merchantCode":
			o.Merchant = f.Value
		case "orderNo":
			o.OrderNo = f.Value
		case "card":
			if err := q.readCard(f.Fields); err != nil {
				return q, err
			}
		}
	}
	switch {
	case !requestIDForm.MatchString(q.requestID):
		return q, errContract
	case operation == wsdl.BankPayClaim:
		return q.readClaim(amount, currency)
	case !attemptForm.MatchString(string(q.attempt)):
		return q, errContract
	case !q.order():
		return q, nil
	}
	return q.readOrder(amount, currency, code)
}

func (q request) readClaim(amount, currency string) (request, error) {
	if _, err := tolem.ParseClaimNumber(string(q.claim)); err != nil {
		return q, fmt.Errorf("%w: claimNumber", errContract)
	}
	return q, q.readAmount(amount, currency)
}

func (q *request) readAmount(amount, currency string) error {
	unit, err := tolem.ParseCurrency(currency)
	if err != nil {
		return fmt.Errorf("%w: currency", errContract)
	}
	if q.amount, err = tolem.ParseMoney(amount, unit); err != nil {
		return fmt.Errorf("%w: amount", errContract)
	}
	return nil
}

func (q *request) readCard(fields []signing.Field) error {
	f := make(map[string]string)
	for _, x := range fields {
		f[x.Name] = x.Value
	}
	if !cardForm.MatchString(f["number"]) || !cvcForm.MatchString(f["cvc"]) || !saltForm.MatchString(f["salt"]) ||
		len(f["expiryMonth"]) != 2 || len(f["expiryYear"]) != 4 || f["holderName"] == "" {
		return fmt.Errorf("%w: card", errContract)
	}
	n := f["number"]
	q.cardNo = n
	q.what.Masked = n[:6] + strings.Repeat("*", len(n)-10) + n[len(n)-4:]
	return nil
}

func (q request) readOrder(amount, currency, code string) (_ request, err error) {
	if err := q.readAmount(amount, currency); err != nil {
		return q, err
	}
	if code != "" {
		if q.what.Code, err = tolem.ParseCodeNumber(code); err != nil {
			return q, fmt.Errorf("%w: paymentCode", errContract)
		}
	}
	q.what.Kind = KindCard
	if q.operation == wsdl.BankDebitAccount {
		q.what.Kind = KindAccount
	}
	if q.what.Kind == KindCard && q.cardNo == "" || q.what.Kind == KindAccount && (q.what.Payer == "" || q.what.Payment == "") {
		return q, fmt.Errorf("%w: card or account", errContract)
	}
	return q, nil
}

// entry makes an entry of an order, not decided yet.
func (q request) entry() Entry {
	return Entry{Attempt: q.attempt, Order: q.what, Minor: q.amount.Minor, Currency: q.amount.Currency}
}

// reference makes the bank's number and authorisation code of an attempt or a
// claim: the same for the same, another for every other.
func (b *Bank) reference(of string) (tolem.BankRef, string) {
	hash := sha256.Sum256([]byte(string(b.config.Bank) + "\x00" + of))
	digits := strings.ToUpper(hex.EncodeToString(hash[:]))
	return tolem.BankRef("S" + digits[:15]), digits[20:26]
}

// message is the signed answer, spoilt as the manner says.
func (b *Bank) message(q request, e Entry, result string, m Manner) ([]byte, error) {
	var w c14n.Builder
	w.Root(q.operation+"Response", wsdl.BankNamespace)
	id := q.requestID
	if m == MannerOtherRequest {
		id = "00000000-0000-8000-8000-000000000000"
	}
	w.Text("requestId", id)
	w.Text("attemptId", string(q.attempt))
	w.Text("claimNumber", string(q.claim))
	w.Text("resultCode", result)
	if result == string(e.State) {
		e.write(&w, m == MannerWrongAmount)
	}
	w.Close(q.operation + "Response")

	signer := map[Manner]*signing.Signer{MannerRevoked: b.config.Revoked, MannerStranger: b.config.Stranger}[m]
	if signer == nil {
		signer = b.config.Signer
		if m == MannerRevoked || m == MannerStranger {
			m = MannerBadSignature // for want of such a certificate
		}
	}
	signed, err := signer.Sign(signing.SOAP11, w.Bytes, b.config.Clock())
	switch m {
	case MannerDuplicate:
		signed = append(signed, signed...)
	case MannerBadSignature:
		signed = bytes.Replace(signed, []byte("<resultCode>"), []byte("<resultCode>X"), 1)
	}
	return signed, err
}

// write writes what goes with the state.
func (e Entry) write(w *c14n.Builder, wrongAmount bool) {
	if e.State == Refused && e.Claim == "" {
		w.Text("reason", string(e.Reason))
	}
	w.Text("bankCode", e.BankCode)
	w.Text("bankText", e.BankText)
	if e.State != Approved && e.State != Reversed && e.State != Paid {
		return
	}
	w.Text("bankRef", string(e.BankRef))
	w.Text("authCode", e.AuthCode)
	w.Time("paidAt", e.PaidAt)
	amount := e.Amount()
	if wrongAmount {
		amount.Minor++
	}
	w.Text("amount", amount.Decimal())
	w.Text("currency", string(amount.Currency))
}

// Amount returns the amount of the attempt.
func (e Entry) Amount() tolem.Money { return tolem.Money{Minor: e.Minor, Currency: e.Currency} }

// refused returns the entry refused.
func (e Entry) refused(reason tolem.RefusalReason, code, text string) Entry {
	e.State, e.Reason, e.BankCode, e.BankText = Refused, reason, code, text
	return e
}

// reversed returns the entry after a reversal: what was taken goes back, what is
// not decided never will be, and what is final stays.
func (e Entry) reversed(now time.Time) Entry {
	how, err := ParseBehaviour(e.Behaviour)
	switch {
	case e.State == Pending:
		return e.refused(tolem.RefusedByRules, "REVERSED", "reversed before it was decided")
	case e.State != Approved || err == nil && how.Effect == EffectFinal:
		return e
	}
	e.State, e.ReversedAt = Reversed, now.UTC().Truncate(time.Microsecond)
	if e.Notice == noticeDue {
		e.Notice = noticeDropped
	}
	return e
}

// same reports whether the order is the one of the entry.
func (e Entry) same(q request) bool { return e.Order == q.what && e.Amount() == q.amount }
