// Package results makes what a merchant is told of its orders: a signed document
// for each decision of a bank and each payment, refund or reversal (ACQ-020,
// ACQ-024, ACQ-P12). It is made, kept as evidence and put in line for the
// merchant's server in the transaction that decides, so that no decision goes
// untold and nothing is told that was not decided.
//
// It decides nothing and sends nothing. The engine of payments and the gateway
// call it, through functions that cmd joins; the courier of registry/deliver
// carries what is in line.
package results

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/signing"
	"tolem/signing/c14n"
	"tolem/store"
	"tolem/wsdl"
)

// Config joins a Desk.
type Config struct {
	Directory *banks.Directory
	Evidence  *archive.Archive
	Signer    *signing.Signer // RSA
	// Enqueue puts a result in line for its merchant.
	Enqueue func(tx *store.Tx, merchant tolem.ParticipantID, number string) error
}

// Desk makes results. It is safe for concurrent use.
type Desk struct{ Config }

// New returns a desk.
func New(c Config) *Desk { return &Desk{c} }

// Decided tells the merchant what the bank has said of an attempt, in the
// transaction that stores it. Attempts that are no merchant's are passed over,
// and so is what the bank says after the money has come: the merchant knows
// more by then. Merchants' orders are paid by card; the code of a payment from an
// account is made in the same transaction and cannot be read yet.
func (d *Desk) Decided(tx *store.Tx, a tolem.Attempt) error {
	state, ok := map[tolem.AttemptState]tolem.OrderState{
		tolem.AttemptApproved: tolem.OrderAuthorised, tolem.AttemptRefused: tolem.OrderRefused, tolem.AttemptReversed: tolem.OrderReversed,
	}[a.State]
	if !ok || a.Code == 0 || a.Method != tolem.MethodCard {
		return nil
	}
	c, err := tx.Code(a.Code)
	if err != nil || !d.ofMerchant(c) {
		return err
	}
	told, err := tx.CountResults(c.Requester, c.RequestNo)
	if err != nil {
		return err
	}
	// Whether the money has come is asked after the results were counted: if it
	// comes later than this, the order has one result more than was counted, and
	// the closure is run again.
	if c, err = tx.Code(a.Code); err != nil || state != tolem.OrderReversed && !c.PaidAt.IsZero() {
		return err
	}
	return d.tell(tx, c, a, state, told)
}

// Settled tells the merchant that its order is paid, or that the payment does
// not count any more, in the transaction that makes the code so.
func (d *Desk) Settled(tx *store.Tx, c tolem.Code, p tolem.Payment) error {
	state, ok := map[tolem.State]tolem.OrderState{tolem.StatePaid: tolem.OrderPaid, tolem.StateRefunded: tolem.OrderRefunded}[c.State]
	if !ok || !d.ofMerchant(c) {
		return nil
	}
	attempts, err := tx.AttemptsOfCode(c.Number)
	if err != nil {
		return err
	}
	a, found := paidBy(attempts)
	if !found {
		return nil // no order of the payment page: the merchant asked for the code itself, and knows how to ask after it
	}
	// The notification may have overtaken the answer to the attempt.
	a.Bank, a.BankRef, a.PaidAt = p.Bank, p.BankRef, p.PaidAt
	told, err := tx.CountResults(c.Requester, c.RequestNo)
	if err != nil {
		return err
	}
	return d.tell(tx, c, a, state, told)
}

// ofMerchant reports whether a code is that of a merchant's order.
func (d *Desk) ofMerchant(c tolem.Code) bool {
	p, ok := d.Directory.Participant(c.Requester)
	return ok && p.Kind == tolem.KindMerchant
}

// paidBy returns the attempt that brought the money: the approved one, or the
// one whose approval the bank's notification has overtaken.
func paidBy(attempts []tolem.Attempt) (tolem.Attempt, bool) {
	for _, fits := range []func(tolem.AttemptState) bool{
		func(s tolem.AttemptState) bool { return s == tolem.AttemptApproved },
		func(s tolem.AttemptState) bool { return s == tolem.AttemptReversed },
		tolem.AttemptState.Open,
		func(s tolem.AttemptState) bool { return s == tolem.AttemptRefused },
	} {
		for _, a := range attempts {
			if fits(a.State) {
				return a, true
			}
		}
	}
	return tolem.Attempt{}, false
}

// tell makes a result, keeps it and puts it in line, once. The order has been
// told so many results before.
func (d *Desk) tell(tx *store.Tx, c tolem.Code, a tolem.Attempt, state tolem.OrderState, told int64) error {
	number := tolem.ResultNumber(a.ID, state)
	_, err := tx.Result(number)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return err
	}
	r := store.MerchantResult{
		Number: number, Merchant: c.Requester, OrderNo: c.RequestNo, Sequence: told + 1, Attempt: a.ID, Code: c.Number, State: state, MadeAt: tx.Now(),
	}
	if r.Document, err = d.Signer.SignEnveloped(document(r, c, a)); err != nil {
		return fmt.Errorf("sign result: %w", err)
	}
	return errors.Join(tx.InsertResult(r), d.Enqueue(tx, r.Merchant, r.Number), d.Evidence.Add(tx, archive.Record{
		ID: archive.NewMessageID(tx.Now()), Direction: archive.Out, At: tx.Now(), Participant: r.Merchant, Code: c.Number, Raw: r.Document,
		Certificate: d.Signer.Certificate(),
	}))
}

// document writes a result in canonical form, before its signature.
func document(r store.MerchantResult, c tolem.Code, a tolem.Attempt) []byte {
	var b c14n.Builder
	b.Root("result", wsdl.ResultNamespace)
	b.Text("number", r.Number)
	b.Text("merchantId", string(r.Merchant))
	b.Text("orderNo", string(r.OrderNo))
	b.Text("sequence", strconv.FormatInt(r.Sequence, 10))
	b.Text("attemptId", string(a.ID))
	b.Text("paymentCode", c.Number.String())
	b.Text("serviceCode", string(c.Service))
	b.Text("amount", c.Amount.Decimal())
	b.Text("currency", string(c.Amount.Currency))
	b.Text("authorisation", r.State.Authorisation())
	b.Text("state", string(r.State))
	if r.State == tolem.OrderRefused {
		b.Text("reason", string(a.Reason))
	}
	b.Text("bankId", string(a.Bank))
	b.Text("bankCode", printable(a.BankCode))
	b.Text("bankText", printable(a.BankText))
	b.Text("bankRef", printable(string(a.BankRef)))
	b.Text("card", a.Masked)
	b.Time("startedAt", a.StartedAt)
	b.Time("decidedAt", a.DecidedAt)
	b.Time("paidAt", a.PaidAt)
	b.Time("madeAt", r.MadeAt)
	b.Close("result")
	return b.Bytes
}

// printable leaves of a bank's words what XML can hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfffd || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, s)
}
